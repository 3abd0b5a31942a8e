package app

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
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
	settings detector.Settings
	keys     []event.Key
	make     func() (detector.Detector, error)
}

// jobs maps the rows for this host's OS, and the configured targets, onto
// detectors. Every row is observed, expected or not: facts may change, and
// whether a loss counts is for the rules to say.
func (l *Loaded) jobs(os string) ([]detector.Job, error) {
	var jobs []detector.Job
	for _, w := range l.watched(l.Catalog.Rows(os)) {
		if len(w.keys) == 0 {
			continue
		}
		d, err := w.make()
		if err != nil {
			return nil, fmt.Errorf("make the %s detector: %w", w.kind, err)
		}
		jobs = append(jobs, detector.Job{
			Name: string(w.kind), Schedule: w.settings.Schedule, Timeout: w.settings.Timeout, Jitter: w.settings.Jitter,
			Keys: w.keys, Detector: d,
		})
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
		for _, w := range l.watched([]*catalog.Row{&r}) {
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

func (l *Loaded) watched(rows []*catalog.Row) []watched {
	var processes []process.Target
	var services []service.Target
	var drivers []driver.Target
	ports := l.Detectors.Port.Expand(l.Host)
	keys := map[event.Kind][]event.Key{}
	for _, t := range ports {
		keys[event.Port] = append(keys[event.Port], t.Key)
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
	return []watched{
		{event.Process, d.Process, keys[event.Process], func() (detector.Detector, error) { return process.New(processes) }},
		{event.Service, d.Service, keys[event.Service], func() (detector.Detector, error) { return service.New(services) }},
		{event.Driver, d.Driver, keys[event.Driver], func() (detector.Detector, error) { return driver.New(drivers) }},
		{event.Port, d.Port.Settings, keys[event.Port], func() (detector.Detector, error) { return port.New(ports, port.Options{Rate: d.Port.Rate}) }},
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
}

func newRows(l *Loaded) *rows {
	return &rows{list: l.Catalog, targets: l.targets(), remote: l.remote, asked: l.Detectors.Manager.Enabled() || l.Bus.URL != ""}
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
	if reported(k.Kind) && !r.asked {
		return nil, catalog.Verdict{} // the section was taken out of the configuration
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

// declared returns the facts of the configuration with their origin.
func (l *Loaded) declared() event.Facts {
	return l.Watch.Facts.Facts("declared", time.Time{})
}
