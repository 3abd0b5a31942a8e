package engine

import (
	"slices"

	"dswatch/event"
	"dswatch/rules"
)

// Open returns what a far end that has forgotten all is told of every open alert
// that the sink was told of, the oldest alert first; see Set.Again.
func (e *Engine) Open(sink string) [][]event.Alert {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out [][]event.Alert
	for _, it := range e.items {
		it.status.Slots(func(rule string, s rules.Slot) {
			if s.Phase == rules.Firing && slices.Contains(s.Sinks, sink) {
				snap := it.snapshot()
				out = append(out, e.Set.Again(*e.Set.Alert(&it.status, snap, rule), snap))
			}
		})
	}
	for _, d := range e.digests() {
		if d.Slot.Phase == rules.Firing && slices.Contains(d.Slot.Sinks, sink) {
			out = append(out, e.Set.Again(e.Set.DigestAlert(d.Digest, e.spokenFor(d)), rules.Snapshot{}))
		}
	}
	slices.SortFunc(out, func(a, b []event.Alert) int { return a[0].StartedAt.Compare(b[0].StartedAt) })
	return out
}

// CountOpen returns how many open alerts the sink was told of.
func (e *Engine) CountOpen(sink string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.countOpen(sink)
}

func (e *Engine) countOpen(sink string) (n int) {
	for _, it := range e.items {
		it.status.Slots(func(_ string, s rules.Slot) {
			if s.Phase == rules.Firing && slices.Contains(s.Sinks, sink) {
				n++
			}
		})
	}
	for _, d := range e.digests() {
		if d.Slot.Phase == rules.Firing && slices.Contains(d.Slot.Sinks, sink) {
			n++
		}
	}
	return n
}
