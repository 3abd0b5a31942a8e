package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

func consumer(t testing.TB, b *bus.Bus, c bus.ConsumerConfig) *bus.Consumer {
	t.Helper()
	got, err := b.Consumer(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// next returns n messages, one by one in the order in which they come.
func next(t testing.TB, c *bus.Consumer, n int) []*bus.Incoming {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	var out []*bus.Incoming
	for len(out) < n {
		got, err := c.Next(ctx, n-len(out))
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(out), n, err)
		}
		out = append(out, got...)
	}
	return out
}

// quiet fails if a message comes within d.
func quiet(t testing.TB, c *bus.Consumer, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if got, err := c.Next(ctx, 1); err == nil {
		t.Fatalf("unexpected message %d, attempt %d", got[0].Sequence, got[0].Attempt)
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func data(ds []*bus.Incoming) []string {
	var out []string
	for _, d := range ds {
		out = append(out, string(d.Data))
	}
	return out
}

var nms = bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, AckWait: time.Second}

func TestConsumeSettles(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(forNMS, 5)...)
	publish(t, b, numbered("dswatch.outbox.chat", 2)...)
	c := consumer(t, b, nms)
	ds := next(t, c, 5)
	if got := data(ds); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Fatalf("got %q", got)
	}
	for i, d := range ds {
		if d.Subject != forNMS || d.Attempt != 1 || d.Sequence != uint64(i+1) || time.Since(d.Time) > time.Minute {
			t.Errorf("message %d is %+v", i, d)
		}
	}
	ds[0].Ack()
	ds[0].Nak(0) // the second word does not count
	ds[1].Nak(0)
	ds[2].Term()
	ds[3].Nak(300 * time.Millisecond)
	ds[4].Ack()
	sent := time.Now()
	again := next(t, c, 1)[0]
	if string(again.Data) != "1" || again.Attempt != 2 {
		t.Errorf("got %s, attempt %d; want 1, attempt 2", again.Data, again.Attempt)
	}
	again.Ack()
	late := next(t, c, 1)[0]
	if took := time.Since(sent); string(late.Data) != "3" || took < 250*time.Millisecond || took > 3*time.Second {
		t.Errorf("got %s after %s; want 3 after 300ms", late.Data, took)
	}
	late.Ack()
	quiet(t, c, 1200*time.Millisecond) // longer than AckWait
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What is settled has left the outbox.
	if got := stored(t, b, bus.Outbox, ""); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("the outbox holds %q, want chat's two", got)
	}
}

func TestCloseWaitsForSettlements(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	const n = 5000
	publish(t, b, numbered(forNMS, n)...)
	c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, MaxPending: n})
	for _, d := range next(t, c, n) {
		d.Ack()
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := b.Pending(t.Context(), bus.Outbox, "nms"); err != nil || p.Waiting != 0 || p.Held != 0 {
		t.Errorf("backlog is %+v, %v", p, err)
	}
}

func TestHeldLongIsNotHandedOutTwice(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(forNMS, 50)...)
	c := consumer(t, b, nms)
	ds := next(t, c, 1) // the others stay queued here
	quiet := time.After(3 * time.Second)
	seen := map[uint64]bool{ds[0].Sequence: true}
	for waiting := true; waiting; {
		select {
		case <-quiet:
			waiting = false
		default:
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			got, _ := c.Next(ctx, 1)
			cancel()
			for _, d := range got {
				if seen[d.Sequence] {
					t.Fatalf("message %d came twice while it was held", d.Sequence)
				}
				seen[d.Sequence] = true
				ds = append(ds, d)
			}
		}
	}
	for _, d := range ds {
		d.Ack()
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := b.Pending(t.Context(), bus.Outbox, "nms"); err != nil || p.Waiting != 0 || p.Held != 0 {
		t.Errorf("backlog is %+v, %v", p, err)
	}
}

func TestKeptAliveForOtherProcesses(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(forNMS, 3)...)
	first := consumer(t, b, nms)
	next(t, first, 3)
	other := consumer(t, b, nms) // as another process would
	quiet(t, other, 2500*time.Millisecond)
	if err := first.Close(t.Context()); err != nil { // as when that process ends
		t.Fatal(err)
	}
	got := data(next(t, other, 3))
	slices.Sort(got)
	if !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("the other got %q", got)
	}
}

func TestUnsettledComesToTheNext(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(forNMS, 3)...)
	c := consumer(t, b, nms)
	ds := next(t, c, 3)
	ds[1].Ack()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ds[0].Ack() // too late, and harmless
	start := time.Now()
	if got := data(next(t, consumer(t, b, nms), 2)); !slices.Equal(got, []string{"0", "2"}) {
		t.Errorf("got %q", got)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("old server %v", old), func(t *testing.T) {
			t.Parallel()
			b := bustest.New(t)
			if old {
				b.PretendOld()
			}
			for _, c := range []struct {
				name string
				cfg  bus.ConsumerConfig
				want []string
			}{
				{"outbox", bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS}, []string{"1", "3", "4", "5"}},
				{"events", bus.ConsumerConfig{Stream: bus.Events, Durable: "rules"}, []string{"1", "2", "3", "4", "5"}},
			} {
				t.Run(c.name, func(t *testing.T) {
					s := forNMS
					if c.cfg.Stream == bus.Events {
						s = subject
					}
					ms := numbered(s, 6)
					c.cfg.Renew = true
					publish(t, b, ms[:5]...)
					a := consumer(t, b, c.cfg)
					ds := next(t, a, 5)
					ds[0].Ack()
					ds[2].Ack()
					ds[3].Nak(time.Hour)
					if err := a.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
					publish(t, b, ms[5])
					start := time.Now()
					again := next(t, consumer(t, b, c.cfg), len(c.want))
					if got := data(again); !slices.Equal(got, c.want) {
						t.Errorf("got %q, want %q", got, c.want)
					}
					if took := time.Since(start); took > 10*time.Second {
						t.Errorf("it took %s", took)
					}
					if again[0].Attempt != 1 {
						t.Errorf("attempt is %d", again[0].Attempt)
					}
				})
			}
		})
	}
}

func TestSharedDurable(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	const n = 400
	cfg := bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, MaxPending: 20}
	var mu sync.Mutex
	seen := map[uint64]int{}
	all := make(chan struct{})
	for range 2 {
		c := consumer(t, b, cfg)
		go func() {
			for {
				ds, err := c.Next(t.Context(), 10)
				if err != nil {
					return
				}
				for _, d := range ds {
					d.Ack()
					mu.Lock()
					if seen[d.Sequence]++; len(seen) == n {
						close(all)
					}
					mu.Unlock()
				}
			}
		}()
	}
	publish(t, b, numbered(forNMS, n)...)
	select {
	case <-all:
	case <-time.After(10 * time.Second):
		t.Fatalf("only %d of %d came", len(seen), n)
	}
	for seq, times := range seen {
		if times != 1 {
			t.Errorf("message %d came %d times", seq, times)
		}
	}
}

func TestMaxPending(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(forNMS, 10)...)
	c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, MaxPending: 4})
	ds := next(t, c, 4)
	quiet(t, c, 200*time.Millisecond)
	if p, err := b.Pending(t.Context(), bus.Outbox, "nms"); err != nil || p.Waiting != 6 || p.Held != 4 || p.Floor != 0 {
		t.Errorf("backlog is %+v, %v", p, err)
	}
	ds[2].Ack()
	if got := data(next(t, c, 1)); got[0] != "4" {
		t.Errorf("got %q", got)
	}
}

func TestLatency(t *testing.T) {
	b := bustest.New(t)
	c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules"})
	var took []time.Duration
	for i := range 200 {
		start := time.Now()
		publish(t, b, bus.Message{Subject: subject, Data: []byte(strconv.Itoa(i))})
		next(t, c, 1)[0].Ack()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("from publish to handler: median %s, 99%% %s, most %s", took[100], took[198], took[199])
	if took[100] > 5*time.Millisecond {
		t.Errorf("the median is %s, want under 5ms", took[100])
	}
}

func TestNextEnds(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	c := consumer(t, b, nms)
	closed := make(chan error, 2)
	for range 2 { // every waiting caller hears it
		go func() {
			_, err := c.Next(t.Context(), 1)
			closed <- err
		}()
	}
	if err := errors.Join(c.Close(t.Context()), c.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-closed; !errors.Is(err, bus.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := consumer(t, b, nms).Next(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRemoveDurable(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(forNMS, 3)...)
	publish(t, b, numbered("dswatch.outbox.chat", 2)...)
	c := consumer(t, b, nms)
	consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "chat", Filter: "dswatch.outbox.chat"})
	if got, err := b.Durables(t.Context(), bus.Outbox); err != nil || !slices.Equal(got, []string{"chat", "nms"}) {
		t.Errorf("durables are %q, %v", got, err)
	}
	next(t, c, 3)
	for range 2 { // the second time it is gone already
		if err := b.RemoveDurable(t.Context(), bus.Outbox, "nms"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := c.Next(ctx, 1); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the consumer of a removed durable goes on: %v", err)
	}
	if got := stored(t, b, bus.Outbox, ""); len(got) != 2 {
		t.Errorf("the outbox holds %q, want chat's two", got)
	}
	if got, err := b.Durables(t.Context(), bus.Outbox); err != nil || !slices.Equal(got, []string{"chat"}) {
		t.Errorf("durables are %q, %v", got, err)
	}
	if _, err := b.Pending(t.Context(), bus.Outbox, "nms"); err == nil {
		t.Error("a removed durable has a backlog")
	}
	// The subject is as good as new.
	publish(t, b, bus.Message{Subject: forNMS, Data: []byte("new")})
	if got := data(next(t, consumer(t, b, nms), 1)); got[0] != "new" {
		t.Errorf("got %q", got)
	}
}

func TestRemoveDurableOfEventsKeepsThem(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(subject, 3)...)
	consumer(t, b, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules", Filter: subject})
	if err := b.RemoveDurable(t.Context(), bus.Events, "rules"); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, b, bus.Events, ""); len(got) != 3 {
		t.Errorf("events are %q", got)
	}
}

func TestConsumerSettingsAreUpdated(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	cfg := bus.ConsumerConfig{Stream: bus.Events, Durable: "rules", Filter: "dswatch.event.>", MaxPending: 1}
	publish(t, b, bus.Message{Subject: "dswatch.facts.web01", Data: []byte("facts")}, bus.Message{Subject: subject, Data: []byte("event")})
	c := consumer(t, b, cfg)
	d := next(t, c, 1)[0]
	d.Ack()
	if string(d.Data) != "event" {
		t.Errorf("got %s", d.Data)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.Filter, cfg.MaxPending = "dswatch.facts.>", 5
	c = consumer(t, b, cfg)
	publish(t, b, bus.Message{Subject: "dswatch.facts.web02", Data: []byte("more facts")}, bus.Message{Subject: subject, Data: []byte("no")})
	if got := data(next(t, c, 1)); got[0] != "more facts" {
		t.Errorf("got %q", got)
	}
}

func TestBadConsumers(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	consumer(t, b, nms)
	for name, c := range map[string]struct {
		cfg  bus.ConsumerConfig
		text string
	}{
		"bad name":            {bus.ConsumerConfig{Stream: bus.Events, Durable: "a.b"}, "letters, digits"},
		"no name":             {bus.ConsumerConfig{Stream: bus.Events}, "letters, digits"},
		"unknown stream":      {bus.ConsumerConfig{Stream: "X", Durable: "a"}, `called "X"`},
		"short wait":          {bus.ConsumerConfig{Stream: bus.Events, Durable: "a", AckWait: time.Millisecond}, "under 1s"},
		"a second for a sink": {bus.ConsumerConfig{Stream: bus.Outbox, Durable: "two", Filter: forNMS}, "filtered consumer not unique"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.Consumer(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
		})
	}
}

// TestLying: a message is counted as soon as it is confirmed, and no more once it
// is settled, whether or not its consumer has heard of it.
func TestLying(t *testing.T) {
	b := bustest.Open(t, bustest.Config(t))
	c, err := b.Consumer(t.Context(), bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: "dswatch.outbox.nms"})
	if err != nil {
		t.Fatal(err)
	}
	lying := func() uint64 {
		t.Helper()
		n, err := b.Lying(t.Context(), bus.Outbox, "dswatch.outbox.nms")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const all = 500
	for i := range all {
		for _, sink := range []string{"nms", "chat"} {
			if err := b.Publish(t.Context(), bus.Message{Subject: "dswatch.outbox." + sink, Data: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
		if n := lying(); n != uint64(i+1) {
			t.Fatalf("%d of %d are counted", n, i+1)
		}
	}
	for left := all; left > 0; {
		got, err := c.Next(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			d.Ack()
		}
		left -= len(got)
	}
	for end := time.Now().Add(10 * time.Second); lying() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d are left", lying())
		}
	}
}
