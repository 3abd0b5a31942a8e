package driver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dswatch/event"
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
	read() (drivers, error)
}

// drivers is what a table lists.
type drivers struct {
	states map[string]string // by name, see canonical
	note   string            // why there are none, if that is known
}

// live is the state of a driver that works, in every table.
const live = "Live"

// New checks the targets. It does not look yet.
func New(targets []Target) (*Detector, error) { return newDetector(newTable(), targets) }

func newDetector(tab table, targets []Target) (*Detector, error) {
	for _, t := range targets {
		if len(t.Names) == 0 {
			return nil, fmt.Errorf("new driver detector: %s: has no names; give one", t.Key)
		}
		for _, n := range t.Names {
			if n == "" || strings.ContainsAny(n, " \t\n") {
				return nil, fmt.Errorf("new driver detector: %s: %q is not the name of a driver; write it as lsmod shows it", t.Key, n)
			}
		}
	}
	return &Detector{targets: targets, table: tab}, nil
}

// Detect looks once. Its error ends with what to do.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	at := time.Now()
	list, err := d.table.read()
	if err == nil && d.missing(list) {
		list, err = d.table.read()
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

func (t Target) observe(list drivers, at time.Time) event.Observation {
	o := event.Observation{Key: t.Key, State: event.Down, Want: 1, At: at}
	var seen []string
	for _, n := range t.Names {
		state, ok := list.states[canonical(n)]
		switch {
		case !ok:
			continue
		case state == live:
			o.State, o.Found = event.Up, 1
			seen = append(seen, n+" is loaded")
		default:
			seen = append(seen, n+" is "+state+", not "+live)
		}
	}
	if o.Detail = strings.Join(seen, "; "); seen == nil {
		o.Detail = "no driver named " + strings.Join(t.Names, " or ") + " is loaded"
		if list.note != "" {
			o.Detail += ": " + list.note
		}
	}
	return o
}

// canonical writes a name as the kernel does.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }
