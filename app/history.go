package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/bus"
	"dswatch/config"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/history"
	"dswatch/ledger"
	"dswatch/rules"
)

const (
	// batchEvery is how long something that happened waits to be stored with
	// others, and batchSize how many make a batch at most.
	batchEvery = time.Second
	batchSize  = 500
	// batchBytes is the largest batch, well below the largest message of any
	// server, see bus.
	batchBytes = 96 << 10
	// mostWaiting bounds what waits while nothing can be stored: some 30 MB.
	mostWaiting = 50_000
	// recordRetry is the pause after a batch could not be stored, and recordTime
	// how long one attempt may take.
	recordRetry = 5 * time.Second
	recordTime  = 15 * time.Second
)

// recorder keeps what happens in the ledger's chronicle, past everything that
// alerts depend on: what it is told it takes at once, and stores later. What it
// cannot store it counts, and says so there when it can again. A nil recorder
// keeps nothing.
type recorder struct {
	place interface {
		Append(ctx context.Context, all []ledger.Batch) error
		Mend(ctx context.Context) error
	}
	log       *slog.Logger
	unwritten prometheus.Counter
	id        string         // of this start, for ids of batches
	again     func()         // asks for a whole, because something was left out
	mu        sync.Mutex     // guards what follows
	waiting   []note         // oldest first
	left      int            // that had no room, since from
	from      time.Time      //
	silences  map[string]int // how long the history of each is
	deaf      time.Time      // since when; zero: changes are told
	kick      chan struct{}  // something waits
	err       error          // why the last batch could not be stored
	batches   []ledger.Batch // made and not stored yet; only the loop's
	batch     int            // how many were made
	last      string         // the month of the last whole; only the loop's
}

// note is one entry, or a whole.
type note struct {
	history.Entry
	whole    []engine.Change
	silences []rules.Silence
}

// newRecorder is one of a process that decides.
func newRecorder(a *App) *recorder {
	r := &recorder{
		place: a.ledger.Chronicle(), log: a.Log, id: a.started.UTC().Format("20060102150405.000"), kick: make(chan struct{}, 1),
		unwritten: prometheus.NewCounter(prometheus.CounterOpts{Name: "dswatch_history_unwritten_total", Help: "Entries of the history that could not be stored. Alerts do not depend on it."}),
	}
	a.registry.MustRegister(r.unwritten)
	r.again = func() {
		if e := a.engine.Load(); e != nil {
			e.TellWhole()
		}
	}
	return r
}

// note takes what happened now. It never waits.
func (r *recorder) note(e history.Entry) {
	if r == nil {
		return
	}
	if e.At.IsZero() {
		e.At = time.Now().Round(0)
	}
	r.add(note{Entry: e})
}

func (r *recorder) add(n note) {
	r.mu.Lock()
	if len(r.waiting) >= mostWaiting {
		if r.left == 0 {
			r.from = n.At
		}
		r.left += 1 + len(n.whole)
		r.unwritten.Add(float64(1 + len(n.whole)))
	} else {
		r.waiting = append(r.waiting, n)
	}
	full := len(r.waiting) >= batchSize || n.whole != nil
	r.mu.Unlock()
	if full {
		select {
		case r.kick <- struct{}{}:
		default:
		}
	}
}

// Changed implements engine.Past.
func (r *recorder) Changed(c engine.Change) { r.note(entryOf(c)) }

// Whole implements engine.Past. Of two that wait, the later one says all.
func (r *recorder) Whole(all []engine.Change, silences []rules.Silence) {
	r.mu.Lock()
	r.waiting = slices.DeleteFunc(r.waiting, func(n note) bool { return n.whole != nil })
	r.mu.Unlock()
	r.add(note{Entry: history.Entry{At: time.Now().Round(0), What: history.Whole, Count: len(all)}, whole: all, silences: slices.Clone(silences)})
}

func entryOf(c engine.Change) history.Entry {
	e := history.Entry{
		What: history.State, Key: c.Key, State: c.State, Since: c.Since, Expected: c.Expected.String(), Impact: c.Impact, Gone: c.Gone, Said: c.Detail,
	}
	if c.Job != "" {
		e.Watch = watchOf(c.Observer, c.Job)
	}
	if c.Veils != "" {
		e.Veils = watchOf(c.Observer, c.Veils)
	}
	return e
}

func watchOf(observer, job string) string { return observer + "/" + job }

// decided notes what becomes of an alert. That it was told again is no news.
func (r *recorder) decided(k event.Key, d rules.Decision) {
	if r == nil || d.Alert == nil {
		return
	}
	a := d.Alert
	e := history.Entry{What: history.Alert, Key: k, Alert: a.ID, Rule: a.Rule, Transition: a.Transition, Severity: a.Severity, State: a.State, Began: a.StartedAt, Count: a.AffectedCount}
	switch a.Transition {
	case event.Raised, event.Changed, event.Cleared:
	case event.Acknowledged:
		e.What = history.Ack
		if a.Ack != nil {
			e.By, e.Comment = a.Ack.Author, a.Ack.Comment
		}
	case event.Unacknowledged:
		e.What = history.Ack
		if a.Withdrawn != nil {
			e.By, e.Comment = a.Withdrawn.Author, a.Withdrawn.Comment
		}
	default:
		return
	}
	r.note(e)
}

// silenced notes silences that are others than before. The first ones are as they
// were, and a part of the next whole.
func (r *recorder) silenced(all []rules.Silence) {
	now := make(map[string]int, len(all))
	for _, s := range all {
		now[s.ID] = len(s.History)
		if r.silences != nil && r.silences[s.ID] != len(s.History) {
			r.note(silenceEntry(s, false))
		}
	}
	r.silences = now
}

func silenceEntry(s rules.Silence, carried bool) history.Entry {
	e := history.Entry{What: history.Silenced, ID: s.ID, By: s.Author, Comment: s.Comment, Carried: carried}
	if n := len(s.History); n > 0 {
		last := s.History[n-1]
		e.By, e.Said = last.By, last.Said
	}
	s.History = nil
	e.Silence, _ = json.Marshal(s) // it was stored in this form
	return e
}

// hears notes whether it is proven that a change would be told.
func (r *recorder) hears(current bool, stale time.Duration, why event.Said) {
	if r == nil {
		return
	}
	now := time.Now().Round(0)
	r.mu.Lock()
	since := r.deaf
	if current == since.IsZero() {
		r.mu.Unlock()
		return
	}
	if r.deaf = (time.Time{}); !current {
		r.deaf = now.Add(-stale)
		since = r.deaf
	}
	r.mu.Unlock()
	if current {
		r.note(history.Entry{What: history.Hearing, From: since})
	} else {
		r.note(history.Entry{What: history.Deaf, From: since, Said: why})
	}
}

// began notes the start, and since when nothing was observed.
func (r *recorder) began(l *Loaded, version string, last time.Time) {
	if r == nil {
		return
	}
	e := history.Entry{What: history.Started, Version: version, From: last}
	inForce(&e, l)
	r.note(e)
}

// reloaded notes a reload.
func (r *recorder) reloaded(l *Loaded, differences []config.Difference, err error) {
	if r == nil {
		return
	}
	e := history.Entry{What: history.Reloaded, Failed: err != nil}
	for _, d := range differences {
		e.Changed = append(e.Changed, d.Path)
	}
	if err != nil {
		e.Comment = clipText(err.Error(), event.MaxDetail)
	} else {
		inForce(&e, l)
	}
	r.note(e)
}

func clipText(s string, most int) string { return s[:min(len(s), most)] }

// inForce says what counts from an entry on.
func inForce(e *history.Entry, l *Loaded) { e.Windows, e.Looks = windowsOf(l), looksOf(l) }

// run stores what is noted until ctx ends, and then what is left.
func (r *recorder) run(ctx context.Context) {
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	var rest time.Time // when the next attempt is made
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			if err := r.store(last); err != nil {
				r.log.Warn("the history of the last moments could not be stored", "error", err)
			}
			return
		case <-tick.C:
		case <-r.kick:
		}
		if time.Now().Before(rest) {
			continue
		}
		try, cancel := context.WithTimeout(ctx, recordTime)
		err := r.store(try)
		cancel()
		r.say(ctx, err)
		if err != nil {
			rest = time.Now().Add(recordRetry)
			continue
		}
		if m := history.Month(time.Now()); r.last != m {
			if r.last != "" {
				r.again()
			}
			r.last = m
		}
	}
}

// say logs what has changed, and does what helps.
func (r *recorder) say(ctx context.Context, err error) {
	r.mu.Lock()
	before := r.err
	r.err = err
	r.mu.Unlock()
	switch {
	case err == nil && before != nil:
		r.log.Info("history is stored again")
		r.again() // what was left out of it is made good
	case err != nil && ctx.Err() == nil && before == nil:
		r.log.Warn("history cannot be stored; it waits in memory, and alerts go on", "error", err)
	}
	if errors.Is(err, bus.ErrNoHistory) {
		_ = r.place.Mend(ctx) // it is tried again
	}
}

// Err is why history cannot be stored; nil: it can.
func (r *recorder) Err() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// store stores all that waits.
func (r *recorder) store(ctx context.Context) error {
	for {
		if len(r.batches) == 0 {
			r.mu.Lock()
			notes := r.waiting
			r.waiting = nil
			if r.left > 0 {
				notes = append(notes, note{Entry: history.Entry{At: time.Now().Round(0), What: history.Gap, Count: r.left, From: r.from}})
				r.left = 0
			}
			r.mu.Unlock()
			if len(notes) == 0 {
				return nil
			}
			r.pack(notes)
		}
		if err := r.place.Append(ctx, r.batches); err != nil {
			return fmt.Errorf("store history: %w", err)
		}
		r.batches = nil
	}
}

// pack makes batches of notes, each of one month.
func (r *recorder) pack(notes []note) {
	var some []history.Entry
	flush := func() {
		r.batches = append(r.batches, r.encode(some)...)
		some = nil
	}
	add := func(e history.Entry) {
		if len(some) >= batchSize || len(some) > 0 && history.Month(some[0].At) != history.Month(e.At) {
			flush()
		}
		some = append(some, e)
	}
	for _, n := range notes {
		add(n.Entry)
		for _, s := range n.silences {
			e := silenceEntry(s, true)
			e.At = n.At
			add(e)
		}
		for _, c := range n.whole {
			e := entryOf(c)
			e.At, e.Carried = n.At, true
			add(e)
		}
	}
	flush()
}

// encode halves what is too large.
func (r *recorder) encode(some []history.Entry) []ledger.Batch {
	if len(some) == 0 {
		return nil
	}
	data, err := history.Encode(some)
	switch {
	case err == nil && len(data) <= batchBytes:
		r.batch++
		return []ledger.Batch{{At: some[0].At, ID: fmt.Sprintf("history/%s/%d", r.id, r.batch), Data: data}}
	case len(some) > 1:
		return append(r.encode(some[:len(some)/2]), r.encode(some[len(some)/2:])...)
	}
	r.log.Error("an entry of the history cannot be stored", "what", some[0].What, "item", some[0].Key.String(), "bytes", len(data), "error", err)
	r.unwritten.Inc()
	return nil
}

// record keeps history until what it returns is called.
func (r *running) record(l *Loaded) (stop func()) {
	p := r.past
	if p == nil {
		return func() {}
	}
	p.began(l, r.Version, r.lastRun)
	writes := begin(r.delivers, p.run)
	hears := begin(r.delivers, func(ctx context.Context) {
		for ctx.Err() == nil {
			if err := r.ledger.Silences().Watch(ctx, p.silenced); err != nil && ctx.Err() == nil {
				r.Log.Debug("watch silences for the history", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(recordRetry):
			}
		}
	})
	return func() {
		end(hears)
		p.note(history.Entry{What: history.Stopped})
		end(writes)
	}
}

// lastAlive is when a dswatch that decided was last known to run here.
func (a *App) lastAlive(ctx context.Context) time.Time {
	at, err := a.ledger.Chronicle().Last(ctx)
	if err != nil {
		a.Log.Debug("when dswatch ran last is not known", "error", err)
	}
	return at.Round(0)
}

// looksOf are the detectors with their schedules.
func looksOf(l *Loaded) (out []string) {
	for _, p := range l.watch.plans {
		if one := p.Name + " " + p.Timing.Schedule; !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	slices.Sort(out)
	return out
}

// windowsOf are the maintenance windows, each with its time zone.
func windowsOf(l *Loaded) json.RawMessage {
	all := slices.Clone(l.Config.Windows)
	for i := range all {
		all[i].TimeZone = cmp.Or(all[i].TimeZone, l.Config.TimeZone)
	}
	text, err := json.Marshal(all)
	if err != nil || len(all) == 0 {
		return nil
	}
	return text
}
