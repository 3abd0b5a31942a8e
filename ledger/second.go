package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/journal"
	"dswatch/rules"
	"dswatch/wire"
)

// The keys of the journal: what stands behind the prefix is a record's key, of a
// receipt the sink and the slot.
const (
	statusPrefix  = "status/"
	factsPrefix   = "facts/"
	receiptPrefix = "receipt/"
	rosterKey     = "sinks"
)

// Second keeps what is open at the sinks a second time, in a journal outside the
// store. It implements engine.Journal. What sinks were told need not be on the
// disk at once: who loses it is told the same once more, under the same ids.
type Second struct {
	*journal.Journal
	ledger *Ledger
}

// Keep implements engine.Journal.
func (s *Second) Keep(statuses, facts []engine.Record, durable bool) {
	entries := make([]journal.Entry, 0, len(statuses)+len(facts))
	for _, r := range facts {
		entries = append(entries, entryOf(factsPrefix, r))
	}
	for _, r := range statuses {
		entries = append(entries, entryOf(statusPrefix, r))
	}
	s.Append(entries, durable)
}

func entryOf(prefix string, r engine.Record) journal.Entry {
	if r.Delete {
		return journal.Entry{Key: prefix + r.Key}
	}
	return journal.Entry{Key: prefix + r.Key, Value: oneLine(r.Value)}
}

// oneLine is JSON without line breaks: what another host reports may have some.
func oneLine(value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 {
		return value
	}
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return nil
	}
	return out.Bytes()
}

// Behind implements engine.Journal.
func (s *Second) Behind() bool { return s.Err() != nil }

// Whole implements engine.Journal. The receipts are added, whose books are held
// meanwhile: what a sink is told then comes behind.
func (s *Second) Whole(statuses, facts iter.Seq[engine.Record]) {
	for _, b := range s.ledger.all() {
		b.mu.Lock()
		defer b.mu.Unlock()
	}
	entries, err := s.ledger.entries()
	if err != nil {
		return // it stays behind, and the store says what is wrong with it
	}
	s.Journal.Whole(func(yield func(journal.Entry) bool) {
		for r := range facts {
			if !yield(entryOf(factsPrefix, r)) {
				return
			}
		}
		for r := range statuses {
			if !yield(entryOf(statusPrefix, r)) {
				return
			}
		}
		for _, e := range entries {
			if !yield(e) {
				return
			}
		}
	})
}

// toldTime is how long reading what every sink was told may take.
const toldTime = 30 * time.Second

// told is what is stored of what every sink was told, configured or not, and who
// they are.
func (l *Ledger) entries() (out []journal.Entry, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), toldTime)
	defer cancel()
	names := map[string]bool{}
	err = l.bus.Bucket(bus.Receipts).Load(ctx, func(key string, _ []byte, _ uint64) error {
		if i := strings.LastIndexByte(key, '.'); i > 0 && !strings.Contains(key, "/") {
			names[key[:i]] = true
		}
		return nil
	})
	for _, sink := range slices.Sorted(maps.Keys(names)) {
		if err == nil {
			err = l.Receipts().Load(ctx, sink, func(r event.Receipt) {
				if one, ok := receiptEntry(sink, r); ok {
					out = append(out, one)
				}
			})
		}
	}
	if err != nil {
		return nil, err
	}
	roster, found, err := l.Receipts().Known(ctx)
	if found {
		out = append(out, rosterEntry(roster))
	}
	return out, err
}

var receiptForm = wire.Of[event.Receipt]()

func receiptEntry(sink string, r event.Receipt) (journal.Entry, bool) {
	value, err := receiptForm.Encode(&r)
	return journal.Entry{Key: receiptPrefix + sink + "/" + r.Slot, Value: value}, err == nil
}

func rosterEntry(r engine.Roster) journal.Entry {
	value, _ := json.Marshal(r) // strings and times: it cannot fail
	return journal.Entry{Key: rosterKey, Value: value}
}

// told keeps receipts that were stored.
func (s *Second) told(sink string, all []event.Receipt) {
	if s == nil {
		return
	}
	entries := make([]journal.Entry, 0, len(all))
	for _, r := range all {
		if one, ok := receiptEntry(sink, r); ok {
			entries = append(entries, one)
		}
	}
	s.Append(entries, false)
}

// untold drops the receipts of slots.
func (s *Second) untold(sink string, slots iter.Seq[string]) {
	if s == nil {
		return
	}
	var entries []journal.Entry
	for slot := range slots {
		entries = append(entries, journal.Entry{Key: receiptPrefix + sink + "/" + slot})
	}
	s.Append(entries, false)
}

// Taken is what was taken up from a journal.
type Taken struct {
	Open    int // alerts that are open by what was taken up
	Records int
	Bad     int // that could not be read
}

// TakeUp brings the store to where a journal says that it was: what the store
// does not have is stored, and of an alert what goes on further counts. It may
// be done again.
func (l *Ledger) TakeUp(ctx context.Context, values map[string][]byte) (t Taken, err error) {
	receipts := map[string][]event.Receipt{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		var changed bool
		var bad error
		switch {
		case strings.HasPrefix(key, factsPrefix):
			changed, bad, err = l.takeFacts(ctx, key[len(factsPrefix):], value)
		case strings.HasPrefix(key, statusPrefix):
			changed, bad, err = l.takeStatus(ctx, key[len(statusPrefix):], value, &t)
		case strings.HasPrefix(key, receiptPrefix):
			sink, slot, _ := strings.Cut(key[len(receiptPrefix):], "/")
			var r event.Receipt
			if r, bad = receiptForm.Decode(value); bad == nil && (r.Slot != slot || r.AlertID == "") {
				bad = errors.New("it is no receipt")
			}
			if bad == nil {
				r.Position = 0 // of an outbox that is no more
				receipts[sink] = append(receipts[sink], r)
			}
		case key == rosterKey:
			changed, bad, err = l.takeRoster(ctx, value)
		}
		if err != nil {
			return t, fmt.Errorf("take up %s from the journal: %w", key, err)
		}
		if bad != nil {
			t.Bad++
		}
		if changed {
			t.Records++
		}
	}
	for _, sink := range slices.Sorted(maps.Keys(receipts)) {
		n, err := l.takeReceipts(ctx, sink, receipts[sink])
		if err != nil {
			return t, fmt.Errorf("take up what sink %s was told: %w", sink, err)
		}
		t.Records += n
	}
	return t, nil
}

func (l *Ledger) takeFacts(ctx context.Context, key string, value []byte) (changed bool, bad, err error) {
	if _, bad := event.DecodeFacts(value); bad != nil {
		return false, bad, nil
	}
	_, err = l.bus.Bucket(bus.Facts).Create(ctx, key, value)
	if errors.Is(err, bus.ErrConflict) { // what the store knows of a host is as good
		return false, nil, nil
	}
	return err == nil, nil, err
}

func (l *Ledger) takeStatus(ctx context.Context, key string, value []byte, t *Taken) (changed bool, bad, err error) {
	bucket := l.bus.Bucket(bus.Items)
	have, revision, err := bucket.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		have, err = nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	value, bad = mergeStatus(key, have, value, t)
	if value == nil || bad != nil {
		return false, bad, nil
	}
	_, err = bucket.Update(ctx, key, value, revision)
	return err == nil, nil, err
}

// mergeStatus returns the record that takes the place of have, which is nil
// where there is none; nil: have stays.
func mergeStatus(key string, have, value []byte, t *Taken) ([]byte, error) {
	if strings.HasPrefix(key, engine.DigestPrefix) {
		d, err := rules.DecodeDigest(value)
		if err != nil {
			return nil, err
		}
		if mine, err := rules.DecodeDigest(have); have != nil && err == nil && !mine.Slot.Behind(d.Slot) {
			return nil, nil
		}
		if d.Slot.Phase == rules.Firing {
			t.Open++
		}
		return value, nil
	}
	its, err := rules.DecodeStatus(value)
	if err != nil {
		return nil, err
	}
	if its.Key.Hash() != key {
		return nil, errors.New("it is of another item")
	}
	mine, err := rules.DecodeStatus(have)
	switch {
	case have == nil || err != nil:
		mine = its
		mine.Position = 0 // of a stream that is no more
	case !mine.Merge(&its):
		return nil, nil
	}
	mine.Slots(func(_ string, s rules.Slot) {
		if s.Phase == rules.Firing {
			t.Open++
		}
	})
	return mine.Encode()
}

func (l *Ledger) takeRoster(ctx context.Context, value []byte) (changed bool, bad, err error) {
	_, found, err := l.Receipts().Known(ctx)
	if err != nil || found {
		return false, nil, err
	}
	var r engine.Roster
	if bad := json.Unmarshal(value, &r); bad != nil {
		return false, bad, nil
	}
	return true, nil, l.Receipts().Know(ctx, r)
}

// takeReceipts stores those that go on further than what is stored.
func (l *Ledger) takeReceipts(ctx context.Context, sink string, all []event.Receipt) (int, error) {
	book := newBook(l.bus, l.conf, sink)
	if _, err := book.Load(ctx); err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(r event.Receipt) bool {
		has := book.Told(r.Slot)
		return has.AlertID != "" && (r.Turn < has.Turn || r.Turn == has.Turn && (r.AlertID != has.AlertID || r.Seq <= has.Seq))
	})
	for some := range slices.Chunk(all, mostMoved) {
		if err := book.Store(ctx, some); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}
