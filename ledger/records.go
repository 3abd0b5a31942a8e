package ledger

import (
	"context"
	"fmt"

	"dswatch/bus"
	"dswatch/engine"
)

// Records are records in a bucket. They implement engine.Store.
type Records struct{ bucket *bus.Bucket }

// Load implements engine.Store.
func (s Records) Load(ctx context.Context, each func(engine.Record) error) error {
	return s.bucket.Load(ctx, func(key string, value []byte, revision uint64) error {
		return each(engine.Record{Key: key, Value: value, Revision: revision})
	})
}

// Aside implements engine.Asider.
func (s Records) Aside(key string, value []byte, why error) { s.bucket.Aside(key, value, why) }

// Save implements engine.Store.
func (s Records) Save(ctx context.Context, records []engine.Record) ([]uint64, error) {
	changes := make([]bus.Change, len(records))
	for i, r := range records {
		changes[i] = bus.Change{Key: r.Key, Value: r.Value, Expect: r.Revision, Delete: r.Delete}
		if r.Revision == 0 {
			changes[i].Expect = bus.Absent
		}
	}
	results, err := s.bucket.PutAll(ctx, changes)
	if err != nil {
		return nil, err
	}
	revisions := make([]uint64, len(results))
	for i, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("%w: %w", engine.ErrConflict, r.Err)
		}
		revisions[i] = r.Revision
	}
	return revisions, nil
}
