package rules

import (
	"slices"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Escalation says who is told as well when nobody looks after an alert.
type Escalation struct {
	After time.Duration `yaml:"after" doc:"How long after the first sink of the route was told, such as 15m; at least 1m."`
	Sinks []string      `yaml:"sinks" doc:"Names of the sinks that are told then, once, and told the end."`
}

// Validate refuses an escalation to nobody.
func (e Escalation) Validate() error {
	switch {
	case e.After < time.Minute:
		return words.Bad("after", words.EscalateTooShort.With(e.After.String()))
	case len(e.Sinks) == 0:
		return words.Bad("sinks", words.EscalateNobody.With())
	}
	return nil
}

// Told is when the alert was told first.
func (slot *Slot) Told() time.Time {
	if slot.Raised.IsZero() { // stored by a version that did not note it
		return slot.Started
	}
	return slot.Raised
}

// escalates answers when the route tells others as well of an alert that nobody
// looks after: a while after the first of its sinks was told, and not before the
// alert became so severe that the route is for it; zero: none was.
func (r *Route) escalates(slot *Slot, sub Subject) (at time.Time) {
	for _, name := range r.Sinks {
		if a, has := slot.heard(name); has {
			at = earlier(at, a.First)
		} else {
			at = earlier(at, slot.before(name))
		}
	}
	if at.IsZero() {
		return at
	}
	if slot.Rated.After(at) && slices.ContainsFunc(event.Severities(), func(s event.Severity) bool {
		milder := sub
		milder.Severity = s
		return s.Rank() < sub.Severity.Rank() && !r.matches(&milder)
	}) {
		at = slot.Rated
	}
	return at.Add(r.Escalate.After)
}

// escalated is who the route adds to the audience of an alert: nobody before
// its time or once somebody looks after it, but always who was told already.
func (r *Route) escalated(now time.Time, slot *Slot, sub Subject) (sinks []string) {
	if r.Escalate == nil || slot == nil {
		return nil
	}
	at := r.escalates(slot, sub)
	ripe := slot.Ack == nil && slot.Phase == Firing && !at.IsZero() && !now.Before(at)
	for _, name := range r.Escalate.Sinks {
		if ripe || slices.Contains(slot.Sinks, name) {
			sinks = append(sinks, name)
		}
	}
	return sinks
}

// timed reports whether time alone changes who is told.
func (s *Set) timed() bool {
	return slices.ContainsFunc(s.Routes, func(r Route) bool { return len(r.Hours) > 0 || r.Escalate != nil })
}

// turns returns when the audience of an open alert may change next without
// an event; zero: never.
func (s *Set) turns(now time.Time, slot *Slot, sub Subject) (next time.Time) {
	for i := range s.Routes {
		r := &s.Routes[i]
		if len(r.Hours) == 0 && r.Escalate == nil || !r.matches(&sub) {
			continue
		}
		if len(r.Hours) > 0 {
			next = earlier(next, r.turns(now))
		}
		if r.Escalate != nil && slot.Ack == nil && r.open(now) && slices.ContainsFunc(r.Escalate.Sinks, func(name string) bool { return !slices.Contains(slot.Sinks, name) }) {
			next = earlier(next, r.escalates(slot, sub))
		}
	}
	return next
}

// blindly is how long an open alert waits that is due and of which nobody is to
// be told.
const blindly = time.Minute

// wake answers when an open alert wants to be looked at again; zero: never.
func (s *Set) wake(now time.Time, slot *Slot, all []target, sub Subject) (due time.Time) {
	for _, t := range all {
		due = earlier(due, slot.next(t))
	}
	due = earlier(due, s.turns(now, slot, sub))
	if !due.IsZero() && !due.After(now) {
		due = now.Add(blindly)
	}
	return due
}
