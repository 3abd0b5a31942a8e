package process

import "dswatch/event"

// Impostor is a stranger that runs under a name of a target.
type Impostor struct {
	Name string     // that it bears
	Who  string     // its user and program: the same each time it runs
	Why  event.Said // it is none of ours
}

// Impostors are those that the last Detect found. A script that root runs is
// none: a package's own, which starts the service, has its name.
func (d *Detector) Impostors() (all []Impostor) {
	for _, t := range d.targets {
		for _, s := range t.strangers {
			if s.who != "" {
				all = append(all, Impostor{s.name, s.who, s.standing.stranger})
			}
		}
	}
	return all
}
