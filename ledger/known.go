package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"dswatch/engine"
	"dswatch/journal"
)

// Who was there to be told last is one record. No name of a sink has a slash,
// so it is no page of receipts.
const (
	knownPrefix = "sinks/known."
	knownKey    = knownPrefix + "0"
)

// Known implements engine.Receipts. A record that cannot be read is none.
func (r Books) Known(ctx context.Context) (last engine.Roster, found bool, err error) {
	known, _, err := r.known(ctx)
	if known == nil || err != nil {
		return engine.Roster{}, false, err
	}
	return *known, true, nil
}

func (r Books) known(ctx context.Context) (known *engine.Roster, revision uint64, err error) {
	err = r.bucket.LoadPrefix(ctx, knownPrefix, func(key string, value []byte, at uint64) error {
		known, revision = &engine.Roster{}, at
		err := json.Unmarshal(value, known)
		if err != nil && json.Unmarshal(value, &known.Sinks) == nil {
			return nil // the names alone, as they were stored first
		}
		if err != nil {
			setAside(r.bucket, key, value, fmt.Errorf("decode which sinks are known: %w", err))
			known = nil
		}
		return nil
	})
	return known, revision, err
}

// Know implements engine.Receipts.
func (r Books) Know(ctx context.Context, now engine.Roster) error {
	before, revision, err := r.known(ctx)
	if err != nil {
		return err
	}
	now.Sinks = append([]string{}, now.Sinks...)
	if slices.Sort(now.Sinks); before != nil && slices.Equal(before.Sinks, now.Sinks) && before.Routing == now.Routing && maps.EqualFunc(before.Came, now.Came, time.Time.Equal) {
		return nil
	}
	value, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("encode which sinks are known: %w", err)
	}
	_, err = r.bucket.Update(ctx, knownKey, value, revision)
	if err == nil && r.second != nil {
		r.second.Append([]journal.Entry{rosterEntry(now)}, false)
	}
	return err
}
