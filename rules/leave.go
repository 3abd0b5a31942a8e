package rules

import (
	"slices"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Leave writes the end of a rule's open alert for a sink that is told no more,
// and takes it off those that are. The others hear nothing: for them it goes
// on. Like Decide it is pure.
func (s *Set) Leave(now time.Time, prev Status, snap Snapshot, rule, sink string) (Status, *event.Alert) {
	if slot := prev.slot(rule); slot.Phase != Firing || !slices.Contains(slot.Sinks, sink) {
		return prev, nil
	}
	a := s.Alert(&prev, snap, rule)
	st := prev
	st.own(rule).leave(sink)
	s.left(now, &a, snap)
	return st, &a
}

// LeaveDigest is Leave for a digest.
func (s *Set) LeaveDigest(now time.Time, d *Digest, m Members, sink string) *event.Alert {
	if d.Slot.Phase != Firing || !slices.Contains(d.Slot.Sinks, sink) {
		return nil
	}
	a := s.DigestAlert(d, m)
	d.Slot.leave(sink)
	s.left(now, &a, Snapshot{})
	return &a
}

// left makes the last transition the end of the alert at one sink.
func (s *Set) left(now time.Time, a *event.Alert, snap Snapshot) {
	a.Seq++
	a.Transition, a.Previous, a.State = event.Cleared, a.State, event.Up
	a.Ack, a.Withdrawn, a.Affected, a.AffectedCount = nil, nil, nil, 0
	a.At, a.EndedAt = now, now
	s.write(a, snap)
	a.TextStatements = words.TakenOut.With().And(a.TextStatements)
	words.In(s.Language, s.Zone).Tell(a)
}

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
