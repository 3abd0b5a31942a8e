package bus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

func contents(t testing.TB, k *bus.Bucket, prefix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := k.LoadPrefix(t.Context(), prefix, func(key string, value []byte, revision uint64) error {
		if _, twice := out[key]; twice {
			t.Errorf("%s was told twice", key)
		}
		if revision == 0 {
			t.Errorf("%s has no revision", key)
		}
		out[key] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCompareAndSet(t *testing.T) {
	t.Parallel()
	ctx, k := t.Context(), bustest.New(t).Bucket(bus.Items)
	if _, _, err := k.Get(ctx, "a"); !errors.Is(err, bus.ErrNotFound) {
		t.Fatalf("get of nothing: %v", err)
	}
	r1, err := k.Create(ctx, "a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Create(ctx, "a", []byte("x")); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("second create: %v", err)
	}
	r2, err := k.Update(ctx, "a", []byte("2"), r1)
	if err != nil || r2 <= r1 {
		t.Fatalf("update: %d, %v", r2, err)
	}
	if _, err := k.Update(ctx, "a", []byte("x"), r1); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("update with the old revision: %v", err)
	}
	if v, r, err := k.Get(ctx, "a"); string(v) != "2" || r != r2 || err != nil {
		t.Errorf("get: %q, %d, %v", v, r, err)
	}
	r3, err := k.Put(ctx, "a", []byte("3"))
	if err != nil || r3 <= r2 {
		t.Errorf("put: %d, %v", r3, err)
	}
	for range 2 { // the second time it is gone already
		if err := k.Delete(ctx, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := k.Get(ctx, "a"); !errors.Is(err, bus.ErrNotFound) {
		t.Errorf("get after delete: %v", err)
	}
	if got := contents(t, k, ""); len(got) != 0 {
		t.Errorf("after delete there is %q", got)
	}
	if _, err := k.Update(ctx, "a", []byte("x"), r3); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("update of what was deleted: %v", err)
	}
	if _, err := k.Create(ctx, "a", []byte("again")); err != nil {
		t.Errorf("create after delete: %v", err)
	}
	if v, _, err := k.Get(ctx, "a"); string(v) != "again" || err != nil {
		t.Errorf("get: %q, %v", v, err)
	}
}

func TestPutAll(t *testing.T) {
	t.Parallel()
	ctx, k := t.Context(), bustest.New(t).Bucket(bus.Alerts)
	revs := map[string]uint64{}
	for _, key := range []string{"old", "gone", "stale", "any"} {
		r, err := k.Create(ctx, key, []byte("0"))
		if err != nil {
			t.Fatal(err)
		}
		revs[key] = r
	}
	if err := k.Delete(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	changes := []bus.Change{
		{Key: "old", Value: []byte("1"), Expect: revs["old"]},
		{Key: "stale", Value: []byte("1"), Expect: revs["stale"] + 100},
		{Key: "new", Value: []byte("1"), Expect: bus.Absent},
		{Key: "gone", Value: []byte("1"), Expect: bus.Absent},
		{Key: "any", Expect: bus.Any, Delete: true},
		{Key: "stale", Value: []byte("1"), Expect: bus.Absent},
	}
	got, err := k.PutAll(ctx, changes)
	if err != nil {
		t.Fatal(err)
	}
	for i, conflict := range []bool{false, true, false, false, false, true} {
		if errors.Is(got[i].Err, bus.ErrConflict) != conflict || (got[i].Revision > 0) == conflict {
			t.Errorf("%+v gave %+v, want conflict %v", changes[i], got[i], conflict)
		}
	}
	if got, want := contents(t, k, ""), map[string]string{"old": "1", "stale": "0", "new": "1", "gone": "1"}; !maps.Equal(got, want) {
		t.Errorf("the bucket holds %q, want %q", got, want)
	}
	if v, r, err := k.Get(ctx, "new"); string(v) != "1" || r != got[2].Revision || err != nil {
		t.Errorf("get: %q, %d, %v; want revision %d", v, r, err, got[2].Revision)
	}
}

func TestPutAllBadKeys(t *testing.T) {
	t.Parallel()
	ctx, k := t.Context(), bustest.New(t).Bucket(bus.Alerts)
	for _, bad := range []string{"", ".", "a.", ".a", "a..b", "a b", "a*", ">", "ü", strings.Repeat("x", 300) + "\n"} {
		got, err := k.PutAll(ctx, []bus.Change{{Key: bad, Expect: bus.Any}, {Key: "good", Expect: bus.Any}})
		if err == nil || got[0].Err == nil || got[1].Err != nil {
			t.Errorf("%q gave %+v, %v", bad, got, err)
		}
	}
	for _, bad := range []string{"a", "a b.", ".", "a..", "*."} {
		if err := k.LoadPrefix(ctx, bad, nil); err == nil {
			t.Errorf("prefix %q was accepted", bad)
		}
	}
	if _, err := k.Create(ctx, "Az09-/_=.x", nil); err != nil {
		t.Error(err)
	}
}

func TestUnknownBucket(t *testing.T) {
	t.Parallel()
	k := bustest.New(t).Bucket("other")
	if _, _, err := k.Get(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("get: %v", err)
	}
	if err := k.Load(t.Context(), nil); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("load: %v", err)
	}
}

func TestManyWritersOneWinner(t *testing.T) {
	t.Parallel()
	k := bustest.New(t).Bucket(bus.Items)
	const writers, rounds = 4, 50
	var mu sync.Mutex
	wins := map[string]int{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				key := fmt.Sprint("r", r)
				switch _, err := k.Create(t.Context(), key, []byte(fmt.Sprint(w))); {
				case err == nil:
					mu.Lock()
					wins[key]++
					mu.Unlock()
				case !errors.Is(err, bus.ErrConflict):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for r := range rounds {
		if n := wins[fmt.Sprint("r", r)]; n != 1 {
			t.Errorf("round %d has %d winners", r, n)
		}
	}
}

func TestLoadPrefix(t *testing.T) {
	t.Parallel()
	k := bustest.New(t).Bucket(bus.Receipts)
	for _, key := range []string{"nms.a", "nms.b.c", "nms2.a", "chat.a"} {
		if _, err := k.Create(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if got := slices.Sorted(maps.Keys(contents(t, k, "nms."))); !slices.Equal(got, []string{"nms.a", "nms.b.c"}) {
		t.Errorf("got %q", got)
	}
	if got := contents(t, k, "none."); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	stop := errors.New("stop")
	if err := k.Load(t.Context(), func(string, []byte, uint64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("load did not return the error of its function: %v", err)
	}
}

func TestLoadKeepsTheLast(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for round := range 3 {
		var cs []bus.Change
		for i := range 500 {
			key := fmt.Sprint("k.", i)
			want[key] = fmt.Sprint(round, " ", i)
			cs = append(cs, bus.Change{Key: key, Value: []byte(want[key]), Expect: bus.Any})
		}
		if _, err := b.Bucket(bus.Items).PutAll(t.Context(), cs); err != nil {
			t.Fatal(err)
		}
	}
	bustest.Close(t, b)
	if got := contents(t, bustest.Open(t, cfg).Bucket(bus.Items), ""); !maps.Equal(got, want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	k := b.Bucket(bus.Silences)
	if _, err := k.Create(t.Context(), "before", []byte("1")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	updates, ready, ended := make(chan bus.Update, 10), make(chan struct{}), make(chan error)
	go func() { ended <- k.Watch(ctx, func() { close(ready) }, func(u bus.Update) { updates <- u }) }()
	if u := <-updates; u.Key != "before" || string(u.Value) != "1" || u.Deleted || u.Revision == 0 {
		t.Errorf("got %+v", u)
	}
	<-ready
	if _, err := k.Put(t.Context(), "after", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if err := k.Delete(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	if u := <-updates; u.Key != "after" || string(u.Value) != "2" || u.Deleted {
		t.Errorf("got %+v", u)
	}
	if u := <-updates; u.Key != "before" || !u.Deleted {
		t.Errorf("got %+v", u)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("watch does not end with its context")
	}
}
