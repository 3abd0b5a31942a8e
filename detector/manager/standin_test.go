package manager

import (
	"context"
	"io"
	"testing"
	"time"

	"dswatch/detector/manager/managertest"
	"dswatch/event"
)

// The stand-in's words, short.
const key = managertest.Key

var (
	start      = managertest.Start
	computerOf = managertest.Computer
	with       = managertest.With
	without    = managertest.Without
	status     = managertest.Status
	moduleIs   = managertest.Module
	refuse     = managertest.Refuse
)

func config(s *managertest.StandIn) Config {
	c := Defaults()
	c.URL, c.APIKey, c.Fingerprint, c.Proxy = s.URL, key, s.Fingerprint(), noProxy
	return c
}

// desk is a Detector and what it told.
type desk struct {
	*Detector
	t     *testing.T
	facts map[string]event.FactsReport
	tells int
}

func open(t *testing.T, c Config) *desk {
	t.Helper()
	d := &desk{t: t, facts: map[string]event.FactsReport{}}
	det, err := New(c, Options{Observer: "hub", Tell: func(_ context.Context, all []event.FactsReport) error {
		for _, r := range all {
			d.facts[r.Host] = r
			d.tells++
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = det.Close() })
	d.Detector = det
	d.client.again = 0
	return d
}

// age makes everything that was listed older than it may count.
func (d *desk) age() {
	d.listed = d.listed.Add(-keepListing - time.Second)
	for _, r := range d.known {
		r.at -= (keepListing + time.Second).Nanoseconds()
	}
}

// look returns the observations by their keys as people read them.
func (d *desk) look() map[string]event.Observation {
	d.t.Helper()
	got, err := d.Detect(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	out := map[string]event.Observation{}
	for _, o := range unveiled(d.Detector, got) {
		k := o.Key.String()
		if _, twice := out[k]; twice {
			d.t.Errorf("%s was answered twice", k)
		}
		out[k] = o
		if err := o.Validate(); err != nil {
			d.t.Error(err)
		}
	}
	return out
}

// unveiled adds what the API's item hides, as the scheduler does.
func unveiled(d *Detector, got []event.Observation) []event.Observation {
	for _, o := range got {
		if o.Veils == "" {
			continue
		}
		for host, r := range d.known {
			for n, p := range parts {
				if r.has&(1<<n) != 0 {
					got = append(got, event.Observation{Key: p.of(host), State: event.Unknown, Want: 1, Detail: o.Detail, At: o.At, Behind: o.Key})
				}
			}
		}
	}
	return got
}

var _ io.Closer = (*Detector)(nil)
