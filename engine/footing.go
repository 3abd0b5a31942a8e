package engine

import (
	"slices"

	"dswatch/catalog"
	"dswatch/event"
)

// footing is what is known about an item's row. The items of a fleet of which
// the same is known share one, so it is not changed.
type footing struct {
	row     *catalog.Row // nil: see Snapshot
	verdict catalog.Verdict
	sinks   []string // who is told where there are no routes
	peers   []string // see catalog.Row.Peers
}

// rowKey is where a footing is found again: by what the items that share it
// are called, and by why they are expected.
type rowKey struct {
	component string
	kind      event.Kind
	name      string
	reason    event.Said
}

// footing returns f, or one that says the same.
func (e *Engine) footing(k event.Key, f footing) *footing {
	key := rowKey{k.Component, k.Kind, k.Name, f.verdict.Reason}
	if have := e.footings[key]; have != nil && have.says(f) {
		return have
	}
	f.verdict.Reason = f.verdict.Reason.Shared(shared)
	if f.row != nil {
		f.peers = f.row.Peers()
	}
	key.reason = f.verdict.Reason
	e.footings[key] = &f
	return &f
}

// says reports whether both say the same. Peers follow from the row.
func (f *footing) says(g footing) bool {
	v, w := f.verdict, g.verdict
	return f.row == g.row && v.Expected == w.Expected && v.Reason == w.Reason &&
		slices.Equal(v.Footnotes, w.Footnotes) && slices.Equal(f.sinks, g.sinks)
}
