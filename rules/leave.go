package rules

import (
	"slices"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Leave takes a sink that is told no more off those that are told of a rule's
// alert, and reports whether it was one of them. Of an alert that is open it
// writes the end for that sink. The others hear nothing: for them it goes on.
// Like Decide it is pure.
func (s *Set) Leave(now time.Time, prev Status, snap Snapshot, rule, sink string) (st Status, end *event.Alert, left bool) {
	_, spoken := prev.slot(rule).through(sink)
	if !spoken && !slices.Contains(prev.slot(rule).Sinks, sink) {
		return prev, nil, false
	}
	a := s.Alert(&prev, snap, rule)
	st = prev
	slot := st.own(rule)
	slot.part(func(t Through) bool { return t.Sink == sink })
	if !slices.Contains(slot.Sinks, sink) {
		return st, nil, true // its digest tells it the end
	}
	return st, s.left(now, a, slot, snap, sink), true
}

// LeaveDigest is Leave for a digest.
func (s *Set) LeaveDigest(now time.Time, d *Digest, m Members, sink string) (end *event.Alert, left bool) {
	if !slices.Contains(d.Slot.Sinks, sink) {
		return nil, false
	}
	a := s.DigestAlert(d, m)
	return s.left(now, &a, &d.Slot, Snapshot{}, sink), true
}

// left takes a sink off the slot and makes a, its last transition, the end of
// the alert there; nil: it is over. Should the sink come back while the alert is
// open, what it is told then has a later number.
func (s *Set) left(now time.Time, a *event.Alert, slot *Slot, snap Snapshot, sink string) *event.Alert {
	if slot.leave(sink); slot.Phase != Firing {
		return nil
	}
	slot.Left = max(slot.Seq, slot.Left) + 1
	a.Seq = slot.Left
	a.Transition, a.Previous, a.State, a.Replay = event.Cleared, a.State, event.Up, false
	a.Ack, a.Withdrawn, a.Affected, a.AffectedCount = nil, nil, nil, 0
	a.At, a.EndedAt = now, now
	s.write(a, snap)
	text := words.TakenOut.With()
	if a.Rule != event.RuleStorm { // whose own text says that its alerts are over
		text = text.And(a.TextStatements)
	}
	a.TextStatements = text
	words.In(s.Language, s.Zone).Tell(a)
	return a
}

// count gives the slot's next transition its number.
func (slot *Slot) count() { slot.Seq = max(slot.Seq, slot.Left) + 1 }

func (slot *Slot) leave(sink string) {
	if i := slices.Index(slot.Sinks, sink); i < slot.Early {
		slot.Early--
	}
	without := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == sink })
	}
	slot.Sinks = without(slot.Sinks)
	if slot.Round != nil {
		r := *slot.Round
		r.Last = without(r.Last)
		r.Next = slices.DeleteFunc(slices.Clone(r.Next), func(a Again) bool { return a.Sink == sink })
		slot.Round = &r
	}
}
