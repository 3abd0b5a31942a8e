package rules

import (
	"maps"
	"slices"
	"time"

	"dswatch/event"
)

// What a sink is owed is the difference between what is remembered of an
// alert and where the alert stands at the sink.

// Standings are where the alerts of one slot stand at one sink: alert id ->
// the last transition that the sink was told, or is certain to be told.
type Standings map[string]Standing

// Standing is where one alert stands at one sink.
type Standing struct {
	Turn   int // of the alert
	Seq    int
	At     time.Time
	Firing bool
	Open   bool // the far end holds it open until it is told something later
	Waits  bool // in the outbox
	Used   int  // the highest number that a transition of the alert before its end can have at any sink
}

// end is the number of the alert's end. None before it had it, also at a sink
// of whose receipts a power loss took the last: one that drops copies would
// take the end for a copy.
func (t Standing) end() int { return max(t.Seq, t.Used) + 1 }

// Firing returns whether the sink holds any alert of the slot open.
func (k Standings) Firing() bool {
	for _, t := range k {
		if t.Firing {
			return true
		}
	}
	return false
}

// latest returns the alert that came last.
func (k Standings) latest() (id string, last Standing) {
	for i, t := range k {
		if id == "" || t.Turn > last.Turn {
			id, last = i, t
		}
	}
	return id, last
}

// Owed returns what a sink must still be told of the rule's alerts, in order.
func (s *Set) Owed(st *Status, snap Snapshot, rule, sink string, k Standings) []event.Alert {
	return s.owed(*s.Alert(st, snap, rule), st.slot(rule), snap, sink, k)
}

// OwedDigest is Owed for a digest.
func (s *Set) OwedDigest(d *Digest, m Members, sink string, k Standings) []event.Alert {
	return s.owed(s.DigestAlert(d, m), &d.Slot, Snapshot{}, sink, k)
}

func (s *Set) owed(last event.Alert, slot *Slot, snap Snapshot, sink string, k Standings) []event.Alert {
	if !slices.Contains(slot.Sinks, sink) {
		out := s.over(last, snap, k)
		if has := k[last.ID]; has.Firing && last.Transition == event.Cleared { // it went, and could not be told the end
			last.Seq = max(last.Seq, has.end())
			out = append(out, last)
		}
		return out
	}
	return s.missing(last, slot.needed(sink), snap, k)
}

// need is what a sink must have been told of an alert.
type need struct {
	seq  int  // of the least transition that it must know
	late bool // the first it heard of it had a later number than 1
}

// needed is the last transition, or the last that went to every sink where
// that was a repetition for others.
func (slot *Slot) needed(sink string) need {
	n := need{slot.Seq, slices.Index(slot.Sinks, sink) >= slot.Early && slot.Early > 0}
	if slot.Round != nil && !slices.Contains(slot.Round.Last, sink) {
		n.seq = slot.Round.All
	}
	return n
}

// missing returns what a sink must still be told so that it knows last, or at
// least what it needs, and has no other alert of the slot open, in order.
//
// An alert that is over, and of which nothing says that the sink was told, is
// raised and cleared: a far end that knows both drops the copies. Where it
// cannot be said which copies these are, it gets new ones.
func (s *Set) missing(last event.Alert, n need, snap Snapshot, k Standings) []event.Alert {
	out := s.over(last, snap, k)
	has, any := k[last.ID]
	if last.Transition == event.Cleared && has.Firing {
		last.Seq = max(last.Seq, has.end())
	}
	switch {
	case last.Transition == event.Cleared && has.Firing && has.Seq >= n.seq:
		return append(out, last)
	case has.Seq >= n.seq:
		return out
	}
	switch {
	case any && last.Transition == event.Repeated && n.seq < last.Seq: // for others; this one misses what came before
		last.Transition, last.Seq = event.Changed, n.seq // as what it misses: it may have come, and only its receipt be lost
		s.write(&last, snap)
	case any:
	case last.Transition == event.Cleared:
		first := last
		first.Seq, first.Transition = 1, event.Raised
		if n.late {
			first.Seq, last.Seq = last.Seq+1, last.Seq+2
		}
		first.State, first.Previous = last.Previous, ""
		first.At, first.EndedAt, first.Ack = last.StartedAt, time.Time{}, nil
		s.write(&first, snap)
		out = append(out, first)
	default:
		last = s.first(last, snap)
	}
	return append(out, last)
}

// over returns what ends the alerts that a sink still holds open although
// the slot has gone on to another one, which need not concern that sink.
func (s *Set) over(last event.Alert, snap Snapshot, k Standings) []event.Alert {
	var out []event.Alert
	for _, id := range slices.Sorted(maps.Keys(k)) {
		if id == last.ID || !k[id].Firing {
			continue
		}
		over := last
		over.ID, over.Turn, over.Seq, over.Transition = id, k[id].Turn, k[id].end(), event.Cleared
		over.State, over.Previous = event.Up, event.Unknown
		over.Ack, over.Withdrawn, over.Affected, over.AffectedCount = nil, nil, nil, 0 // forgotten
		if over.At = last.StartedAt; over.At.Before(k[id].At) {
			over.At = k[id].At // or the clock was set back
		}
		over.EndedAt = over.At
		s.write(&over, snap)
		out = append(out, over)
	}
	return out
}

// with returns names and those of more that are not among them.
func with(names []string, more ...string) []string {
	out := slices.Clone(names)
	for _, name := range more {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// catchUp moves the slot to where a sink says that it was, and reports
// whether it was behind. Of what is not stored the audience may have heard, too:
// what other sinks know may be lost as well.
func (slot *Slot) catchUp(now time.Time, sink string, k Standings, audience []string) (late bool) {
	id, newest := slot.ID, Standing{Seq: slot.Seq, At: slot.At}
	if t := k[slot.ID]; t.Seq > newest.Seq && slot.Transition != event.Cleared && (t.Firing || t.Seq > slot.Left) { // else it is over only there
		newest = t
	}
	if last, t := k.latest(); slot.ID == "" || t.Turn > slot.Turn {
		id, newest = last, t
	}
	switch {
	case id == slot.ID && newest.Seq == slot.Seq:
		// Whoever holds it open is owed its end.
		if slot.ID == "" || !k[id].Firing || slices.Contains(slot.Sinks, sink) {
			return false
		}
		slot.Sinks = with(slot.Sinks, sink)
		return true
	case id == slot.ID && newest.Firing && slot.Phase == Firing:
		slot.Seq = newest.Seq
		slot.Sinks = with(with(slot.Sinks, sink), audience...)
		slot.Round = nil // who heard of it is not known any more
		return true
	case id != slot.ID:
		slot.ID, slot.Turn, slot.Sinks = id, newest.Turn, with([]string{sink}, audience...)
		if slot.Severity == "" {
			slot.Severity, slot.Impact = event.Warning, event.VisibilityLost
		}
		slot.Started, slot.Raised, slot.Early = newest.At, newest.At, len(slot.Sinks)
	}
	slot.Seq, slot.At = newest.Seq, newest.At
	if newest.Firing {
		slot.Seq = newest.end()
		if newest.At.Before(now) { // else the clock was set back; what is newest stays so
			slot.At = now
		}
	}
	slot.Transition, slot.Previous, slot.State = event.Cleared, slot.State, event.Up
	if slot.Previous == "" || slot.Previous == event.Up {
		slot.Previous = event.Unknown
	}
	slot.Round, slot.Ack, slot.Withdrawn, slot.Spoke = nil, nil, nil, nil
	if slot.Phase != Held {
		slot.Phase, slot.Due, slot.Well, slot.Silence = Settled, time.Time{}, time.Time{}, ""
	}
	return true
}

// CatchUp moves the rule's slot to where a sink says that it was, and reports
// whether it was behind. Audience is who hears of the rule's alerts.
func (s *Status) CatchUp(now time.Time, rule, sink string, k Standings, audience []string) bool {
	slot := *s.slot(rule)
	if !slot.catchUp(now, sink, k, audience) {
		return false
	}
	slot.part(func(t Through) bool { return slot.Phase != Firing || slices.Contains(slot.Sinks, t.Sink) })
	if rule != FlapRule {
		s.keep(rule, &slot)
		return true
	}
	f := Flap{}
	if s.Flap != nil {
		f = *s.Flap
	}
	if f.Slot = slot; slot.Phase != Firing {
		f.Until, f.Flips = time.Time{}, nil
	}
	s.Flap = &f
	return true
}

// CatchUp is that of a Status for a digest. Its audience is who was told of
// it, or who must have been where nothing of it was stored.
func (d *Digest) CatchUp(now time.Time, sink string, k Standings, audience []string) bool {
	if t, used := k[d.Slot.ID]; d.Slot.Phase == Held { // it was opened anew with an id that nothing stored had told
		if !used {
			return false
		}
		d.Slot.Phase, d.Slot.Started, d.Slot.Raised = Settled, t.At, t.At
	}
	return d.Slot.catchUp(now, sink, k, audience)
}

// Forgettable reports whether the sink can do without what is remembered:
// nothing of the item waits for it, it holds nothing open, and it has
// confirmed the last that it had to be told. waiting and confirmed are by slot.
func (s *Status) Forgettable(sink string, waiting map[string]bool, confirmed map[string]Standings) bool {
	for _, rule := range RuleNames() {
		slot := s.slot(rule)
		name := event.Alert{Key: s.Key, Rule: rule}.Slot()
		if waiting[name] {
			return false
		}
		for _, has := range confirmed[name] {
			if has.Open {
				return false
			}
		}
		if slot.ID != "" && slices.Contains(slot.Sinks, sink) && confirmed[name][slot.ID].Seq < slot.needed(sink).seq {
			return false
		}
	}
	return true
}
