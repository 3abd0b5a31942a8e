package rules

import (
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Acknowledge notes that somebody looks after the open alert of a rule, and
// tells everybody who was told of it. From then on it is not repeated; a
// change of its state, and its end, are still told. The same words of the
// same person again change nothing. Like Decide it is pure.
func (s *Set) Acknowledge(now time.Time, prev Status, snap Snapshot, rule string, ack event.Ack) (Status, []Decision) {
	if slot := prev.slot(rule); slot.Phase != Firing || repeats(slot.Ack, ack) {
		return prev, nil
	}
	st := prev
	slot := st.own(rule)
	slot.Ack, slot.Withdrawn = &ack, nil
	return s.looked(now, st, snap, rule, event.Acknowledged)
}

// Withdraw takes the acknowledgement of a rule's open alert back, and tells
// everybody who was told of the alert. From then on it is repeated, and
// escalated where its time has come, as if nobody had acknowledged it.
func (s *Set) Withdraw(now time.Time, prev Status, snap Snapshot, rule string, by event.Ack) (Status, []Decision) {
	if slot := prev.slot(rule); slot.Phase != Firing || slot.Ack == nil {
		return prev, nil
	}
	st := prev
	slot := st.own(rule)
	slot.Ack, slot.Withdrawn = nil, &by
	return s.looked(now, st, snap, rule, event.Unacknowledged)
}

// looked tells who looks after an open alert from now on.
func (s *Set) looked(now time.Time, st Status, snap Snapshot, rule string, t event.Transition) (Status, []Decision) {
	slot := st.slot(rule) // which is the status's own
	slot.count()
	// The state is the one that was told: what is seen meanwhile is told by
	// a transition of its own.
	slot.Transition, slot.At, slot.Previous = t, now, slot.State
	sub := subject(&st, snap, rule)
	all := s.audience(slot, s.targets(now, sub, snap.Sinks, slot))[:len(slot.Sinks)] // those who were told
	slot.plan(now, all, slot.Sinks)
	switch {
	case slot.Silence != "" || slot.settles(): // something else is due
	case slot.Ack == nil:
		slot.resume() // an escalation may be overdue
	default:
		slot.Due = s.wake(now, slot, all, sub)
	}
	slot.spoke(snap)
	a := s.Alert(&st, snap, rule)
	return st, []Decision{{Rule: rule, Outcome: Outcome(t), Why: slot.keeper(), Alert: a, Sinks: slot.Sinks}}
}

// repeats reports whether a says what was said before.
func repeats(before *event.Ack, a event.Ack) bool {
	return before != nil && before.Author == a.Author && before.Comment == a.Comment
}

// keeper is why the last transition was told where it is one of who looks
// after the alert.
func (slot *Slot) keeper() event.Said {
	by, says, silent := slot.Ack, words.LooksAfterSays, words.LooksAfter
	if by == nil {
		by, says, silent = slot.Withdrawn, words.WithdrewSays, words.Withdrew
	}
	if by.Comment != "" {
		return says.With(by.Author, by.Comment)
	}
	return silent.With(by.Author)
}
