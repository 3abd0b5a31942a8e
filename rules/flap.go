package rules

import (
	"slices"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

// FlapSettings are the keys below `rules.flap:`.
type FlapSettings struct {
	Changes int           `yaml:"changes" doc:"how many changes between up and lost within the window make an item flapping, 3 to 100; 0: off"`
	Window  time.Duration `yaml:"window" doc:"how far back changes count"`
	Settle  time.Duration `yaml:"settle" doc:"how long the item must keep still before it has settled"`
}

// maxFlips bounds what is remembered of an item: 24 bytes each.
const maxFlips = 100

// Validate refuses numbers that would call every restart flapping.
func (f FlapSettings) Validate() error {
	switch {
	case f.Changes == 0:
		return nil
	case f.Changes < 3 || f.Changes > maxFlips:
		return words.Bad("changes", words.FlapChanges.With(f.Changes, maxFlips))
	case f.Window < time.Minute:
		return words.Bad("window", words.FlapWindow.With(f.Window.String()))
	case f.Settle < time.Minute:
		return words.Bad("settle", words.FlapSettle.With(f.Settle.String()))
	}
	return nil
}

// Flap is the memory of an item that comes and goes.
//
// While its alert is open the item's loss is neither raised, changed, ended
// nor repeated. Once it has settled an open loss alert ends if the item is
// up, and stays if it is not; a loss that was never told is told after its
// hold.
type Flap struct {
	Flips []time.Time `json:"flips,omitempty"` // the last changes by the observer's clock, oldest first
	Until time.Time   `json:"until,omitzero"`  // flapping, unless there are no more changes until then
	Worst event.State `json:"worst,omitempty"` // of the states since the first of Flips
	// Impact is the worst of what the item's losses took away since then.
	Impact event.Impact `json:"impact,omitempty"`
	Slot   Slot         `json:"slot,omitzero"`
}

// flip is a look that may have turned an item from up to lost or back: the status
// before it, whether it is one that counts, and whether the item is expected.
type flip struct {
	prev     *Status
	fresh    bool // an event came
	expected catalog.Tri
}

// known returns the last state before now that was seen, where now itself is
// not one.
func (s *Status) known(now event.State) event.State {
	switch {
	case now != event.Unknown:
		return ""
	case s.Seen.State != event.Unknown:
		return s.Seen.State
	}
	return s.Known
}

// flapping reports whether an alert says that the item comes and goes.
func (s *Status) Flapping() bool { return s.Flap != nil && s.Flap.Slot.Phase == Firing }

// flipped reports whether the item went from up to lost or back.
func (t flip) flipped(st *Status) bool {
	was := t.prev.Seen.State
	if was == event.Unknown {
		was = t.prev.Known
	}
	is := st.Seen.State
	return t.fresh && t.expected == catalog.Yes && was != "" && is != event.Unknown && was.Lost() != is.Lost()
}

// flap counts changes and moves the slot of the flapping rule. It allocates
// only when there is something to count or to tell.
func (s *Set) flap(q question, t flip, out []Decision) []Decision {
	now, st := q.now, q.st
	flipped := s.Flap.Changes > 0 && t.flipped(st)
	if st.Flap == nil && !flipped {
		return out
	}
	if !flipped && st.Flap.Until.IsZero() && st.Flap.Slot.Phase != Held && st.Flap.Slot.Phase != Firing {
		return out
	}
	var f Flap
	if st.Flap != nil {
		f = *st.Flap
	}
	before := f
	if flipped {
		f.count(st.Seen, s.Flap)
		if !f.Until.IsZero() || len(f.Flips) >= s.Flap.Changes {
			f.Until = now.Add(s.Flap.Settle)
		}
	}
	if st.Seen.State.Lost() && q.snap.Row != nil && !q.snap.unsure() {
		f.rate(q.snap.Row.ImpactIn(q.snap.sight(), st.Seen.State))
	}
	switch {
	case t.expected == catalog.No || s.Flap.Changes == 0 || !now.Before(f.Until):
		if !f.Until.IsZero() {
			f.Until, f.Flips = time.Time{}, nil
		}
	case t.expected == catalog.Unknown:
		q.sign = blind
	default:
		q.sign = bad
	}
	st.Flap = &f
	out = s.step(q, out)
	if before.Slot.Phase == Firing && st.Flap.Slot.Phase != Firing && st.slot(Loss).Phase == Firing {
		st.own(Loss).resume()
	}
	if !flipped && same(before, *st.Flap) {
		st.Flap = t.prev.Flap // nothing to store
	}
	return out
}

// same reports whether the two differ in nothing that a look without a
// change of the item may move.
func same(a, b Flap) bool {
	return a.Until.Equal(b.Until) && a.Slot.Phase == b.Slot.Phase && a.Slot.Seq == b.Slot.Seq && a.Slot.Due.Equal(b.Slot.Due) && a.Slot.Silence == b.Slot.Silence && a.Impact == b.Impact
}

// count adds a change and forgets those that are too old or too many.
func (f *Flap) count(seen event.Observation, set FlapSettings) {
	flips := make([]time.Time, 0, len(f.Flips)+1)
	for _, at := range f.Flips {
		// A clock that was set back makes old ones look new.
		if ago := seen.At.Sub(at); ago >= 0 && ago <= set.Window {
			flips = append(flips, at)
		}
	}
	if len(flips) == 0 {
		f.Worst, f.Impact = "", ""
	}
	if flips = append(flips, seen.At); len(flips) > set.Changes {
		flips = slices.Delete(flips, 0, len(flips)-set.Changes)
	}
	f.Flips = flips
	if seen.State == event.Down || f.Worst == "" {
		f.Worst = event.Degraded
		if seen.State != event.Degraded {
			f.Worst = event.Down
		}
	}
}

// rate keeps the worst of what the losses took away.
func (f *Flap) rate(i event.Impact) {
	if f.Impact == "" || SeverityOf(i).Rank() > SeverityOf(f.Impact).Rank() {
		f.Impact = i
	}
}

// impact is what the coming and going takes away: the worst of its losses. Of
// one stored by a version that did not note it, it is that of the worst state.
func (f *Flap) impact(snap Snapshot) event.Impact {
	if f.Impact != "" {
		return f.Impact
	}
	return snap.Row.ImpactIn(snap.sight(), f.Worst)
}

// freeze keeps the loss rule still while the flapping rule speaks for it.
func (s *Status) freeze(out []Decision) []Decision {
	switch slot := s.slot(Loss); {
	case slot.Phase == Firing && !(slot.Well.IsZero() && slot.Due.IsZero()):
		slot = s.own(Loss)
		slot.Well, slot.Due = time.Time{}, time.Time{}
	case slot.Phase == Held:
		s.drop(Loss)
		return append(out, Decision{Rule: Loss, Outcome: Flapping, Why: words.ComesAndGoes.With()})
	}
	return out
}

// drop takes a held slot back to where it was before.
func (s *Status) drop(name string) {
	slot := s.own(name)
	slot.Phase, slot.Due, slot.Look, slot.Silence, slot.Cause, slot.Outlived = Quiet, time.Time{}, time.Time{}, "", "", false
	if slot.ID != "" {
		slot.Phase = Settled
	}
	s.trim(name)
}

// flapText says what the alert means and how to confirm it.
func (s *Set) flapText(a *event.Alert) event.Said {
	switch {
	case a.Transition == event.Cleared && a.State.Lost():
		return words.FlapEndedLost.With()
	case a.Transition == event.Cleared:
		return event.Said{}
	}
	return words.FlapStarted.With(s.Flap.Changes, s.Flap.Window, s.Flap.Settle)
}
