package event

import "time"

// Receipt says how far one slot's alerts have been told to one sink. It is
// the last transition handled, so there are never more receipts than slots.
type Receipt struct {
	Slot       string     `json:"slot"` // Alert.Slot
	AlertID    string     `json:"alert_id"`
	Turn       int        `json:"turn,omitempty"` // Alert.Turn
	Seq        int        `json:"seq"`
	Transition Transition `json:"transition"`
	At         time.Time  `json:"at"` // of the transition
	Attempts   int        `json:"attempts"`
	Position   uint64     `json:"position"` // in the outbox
	// Reached: a transition of this firing was accepted, or an attempt ended
	// without a clear refusal, so that the far end may hold it open.
	Reached bool `json:"reached"`
	// Dead: this transition is in the dead letters.
	Dead      bool      `json:"dead,omitempty"`
	Confirmed time.Time `json:"confirmed,omitzero"` // when the far end accepted it
	// First is the first transition of this firing that the far end accepted,
	// where that is an earlier one.
	First *Accepted `json:"first,omitempty"`
}

// Accepted is a transition that the far end accepted.
type Accepted struct {
	Seq        int        `json:"seq"`
	Transition Transition `json:"transition"`
	At         time.Time  `json:"at"` // of the transition
	Attempts   int        `json:"attempts"`
	Confirmed  time.Time  `json:"confirmed"`
}

// Later reports whether the receipt's firing came after that of a, which is
// another one of the slot. Alerts of before they were counted have their time.
func (r Receipt) Later(a Alert) bool {
	if r.Turn > 0 && a.Turn > 0 {
		return r.Turn > a.Turn
	}
	return r.At.After(a.At)
}

// Outdates reports whether a is of an earlier firing than r, whose end the far
// end may not know yet. One that tells alerts apart by their item alone would
// take an end in a for the end of r.
func (r Receipt) Outdates(a Alert) bool {
	return r.AlertID != "" && r.AlertID != a.ID && r.Later(a) && r.Reached && (r.Transition != Cleared || r.Dead)
}

// Queued is a transition as it lies in the outbox of a sink.
type Queued struct {
	AlertID   string
	Turn, Seq int
	At        time.Time
	Replay    bool
	Position  uint64 // in the outbox: grows from one to the next
}

// Queued is a at a place in an outbox.
func (a *Alert) Queued(position uint64) Queued {
	return Queued{a.ID, a.Turn, a.Seq, a.At, a.Replay, position}
}

// Supersedes reports whether b, which waits before a, need not be told any more: a
// says the same again, later. What an operator asked for is told in any case.
func (a *Alert) Supersedes(b *Alert) bool {
	return a.Transition == Repeated && b.Transition == Repeated && a.ID == b.ID && a.Seq > b.Seq && !a.Replay && !b.Replay
}

// Covers reports whether the sink needs q no more, which is of the receipt's
// slot: it was told that, or something later.
func (r Receipt) Covers(q Queued) bool {
	switch {
	case r.AlertID != q.AlertID:
		// A leftover of an earlier firing. Both must say so: positions begin
		// anew with a new outbox, and the end of an earlier firing may come late.
		if r.Turn > 0 && q.Turn > 0 {
			return q.Position <= r.Position && q.Turn < r.Turn
		}
		return q.Position <= r.Position && !q.At.After(r.At)
	case q.Replay:
		// An operator asked for it, so the same transition goes out again;
		// but not one that a later one has outdated at the far end.
		return q.Position == r.Position || r.Reached && q.Seq < r.Seq
	}
	return q.Seq <= r.Seq
}
