package engine

import (
	"slices"

	"dswatch/event"
	"dswatch/rules"
)

// Open returns the last transition of every open alert that the sink was told
// of, the oldest alert first.
func (e *Engine) Open(sink string) []event.Alert {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []event.Alert
	for _, it := range e.items {
		it.status.Slots(func(rule string, s rules.Slot) {
			if s.Phase == rules.Firing && slices.Contains(s.Sinks, sink) {
				out = append(out, e.Set.Alert(&it.status, it.snapshot(), rule))
			}
		})
	}
	for _, d := range e.digests() {
		if d.Slot.Phase == rules.Firing && slices.Contains(d.Slot.Sinks, sink) {
			out = append(out, e.Set.DigestAlert(d.Digest, e.spokenFor(d)))
		}
	}
	slices.SortFunc(out, func(a, b event.Alert) int { return a.StartedAt.Compare(b.StartedAt) })
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
