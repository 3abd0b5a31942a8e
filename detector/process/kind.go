package process

import (
	"cmp"
	"slices"

	"dswatch/detector"
	"dswatch/event"
)

// Kind is the section detectors.process.
func Kind() detector.Kind {
	return detector.NewKind(string(event.Process), "Processes.", detector.DefaultSettings(), detector.Making[detector.Settings]{
		Row: event.Process,
		Plans: func(c detector.Settings, s detector.Site) []detector.Plan {
			items := s.Items(event.Process)
			if len(items) == 0 {
				return nil
			}
			return []detector.Plan{{Name: string(event.Process), Timing: c, Again: true, Spec: []any{c, items, s.User, s.Folders}, Make: func(live detector.Live) (detector.Job, error) {
				var targets []Target
				for _, it := range items {
					targets = append(targets, Target{
						Key: it.Key, Names: it.Row.Names(), Exe: it.Row.Paths(), Want: it.Row.Want(), Args: it.Row.Match.Args, Owner: OwnerOf(it, s, live),
					})
				}
				d, err := New(targets)
				if err != nil {
					return detector.Job{}, err
				}
				j := c.Job(string(event.Process), d, items...)
				j.Again = true
				return j, nil
			}}}
		},
	})
}

// notifier is started at logon, as the user.
const notifier = "Notifier.exe"

// OwnerOf says whose processes count for a row. The vendor's are the system's,
// but for the one that each session has.
func OwnerOf(it detector.Item, s detector.Site, live detector.Live) Owner {
	r := it.Row
	if !slices.Contains(event.Components.Allowed(), r.Component) {
		return Owner{User: r.Match.User}
	}
	o := Owner{Who: System, User: cmp.Or(r.Match.User, s.User), Folders: func() []string {
		if live.Folders == nil {
			return s.Folders
		}
		return append(slices.Clip(live.Folders(r.Component)), s.Folders...)
	}}
	if r.Name == notifier {
		o.Who = Session
	}
	return o
}
