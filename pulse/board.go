package pulse

import (
	"slices"
	"sync"
	"time"
)

const (
	// Every is the time between two pulses.
	Every = 5 * time.Second
	// Fresh is how long a stage counts as proven: one lost pulse is no stall.
	Fresh = 10 * time.Second
	// pause is the least time without a Tick that is taken for a process that
	// did not run. A Tick is due every second.
	pause = 5 * time.Second
)

// Board remembers what was proven of each stage. It is safe for concurrent use.
type Board struct {
	now func() time.Time

	mu     sync.Mutex
	order  []string
	stages map[string]*stage
	tick   time.Time
	slept  time.Duration // while this process did not run
	stale  time.Time     // since when something is not proven; zero: all is
}

type stage struct {
	proven time.Time     // by the wall clock, too
	slept  time.Duration // of the board, then
	err    error         // why it failed since
}

// NewBoard returns a board of stages in the order in which a change goes
// through them. They have the time of Fresh for their first proof. Now is
// time.Now, but for tests.
func NewBoard(now func() time.Time, stages ...string) *Board {
	b := &Board{now: now, order: slices.Clone(stages), stages: map[string]*stage{}, tick: now()}
	for _, s := range stages {
		b.stages[s] = &stage{}
	}
	return b
}

// Proven notes that a stage did its part just now.
func (b *Board) Proven(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.stages[name]; s != nil {
		s.proven, s.slept, s.err = b.now(), b.slept, nil
	}
}

// Failed notes why a stage could not do its part; nil changes nothing.
func (b *Board) Failed(name string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.stages[name]; s != nil && err != nil {
		s.err = err
	}
}

// Stage is one stage as it is now.
type Stage struct {
	Name   string        `json:"name"`
	Proven time.Time     `json:"proven,omitzero"` // last, by the wall clock; zero: never
	Age    time.Duration `json:"-"`               // since then, while this process ran
	Why    string        `json:"why,omitempty"`   // not current; empty: it is
}

// Verdict is what can be said now.
type Verdict struct {
	Current bool      `json:"current"`        // a change would be told
	Since   time.Time `json:"since,omitzero"` // when the last proof of all stages was, if not current
	Stages  []Stage   `json:"stages"`
}

// Why is the reason of the first stage that is not current. Those behind it
// wait for it.
func (v Verdict) Why() (stage, why string) {
	for _, s := range v.Stages {
		if s.Why != "" && s.Why != unproven {
			return s.Name, s.Why
		}
	}
	for _, s := range v.Stages {
		if s.Why != "" {
			return s.Name, s.Why
		}
	}
	return "", ""
}

const unproven = "it has not been proven for more than 10s"

// Verdict says what is proven now.
func (b *Board) Verdict() Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	v := Verdict{Current: true}
	for _, name := range b.order {
		s := b.stages[name]
		one := Stage{Name: name, Proven: s.proven.Round(0)}
		if !s.proven.IsZero() {
			one.Age = now.Sub(s.proven) - (b.slept - s.slept) - max(0, b.gap(now))
		}
		switch {
		case s.err != nil:
			one.Why = s.err.Error()
		case s.proven.IsZero():
			one.Why = "it has not been proven since the start"
		case one.Age > Fresh:
			one.Why = unproven
		}
		if one.Why != "" {
			v.Current = false
		}
		if v.Since.IsZero() || one.Proven.Before(v.Since) {
			v.Since = one.Proven
		}
		v.Stages = append(v.Stages, one)
	}
	if v.Current {
		v.Since = time.Time{}
	}
	return v
}

// gap is how long this process did not run before now, as far as no Tick has
// counted it yet.
func (b *Board) gap(now time.Time) time.Duration {
	if d := now.Sub(b.tick); d > pause {
		return d
	}
	return 0
}

// Tick is called every second while the process runs, by somebody who waits for
// nothing else: without it, the process counts as frozen.
func (b *Board) Tick() {
	v := b.Verdict()
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	gap := b.gap(now)
	b.slept += gap
	b.tick = now
	switch {
	case v.Current:
		b.stale = time.Time{}
	case b.stale.IsZero():
		b.stale = now
	default:
		b.stale = b.stale.Add(gap)
	}
}

// Stale is for how long a change would not have been told at the last Tick, not
// counting what this process slept.
func (b *Board) Stale() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stale.IsZero() {
		return 0
	}
	return b.tick.Sub(b.stale)
}
