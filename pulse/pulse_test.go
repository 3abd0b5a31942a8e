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
		if name, why := b.Verdict().Why(); name != "rules" || why != (pulse.Reason{Unproven: true}) {
			t.Errorf("the reason is %q: %+v", name, why)
		}
		b.Failed("store", errors.New("no space left"))
		if name, why := b.Verdict().Why(); name != "store" || why.Failed == nil || why.Failed.Error() != "no space left" {
			t.Errorf("the reason is %q: %+v", name, why)
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

// TestFlows: what stands still behind a pulse that overtakes it makes a stage
// unproven; what is long and moves, or waits for nothing of ours, does not.
func TestFlows(t *testing.T) {
	for name, c := range map[string]struct {
		at    func(n uint64) map[string]pulse.Flow // at the nth pulse
		freed bool                                 // the process is frozen for a minute in between
		want  int                                  // the pulse at which it is unproven; 0: never
	}{
		"nothing waits":             {at: func(uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {}} }},
		"one is always on its way":  {at: func(n uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {Waits: 1, Done: n}} }},
		"a storm is drained":        {at: func(n uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {Waits: 10_000 - n, Done: n}} }},
		"it stands still":           {at: func(uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {Waits: 3, Done: 7}} }, want: 3},
		"it grows and stands still": {at: func(n uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {Waits: n, Done: 7}} }, want: 3},
		"another one moves": {at: func(n uint64) map[string]pulse.Flow {
			return map[string]pulse.Flow{"a": {Waits: 1, Done: 7}, "b": {Waits: 1, Done: n}}
		}, want: 3},
		"it is emptied in between": {at: func(n uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {Waits: n % 2, Done: 7}} }},
		"it goes": {at: func(n uint64) map[string]pulse.Flow {
			if n == 3 {
				return nil
			}
			return map[string]pulse.Flow{"a": {Waits: 1, Done: 7}}
		}, want: 6},
		"the process was frozen": {at: func(n uint64) map[string]pulse.Flow { return map[string]pulse.Flow{"a": {Waits: 1, Done: (n + 1) / 2}} }, freed: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := pulse.NewBoard(time.Now, "store", "rules")
				got := 0
				for n := 1; n <= 8 && got == 0; n++ {
					b.Proven("store")
					b.Proven("rules")
					b.Flows("rules", c.at(uint64(n)))
					if v := b.Verdict(); !v.Current {
						got = n
						if stage, why := v.Why(); stage != "rules" || why.Jam.Queue == "" || why.Jam.Waits == 0 || why.Jam.For != 10*time.Second {
							t.Errorf("%s: %+v", stage, why)
						}
						if age := v.Stages[1].Age; age < pulse.Fresh || !v.Since.Equal(time.Now().Add(-age).Round(0)) {
							t.Errorf("proven %s ago, and not since %s", age, v.Since)
						}
					}
					if c.freed && n%2 == 1 {
						time.Sleep(time.Minute)
						b.Tick()
						continue
					}
					for range 5 {
						time.Sleep(time.Second)
						b.Tick()
					}
				}
				if got != c.want {
					t.Errorf("unproven at pulse %d, want %d", got, c.want)
				}
			})
		})
	}
}

func TestLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pulse.NewLoops(time.Now)
		wait := func(seconds int, turns ...string) {
			for range seconds {
				time.Sleep(time.Second)
				l.Tick()
				for _, n := range turns {
					l.Alive(n)
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
