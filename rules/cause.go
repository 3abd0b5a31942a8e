package rules

import (
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

// Related is what other items have to do with one that is in trouble.
type Related struct {
	// Peers are the items on which the meaning of its loss depends.
	Peers  []catalog.Peer
	Unsure bool  // the loss of a peer is too young to be believed
	Cause  Cause // of its loss
	Veil   Cause // of that it cannot be observed
	// Affected are the items that it explains, in the order of their keys:
	// AffectedCount of them, as many as an alert may carry.
	Affected      []event.Affected
	AffectedCount int
}

// Cause is an item whose trouble explains that of another. A zero Key: none.
type Cause struct {
	Key      event.Key
	Severity event.Severity
	Sure     bool      // its alert is open
	Flaps    bool      // it comes and goes
	Due      time.Time // of one that is held: when it will be told
}

// sight is what the meaning of a loss depends on.
func (s Snapshot) sight() catalog.Sight {
	os, _ := s.Facts.Get(event.OS)
	on := catalog.Sight{OS: os.Value, Facts: s.Facts}
	if s.Related != nil {
		on.Peers = s.Related.Peers
	}
	return on
}

// unsure reports whether the meaning of a loss may be another in a moment.
func (s Snapshot) unsure() bool { return s.Related != nil && s.Related.Unsure }

// cause is what explains the rule's trouble.
func (s Snapshot) cause(rule string) Cause {
	switch {
	case s.Related == nil:
		return Cause{}
	case rule == Unseen:
		return s.Related.Veil
	}
	return s.Related.Cause
}

// recheck is how long after its deadline a cause is asked again. It is asked
// at once when it is told; this is for the case that it never is.
const recheck = time.Second

// explained reports whether the trouble waits because its cause tells of it,
// or is about to. Worse trouble than that of its cause is not explained by it.
// What outlives a cause that was told waits for a hold of its own; from then on
// a cause that comes and goes does not hide it again.
func (s *Set) explained(q question, out []Decision) ([]Decision, bool) {
	slot, c := q.slot(), q.snap.cause(q.rule)
	worse := c.Severity.Rank() < SeverityOf(impact(q.st, *q.snap, q.rule)).Rank()
	none := q.rule == FlapRule || c.Key == (event.Key{}) || worse || c.Flaps && slot.Outlived
	if slot.Cause != "" && (none || slot.Due.IsZero() && !c.Sure) {
		why, told := words.NoLongerExplains.With(slot.Cause), slot.Due.IsZero()
		slot.Cause, slot.Due = "", time.Time{}
		if wait := s.wait(q.rule); told && wait > 0 && !(worse && c.Sure) {
			slot.Due, slot.Outlived = q.now.Add(wait), true
			return append(out, Decision{Rule: q.rule, Outcome: Holding, Why: why.And(words.WaitsBefore.With(wait))}), true
		}
	}
	if none {
		return out, false
	}
	slot.Phase, slot.Silence = Held, ""
	before, wasSure := slot.Cause, slot.Due.IsZero()
	slot.Cause, slot.Due = c.Key.String(), c.asked(q.now)
	switch {
	case before == slot.Cause && wasSure == c.Sure:
		return out, true
	case c.Sure:
		return append(out, Decision{Rule: q.rule, Outcome: Explained, Why: words.ExplainedBy.With(slot.Cause)}), true
	}
	return append(out, Decision{Rule: q.rule, Outcome: Holding, Why: words.WaitsForCause.With(slot.Cause)}), true
}

// awaited reports whether a cause may explain the trouble that has not been told
// yet.
func (slot *Slot) awaited() bool { return slot.Phase == Held && slot.Cause != "" && !slot.Due.IsZero() }

// asked is when a cause that may explain something is asked again; zero: never,
// it tells when it does not any more.
func (c Cause) asked(now time.Time) time.Time {
	switch {
	case c.Sure:
		return time.Time{}
	case c.Due.After(now):
		return c.Due.Add(recheck)
	}
	return now.Add(recheck)
}

// affectedText says how much an alert speaks for.
func affectedText(a *event.Alert) event.Said {
	if a.Transition == event.Cleared {
		return words.ExplainedLeft.With(a.AffectedCount)
	}
	return words.ExplainsMore.With(a.AffectedCount)
}

// Calm reports whether no rule is concerned with the item.
func (s *Status) Calm() bool {
	in := func(p Phase) bool { return p == Held || p == Firing }
	return !in(s.slot(Loss).Phase) && !in(s.slot(Unseen).Phase) && !in(s.slot(FlapRule).Phase)
}
