package sinks_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/sinks"
)

// slowAnswer is a far end that has what it is sent at once, and says so late.
type slowAnswer struct {
	far
	answer time.Duration
}

func (s *slowAnswer) Send(ctx context.Context, a event.Alert) error {
	_ = s.far.Send(ctx, a)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.answer):
		return nil
	}
}

// TestHandOver replaces a worker at each moment between the arrival of a
// delivery and its acknowledgement: the far end is told once.
func TestHandOver(t *testing.T) {
	for name, c := range map[string]struct {
		answer time.Duration
		at     time.Duration                // of the replacement
		also   func(m *memory)              // what goes wrong from then on
		mended func(m *memory)              // 20 s later
		before func(o *sinks.WorkerOptions) // of the first worker
	}{
		"before the attempt": {at: time.Second, before: func(o *sinks.WorkerOptions) {
			o.Sink = &far{do: func(context.Context, event.Alert) error { return errDown }}
		}},
		"before the answer": {answer: 2 * time.Second, at: time.Second},
		"before an answer that takes longer than a stop may": {answer: 8 * time.Second, at: time.Second},
		"before the receipt is stored": {
			answer: 2 * time.Second, at: time.Second,
			also: func(m *memory) { m.fail(errors.New("no space left on device")) }, mended: func(m *memory) { m.fail(nil) },
		},
		"before it is acknowledged": {at: time.Second, also: func(m *memory) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.messages[0].acked = false
		}},
		"after all of it": {at: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &slowAnswer{answer: c.answer}
				m.put(t, firing(0, 0)[0])
				o := options(m, f, 1)
				if c.before != nil {
					c.before(&o)
				}
				w, stop := start(o)
				time.Sleep(c.at)
				if c.also != nil {
					c.also(m)
				}
				if c.mended != nil {
					time.AfterFunc(20*time.Second, func() { c.mended(m) })
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				w.Retire(ctx.Done())
				stop()
				m.restart()
				_, stop = start(options(m, f, 1))
				time.Sleep(time.Hour)
				stop()
				if got, want := f.ids(), []string{firing(0, 0)[0].DeliveryID()}; !slices.Equal(got, want) {
					t.Errorf("the far end was told %v, want once", got)
				}
				if n := m.unacked(); n != 0 {
					t.Errorf("%d deliveries were not acknowledged", n)
				}
			})
		})
	}
}

// TestHandOverEnds: a far end that says nothing and a store that stays broken
// hold a replacement up for the time that it has, and a stop meanwhile ends it.
func TestHandOverEnds(t *testing.T) {
	for name, c := range map[string]struct{ stopped, want time.Duration }{
		"nobody stops":     {time.Hour, 30*time.Second + 5*time.Second},
		"the process ends": {10 * time.Second, 10*time.Second + 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				m.put(t, firing(0, 0)[0])
				o := options(m, &slowAnswer{answer: time.Hour}, 1)
				o.Settings.Timeout = 10 * time.Minute
				w, stop := start(o)
				time.Sleep(time.Second)
				process, end := context.WithTimeout(t.Context(), c.stopped)
				defer end()
				ctx, cancel := context.WithTimeout(process, 30*time.Second)
				defer cancel()
				w.Retire(ctx.Done())
				begin := time.Now()
				stop()
				if took := time.Since(begin); took != c.want {
					t.Errorf("took %s, want %s", took, c.want)
				}
			})
		})
	}
}
