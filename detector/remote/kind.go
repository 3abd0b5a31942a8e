package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// section is detectors.remote.
type section struct {
	detector.Settings `yaml:",inline"`
	Config            `yaml:",inline"`
}

// Validate looks at both halves.
func (c section) Validate() error { return errors.Join(c.Settings.Validate(), c.Config.Validate()) }

// Kind is the section detectors.remote. Each host has a job of its own, so that
// none waits for another; all that one Kind makes share Parallel.
func Kind() detector.Kind {
	defaults := section{detector.Settings{Schedule: "@every 60s", Timeout: 30 * time.Second}, Defaults()}
	gate := semaphore.NewWeighted(Parallel)
	return detector.NewKind("remote", "Hosts on which nothing may be installed, looked at over SSH: Solaris, ESXi, AIX, Linux.", defaults, detector.Making[section]{
		Others: func(c section, s detector.Site) (all []detector.Other, err error) {
			var errs []error
			for i, t := range c.Resolved() {
				list, err := t.list(s)
				if err != nil {
					errs = append(errs, under(fmt.Sprintf("targets[%d]", i), err))
				}
				all = append(all, detector.Other{Host: t.Host, From: "detectors.remote.targets", List: list})
			}
			return all, errors.Join(errs...)
		},
		Way: func(c section, s detector.Site, k event.Key) bool {
			return k.Name == detector.WaySSH && s.Hosts[event.Token(k.Host)].List != nil
		},
		Budget: section.budget,
		Plans: func(c section, s detector.Site) (plans []detector.Plan) {
			doors := map[string]*semaphore.Weighted{}
			for _, t := range c.Resolved() {
				if doors[t.Address] == nil {
					doors[t.Address] = semaphore.NewWeighted(Logins)
				}
				items := t.items(s.Hosts[event.Token(t.Host)].List, s)
				name := "remote " + t.Host
				o := Options{Observer: s.Host + " (ssh)", Timeout: c.Timeout, Confirm: c.Confirm, Gate: gate, Door: doors[t.Address]}
				settings := c.Settings
				settings.Timeout = Patience(o, len(c.Targets))
				settings.Jitter = cmp.Or(settings.Jitter, spread(len(c.Targets), settings.Schedule))
				plans = append(plans, detector.Plan{Name: name, Timing: settings, Spec: []any{settings, c.Confirm, t, items}, Make: func(live detector.Live) (detector.Job, error) {
					o.Log = live.Log
					o.Before = live.Told(o.Observer, t.Host)
					o.Tell = func(ctx context.Context, report event.FactsReport) error {
						return live.Tell(ctx, []event.FactsReport{report})
					}
					d, err := New(Target{TargetConfig: t, Items: items}, o)
					if err != nil {
						return detector.Job{}, err
					}
					j := settings.Job(name, d)
					j.Keys, j.Veils = d.Keys(), true
					return j, nil
				}})
			}
			return plans
		},
	})
}

// budget says what the looks need at worst. Each host has a look of its own, so
// one that hangs makes no other one late as long as there are places.
func (c section) budget() (event.Said, []setting.Error) {
	if len(c.Targets) == 0 {
		return event.Said{}, nil
	}
	var wrong []setting.Error
	if every := detector.Interval(c.Settings.Schedule); len(c.Targets) > Parallel && Patience(Options{Timeout: c.Timeout}, len(c.Targets)) > every {
		wrong = append(wrong, setting.Error{Key: "schedule", Err: words.Fail(words.ManyHang.With(len(c.Targets), Parallel, every.String()))})
	}
	return words.RemoteBudget.With(len(c.Targets), Parallel, Logins).And(words.OneLookBudget.With(c.Timeout.String(), c.Settings.Schedule)), wrong
}

// spread is the jitter of so many targets where none is configured: they are
// not all to log in at the same moment.
func spread(targets int, schedule string) time.Duration {
	return min(time.Duration(targets)*50*time.Millisecond, 5*time.Second, detector.Interval(schedule)/10)
}

// list is the rows of a target: the vendor's for its system, and the
// operator's own for that host.
func (t TargetConfig) list(s detector.Site) (*catalog.Catalog, error) {
	if event.Token(t.Host) == event.Token(s.Host) {
		return nil, words.Bad(".host", words.TargetIsThisHost.With(t.Host))
	}
	list, err := s.Vendor.With(onlyOn(t.OS, t.Items), append(slices.Clone(t.Ignore), s.Ignore...))
	if err != nil {
		return nil, under(".", err)
	}
	if len(t.items(list, s)) == 0 {
		return nil, words.Bad("", words.NothingToSee.With(t.OS, fmt.Sprintf("%v", t.Components)))
	}
	return list, nil
}

// onlyOn says of which system the rows are where they do not say it.
func onlyOn(os string, rows []catalog.Row) []catalog.Row {
	rows = slices.Clone(rows)
	for i := range rows {
		if len(rows[i].OS) == 0 {
			rows[i].OS = []string{os}
		}
	}
	return rows
}

// items maps the rows of a target onto what can be seen of it.
func (t TargetConfig) items(list *catalog.Catalog, s detector.Site) []Item {
	var items []Item
	for _, r := range list.Rows(t.OS) {
		k := event.Key{Host: t.Host, Component: r.Component, Kind: r.Kind, Name: r.Name}
		foreign := slices.Contains(event.Components.Allowed(), r.Component) && !slices.Contains(t.Components, r.Component)
		if foreign || !CanSee(t.OS, r.Kind) || s.Claimed[k] { // the operator said how to look at it
			continue
		}
		owner := process.OwnerOf(detector.Item{Key: k, Row: r}, detector.Site{}, detector.Live{})
		items = append(items, Item{
			Key: k, Names: r.Names(), Exe: r.Paths(), Want: r.Want(), Port: r.Port(), Loopback: !r.Reached(),
			Who: owner.Who, User: owner.User, Args: r.Match.Args,
		})
	}
	return items
}
