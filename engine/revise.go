package engine

import (
	"slices"
	"strings"

	"dswatch/event"
)

// redecide decides an item without an event.
func (e *Engine) redecide(it *item) {
	e.roomFor(it)
	e.decide(it, event.Event{})
}

// roomFor sees that what is decided of an item next may stand in this round.
func (e *Engine) roomFor(it *item) {
	if it.inRound || e.joining >= mostJoining {
		e.closeRound()
	}
}

// revise decides anew what stands in a relation to the items that were
// stirred, until nothing changes any more.
func (e *Engine) revise() {
	for len(e.stirred) > 0 {
		it := e.stirred[0]
		e.stirred = e.stirred[1:]
		h := it.home
		scope := h.heirs
		if it == h.self {
			scope = h.items
		}
		for _, x := range scope {
			if x == it || x.status.Calm() {
				continue
			}
			e.redecide(x)
		}
		if e.hides(it) {
			e.reviseHidden(it)
		}
	}
}

// reviseHidden decides anew what is behind a way that was stirred, in an order. What
// is well, and of which it is told why it cannot be seen, is not asked for.
func (e *Engine) reviseHidden(way *item) {
	type named struct {
		name string
		*item
	}
	var hidden []named
	for k, x := range e.items {
		if x != way && !x.status.Gone && e.behind(x) == way.status.Key && (!x.status.Calm() || !e.accounted(x, way.status.Key, 0)) {
			hidden = append(hidden, named{k.String(), x})
		}
	}
	slices.SortFunc(hidden, func(a, b named) int { return strings.Compare(a.name, b.name) })
	for _, x := range hidden {
		e.redecide(x.item)
	}
}
