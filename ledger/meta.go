package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"dswatch/bus"
	"dswatch/machine"
	"dswatch/words"
)

// What is known of the store as a whole is one record. No name of a sink has a
// slash, so it is no page of receipts.
const (
	metaPrefix = "store/meta."
	metaKey    = metaPrefix + "0"
)

// Meta is what is known of a store as a whole.
type Meta struct {
	ID      string           `json:"id"` // of this store, made with it
	Made    time.Time        `json:"made"`
	Format  int              `json:"format"`  // of its records
	Version string           `json:"version"` // that opened it last
	Machine machine.Identity `json:"machine"` // that it was opened on last
	Started uint64           `json:"started"` // how often it was opened
	// Imported: the journal of the store that it is from counts, whatever its id.
	Imported bool      `json:"imported,omitempty"`
	Took     string    `json:"took,omitempty"` // the id of the store before it, whose journal it took up
	Anew     time.Time `json:"anew,omitzero"`  // when it began empty though there had been one, and nobody knew what was open
	Back     time.Time `json:"back,omitzero"`  // when it was found to be an older copy
	Last     time.Time `json:"last,omitzero"`  // when that had been written last
}

// Meta returns what is known of the store; false: nothing, because it is new or
// an earlier version wrote it.
func (l *Ledger) Meta(ctx context.Context) (m Meta, found bool, err error) {
	m, _, found, err = l.meta(ctx)
	return m, found, err
}

func (l *Ledger) meta(ctx context.Context) (m Meta, revision uint64, found bool, err error) {
	bucket := l.bus.Bucket(bus.Receipts)
	err = bucket.LoadPrefix(ctx, metaPrefix, func(key string, value []byte, at uint64) error {
		revision = at
		if err := json.Unmarshal(value, &m); err != nil || m.ID == "" {
			bucket.Aside(key, value, fmt.Errorf("decode what is known of the store: %w", err))
			m = Meta{}
			return nil
		}
		found = true
		return nil
	})
	if err != nil {
		return Meta{}, 0, false, fmt.Errorf("read what is known of the store: %w", err)
	}
	return m, revision, found, nil
}

// SetMeta keeps what is known of the store.
func (l *Ledger) SetMeta(ctx context.Context, m Meta) error {
	_, revision, _, err := l.meta(ctx)
	if err != nil {
		return err
	}
	value, err := json.Marshal(m)
	if err == nil {
		_, err = l.bus.Bucket(bus.Receipts).Update(ctx, metaKey, value, revision)
	}
	if err != nil {
		return fmt.Errorf("keep what is known of the store: %w", err)
	}
	return nil
}

// Empty reports whether nothing is remembered of items, hosts and sinks.
func (l *Ledger) Empty(ctx context.Context) (bool, error) {
	usage, err := l.bus.Usage(ctx)
	if err != nil {
		return false, err
	}
	for _, u := range usage {
		if (u.Name == bus.Items || u.Name == bus.Facts || u.Name == bus.Receipts) && u.Messages > 0 {
			return false, nil
		}
	}
	return true, nil
}

// Format is that of the records which this version makes and reads up to. The
// one before it is written until `dswatch store upgrade`, so that the version
// before this one can be put back.
const Format = 1

// steps bring a store from the format of their place to the next one. Each may be
// done again. The records of format 0, which has no number, are those of 1.
var steps = []func(context.Context, *Ledger) error{
	func(context.Context, *Ledger) error { return nil },
}

// Readable refuses a store that a newer version wrote.
func (m Meta) Readable(dir string) error {
	if m.Format <= Format {
		return nil
	}
	return words.Fail(words.StoreNewer.With(dir, m.Format, clip(m.Version), Format))
}

// Migrate brings the store to a format, one step after the other; each is noted
// when it is done.
func (l *Ledger) Migrate(ctx context.Context, m Meta, to int) (Meta, error) {
	for m.Format < to {
		if err := steps[m.Format](ctx, l); err != nil {
			return m, fmt.Errorf("bring the store to format %d: %w", m.Format+1, err)
		}
		m.Format++
		if err := l.SetMeta(ctx, m); err != nil {
			return m, err
		}
	}
	return m, nil
}
