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
