package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/rules"
)

// Silences are silences in a bucket. They implement engine.SilenceStore.
type Silences struct{ bucket *bus.Bucket }

// Watch implements engine.SilenceStore. A record that cannot be read silences
// nothing.
func (s Silences) Watch(ctx context.Context, tell func([]rules.Silence)) error {
	found := map[string]rules.Silence{}
	complete := false
	say := func() {
		all := slices.Collect(maps.Values(found))
		slices.SortFunc(all, func(a, b rules.Silence) int { return strings.Compare(a.ID, b.ID) })
		tell(all)
	}
	return s.bucket.Watch(ctx, func() { complete = true; say() }, func(u bus.Update) {
		var one rules.Silence
		err := json.Unmarshal(u.Value, &one)
		switch {
		case u.Deleted:
			delete(found, u.Key)
		case err != nil || one.ID != u.Key:
			delete(found, u.Key)
			s.bucket.Aside(u.Key, u.Value, fmt.Errorf("it is no silence, and silences nothing: %w", cmp.Or(err, errors.New("its id is not its key"))))
		default:
			found[u.Key] = one
		}
		if complete {
			say()
		}
	})
}

// Save implements engine.SilenceStore.
func (s Silences) Save(ctx context.Context, one rules.Silence) error {
	now, revision, err := s.Get(ctx, one.ID)
	if errors.Is(err, bus.ErrNotFound) || err == nil && len(now.History) >= len(one.History) {
		return nil
	}
	if err == nil {
		err = s.Put(ctx, one, revision)
	}
	if errors.Is(err, bus.ErrConflict) {
		return nil
	}
	return err
}

// PutBack implements engine.SilencePutBacker.
func (s Silences) PutBack(ctx context.Context, all []rules.Silence) error {
	have := map[string]bool{}
	if err := s.bucket.Load(ctx, func(key string, _ []byte, _ uint64) error { have[key] = true; return nil }); err != nil {
		return err
	}
	for _, one := range all {
		if have[one.ID] || strings.HasPrefix(one.ID, rules.WindowPrefix) {
			continue
		}
		if err := s.Put(ctx, one, bus.Absent); err != nil && !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
	return nil
}

// Get returns a silence and the revision that Put needs.
func (s Silences) Get(ctx context.Context, id string) (one rules.Silence, revision uint64, err error) {
	value, revision, err := s.bucket.Get(ctx, id)
	if err == nil {
		err = json.Unmarshal(value, &one)
	}
	return one, revision, err
}

// Put stores one over the record of that revision; bus.Absent: there is
// none.
func (s Silences) Put(ctx context.Context, one rules.Silence, revision uint64) error {
	value, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encode silence: %w", err)
	}
	_, err = s.bucket.Update(ctx, one.ID, value, revision)
	return err
}

// Change replaces the silence whose id begins with id by what do makes of it.
func (s Silences) Change(ctx context.Context, id string, do func(rules.Silence) (rules.Silence, error)) (after rules.Silence, err error) {
	all, _, err := s.All(ctx)
	if err != nil {
		return after, err
	}
	all = slices.DeleteFunc(all, func(one rules.Silence) bool { return id == "" || !strings.HasPrefix(one.ID, id) })
	if i := slices.IndexFunc(all, func(one rules.Silence) bool { return one.ID == id }); i >= 0 {
		all = all[i : i+1]
	}
	if len(all) > 1 {
		all = slices.DeleteFunc(all, func(one rules.Silence) bool { return one.Ended(time.Now()) })
	}
	switch {
	case strings.HasPrefix(id, rules.WindowPrefix):
		return after, fmt.Errorf("%s is a window of the configuration; change it below maintenance there", id)
	case len(all) == 0:
		return after, fmt.Errorf("no silence has the id %q; dswatch silence list shows them", id)
	case len(all) > 1:
		return after, fmt.Errorf("more than one silence has an id that begins with %q; write more of it", id)
	}
	for { // the rules may note something at the same time
		one, revision, err := s.Get(ctx, all[0].ID)
		if err != nil {
			return one, err
		}
		if after, err = do(one); err != nil {
			return one, err
		}
		if err = s.Put(ctx, after, revision); !errors.Is(err, bus.ErrConflict) {
			return after, err
		}
	}
}

// All returns the silences, and the ids of records that cannot be read: those
// silence nothing.
func (s Silences) All(ctx context.Context) (all []rules.Silence, odd []string, err error) {
	err = s.bucket.Load(ctx, func(key string, value []byte, _ uint64) error {
		var one rules.Silence
		if json.Unmarshal(value, &one) != nil || one.ID != key {
			odd = append(odd, key)
			return nil
		}
		all = append(all, one)
		return nil
	})
	return all, odd, err
}

// Delete removes a record, also one that cannot be read.
func (s Silences) Delete(ctx context.Context, id string) error { return s.bucket.Delete(ctx, id) }
