package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// world is the durable part of the program in memory, with a switch that
// cuts the power between any two operations of an engine. The real bus is
// used by the acceptance tests; what it cannot do is stop at every single
// step.
type world struct {
	past     remembered
	mu       sync.Mutex
	stream   [][]byte
	acked    int
	statuses map[string]engine.Record
	facts    map[string]engine.Record
	outbox   map[string][]queued // by sink
	places   uint64              // in the outbox, so far
	parcels  *rand.Rand          // of what stays there after it was told; nil: nothing does
	receipts map[string]map[string]event.Receipt
	got      map[string][]event.Alert // what the far end of each sink received
	down     map[string]bool          // sinks that refuse
	silences map[string]rules.Silence
	quieted  chan struct{} // closed when silences change

	life    int        // the one whose operations work; a crash ends it
	running int        // the one that was started last
	fuse    int        // operations left until the crash; negative: none
	rnd     *rand.Rand // of the story
	coin    *rand.Rand // of crashes; guarded by mu
	wake    chan struct{}
	sinks   []string
	known   *engine.Roster // as stored
	engine  *engine.Engine // the one that was started last
	reader  *life          // of the events, for the engine that runs
	ahead   atomic.Int64   // nanoseconds that the wall clock was set ahead

	alerted  atomic.Int64  // decisions with an alert that the engine told of
	raised   []event.Alert // all that was put into the outbox to begin with, in order
	unsynced []write       // what a power loss may take; only if it is wanted
	power    bool          // it is

	log    slog.Handler // of the engines; nil: nobody reads it
	limits engine.Limits
	host   string                // of the engines
	alerts map[*byte]event.Alert // what waits in the outbox, decoded

	onPut func(sink string, a event.Alert) // nil: nobody looks; called with mu held

	timeMu sync.Mutex
	asked  time.Time // when the time was asked for last
	often  int       // in a row at that moment
}

// queued is a delivery in the outbox.
type queued struct {
	data     []byte
	position uint64
}

// write is one change of one part of the durable world.
type write struct {
	at   time.Time
	part string
	undo func()
}

// unsyncedFor is how long a write may be on its way to the disk: bus.sync.
const unsyncedFor = 2 * time.Second

// wrote notes how a write is undone. w.mu is held.
func (w *world) wrote(part string, undo func()) {
	if w.power {
		now := time.Now()
		w.unsynced = slices.DeleteFunc(w.unsynced, func(x write) bool { return now.Sub(x.at) > unsyncedFor })
		w.unsynced = append(w.unsynced, write{now, part, undo})
	}
}

// putting stores a value and notes how that is undone. w.mu is held.
func putting[V any](w *world, part string, m map[string]V, key string, value V) {
	before, had := m[key]
	w.wrote(part, func() {
		if delete(m, key); had {
			m[key] = before
		}
	})
	m[key] = value
}

// blackout takes away the newest writes, of each part as many as chance has
// it: every part is flushed by itself. Nothing may run meanwhile.
func (w *world) blackout(rnd *rand.Rand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, part := range []string{"stream", "acks", "statuses", "facts", "outbox", "receipts", "silences"} {
		var of []write
		for _, x := range w.unsynced {
			if x.part == part && now.Sub(x.at) <= unsyncedFor {
				of = append(of, x)
			}
		}
		keep := rnd.IntN(len(of) + 1)
		for _, x := range slices.Backward(of[keep:]) {
			x.undo()
		}
	}
	w.unsynced = nil
	w.acked = min(w.acked, len(w.stream))
	w.forget()
}

// forget takes from what the far ends received whatever nothing stored knows
// of any more: nobody can resolve that.
func (w *world) forget() {
	seqs, stored := map[string]int{}, map[string]int{} // of alerts; of slots: the last alert of which anything is stored
	order := map[string]int{}                          // of alerts
	for n, a := range w.raised {
		if _, again := order[a.ID]; !again {
			order[a.ID] = n
		}
	}
	know := func(slot, id string, seq int) {
		seqs[id] = max(seqs[id], seq)
		n, put := order[id]
		if !put && id != "" {
			n = len(w.raised) // it was to be put next
		}
		stored[slot] = max(stored[slot], n)
	}
	note := func(k event.Key, rule string, s rules.Slot) {
		know(event.Alert{Key: k, Rule: rule}.Slot(), s.ID, s.Seq)
	}
	for key, r := range w.statuses {
		if strings.HasPrefix(key, "storm.") {
			var d struct {
				Key  event.Key
				Slot rules.Slot
			}
			if json.Unmarshal(r.Value, &d) == nil {
				note(d.Key, event.RuleStorm, d.Slot)
			}
		} else if st, err := rules.DecodeStatus(r.Value); err == nil {
			st.Slots(func(rule string, s rules.Slot) { note(st.Key, rule, s) })
		}
	}
	for _, sink := range w.sinks {
		for _, r := range w.receipts[sink] {
			know(r.Slot, r.AlertID, r.Seq)
		}
		for _, d := range w.outbox[sink] {
			if a, err := event.DecodeAlert(d.data); err == nil {
				know(a.Slot(), a.ID, a.Seq)
			}
		}
	}
	for _, sink := range w.sinks {
		w.got[sink] = slices.DeleteFunc(w.got[sink], func(a event.Alert) bool {
			return seqs[a.ID] == 0 || a.Seq > seqs[a.ID] && order[a.ID] >= stored[a.Slot()]
		})
	}
}

var errCrashed = errors.New("crashed")

func newWorld(seed uint64) *world {
	return &world{statuses: map[string]engine.Record{}, facts: map[string]engine.Record{}, outbox: map[string][]queued{},
		receipts: map[string]map[string]event.Receipt{"nms": {}, "hook": {}}, got: map[string][]event.Alert{}, down: map[string]bool{},
		silences: map[string]rules.Silence{}, quieted: make(chan struct{}),
		alerts: map[*byte]event.Alert{}, fuse: -1, rnd: rand.New(rand.NewPCG(seed, 1)), coin: rand.New(rand.NewPCG(seed, 2)), wake: make(chan struct{}, 1), sinks: []string{"nms", "hook"}}
}

// mostAsked is how often an engine may ask for the time in one moment before it
// is taken to go in circles.
const mostAsked = 5_000_000

// now is how time passes.
func (w *world) now() time.Time {
	w.timeMu.Lock()
	defer w.timeMu.Unlock()
	now := time.Now()
	if w.often++; !now.Equal(w.asked) {
		w.asked, w.often = now, 0
	}
	if w.often > mostAsked {
		panic("the rules loop")
	}
	return now
}

// wall is the clock that somebody may set.
func (w *world) wall() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// life is one run of an engine in the world.
type life struct {
	w     *world
	id    int
	at    int   // next message to hand out
	fails error // of the next Next
}

// op guards one durable operation: after a crash none is possible, and the
// crash itself strikes before or after the operation took effect.
func (l *life) op(do func() error) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.id != l.w.life {
		return errCrashed
	}
	if l.w.fuse == 0 {
		l.w.life++
		l.w.fuse = -1
		if l.w.coin.IntN(2) == 0 {
			_ = do()
		}
		return errCrashed
	}
	if l.w.fuse > 0 {
		l.w.fuse--
	}
	return do()
}

func (l *life) Next(ctx context.Context) ([]engine.Message, error) {
	for {
		var out []engine.Message
		err := l.op(func() error {
			if l.fails != nil {
				err := l.fails
				l.fails = nil
				return err
			}
			for ; l.at < len(l.w.stream) && len(out) < 7; l.at++ {
				n := l.at
				out = append(out, engine.Message{Data: l.w.stream[n], Position: uint64(n + 1), Ack: func() error {
					return l.op(func() error {
						before := l.w.acked
						l.w.wrote("acks", func() { l.w.acked = before })
						l.w.acked = max(l.w.acked, n+1)
						return nil
					})
				}})
			}
			return nil
		})
		if err != nil || len(out) > 0 {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.w.wake:
		case <-time.After(time.Second):
		}
	}
}

func (l *life) Last(context.Context) (n uint64, err error) {
	return n, l.op(func() error {
		n, l.at = uint64(len(l.w.stream)), l.w.acked // what was not acknowledged comes again
		return nil
	})
}

type store struct {
	l    *life
	part string
	m    map[string]engine.Record
}

func (s store) Load(_ context.Context, each func(engine.Record) error) error {
	return s.l.op(func() error {
		for _, r := range s.m {
			if err := each(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Save is not atomic, as the bus is not: a crash may leave a part stored.
func (s store) Save(_ context.Context, records []engine.Record) ([]uint64, error) {
	var revs []uint64
	for _, r := range records {
		err := s.l.op(func() error {
			if s.m[r.Key].Revision != r.Revision {
				return engine.ErrConflict
			}
			if r.Delete {
				delete(s.m, r.Key)
				return nil
			}
			r.Revision++
			putting(s.l.w, s.part, s.m, r.Key, r)
			return nil
		})
		if err != nil {
			return nil, err
		}
		revs = append(revs, r.Revision)
	}
	return revs, nil
}

func (l *life) Put(_ context.Context, out []engine.Outgoing) error {
	for _, o := range out {
		err := l.op(func() error {
			l.w.places++
			l.w.outbox[o.Sink] = append(l.w.outbox[o.Sink], queued{o.Data, l.w.places})
			a, err := event.DecodeAlert(o.Data)
			if err == nil && a.Transition == event.Raised {
				l.w.raised = append(l.w.raised, a)
			}
			if err == nil && l.w.onPut != nil {
				l.w.onPut(o.Sink, a)
			}
			l.w.wrote("outbox", func() {
				l.w.outbox[o.Sink] = slices.DeleteFunc(l.w.outbox[o.Sink], func(d queued) bool { return &d.data[0] == &o.Data[0] })
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *life) Pending(_ context.Context, sink string, each func([]byte, uint64)) error {
	return l.op(func() error {
		for _, d := range l.w.outbox[sink] {
			each(d.data, d.position)
		}
		return nil
	})
}

type receipts struct{ l *life }

func (r receipts) Load(_ context.Context, sink string, each func(event.Receipt)) error {
	return r.l.op(func() error {
		for _, x := range r.l.w.receipts[sink] {
			each(x)
		}
		return nil
	})
}

func (r receipts) Forget(_ context.Context, sink string, slots []string) error {
	return r.l.op(func() error {
		for _, slot := range slots {
			delete(r.l.w.receipts[sink], slot)
		}
		return nil
	})
}

func (r receipts) Known(context.Context) (known engine.Roster, found bool, err error) {
	err = r.l.op(func() error {
		if found = r.l.w.known != nil; found {
			known = *r.l.w.known
		}
		return nil
	})
	return known, found, err
}

func (r receipts) Know(_ context.Context, now engine.Roster) error {
	return r.l.op(func() error { r.l.w.known = &now; return nil })
}

// hushes is a life's view of the silences.
type hushes struct{ l *life }

func (h hushes) Watch(ctx context.Context, tell func([]rules.Silence)) error {
	for {
		var all []rules.Silence
		var changed chan struct{}
		err := h.l.op(func() error {
			for _, s := range h.l.w.silences {
				all = append(all, s)
			}
			changed = h.l.w.quieted
			return nil
		})
		if err != nil {
			return err
		}
		tell(all)
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (h hushes) Save(_ context.Context, s rules.Silence) error {
	return h.l.op(func() error { h.l.w.quiet(s); return nil })
}

// quiet stores a silence and tells who watches.
func (w *world) quiet(s rules.Silence) {
	putting(w, "silences", w.silences, s.ID, s)
	close(w.quieted)
	w.quieted = make(chan struct{})
}

// deliver plays the workers: in order, skipping what a receipt covers.
func (w *world) deliver() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sink := range w.sinks {
		if w.down[sink] {
			continue
		}
		for _, d := range w.outbox[sink] {
			a, err := event.DecodeAlert(d.data)
			if err != nil {
				panic(err)
			}
			if r := w.receipts[sink][a.Slot()]; r.AlertID != "" && r.Covers(a.Queued(d.position)) {
				continue
			}
			w.got[sink] = append(w.got[sink], a)
			if a.Transition == event.Cleared && a.Turn < w.receipts[sink][a.Slot()].Turn {
				continue // as ledger.Book does
			}
			putting(w, "receipts", w.receipts[sink], a.Slot(), event.Receipt{Slot: a.Slot(), AlertID: a.ID, Turn: a.Turn, Seq: a.Seq, Transition: a.Transition, At: a.At, Position: d.position, Reached: true})
		}
		w.outbox[sink] = w.shared(w.outbox[sink])
	}
}

// shared is what stays in the outbox although it was told, as if its message had
// another delivery, which waits.
func (w *world) shared(told []queued) []queued {
	if w.parcels == nil || w.parcels.IntN(3) > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(told), func(queued) bool { return w.parcels.IntN(2) == 0 })
}

func (w *world) publish(data []byte) {
	w.mu.Lock()
	n := len(w.stream)
	w.stream = append(w.stream, data)
	w.wrote("stream", func() { w.stream = w.stream[:n] })
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// list is a small watch list: every item of the test is expected unless the
// host's relay fact is off and the item needs it.
type list struct {
	row  *catalog.Row
	gone map[string]bool
}

func (l *list) Find(k event.Key, f event.Facts) (*catalog.Row, catalog.Verdict) {
	if l.gone[k.Name] {
		return nil, catalog.Verdict{}
	}
	v := catalog.Verdict{Expected: catalog.Yes, Reason: event.Prose("always")}
	if r, _ := f.Get(event.Relay); strings.HasPrefix(k.Name, "relay") && r.Value == event.Off {
		v = catalog.Verdict{Expected: catalog.No, Reason: event.Prose("relay is off")}
	}
	return l.row, v
}

// logger is what the engines write their log with.
func (w *world) logger() *slog.Logger {
	if w.log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(w.log)
}

// startEngine begins a new life of the engine and returns a stop.
func startEngine(w *world, l engine.Rows, set *rules.Set) (stop func()) {
	w.mu.Lock()
	w.life++
	w.running = w.life
	li := &life{w: w, id: w.life, at: w.acked}
	w.mu.Unlock()
	e := engine.NewEngine(engine.Parts{
		Set: set, Rows: l, Sinks: w.sinks, Source: li, Statuses: store{li, "statuses", w.statuses}, Facts: store{li, "facts", w.facts}, Outbox: li, Receipts: receipts{li}, Silences: hushes{li},
		Log: w.logger(), Limits: w.limits, Host: w.host, Now: w.now, Wall: w.wall, Flushed: unsyncedFor, Past: &w.past,
		OnDecision: func(_ event.Key, d rules.Decision) {
			if d.Alert != nil {
				w.alerted.Add(1)
			}
		},
	})
	w.engine, w.reader = e, li
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); e.Run(ctx) }()
	return func() {
		w.past.check(e)
		cancel()
		<-done
	}
}

// remembered is what a history makes of what it is told.
type remembered struct {
	mu     sync.Mutex
	known  map[event.Key]engine.Change // nil: there was no whole yet
	asked  bool                        // the next whole is compared
	checks int
	faults []string
}

// Changed implements engine.Past.
func (r *remembered) Changed(c engine.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		return
	}
	c.Detail = event.Said{}
	if r.known[c.Key] = c; c.Gone {
		delete(r.known, c.Key)
	}
}

// Whole implements engine.Past.
func (r *remembered) Whole(all []engine.Change, _ []rules.Silence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[event.Key]engine.Change{}
	for _, c := range all {
		now[c.Key] = c
		before, ok := r.known[c.Key]
		before.Observer, before.Job = c.Observer, c.Job // that another one sees the same is no change
		if before.Since = before.Since.UTC(); r.asked && (!ok || before != c && (before.Since.UnixNano() != c.Since.UnixNano() || before.State != c.State || before.Expected != c.Expected || before.Impact != c.Impact || before.Veils != c.Veils)) {
			r.faults = append(r.faults, fmt.Sprintf("%s is %+v, told was %+v", c.Key, c, before))
		}
	}
	if r.asked {
		r.checks++
	}
	r.known = now
}

// check compares what the engine knows with what it told.
func (r *remembered) check(e *engine.Engine) {
	r.mu.Lock()
	r.asked = r.known != nil
	r.mu.Unlock()
	e.TellWhole()
	r.mu.Lock()
	r.asked, r.known = false, nil // the next life begins with its own
	r.mu.Unlock()
}

// checkPairs holds the far ends against the promises: one raised first, one
// cleared last, every transition once, at most one alert of a slot open.
func (w *world) checkPairs(t *testing.T) {
	t.Helper()
	for _, f := range w.past.faults {
		t.Errorf("history: %s", f)
	}
	for _, sink := range w.sinks {
		open := map[string]string{} // slot -> id
		seen := map[string]bool{}
		last := map[string]event.Alert{}
		for _, a := range w.got[sink] {
			if seen[a.DeliveryID()] {
				t.Errorf("%s: %s came twice", sink, a.DeliveryID())
			}
			seen[a.DeliveryID()] = true
			prev, told := last[a.ID]
			switch {
			case !told && a.Transition == event.Cleared:
				t.Errorf("%s: %s cleared, never raised", sink, a.ID)
			case !told && a.Transition != event.Raised:
				t.Errorf("%s: %s begins with %s", sink, a.ID, a.Transition)
			case told && prev.Transition == event.Cleared:
				t.Errorf("%s: %s %s after it was cleared", sink, a.ID, a.Transition)
			case told && prev.Ack != nil && a.Ack == nil && a.Transition.Firing() && a.Transition != event.Unacknowledged:
				t.Errorf("%s: %s %s forgot who looks after it", sink, a.ID, a.Transition)
			case told && prev.Ack != nil && a.Transition == event.Repeated:
				t.Errorf("%s: %s was repeated although somebody looks after it", sink, a.ID)
			case (a.Transition == event.Acknowledged) && a.Ack == nil:
				t.Errorf("%s: %s acknowledged by nobody", sink, a.ID)
			case a.Transition == event.Unacknowledged && (a.Ack != nil || a.Withdrawn == nil || a.Withdrawn.Author != "max"):
				t.Errorf("%s: %s withdrawn: %+v", sink, a.ID, a)
			case a.Transition != event.Unacknowledged && a.Withdrawn != nil:
				t.Errorf("%s: %s %s speaks of what was withdrawn", sink, a.ID, a.Transition)
			}
			if a.Transition.Firing() {
				if o := open[a.Slot()]; o != "" && o != a.ID {
					t.Errorf("%s: %s raised while %s is open", sink, a.ID, o)
				}
				open[a.Slot()] = a.ID
			} else {
				delete(open, a.Slot())
			}
			last[a.ID] = a
		}
		if len(open) > 0 {
			t.Errorf("%s: %d alerts were never cleared", sink, len(open))
		}
	}
}

// plot is what may happen in a story.
type plot struct {
	sets      []*rules.Set // every restart takes one
	powerLoss bool
	silences  bool
	acks      bool
	storms    bool          // there are more items
	clocks    bool          // the wall clock is set now and then
	windows   []*rules.Span // of the sets; they match everything
}

// story runs one random life of a small fleet with crashes and checks the
// promises at the end.
func story(t *testing.T, seed uint64, p plot) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(seed)
		sets, powerLoss, set := p.sets, p.powerLoss, p.sets[0]
		l := &list{row: row(t, key), gone: map[string]bool{}}
		stop := startEngine(w, l, set)
		names := []string{"ds_agent", "ds_am", "relay1"}
		if p.storms {
			names = append(names, "relay2", "a", "b", "c", "d")
		}
		states := []event.State{event.Up, event.Up, event.Degraded, event.Down, event.Unknown}
		tell := func(name string, s event.State) {
			o := event.Observation{Key: event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: name}, State: s, Want: 2, At: time.Now()}
			b, err := event.NewState("h", event.Change, o).Encode()
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b)
		}
		relay := func(v string) {
			_, b, err := event.EncodeFacts(event.FactsReport{Host: "h", Observer: "h", At: time.Now(), Facts: event.Facts{event.Relay: {Value: v, Origin: "test"}}})
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b)
		}
		for range 60 {
			switch w.rnd.IntN(12) {
			case 0:
				relay([]string{event.On, event.Off}[w.rnd.IntN(2)])
			case 1:
				w.mu.Lock()
				w.fuse = w.rnd.IntN(8)
				w.mu.Unlock()
			case 2:
				w.mu.Lock()
				s := w.sinks[w.rnd.IntN(2)]
				w.down[s] = !w.down[s]
				w.mu.Unlock()
			case 3:
				stop()
				if powerLoss {
					w.losePower()
				}
				set = sets[w.rnd.IntN(len(sets))]
				stop = startEngine(w, l, set)
			case 5, 6:
				if p.clocks {
					w.ahead.Add(int64([]time.Duration{-time.Hour, time.Hour, 24 * time.Hour, -5 * time.Minute, 3 * time.Minute}[w.rnd.IntN(5)]))
				}
				if p.silences {
					w.silence(t, names)
				}
			case 4:
				if w.publish([]byte(`{"not":"ours"}`)); p.acks {
					w.acknowledge(t)
				}
			default:
				for range 1 + w.rnd.IntN(5) {
					tell(names[w.rnd.IntN(len(names))], states[w.rnd.IntN(len(states))])
				}
			}
			if w.rnd.IntN(2) == 0 {
				time.Sleep(time.Duration(w.rnd.IntN(40)) * time.Second)
			}
			synctest.Wait()
			if w.rnd.IntN(3) == 0 {
				w.deliver()
			}
			w.mu.Lock()
			crashed := w.life != w.running
			w.mu.Unlock()
			if crashed {
				stop()
				stop = startEngine(w, l, set)
			}
		}
		// The end: everything is well again, nothing crashes, sinks answer.
		w.mu.Lock()
		w.fuse = -1
		w.down = map[string]bool{}
		w.mu.Unlock()
		stop()
		stop = startEngine(w, l, set)
		if p.storms {
			relay(event.On)
			for _, n := range names {
				tell(n, event.Up)
				tell(n, event.Down)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			w.deliver()
			w.checkSpokenFor(t, names)
		}
		if p.silences {
			w.checkSilenced(t, p.windows)
			relay(event.On)
			for _, n := range names {
				tell(n, event.Up)
				tell(n, event.Down)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			w.expireAll()
			time.Sleep(time.Hour)
			synctest.Wait()
			w.deliver()
			w.checkOpen(t, names)
		}
		for _, n := range names {
			tell(n, event.Up)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.deliver()
		stop()
		w.checkPairs(t)
		if len(sets) == 1 && !p.silences && !p.storms && set.Hold == 0 && set.Patience == 0 && !powerLoss {
			w.checkComplete(t, set, l)
		}
	})
}

// acknowledge looks after a random open alert, or stops doing so.
func (w *world) acknowledge(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var open []string
	w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
		st.Slots(func(rule string, s rules.Slot) {
			if rule != rules.FlapRule && s.Phase == rules.Firing {
				open = append(open, s.ID)
			}
		})
	})
	if len(open) == 0 {
		return
	}
	id := open[w.rnd.IntN(len(open))]
	if w.rnd.IntN(3) == 0 {
		_ = w.engine.Withdraw(ctx, id, event.Ack{At: time.Now(), Author: "max"})
		return
	}
	// A crash may keep it from being stored: then nobody was told either.
	_ = w.engine.Acknowledge(ctx, id, event.Ack{At: time.Now(), Author: []string{"kim", "lee"}[w.rnd.IntN(2)]})
}

// silence adds a random silence, or expires one.
func (w *world) silence(t *testing.T, names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.rnd.IntN(3) == 0 {
		for _, id := range slices.Sorted(maps.Keys(w.silences)) {
			if s := w.silences[id]; s.Active(now) {
				w.quiet(s.End(now, "test", words.SilenceExpired.With()))
				return
			}
		}
		return
	}
	s := rules.Silence{ID: fmt.Sprint("s", len(w.silences)), Match: matchers(t, "name="+names[w.rnd.IntN(len(names))]), Starts: now, Author: "test", Comment: "test"}
	if w.rnd.IntN(2) == 0 {
		s.Match = matchers(t, []string{"rule=loss", "rule=unknown", "severity=critical", "host=h"}[w.rnd.IntN(4)])
	}
	switch w.rnd.IntN(4) {
	case 0:
	case 1:
		s.Every, s.Lasts, s.TimeZone = "*/4 * * * *", time.Minute, "Asia/Tokyo"
	default:
		s.Ends = now.Add(time.Duration(1+w.rnd.IntN(300)) * time.Second)
	}
	s = s.Scheduled()
	w.quiet(s)
}

// expireAll ends every silence.
func (w *world) expireAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.silences {
		if now := w.wall(); !s.Ended(now) { // also one whose start a clock that was set back has put off
			w.quiet(s.End(now, "test", words.SilenceExpired.With()))
		}
	}
}

// checkSilenced: what a silence matched was neither raised nor repeated while
// it lasted, on any sink.
func (w *world) checkSilenced(t *testing.T, windows []*rules.Span) {
	t.Helper()
	for _, sink := range w.sinks {
		for _, a := range w.got[sink] {
			for _, s := range windows {
				if _, open := s.Until(a.At); open && (a.Transition == event.Raised || a.Transition == event.Repeated) {
					t.Errorf("%s: %s was %s at %s in spite of a window", sink, a.Slot(), a.Transition, a.At)
				}
			}
			for _, s := range w.silences {
				sub := rules.Subject{Key: a.Key, Rule: a.Rule, Severity: a.Severity}
				begun := a.At.After(s.Starts) && s.Active(a.At)
				if begun && s.Match.Match(&sub) && (a.Transition == event.Raised || a.Transition == event.Repeated) {
					t.Errorf("%s: %s was %s at %s in spite of %+v", sink, a.Slot(), a.Transition, a.At, s)
				}
			}
		}
	}
}

// checkOpen: everything is down and nothing is silenced, so every sink holds
// an alert of each item open.
func (w *world) checkOpen(t *testing.T, names []string) {
	t.Helper()
	for _, sink := range w.sinks {
		open := map[string]bool{}
		for _, a := range w.got[sink] {
			if a.Rule == rules.Loss {
				open[a.Key.Name] = a.Transition.Firing()
			}
		}
		for _, n := range names {
			if !open[n] {
				t.Errorf("%s: the loss of %s was never told although it lasts and nothing is silenced", sink, n)
			}
		}
	}
}

// losePower takes away the newest part of the outbox, as a file system does
// that had not flushed it. Statuses and receipts survive.
func (w *world) losePower() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sinks {
		if n := len(w.outbox[s]); n > 0 {
			w.outbox[s] = slices.Clone(w.outbox[s][:w.rnd.IntN(n+1)])
		}
	}
}

// checkComplete decides the whole stream once more without any crash. Where
// no timer has a say, the far ends must have got exactly that, whatever
// crashed in between: nothing left out, nothing made up, the same order.
func (w *world) checkComplete(t *testing.T, set *rules.Set, l *list) {
	t.Helper()
	statuses := map[event.Key]rules.Status{}
	var facts event.Facts
	want := map[string]map[string][]string{} // by sink and slot, in order
	for _, sink := range w.sinks {
		want[sink] = map[string][]string{}
	}
	decide := func(k event.Key, e event.Event) {
		r, v := l.Find(k, facts)
		st, ds := set.Decide(time.Now(), statuses[k], rules.Snapshot{Row: r, Verdict: v, Facts: facts, Sinks: w.sinks}, e)
		statuses[k] = st
		for _, d := range ds {
			for _, sink := range d.Sinks {
				a := d.Alert
				if slices.Contains(d.Late, sink) {
					a = d.First
				}
				want[sink][a.Slot()] = append(want[sink][a.Slot()], brief(*a))
			}
		}
	}
	for _, b := range w.stream {
		if e, err := event.Decode(b); err == nil {
			decide(e.Key(), e)
		} else if r, err := event.DecodeFacts(b); err == nil {
			facts = r.Facts
			for k := range statuses {
				decide(k, event.Event{})
			}
		}
	}
	for _, sink := range w.sinks {
		got := map[string][]string{}
		for _, a := range w.got[sink] {
			got[a.Slot()] = append(got[a.Slot()], brief(a))
		}
		if d := cmp.Diff(want[sink], got); d != "" {
			t.Errorf("%s got something else than a run without crashes gives (-want +got):\n%s", sink, d)
		}
	}
}

func brief(a event.Alert) string { return fmt.Sprint(a.Seq, " ", a.Transition, " ", a.State) }

// seeds is how many random lives a test runs; make soak runs more.
func seeds() uint64 {
	if os.Getenv("DSWATCH_SOAK") != "" {
		return 2_000
	}
	return 4
}

func TestEnginePairsThroughCrashes(t *testing.T) {
	for name, set := range map[string]*rules.Set{
		"at once":    {Language: "en"},
		"routed":     {Language: "en", Routes: []rules.Route{{Match: matchers(t, "name=ds_am"), Sinks: []string{"hook"}}, {Match: matchers(t, "rule=loss"), Sinks: []string{"nms"}}}},
		"with holds": {Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Minute, Repeat: 10 * time.Minute}, Language: "en"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds() {
				if story(t, seed, plot{sets: []*rules.Set{set}}); t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// someRoutes are configurations that a program may be restarted with.
func someRoutes(t *testing.T) [][]rules.Route {
	minute := time.Minute
	return [][]rules.Route{
		nil,
		{
			{Match: matchers(t, "name=ds_am"), Sinks: []string{"hook"}, Repeat: &minute},
			{MinSeverity: event.Critical, Sinks: []string{"nms"}, Continue: true, Repeat: &minute},
			{Match: matchers(t, "rule=loss"), Sinks: []string{"hook"}},
		},
		{{Match: matchers(t, `name=~"relay.*"`), Sinks: []string{"nms"}, Repeat: &minute}, {Sinks: []string{"hook"}}},
		{{Match: matchers(t, "host=elsewhere"), Sinks: []string{"nms"}}},
		routes(t, rules.Route{Sinks: []string{"nms"}, Hours: []rules.Hours{{From: "00:03", To: "00:07"}, {From: "00:10", To: "00:20"}}, Repeat: &minute, Continue: true},
			rules.Route{Sinks: []string{"hook"}, Hours: []rules.Hours{{From: "00:05", To: "00:12"}}}),
		routes(t, rules.Route{Sinks: []string{"nms"}, Escalate: &rules.Escalation{After: 2 * time.Minute, Sinks: []string{"hook"}}}),
	}
}

// TestEnginePairsThroughRouteChanges restarts with other routes all the time.
func TestEnginePairsThroughRouteChanges(t *testing.T) {
	var sets []*rules.Set
	for i, routes := range someRoutes(t) {
		repeat := time.Duration(i) * 2 * time.Minute
		sets = append(sets, &rules.Set{Settings: rules.Settings{Repeat: repeat}, Routes: routes, Language: "en"})
	}
	for seed := range seeds() {
		if story(t, seed, plot{sets: sets, powerLoss: seed%2 == 0}); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestEngineSilencesThroughCrashes adds and expires silences all the time:
// every alert is still paired, nothing silenced is told, and nothing that
// lasts is forgotten when the silence is over.
func TestEngineSilencesThroughCrashes(t *testing.T) {
	for name, set := range map[string]*rules.Set{
		"at once":    {Language: "en"},
		"with holds": {Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Minute, Repeat: 10 * time.Minute}, Language: "en"},
		"windows":    {Settings: rules.Settings{Repeat: 10 * time.Minute}, Windows: []*rules.Span{span(t, "*/7 * * * *", 3*time.Minute, "UTC")}, Language: "en"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds() {
				if story(t, seed, plot{sets: []*rules.Set{set}, silences: true, windows: set.Windows}); t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func TestEnginePairsThroughPowerLoss(t *testing.T) {
	for seed := range seeds() {
		if story(t, seed, plot{sets: []*rules.Set{{Language: "en"}}, powerLoss: true}); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestEngineAcknowledgesThroughCrashes: an acknowledgement is a transition
// as all others are, and from then on nothing is repeated.
func TestEngineAcknowledgesThroughCrashes(t *testing.T) {
	for name, p := range map[string]plot{
		"silences": {silences: true},
		"routes":   {},
		"power":    {powerLoss: true},
	} {
		t.Run(name, func(t *testing.T) {
			p.acks = true
			routes := someRoutes(t)[:1]
			if name == "routes" {
				routes = someRoutes(t)
			}
			for _, r := range routes {
				p.sets = append(p.sets, &rules.Set{Settings: rules.Settings{Hold: 5 * time.Second, Repeat: 2 * time.Minute}, Routes: r, Language: "en"})
			}
			for seed := range seeds() {
				if story(t, seed, p); t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}
