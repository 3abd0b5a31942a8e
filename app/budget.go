package app

import (
	"fmt"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Budgets says of each look at others what it needs at worst and what it has.
func (l *Loaded) Budgets() []event.Said { return l.watch.budgets }

// Certain says how long an outage must last so that it is told whenever it
// begins: a shorter one may lie between two looks, or be over within the hold.
func (l *Loaded) Certain() event.Said {
	var parts []string
	for _, p := range l.watch.plans {
		parts = append(parts, fmt.Sprintf("%s %s", p.Name, certain(interval(p.Timing.Schedule), p.Timing.Jitter, l.Config.Rules.Hold, p.Again)))
	}
	return words.ShortestOutage.With(parts)
}

// overrun names the looks of a kind that may last beyond the next one, which is
// left out then. A look at this host itself takes milliseconds, so only a time that
// was written for it counts.
func overrun(plans []detector.Plan, written bool) []setting.Error {
	var longest, between time.Duration
	for _, p := range plans {
		every := interval(p.Timing.Schedule)
		if (written || !p.Again) && p.Timing.Timeout > every && p.Timing.Timeout > longest {
			longest, between = p.Timing.Timeout, every
		}
	}
	if longest == 0 {
		return nil
	}
	return []setting.Error{{Key: "schedule", Err: words.Fail(words.LooksOverrun.With(longest.String(), between.String()))}}
}

// interval is the time between the next two looks.
func interval(schedule string) time.Duration {
	s, err := detector.ParseSchedule(schedule)
	if err != nil {
		return 0 // Validate has refused it
	}
	next := s.Next(time.Now())
	return s.Next(next).Sub(next)
}

// certain is the time until the first look that sees an outage and the one that
// shows that it lasts: the first at or after the end of the hold, which comes
// out of turn where the job may look again, else by its schedule.
func certain(every, jitter, hold time.Duration, again bool) time.Duration {
	if again || hold == 0 {
		return every + jitter + hold
	}
	return every + jitter + (hold+every-1)/max(every, 1)*every
}
