package pulse_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/pulse"
)

func TestBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := pulse.NewBoard(time.Now, "store", "rules")
		if v := b.Verdict(); v.Current {
			t.Error("nothing was proven, and it is current")
		}
		run := func(seconds int, stages ...string) time.Duration {
			for range seconds {
				time.Sleep(time.Second)
				for _, s := range stages {
					b.Proven(s)
				}
				b.Tick()
			}
			return b.Stale()
		}
		if stale := run(2, "store", "rules"); stale != 0 || !b.Verdict().Current {
			t.Errorf("all was proven: %+v", b.Verdict())
		}
		if stale := run(9, "store"); stale != 0 {
			t.Errorf("one lost pulse counts as %s", stale)
		}
		if stale := run(12, "store"); stale != 10*time.Second {
			t.Errorf("stale for %s, want 10s", stale)
		}
		if name, why := b.Verdict().Why(); name != "rules" || why == "" {
			t.Errorf("the reason is %q: %q", name, why)
		}
		b.Failed("store", errors.New("no space left"))
		if name, why := b.Verdict().Why(); name != "store" || why != "no space left" {
			t.Errorf("the reason is %q: %q", name, why)
		}
		run(1, "store", "rules")
		if v := b.Verdict(); !v.Current || !v.Since.IsZero() {
			t.Errorf("all was proven again: %+v", v)
		}
		time.Sleep(time.Minute) // frozen
		if v := b.Verdict(); !v.Current {
			t.Errorf("a frozen process is no stall: %+v", v)
		}
		b.Tick()
		if stale := b.Stale(); stale != 0 {
			t.Errorf("a frozen process is stale for %s", stale)
		}
		if stale := run(12); stale != time.Second {
			t.Errorf("after the freeze it is stale for %s, want 1s", stale)
		}
	})
}

func TestLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pulse.NewLoops(time.Now)
		wait := func(seconds int, turns ...string) {
			for range seconds {
				time.Sleep(time.Second)
				l.Tick()
				for _, n := range turns {
					l.Turn(n)
				}
			}
		}
		wait(5, "rules", "sink")
		wait(40, "sink")
		if err := l.Live(); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Minute) // frozen
		l.Tick()
		if err := l.Live(); err != nil {
			t.Errorf("a frozen process: %v", err)
		}
		wait(6, "sink")
		if err := l.Live(); err == nil || err.Error() != "the loop of rules has not turned for 46s" {
			t.Errorf("a stuck loop: %v", err)
		}
		l.End("rules")
		if err := l.Live(); err != nil {
			t.Errorf("a loop that has ended: %v", err)
		}
	})
}
