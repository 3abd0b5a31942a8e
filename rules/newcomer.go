package rules

import (
	"slices"
	"time"

	"dswatch/event"
)

// A sink that is new, or to which a changed route leads, hears at once of what is
// open. Of more than a few alerts one digest for each rule tells it. They are open
// already, and told to others one by one; so each notes for which sink a digest
// speaks, and is not told to that one until it speaks no more.

// Through says that a digest tells one sink of an open alert.
type Through struct {
	Sink   string    `json:"sink"`
	Digest string    `json:"digest"` // its id; empty: it speaks no more, and the sink is to be told by itself
	At     time.Time `json:"at"`     // since when
}

// through returns what tells the sink of the slot's alert; false: it is told by itself.
func (slot *Slot) through(sink string) (Through, bool) {
	i := slices.IndexFunc(slot.Through, func(t Through) bool { return t.Sink == sink && t.Digest != "" })
	if i < 0 {
		return Through{}, false
	}
	return slot.Through[i], true
}

// before is when a digest first told the sink of the slot's alert; zero: none did.
func (slot *Slot) before(sink string) (at time.Time) {
	for _, t := range slot.Through {
		if t.Sink == sink {
			at = earlier(at, t.At)
		}
	}
	return at
}

// told is since when each sink knows what joined the digest then, as who is told
// by itself from now on; none who was not told since.
func (d *Digest) through(joined time.Time) (out []Through) {
	for _, sink := range d.Slot.Sinks {
		if a, has := d.Slot.heard(sink); has && !a.At.Before(joined) {
			t := Through{Sink: sink, At: a.First}
			if t.At.Before(joined) {
				t.At = joined
			}
			out = append(out, t)
		}
	}
	return out
}

// Speaks reports whether the digest tells a sink of the slot's open alert.
func (slot *Slot) Speaks(digest string) bool {
	return digest != "" && slices.ContainsFunc(slot.Through, func(t Through) bool { return t.Digest == digest })
}

// part forgets the digests of which gone says so. The slot is nobody else's.
func (slot *Slot) part(gone func(Through) bool) {
	if slot.Through = slices.DeleteFunc(slices.Clone(slot.Through), gone); len(slot.Through) == 0 {
		slot.Through = nil
	}
}

// Few is how many open alerts a sink that comes is told of one by one.
func (s StormSettings) Few() int { return min(s.leftovers(), mostSingle) }

// mostSingle is more than what goes wrong on one host when something of its agent
// does.
const mostSingle = 20

// Unheard reports whether the sink, which is fresh, is to be told at now of the
// rule's open alert: the routes name it, it has heard nothing of it, and nobody
// looks after the alert.
func (s *Set) Unheard(now time.Time, st *Status, snap Snapshot, rule, sink string) bool {
	slot := st.slot(rule)
	if slot.Phase != Firing || slot.Ack != nil || slot.settles() || rule == Loss && st.Flapping() {
		return false
	}
	if _, has := slot.heard(sink); has || slices.Contains(slot.Sinks, sink) { // or its far end holds it open, whenever it heard
		return false
	}
	sub := st.asTold(rule)
	return slices.ContainsFunc(s.targets(now, sub, snap.Sinks, slot), func(t target) bool { return t.sink == sink && !now.Before(t.opens) })
}

// Tell notes that a digest tells a sink of the rule's open alert.
func (s *Status) Tell(rule string, t Through) {
	slot := s.own(rule)
	t.At = earlier(t.At, slot.before(t.Sink))
	slot.part(func(old Through) bool { return old.Sink == t.Sink && old.Digest == "" })
	slot.Through = append(slot.Through, t)
}

// Part notes that the digest does not tell of the rule's open alert any more, and
// lets the alert look anew, at once, at whom it is told to: unless somebody looks
// after it. Since when it was told stays: an escalation counts from then.
func (s *Status) Part(rule, digest string) {
	slot := s.own(rule)
	slot.Through = slices.Clone(slot.Through)
	for i := range slot.Through {
		if slot.Through[i].Digest == digest {
			slot.Through[i].Digest = ""
		}
	}
	if slot.Phase == Firing && slot.Ack == nil && slot.Silence == "" && !slot.settles() {
		slot.resume()
	}
}

// Opening names the digest of what is open for a sink that has come.
func (s *Storm) Opening(rule, sink string) event.Key { return s.key(rule, rule+" open for "+sink) }

// asMember is the slot of a digest's member as the digest asks it who hears of it:
// where the digest is for one sink, that has heard of it through the digest.
func (d *Digest) asMember(st *Status) *Slot {
	if d.For == "" {
		return &d.Slot
	}
	slot := *st.slot(d.Rule)
	slot.part(func(t Through) bool { return t.Sink == d.For })
	slot.Sinks = with(slot.Sinks, d.Slot.Sinks...)
	return &slot
}

// stateOf is the state of a member: of one that others were told of, what they
// were told, so that it is not said to be well before its all-clear. Of a loss that
// cannot be seen any more it is what was seen last.
func (d *Digest) stateOf(st *Status) event.State {
	switch {
	case d.For != "":
		return st.slot(d.Rule).State
	case d.Rule == Loss:
		return st.lost()
	}
	return st.Seen.State
}

// Close ends a digest for a sink that goes, which has been told so.
func (d *Digest) Close(now time.Time) {
	slot := &d.Slot
	if slot.Phase = Quiet; slot.Seq > 0 {
		slot.Phase, slot.Seq, slot.Transition, slot.At, slot.Previous, slot.State = Settled, max(slot.Seq, slot.Left), event.Cleared, now, slot.State, event.Up
	}
	slot.Due, slot.Round, slot.Ack, slot.Withdrawn = time.Time{}, nil, nil, nil
}
