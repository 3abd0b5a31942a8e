package sinks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// archive is a History that outlives its worker.
type archive struct {
	mu     sync.Mutex
	kept   []sinks.Attempts
	stores int
	err    error
}

func (a *archive) Load(context.Context) ([]sinks.Attempts, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.kept), a.err
}

func (a *archive) Store(_ context.Context, as []sinks.Attempts) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.kept = as
	a.stores++
	return nil
}

func outcomes(as []sinks.Attempt) (out []string, total int) {
	for _, a := range as {
		out = append(out, a.Outcome)
		total += 1 + a.More
	}
	return out, total
}

// TestAttemptsAreKept: the first and the last attempts of a day-long outage,
// with how many were between, through a kill and a restart.
func TestAttemptsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f, h := newMemory(), &far{}, &archive{}
		fails := 0
		f.do = func(context.Context, event.Alert) error {
			fails++
			return sinks.ClassifyStatus(503, http.Header{}, fmt.Errorf("answered 503, number %d %s", fails, strings.Repeat("x", 500)))
		}
		o := options(m, f, 1)
		o.Settings.Patience = 72 * time.Hour
		o.History = h
		as := firing(1, 1)[:2]
		as[1].Transition = event.Cleared
		m.put(t, as...)
		began := time.Now()
		w, stop := start(o)
		time.Sleep(5 * time.Second)
		h.mu.Lock()
		stores := h.stores
		h.mu.Unlock()
		if stores == 0 {
			t.Error("nothing is stored within 5 seconds of the first failure: a kill would take it")
		}
		time.Sleep(24 * time.Hour)
		kept := w.Tried(as[0].ID, 1)
		_, total := outcomes(kept)
		if len(kept) != 6 || total != fails || fails < 1000 || kept[0].More != fails-6 {
			t.Fatalf("%d failures, kept %d of %d", fails, len(kept), total)
		}
		if !strings.Contains(kept[0].Error, "number 1 ") || kept[0].At.Sub(began) > time.Second || !strings.Contains(kept[5].Error, fmt.Sprintf("number %d ", fails)) {
			t.Errorf("%+v", kept)
		}
		for _, a := range kept {
			if a.Status != 503 || a.Outcome != string(sinks.ClassTemporary) || len(a.Error) > 300 {
				t.Errorf("%+v", a)
			}
		}
		// What a kill leaves is what was stored last, at most ten seconds ago.
		h.mu.Lock()
		left := h.kept
		h.mu.Unlock()
		stop()
		before := 0
		if len(left) == 1 {
			_, before = outcomes(left[0].Tried)
		}
		if before < fails-3 {
			t.Errorf("a kill leaves %d of %d attempts", before, fails)
		}

		// A copy of what was delivered comes again and is not sent.
		f.do = func(context.Context, event.Alert) error { return nil }
		m.restart()
		h.mu.Lock()
		h.kept = left
		h.mu.Unlock()
		w, stop = start(o)
		time.Sleep(10 * time.Second)
		got, _ := outcomes(w.Tried(as[0].ID, 1))
		if got[len(got)-1] != sinks.OutcomeDelivered {
			t.Errorf("after the restart: %q", got)
		}
		if got := w.Tried(as[1].ID, 2); got != nil {
			t.Errorf("one that succeeded at once is remembered: %+v", got)
		}
		stop()
		for _, msg := range m.messages {
			msg.acked = false
		}
		m.restart()
		w, stop = start(o)
		defer stop()
		time.Sleep(10 * time.Second)
		if got, _ := outcomes(w.Tried(as[0].ID, 1)); got[len(got)-1] != sinks.OutcomeDuplicate {
			t.Errorf("after a copy: %q", got)
		}
		r := m.receipts[as[1].Slot()]
		if r.First == nil || r.First.Seq != 1 || r.First.Confirmed.IsZero() || r.Transition != event.Cleared {
			t.Errorf("the receipt of the end does not know the beginning: %+v", r)
		}
	})
}

// TestAttemptsSayWhy: an attempt, the letter that comes of it and the state of the
// sink keep why as data, but for what is only a library's own text.
func TestAttemptsSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"ours":   {sinks.Permanent(words.Fail(words.HungUp.With())), []string{words.HungUp.Code()}},
		"theirs": {sinks.Permanent(errors.New("EOF")), nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			m, f, h := newMemory(), &far{}, &archive{}
			f.do = func(context.Context, event.Alert) error { return c.err }
			o := options(m, f, 1)
			o.History = h
			m.put(t, firing(1, 1)[0])
			w, stop := start(o)
			time.Sleep(10 * time.Second)
			tried, health, dead := w.Tried("item1-round1", 1), w.Health(), m.dead()
			stop()
			if len(tried) != 1 || len(dead) != 1 || len(h.kept) != 1 {
				t.Fatalf("%s: %d attempts, %d letters, %d kept", name, len(tried), len(dead), len(h.kept))
			}
			for where, said := range map[string]event.Said{
				"attempt": tried[0].ErrorStatements, "kept": h.kept[0].Tried[0].ErrorStatements, "letter": dead[0].ReasonStatements, "health": health.LastErrorStatements,
			} {
				if !slices.Equal(said.Codes(), c.want) {
					t.Errorf("%s, %s: %q, want %q", name, where, said.Codes(), c.want)
				}
			}
			if tried[0].Error != c.err.Error() || dead[0].Reason != c.err.Error() {
				t.Errorf("%s: %q, %q", name, tried[0].Error, dead[0].Reason)
			}
		})
	}
}

// TestAttemptsOfMany: what is kept of a storm that nobody takes is bounded,
// and those tried last are kept.
func TestAttemptsOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f, h := newMemory(), &far{}, &archive{}
		f.do = func(context.Context, event.Alert) error {
			time.Sleep(time.Millisecond)
			return sinks.Permanent(errors.New("answered 400"))
		}
		o := options(m, f, 1)
		o.History = h
		for n := range 2000 {
			m.put(t, firing(n, 1)[0])
		}
		w, stop := start(o)
		time.Sleep(time.Minute)
		if a := w.Tried("item1999-round1", 1); len(a) != 1 || a[0].Outcome != string(sinks.ClassPermanent) {
			t.Errorf("the last one: %+v", a)
		}
		if a := w.Tried("item0-round1", 1); a != nil {
			t.Errorf("the first one is still kept: %+v", a)
		}
		stop()
		if n := len(h.kept); n == 0 || n > 512 || h.kept[0].Alert != "item1999-round1" {
			t.Errorf("%d kept", n)
		}
	})
}

// TestAttemptsDoNotHoldUpDeliveries: a history that cannot be read or written
// costs nothing but itself, and a stop in the middle of an attempt is told.
func TestAttemptsDoNotHoldUpDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f, h := newMemory(), &far{}, &archive{err: errors.New("disk full")}
		once := false
		f.do = func(context.Context, event.Alert) error {
			if once {
				return nil
			}
			once = true
			return errDown
		}
		o := options(m, f, 1)
		o.History = h
		m.put(t, firing(1, 1)[0])
		_, stop := start(o)
		time.Sleep(time.Minute)
		if len(f.ids()) != 1 {
			t.Error("not delivered")
		}
		h.mu.Lock()
		h.err = nil
		h.mu.Unlock()
		f.do = func(ctx context.Context, _ event.Alert) error { <-ctx.Done(); return ctx.Err() }
		m.put(t, firing(2, 1)[0])
		time.Sleep(time.Second)
		stop()
		var got []string
		for _, a := range h.kept {
			one, _ := outcomes(a.Tried)
			got = append(got, a.Alert+" "+strings.Join(one, ","))
		}
		if want := []string{"item2-round1 cut off", "item1-round1 temporary,delivered"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// TestAttemptsAreStoredOnce: where nothing was tried, nothing is stored again.
func TestAttemptsAreStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f, h := newMemory(), &far{}, &archive{}
		f.do = func(context.Context, event.Alert) error { return sinks.Permanent(errors.New("no")) }
		o := options(m, f, 1)
		o.History = h
		m.put(t, firing(1, 1)[0])
		_, stop := start(o)
		defer stop()
		stores := func() int {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.stores
		}
		time.Sleep(5 * time.Minute)
		first := stores()
		time.Sleep(time.Hour)
		if again := stores(); first == 0 || again != first {
			t.Errorf("stored %d times, and %d times in an hour without an attempt", first, again-first)
		}
	})
}
