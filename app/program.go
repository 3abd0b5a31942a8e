package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"dswatch/catalog"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/words"
)

// Status says what the program sees and what waits. With TestSinks it makes
// App a web.Program.
func (a *App) Status(ctx context.Context) (web.Status, error) {
	st := web.Status{Config: a.reloads.status(), Version: a.Version, Host: a.conf().Config.Host, Started: a.started, Items: []web.Item{}, Sinks: []web.SinkStatus{}, Watching: a.watching()}
	if e := a.engine.Load(); e != nil {
		if r := e.Refused(); r.Why != nil {
			st.Refused = &web.Refused{Messages: r.Messages, Last: r.Last, Error: r.Why.Error()}
		}
		silenced := map[event.Key]string{}
		e.Quiet(func(s rules.Status, _ string, _ event.Severity, by *rules.Silence) {
			if by != nil {
				silenced[s.Key] = by.ID
			}
		})
		e.Items(func(s rules.Status, snap rules.Snapshot) {
			expected := catalog.No
			if snap.Row != nil {
				expected = snap.Verdict.Expected
			}
			st.Items = append(st.Items, web.Item{
				Key: s.Key, State: s.Seen.State, Found: s.Seen.Found, Want: s.Seen.Want, Detail: words.In(a.conf().Config.Language, a.conf().Config.Location()).Say(s.Seen.Detail), DetailStatements: s.Seen.Detail, Since: s.Changed,
				Expected: expected.String(), Reason: snap.Verdict.ReasonIn(a.conf().Config.Language), ReasonStatements: words.Spell(snap.Verdict.Reason),
				Alerting: s.Alerting(), Silence: silenced[s.Key],
			})
		})
	}
	st.Health, st.Store, st.Unasked = a.Health(), a.storeState(), a.unasked()
	all, _, err := a.ledger.Silences().All(ctx)
	if err != nil && st.Health.Current {
		return st, err // else that is what is to be shown
	}
	for _, s := range all {
		if s.Forever && s.Active(time.Now()) {
			st.Forever = append(st.Forever, s.ID)
		}
	}
	if st.Sinks, err = a.sinkStatus(ctx, !st.Health.Current); err != nil {
		return st, err
	}
	return st, nil
}

// sinkStatus says how every sink is. Leniently, what the store does not say is
// left out: that it does not is what is to be shown.
func (a *App) sinkStatus(ctx context.Context, leniently bool) ([]web.SinkStatus, error) {
	out := []web.SinkStatus{}
	dead, err := a.ledger.CountLetters(ctx)
	if err != nil && !leniently {
		return out, err
	}
	for _, w := range a.workers() {
		waiting, err := a.ledger.Outbox().Waiting(ctx, w.name)
		if err != nil && !leniently {
			return out, err
		}
		h := w.worker.Health()
		out = append(out, web.SinkStatus{
			Name: w.name, Type: w.kind, Waiting: uint64(waiting), Circuit: string(h.Circuit), ProbeAt: h.ProbeAt,
			Delivered: h.Delivered, Dead: h.Dead, DeadLetters: dead[w.name], FailingSince: h.FailingSince, LastDelivered: h.LastDelivered, LastError: h.LastError, LastErrorStatements: words.Spell(h.LastErrorStatements), Drill: w.drilled.Load(), Listening: w.listening(),
		})
	}
	return out, nil
}

// watching is how the jobs learn that something has ended.
func (a *App) watching() []web.Watching {
	out := []web.Watching{}
	for _, one := range a.looking() {
		for _, j := range one.sched.Stats().Jobs {
			if j.Told != "" {
				out = append(out, web.Watching{Job: j.Name, Told: string(j.Told), Error: j.TellErr})
			}
		}
	}
	return out
}

// listening is how what people ask for at the far end arrives; nil: nobody can.
func (w *worker) listening() *web.Listening {
	l, ok := w.sink.(sinks.Listener)
	if !ok {
		return nil
	}
	ear, hears := l.Listening()
	if !hears {
		return nil
	}
	out := &web.Listening{Open: ear.Open, Since: ear.Since}
	if ear.Error != nil {
		out.Error, out.ErrorStatements = ear.Error.Error(), words.Spell(words.Of(ear.Error))
	}
	return out
}

// TestSinks sends a marked firing and its resolve through the outbox of each
// named sink, all of them without names, and waits until the far end has
// accepted both.
func (a *App) TestSinks(ctx context.Context, names []string) ([]web.TestResult, error) {
	var chosen []*worker
	for _, w := range a.workers() {
		if len(names) == 0 || slices.Contains(names, w.name) {
			chosen = append(chosen, w)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(chosen, func(w *worker) bool { return w.name == n }) {
			return nil, a.noSuchSink(n)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, web.TestWait)
	defer cancel()
	results := make([]web.TestResult, len(chosen))
	began := time.Now()
	key := event.Key{Host: a.conf().Config.Host, Component: "dswatch", Kind: event.Process, Name: "test"}
	id := event.AlertID(key, rules.Loss, began.Format(time.RFC3339Nano))
	firing := a.testAlert(key, id, began)
	cleared := firing
	cleared.Seq, cleared.Transition, cleared.State, cleared.Previous, cleared.Found, cleared.EndedAt = 2, event.Cleared, event.Up, event.Down, 1, time.Now()
	cleared.TitleStatements, cleared.TextStatements = words.TestTitle.With(key.Host, words.TestClears.Phrase()), words.TestCleared.With()
	a.conf().Config.voice().Tell(&cleared)
	var out []engine.Outgoing
	for _, w := range chosen {
		for _, t := range []event.Alert{firing, cleared} {
			data, err := t.Encode()
			if err != nil {
				return nil, err
			}
			out = append(out, engine.Outgoing{Sink: w.name, ID: t.DeliveryID(), Data: data})
		}
	}
	if err := a.ledger.Outbox().Put(ctx, out); err != nil {
		return nil, err
	}
	var waiting sync.WaitGroup
	for i, w := range chosen {
		waiting.Go(func() {
			err := a.awaitReceipt(ctx, w, cleared)
			results[i] = web.TestResult{Sink: w.name, Confirmed: err == nil, Took: time.Since(began).Round(time.Millisecond).String()}
			if err != nil {
				results[i].Error, results[i].ErrorStatements = err.Error(), words.Spell(words.Of(err))
			}
		})
	}
	waiting.Wait()
	if why := a.notDeciding(); why != nil {
		for i := range results {
			results[i].Warning, results[i].WarningStatements = a.conf().Config.voice().Error(why), words.Spell(words.Of(why))
		}
	}
	return results, nil
}

// notDeciding says why the rules send the sinks nothing now, though a test, which
// goes past them, arrives; nil: they do.
func (a *App) notDeciding() error {
	if a.engine.Load() == nil {
		return nil // nothing runs but the test, or another process decides
	}
	_, err := a.decider()
	if err == nil {
		err = a.stale()
	}
	return err
}

func (a *App) testAlert(key event.Key, id string, at time.Time) event.Alert {
	t := event.Alert{
		ID: id, Seq: 1, Transition: event.Raised, Rule: rules.Loss, Key: key, State: event.Down,
		Severity: event.Info, Impact: event.NoticeLost, Found: 0, Want: 1, Language: a.conf().Config.Language,
		Observer: a.conf().Config.Host, StartedAt: at, At: at, Test: true,
	}
	t.TitleStatements, t.TextStatements = words.TestTitle.With(key.Host, words.TestFires.Phrase()), words.TestRaised.With()
	a.conf().Config.voice().Tell(&t)
	return t
}

// awaitReceipt waits until the sink confirmed want, or gave it up.
func (a *App) awaitReceipt(ctx context.Context, w *worker, want event.Alert) error {
	for {
		got := w.place.Book.Told(want.Slot())
		health := w.worker.Health()
		switch {
		case got.AlertID == want.ID && got.Dead:
			return words.Fail(words.SinkRefused.With(words.Cause(health.LastErrorStatements, health.LastError)))
		case got.AlertID == want.ID && got.Seq >= want.Seq:
			return nil
		}
		select {
		case <-ctx.Done():
			switch {
			case !health.FailingSince.IsZero():
				return words.Fail(words.NotWithin.With(web.TestWait, words.Cause(health.LastErrorStatements, health.LastError)))
			case !health.QuietUntil.IsZero():
				return words.Fail(words.NotWithinPause.With(web.TestWait, health.QuietUntil))
			}
			return words.Fail(words.NotInTime.With(web.TestWait))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestOnly starts nothing but the sinks, tests them and stops: for `sinks
// test` without a running process.
func (a *App) TestOnly(ctx context.Context, names []string) ([]web.TestResult, error) {
	stop := a.startWorkers(context.WithoutCancel(ctx))
	defer stop()
	return a.TestSinks(ctx, names)
}
