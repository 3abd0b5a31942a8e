package sinks_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/sinks/sinktest"
)

// lasting are the transitions of an alert that lasts, an hour after another.
func lasting(item int, begun time.Time, ts ...event.Transition) (as []event.Alert) {
	for i, tr := range ts {
		a := sinktest.Sample(item, event.Raised, "en")
		a.ID, a.Turn, a.Seq, a.Transition, a.At = fmt.Sprintf("item%d", item), 1, i+1, tr, begun.Add(time.Duration(i)*time.Hour)
		as = append(as, a)
	}
	return as
}

// TestMissedRepetitions: of the repetitions that a far end missed it is told the
// newest, in its place among the rest, whether it was away or the worker is new;
// another alert's, and what an operator asked for, are not touched.
func TestMissedRepetitions(t *testing.T) {
	for name, away := range map[string]bool{"the far end was away": true, "the worker is new": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				down.Store(away)
				m, f := newMemory(), &far{do: func(context.Context, event.Alert) error {
					if down.Load() {
						return errDown
					}
					return nil
				}}
				long := lasting(1, time.Now(), event.Raised, event.Repeated, event.Repeated, event.Changed, event.Repeated, event.Acknowledged, event.Unacknowledged, event.Repeated, event.Repeated)
				short := lasting(2, time.Now(), event.Raised, event.Repeated, event.Cleared)
				asked := lasting(3, time.Now(), event.Raised, event.Repeated, event.Repeated)
				for i := range asked {
					asked[i].Replay = true
				}
				stop := func() {}
				if away {
					_, stop = start(options(m, f, 1))
				}
				for i := range long { // as time passes
					m.put(t, long[i])
					if i < len(short) {
						m.put(t, short[i], asked[i])
					}
					time.Sleep(time.Hour)
				}
				if away && m.out() != len(long)-4+len(short)+len(asked) {
					t.Errorf("%d are held while the far end is away", m.out())
				}
				down.Store(false)
				if !away {
					_, stop = start(options(m, f, 1))
				}
				time.Sleep(5 * time.Minute)
				end := long[len(long)-1]
				end.Transition, end.Seq = event.Cleared, end.Seq+1
				m.put(t, end)
				time.Sleep(time.Minute)
				stop()
				got := map[string][]string{}
				for _, a := range f.accepted {
					got[a.ID] = append(got[a.ID], fmt.Sprint(a.Transition, " ", a.Seq))
				}
				for id, want := range map[string][]string{
					"item1": {"raised 1", "changed 4", "acknowledged 6", "unacknowledged 7", "repeated 9", "cleared 10"},
					"item2": {"raised 1", "repeated 2", "cleared 3"},
					"item3": {"raised 1", "repeated 2", "repeated 3"},
				} {
					if !slices.Equal(got[id], want) {
						t.Errorf("of %s was told %q, want %q", id, got[id], want)
					}
				}
				if n := m.unacked(); n != 0 {
					t.Errorf("%d lie in the outbox", n)
				}
				if r := m.receipts[end.Slot()]; r.AlertID != end.ID || r.Seq != end.Seq {
					t.Errorf("the last receipt is of %s %d", r.AlertID, r.Seq)
				}
			})
		})
	}
}

// TestRepetitionsInTime: one that comes in time waits for nothing.
func TestRepetitionsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		_, stop := start(options(m, f, 1))
		defer stop()
		for i, a := range lasting(1, time.Now(), event.Raised, event.Repeated, event.Repeated) {
			m.put(t, a)
			synctest.Wait()
			if n := len(f.ids()); n != i+1 {
				t.Errorf("%d were told at once, want %d", n, i+1)
			}
			time.Sleep(time.Hour)
		}
	})
}
