package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// The names of the sinks that were there last are one record. No name of a sink
// has a slash, so it is no page of receipts.
const (
	knownPrefix = "sinks/known."
	knownKey    = knownPrefix + "0"
)

// Known implements engine.Receipts. A record that cannot be read is none.
func (r Books) Known(ctx context.Context) (sinks []string, found bool, err error) {
	sinks, revision, err := r.known(ctx)
	return sinks, revision > 0 && sinks != nil, err
}

func (r Books) known(ctx context.Context) (sinks []string, revision uint64, err error) {
	err = r.bucket.LoadPrefix(ctx, knownPrefix, func(key string, value []byte, at uint64) error {
		sinks, revision = nil, at
		if err := json.Unmarshal(value, &sinks); err != nil {
			setAside(r.bucket, key, value, fmt.Errorf("decode which sinks are known: %w", err))
			sinks = nil
		}
		return nil
	})
	return sinks, revision, err
}

// Know implements engine.Receipts.
func (r Books) Know(ctx context.Context, sinks []string) error {
	before, revision, err := r.known(ctx)
	if err != nil {
		return err
	}
	now := append([]string{}, sinks...)
	if slices.Sort(now); before != nil && slices.Equal(before, now) {
		return nil
	}
	value, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("encode which sinks are known: %w", err)
	}
	_, err = r.bucket.Update(ctx, knownKey, value, revision)
	return err
}
