package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// meetSinks finds out which sinks are fresh: they hear at once of what is open
// and concerns them. Those are that were not there when the program ran last,
// and all once the routes have been changed: who was told is told nothing
// twice. Where nothing says who was there, because an earlier version wrote the
// store, all were, and nothing has been changed.
func (e *Engine) meetSinks(ctx context.Context) error {
	roster, found, err := e.Receipts.Known(ctx)
	if err != nil {
		return fmt.Errorf("load which sinks are known: %w", err)
	}
	now := e.roster()
	rerouted := roster.Routing != "" && roster.Routing != now.Routing
	e.fresh, e.came = nil, map[string]time.Time{}
	for _, name := range now.Sinks {
		if found && (rerouted || !slices.Contains(roster.Sinks, name)) {
			e.fresh = append(e.fresh, name)
			e.came[name] = e.now()
		} else if at, noted := roster.Came[name]; noted {
			e.came[name] = at
		}
	}
	e.met, e.meetAt = found && len(e.fresh) == 0 && len(roster.Sinks) == len(now.Sinks) && roster.Routing == now.Routing, time.Time{}
	return nil
}

func (e *Engine) roster() Roster { return Roster{e.Sinks, e.Set.Routing(), maps.Clone(e.came)} }

// tidy does what may wait until everything that is due has been told. The
// sinks are known from then on: whoever was to hear of an alert has it in his
// outbox. One that is fresh is not before what says that it was told has certainly
// been written to the disk: after a power loss it would be owed no end.
func (e *Engine) tidy(ctx context.Context) error {
	now := e.Now()
	if !e.met && !now.Before(e.meetAt) {
		r := e.roster()
		if first := e.meetAt.IsZero(); first && len(e.fresh) > 0 && e.Flushed > 0 {
			r.Sinks = slices.DeleteFunc(slices.Clone(r.Sinks), func(name string) bool { return slices.Contains(e.fresh, name) })
			e.meetAt = now.Add(e.Flushed)
		} else {
			e.met = true
		}
		if err := e.Receipts.Know(ctx, r); err != nil {
			return fmt.Errorf("store which sinks are known: %w", err)
		}
		e.fresh = nil
	}
	if e.Journal != nil && e.Journal.Behind() && now.Sub(e.journaled) >= journalEvery {
		e.journaled = now
		e.journalWhole()
	}
	return e.prune(ctx)
}
