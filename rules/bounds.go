package rules

import (
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Longest is the longest time that anything waits, lasts or is put off. What
// somebody writes beyond it means for ever; it would overflow where times are
// compared as nanoseconds, and no JSON has a year after 9999.
const Longest = 10 * 365 * 24 * time.Hour

// shorten bounds a duration and says so.
func shorten(d *time.Duration, key string, said func(key string, s event.Said)) {
	if *d > Longest {
		said(key, words.LastsForever.With(d.String(), Longest.String()))
		*d = Longest
	}
}

// Shorten bounds what would last for ever: such a configuration ran before, so
// it is not refused. It says what is bounded, with the key below `rules:`.
func (s *Settings) Shorten(said func(key string, s event.Said)) {
	for _, x := range []struct {
		d   *time.Duration
		key string
	}{
		{&s.Hold, "hold"}, {&s.Repeat, "repeat"}, {&s.Patience, "patience"}, {&s.HoldUp, "hold_up"}, {&s.Transition, "transition"},
		{&s.Silent, "silent"}, {&s.Flap.Window, "flap.window"}, {&s.Flap.Settle, "flap.settle"},
		{&s.Storm.Every, "storm.every"}, {&s.Storm.Settle, "storm.settle"},
	} {
		shorten(x.d, x.key, said)
	}
}

// Shorten is the same for a route. What r shares with others stays as it is.
func (r *Route) Shorten(said func(key string, s event.Said)) {
	if r.Repeat != nil {
		d := *r.Repeat
		shorten(&d, "repeat", said)
		r.Repeat = &d
	}
	if r.Escalate != nil {
		e := *r.Escalate
		shorten(&e.After, "escalate.after", said)
		r.Escalate = &e
	}
}

// Shorten is the same for a window.
func (w *Window) Shorten(said func(key string, s event.Said)) { shorten(&w.Duration, "duration", said) }

// Bounded returns s as one for ever if it would last longer than Longest.
func (s Silence) Bounded() Silence {
	s.bound()
	return s
}

func (s *Silence) bound() {
	if s.Ends.Sub(s.Starts) > Longest && s.Every == "" {
		s.Ends, s.Forever = time.Time{}, true
	}
	if s.Waits.Sub(s.Starts) > Longest {
		s.Waits = s.Starts.Add(Longest)
	}
}
