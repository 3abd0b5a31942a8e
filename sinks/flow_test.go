package sinks_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/sinks"
)

// TestFlow: what waits because of the far end does not wait for the worker, and
// what does not come to the worker does.
func TestFlow(t *testing.T) {
	for name, c := range map[string]struct {
		do      func(ctx context.Context, a event.Alert) error
		set     func(s *sinks.Settings)
		fetched uint64 // that lie at the server and do not come
		want    bool   // something stands still
	}{
		"all is well":               {},
		"the far end is down":       {do: func(context.Context, event.Alert) error { return errDown }},
		"the far end hangs":         {do: func(ctx context.Context, _ event.Alert) error { <-ctx.Done(); return ctx.Err() }},
		"it wants to be left alone": {do: func(context.Context, event.Alert) error { return sinks.RetryAfter(errors.New("busy"), time.Hour) }},
		"it takes one in an hour":   {set: func(s *sinks.Settings) { s.Rate = sinks.Rate{Count: 1, Per: time.Hour} }},
		"it chokes on one": {do: func(_ context.Context, a event.Alert) error {
			return map[bool]error{true: errDown}[a.ID == "item0-round0"]
		}},
		"it refuses all":             {do: func(context.Context, event.Alert) error { return sinks.Permanent(errors.New("no")) }},
		"some do not come":           {fetched: 3, want: true},
		"down, and some do not come": {do: func(context.Context, event.Alert) error { return errDown }, fetched: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &far{do: c.do}
				o := options(m, f, 4)
				if c.set != nil {
					c.set(&o.Settings)
				}
				w, stop := start(o)
				defer stop()
				for n := range 20 {
					m.put(t, firing(n, 0)[0])
				}
				still, before := 0, uint64(0)
				for n := range 60 {
					time.Sleep(5 * time.Second)
					waits, done := w.Flow(c.fetched)
					if waits == 0 || done != before || n == 0 {
						still, before = 0, done
						continue
					}
					still++
				}
				if got := still > 1; got != c.want {
					t.Errorf("stands still: %v, want %v", got, c.want)
				}
			})
		})
	}
}
