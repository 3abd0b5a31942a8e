package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dswatch/event"
)

// Target is one item to look for.
type Target struct {
	Key   event.Key
	Names []string // service names that count, aliases included; on Linux units, ".service" may be left out; on Windows also the names that the list of services shows
}

// Detector looks for its targets among this host's services. Close it when it
// looks no more.
type Detector struct {
	targets []Target
	table   table
}

// table is the operating system's service manager.
type table interface {
	// read answers for every name. An error means that the manager could not
	// be asked for those that are missing.
	read(ctx context.Context, names []string) (map[string]status, error)
	close()
}

// status is what the service manager says of one service.
type status struct {
	state event.State // up, down, or unknown
	say   event.Said
}

// New checks the targets. It does not look yet.
func New(targets []Target) (*Detector, error) { return newDetector(newTable(), targets) }

func newDetector(tab table, targets []Target) (*Detector, error) {
	for _, t := range targets {
		if len(t.Names) == 0 {
			return nil, fmt.Errorf("new service detector: %s: has no names; give one", t.Key)
		}
		for _, n := range t.Names {
			if err := check(n); err != nil {
				return nil, fmt.Errorf("new service detector: %s: %w", t.Key, err)
			}
		}
	}
	return &Detector{targets: targets, table: tab}, nil
}

// Close ends the connection to the service manager.
func (d *Detector) Close() error { d.table.close(); return nil }

// Detect looks once. Its error ends with what to do.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	if len(d.targets) == 0 {
		return nil, nil
	}
	at := time.Now()
	var names []string
	for _, t := range d.targets {
		names = append(names, t.Names...)
	}
	answers, err := d.table.read(ctx, names)
	var out []event.Observation
	for _, t := range d.targets {
		if o := t.observe(answers, at); err == nil || o.State == event.Up || t.answered(answers) {
			out = append(out, o)
		}
	}
	return out, err
}

// answered reports whether all is known that there is to know.
func (t Target) answered(answers map[string]status) bool {
	return !slices.ContainsFunc(t.Names, func(n string) bool { _, ok := answers[n]; return !ok })
}

// observe is up if one of the names is, else unknown if one of them may be.
func (t Target) observe(answers map[string]status, at time.Time) event.Observation {
	o := event.Observation{Key: t.Key, State: event.Down, Want: 1, At: at}
	for _, n := range t.Names {
		a := answers[n]
		switch {
		case a.state == event.Up:
			o.State, o.Found = event.Up, 1
		case a.state != event.Down && o.State != event.Up:
			o.State = event.Unknown
		}
		o.Detail = o.Detail.And(a.say)
	}
	return o
}
