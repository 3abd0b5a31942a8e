package engine

import (
	"dswatch/words"
	"time"
)

// clock is the time by which the engine decides. Calendars go by the wall
// clock: silences, windows, hours. Deadlines go by the time that passes:
// holds, repetitions, escalations. Both are one scale here, and when somebody
// sets the wall clock the deadlines move with it.
type clock struct {
	steady func() time.Time // with a monotonic reading
	wall   func() time.Time
	start  time.Time     // by steady
	skew   time.Duration // what the wall clock is ahead of start plus the time that has passed
}

// leastStep tells a clock that was set from one that is slewed: what is less
// makes no difference to a deadline.
const leastStep = 2 * time.Second

func (c *clock) now() time.Time {
	return c.start.Add(c.steady().Sub(c.start) + c.skew).Round(0).UTC()
}

// step returns how far the wall clock was set since the last call; 0: it was
// not. now has followed.
func (c *clock) step() time.Duration {
	passed := c.steady().Sub(c.start)
	d := c.wall().Round(0).Sub(c.start.Round(0).Add(passed)) - c.skew
	if d.Abs() < leastStep {
		return 0
	}
	c.skew += d
	return d
}

// keepTime moves all deadlines when the wall clock was set. What the calendar
// decides is decided anew.
func (e *Engine) keepTime() {
	d := e.clock.step()
	if d == 0 {
		return
	}
	e.Log.Info("the wall clock was set; deadlines move with it", "by", d)
	e.closeRound()
	now := e.now()
	e.storm.Shift(d)
	for _, one := range e.groups {
		if one.Open() {
			one.Shift(now, d)
			one.dirty = true
		}
	}
	for name, at := range e.came {
		e.came[name], e.met = at.Add(d), false
	}
	for _, h := range e.hosts {
		h.heard = h.heard.Add(d)
		if h.transit.Until.IsZero() {
			continue
		}
		h.transit.Started, h.transit.Until = h.transit.Started.Add(d), h.transit.Until.Add(d)
		if h.transit.Lasts(now) { // else nobody asks for it after a restart
			e.saveTransit(h)
		}
	}
	e.keepSilences(now, d)
	e.closeRound() // they are in force before anything is decided
	var moved []*item
	for _, it := range e.items {
		if it.status.Shift(now, d) {
			e.schedule(it)
			moved = append(moved, it)
		}
	}
	e.meetTurned(now)
	for _, it := range moved {
		e.redecide(it)
		e.touch(it)
	}
	e.revise()
	e.closeRound()
}

// keepSilences keeps those in force that have begun: somebody who has silenced
// something does not take it back with the clock.
func (e *Engine) keepSilences(now time.Time, d time.Duration) {
	for i := range e.silences {
		s := e.silences[i]
		if d > 0 || !s.Active(now.Add(-d)) || !now.Before(s.Starts) {
			continue
		}
		s.Starts = now
		s.Note(now, "dswatch", words.SilenceClock.With((-d).Round(time.Second)))
		e.keepSilence(i, s)
	}
}
