package rules

import (
	"slices"

	"dswatch/event"
)

// RenameSink hands what is remembered of a sink's alerts over to another one,
// and reports whether there was anything.
func (s *Status) RenameSink(old, name string) (renamed bool) {
	for _, rule := range RuleNames() {
		if _, spoken := s.slot(rule).through(old); spoken || slices.Contains(s.slot(rule).Sinks, old) {
			s.own(rule).renameSink(old, name)
			renamed = true
		}
	}
	return renamed
}

// RenameSink is that of a Status for a digest.
func (d *Digest) RenameSink(old, name string) (renamed bool) {
	if renamed = slices.Contains(d.Slot.Sinks, old); renamed {
		d.Slot.renameSink(old, name)
	}
	if d.For == old {
		d.For, renamed = name, true
	}
	return renamed
}

// renameSink changes a slot that nobody shares. Where both were told, the one
// that stays is.
func (slot *Slot) renameSink(old, name string) {
	replaced := func(sinks []string) (out []string) {
		for _, s := range sinks {
			if s == old {
				s = name
			}
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return out
	}
	if i := slices.Index(slot.Sinks, name); i >= 0 && slot.Early > 0 && min(i, slices.Index(slot.Sinks, old)) < slot.Early && max(i, slices.Index(slot.Sinks, old)) < slot.Early {
		slot.Early-- // both were there when it was raised
	}
	slot.Sinks = replaced(slot.Sinks)
	slot.renameThrough(old, name)
	if slot.Round == nil {
		return
	}
	r := *slot.Round
	r.Last, r.Next = replaced(r.Last), nil
	for _, a := range slot.Round.Next {
		if a.Sink == old {
			a.Sink = name
		}
		if !slices.ContainsFunc(r.Next, func(b Again) bool { return b.Sink == a.Sink }) {
			r.Next = append(r.Next, a)
		}
	}
	slot.Round = &r
}

// renameThrough is renameSink for what digests tell. The one that the far end
// heard of under the old name goes on; what it was told by itself needs none.
func (slot *Slot) renameThrough(old, name string) {
	_, both := slot.through(old)
	slot.part(func(t Through) bool { return t.Sink == name && both || slices.Contains(slot.Sinks, t.Sink) })
	for i := range slot.Through {
		if slot.Through[i].Sink == old {
			slot.Through[i].Sink = name
		}
	}
	slot.part(func(t Through) bool { return slices.Contains(slot.Sinks, t.Sink) })
}

// Removed is what is observed of an item when somebody says that it is no
// more: why goes to everybody who was told of its alerts. What it hides stays
// hidden.
func Removed(st *Status, why event.Said) event.Observation {
	return event.Observation{Key: st.Key, State: event.Unknown, Want: st.Seen.Want, Detail: why, Veils: st.Seen.Veils}
}
