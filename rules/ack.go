package rules

import (
	"time"

	"dswatch/event"
)

// Acknowledge notes that somebody looks after the open alert of a rule, and
// tells everybody who was told of it. From then on it is not repeated; a
// change of its state, and its end, are still told. The same words of the
// same person again change nothing. Like Decide it is pure.
func (s *Set) Acknowledge(now time.Time, prev Status, snap Snapshot, rule string, ack event.Ack) (Status, []Decision) {
	st := prev
	slot := st.slot(rule)
	if slot.Phase != Firing || slot.Ack != nil && slot.Ack.Author == ack.Author && slot.Ack.Comment == ack.Comment {
		return st, nil
	}
	slot = st.own(rule)
	slot.Ack = &ack
	slot.Seq++
	// The state is the one that was told: what is seen meanwhile is told by
	// a transition of its own.
	slot.Transition, slot.At, slot.Previous = event.Acknowledged, now, slot.State
	all := s.audience(slot, nil)
	slot.plan(now, all, slot.Sinks)
	if slot.Silence == "" && slot.Well.IsZero() { // else something else is due
		slot.Due = s.wake(now, slot, all, subject(&st, snap, rule))
	}
	slot.spoke(snap)
	a := s.alert(&st, snap, rule)
	return st, []Decision{{Rule: rule, Outcome: Acknowledged, Why: ack.Author + " looks after it", Alert: &a, Sinks: slot.Sinks}}
}
