package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/event"
)

// disk is a shelf that a power loss can hit: what was written in the last
// moments may be gone, and what it replaced too.
type disk struct {
	now      func() time.Time
	revision uint64
	pages    map[string]leaf
	fail     func() (stored bool, err error) // nil: nothing fails
}

type leaf struct {
	value    []byte
	revision uint64
	at       time.Time
}

func (d *disk) LoadPrefix(_ context.Context, prefix string, fn func(string, []byte, uint64) error) error {
	for _, key := range slices.Sorted(maps.Keys(d.pages)) {
		if strings.HasPrefix(key, prefix) {
			if err := fn(key, d.pages[key].value, d.pages[key].revision); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *disk) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if d.pages[key].revision != revision {
		return 0, bus.ErrConflict
	}
	stored, err := true, error(nil)
	if d.fail != nil {
		stored, err = d.fail()
	}
	if stored {
		d.revision++
		d.pages[key] = leaf{slices.Clone(value), d.revision, d.now()}
	}
	return d.revision, err
}

// without returns the disk after a power loss that takes every page written
// in the last moments.
func (d *disk) without(moments time.Duration) *disk {
	left := &disk{now: d.now, revision: d.revision, pages: map[string]leaf{}}
	for key, p := range d.pages {
		if d.now().Sub(p.at) > moments {
			left.pages[key] = p
		}
	}
	return left
}

func receipt(slot, seq int) event.Receipt {
	return event.Receipt{Slot: fmt.Sprintf("%024x.loss", slot), AlertID: fmt.Sprintf("%024x", seq), Seq: seq, Transition: event.Raised, Reached: seq%3 > 0, Dead: seq%2 > 0}
}

// reads returns what a new process, and the rules, find on a shelf.
func reads(t *testing.T, s shelf) map[string]int {
	t.Helper()
	rs, err := (&Book{bucket: s, sink: "hook", now: time.Now}).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, told := map[string]int{}, map[string]int{}
	for _, r := range rs {
		got[r.Slot] = r.Seq
	}
	if err := (Books{bucket: s}).Load(t.Context(), "hook", func(r event.Receipt) {
		if want := receipt(0, r.Seq); r.AlertID != want.AlertID || r.Transition != want.Transition || r.Dead != want.Dead || r.Reached != want.Reached {
			t.Fatalf("the rules read %+v, want %+v", r, want)
		}
		told[r.Slot] = r.Seq
	}); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, told) {
		t.Fatal("the worker and the rules read different receipts")
	}
	return got
}

// TestReceiptsAreAMap plays random stores, restarts, failures and power losses
// against a map.
func TestReceiptsAreAMap(t *testing.T) {
	const flush = 10 * time.Second
	seeds := uint64(8)
	if os.Getenv("DSWATCH_SOAK") != "" {
		seeds = 500
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			clock := time.Unix(1_700_000_000, 0)
			now := func() time.Time { return clock }
			d := &disk{now: now, pages: map[string]leaf{}}
			if seed%2 == 1 {
				d.fail = func() (bool, error) {
					if rnd.IntN(5) == 0 {
						return rnd.IntN(2) == 0, errors.New("not confirmed")
					}
					return true, nil
				}
			}
			open := func() *Book {
				l := &Book{bucket: d, sink: "hook", flush: flush, now: now}
				if _, err := l.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				return l
			}
			l := open()
			want := map[string]int{}
			type moment struct {
				at   time.Time
				want map[string]int
			}
			var past []moment
			for step := range 400 {
				var rs []event.Receipt
				for _, slot := range rnd.Perm(300)[:1+rnd.IntN([]int{1, 5, 100}[rnd.IntN(3)])] {
					rs = append(rs, receipt(slot, step+1))
				}
				for l.Store(t.Context(), rs) != nil { // as a worker insists
					clock = clock.Add(time.Second)
				}
				for _, r := range rs {
					want[r.Slot] = r.Seq
					if got := l.Told(r.Slot); got != r {
						t.Fatalf("told %+v, want %+v", got, r)
					}
				}
				past = append(past, moment{clock, maps.Clone(want)})
				clock = clock.Add(time.Duration(rnd.IntN(1500)) * time.Millisecond)
				switch rnd.IntN(40) {
				case 0:
					l = open()
				case 1:
					if got := reads(t, d); !maps.Equal(got, want) {
						t.Fatalf("step %d: read %d receipts, want %d", step, len(got), len(want))
					}
				case 2:
					after := reads(t, d.without(flush))
					for i := len(past) - 1; i >= 0; i-- {
						if clock.Sub(past[i].at) <= flush {
							continue
						}
						for slot, seq := range past[i].want {
							if after[slot] < seq {
								t.Fatalf("step %d: a power loss took receipt %d of %s, which had been stored for %s", step, seq, slot, clock.Sub(past[i].at))
							}
						}
						break
					}
				}
			}
			if got := reads(t, d); !maps.Equal(got, want) {
				t.Fatal("the end differs")
			}
			if len(d.pages) > 100 {
				t.Errorf("%d pages for 300 slots", len(d.pages))
			}
		})
	}
}

// TestReceiptsOnTheBus keeps receipts where they really are, with another sink
// beside it.
func TestReceiptsOnTheBus(t *testing.T) {
	b := bustest.New(t)
	l, other := newBook(b, bus.Defaults(), "hook"), newBook(b, bus.Defaults(), "hook2")
	l.flush = 0 // pages are used again at once
	for _, l := range []*Book{l, other} {
		if rs, err := l.Load(t.Context()); err != nil || len(rs) != 0 {
			t.Fatal(rs, err)
		}
	}
	want := map[string]int{}
	for step := range 30 {
		var rs []event.Receipt
		for i := range 50 {
			r := receipt((step*17+i)%200, step+1)
			rs = append(rs, r)
			want[r.Slot] = r.Seq
		}
		if err := l.Store(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		if err := other.Store(t.Context(), []event.Receipt{receipt(1, 1000+step)}); err != nil {
			t.Fatal(err)
		}
	}
	bucket := b.Bucket(bus.Receipts)
	if got := reads(t, bucket); !maps.Equal(got, want) {
		t.Errorf("read %d receipts, want %d", len(got), len(want))
	}
	pages, err := readPages(t.Context(), bucket, "hook")
	if err != nil || len(pages) > 10 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	if _, err := bucket.Put(t.Context(), "hook.x", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(t.Context(), "hook2.0", []byte(`{`)); err != nil {
		t.Fatal(err)
	}
	// What cannot be read is set aside, and stops nothing.
	if got, err := l.Load(t.Context()); err != nil || len(got) != len(want) {
		t.Errorf("beside a key that is no page: %d receipts, %v, want %d", len(got), err, len(want))
	}
	if _, err := other.Load(t.Context()); err != nil {
		t.Errorf("a broken page: %v", err)
	}
	if err := other.Store(t.Context(), []event.Receipt{{Slot: "s", AlertID: "a"}}); err != nil {
		t.Errorf("over a broken page: %v", err)
	}
	aside := map[string]bool{}
	for _, d := range b.Damages() {
		aside[d.Key] = d.File != ""
	}
	if !maps.Equal(aside, map[string]bool{"hook.x": true, "hook2.0": true}) {
		t.Errorf("set aside: %v", aside)
	}
}

// TestALateEndLeavesTheReceipt: the end of an earlier alert of a slot, which comes late
// because its sink was renamed, does not take the receipt of the one that is open; what
// was given up, and what an earlier version did not number, is kept as it comes.
func TestALateEndLeavesTheReceipt(t *testing.T) {
	open := event.Receipt{Slot: "s", AlertID: "second", Turn: 2, Seq: 1, Transition: event.Raised}
	for name, c := range map[string]struct {
		then event.Receipt
		want string
	}{
		"the end of the one before": {event.Receipt{Slot: "s", AlertID: "first", Turn: 1, Seq: 3, Transition: event.Cleared}, "second"},
		"its own end":               {event.Receipt{Slot: "s", AlertID: "second", Turn: 2, Seq: 2, Transition: event.Cleared}, "second"},
		"the next one":              {event.Receipt{Slot: "s", AlertID: "third", Turn: 3, Seq: 1, Transition: event.Raised}, "third"},
		"an end without a turn":     {event.Receipt{Slot: "s", AlertID: "old", Seq: 2, Transition: event.Cleared}, "old"},
		"an end that was given up":  {event.Receipt{Slot: "s", AlertID: "first", Turn: 1, Seq: 3, Transition: event.Cleared, Dead: true}, "first"},
		"another slot":              {event.Receipt{Slot: "t", AlertID: "first", Turn: 1, Seq: 3, Transition: event.Cleared}, "second"},
	} {
		b := &Book{bucket: &disk{now: time.Now, pages: map[string]leaf{}}, sink: "hook", now: time.Now}
		if _, err := b.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := event.Receipt{Slot: "other", AlertID: "o", Turn: 1, Seq: 1, Transition: event.Raised}
		for _, rs := range [][]event.Receipt{{open}, {c.then, other}} {
			if err := b.Store(t.Context(), rs); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		all, err := b.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]event.Receipt{}
		for _, r := range all {
			got[r.Slot] = r
		}
		if got["s"].AlertID != c.want || got["s"].AlertID == c.then.AlertID && got["s"].Transition != c.then.Transition || got["other"].AlertID != "o" {
			t.Errorf("%s: kept %+v, want %s and what came with it", name, got["s"], c.want)
		}
	}
}

// TestReceiptsAreForgotten: what is forgotten leaves the disk with the next pages that
// are written, and takes nothing else along. What was raised anew stays.
func TestReceiptsAreForgotten(t *testing.T) {
	const flush = 10 * time.Second
	clock := time.Unix(1_700_000_000, 0)
	d := &disk{now: func() time.Time { return clock }, pages: map[string]leaf{}}
	l := &Book{bucket: d, sink: "hook", flush: flush, now: d.now}
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	store := func(from, to int, transition event.Transition) {
		t.Helper()
		var rs []event.Receipt
		for i := from; i < to; i++ {
			r := receipt(i, i+1)
			r.Transition = transition
			rs = append(rs, r)
		}
		if err := l.Store(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(2 * flush)
	}
	on := func() (slots int) {
		pages, err := readPages(t.Context(), d, "hook")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, p := range pages {
			for _, r := range p.Receipts {
				seen[r.Slot] = true
			}
		}
		return len(seen)
	}
	for i := range 20 {
		store(i*50, i*50+50, event.Cleared)
	}
	store(7, 9, event.Raised)
	var old []string
	for i := range 1000 {
		if i%10 != 3 {
			old = append(old, receipt(i, 1).Slot)
		}
	}
	if err := l.forget(t.Context(), append(old, "never.heard")); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		clock = clock.Add(2 * flush)
		store(1000+i, 1001+i, event.Raised)
	}
	if n := on(); n != 100+2+40 {
		t.Errorf("%d receipts are on the disk, want 142", n)
	}
	after := &Book{bucket: d, sink: "hook", flush: flush, now: d.now}
	got, err := after.Load(t.Context())
	if err != nil || len(got) != 142 {
		t.Errorf("%d receipts, %v", len(got), err)
	}
	for _, slot := range []int{7, 8, 3, 993, 1039} {
		if after.Told(receipt(slot, 1).Slot).Seq != slot+1 {
			t.Errorf("the receipt of slot %d is lost", slot)
		}
	}
}

// TestForgottenLeavesNothingBehind: that an alert was raised stands in an older
// page, which others keep in use; it does not come back when the page with its
// end is written anew.
func TestForgottenLeavesNothingBehind(t *testing.T) {
	const flush = 10 * time.Second
	clock := time.Unix(1_700_000_000, 0)
	d := &disk{now: func() time.Time { return clock }, pages: map[string]leaf{}}
	load := func() *Book {
		l := &Book{bucket: d, sink: "hook", flush: flush, now: d.now}
		if _, err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := load()
	store := func(transition event.Transition, slots ...int) {
		t.Helper()
		var rs []event.Receipt
		for _, i := range slots {
			r := receipt(i, 1)
			r.Transition = transition
			rs = append(rs, r)
		}
		if err := l.Store(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(2 * flush)
	}
	var many []int
	for i := range 100 {
		many = append(many, i)
	}
	store(event.Raised, many...)
	store(event.Cleared, 7, 8)
	over := []string{receipt(7, 1).Slot, receipt(8, 1).Slot}
	if err := l.forget(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		clock = clock.Add(2 * flush)
		store(event.Raised, 1000+i)
		for _, slot := range over {
			if r := load().Told(slot); r.Slot != "" && r.Transition.Firing() {
				t.Fatalf("%d pages later it is raised again: %+v", i+1, r)
			}
		}
	}
	if after := load(); len(after.slots) != 98+20 {
		t.Errorf("%d receipts are left, want 118", len(after.slots))
	}
}
