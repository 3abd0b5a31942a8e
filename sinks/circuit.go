package sinks

import (
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Circuit says when a far end counts as down.
type Circuit struct {
	Failures int           `yaml:"failures" doc:"so many items in a row whose attempts failed, with no answer in between, open the circuit: all attempts pause, then one at a time probes until one is answered; 0 for never; default 5"`
	Pause    time.Duration `yaml:"pause" doc:"longest pause before each probe, shortened by a random part of up to a half; default 15s"`
}

// CircuitState is whether attempts are made, as a closed set.
type CircuitState string

// The states of a circuit.
const (
	Closed   CircuitState = "closed"    // attempts are made as they come
	HalfOpen CircuitState = "half-open" // one attempt finds out whether the far end is back
	Open     CircuitState = "open"      // the far end is down and left alone until the next probe
)

// number is the value of the metric.
func (s CircuitState) number() float64 {
	switch s {
	case HalfOpen:
		return 1
	case Open:
		return 2
	}
	return 0
}

// gate lets attempts through: as many as the rate allows, and one at a time
// while the far end is down.
//
// Failures are counted by slot: one delivery that a far end chokes on, tried
// again and again, is not an outage. An outage that fewer slots notice costs
// no more than their own back-off.
type gate struct {
	circuit Circuit
	limit   *rate.Limiter // nil: none

	mu      sync.Mutex
	state   CircuitState
	failing map[string]struct{} // slots that failed since the last answer
	until   time.Time           // next probe
	probe   string              // the slot that probes
}

func newGate(s Settings) *gate {
	return &gate{circuit: s.Circuit, limit: s.Rate.limiter(), state: Closed, failing: map[string]struct{}{}}
}

// enter returns zero when the slot may be tried now, and else how long to
// wait before asking again. Whoever enters must call answered or failed.
func (g *gate) enter(slot string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.state == HalfOpen:
		return g.circuit.Pause // the end of the probe wakes everybody
	case g.state == Open && now.Before(g.until):
		return g.until.Sub(now)
	}
	if g.limit != nil && !g.limit.AllowN(now, 1) {
		missing := 1 - g.limit.TokensAt(now)
		return max(time.Millisecond, time.Duration(missing/float64(g.limit.Limit())*float64(time.Second)))
	}
	if g.state == Open {
		g.state, g.probe = HalfOpen, slot
	}
	return 0
}

// answered closes the circuit: the far end lives. It reports whether the
// circuit was not closed before.
func (g *gate) answered() (was bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was = g.state != Closed
	g.state, g.probe = Closed, ""
	clear(g.failing)
	return was
}

// failed notes a failure of slot and reports the state before and after it.
func (g *gate) failed(slot string, now time.Time) (before, after CircuitState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before = g.state
	switch {
	case g.circuit.Failures == 0:
		return before, before
	case g.state == Closed:
		if len(g.failing) < g.circuit.Failures {
			g.failing[slot] = struct{}{}
		}
		if len(g.failing) < g.circuit.Failures {
			return before, before
		}
	case g.state == Open, g.probe != slot:
		return before, before // began before the circuit opened
	}
	half := g.circuit.Pause / 2
	g.state, g.probe, g.until = Open, "", now.Add(half+rand.N(half+1))
	return before, Open
}

// now returns the state and when the next probe is due.
func (g *gate) now() (CircuitState, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != Open {
		return g.state, time.Time{}
	}
	return g.state, g.until
}
