package port

import (
	"context"
	"testing"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/words"
)

// TestCut: at the end of a pass what was silent may still have answered in
// time, and what is open is open.
func TestCut(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	silent := answer{state: event.Down, detail: words.PortCut.With()}
	for name, c := range map[string]struct {
		pass  context.Context
		of    event.State
		state event.State
		cut   bool
	}{
		"in time":              {t.Context(), event.Down, event.Down, false},
		"too late":             {ended, event.Down, event.Unknown, true},
		"too late, not proven": {ended, event.Unknown, event.Unknown, true},
		"too late, but open":   {ended, event.Up, event.Up, false},
	} {
		a := silent
		a.state = c.of
		if got := cut(c.pass, a); got.state != c.state || got.cut != c.cut {
			t.Errorf("%s: %s, cut %v; want %s, %v", name, got.state, got.cut, c.state, c.cut)
		}
	}
}

// TestWhoseNetworks: only the job that asks other hosts reports networks, which
// come with the names.
func TestWhoseNetworks(t *testing.T) {
	key := func(host string) event.Key {
		return event.Key{Host: host, Component: "agent", Kind: event.Port, Name: "4118"}
	}
	for name, c := range map[string]struct {
		t    Target
		o    Options
		open bool
	}{
		"this host's":    {Target{Key: key("web01"), Port: 4118, Method: Listen}, Options{}, false},
		"another host's": {Target{Key: key("web02"), Host: "web02", Port: 4118, Method: Syn, Timeout: time.Second}, Options{Rate: 50, Here: "web01"}, true},
	} {
		j, err := plan(name, detector.DefaultSettings(), []Target{c.t}, c.o, nil).Make(detector.Live{})
		if err != nil {
			t.Fatal(err)
		}
		defer detector.Close(j)
		if j.Open != c.open || (len(j.Keys) > 1) != c.open {
			t.Errorf("%s: open %v, with the keys %v; want open %v", name, j.Open, j.Keys, c.open)
		}
	}
}
