package driver

import (
	"context"
	"fmt"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Target is one item to look for.
type Target struct {
	Key   event.Key
	Names []string // driver names that count, aliases included
}

// Detector looks for its targets among the drivers of the running kernel.
type Detector struct {
	targets []Target
	table   table
}

// table is the operating system's list of drivers.
type table interface {
	// read tells at least of every driver in names that it knows. An error
	// means that nothing could be seen.
	read(ctx context.Context, names []string) (drivers, error)
}

// drivers is what a table lists.
type drivers struct {
	states map[string]status // by name, see canonical
	none   bool              // there can be none: the kernel has no modules
}

// status is what is known of one driver.
type status struct {
	state event.State // up, down, or unknown
	say   func(name string) event.Said
}

// New checks the targets. It does not look yet.
func New(targets []Target) (*Detector, error) { return newDetector(newTable(), targets) }

func newDetector(tab table, targets []Target) (*Detector, error) {
	for _, t := range targets {
		if len(t.Names) == 0 {
			return nil, fmt.Errorf("new driver detector: %s: has no names; give one", t.Key)
		}
		for _, n := range t.Names {
			if err := check(n); err != nil {
				return nil, fmt.Errorf("new driver detector: %s: %w", t.Key, err)
			}
		}
	}
	return &Detector{targets: targets, table: tab}, nil
}

// Detect looks once. Its error ends with what to do.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	at := time.Now()
	var names []string
	for _, t := range d.targets {
		names = append(names, t.Names...)
	}
	list, err := d.table.read(ctx, names)
	if err == nil && d.missing(list) {
		list, err = d.table.read(ctx, names)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("list drivers: %w", err)
	}
	out := make([]event.Observation, len(d.targets))
	for i, t := range d.targets {
		out[i] = t.observe(list, at)
	}
	return out, nil
}

// missing reports whether a target is not listed at all.
func (d *Detector) missing(list drivers) bool {
	for _, t := range d.targets {
		listed := false
		for _, n := range t.Names {
			_, ok := list.states[canonical(n)]
			listed = listed || ok
		}
		if !listed {
			return true
		}
	}
	return false
}

// observe is up if one of the names is, else unknown if one of them may be.
func (t Target) observe(list drivers, at time.Time) event.Observation {
	o := event.Observation{Key: t.Key, State: event.Down, Want: 1, At: at}
	for _, n := range t.Names {
		s, ok := list.states[canonical(n)]
		switch {
		case !ok:
			continue
		case s.state == event.Up:
			o.State, o.Found = event.Up, 1
		case s.state != event.Down && o.State != event.Up:
			o.State = event.Unknown
		}
		o.Detail = o.Detail.And(s.say(n))
	}
	switch {
	case !o.Detail.Empty():
	case list.none:
		o.Detail = words.DriverNoModules.With(t.Names)
	default:
		o.Detail = words.DriverNotLoaded.With(t.Names)
	}
	return o
}
