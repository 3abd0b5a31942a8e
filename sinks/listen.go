package sinks

import (
	"context"
	"net/url"
	"strings"
	"time"

	"dswatch/event"
)

// Listener is a Sink whose far end also asks for something.
type Listener interface {
	// Listen hands what is asked for to desk until ctx ends. It returns before
	// that only with an error, which is Refused where the far end does not accept
	// who asks; a Sink that has nothing to listen to returns nil at once.
	Listen(ctx context.Context, desk Desk) error
	// Listening says how that goes; false: it has nothing to listen to.
	Listening() (Ear, bool)
}

// Ear is how listening to a far end goes.
type Ear struct {
	Open  bool      // what is asked for arrives
	Since time.Time // of Open, or of its contrary
	Error error     // why it does not arrive, or not all of it
}

// Request is what somebody at a far end asks for.
type Request struct {
	ID     string // of the request: it is the same however often it comes
	Action Action
	Alert  string // its id
	Author string
	At     time.Time // when it was taken
}

// Action is what is asked for.
type Action string

// The actions.
const (
	Acknowledge Action = "ack"
	SilenceHour Action = "silence" // for an hour, the item that the alert is about
	Why         Action = "why"     // why it was told, and to whom
)

// Answer is what is said of a request that is done.
type Answer struct {
	Text string // empty: nothing
	All  bool   // everybody who reads of the alert is told, and not only who asked
}

// Desk does what is asked for. An error means that it is not done and is to be
// asked for again; what can never be done has an answer that says so. A request
// with the same ID acts once however often it is made.
type Desk func(ctx context.Context, r Request) (Answer, error)

// maxLinked bounds the ids that are linked, in bytes; those of dswatch have 24.
const maxLinked = 128

// Link returns the address of the page of a; empty: it has none.
func (e Env) Link(a event.Alert) string {
	if e.Page == "" || a.Test || a.Transition == event.Beat || a.ID == "" || len(a.ID) > maxLinked {
		return ""
	}
	return strings.TrimSuffix(e.Page, "/") + "/alerts/" + url.PathEscape(a.ID)
}
