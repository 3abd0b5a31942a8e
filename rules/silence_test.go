package rules_test

import (
	"testing"
	"time"

	"dswatch/rules"
)

// TestSilenceWaits: a silence without an end waits for its first alert, and
// not for ever.
func TestSilenceWaits(t *testing.T) {
	day := rules.SilenceWait
	for name, c := range map[string]struct {
		s     rules.Silence
		until time.Duration // when it is over by itself, since its start; 0: never
	}{
		"a day":        {rules.Silence{}, day},
		"said so":      {rules.Silence{Waits: t0.Add(72 * time.Hour)}, 72 * time.Hour},
		"has begun":    {rules.Silence{Began: t0.Add(time.Hour)}, 0},
		"with an end":  {rules.Silence{Ends: t0.Add(30 * day)}, 30 * day},
		"has an alert": {rules.Silence{Waits: t0.Add(time.Hour), Began: t0.Add(time.Minute)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.s.Starts = t0
			if c.s.Active(t0.Add(-1)) || !c.s.Active(t0) {
				t.Error("it does not begin at its start")
			}
			if c.until == 0 {
				c.until = 1000 * day
			} else if c.s.Active(t0.Add(c.until)) {
				t.Error("it is still in force")
			}
			if !c.s.Active(t0.Add(c.until - 1)) {
				t.Error("it is over")
			}
		})
	}
	for name, s := range map[string]rules.Silence{
		"an end and a wait":     {Ends: t0.Add(day), Waits: t0.Add(day)},
		"a wait that never was": {Waits: t0},
	} {
		t.Run(name, func(t *testing.T) {
			s.Match, s.Author, s.Comment, s.Starts = matchers(t, "host=web01"), "kim", "patching", t0
			if err := s.Validate(); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}
