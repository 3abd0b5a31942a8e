package vsphere

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// section is detectors.vsphere.
type section struct {
	detector.Settings `yaml:",inline"`
	Config            `yaml:",inline"`
}

// Validate looks at both halves.
func (c section) Validate() error { return errors.Join(c.Settings.Validate(), c.Config.Validate()) }

// lookTimeout is how long a look may take where the hosts do not need more.
const lookTimeout = 30 * time.Second

// worst is how long a look takes when no host answers, with a third for the
// login and the list of hosts.
func (c section) worst() time.Duration {
	rounds := (len(c.Hosts) + parallel - 1) / parallel
	return (time.Duration(rounds)*hostTimeout*4/3 + time.Second - 1).Truncate(time.Second)
}

// patience is how long a look may take: as long as it needs at worst, where the
// configuration says nothing else.
func (c section) patience() time.Duration {
	if c.Settings.Timeout != lookTimeout {
		return c.Settings.Timeout
	}
	return min(max(c.Settings.Timeout, c.worst()), detector.MaxTimeout)
}

func (c section) budget() (event.Said, []setting.Error) {
	if !c.Enabled() {
		return event.Said{}, nil
	}
	var wrong []setting.Error
	if has := c.patience(); has < c.worst() {
		wrong = append(wrong, setting.Error{Key: "timeout", Err: words.Fail(words.HostsTooSlow.With(len(c.Hosts), c.worst().String(), has.String()))})
	}
	if every := detector.Interval(c.Settings.Schedule); c.patience() > every {
		wrong = append(wrong, setting.Error{Key: "schedule", Err: words.Fail(words.HostsTooOften.With(len(c.Hosts), c.patience().Round(time.Second).String(), every.String()))})
	}
	return words.VSphereBudget.With(len(c.Hosts), parallel, hostTimeout.String()).
		And(words.LookBudget.With(c.worst().String(), c.patience().String(), c.Settings.Schedule)), wrong
}

// Kind is the section detectors.vsphere.
func Kind() detector.Kind {
	defaults := section{Settings: detector.Settings{Schedule: "@every 60s", Timeout: lookTimeout}}
	return detector.NewKind("vsphere", "Kernel modules of ESXi hosts through the vSphere API, where SSH is switched off.", defaults, detector.Making[section]{
		Others: func(c section, s detector.Site) (all []detector.Other, err error) {
			var errs []error
			for i, h := range c.Hosts {
				if other, twice := s.Hosts[event.Token(h)]; twice {
					errs = append(errs, words.Bad(fmt.Sprintf("hosts[%d]", i), words.HostElsewhere.With(h, other.From)))
				}
				all = append(all, detector.Other{Host: h, From: "detectors.vsphere.hosts"})
			}
			return all, errors.Join(errs...)
		},
		Way: func(c section, _ detector.Site, k event.Key) bool {
			return k.Name == detector.WayVSphere && c.Enabled()
		},
		Budget: section.budget,
		Plans: func(c section, s detector.Site) []detector.Plan {
			if !c.Enabled() {
				return nil
			}
			items := c.items(s)
			o := Options{Observer: s.Host + " (vsphere)"}
			settings := c.Settings
			settings.Timeout = c.patience()
			return []detector.Plan{{Name: "vsphere", Timing: settings, Spec: []any{c, items}, Make: func(live detector.Live) (detector.Job, error) {
				o.Tell, o.Password = live.Tell, live.Again("detectors.vsphere.password")
				d, err := New(c.Config, items, o)
				if err != nil {
					return detector.Job{}, fmt.Errorf("make the vsphere detector: %w", err)
				}
				j := settings.Job("vsphere", d)
				for _, it := range items {
					j.Keys = append(j.Keys, it.Key)
				}
				j.Keys, j.Veils = append(j.Keys, d.Way()), true
				return j, nil
			}}}
		},
	})
}

// items are the modules of every host.
func (c Config) items(s detector.Site) (items []Item) {
	for _, h := range c.Hosts {
		for _, r := range s.List.Rows(event.ESXi) {
			if r.Kind != event.Driver || !slices.Contains(r.OS, event.ESXi) {
				continue
			}
			items = append(items, Item{Key: event.Key{Host: h, Component: r.Component, Kind: r.Kind, Name: r.Name}, Names: r.Names()})
		}
	}
	return items
}
