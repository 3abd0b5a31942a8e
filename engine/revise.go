package engine

import (
	"context"

	"dswatch/event"
)

// redecide decides an item without an event. At most one transition of an
// item may stand between its stored status and the outbox; else a crash could
// hide the first.
func (e *Engine) redecide(ctx context.Context, it *item) error {
	if it.told || e.joining >= mostJoining {
		if err := e.flush(ctx); err != nil {
			return err
		}
	}
	e.decide(it, event.Event{})
	return nil
}

// revise decides anew what stands in a relation to the items that were
// stirred, until nothing changes any more.
func (e *Engine) revise(ctx context.Context) error {
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
			if err := e.redecide(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
}
