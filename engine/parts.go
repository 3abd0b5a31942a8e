package engine

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// Message is one message from the event stream.
type Message struct {
	Data     []byte
	Position uint64 // in the stream, counting up from 1
	Ack      func() error
}

// Source hands out the event stream in order. Next waits for at least one
// delivery and returns when ctx ends.
type Source interface {
	Next(ctx context.Context) ([]Message, error)
	// Last returns the position of the newest event in the stream. A status
	// that is ahead of it was decided from a stream that no longer exists.
	Last(ctx context.Context) (uint64, error)
}

// Record is one stored value with the revision that a compare-and-set needs.
// Revision 0 means that the key must not exist yet.
type Record struct {
	Key      string
	Value    []byte
	Revision uint64
	Delete   bool // to be removed; Value does not count
}

// ErrConflict says that another engine wrote the record meanwhile.
var ErrConflict = errors.New("another engine changed the record")

// Store keeps statuses, and what is known about hosts.
type Store interface {
	Load(ctx context.Context, each func(Record) error) error
	// Save stores all records and returns their new revisions in order. An
	// error that is ErrConflict means that at least one was changed by
	// somebody else; which ones were stored is then unknown.
	Save(ctx context.Context, records []Record) ([]uint64, error)
}

// Outbox takes what the sinks are to be told.
type Outbox interface {
	// Put returns when all of it is stored; putting a delivery again that is
	// still there is harmless.
	Put(ctx context.Context, out []Outgoing) error
	// Pending calls each with every delivery that lies there for the sink, oldest
	// first, and with its position. The sink may have been told some of them.
	Pending(ctx context.Context, sink string, each func(data []byte, position uint64)) error
}

// Journal keeps what is open at the sinks, and what is known of their hosts, a
// second time outside the stores. It never fails: what it cannot write it says,
// and lacks until the next Whole.
type Journal interface {
	// Keep takes records that were stored or removed; durable: they are on the
	// disk when it returns.
	Keep(statuses, facts []Record, durable bool)
	// Behind reports whether it lacks something, so that it wants a Whole.
	Behind() bool
	// Whole replaces all that it holds of the rules.
	Whole(statuses, facts iter.Seq[Record])
}

// Outgoing is one alert transition for one sink.
type Outgoing struct {
	Sink string
	ID   string // event.Alert.DeliveryID
	Data []byte // event.Alert.Encode
}

// Receipts reads the receipts of one sink.
type Receipts interface {
	Load(ctx context.Context, sink string, each func(event.Receipt)) error
	// Forget drops the receipts of slots that nothing will be told of any more.
	// Those that come back after a power loss do no harm.
	Forget(ctx context.Context, sink string, slots []string) error
	// Known returns what the last call of Know kept; false: there was none.
	Known(ctx context.Context) (last Roster, found bool, err error)
	// Know keeps who is there to be told of what, so that whoever comes to an
	// alert that is open can be told.
	Know(ctx context.Context, now Roster) error
}

// Roster is who is there to be told, and of what.
type Roster struct {
	Sinks   []string `json:"sinks"`
	Routing string   `json:"routing"` // rules.Set.Routing; empty: nobody noted it
	// Came is since when a sink hears of what it hears of now, if it was not so from
	// the beginning.
	Came map[string]time.Time `json:"came,omitempty"`
}

// Parts is what an Engine is made of.
type Parts struct {
	Set      *rules.Set
	Rows     Rows
	Sinks    []string // the names of all
	Source   Source
	Statuses Store
	Facts    Store
	Outbox   Outbox
	Receipts Receipts
	Silences SilenceStore
	Journal  Journal // nil: there is none
	Past     Past    // nil: nobody remembers
	Host     string  // of this dswatch, in digests
	Log      *slog.Logger
	Limits   Limits // zero: DefaultLimits
	// LookFirst is how long after the first reading nothing is told without a look:
	// what is stored is older than what was told. Zero: it is not.
	LookFirst time.Duration
	Flushed   time.Duration    // how long what was stored may take to be on the disk, and so what a power loss takes
	Now       func() time.Time // how time passes; nil: time.Now, which nobody can set
	Wall      func() time.Time // the wall clock, which somebody may set; nil: time.Now
	// OnDecision is told every decision, for metrics; nil: nobody.
	OnDecision func(event.Key, rules.Decision)
	// Pulses are called by the loop between two steps, once everything that
	// was stored has been read; nil: there are none.
	Pulses <-chan func(context.Context)
	Alive  func() // called each time the loop goes round, and while it reads; nil: nobody
}

// Rows tells which row of the list an item belongs to. Its answers may depend
// on the host's facts only.
type Rows interface {
	// Find returns nil where the item is not on the list.
	Find(k event.Key, f event.Facts) (*catalog.Row, catalog.Verdict)
}

// SilenceStore keeps the silences.
type SilenceStore interface {
	// Watch calls tell with all silences, at once and again after each
	// change, until ctx ends.
	Watch(ctx context.Context, tell func([]rules.Silence)) error
	// Save stores s, which has one more entry in its history than what is
	// stored. Where somebody has changed that meanwhile it stays, and Watch
	// tells it.
	Save(ctx context.Context, s rules.Silence) error
}
