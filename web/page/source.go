package page

import (
	"context"
	"time"

	"dswatch/event"
	"dswatch/web"
	"dswatch/words"
)

// Trouble is one thing that is wrong now, whether somebody was told or not.
type Trouble struct {
	Key      event.Key
	Rule     string
	State    event.State
	Found    int
	Want     int
	Impact   event.Impact
	Severity event.Severity
	Since    time.Time
	Alert    string    // the id of the open alert; empty: nobody was told
	Due      time.Time // when that is decided again
	Cause    string    // the item whose alert names this one
	Digest   string    // the id of the alert that speaks for this one
	Acked    bool
}

// Host is one host and how it is. Only what must be there counts: an item that
// is not expected has no part in State, whatever it does.
type Host struct {
	Name      string
	State     event.State  // the worst of what is expected; empty: nothing is
	Impact    event.Impact // the worst of its troubles; empty: there is none
	Since     time.Time    // of the worst
	Up        int          // of Expected
	Expected  int
	Not       int // items that are not expected
	Undecided int // items of which that is not known
	Troubles  int
}

// Look is everything at one moment.
type Look struct {
	At       time.Time
	Hosts    []Host
	Troubles []Trouble     // the worst first
	Deciding bool          // false: this process has not read yet what is open
	Took     time.Duration // to look
}

// Row is one item of a host.
type Row struct {
	Key       event.Key
	State     event.State
	Found     int
	Want      int
	Since     time.Time
	Expected  string // yes, no or unknown
	Reason    event.Said
	Detail    event.Said
	Observer  string
	Footnotes []string // ids
	Trouble   *Trouble
}

// HostView is all that is known of one host.
type HostView struct {
	Host      Host
	Rows      []Row
	Facts     []web.Fact
	Footnotes []web.Footnote
}

// Pulse is what was proven of dswatch itself.
type Pulse struct {
	Current bool
	Age     time.Duration // since the last proof of all stages; -1: there was none
	Since   time.Time     // if not current
	Why     event.Said    // likewise
}

// Source is what there is to look at, and who does what somebody clicks. What
// it says is in the language of the voice that it is given.
type Source interface {
	web.Alerts
	web.Silencer
	web.Outbox
	TestSinks(ctx context.Context, names []string) ([]web.TestResult, error)

	// Matching checks a silence that somebody would add, and counts what it matches
	// now; what is lost of that is in lost, at most 20.
	Matching(ctx context.Context, s web.Silence) (items int, lost []Trouble, all int, err error)

	// Look may be some seconds old where there is very much to look at.
	Look(ctx context.Context) (*Look, error)
	// Tell says what a trouble is; false: it is over. By is the silence that
	// keeps it quiet, if one does.
	Tell(t Trouble, v words.Voice) (a event.Alert, by *web.Silence, ok bool)
	HostView(name string, v words.Voice) (HostView, bool)
	SinkStatus(ctx context.Context) ([]web.SinkStatus, error)
	ConfigStatus() web.ConfigState
	Pulse() Pulse
	// Version changes with everything that a page may show.
	Version() string
	// Voice is that of a reader who has chosen nothing.
	Voice() words.Voice
	About() About
}

// About is which dswatch this is.
type About struct {
	Host    string
	Version string
	Started time.Time
}
