package story

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
)

// Op is one sort of operation that outlives the program.
type Op string

// The operations, in the order in which one change needs them.
const (
	Save Op = "save" // of a status, of facts, of a silence
	Put  Op = "put"  // into the outbox
	Acks Op = "ack"  // of an event
)

// errKilled says that the program has ended in the middle of something.
var errKilled = errors.New("the program was killed")

// batch is how many events are decided between two stores, as in the program.
const batch = 512

// world is what outlives the program: the event stream, the stores, the
// outboxes, what the sinks confirmed. It implements the ports of the engine.
type world struct {
	clock    time.Time     // what time would be if nobody had set the clock
	skew     time.Duration // how far somebody has set it forward
	begin    time.Time
	stream   [][]byte
	acked    int // events
	next     int // to hand out
	statuses map[string]engine.Record
	facts    map[string]engine.Record
	silences map[string]rules.Silence
	news     bool // silences have changed
	waiting  map[string][]waiting
	receipts map[string]map[string]event.Receipt
	refuses  map[string]bool
	known    *engine.Roster
	told     []Arrival
	synced   synced

	dead   bool // nothing works until the next start
	ops    int
	fault  Fault
	killAt Op // the next such operation does not happen any more
	log    []string
}

// synced is what a power loss leaves: what there was before the last instant.
type synced struct {
	acked    int
	waiting  map[string][]waiting
	receipts map[string]map[string]event.Receipt
}

// sync notes what has reached the disk. Only a power loss needs it.
func (w *world) sync() {
	if w.fault.Loss == 0 {
		return
	}
	w.synced = synced{acked: w.acked, waiting: map[string][]waiting{}, receipts: map[string]map[string]event.Receipt{}}
	for sink, ds := range w.waiting {
		w.synced.waiting[sink] = slices.Clone(ds)
	}
	for sink, rs := range w.receipts {
		w.synced.receipts[sink] = maps.Clone(rs)
	}
}

// blackout takes what had not reached the disk. What was in the outbox then
// is there again: its end was lost as well.
func (w *world) blackout() {
	if w.fault.Loss&LostAcks != 0 {
		w.acked = w.synced.acked
	}
	if w.fault.Loss&LostOutbox != 0 {
		w.waiting = w.synced.waiting
	}
	if w.fault.Loss&LostReceipts != 0 {
		w.receipts = w.synced.receipts
	}
}

// pass moves the time.
func (w *world) pass(to time.Time) {
	if to.After(w.clock) {
		w.sync()
	}
	w.clock = to
}

// waiting is one delivery in the outbox of a sink.
type waiting struct {
	alert    event.Alert
	data     []byte
	position int
}

// Arrival is one alert that a sink accepted.
type Arrival struct {
	At    time.Duration // since the beginning of the story
	Sink  string
	Alert event.Alert
}

func newWorld(begin time.Time, fault Fault) *world {
	w := &world{
		clock: begin, begin: begin, fault: fault,
		statuses: map[string]engine.Record{}, facts: map[string]engine.Record{}, silences: map[string]rules.Silence{},
		waiting: map[string][]waiting{}, receipts: map[string]map[string]event.Receipt{}, refuses: map[string]bool{},
	}
	w.sync()
	return w
}

func (w *world) wall() time.Time { return w.clock.Add(w.skew) }

// do is one operation: after a kill nothing works, and the kill itself may
// strike before or after the operation took effect.
func (w *world) do(op Op, effect func() error) error {
	if w.dead {
		return errKilled
	}
	w.ops++
	switch {
	case w.killAt == op:
		w.killAt, w.dead = "", true
		return errKilled
	case w.fault.Kill == w.ops:
		w.dead = true
		if w.fault.After {
			_ = effect()
		}
		if w.fault.Loss != 0 {
			w.blackout()
		}
		return errKilled
	}
	return effect()
}

// Next implements engine.Source. It does not wait.
func (w *world) Next(context.Context) ([]engine.Message, error) {
	var out []engine.Message
	for ; w.next < len(w.stream) && len(out) < batch; w.next++ {
		position := w.next + 1
		out = append(out, engine.Message{Data: w.stream[w.next], Position: uint64(position), Ack: func() error {
			return w.do(Acks, func() error { w.acked = max(w.acked, position); return nil })
		}})
	}
	return out, nil
}

// Last implements engine.Source: what was not acknowledged comes again.
func (w *world) Last(context.Context) (uint64, error) {
	w.next = w.acked
	return uint64(len(w.stream)), nil
}

// Put implements engine.Outbox. As on the bus, a kill may leave a part.
func (w *world) Put(_ context.Context, out []engine.Outgoing) error {
	for _, o := range out {
		err := w.do(Put, func() error {
			a, err := event.DecodeAlert(o.Data)
			if err != nil {
				return fmt.Errorf("put into the outbox: %w", err)
			}
			if a.DeliveryID() != o.ID {
				return fmt.Errorf("put into the outbox: %s holds %s", o.ID, a.DeliveryID())
			}
			w.waiting[o.Sink] = append(w.waiting[o.Sink], waiting{a, o.Data, w.ops})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Pending implements engine.Outbox.
func (w *world) Pending(_ context.Context, sink string, each func([]byte, uint64)) error {
	for _, d := range w.waiting[sink] {
		each(d.data, uint64(d.position))
	}
	return nil
}

// deliver plays the workers: in order, once each, to sinks that accept. Of the
// repetitions of an alert that wait the newest is sent.
func (w *world) deliver() {
	for _, sink := range slices.Sorted(maps.Keys(w.waiting)) {
		if w.refuses[sink] {
			continue
		}
		known := w.receipts[sink]
		if known == nil {
			known = map[string]event.Receipt{}
			w.receipts[sink] = known
		}
		for i, d := range w.waiting[sink] {
			if slices.ContainsFunc(w.waiting[sink][i:], func(later waiting) bool { return later.alert.Supersedes(&d.alert) }) {
				continue
			}
			slot := d.alert.Slot()
			if r, ok := known[slot]; ok && r.Covers(d.alert.Queued(uint64(d.position))) {
				continue
			}
			known[slot] = event.Receipt{Slot: slot, AlertID: d.alert.ID, Turn: d.alert.Turn, Seq: d.alert.Seq, Transition: d.alert.Transition, At: d.alert.At, Position: uint64(d.position), Reached: true}
			if w.copied(sink, d.alert) {
				continue
			}
			w.told = append(w.told, Arrival{w.clock.Sub(w.begin), sink, d.alert})
		}
		delete(w.waiting, sink)
	}
}

// copied reports whether the sink drops a copy: after a power loss it may get
// what it confirmed once more, and knows it by its id. What is made again may
// be called a change; an end may never have the id of something else.
func (w *world) copied(sink string, a event.Alert) bool {
	return w.fault.Loss != 0 && slices.ContainsFunc(w.told, func(d Arrival) bool {
		return d.Sink == sink && d.Alert.DeliveryID() == a.DeliveryID() && d.Alert.Transition.Firing() == a.Transition.Firing()
	})
}

// store implements engine.Store. Save is not atomic, as the bus is not: a kill
// may leave a part stored.
type store struct {
	w *world
	m map[string]engine.Record
}

func (s store) Load(_ context.Context, each func(engine.Record) error) error {
	for _, k := range slices.Sorted(maps.Keys(s.m)) {
		if err := each(s.m[k]); err != nil {
			return err
		}
	}
	return nil
}

func (s store) Save(_ context.Context, records []engine.Record) ([]uint64, error) {
	revisions := make([]uint64, 0, len(records))
	for _, r := range records {
		err := s.w.do(Save, func() error {
			if has := s.m[r.Key].Revision; has != r.Revision {
				return fmt.Errorf("%w: %s has revision %d, not %d", engine.ErrConflict, r.Key, has, r.Revision)
			}
			if r.Delete {
				delete(s.m, r.Key)
				return nil
			}
			r.Revision++
			s.m[r.Key] = r
			return nil
		})
		if err != nil {
			return nil, err
		}
		revisions = append(revisions, r.Revision)
	}
	return revisions, nil
}

// confirmed implements engine.Receipts.
type confirmed struct{ w *world }

func (c confirmed) Load(_ context.Context, sink string, each func(event.Receipt)) error {
	for _, slot := range slices.Sorted(maps.Keys(c.w.receipts[sink])) {
		each(c.w.receipts[sink][slot])
	}
	return nil
}

func (c confirmed) Forget(_ context.Context, sink string, slots []string) error {
	for _, slot := range slots {
		delete(c.w.receipts[sink], slot)
	}
	return nil
}

func (c confirmed) Known(context.Context) (engine.Roster, bool, error) {
	if c.w.known == nil {
		return engine.Roster{}, false, nil
	}
	return *c.w.known, true, nil
}

func (c confirmed) Know(_ context.Context, now engine.Roster) error {
	c.w.known = &now
	return nil
}

// hushes implements engine.SilenceStore. Nobody watches: the player tells the
// engine what has changed.
type hushes struct{ w *world }

func (h hushes) Watch(context.Context, func([]rules.Silence)) error { return nil }

func (h hushes) Save(_ context.Context, s rules.Silence) error {
	return h.w.do(Save, func() error { h.w.silence(s); return nil })
}

func (w *world) silence(s rules.Silence) { w.silences[s.ID], w.news = s, true }

// quieted lists the silences.
func (w *world) quieted() (out []rules.Silence) {
	for _, id := range slices.Sorted(maps.Keys(w.silences)) {
		out = append(out, w.silences[id])
	}
	return out
}

// complaints collects what the engine warns of. It implements slog.Handler.
type complaints struct{ w *world }

func (c complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (c complaints) WithAttrs([]slog.Attr) slog.Handler           { return c }
func (c complaints) WithGroup(string) slog.Handler                { return c }

func (c complaints) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	c.w.log = append(c.w.log, text)
	return nil
}
