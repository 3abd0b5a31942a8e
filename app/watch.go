package app

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"dswatch/catalog"
	"dswatch/config"
	"dswatch/detector"
	"dswatch/detector/driver"
	"dswatch/detector/facts"
	"dswatch/detector/port"
	"dswatch/detector/process"
	"dswatch/detector/service"
	"dswatch/event"
)

// rowKey is the item of a row on this host.
func (l *Loaded) rowKey(r *catalog.Row) event.Key {
	return event.Key{Host: l.Host, Component: r.Component, Kind: r.Kind, Name: r.Name}
}

// watched are the items of one kind with the settings of its detector.
type watched struct {
	kind     event.Kind
	name     string // of the job; empty: the kind
	settings detector.Settings
	keys     []event.Key
	make     func() (detector.Detector, error)
}

// jobs maps the rows for this host's OS, and the configured targets, onto
// detectors. Every row is observed, expected or not: facts may change, and
// whether a loss counts is for the rules to say.
// Known are the items that came with a look when the program last ran.
func (l *Loaded) jobs(os string, known []event.Key) ([]detector.Job, error) {
	var jobs []detector.Job
	for _, w := range l.watched(l.Catalog.Rows(os), known) {
		if len(w.keys) == 0 {
			continue
		}
		d, err := w.make()
		if err != nil {
			return nil, fmt.Errorf("make the %s detector: %w", w.kind, err)
		}
		job := detector.Job{
			Name: cmp.Or(w.name, string(w.kind)), Schedule: w.settings.Schedule, Timeout: w.settings.Timeout, Jitter: w.settings.Jitter,
			Keys: w.keys, Detector: d,
		}
		if p, ok := d.(*port.Detector); ok && len(p.Ways()) > 0 {
			job.Keys, job.Open = append(job.Keys, p.Ways()...), true // networks come with the names that are resolved
			job.Known = slices.DeleteFunc(slices.Clone(known), func(k event.Key) bool { return !p.Known(k) })
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// installation is the job that looks whether what is installed is still there.
func (l *Loaded) installation(p *facts.Presence) detector.Job {
	s := detector.DefaultSettings()
	return detector.Job{Name: string(event.Installation), Schedule: s.Schedule, Timeout: 4 * s.Timeout, Keys: p.Keys(), Detector: p}
}

// checkItems refuses rows of the operator's own that no detector of this host
// can look for. What is declared for another OS is for that one to say.
func (l *Loaded) checkItems(file *config.File) error {
	if os := l.Watch.Facts.OS; os != "" && os != runtime.GOOS {
		return nil
	}
	var errs []error
	for i, r := range l.Watch.Items {
		if !r.On(runtime.GOOS) || r.Kind == event.Port { // the catalog knows what a port is
			continue
		}
		for _, w := range l.watched([]*catalog.Row{&r}, nil) {
			if w.kind != r.Kind {
				continue
			}
			if _, err := w.make(); err != nil {
				errs = append(errs, file.Errorf(fmt.Sprintf("watch.items[%d].name", i), "%s", cmp.Or(errors.Unwrap(err), err)))
			}
		}
	}
	return config.Join(errs...)
}

func (l *Loaded) watched(rows []*catalog.Row, known []event.Key) []watched {
	var processes []process.Target
	var services []service.Target
	var drivers []driver.Target
	var ports, far []port.Target // those of this host share nothing with the others
	keys := map[event.Kind][]event.Key{}
	var farKeys []event.Key
	for _, t := range l.Detectors.Port.Expand(l.Host) {
		if t.Local() {
			ports, keys[event.Port] = append(ports, t), append(keys[event.Port], t.Key)
			continue
		}
		far, farKeys = append(far, t), append(farKeys, t.Key)
	}
	configured := l.targets()
	for _, r := range rows {
		k := l.rowKey(r)
		switch r.Kind {
		case event.Process:
			processes = append(processes, process.Target{Key: k, Names: r.Names(), Exe: r.Paths(), Want: r.Want()})
		case event.Service:
			services = append(services, service.Target{Key: k, Names: r.Names()})
		case event.Driver:
			drivers = append(drivers, driver.Target{Key: k, Names: r.Names()})
		case event.Port:
			if configured[k] {
				continue // the operator said how to look at it
			}
			ports = append(ports, port.Target{Key: k, Port: r.Port(), Method: port.Listen, Loopback: !r.Reached()})
		}
		keys[r.Kind] = append(keys[r.Kind], k)
	}
	d := l.Detectors
	targets := d.Port.Settings
	targets.Timeout = d.Port.patience()
	return []watched{
		{event.Process, "", d.Process, keys[event.Process], func() (detector.Detector, error) { return process.New(processes) }},
		{event.Service, "", d.Service, keys[event.Service], func() (detector.Detector, error) { return service.New(services) }},
		{event.Driver, "", d.Driver, keys[event.Driver], func() (detector.Detector, error) { return driver.New(drivers) }},
		{event.Port, "", d.Port.Settings, keys[event.Port], func() (detector.Detector, error) { return port.New(ports, port.Options{}) }},
		{event.Port, "port targets", targets, farKeys, func() (detector.Detector, error) {
			return port.New(far, port.Options{Rate: d.Port.Rate, Here: l.Host, Known: known})
		}},
	}
}

// targets are the ports that the configuration names itself.
func (l *Loaded) targets() map[event.Key]bool {
	out := map[event.Key]bool{}
	for _, t := range l.Detectors.Port.Expand(l.Host) {
		out[t.Key] = true
	}
	return out
}

// rows answers the rules engine from the catalog. It implements engine.Rows.
type rows struct {
	list    *catalog.Catalog
	targets map[event.Key]bool
	remote  remoteList
	asked   bool // a manager may be asked, here or elsewhere
	ways    func(event.Key) bool
}

func newRows(l *Loaded) *rows {
	return &rows{list: l.Catalog, targets: l.targets(), remote: l.remote, asked: l.Detectors.Manager.Enabled() || l.Bus.URL != "", ways: l.hasWay}
}

// Find returns the row of an item and whether it is expected. A port that
// the operator named as a target is expected because he said so.
func (r *rows) Find(k event.Key, f event.Facts) (*catalog.Row, catalog.Verdict) {
	os, _ := f.Get(event.OS)
	list := r.list
	if own := r.remote[k.Host]; own != nil {
		list = own
	}
	row := list.Find(k, os.Value)
	if reported(k) && !r.asked || detector.IsWay(k) && !r.ways(k) {
		return nil, catalog.Verdict{} // the section was taken out of the configuration
	}
	if row == nil && detector.IsWay(k) { // one network
		row = list.Find(detector.Way(k.Host, detector.WayNetwork), os.Value)
	}
	if r.targets[k] {
		if row == nil {
			row = &catalog.Row{Component: k.Component, Kind: k.Kind, Name: k.Name}
		}
		return row, catalog.Verdict{
			Expected: catalog.Yes,
			Reason:   "declared in detectors.port.targets",
			ReasonJA: "detectors.port.targets で指定されています",
		}
	}
	if row == nil {
		return nil, catalog.Verdict{}
	}
	return row, row.Evaluate(f)
}

// hasWay reports whether this configuration, or that of another host, may look
// through the item.
func (l *Loaded) hasWay(k event.Key) bool {
	switch {
	case k.Name == detector.WaySSH:
		return l.remote[k.Host] != nil || l.Bus.URL != ""
	case k.Name == detector.WayVSphere:
		return l.Detectors.VSphere.Enabled() || l.Bus.URL != ""
	case event.Token(k.Host) == event.Token(l.Host):
		return l.Detectors.Port.Budget().Endpoints > 0
	}
	return l.Bus.URL != ""
}

// declared returns the facts of the configuration with their origin.
func (l *Loaded) declared() event.Facts {
	return l.Watch.Facts.Facts("declared", time.Time{})
}
