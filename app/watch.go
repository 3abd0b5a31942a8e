package app

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"

	"dswatch/catalog"
	"dswatch/config"
	"dswatch/detector"
	"dswatch/detector/facts"
	"dswatch/detector/tamper"
	"dswatch/event"
	"dswatch/words"
)

// watch is what the kinds of detectors make of a configuration.
type watch struct {
	plans   []detector.Plan
	lists   map[string]*catalog.Catalog // of other hosts with rows of their own, by name
	claimed map[event.Key]bool
	reports bool // a manager is asked
	// remembers says that some jobs must know what they saw when the program
	// last ran.
	remembers bool
	ways      func(event.Key) bool // whether this configuration looks through the item
	warnings  []event.Said
	budgets   []event.Said
}

// newWatch asks every kind. Every row is observed, expected or not: facts may
// change, and whether a loss counts is for the rules to say.
func newWatch(l *Loaded, vendor *catalog.Catalog) (*watch, error) {
	c := l.Config
	w := &watch{lists: map[string]*catalog.Catalog{}, claimed: map[event.Key]bool{}}
	site := detector.Site{
		Host: c.Host, Rows: l.Catalog.Rows(runtime.GOOS), List: l.Catalog, Vendor: vendor, Ignore: c.Watch.Ignore,
		User: c.Watch.Facts.User, Folders: c.Watch.Facts.Folders, Claimed: w.claimed, Hosts: map[string]detector.Other{},
	}
	sections := c.sections()
	for i, k := range l.kinds.Detectors {
		for _, key := range k.Claims(sections[i], c.Host) {
			w.claimed[key] = true
		}
		w.reports = w.reports || k.Reports(sections[i])
		w.remembers = w.remembers || k.Remembers(sections[i])
	}
	errs := []error{checkItems(l, site, sections)}
	for i, k := range l.kinds.Detectors {
		others, err := k.Others(sections[i], site)
		errs = append(errs, below(l.file, "detectors."+k.Type, err))
		for _, o := range others {
			if s := lookalike(o.Host); !s.Empty() {
				w.warnings = append(w.warnings, warning(l.file, o.From, s))
			}
			site.Hosts[event.Token(o.Host)] = o
			if o.List != nil {
				w.lists[o.Host] = o.List
			}
		}
	}
	if err := config.Join(errs...); err != nil {
		return nil, err
	}
	for i, k := range l.kinds.Detectors {
		plans := k.Plans(sections[i], site)
		w.plans = append(w.plans, plans...)
		budget, warnings := k.Budget(sections[i])
		if budget.Empty() { // else it has reckoned for itself
			warnings = append(warnings, overrun(plans, l.file.Has("detectors."+k.Type+".timeout"))...)
		}
		if !budget.Empty() {
			w.budgets = append(w.budgets, words.AtKey.With("detectors."+k.Type, words.Fail(budget)))
		}
		for _, s := range warnings {
			path := "detectors." + k.Type + "." + s.Key
			w.warnings = append(w.warnings, warning(l.file, path, words.Of(s.Err)))
		}
	}
	w.ways = func(key event.Key) bool {
		for i, k := range l.kinds.Detectors {
			if k.Way(sections[i], site, key) {
				return true
			}
		}
		return false
	}
	return w, nil
}

// evidence is the job that tells what the agent said of itself.
func evidence(q *facts.Query, host string) detector.Job {
	j := detector.DefaultSettings().Job(string(event.Evidence), facts.Evidence{Query: q, Host: host})
	j.Keys = q.Keys(host)
	return j
}

// checkItems refuses rows of the operator's own that no detector of this host
// can look for. What is declared for another OS is for that one to say.
func checkItems(l *Loaded, site detector.Site, sections []any) error {
	if os := l.Config.Watch.Facts.OS; os != "" && os != runtime.GOOS {
		return nil
	}
	var errs []error
	for i, r := range l.Config.Watch.Items {
		if !r.On(runtime.GOOS) {
			continue
		}
		r.Component = cmp.Or(r.Component, "custom") // the list has filled in its own
		site.Rows = []*catalog.Row{&r}
		for n, k := range l.kinds.Detectors {
			if k.Row != r.Kind {
				continue
			}
			for _, p := range k.Plans(sections[n], site) {
				if j, err := p.Make(detector.Live{}); err != nil {
					errs = append(errs, l.file.Fault(fmt.Sprintf("watch.items[%d].name", i), words.Of(cmp.Or(errors.Unwrap(err), err))))
				} else {
					detector.Close(j)
				}
			}
		}
	}
	return config.Join(errs...)
}

// jobs makes all that is planned.
func (w *watch) jobs(live detector.Live) (jobs []detector.Job, err error) {
	for _, p := range w.plans {
		j, err := p.Make(live)
		if err != nil {
			detector.Close(jobs...)
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// installation is the job that looks whether what is installed is still there.
func installation(p *facts.Presence) detector.Job {
	s := detector.DefaultSettings()
	s.Timeout *= 4
	j := s.Job(string(event.Installation), p)
	j.Keys = p.Keys()
	return j
}

// traces is the job that looks whether somebody disarms what is installed.
func traces(w *tamper.Watch) detector.Job {
	s := detector.DefaultSettings()
	s.Schedule = "@every 1m"
	j := s.Job(string(event.Tamper), w)
	j.Keys = w.Keys()
	return j
}

// rows answers the rules engine from the catalog. It implements engine.Rows.
type rows struct {
	list  *catalog.Catalog
	watch *watch
	fleet bool // other hosts may look at what is not looked at here
}

func newRows(l *Loaded) *rows {
	return &rows{list: l.Catalog, watch: l.watch, fleet: l.Config.Bus.URL != ""}
}

// Find returns the row of an item and whether it is expected. A port that
// the operator named as a target is expected because he said so.
func (r *rows) Find(k event.Key, f event.Facts) (*catalog.Row, catalog.Verdict) {
	os, _ := f.Get(event.OS)
	list := r.list
	if own := r.watch.lists[k.Host]; own != nil {
		list = own
	}
	row := list.Find(k, os.Value)
	gone := detector.Reported(k) && !r.watch.reports || detector.IsWay(k) && !r.watch.ways(k)
	if gone && !r.fleet {
		return nil, catalog.Verdict{} // the section was taken out of the configuration
	}
	if row == nil && detector.IsWay(k) { // one network
		row = list.Find(detector.Way(k.Host, detector.WayNetwork), os.Value)
	}
	if r.watch.claimed[k] {
		if row == nil {
			row = &catalog.Row{Component: k.Component, Kind: k.Kind, Name: k.Name}
		}
		return row, catalog.Verdict{
			Expected: catalog.Yes,
			Reason:   words.InTargets.With(),
		}
	}
	if row == nil {
		return nil, catalog.Verdict{}
	}
	return row, row.Evaluate(f)
}
