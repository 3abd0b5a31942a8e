package sinks

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"dswatch/event"
)

// lane delivers the alerts of its slots, one attempt at a time. Only its own
// goroutine touches it, but for the channels.
type lane struct {
	w        *Worker
	in       chan *item
	fresh    *item                    // taken from in, not yet looked at
	wake     chan struct{}            // another lane found the far end alive again
	receipts map[string]event.Receipt // of the lane's slots, as of the last attempt

	// parked holds the slots whose first delivery failed for a time; queue
	// has them with the one tried longest ago first.
	parked map[string]*parked
	queue  []*parked

	fails  int       // failures since the last answer
	wins   uint64    // answers so far
	resume time.Time // no attempt before
	pauses *pauses
}

// parked is one slot that waits, with everything that came for it.
type parked struct {
	slot   string
	items  []*item
	due    time.Time
	wins   uint64 // lane.wins at its last failure
	pauses *pauses
}

func (l *lane) run(ctx, hard context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		it, wait := l.next(time.Now())
		if it != nil {
			if l.unsent(ctx, it) {
				continue
			}
			if wait = l.w.gate.enter(it.slot, time.Now()); wait == 0 {
				l.deliver(ctx, hard, it)
				continue
			}
			l.w.rests.Store(time.Now().Add(wait).UnixNano())
			if l.parked[it.slot] == nil {
				l.fresh = it // looked at again
			}
		}
		in := l.in
		var expired <-chan time.Time
		if wait > 0 {
			timer.Reset(wait)
			expired = timer.C
			if l.fresh != nil || l.paused(time.Now()) > 0 {
				in = nil
			}
		}
		select {
		case <-ctx.Done():
		case l.fresh = <-in: // another lane may have been told to pause meanwhile
		case <-l.wake:
			l.resume = time.Time{}
		case <-expired:
		}
	}
}

// paused returns how long no attempt may be made.
func (l *lane) paused(now time.Time) time.Duration {
	until := l.resume
	if q := l.w.pause.Load(); q != nil && q.After(until) {
		until = *q
	}
	return until.Sub(now)
}

// next returns the delivery to try now, or how long to wait at most; zero is
// until something comes. While all is well, a parked slot that is due is
// older than anything new. In trouble, what was not tried yet goes first: it
// tells whether the far end is down or only chokes on what is parked.
func (l *lane) next(now time.Time) (*item, time.Duration) {
	if wait := l.paused(now); wait > 0 {
		return nil, wait
	}
	if l.fails == 0 {
		if p := l.firstDue(now); p != nil {
			return p.items[0], 0
		}
	}
	for it := l.take(); it != nil; it = l.take() {
		switch p := l.parked[it.slot]; {
		case p != nil:
			l.follow(p, it)
		case l.missed(it, now):
			l.await(it, now.Add(gathering))
		default:
			return it, 0
		}
	}
	if p := l.firstDue(now); p != nil {
		return p.items[0], 0
	}
	var wait time.Duration
	for _, p := range l.queue {
		if d := p.due.Sub(now); wait == 0 || d < wait {
			wait = d
		}
	}
	return nil, wait
}

// A far end that was away is told of an alert that lasts once, and not for each
// time that it should have been told again. So of the repetitions that wait only
// the newest is sent, in its place among the rest.
const (
	// missedAfter is how late a repetition is that others may have outdated, and
	// gathering how long it waits for them: a new worker gets what waits one by one.
	missedAfter = 30 * time.Second
	gathering   = time.Second
)

// missed reports whether it comes so late that a later one may wait behind it.
func (l *lane) missed(it *item, now time.Time) bool {
	return it.bad == nil && it.alert.Transition == event.Repeated && !it.alert.Replay && now.Sub(it.alert.At) > missedAfter
}

// follow puts it behind what its slot waits with, and settles what it outdates.
func (l *lane) follow(p *parked, it *item) {
	p.items = slices.DeleteFunc(p.items, func(before *item) bool {
		outdated := it.alert.Supersedes(&before.alert)
		if outdated {
			l.w.m.superseded.Inc()
			l.settle(before, event.Receipt{})
		}
		return outdated
	})
	p.items = append(p.items, it)
}

// take returns the next new delivery, or nil.
func (l *lane) take() *item {
	it := l.fresh
	if it != nil {
		l.fresh = nil
		return it
	}
	select {
	case it = <-l.in:
	default:
	}
	return it
}

func (l *lane) firstDue(now time.Time) *parked {
	for _, p := range l.queue {
		if !p.due.After(now) {
			return p
		}
	}
	return nil
}

// testLife is how long a test is worth sending. Whoever asked for it has gone
// after 20 seconds. Only the end of a test that the far end may hold open is
// sent however late.
const testLife = 2 * time.Minute

// unsent settles what needs no attempt and reports whether it was that.
func (l *lane) unsent(ctx context.Context, it *item) bool {
	r, has := l.receipts[it.slot]
	switch {
	case it.bad != nil:
		if l.w.bury(ctx, it, Permanent(it.bad)) {
			l.done(it, event.Receipt{})
		}
	case has && r.Covers(it.alert.Queued(it.Position())):
		l.w.m.duplicate.Inc()
		l.w.journal.note(&it.alert, time.Now(), OutcomeDuplicate, nil)
		l.done(it, event.Receipt{})
	case has && orphaned(r, it.alert):
		l.giveUp(ctx, it, errOrphaned)
	case l.w.items && it.alert.Replay && r.Outdates(it.alert):
		l.giveUp(ctx, it, ErrOutdated)
	case it.alert.Test && time.Since(it.alert.At) > testLife && !(has && r.AlertID == it.alert.ID && r.Reached):
		l.w.m.expired.Inc()
		l.done(it, l.receipt(it, true))
	default:
		return false
	}
	return true
}

// begun counts that something is done about it.
func (w *Worker) begun(it *item) {
	if w.handled.Add(1); !it.tried {
		it.tried = true
		w.untried.Add(-1)
	}
}

// deliver tries it once and settles or parks it.
func (l *lane) deliver(ctx, hard context.Context, it *item) {
	start := time.Now()
	l.w.begun(it)
	l.w.sending.Add(1)
	defer l.w.sending.Add(-1)
	if it.attempts == 0 {
		it.first = start
	} else {
		l.w.m.retried.Inc()
	}
	err := l.w.attempt(hard, it)
	now := time.Now()
	if err != nil && hard.Err() != nil {
		l.w.journal.note(&it.alert, now, OutcomeCutOff, errCutOff)
		return // cut off by the end of the grace: stays in the outbox
	}
	it.attempts++
	l.w.m.latency.Observe(now.Sub(start).Seconds())

	if err == nil {
		l.w.journal.note(&it.alert, now, OutcomeDelivered, nil)
		l.w.m.delivered.Inc()
		l.w.m.delay.Observe(max(0, now.Sub(it.alert.At).Seconds()))
		l.w.succeeded(now)
		l.answered()
		l.done(it, l.receipt(it, false))
		return
	}
	class := Classify(err)
	l.w.m.failures[class].Inc()
	l.w.journal.note(&it.alert, now, string(class), err)
	if class == ClassPermanent {
		l.answered()
		l.giveUp(ctx, it, err)
		return
	}
	// Of what was decided before this worker began, another one may have made
	// attempts, of which nothing is known.
	it.unclear = it.unclear || !neverLeft(err) || it.alert.At.Before(l.w.began)
	if class == ClassPanic {
		it.panics++
	}
	l.w.failed(now, err)
	l.fails++
	l.resume = now.Add(l.pauses.next())
	if l.w.counted(it.slot, now) {
		l.resume = time.Time{}
	}
	if d, ok := After(err); ok && d > 0 {
		l.w.hush(now.Add(d))
	}
	if it.panics >= maxPanics || now.Sub(it.first) >= l.w.o.Settings.Patience {
		l.giveUp(ctx, it, outOfPatience(now.Sub(it.first).Round(time.Second), err))
		return
	}
	l.park(it, now)
}

// answered notes that the far end is alive.
func (l *lane) answered() {
	l.w.answered()
	l.wins++
	if l.fails >= 2 { // once is chance or one delivery's own trouble
		l.w.cheer()
	}
	l.fails, l.resume = 0, time.Time{}
	l.pauses.reset()
}

// park lets the slot of it wait, behind all that wait already. Its own pauses
// grow only while others get through: in an outage the lane's pauses are
// enough, and after it everything is due at once.
func (l *lane) park(it *item, now time.Time) {
	p := l.parked[it.slot]
	if p == nil {
		p = l.await(it, now)
	} else if p.wins == l.wins {
		p.pauses.reset()
	}
	l.unqueue(p)
	l.queue = append(l.queue, p)
	p.wins, p.due = l.wins, now.Add(p.pauses.next())
}

// await lets the slot of it, which waits with nothing yet, wait until then.
func (l *lane) await(it *item, until time.Time) *parked {
	p := &parked{slot: it.slot, items: []*item{it}, due: until, wins: l.wins, pauses: l.w.backoff()}
	l.parked[it.slot] = p
	l.queue = append(l.queue, p)
	return p
}

func (l *lane) unqueue(p *parked) {
	for i, q := range l.queue {
		if q == p {
			copy(l.queue[i:], l.queue[i+1:])
			l.queue[len(l.queue)-1] = nil
			l.queue = l.queue[:len(l.queue)-1]
			return
		}
	}
}

// giveUp moves it to the dead letters. When ctx ends before that is done, it
// stays in the outbox.
func (l *lane) giveUp(ctx context.Context, it *item, err error) {
	if l.w.bury(ctx, it, err) {
		l.done(it, l.receipt(it, true))
	}
}

// receipt makes the receipt of it and remembers it.
func (l *lane) receipt(it *item, dead bool) event.Receipt {
	a := it.alert
	before := l.receipts[it.slot]
	if a.ID == before.AlertID {
		a.ID = before.AlertID
	} else {
		a.ID = strings.Clone(a.ID) // the receipt is kept, the alert's memory is not
	}
	if a.Replay && before.AlertID != "" && before.AlertID != a.ID && before.Later(a) {
		return event.Receipt{} // of an earlier firing: what the far end knows of the later one still counts
	}
	r := event.Receipt{
		Slot: it.slot, AlertID: a.ID, Turn: a.Turn, Seq: a.Seq, Transition: a.Transition, At: a.At,
		Attempts: it.attempts, Position: it.Position(), Dead: dead,
		Reached: !dead || it.unclear || before.AlertID == a.ID && before.Reached,
	}
	if before.AlertID == a.ID && before.Seq < a.Seq {
		r.First = before.First
		if r.First == nil && !before.Confirmed.IsZero() {
			r.First = &event.Accepted{Seq: before.Seq, Transition: before.Transition, At: before.At, Attempts: before.Attempts, Confirmed: before.Confirmed}
		}
	}
	if !dead {
		r.Confirmed = time.Now().UTC().Truncate(time.Millisecond) // short in its record
	}
	l.receipts[it.slot] = r
	return r
}

// done hands it to the settler and lets its slot go on.
func (l *lane) done(it *item, r event.Receipt) {
	if p := l.parked[it.slot]; p != nil && p.items[0] == it {
		p.items = p.items[1:]
		if len(p.items) == 0 {
			l.unqueue(p)
			delete(l.parked, it.slot)
		} else {
			p.due = time.Time{}
			p.pauses.reset()
		}
	}
	l.settle(it, r)
}

// settle hands it to the settler.
func (l *lane) settle(it *item, r event.Receipt) {
	l.w.begun(it)
	it.alert = event.Alert{} // its texts are not needed while the receipt is stored
	l.w.settled <- settled{it, r}
}

// pauses grow exponentially, each a random part of its bound ("full jitter"),
// so that workers that failed together do not come back together.
type pauses struct{ b backoff.ExponentialBackOff }

func (w *Worker) backoff() *pauses {
	// The library draws from interval ± factor·interval.
	p := &pauses{backoff.ExponentialBackOff{
		InitialInterval: w.o.MinBackoff / 2, MaxInterval: w.o.MaxBackoff / 2, Multiplier: 2, RandomizationFactor: 1,
	}}
	p.reset()
	return p
}

func (p *pauses) reset() { p.b.Reset() }

func (p *pauses) next() time.Duration {
	return max(p.b.NextBackOff(), p.b.InitialInterval/5) // never a hot loop
}

// recovered turns what a panic left into an error. Its value is shown only
// when the Go run time made it: anything else may hold what the sink was
// given.
func (w *Worker) recovered(v any) error {
	what := "with a value that is not shown"
	if e, ok := v.(runtime.Error); ok {
		what = Line(e.Error(), maxQuote)
	}
	w.log.Error("sink panicked", "panic", what, "stack", string(debug.Stack()))
	return &panicked{what}
}
