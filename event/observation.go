package event

import (
	"fmt"
	"time"

	"dswatch/setting"
)

// State is how an item was seen.
type State string

// The four states. Unknown means "could not look", never "down".
const (
	Up       State = "up"
	Degraded State = "degraded" // some of the wanted instances, not all
	Down     State = "down"
	Unknown  State = "unknown"
)

// Valid reports whether s is one of the four states.
func (s State) Valid() bool {
	switch s {
	case Up, Degraded, Down, Unknown:
		return true
	}
	return false
}

// Lost reports whether s is a state that a rule may raise as a loss.
func (s State) Lost() bool { return s == Down || s == Degraded }

// StateOf turns a count of instances into a state. A want below one counts
// as one.
func StateOf(found, want int) State {
	switch {
	case found <= 0:
		return Down
	case found < want:
		return Degraded
	}
	return Up
}

// Observation is what one look at one item saw.
type Observation struct {
	Key   Key   `json:"key,omitzero"` // left out only where what it is part of has it
	State State `json:"state"`
	// Found is the number of instances seen, Want the number a healthy host
	// shows. For services, drivers and ports both are 0 or 1.
	Found int `json:"found"`
	Want  int `json:"want"`
	// Detail says what was seen or why nothing could be: pids, bind address,
	// "permission denied: run as root or grant CAP_SYS_PTRACE".
	Detail Said      `json:"detail,omitzero"`
	At     time.Time `json:"at"`
	// Behind is the item through which this one would have been seen, where
	// that is why it was not: the manager's API, of all its computers. That
	// item tells of the trouble, once for all. Only with state unknown.
	Behind Key `json:"behind,omitzero"`
	// Veils is the job (Event.Job) of whose items nothing could be seen, because
	// all of them are seen through this one: told once, instead of an event for
	// each. An item of the job is unknown and behind this one until an event of
	// its own comes, or one of this item that does not veil it. Only with state
	// unknown.
	Veils string `json:"veils,omitempty"`
	// Again is by when the observer will have looked again at an item that is
	// lost and said what it saw, though that be the same: whether the loss lasts
	// is not told before. Zero: it tells only what changes.
	Again time.Time `json:"again,omitzero"`
}

// MaxDetail is the longest Detail in bytes; a detector cuts, a decoder
// refuses.
const MaxDetail = 4096

// Same reports whether b tells nothing new after a: same state, same count
// and seen by the same way. Times and details may differ.
func (o Observation) Same(b Observation) bool {
	return o.Key == b.Key && o.State == b.State && o.Found == b.Found && o.Want == b.Want && o.Behind == b.Behind && o.Veils == b.Veils
}

// Validate rejects observations that no detector makes.
func (o Observation) Validate() error {
	if err := o.Key.Validate(); err != nil {
		return err
	}
	switch {
	case !o.State.Valid():
		return fmt.Errorf("observation of %s: state %q is none of up, degraded, down, unknown", o.Key, setting.Clip(string(o.State)))
	case o.Found < 0 || o.Want < 0:
		return fmt.Errorf("observation of %s: found %d and want %d must not be negative", o.Key, o.Found, o.Want)
	case o.Detail.Len() > MaxDetail:
		return fmt.Errorf("observation of %s: detail is %d bytes long, at most %d are allowed", o.Key, o.Detail.Len(), MaxDetail)
	case o.At.IsZero():
		return fmt.Errorf("observation of %s: has no time", o.Key)
	case o.Veils != "" && (o.State != Unknown || len(o.Veils) > MaxName):
		return fmt.Errorf("observation of %s: is %s, and yet veils %q", o.Key, o.State, setting.Clip(o.Veils))
	case o.Behind == Key{}:
		return nil
	case o.State != Unknown || o.Behind == o.Key:
		return fmt.Errorf("observation of %s: is %s, and yet behind %s", o.Key, o.State, o.Behind)
	}
	if err := o.Behind.Validate(); err != nil {
		return fmt.Errorf("observation of %s: behind: %w", o.Key, err)
	}
	return nil
}
