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
	proven mark
	err    error // why it failed since
	flows  map[string]*flow
}

// mark is a moment.
type mark struct {
	at    time.Time     // by the wall clock, too
	slept time.Duration // of the board, then
}

// Flow is one queue before a stage, which a pulse overtakes.
type Flow struct {
	Waits uint64 // in it now, that nothing outside holds up
	Done  uint64 // changes with each that leaves it
}

// flow is a Flow as it was seen.
type flow struct {
	Flow
	moved mark // something had left it, or nothing waited
	still time.Duration
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
		s.proven, s.err = b.mark(), nil
	}
}

func (b *Board) mark() mark { return mark{b.now(), b.slept} }

// since is how long this process has run since m.
func (b *Board) since(m mark) time.Duration {
	now := b.now()
	return now.Sub(m.at) - (b.slept - m.slept) - max(0, b.gap(now))
}

// Flows notes the queues before a stage as they are now. One in which something
// waits and nothing has moved for the time of Fresh makes the stage unproven,
// whatever overtakes it; one that is long and moves does not.
func (b *Board) Flows(name string, now map[string]Flow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stages[name]
	if s == nil {
		return
	}
	before := s.flows
	s.flows = make(map[string]*flow, len(now))
	for queue, f := range now {
		is := &flow{Flow: f, moved: b.mark()}
		if was := before[queue]; was != nil && f.Waits > 0 && was.Waits > 0 && f.Done == was.Done {
			is.moved, is.still = was.moved, b.since(was.moved)
		}
		s.flows[queue] = is
	}
}

// stuck returns the queue of a stage that has stood still for longest; nil: none
// has for long.
func (s *stage) stuck() (queue string, at *flow) {
	for name, f := range s.flows {
		if f.still >= Fresh && (at == nil || f.still > at.still || f.still == at.still && name < queue) {
			queue, at = name, f
		}
	}
	return queue, at
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
	Why    Reason        `json:"-"`               // not current; zero: it is
}

// Reason is why a stage is not current: one of its fields.
type Reason struct {
	Failed   error // why it could not do its part
	Never    bool  // not proven since the start
	Jam      Jam
	Unproven bool // for more than Fresh
}

// Jam is a queue in which Waits wait and of which nothing has moved for so long.
type Jam struct {
	Queue string
	Waits uint64
	For   time.Duration
}

// Current reports whether there is no reason.
func (r Reason) Current() bool { return r == Reason{} }

// Verdict is what can be said now.
type Verdict struct {
	Current bool      `json:"current"`        // a change would be told
	Since   time.Time `json:"since,omitzero"` // when the last proof of all stages was, if not current
	Stages  []Stage   `json:"stages"`
}

// Why is the reason of the first stage that is not current. Those behind it
// wait for it.
func (v Verdict) Why() (stage string, why Reason) {
	for _, s := range v.Stages {
		if !s.Why.Current() && !s.Why.Unproven {
			return s.Name, s.Why
		}
	}
	for _, s := range v.Stages {
		if !s.Why.Current() {
			return s.Name, s.Why
		}
	}
	return "", Reason{}
}

// Verdict says what is proven now.
func (b *Board) Verdict() Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := Verdict{Current: true}
	for _, name := range b.order {
		s := b.stages[name]
		proven := s.proven
		queue, stuck := s.stuck()
		if stuck != nil && stuck.moved.at.Before(proven.at) {
			proven = stuck.moved
		}
		one := Stage{Name: name, Proven: proven.at.Round(0)}
		if !proven.at.IsZero() {
			one.Age = b.since(proven)
		}
		switch {
		case s.err != nil:
			one.Why.Failed = s.err
		case s.proven.at.IsZero():
			one.Why.Never = true
		case stuck != nil:
			one.Why.Jam = Jam{queue, stuck.Waits, one.Age.Round(time.Second)}
		case one.Age > Fresh:
			one.Why.Unproven = true
		}
		if !one.Why.Current() {
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
