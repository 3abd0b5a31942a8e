package engine

import (
	"context"
	"fmt"
	"slices"
)

// meetSinks finds out which sinks are fresh: they were not there when the
// program ran last, and hear of what is open at once. Where nothing says who
// was there, because an earlier version wrote the store, all were.
func (e *Engine) meetSinks(ctx context.Context) error {
	known, found, err := e.Receipts.Known(ctx)
	if err != nil {
		return fmt.Errorf("load which sinks are known: %w", err)
	}
	e.fresh = nil
	for _, name := range e.Sinks {
		if found && !slices.Contains(known, name) {
			e.fresh = append(e.fresh, name)
		}
	}
	e.met = found && len(e.fresh) == 0 && len(known) == len(e.Sinks)
	return nil
}

// tidy does what may wait until everything that is due has been told. The
// sinks are known from then on: whoever was to hear of an alert has it in his
// outbox.
func (e *Engine) tidy(ctx context.Context) error {
	if !e.met {
		if err := e.Receipts.Know(ctx, e.Sinks); err != nil {
			return fmt.Errorf("store which sinks are known: %w", err)
		}
		e.fresh, e.met = nil, true
	}
	return e.prune(ctx)
}
