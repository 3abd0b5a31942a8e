package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

const (
	subject = "dswatch.event.web01.process"
	forNMS  = "dswatch.outbox.nms"
)

// numbered makes n messages whose data are their numbers.
func numbered(subject string, n int) []bus.Message {
	out := make([]bus.Message, n)
	for i := range out {
		out[i] = bus.Message{Subject: subject, ID: subject + strconv.Itoa(i), Data: []byte(strconv.Itoa(i))}
	}
	return out
}

func publish(t testing.TB, b *bus.Bus, m ...bus.Message) {
	t.Helper()
	if err := b.Publish(t.Context(), m...); err != nil {
		t.Fatal(err)
	}
}

// stored returns the data of what a stream holds.
func stored(t testing.TB, b *bus.Bus, stream, filter string) []string {
	t.Helper()
	out := []string{}
	err := b.Scan(t.Context(), stream, filter, func(m bus.Stored) error {
		out = append(out, string(m.Data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPublishKeepsOrderAndDropsCopies(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	const n = 6000 // more than may be on the way at once
	publish(t, b, numbered(subject, n)...)
	publish(t, b, numbered(subject, n)...)
	got := stored(t, b, bus.Events, "")
	if len(got) != n {
		t.Fatalf("%d messages are stored, want %d", len(got), n)
	}
	for i, g := range got {
		if g != strconv.Itoa(i) {
			t.Fatalf("message %d is %s", i, g)
		}
	}
	if last, err := b.LastSequence(t.Context(), bus.Events); err != nil || last != n {
		t.Errorf("last sequence is %d, %v; want %d", last, err, n)
	}
}

func TestPublishFromMany(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for range 5 {
				var ms []bus.Message
				for i := range 300 {
					s := subject
					if i%2 == 0 {
						s = "dswatch.outbox.s" + strconv.Itoa(p)
					}
					ms = append(ms, bus.Message{Subject: s, Data: []byte("x")})
				}
				if err := b.Publish(t.Context(), ms...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, s := range []string{bus.Events, bus.Outbox} {
		if got := len(stored(t, b, s, "")); got != 6000 {
			t.Errorf("%s has %d messages, want 6000", s, got)
		}
	}
}

func TestPublishTellsWhichFailed(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	good := bus.Message{Subject: subject, Data: []byte("good")}
	err := b.Publish(t.Context(), good,
		bus.Message{Subject: "dswatch.event.*"}, good,
		bus.Message{Subject: subject, Data: bytes.Repeat([]byte("x"), 2<<20)},
		bus.Message{Subject: "bad subject"}, good)
	var pe *bus.PublishError
	if !errors.As(err, &pe) || !slices.Equal(pe.Failed, []int{1, 3, 4}) {
		t.Fatalf("got %v", err)
	}
	if want := `publish 3 of 6 messages, first dswatch.event.*: bad subject "dswatch.event.*"`; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := stored(t, b, bus.Events, ""); !slices.Equal(got, []string{"good", "good", "good"}) {
		t.Errorf("stored %q", got)
	}
}

// TestRunsTellTheTruth has many write at once what is new, what is there
// already, what must conflict and what cannot be stored, and compares every
// answer with what is stored.
func TestRunsTellTheTruth(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	k := b.Bucket(bus.Receipts)
	const writers, rounds = 4, 15
	var wg sync.WaitGroup
	type put struct {
		value    string
		revision uint64
	}
	puts := make([]map[string]put, writers)
	sent := make([]map[string]bool, writers)
	for w := range writers {
		puts[w], sent[w] = map[string]put{}, map[string]bool{}
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				var ms []bus.Message
				for range 1 + r.IntN(150) {
					id := fmt.Sprint(w, "-", r.IntN(2000)) // often one that is there
					ms = append(ms, bus.Message{Subject: subject, ID: id, Data: []byte(id)})
					sent[w][id] = true
				}
				bad := -1
				if r.IntN(3) == 0 {
					bad = r.IntN(len(ms))
					ms = slices.Insert(ms, bad, bus.Message{Subject: "dswatch.event.bad subject", ID: "bad"})
				}
				err := b.Publish(t.Context(), ms...)
				var pe *bus.PublishError
				if bad < 0 && err != nil || bad >= 0 && (!errors.As(err, &pe) || !slices.Equal(pe.Failed, []int{bad})) {
					t.Errorf("bad message is %d: %v", bad, err)
				}

				var cs []bus.Change
				used := map[string]bool{}
				for range 1 + r.IntN(150) {
					c := bus.Change{Key: fmt.Sprint(w, ".", r.IntN(300)), Value: []byte(strconv.Itoa(r.Int())), Expect: bus.Any}
					if r.IntN(10) == 0 {
						c.Expect = 1 << 40 // conflicts
					}
					if !used[c.Key] {
						used[c.Key] = true
						cs = append(cs, c)
					}
				}
				got, err := k.PutAll(t.Context(), cs)
				if err != nil {
					t.Error(err)
					return
				}
				for i, g := range got {
					switch {
					case cs[i].Expect != bus.Any && !errors.Is(g.Err, bus.ErrConflict):
						t.Errorf("a change that conflicts gave %+v", g)
					case cs[i].Expect == bus.Any && g.Err != nil:
						t.Errorf("a change gave %+v", g)
					case g.Err == nil:
						puts[w][cs[i].Key] = put{string(cs[i].Value), g.Revision}
					}
				}
			}
		})
	}
	wg.Wait()
	have := map[string]int{}
	for _, id := range stored(t, b, bus.Events, "") {
		have[id]++
	}
	want := 0
	for w := range writers {
		want += len(sent[w])
		for id := range sent[w] {
			if have[id] != 1 {
				t.Errorf("%s is stored %d times", id, have[id])
			}
		}
	}
	if len(have) != want {
		t.Errorf("%d messages are stored, want %d", len(have), want)
	}
	err := k.Load(t.Context(), func(key string, value []byte, revision uint64) error {
		w, _, _ := strings.Cut(key, ".")
		n, err := strconv.Atoi(w)
		if want := puts[n][key]; want != (put{string(value), revision}) {
			t.Errorf("%s is %s at %d, was answered with %+v", key, value, revision, want)
		}
		delete(puts[n], key)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for w, left := range puts {
		if len(left) > 0 {
			t.Errorf("%d keys of writer %d are gone", len(left), w)
		}
	}
}

func TestPublishWhereNoStreamIs(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	err := b.Publish(t.Context(), bus.Message{Subject: "elsewhere", Data: []byte("x")})
	if err == nil || !strings.Contains(err.Error(), "no stream takes this subject") {
		t.Errorf("got %v", err)
	}
}

func TestPublishNothing(t *testing.T) {
	t.Parallel()
	if err := bustest.New(t).Publish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPublishAfterContextEnded(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Publish(ctx, numbered(subject, 3)...); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := stored(t, b, bus.Events, ""); len(got) != 0 {
		t.Errorf("stored %q", got)
	}
}

func TestCloseWhilePublishing(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	confirmed := make(chan string, 100000)
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				var ms []bus.Message
				for k := range 20 {
					id := fmt.Sprint(p, "-", i, "-", k)
					ms = append(ms, bus.Message{Subject: subject, ID: id, Data: []byte(id)})
				}
				if err := b.Publish(t.Context(), ms...); err != nil {
					if !errors.Is(err, bus.ErrClosed) {
						t.Errorf("publish during close: %v", err)
					}
					return
				}
				for _, m := range ms {
					confirmed <- m.ID
				}
			}
		})
	}
	time.Sleep(100 * time.Millisecond) // some traffic; how much does not matter
	bustest.Close(t, b)
	wg.Wait()
	close(confirmed)
	have := map[string]bool{}
	for _, id := range stored(t, bustest.Open(t, cfg), bus.Events, "") {
		have[id] = true
	}
	if len(have) == 0 {
		t.Fatal("nothing was stored")
	}
	for id := range confirmed {
		if !have[id] {
			t.Fatalf("%s was confirmed and is gone", id)
		}
	}
}

func TestScanAndDrop(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for _, s := range []string{"nms", "chat"} {
		publish(t, b, numbered("dswatch.dead."+s, 3)...)
	}
	if got := stored(t, b, bus.Dead, "dswatch.dead.chat"); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("scan: %q", got)
	}
	if got := stored(t, b, bus.Dead, "dswatch.dead.none"); len(got) != 0 {
		t.Errorf("scan of nothing: %q", got)
	}
	for range 2 { // the second time it is gone already
		if err := b.Drop(t.Context(), bus.Dead, 5); err != nil {
			t.Error(err)
		}
	}
	if got := stored(t, b, bus.Dead, "dswatch.dead.chat"); !slices.Equal(got, []string{"0", "2"}) {
		t.Errorf("after drop: %q", got)
	}
	stop := errors.New("stop")
	if err := b.Scan(t.Context(), bus.Dead, "", func(bus.Stored) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("scan did not return the error of its function: %v", err)
	}
	if err := b.Scan(t.Context(), "NONE", "", nil); err == nil || !strings.Contains(err.Error(), "NONE") {
		t.Errorf("scan of an unknown stream: %v", err)
	}
}

// TestScansLeaveNothingBehind: a server has a limit of consumers.
func TestScansLeaveNothingBehind(t *testing.T) {
	b := bustest.New(t)
	publish(t, b, numbered("dswatch.dead.x", 3)...)
	for range 20 {
		if got := stored(t, b, bus.Dead, ""); len(got) != 3 {
			t.Fatalf("%d messages, want 3", len(got))
		}
		contents(t, b.Bucket(bus.Items), "")
	}
	if n := b.Consumers(t, bus.Dead); n > 0 {
		t.Errorf("%d consumers are left", n)
	}
}

func TestScanEndsWhileOthersPublish(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(subject, 500)...)
	n := 0
	err := b.Scan(t.Context(), bus.Events, "", func(bus.Stored) error {
		n++
		return b.Publish(t.Context(), bus.Message{Subject: subject, Data: []byte("more")})
	})
	if err != nil || n != 500 {
		t.Errorf("scan told %d messages, %v; want the 500 there were", n, err)
	}
}
