package manager

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"dswatch/detector"
	"dswatch/event"
)

// section is detectors.manager.
type section struct {
	detector.Settings `yaml:",inline"`
	Config            `yaml:",inline"`
}

// Validate looks at both halves.
func (c section) Validate() error { return errors.Join(c.Settings.Validate(), c.Config.Validate()) }

// Kind is the section detectors.manager.
func Kind() detector.Kind {
	// The manager itself hears from an agent every 10 minutes, and a fleet's
	// listing takes a while.
	defaults := section{detector.Settings{Schedule: "@every 5m", Timeout: 2 * time.Minute}, Defaults()}
	const doc = "What the manager of Deep Security tells of its computers: heartbeats, protection modules and facts."
	return detector.NewKind("manager", doc, defaults, detector.Making[section]{
		Reports:   func(c section) bool { return c.Enabled() },
		Remembers: func(c section) bool { return c.Enabled() },
		Plans: func(c section, s detector.Site) []detector.Plan {
			if !c.Enabled() {
				return nil
			}
			// Its word about this host must not be taken for this host's own.
			o := Options{Observer: s.Host + " (manager)"}
			return []detector.Plan{{Name: "manager", Timing: c.Settings, Spec: c, Make: func(live detector.Live) (detector.Job, error) {
				o.Log, o.Tell, o.Known, o.Key = live.Log, live.Tell, reported(live.Known), live.Again("detectors.manager.api_key")
				if live.Before != nil {
					o.Activated = activated(live.Before(o.Observer))
				}
				d, err := New(c.Config, o)
				if err != nil {
					return detector.Job{}, fmt.Errorf("make the manager detector: %w", err)
				}
				j := c.Job("manager", d)
				j.Keys, j.Open, j.Veils, j.Known = d.Keys(), true, true, o.Known
				return j, nil
			}}}
		},
	})
}

// activated are the IDs of the computers that were managed, as was told of them.
func activated(told iter.Seq[event.FactsReport]) map[int64]bool {
	ids := map[int64]bool{}
	for r := range told {
		id, known := r.Facts.Get(event.HostID)
		if n, err := strconv.ParseInt(id.Value, 10, 64); known && err == nil {
			ids[n] = true
		}
	}
	return ids
}

// reported are the items that come with a manager's answer.
func reported(known []event.Key) (out []event.Key) {
	for _, k := range known {
		if detector.Reported(k) {
			out = append(out, k)
		}
	}
	return out
}
