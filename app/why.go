package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dswatch/catalog"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/ledger"
	"dswatch/rules"
	"dswatch/sinks"
	"dswatch/spelling"
	"dswatch/web"
	"dswatch/words"
)

const (
	leastID  = 4  // characters of an alert's id that name it
	mostWhys = 20 // items that one answer explains
)

// Why explains the items that `of` names: an item, its ending such as
// process/ds_agent, or the id of an alert or of a digest or the beginning of
// one.
func (a *App) Why(ctx context.Context, of, language string) ([]web.Why, error) {
	if language != "ja" && language != "en" {
		language = a.conf().Config.Language
	}
	if w, ok := a.deafWhy(of, language); ok {
		return []web.Why{w}, nil
	}
	e, err := a.decider()
	if err != nil {
		return nil, err
	}
	if id, _, _ := strings.Cut(strings.TrimSpace(of), "."); len(id) >= leastID {
		if d, ok := e.FindDigest(id); ok {
			w, err := a.digestWhy(ctx, d, language)
			return []web.Why{w}, err
		}
	}
	found, err := named(e, of)
	if err != nil {
		return nil, err
	}
	out := []web.Why{}
	for _, v := range found {
		w := a.explained(e, v, language)
		if w.Told, err = a.tellings(ctx, e, v.Status); err != nil {
			return nil, err
		}
		sayErrors(w.Told, language)
		out = append(out, w)
	}
	return out, nil
}

// digestWhy is the story of a digest.
func (a *App) digestWhy(ctx context.Context, d engine.Digest, language string) (web.Why, error) {
	w := web.Why{
		Key: d.Key, State: d.Slot.State, Observer: d.Key.Host, Since: d.Slot.Started, Seen: d.Slot.At, Expected: catalog.Yes.String(),
		Rules:  []web.RuleState{{Rule: event.RuleStorm, Phase: string(d.Slot.Phase), Alert: d.Slot.ID, Severity: d.Slot.Severity, Since: d.Slot.Started, Due: d.Slot.Due}},
		Trail:  steps(d.Trail, language),
		Digest: &web.Digest{Rule: d.Rule, Open: d.Members, Total: d.Total, Members: d.Names},
	}
	if ack := d.Slot.Ack; ack != nil {
		w.Rules[0].Ack = &web.Ack{At: ack.At, Author: ack.Author, Comment: ack.Comment}
	}
	told, err := a.tellingsOf(ctx, map[string]bool{event.Alert{Key: d.Key, Rule: event.RuleStorm}.Slot(): true})
	sayErrors(told, language)
	w.Told = told
	return w, err
}

// sayErrors puts what is there as data into the language, and English beside it.
func sayErrors(told []web.Told, language string) {
	v := words.In(language, nil)
	say := func(text *string, data *event.Said) {
		if !data.Empty() {
			*text, *data = v.Say(*data), words.Spell(*data)
		}
	}
	for i := range told {
		say(&told[i].Error, &told[i].ErrorStatements)
		for n := range told[i].Tried {
			say(&told[i].Tried[n].Error, &told[i].Tried[n].ErrorStatements)
		}
	}
}

// steps are decisions with their reasons in a language.
func steps(t rules.Trail, language string) []web.Step {
	out := []web.Step{}
	for _, s := range t.Steps() {
		out = append(out, web.Step{At: s.At, Rule: s.Rule, Outcome: string(s.Outcome), State: s.State, Alert: s.Alert, Seq: s.Seq, Sinks: s.Sinks, Why: words.In(language, nil).Say(s.Why), WhyStatements: s.Why})
	}
	return out
}

// named finds the items that somebody asks about.
func named(e *engine.Engine, of string) ([]engine.View, error) {
	of = strings.TrimSpace(of)
	var found []engine.View
	if strings.Contains(of, "/") {
		found = e.Find(func(s *rules.Status) bool { return s.Key.String() == of || strings.HasSuffix(s.Key.String(), "/"+of) })
		if len(found) == 0 { // written in another way
			found = e.Find(func(s *rules.Status) bool { return spelling.Ends(s.Key.String(), of) })
		}
		if i := slices.IndexFunc(found, func(v engine.View) bool { return v.Status.Key.String() == of }); i >= 0 {
			found = found[i : i+1]
		}
	} else if len(of) >= leastID {
		id, _, _ := strings.Cut(of, ".") // a delivery's id names its alert
		found = e.Find(func(s *rules.Status) (yes bool) {
			s.Slots(func(rule string, slot rules.Slot) {
				yes = yes || strings.HasPrefix(slot.ID, id) || strings.HasPrefix(slot.Digest, id) ||
					slot.Digest != "" && strings.HasPrefix(s.AlertID(rule), id)
			})
			return yes || strings.Contains(string(s.Trail), "\t"+id)
		})
	}
	switch {
	case len(found) == 0:
		return nil, words.Fail(words.NothingCalled.With(words.Inner(sinks.Line(of, 80)), leastID))
	case len(found) > mostWhys:
		return nil, words.Fail(words.FitsMany.With(words.Inner(sinks.Line(of, 80)), len(found), found[0].Status.Key.String()))
	}
	return found, nil
}

// explained is everything but what the sinks know.
func (a *App) explained(e *engine.Engine, v engine.View, language string) web.Why {
	st, snap := v.Status, v.Snapshot
	w := web.Why{
		Key: st.Key, State: st.Seen.State, Found: st.Seen.Found, Want: st.Seen.Want, Detail: words.In(language, nil).Say(st.Seen.Detail), DetailStatements: st.Seen.Detail,
		Observer: st.Observer, Since: st.Changed, Seen: st.Seen.At, Expected: catalog.No.String(),
		Rules: []web.RuleState{}, Trail: []web.Step{}, Told: []web.Told{},
	}
	if snap.Row != nil {
		os, _ := snap.Facts.Get(event.OS)
		w.Expected, w.ReasonStatements = snap.Verdict.Expected.String(), words.Spell(snap.Verdict.Reason)
		w.Reason, w.Confirm = snap.Verdict.ReasonIn(language), snap.Row.ConfirmOn(os.Value)
		for _, id := range snap.Verdict.Footnotes {
			if n, ok := a.conf().Catalog.Footnote(id); ok {
				w.Footnotes = append(w.Footnotes, web.Footnote{ID: id, Text: n.In(language)})
			}
		}
	}
	for _, n := range event.Names() {
		if f, ok := snap.Facts.Get(n); ok {
			w.Facts = append(w.Facts, web.Fact{Name: n, Value: f.Value, Origin: f.Origin, At: f.At})
		}
	}
	st.Slots(func(rule string, s rules.Slot) {
		r := web.RuleState{Rule: rule, Phase: string(s.Phase), Due: s.Due, Cause: s.Cause, Digest: s.Digest}
		switch s.Phase {
		case rules.Quiet:
			r.Phase, r.Digest = "quiet", ""
		case rules.Settled:
			r.Alert, r.Severity, r.Since, r.Digest = s.ID, s.Severity, s.At, ""
		case rules.Held:
			r.Since = s.Since
			if s.Digest != "" {
				r.Alert = st.AlertID(rule)
			}
		case rules.Firing:
			r.Alert, r.Severity, r.Since = s.ID, s.Severity, s.Started
		}
		if s.Silence != "" {
			silence := shown(e.Silenced(s.Silence))
			r.Silence = &silence
		}
		if s.Ack != nil && s.Phase == rules.Firing {
			r.Ack = &web.Ack{At: s.Ack.At, Author: s.Ack.Author, Comment: s.Ack.Comment}
		}
		w.Rules = append(w.Rules, r)
	})
	w.Trail = steps(st.Trail, language)
	return w
}

// tellings collects what every sink confirmed, what waits for it and what it
// refused, of the item's alerts and of the digests that speak for them.
func (a *App) tellings(ctx context.Context, e *engine.Engine, st rules.Status) ([]web.Told, error) {
	slots := map[string]bool{}
	digests := map[string]bool{}
	st.Slots(func(rule string, s rules.Slot) {
		slots[event.Alert{Key: st.Key, Rule: rule}.Slot()] = true
		if s.Digest != "" {
			digests[s.Digest] = true
		}
	})
	for id := range digests {
		if d, ok := e.FindDigest(id); ok {
			slots[event.Alert{Key: d.Key, Rule: event.RuleStorm}.Slot()] = true
		}
	}
	return a.tellingsOf(ctx, slots)
}

// tellingsOf collects it for some slots.
func (a *App) tellingsOf(ctx context.Context, slots map[string]bool) ([]web.Told, error) {
	out := []web.Told{}
	for _, w := range a.workers() {
		told, err := a.tellingsTo(ctx, w, slots)
		if err != nil {
			return nil, err
		}
		out = append(out, told...)
	}
	return out, nil
}

func (a *App) tellingsTo(ctx context.Context, w *worker, slots map[string]bool) ([]web.Told, error) {
	var out []web.Told
	buried := map[string]bool{}
	dead, err := a.ledger.Letters(ctx, w.name, func(l ledger.Letter) bool { return l.DeliveryID != "" && slots[l.Alert.Slot()] })
	if err != nil {
		return nil, err
	}
	for _, l := range dead {
		buried[event.Alert{ID: l.Alert.ID, Seq: l.Alert.Seq}.DeliveryID()] = true
		out = append(out, w.attempted(web.Told{Alert: l.Alert.ID, Seq: l.Alert.Seq, Transition: l.Alert.Transition, At: l.Alert.At,
			Progress: "dead", Attempts: l.Attempts, Error: l.Reason, ErrorStatements: l.ReasonStatements, Letter: l.ID(), GaveUp: l.At}))
	}
	receipts := map[string]event.Receipt{}
	for slot := range slots {
		r := w.place.Book.Told(slot)
		if r.AlertID == "" {
			continue
		}
		receipts[slot] = r
		if f := r.First; f != nil {
			out = append(out, w.attempted(web.Told{Alert: r.AlertID, Seq: f.Seq, Transition: f.Transition, At: f.At, Progress: "confirmed", Attempts: f.Attempts, Confirmed: f.Confirmed}))
		}
		if r.Dead && buried[event.Alert{ID: r.AlertID, Seq: r.Seq}.DeliveryID()] {
			continue
		}
		t := web.Told{Alert: r.AlertID, Seq: r.Seq, Transition: r.Transition, At: r.At, Progress: "confirmed", Attempts: r.Attempts, Confirmed: r.Confirmed}
		if r.Dead {
			t.Progress, t.ErrorStatements = "dead", words.LetterDropped.With()
		}
		out = append(out, w.attempted(t))
	}
	health := w.worker.Health()
	err = a.ledger.Outbox().Pending(ctx, w.name, func(data []byte, position uint64) {
		one, err := event.DecodeAlert(data)
		if err != nil || !slots[one.Slot()] {
			return
		}
		if r := receipts[one.Slot()]; r.AlertID != "" && r.Covers(one.Queued(position)) {
			return // done, and about to leave the outbox
		}
		t := w.attempted(web.Told{Alert: one.ID, Seq: one.Seq, Transition: one.Transition, At: one.At, Progress: "waiting"})
		if n := len(t.Tried); n > 0 {
			t.Error, t.ErrorStatements = t.Tried[n-1].Error, t.Tried[n-1].ErrorStatements
		} else if !health.FailingSince.IsZero() {
			t.Error, t.ErrorStatements = health.LastError, health.LastErrorStatements
		}
		out = append(out, t)
	})
	slices.SortStableFunc(out, func(a, b web.Told) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
	return out, err
}

// attempted adds the attempts that are known. A delivery that succeeded at
// once has left nothing but the time of it.
func (w *worker) attempted(t web.Told) web.Told {
	t.Sink = w.name
	count := 0
	for _, one := range w.worker.Tried(t.Alert, t.Seq) {
		t.Tried = append(t.Tried, web.Attempt(one))
		if count += one.More; one.Outcome != sinks.OutcomeDuplicate {
			count++
		}
	}
	if len(t.Tried) == 0 && t.Attempts == 1 && !t.Confirmed.IsZero() {
		t.Tried = []web.Attempt{{At: t.Confirmed, Outcome: sinks.OutcomeDelivered}}
	}
	t.Attempts = max(t.Attempts, count) // a restart lets the worker count anew
	return t
}
