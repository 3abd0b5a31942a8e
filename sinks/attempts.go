package sinks

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Outcomes of an attempt that are no Class.
const (
	OutcomeDelivered = "delivered" // the far end accepted it
	OutcomeDuplicate = "duplicate" // a copy came out of the outbox again; nothing was sent
	OutcomeCutOff    = "cut off"   // this process stopped before there was an answer
)

// Attempt is how one try to tell a sink ended.
type Attempt struct {
	At      time.Time `json:"at"`               // its end
	Outcome string    `json:"outcome"`          // one of the outcomes or a Class
	Status  int       `json:"status,omitempty"` // of an HTTP answer that was a refusal
	Error   string    `json:"error,omitempty"`  // one clean line without secrets, at most 300 bytes
	// ErrorStatements is Error as data, as far as it is not somebody else's text.
	ErrorStatements event.Said `json:"error_statements,omitzero"`
	// More is how many attempts came after this one, before the next in the
	// list, that are not kept.
	More int `json:"more,omitempty"`
}

// Attempts are the tries of one delivery that did not succeed at once: the
// first, the last ones, and how many were between.
type Attempts struct {
	Alert string    `json:"alert"`
	Seq   int       `json:"seq"`
	Tried []Attempt `json:"tried"`
}

const (
	lastAttempts   = 5               // of a delivery, beside the first
	tracedMost     = 512             // deliveries of one sink whose attempts are kept
	attemptError   = 300             // bytes; two causes and the name of a far end
	historyTimeout = 5 * time.Second // of one load or store; the end of the process waits for the last

	// A journal that is short is stored soon, so that a kill takes little of
	// it; in a storm with everything failing it is hundreds of kilobytes.
	historyPause    = 2 * time.Second
	historyShort    = 16 // deliveries
	historyLongWait = 5  // pauses
)

// add notes one more attempt.
func (a *Attempts) add(one Attempt) {
	if len(a.Tried) == 1+lastAttempts {
		a.Tried[0].More += 1 + a.Tried[1].More
		a.Tried = append(a.Tried[:1], a.Tried[2:]...)
	}
	a.Tried = append(a.Tried, one)
}

// History keeps Attempts for the time after a restart. It may lose some:
// nothing but the answer to "why" depends on it.
type History interface {
	Load(ctx context.Context) ([]Attempts, error) // as stored last
	// Store overwrites what was stored. as has those first that were tried
	// last, so what there is no room for is at the end.
	Store(ctx context.Context, as []Attempts) error
}

// journal remembers the attempts of deliveries that failed at least once. One
// that succeeds at once costs it an atomic load, or one look into a map while
// there are others in it.
type journal struct {
	some  atomic.Bool // anything is in it
	mu    sync.Mutex
	by    map[tracedID]*traced
	dirty bool
}

// tracedID is what event.Alert.DeliveryID is made of.
type tracedID struct {
	alert string
	seq   int
}

type traced struct {
	Attempts
	last time.Time // attempt
}

// note remembers an attempt of a. One that is no failure is remembered of
// deliveries only that are known.
func (j *journal) note(a *event.Alert, at time.Time, outcome string, err error) {
	if err == nil && !j.some.Load() {
		return
	}
	one := Attempt{At: at.UTC().Truncate(time.Millisecond), Outcome: outcome}
	if err != nil {
		one.Error, one.ErrorStatements, one.Status = Line(err.Error(), attemptError), saidBy(err, attemptError), Status(err)
	}
	id := tracedID{a.ID, a.Seq}
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.by[id]
	if t == nil {
		if err == nil {
			return
		}
		if j.by == nil {
			j.by = map[tracedID]*traced{}
		}
		if len(j.by) >= tracedMost {
			j.forget(tracedMost / 4)
		}
		id.alert = strings.Clone(id.alert) // this is kept, the alert's memory is not
		t = &traced{Attempts: Attempts{Alert: id.alert, Seq: id.seq}}
		j.by[id] = t
		j.some.Store(true)
	}
	t.add(one)
	t.last = at
	j.dirty = true
}

// forget drops the n deliveries that were tried longest ago.
func (j *journal) forget(n int) {
	for _, t := range j.ordered()[len(j.by)-n:] {
		delete(j.by, tracedID{t.Alert, t.Seq})
	}
}

// ordered returns what is known, tried last first.
func (j *journal) ordered() []*traced {
	all := make([]*traced, 0, len(j.by))
	for _, t := range j.by {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *traced) int {
		return cmp.Or(b.last.Compare(a.last), cmp.Compare(a.Alert, b.Alert), cmp.Compare(a.Seq, b.Seq))
	})
	return all
}

func (j *journal) size() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.by)
}

// of returns the attempts of a delivery.
func (j *journal) of(alert string, seq int) []Attempt {
	j.mu.Lock()
	defer j.mu.Unlock()
	if t := j.by[tracedID{alert, seq}]; t != nil {
		return slices.Clone(t.Tried)
	}
	return nil
}

// load fills an empty journal.
func (j *journal) load(as []Attempts) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.by = make(map[tracedID]*traced, len(as))
	for _, a := range as[:min(len(as), tracedMost)] {
		if n := len(a.Tried); n > 0 && n <= 1+lastAttempts {
			j.by[tracedID{a.Alert, a.Seq}] = &traced{a, a.Tried[n-1].At}
		}
	}
	j.some.Store(len(j.by) > 0)
}

// changed returns everything, if there is something new since it was called
// last.
func (j *journal) changed() ([]Attempts, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.dirty {
		return nil, false
	}
	j.dirty = false
	out := make([]Attempts, 0, len(j.by))
	for _, t := range j.ordered() {
		a := t.Attempts
		a.Tried = slices.Clone(a.Tried)
		out = append(out, a)
	}
	return out, true
}

// loadHistory fills the journal. Without it deliveries go on just as well.
func (w *Worker) loadHistory(ctx context.Context) {
	if w.o.History == nil {
		return
	}
	in, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	as, err := w.o.History.Load(in)
	if err != nil && ctx.Err() != nil {
		return // the program stops
	}
	if err != nil {
		w.log.Warn("load attempts; why does not show those before the start", "error", err)
		return
	}
	w.journal.load(as)
}

// keepHistory stores the journal now and then while there is something new,
// and when ctx ends.
func (w *Worker) keepHistory(ctx context.Context) {
	if w.o.History == nil {
		return
	}
	tick := time.NewTicker(historyPause)
	defer tick.Stop()
	failed, waited := false, 0
	for {
		select {
		case <-ctx.Done():
			w.storeHistory(context.WithoutCancel(ctx), failed)
			return
		case <-tick.C:
			if waited++; waited >= historyLongWait || w.journal.size() <= historyShort {
				failed, waited = !w.storeHistory(ctx, failed), 0
			}
		}
	}
}

// storeHistory reports whether nothing is left to store.
func (w *Worker) storeHistory(ctx context.Context, again bool) bool {
	as, changed := w.journal.changed()
	if !changed {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	err := w.o.History.Store(ctx, as)
	if err == nil {
		return true
	}
	w.journal.mu.Lock()
	w.journal.dirty = true
	w.journal.mu.Unlock()
	if !again {
		w.log.Warn("store attempts, will be tried again", "error", err)
	}
	return false
}

// Tried returns the attempts of one delivery as far as they are known: of one
// that succeeded at once, or long ago, there is nothing but its Receipt.
func (w *Worker) Tried(alert string, seq int) []Attempt { return w.journal.of(alert, seq) }

// errCutOff is what is known of an attempt that the end of the process ended.
var errCutOff = words.Fail(words.CutOff.With())
