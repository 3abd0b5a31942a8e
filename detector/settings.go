package detector

import (
	"math"
	"time"

	"dswatch/setting"
	"dswatch/words"
)

// Settings is the part of a detector's configuration section that every kind
// shares.
type Settings struct {
	Schedule string        `yaml:"schedule" doc:"When to look: a cron expression of 5 or 6 fields (seconds first), @every DURATION or a descriptor such as @hourly, with an optional CRON_TZ=ZONE before it."`
	Timeout  time.Duration `yaml:"timeout" doc:"How long one look may take, as a duration of at most 10m, before every item of it becomes unknown."`
	Jitter   time.Duration `yaml:"jitter" doc:"Longest random wait before each look, as a duration shorter than the schedule's interval, so that many hosts do not look at the same moment; default 0s."`
}

// DefaultSettings is what a kind starts from: every 10 seconds, 5 seconds for
// a look, no jitter.
func DefaultSettings() Settings {
	return Settings{Schedule: "@every 10s", Timeout: 5 * time.Second}
}

// MaxTimeout is the longest a look may take.
const MaxTimeout = 10 * time.Minute

// Validate returns an setting.Error for the first bad value.
func (s Settings) Validate() error {
	sched, err := ParseSchedule(s.Schedule)
	if err != nil {
		return &setting.Error{Key: "schedule", Err: err}
	}
	if s.Timeout <= 0 || s.Timeout > MaxTimeout {
		return words.Bad("timeout", words.TimeoutRange.With(s.Timeout.String(), MaxTimeout.String()))
	}
	// Several gaps, because the activations of a cron expression are not evenly spread.
	at, gap := sched.Next(time.Now()), time.Duration(math.MaxInt64)
	for range 60 {
		next := sched.Next(at)
		if next.IsZero() { // a 29 February beyond the five years that the library searches
			break
		}
		gap, at = min(gap, next.Sub(at)), next
	}
	if s.Jitter < 0 || s.Jitter >= gap {
		return words.Bad("jitter", words.JitterTooLong.With(s.Jitter.String(), gap.String(), (gap/5).String()))
	}
	return nil
}
