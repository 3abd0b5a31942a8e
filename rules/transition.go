package rules

import (
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Transit is a time during and after an upgrade of the agent or after a reboot in which what
// is lost on the host is expected to come back by itself: no loss is raised
// before its end. It is stored beside the facts of the host.
type Transit struct {
	Host    string     `json:"host"`
	Started time.Time  `json:"started"`
	Until   time.Time  `json:"until"`
	Why     event.Said `json:"why"`
}

// Begin returns the transit after something changed at now. One that changes
// again lasts longer, but never longer than twice the time in all.
func (t Transit) Begin(now time.Time, long time.Duration, why event.Said) Transit {
	if now.Before(t.Until) {
		t.Why = t.Why.And(why).Clip(event.MaxDetail)
		if t.Until = now.Add(long); t.Until.After(t.Started.Add(2 * long)) {
			t.Until = t.Started.Add(2 * long)
		}
		return t
	}
	return Transit{Host: t.Host, Started: now, Until: now.Add(long), Why: why}
}

// Lasts reports whether the transit has not ended yet; nil: there is none.
func (t *Transit) Lasts(now time.Time) bool { return t != nil && now.Before(t.Until) }

// passes keeps a loss back while its host is in transition. Of one that was
// confirmed under a silence, and cannot be seen any more, the silence stays noted.
func (q question) passes(out []Decision) ([]Decision, bool) {
	slot, t := q.slot(), q.snap.Transit
	if q.rule != Loss || !t.Lasts(q.now) {
		return out, false
	}
	if slot.Cause = ""; !q.late {
		slot.Silence = ""
	}
	if slot.Phase == Held && slot.Due.Equal(t.Until) {
		return out, true
	}
	slot.Phase, slot.Due = Held, t.Until
	return append(out, Decision{Rule: q.rule, Outcome: InTransit, Why: words.InTransition.With(t.Until).And(t.Why)}), true
}
