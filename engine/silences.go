package engine

import (
	"slices"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// Quiet calls each with every trouble that is an alert, or that would be one
// if no silence or digest kept it from being told, in the order of keys, with
// its severity as it is now and what keeps it quiet at this moment; nil:
// nothing does. It must return quickly.
func (e *Engine) Quiet(each func(st rules.Status, rule string, now event.Severity, by *rules.Silence)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var keys []event.Key
	for k, it := range e.items {
		if !it.status.Gone && !it.status.Calm() {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compareKeys)
	now := e.now()
	for _, k := range keys {
		it := e.items[k]
		snap := e.sight(it)
		snap.Silences = e.silences
		for _, name := range rules.RuleNames() {
			slot := it.status.Slot(name)
			if slot.Phase != rules.Firing && (slot.Phase != rules.Held || slot.Silence == "" && slot.Digest == "") {
				continue
			}
			id := slot.Silence
			if slot.Phase == rules.Firing {
				id, _ = e.Set.QuietedBy(now, &it.status, snap, name) // it is noted when it would be repeated
			}
			each(it.status, name, rules.SeverityOf(rules.Impact(&it.status, snap, name)), e.silence(id))
		}
	}
}

// silence returns what has the id: one that somebody added, or a window as it
// is open now; nil: nothing has.
func (e *Engine) silence(id string) *rules.Silence {
	if id == "" {
		return nil
	}
	if i := slices.IndexFunc(e.silences, func(s rules.Silence) bool { return s.ID == id }); i >= 0 {
		s := e.silences[i]
		if s.Every != "" { // as it is now
			s.Starts, s.Ends = s.Opening(e.now())
		}
		return &s
	}
	if w := e.Set.Window(e.now(), id); w != nil {
		return w
	}
	return &rules.Silence{ID: id}
}

// Matching counts the items that ms may concern, whatever becomes of them, and
// those of their troubles that it matches now.
func (e *Engine) Matching(ms rules.Matchers) (items, lost int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for k, it := range e.items {
		if it.status.Gone || !ms.Admit(k) {
			continue
		}
		items++
		if it.status.Calm() {
			continue
		}
		s := rules.Silence{Match: ms}
		if trouble, _ := s.Troubled(&it.status, e.sight(it)); trouble {
			lost++
		}
	}
	return items, lost
}

// hear takes the silences as they are now, and decides anew what one of them
// kept quiet.
func (e *Engine) hear(all []rules.Silence) {
	e.keepTime()
	e.silences, e.ending = all, true
	e.published.Store(&all)
	e.changes.Add(1)
	for _, it := range e.items {
		if !it.status.Silenced() {
			continue
		}
		e.redecide(it)
	}
	e.revise()
	e.askDigests()
}

// KnownSilences are the silences as the engine has them. It waits for nothing.
func (e *Engine) KnownSilences() []rules.Silence {
	if all := e.published.Load(); all != nil {
		return slices.Clone(*all)
	}
	return nil
}

// endSilences ends those that last until all is well again, once it is, and
// those whose first alert did not come.
func (e *Engine) endSilences() {
	if !e.ending {
		return
	}
	e.ending = false
	now := e.now()
	for i := range e.silences {
		s := &e.silences[i]
		if !s.Ends.IsZero() || s.Every != "" || s.Forever || now.Before(s.Starts) {
			continue
		}
		trouble, alert := e.troubled(s)
		after := *s
		switch waits := s.WaitsUntil(); {
		case s.Began.IsZero() && alert:
			after.Began = now
			after.Note(now, "dswatch", words.SilenceFirstAlert.With())
		case s.Began.IsZero() && !now.Before(waits):
			after = s.End(now, "dswatch", words.SilenceNoAlert.With(waits))
		case !s.Began.IsZero() && !trouble:
			after = s.End(now, "dswatch", words.SilenceWell.With())
		default:
			continue
		}
		e.keepSilence(i, after)
	}
}

// keepSilence puts s in the place of the i-th silence.
func (e *Engine) keepSilence(i int, s rules.Silence) {
	e.silences = slices.Clone(e.silences)
	e.silences[i] = s
	current := e.silences
	e.published.Store(&current)
	e.round.Silences = append(e.round.Silences, s)
	e.askDigests()
}

// askDigests lets every digest ask whether its members are silenced: silences
// have changed.
func (e *Engine) askDigests() {
	for _, d := range e.groups {
		d.AskNow(e.now())
	}
}

func (e *Engine) troubled(s *rules.Silence) (trouble, alert bool) {
	for _, it := range e.items {
		if it.status.Calm() {
			continue
		}
		t, a := s.Troubled(&it.status, e.sight(it))
		trouble, alert = trouble || t, alert || a
	}
	return trouble, alert
}

// nextWait is when the first silence that waits for an alert ends; zero: none
// waits.
func (e *Engine) nextWait() (due time.Time) {
	for i := range e.silences {
		due = rules.Earlier(due, e.silences[i].WaitsUntil())
	}
	return due
}
