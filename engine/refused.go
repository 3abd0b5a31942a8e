package engine

import "time"

const (
	// refusedWait is how long refused messages are gathered before the first of
	// them is told in the log: a flood of them is one line.
	refusedWait = 5 * time.Second
	// refusedEvery is how often more of them are told.
	refusedEvery = 10 * time.Minute
)

// refusals are messages of the event stream that were refused and that
// the log does not tell of yet.
type refusals struct {
	n     int
	first uint64 // position
	last  uint64
	why   error     // of the first
	due   time.Time // when they are told; zero: there are none
	told  time.Time // when some were told last
}

// refuse drops a message of the event stream that cannot be taken for what it
// says itself.
func (e *Engine) refuse(position uint64, why error) {
	now := e.now()
	if l, ok := why.(errLimit); ok {
		e.beyond = Refused{Messages: e.beyond.Messages + 1, Last: e.clock.wall(), Why: l.error}
		if e.beyond.Messages == 1 {
			e.Log.Error("a message of the event stream is refused for want of room; what is known goes on, status counts the messages that follow", "position", position, "error", l.error)
		}
		return
	}
	r := &e.refused
	r.n, r.last = r.n+1, position
	if r.n > 1 {
		return
	}
	r.first, r.why, r.due = position, why, now.Add(refusedWait)
	if next := r.told.Add(refusedEvery); next.After(r.due) && next.Sub(now) <= refusedEvery {
		r.due = next
	}
}

// sayRefused tells of refused messages once that is due.
func (e *Engine) sayRefused(now time.Time) {
	r := &e.refused
	if r.n == 0 || now.Before(r.due) && r.due.Sub(now) <= refusedEvery {
		return
	}
	e.Log.Warn("dropped messages of the event stream that are no events", "count", r.n, "first_position", r.first, "last_position", r.last, "first_error", r.why)
	*r = refusals{told: now}
}
