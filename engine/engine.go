package engine

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// Engine is the shell around Decide. It is the only writer of its stores.
type Engine struct {
	Parts
	clock clock

	mu       sync.Mutex // guards what follows for Items; only Run changes it
	items    map[event.Key]*item
	hosts    map[string]*host // by event.Token of the name
	named    map[string]*host // the same by name, so that the token need not be computed
	footings map[rowKey]*footing
	due      dueHeap

	silences  []rules.Silence
	published atomic.Pointer[[]rules.Silence] // silences, for who must not wait for mu
	storm     *rules.Storm
	groups    map[event.Key]*digest
	releasing *digest // what it spoke for is let go: see release
	joining   int     // alerts that have joined digests in this round

	details map[event.Said]event.Said // of events, see share
	hiding  map[event.Key]int         // how many items cannot be seen because of one
	veils   map[watch]*veil           // see veil.go

	ending   bool // something may have ended that a silence waits for
	requests chan request

	orphans orphans
	fresh   []string             // sinks that are to hear of what is open, see meetSinks
	came    map[string]time.Time // see Roster
	met     bool                 // it is stored that all are known
	meetAt  time.Time            // when that will be, by Now; zero: they have not heard yet

	refused   refusals  // see refuse
	beyond    Refused   // see Limits
	dirty     []*item   // changed, and in no round yet
	round     Round     // the open one
	owed      Duties    // by this step so far
	broken    error     // why it cannot be done
	overdueAt time.Time // see overdue
	pruneAt   time.Time // see prune
	forgetAt  time.Time // see pruneReceipts
	journaled time.Time // when a journal that cannot be written was tried last
	stirred   []*item   // changed in a way that may concern others, see revise

	ready   atomic.Bool   // what was stored has been read and compared with the sinks
	lost    atomic.Bool   // see Lost
	anew    atomic.Bool   // the event stream was made anew
	changes atomic.Uint64 // see Changes
	kept    memory        // see remember
	loaded  bool          // what is in memory is all there is
	whole   bool          // Past was told all that is in memory
}

// NewEngine returns an engine that has not read anything yet.
func NewEngine(p Parts) *Engine {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Limits == (Limits{}) {
		p.Limits = DefaultLimits
	}
	if p.Alive == nil {
		p.Alive = func() {}
	}
	if p.Wall == nil {
		p.Wall = time.Now
	}
	c := clock{steady: p.Now, wall: p.Wall, start: p.Now()}
	c.step()
	return &Engine{Parts: p, clock: c, storm: rules.NewStorm(p.Host), requests: make(chan request)}
}

func (e *Engine) now() time.Time { return e.clock.now() }

// retry is how long Run waits before it reads everything anew.
const retry = time.Second

// mostAsleep is the longest without a step.
const mostAsleep = time.Minute

// Run reads what is stored, repairs what a crash left undone, and then
// decides until ctx ends. A store that fails, or another engine that writes
// to it, is no reason to give up: what is stored is the truth, so Run reads
// it anew, and the events that were not acknowledged come again.
func (e *Engine) Run(ctx context.Context) {
	defer func() { e.sayRefused(e.refused.due) }()
	for {
		err := e.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, ErrConflict) {
			e.Lost(false) // nobody else writes: the record was removed by hand
		}
		e.Log.Warn("the rules engine starts over from what is stored", "error", err, "wait", retry)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
	}
}

// Ready reports whether the engine knows what was stored. Until then Items and
// Digests show a part of it.
func (e *Engine) Ready() bool { return e.ready.Load() }

func (e *Engine) run(ctx context.Context) error {
	e.Alive()
	if e.lost.Swap(false) {
		if err := e.putBack(ctx); err != nil {
			e.Lost(false)
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	heard := make(chan []rules.Silence)
	lost := make(chan error, 1)
	watching.Go(func() {
		lost <- e.Silences.Watch(ctx, func(all []rules.Silence) {
			select {
			case heard <- all:
			case <-ctx.Done():
			}
		})
	})
	select { // what is silenced must be known before the first decision
	case all := <-heard:
		e.mu.Lock()
		e.silences = all
		e.published.Store(&all)
		e.mu.Unlock()
	case err := <-lost:
		return fmt.Errorf("load silences: %w", err)
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	if err := e.reconcile(ctx); err != nil {
		return err
	}
	e.ready.Store(true)
	e.mu.Lock()
	e.kept, e.loaded = memory{}, true
	e.anew.Store(false)
	e.LookFirst = 0
	e.tellWhole()
	e.mu.Unlock()
	defer e.ready.Store(false)
	return e.loop(ctx, heard, lost)
}

// load replaces everything in memory by what is stored.
func (e *Engine) load(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remember()
	e.items, e.hosts, e.named, e.footings, e.due = map[event.Key]*item{}, map[string]*host{}, map[string]*host{}, map[rowKey]*footing{}, nil
	e.dirty, e.stirred, e.orphans, e.whole = nil, nil, nil, false
	e.round, e.owed, e.broken = Round{}, Duties{}, nil
	e.storm, e.groups, e.joining = rules.NewStorm(e.Host), map[event.Key]*digest{}, 0
	e.hiding, e.veils = map[event.Key]int{}, map[watch]*veil{}
	e.clock.step() // deadlines that were stored are bounded below
	anew := e.anew.Load()
	if err := e.meetSinks(ctx); err != nil {
		return err
	}
	last, err := e.Source.Last(ctx)
	if err != nil {
		return fmt.Errorf("find the end of the event stream: %w", err)
	}
	bad, err := e.loadReports(ctx)
	if err != nil {
		return err
	}
	for host, h := range e.hosts {
		h.facts, _ = together(host, h.reports)
		h.past.learn(h.facts)
	}
	now := e.now()
	err = e.read(ctx, func(r stored) {
		switch {
		case r.it == nil:
			e.loadDigest(now, r.Record)
			return
		case r.err != nil:
			e.Log.Error("a stored status is unreadable; its item is observed anew, an open alert of it is not resolved", "key", r.Key, "error", r.err)
			bad = append(bad, unreadable{e.Statuses, r.Record, r.err})
			return
		}
		it := r.it
		if have := e.items[it.status.Key]; have != nil { // it was written while it was read
			e.hide(have.status.Seen.Behind, it.status.Seen.Behind)
			have.status = it.status
			it = have
		} else {
			e.place(it)
		}
		it.revision = r.Revision
		if it.status.Position > last {
			it.status.Position = 0
		} else if anew && it.status.Position > 0 {
			it.status.Position = 0
			e.touch(it) // or it would hide an event from the next start, too
		}
		e.Set.Bound(now, &it.status, it.snapshot(), e.fresh)
		if e.LookFirst > 0 {
			it.status.LookFirst(now.Add(e.LookFirst))
		}
		e.schedule(it)
	})
	if err != nil {
		return fmt.Errorf("load statuses: %w", err)
	}
	if err := e.setAside(ctx, bad); err != nil {
		return err
	}
	e.journalWhole()
	e.loadVeils(last)
	e.gatherMembers(now)
	e.expectHosts(now)
	return nil
}

// loop decides until ctx ends, or until an error comes from lost.
func (e *Engine) loop(ctx context.Context, heard <-chan []rules.Silence, lost <-chan error) error {
	batches := make(chan []Message)
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	reader.Go(func() {
		for {
			batch, err := e.Source.Next(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case batches <- batch:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	})
	timer := time.NewTimer(0)
	defer timer.Stop()
	for tidy := false; ; tidy = false {
		e.Alive()
		select {
		case p := <-e.Pulses:
			p(ctx)
			continue
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return fmt.Errorf("read events: %w", err)
		case err := <-lost:
			return fmt.Errorf("watch silences: %w", err)
		case all := <-heard:
			e.mu.Lock()
			e.hear(all)
		case q := <-e.requests:
			e.mu.Lock()
			e.serve(ctx, q)
		case batch := <-batches:
			e.mu.Lock()
			e.take(batch)
		case <-timer.C:
			e.mu.Lock()
			e.tick()
			tidy = true
		}
		duties := e.duties()
		err := e.do(ctx, duties)
		if err == nil && tidy {
			err = e.tidy(ctx)
		}
		e.mu.Unlock()
		if err != nil {
			return err
		}
		timer.Reset(max(0, duties.Wake.Sub(e.now())))
	}
}

// take decides one batch.
func (e *Engine) take(batch []Message) {
	e.keepTime()
	for _, d := range batch {
		e.receive(d)
	}
	e.overdue()
	e.owed.Ack = append(e.owed.Ack, batch...)
}

// receive decides one message. What cannot be decoded is dropped, see refuse:
// coming again would not make it better.
func (e *Engine) receive(d Message) {
	ev, err := event.Decode(d.Data)
	if err != nil {
		e.receiveFacts(d, err)
		return
	}
	if err := e.admitEvent(&ev); err != nil {
		e.refuse(d.Position, err)
		return
	}
	e.listen(ev.Observer)
	it := e.item(ev.Key())
	ev.Observation.Key = it.status.Key // the same, and kept once
	e.share(&ev)
	if d.Position <= it.status.Position {
		return // came again after a crash
	}
	e.roomFor(it)
	hidden := e.veilOf(it) != nil
	it.status.Position = d.Position
	e.decide(it, ev)
	if hidden { // stored as it is, or a restart would hide it again
		e.touch(it)
	}
	e.veilBy(it, d.Position)
	e.revise()
}

// receiveFacts takes a message that is no event, for the reason given, as a
// report about a host.
func (e *Engine) receiveFacts(d Message, noEvent error) {
	report, err := event.DecodeFacts(d.Data)
	switch {
	case err == nil:
		if err := e.admitReport(&report); err != nil {
			e.refuse(d.Position, err)
			return
		}
		e.learn(report, d.Data)
	case errors.Is(noEvent, event.ErrType) && !errors.Is(err, event.ErrType): // it is one that says something wrong
		e.refuse(d.Position, err)
	default:
		e.refuse(d.Position, noEvent)
	}
}

// learn takes what an observer reports about a host and decides the host's
// items again.
func (e *Engine) learn(r event.FactsReport, raw []byte) {
	if factsKey(r.Host, r.Observer) == event.Token(r.Host) { // a manager that is asked is no dswatch that may fall silent
		e.listen(r.Observer)
	}
	h := e.host(r.Host)
	token := event.Token(r.Observer)
	before := h.report(token)
	if before.facts.Equal(r.Facts) && (before.revision != 0 || before.waits || len(r.Facts) == 0 && r.Host != r.Observer) {
		if before.token != "" && r.At.After(before.at) {
			before.at = r.At
			h.keep(before)
		}
		return
	}
	if before.waits { // no record may be stored twice at once
		e.closeRound()
	}
	h.take(r, before.revision)
	var denied []string
	h.facts, denied = together(event.Token(r.Host), h.reports)
	e.passing(r.Host, h)
	after := h.report(token)
	after.waits = true
	h.keep(after)
	e.round.Facts = append(e.round.Facts, learned{h, token, factsKey(r.Host, r.Observer), raw})
	for _, d := range denied {
		if !slices.Contains(h.denied, d) {
			e.Log.Warn("facts about a host contradict each other", "host", r.Host, "fact", d)
		}
	}
	h.denied = denied
	for _, it := range h.items {
		e.look(it)
		e.redecide(it)
		if e.hides(it) { // whether it is expected may have changed
			e.stirred = append(e.stirred, it)
		}
	}
	e.revise()
}

// tick decides every item whose deadline has passed.
func (e *Engine) tick() {
	e.keepTime()
	e.overdue()
	now := e.now()
	e.sayRefused(now)
	e.meetTurned(now)
	for len(e.due) > 0 && e.due[0].due <= nanoseconds(now) {
		e.redecide(heap.Pop(&e.due).(*item))
		e.revise()
	}
	if waits := e.nextWait(); !waits.IsZero() && !waits.After(now) {
		e.ending = true
	}
	e.closeRound()
	e.tellDigests()
}

// decide asks Decide and notes what has to be stored and told.
func (e *Engine) decide(it *item, ev event.Event) {
	if ev.ID == "" {
		ev = e.unseen(it)
	}
	snap := it.snapshot()
	snap.Silences, snap.Storm = e.silences, e.storm
	if d := e.releasing; d != nil {
		snap.Single, snap.Gathered = true, d.Digest
	}
	e.relate(it, ev, &snap)
	behind := it.status.Seen.Behind
	if ev.ID != "" {
		behind = ev.Observation.Behind
	}
	snap.Unaccounted = behind != (event.Key{}) && !e.accounted(it, behind, 0)
	if !it.home.transit.Until.IsZero() {
		snap.Transit = &it.home.transit
	}
	after, decisions := e.Set.Decide(e.now(), it.status, snap, ev)
	e.apply(it, after, decisions)
	e.rising(it)
}

// apply notes what has to be stored and told of what was decided.
func (e *Engine) apply(it *item, after rules.Status, decisions []rules.Decision) {
	before := &it.status
	// A healthy snapshot changes the time of the look only, which is not
	// worth a write: 200,000 items would write 40,000 times a minute.
	changed := len(decisions) > 0 || !after.Seen.Same(before.Seen) || after.Gone != before.Gone || after.Job != before.Job || after.Flap != before.Flap || after.Moved(before, rules.Loss) || after.Moved(before, rules.Unseen)
	e.stir(it, &after)
	e.follow(it, &after, decisions)
	e.hide(before.Seen.Behind, after.Seen.Behind)
	if len(decisions) > 0 {
		after.Trail = after.Trail.Add(e.now(), after.Seen.State, decisions)
	}
	it.status = after
	if changed {
		e.touch(it)
	}
	e.note(it)
	for _, d := range decisions {
		if e.OnDecision != nil {
			e.OnDecision(it.status.Key, d)
		}
		e.ending = e.ending || d.Outcome == rules.Cleared || d.Outcome == rules.Recovered || d.Outcome == rules.Silenced
		if d.Alert == nil {
			continue
		}
		slot := it.status.Slot(d.Rule)
		e.tell(d, e.replays(d, slot.Told(), func() []string {
			return e.Set.Told(e.now(), rules.Subject{Key: it.status.Key, Rule: d.Rule, Severity: slot.Severity}, e.Sinks)
		}))
		it.inRound = true
	}
	e.schedule(it)
}

// replays returns which sinks are told by one of an alert, which was raised then,
// that was open before they came, and is no news: at once, or when the hours of
// their route begin. An escalation, to whom no route leads, is news.
func (e *Engine) replays(one rules.Decision, raised time.Time, routed func() []string) []string {
	out := slices.Clone(e.fresh)
	for _, name := range one.Late {
		if at, came := e.came[name]; came && raised.Before(at) && slices.Contains(routed(), name) {
			out = append(out, name)
		}
	}
	return out
}

// tell notes what was decided for this round. Of an alert that was open before
// they came, fresh sinks hear as of a replay.
func (e *Engine) tell(d rules.Decision, fresh []string) {
	err := d.Deliveries(func(a *event.Alert, sinks []string) error {
		for _, name := range sinks {
			out := *a
			out.Replay = a.Replay || a == d.First && (e.releasing != nil || slices.Contains(fresh, name))
			if err := e.put(out, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		e.Log.Error("an alert cannot be encoded", "alert", d.Alert.ID, "error", err)
	}
}

// put notes one transition for this round.
func (e *Engine) put(a event.Alert, sinks ...string) error {
	data, err := a.Encode()
	if err != nil {
		return err
	}
	for _, name := range sinks {
		e.round.Send = append(e.round.Send, Outgoing{Sink: name, ID: a.DeliveryID(), Data: data})
	}
	return nil
}

// Items calls each with every status and what is known about its row, in the
// order of keys. It is for status pages and must return quickly.
func (e *Engine) Items(each func(rules.Status, rules.Snapshot)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	keys := make([]event.Key, 0, len(e.items))
	for k, it := range e.items {
		if !it.status.Gone {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compareKeys)
	for _, k := range keys {
		it := e.items[k]
		each(e.asSeen(it), it.snapshot())
	}
}

// FactsOf returns what counts of all that was told about a host; nil: nothing was.
func (e *Engine) FactsOf(host string) event.Facts {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h := e.hosts[event.Token(host)]; h != nil {
		return event.Facts{}.Merge(h.facts)
	}
	return nil
}

// Count returns how many items are tracked.
func (e *Engine) Count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.items)
}
