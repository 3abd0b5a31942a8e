package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dswatch/event"
	"dswatch/rules"
)

// Lost says that the stores may have lost records under the running engine: a
// bucket was deleted, a directory removed. What the engine still knows is put
// back before it reads again what is stored. Events: the stream of events
// begins anew, too, and no position in it counts any more.
func (e *Engine) Lost(events bool) {
	if events {
		e.anew.Store(true)
	}
	e.lost.Store(true)
}

// memory is what the engine knew when it had last read and compared everything.
type memory struct {
	items map[event.Key]*item
	named map[string]*host
}

// remember keeps what the engine knows while it reads anew, which may fail
// half-way and be tried again.
func (e *Engine) remember() {
	if e.kept.items == nil && e.loaded {
		e.kept = memory{e.items, e.named}
		e.loaded = false
	}
}

// PutBacker is a store that can store again what its owner still has in
// memory, where it is not stored any more.
type PutBacker interface {
	PutBack(ctx context.Context) error
}

// SilencePutBacker is PutBacker for silences, which the engine has in memory.
type SilencePutBacker interface {
	PutBack(ctx context.Context, all []rules.Silence) error
}

// putBack stores what is in memory and neither stored nor marked as deleted.
// Receipts come first: what a sink was told must be known before it is
// compared with the statuses.
func (e *Engine) putBack(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remember()
	if r, ok := e.Receipts.(PutBacker); ok {
		if err := r.PutBack(ctx); err != nil {
			return fmt.Errorf("put back receipts: %w", err)
		}
	}
	if s, ok := e.Silences.(SilencePutBacker); ok {
		if err := s.PutBack(ctx, e.silences); err != nil {
			return fmt.Errorf("put back silences: %w", err)
		}
	}
	facts, err := e.putBackTo(ctx, e.Facts, slices.Collect(reportRecords(e.kept.named)))
	if err != nil {
		return fmt.Errorf("put back facts: %w", err)
	}
	var statuses []Record
	for _, it := range e.kept.items {
		value, err := it.status.Encode()
		if err != nil {
			return fmt.Errorf("encode the status of %s: %w", it.status.Key, err)
		}
		statuses = append(statuses, Record{Key: it.status.Key.Hash(), Value: value})
	}
	items, err := e.putBackTo(ctx, e.Statuses, statuses)
	if err != nil {
		return fmt.Errorf("put back statuses: %w", err)
	}
	if facts+items > 0 {
		e.Log.Warn("the stores had lost records that were still in memory; they are stored again", "facts", facts, "statuses", items)
	}
	return nil
}

// putBackTo saves those of records that s does not have, and counts them.
func (e *Engine) putBackTo(ctx context.Context, s Store, records []Record) (int, error) {
	have := map[string]bool{}
	if err := s.Load(ctx, func(r Record) error { have[r.Key] = true; return nil }); err != nil {
		return 0, err
	}
	lost := records[:0]
	for _, r := range records {
		if !have[r.Key] {
			lost = append(lost, r)
		}
	}
	if len(lost) == 0 {
		return 0, nil
	}
	_, err := s.Save(ctx, lost)
	if errors.Is(err, ErrConflict) { // somebody has stored one of them meanwhile
		err = nil
	}
	return len(lost), err
}
