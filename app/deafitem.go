package app

import (
	"slices"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/spelling"
	"dswatch/web"
	"dswatch/words"
)

// The deaf notice is an item like any other, though nothing of it is stored:
// this file lists, explains, routes, silences and acknowledges it. It asks
// nobody who may wait for the store.

// deafTo are the sinks that hear of the notice: those that its routes name,
// every one where none does.
func (a *App) deafTo() []string {
	everyone := a.sinkNames()
	d := a.deafness.Load()
	if to := a.conf().set.Told(time.Now(), *d.subject(), everyone); len(to) > 0 {
		return to
	}
	return everyone
}

// silencedBy is the silence or window that is active for a subject; nil: none.
func (a *App) silencedBy(sub *rules.Subject) *rules.Silence {
	now := time.Now()
	if e := a.engine.Load(); e != nil {
		for _, s := range e.KnownSilences() {
			if s.Active(now) && s.Match.Match(sub) {
				return &s
			}
		}
	}
	return a.conf().set.OpenWindow(now, sub)
}

// deafAlert is the open notice as the list of alerts has it.
func (a *App) deafAlert() (out web.Alert, open bool) {
	d := a.deafness.Load()
	if d == nil {
		return out, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open || d.notes.ID == "" {
		return out, false
	}
	out = web.Alert{ID: d.notes.ID, Key: d.key(), Rule: event.RuleLoss, State: event.Down, Severity: d.severity(), Since: d.notes.Since, Sinks: a.deafTo(), Ack: d.ack()}
	if by := a.silencedBy(d.subject()); by != nil {
		silence := shown(*by)
		silence.History = nil
		out.Silence, out.Silenced = by.ID, &silence
	}
	for _, name := range out.Sinks {
		if slices.Contains(d.notes.Told, name) {
			out.Told = append(out.Told, name)
		} else {
			out.Waiting = append(out.Waiting, name)
		}
	}
	return out, true
}

// ack is who looks after the notice; nil: nobody. The caller holds mu.
func (d *deaf) ack() *web.Ack {
	if d.notes.Looked != event.Acknowledged {
		return nil
	}
	return &web.Ack{At: d.notes.Ack.At, Author: d.notes.Ack.Author, Comment: d.notes.Ack.Comment}
}

// lookAfter notes who looks after the open notice, or does no more. It reports
// whether the id, or its beginning, is that of the notice.
func (a *App) lookAfter(id string, t event.Transition, by event.Ack) bool {
	d := a.deafness.Load()
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open || !isID(d.notes.ID, id) {
		return false
	}
	if t == event.Unacknowledged && d.notes.Looked != event.Acknowledged {
		return true // nobody did
	}
	if t == d.notes.Looked && d.notes.Ack != nil && d.notes.Ack.Same(by) {
		return true // it is known
	}
	d.notes.Ack, d.notes.Looked, d.notes.Lookers, d.notes.Heard = &by, t, d.notes.Lookers+1, nil
	d.keep()
	close(d.wake)
	d.wake = make(chan struct{})
	return true
}

// isID reports whether somebody means the alert with that id.
func isID(id, of string) bool {
	of, _, _ = strings.Cut(strings.TrimSpace(of), ".") // a delivery's id names its alert
	return id != "" && len(of) >= leastID && strings.HasPrefix(id, of)
}

// deafWhy is the story of the notice that is open, or of the last one.
func (a *App) deafWhy(of, language string) (w web.Why, ok bool) {
	d := a.deafness.Load()
	if d == nil {
		return w, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n, now := d.notes, past{ID: d.notes.ID, Since: d.notes.Since, Why: d.notes.Why, Said: d.notes.Said}
	if n.Last != nil && !d.open {
		now = *n.Last
	}
	if now.ID == "" || !isID(now.ID, of) && !spelling.Ends(d.key().String(), of) {
		return w, false
	}
	why := words.Spell(words.Of(words.Cause(now.Said, now.Why)))
	say := func(t event.Transition, at time.Time, state event.State, seq int) web.Step {
		return web.Step{At: at, Rule: event.RuleLoss, Outcome: string(t), State: state, Alert: now.ID, Seq: seq, Sinks: a.deafTo(), Why: words.In(language, nil).Say(why), WhyStatements: why}
	}
	state := web.RuleState{Rule: event.RuleLoss, Phase: string(rules.Firing), Alert: now.ID, Severity: d.severity(), Since: now.Since, Ack: d.ack()}
	w = web.Why{
		Key: d.key(), State: event.Down, Want: 1, Detail: words.In(language, nil).Say(why), DetailStatements: why, Observer: d.key().Host,
		Since: now.Since, Seen: time.Now(), Expected: catalog.Yes.String(), Told: []web.Told{}, Trail: []web.Step{say(event.Raised, now.Since, event.Down, 1)},
	}
	if n.Looked != "" && d.open {
		w.Trail = append(w.Trail, say(n.Looked, n.Ack.At, event.Down, 1+n.Lookers))
	}
	if !d.open {
		w.State, w.Found, w.Since = event.Up, 1, now.Ended
		state = web.RuleState{Rule: event.RuleLoss, Phase: string(rules.Settled), Alert: now.ID, Severity: d.severity(), Since: now.Ended}
		w.Trail = append(w.Trail, say(event.Cleared, now.Ended, event.Up, 2))
	}
	if by := a.silencedBy(d.subject()); by != nil && d.open {
		silence := shown(*by)
		state.Silence = &silence
	}
	w.Rules = []web.RuleState{state}
	for _, name := range n.Told {
		w.Told = append(w.Told, web.Told{Sink: name, Alert: now.ID, Seq: 1, Transition: event.Raised, At: now.Since, Progress: "confirmed"})
	}
	return w, true
}
