package sinks

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"dswatch/event"
	"dswatch/words"
)

// Outbox hands out what waits for one sink, oldest first.
type Outbox interface {
	// Next waits for at least one delivery and returns at most most, or none
	// when there is a pulse. It
	// returns each delivery once in the life of one worker, unless that went
	// too long without InProgress. A new worker gets everything that was not
	// acknowledged again, in the old order and before anything newer: a
	// resolve must not overtake the raise that a crash left behind.
	Next(ctx context.Context, most int) ([]Delivery, error)
}

// Delivery is one message of an outbox. Its methods do not block for long.
type Delivery interface {
	Data() []byte      // what event.Alert.Encode wrote
	Position() uint64  // place in the outbox: grows from one message to the next
	Ack() error        // done: never hand it out again
	InProgress() error // still held: do not hand it out again yet
}

// Receipts keeps what one sink has been told, one Receipt for each slot.
type Receipts interface {
	Load(ctx context.Context) ([]event.Receipt, error)
	// Store overwrites the receipts of the same slots; each slot occurs at
	// most once in rs. After an error all or none or some may be stored; the
	// same ones are then stored again.
	Store(ctx context.Context, rs []event.Receipt) error
}

// orphaned reports whether a resolves a firing of which the far end refused
// every transition. Sending it would tell of the end of something that, to
// the far end, never began; and once the raise was replayed, nothing would
// resolve it. So it goes where its raise went.
func orphaned(r event.Receipt, a event.Alert) bool {
	return a.Transition == event.Cleared && r.AlertID == a.ID && r.Dead && !r.Reached
}

// ErrOutdated is why a replay does not go to such a far end.
var ErrOutdated = Permanent(words.Fail(words.Outdated.With()))

// ByItem reports whether the far end of s tells alerts apart by their item and
// rule alone, and not by their id.
func ByItem(s Sink) bool {
	b, ok := s.(interface{ ByItem() bool })
	return ok && b.ByItem()
}

// Dead keeps what could not be delivered, for people to see and replay.
type Dead interface {
	// Bury stores l. The same l may come twice after a crash.
	Bury(ctx context.Context, l Letter) error
}

// Letter is one delivery that was given up.
type Letter struct {
	Sink       string `json:"sink"`
	DeliveryID string `json:"delivery_id"` // empty when Data is no alert
	Reason     string `json:"reason"`      // one clean line without secrets
	// ReasonStatements is Reason as data, as far as it is not somebody else's text.
	ReasonStatements event.Said `json:"reason_statements,omitzero"`

	Class    Class     `json:"class"`
	Attempts int       `json:"attempts"`
	First    time.Time `json:"first,omitzero"` // first attempt
	At       time.Time `json:"at"`             // given up
	Position uint64    `json:"position"`       // Delivery.Position
	Data     []byte    `json:"data"`           // as it was in the outbox
}

// WorkerOptions say how a Worker is made. What is zero gets its default.
type WorkerOptions struct {
	Sink     Sink
	Settings Settings
	Outbox   Outbox
	Receipts Receipts
	Dead     Dead
	History  History // nil: attempts are forgotten at the end
	Log      *slog.Logger
	Metrics  *Metrics // nil: not counted
	// Pulses are called by the loop that takes deliveries, between two of them
	// and never behind a Send. Who sends one makes Outbox.Next return.
	Pulses <-chan func()
	Alive  func() // called each time that loop goes round; nil: nobody

	Grace      time.Duration // how long an attempt may go on after the end of Run's ctx, and then the storing of receipts; default 5s
	Window     int           // deliveries held at once; default 1024
	KeepAlive  time.Duration // time between two InProgress, well under the outbox's own limit; default 10s
	MinBackoff time.Duration // mean pause after a first failure is half of it; default 1s
	MaxBackoff time.Duration // bound of the pauses; default 30s
}

// maxPanics is how often one delivery may make a sink panic. A defect rarely
// passes with time, so patience would be wasted on it.
const maxPanics = 5

// Worker empties one sink's outbox, see the package's promises.
//
// Deliveries are spread over Settings.Concurrency lanes by their slot. A
// delivery that fails for a time steps aside with all later ones of its slot,
// and the lane pauses with exponential back-off and full jitter before the
// next attempt, whichever slot that is for. So a far end that is down gets
// one attempt per lane and pause, and one delivery that a far end chokes on
// holds up its own slot only. The first success after an outage ends the
// pauses of all lanes. A Retry-After pauses all lanes. When the attempts of
// several slots fail in a row, the circuit opens and one lane probes for all.
// Settings.Rate bounds the attempts of all lanes together.
type Worker struct {
	o     WorkerOptions
	began time.Time
	log   *slog.Logger
	m     counters
	seed  maphash.Seed
	lanes []*lane
	items bool // see ByItem

	retired atomic.Pointer[<-chan struct{}] // see Retire

	settled chan settled  // to the settler, in the order of each slot; never full
	freed   chan struct{} // room in held

	pause atomic.Pointer[time.Time] // the far end wants nothing before
	gate  *gate

	untried atomic.Int64  // deliveries that were taken, and neither tried nor settled
	handled atomic.Uint64 // attempts that were begun, and deliveries that were settled
	sending atomic.Int64  // attempts under way
	rests   atomic.Int64  // until when the gate lets nothing through, in nanoseconds since 1970

	journal journal

	mu     sync.Mutex
	mended chan struct{} // closed by Mended
	held   map[*item]struct{}
	health Health

	logged rate.Sometimes // dead letters in the log
}

// Health is what a status page shows of a sink.
type Health struct {
	Sink          string    `json:"sink"`
	Held          int       `json:"held"` // taken from the outbox, not yet settled
	Delivered     uint64    `json:"delivered"`
	Dead          uint64    `json:"dead"`
	LastDelivered time.Time `json:"last_delivered,omitzero"`
	FailingSince  time.Time `json:"failing_since,omitzero"` // zero: the last attempt succeeded
	LastError     string    `json:"last_error,omitempty"`   // one clean line without secrets
	// LastErrorStatements is LastError as data, as far as it is not somebody else's text.
	LastErrorStatements event.Said `json:"last_error_statements,omitzero"`

	QuietUntil time.Time `json:"quiet_until,omitzero"` // the far end asked for a pause

	Circuit CircuitState `json:"circuit"`
	ProbeAt time.Time    `json:"probe_at,omitzero"` // of an open circuit
}

// item is one delivery on its way.
type item struct {
	Delivery
	alert    event.Alert
	slot     string
	bad      error // not an alert
	taken    time.Time
	first    time.Time // first attempt
	attempts int
	tried    bool // an attempt was begun
	panics   int
	unclear  bool // an attempt failed without a refusal, and the far end may have got it
}

// settled is a delivery that needs no attempt any more.
type settled struct {
	it      *item
	receipt event.Receipt // Slot is empty when there is nothing new to store
}

// NewWorker returns a Worker; Run makes it work.
func NewWorker(o WorkerOptions) *Worker {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Grace, 5*time.Second)
	def(&o.KeepAlive, 10*time.Second)
	def(&o.MinBackoff, time.Second)
	def(&o.MaxBackoff, 30*time.Second)
	if o.Window <= 0 {
		o.Window = 1024
	}
	w := &Worker{
		o: o, began: time.Now(), log: o.Log.With("sink", o.Settings.Name), m: o.Metrics.of(o.Settings.Name), seed: maphash.MakeSeed(),
		items:   ByItem(o.Sink),
		settled: make(chan settled, o.Window), freed: make(chan struct{}, 1), held: make(map[*item]struct{}, o.Window),
		mended: make(chan struct{}), health: Health{Sink: o.Settings.Name}, gate: newGate(o.Settings),
		logged: rate.Sometimes{First: 3, Interval: 10 * time.Second},
	}
	for range max(1, o.Settings.Concurrency) {
		w.lanes = append(w.lanes, &lane{
			w: w, in: make(chan *item, o.Window), wake: make(chan struct{}, 1),
			receipts: map[string]event.Receipt{}, parked: map[string]*parked{}, pauses: w.backoff(),
		})
	}
	return w
}

// Health returns the state of the sink now.
func (w *Worker) Health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.health
	h.Held = len(w.held)
	if q := w.pause.Load(); q != nil && time.Until(*q) > 0 {
		h.QuietUntil = *q
	}
	h.Circuit, h.ProbeAt = w.gate.now()
	return h
}

// Flow is how many deliveries wait for their first attempt although the far end
// would take them, of those that the worker holds and of fetched, which it could
// take; and a count of what it has done, which stands still if it is stuck.
// Where the far end is slow, fails or wants to be left alone, nothing waits for
// the worker.
func (w *Worker) Flow(fetched uint64) (waits, done uint64) {
	now := time.Now()
	h := w.Health()
	if w.sending.Load() > 0 || !h.FailingSince.IsZero() || !h.QuietUntil.IsZero() || h.Circuit != Closed || w.rests.Load() > now.UnixNano() {
		return 0, w.handled.Load()
	}
	waits = uint64(max(0, w.untried.Load()))
	if w.room() > 0 {
		waits += fetched
	}
	return waits, w.handled.Load()
}

// Run works until ctx ends. Attempts in flight then have Grace to end, or what
// Retire gave them, what was sent is settled, everything else stays in the
// outbox. Run may be called once. It has no error to return: what fails is tried again, logged and
// shown by Health.
func (w *Worker) Run(ctx context.Context) {
	if !w.load(ctx) {
		return
	}
	w.loadHistory(ctx)
	// Attempts outlive ctx.
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { w.limit(hard, stop) })()

	var lanes, rest sync.WaitGroup
	for _, l := range w.lanes {
		lanes.Go(func() { l.run(ctx, hard) })
	}
	storing, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStoring()
	rest.Go(func() { w.settle(storing) })
	aliveCtx, stopAlive := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAlive()
	rest.Go(func() { w.keepAlive(aliveCtx) })
	rest.Go(func() { w.keepHistory(aliveCtx) })

	w.take(ctx)
	lanes.Wait()
	close(w.settled)
	go w.limit(storing, stopStoring)
	stopAlive()
	rest.Wait()
}

// Retire is called before the end of Run's ctx where another worker takes over
// and the process goes on: until hurry is closed, attempts under way have the
// whole time of an attempt, and receipts are stored however often that fails. An
// attempt that is cut off, or a receipt that is not stored, would let the other
// one tell the far end what it has been told.
func (w *Worker) Retire(hurry <-chan struct{}) { w.retired.Store(&hurry) }

// limit calls stop once what was begun before the end has had its time, unless
// it is done before: then work ends.
func (w *Worker) limit(work context.Context, stop func()) {
	if hurry := w.retired.Load(); hurry != nil {
		select {
		case <-*hurry:
		case <-work.Done():
			return
		}
	}
	select {
	case <-time.After(w.o.Grace):
		stop()
	case <-work.Done():
	}
}

// load gives each lane its receipts. It reports whether ctx still lives.
func (w *Worker) load(ctx context.Context) bool {
	var rs []event.Receipt
	ok := w.insist(ctx, "load receipts", func(ctx context.Context) (err error) {
		rs, err = w.o.Receipts.Load(ctx)
		return err
	})
	for _, r := range rs {
		w.laneOf(r.Slot).receipts[r.Slot] = r
	}
	return ok
}

func (w *Worker) laneOf(slot string) *lane {
	return w.lanes[maphash.String(w.seed, slot)%uint64(len(w.lanes))]
}

// take moves deliveries from the outbox to the lanes while there is room.
func (w *Worker) take(ctx context.Context) {
	for ctx.Err() == nil {
		w.live()
		room := w.room()
		if room == 0 {
			select {
			case <-w.freed:
			case p := <-w.o.Pulses:
				p()
			case <-ctx.Done():
			}
			continue
		}
		var ds []Delivery
		if !w.insist(ctx, "read outbox", func(ctx context.Context) (err error) {
			ds, err = w.o.Outbox.Next(ctx, room)
			return err
		}) {
			return
		}
		if len(ds) > room {
			w.log.Error("outbox returned more than was asked for", "asked", room, "got", len(ds))
		}
		now := time.Now()
		items := make([]*item, len(ds))
		for i, d := range ds {
			it := &item{Delivery: d, taken: now}
			if it.bad = it.alert.DecodeShort(d.Data()); it.bad == nil {
				it.slot = it.alert.Slot()
			}
			items[i] = it
		}
		w.untried.Add(int64(len(items)))
		w.mu.Lock()
		for _, it := range items {
			w.held[it] = struct{}{}
		}
		w.m.held.Set(float64(len(w.held)))
		w.mu.Unlock()
		for _, it := range items {
			select {
			case w.laneOf(it.slot).in <- it:
			case <-ctx.Done():
				return
			}
		}
	}
}

// live notes that the loop goes on, and takes a pulse.
func (w *Worker) live() {
	w.alive()
	select {
	case p := <-w.o.Pulses:
		p()
	default:
	}
}

// room returns how many deliveries may be taken now: none until a quarter of
// the window is free, so that a busy outbox is not read one by one.
func (w *Worker) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	free := w.o.Window - len(w.held)
	if len(w.held) > 0 && free < (w.o.Window+3)/4 {
		return 0
	}
	return free
}

// settle stores receipts in batches and acknowledges what is stored. While
// one batch is stored the lanes fill the next.
func (w *Worker) settle(ctx context.Context) {
	const most = 512
	batch := make([]settled, 0, most)
	receipts := make([]event.Receipt, 0, most)
	last := make(map[string]int, most)
	for s := range w.settled {
		batch = append(batch[:0], s)
	more:
		for len(batch) < most {
			select {
			case s, ok := <-w.settled:
				if !ok {
					break more
				}
				batch = append(batch, s)
			default:
				break more
			}
		}
		receipts = receipts[:0]
		clear(last)
		for _, s := range batch {
			if s.receipt.Slot == "" {
				continue
			}
			if i, ok := last[s.receipt.Slot]; ok {
				receipts[i] = s.receipt
				continue
			}
			last[s.receipt.Slot] = len(receipts)
			receipts = append(receipts, s.receipt)
		}
		if len(receipts) > 0 && !w.insist(ctx, "store receipts", func(ctx context.Context) error {
			return w.o.Receipts.Store(ctx, receipts)
		}) {
			continue // not acknowledged: it comes again
		}
		var failed int
		var last error
		for _, s := range batch {
			if err := s.it.Ack(); err != nil {
				failed, last = failed+1, err
			}
		}
		if failed > 0 { // harmless: the receipt keeps the second copy from being sent
			w.log.Warn("acknowledge deliveries", "failed", failed, "error", last)
		}
		w.mu.Lock()
		for _, s := range batch {
			delete(w.held, s.it)
		}
		w.m.held.Set(float64(len(w.held)))
		w.mu.Unlock()
		select {
		case w.freed <- struct{}{}:
		default:
		}
	}
}

// keepAlive tells the outbox about deliveries that are held for long.
func (w *Worker) keepAlive(ctx context.Context) {
	tick := time.NewTicker(w.o.KeepAlive)
	defer tick.Stop()
	var old []*item
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			old = old[:0]
			w.mu.Lock()
			for it := range w.held {
				if now.Sub(it.taken) >= w.o.KeepAlive/2 {
					old = append(old, it)
				}
			}
			w.mu.Unlock()
			var failed int
			var last error
			for _, it := range old {
				if err := it.InProgress(); err != nil {
					failed, last = failed+1, err
				}
			}
			if failed > 0 {
				w.log.Warn("keep deliveries", "failed", failed, "error", last)
			}
			clear(old)
		}
	}
}

// insist calls do until it succeeds or ctx ends, and reports which.
func (w *Worker) insist(ctx context.Context, what string, do func(context.Context) error) bool {
	pauses := w.backoff()
	for n := 1; ; n++ {
		w.mu.Lock()
		mended := w.mended
		w.mu.Unlock()
		w.alive()
		err := do(ctx)
		if err == nil {
			if n > 1 {
				w.log.Info("works again", "step", what, "attempts", n)
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if n == 1 {
			w.log.Warn("failed, will be tried again", "step", what, "error", err)
		}
		for pause := pauses.next(); pause > 0; pause -= aliveEvery {
			w.alive()
			if w.retired.Load() != nil {
				pause = min(pause, hurried)
			}
			select {
			case <-ctx.Done():
				return false
			case <-mended:
				pauses = w.backoff()
				pause = 0
			case <-time.After(min(pause, aliveEvery)):
			}
		}
	}
}

// hurried is the longest pause of a worker that another one waits for.
const hurried = time.Second

// aliveEvery is the longest pause in which the loop does not say that it goes on.
const aliveEvery = 5 * time.Second

func (w *Worker) alive() {
	if w.o.Alive != nil {
		w.o.Alive()
	}
}

// Mended ends the pauses that wait for the store: it is said to work again.
func (w *Worker) Mended() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.mended)
	w.mended = make(chan struct{})
}

// attempt sends once. A panic is a failure, not a crash.
func (w *Worker) attempt(hard context.Context, it *item) (err error) {
	ctx, cancel := context.WithTimeout(hard, w.o.Settings.Timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = w.recovered(v)
		}
	}()
	return w.o.Sink.Send(ctx, it.alert)
}

// Beat sends a sign of life past the outbox, once: it may be called while Run
// works. Its failure says nothing about deliveries and changes no pause.
func (w *Worker) Beat(ctx context.Context, a event.Alert) error {
	if q := w.pause.Load(); q != nil && time.Until(*q) > 0 {
		w.m.beatFailed.Inc()
		return words.Fail(words.LeftAlone.With(*q))
	}
	err := w.attempt(ctx, &item{alert: a})
	if err != nil {
		w.m.beatFailed.Inc()
		if d, ok := After(err); ok && d > 0 {
			w.hush(time.Now().Add(d))
		}
		return err
	}
	w.m.beatSent.Inc()
	return nil
}

// succeeded and failed keep Health and log the turns from one to the other.
func (w *Worker) succeeded(now time.Time) {
	w.mu.Lock()
	since := w.health.FailingSince
	w.health.FailingSince = time.Time{}
	w.health.Delivered++
	w.health.LastDelivered = now
	w.mu.Unlock()
	if !since.IsZero() {
		w.log.Info("sink works again", "failed_for", now.Sub(since).Round(time.Millisecond))
	}
}

func (w *Worker) failed(now time.Time, err error) {
	w.mu.Lock()
	first := w.health.FailingSince.IsZero()
	if first {
		w.health.FailingSince = now
	}
	w.health.LastError, w.health.LastErrorStatements = Line(err.Error(), maxReason), saidBy(err, maxReason)
	w.mu.Unlock()
	if first {
		w.log.Warn("sink fails, will be tried again", "error", Line(err.Error(), maxReason))
	}
}

// answered notes that the far end is alive, whatever it said.
func (w *Worker) answered() {
	if w.gate.answered() {
		w.log.Info("sink answers, its circuit is closed")
		w.m.circuit.Set(Closed.number())
		w.cheer()
	}
}

// counted notes a failure without an answer and reports whether the circuit
// says from now on when the next attempt is. The end of a probe wakes the
// other lanes, so that they learn how long to wait now.
func (w *Worker) counted(slot string, now time.Time) bool {
	before, after := w.gate.failed(slot, now)
	if before == after {
		return after != Closed
	}
	w.m.circuit.Set(after.number())
	if before == Closed {
		w.log.Warn("sink seems to be down, its circuit is open: one attempt at a time finds out when it is back")
	}
	w.cheer()
	return true
}

// bury moves it to the dead letters and reports whether that is done.
func (w *Worker) bury(ctx context.Context, it *item, err error) bool {
	l := Letter{
		Sink: w.o.Settings.Name, Reason: Line(err.Error(), maxReason), ReasonStatements: saidBy(err, maxReason), Class: Classify(err),
		Attempts: it.attempts, First: it.first, At: time.Now(), Position: it.Position(), Data: it.Data(),
	}
	if it.bad == nil {
		l.DeliveryID = it.alert.DeliveryID()
		if it.alert.Test { // whoever tests is told; nobody wants a test again
			w.mu.Lock()
			w.blame(l, err)
			w.mu.Unlock()
			return true
		}
	}
	if !w.insist(ctx, "store dead letter", func(ctx context.Context) error { return w.o.Dead.Bury(ctx, l) }) {
		return false
	}
	w.mu.Lock()
	w.health.Dead++
	w.blame(l, err)
	total := w.health.Dead
	w.mu.Unlock()
	w.m.dead.Inc()
	w.logged.Do(func() {
		w.log.Error("delivery went to the dead letters", "delivery", l.DeliveryID, "class", l.Class,
			"attempts", l.Attempts, "reason", l.Reason, "total", total)
	})
	return true
}

// blame notes why a delivery was given up. An end that goes where its raise
// went says nothing new: what the far end said of the raise stays to be read.
// The caller holds mu.
func (w *Worker) blame(l Letter, err error) {
	if !errors.Is(err, errOrphaned) {
		w.health.LastError, w.health.LastErrorStatements = l.Reason, l.ReasonStatements
	}
}

// hush lets all lanes pause until t.
func (w *Worker) hush(t time.Time) {
	for {
		q := w.pause.Load()
		if q != nil && !t.After(*q) || w.pause.CompareAndSwap(q, &t) {
			return
		}
	}
}

// cheer ends the pauses of all lanes after an outage.
func (w *Worker) cheer() {
	for _, l := range w.lanes {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

var errOrphaned = Permanent(words.Fail(words.Orphaned.With()))

func outOfPatience(patience time.Duration, err error) error {
	return words.FailWith(err, words.GaveUp.With(patience, err))
}
