package detector

import (
	"strings"
	"time"
	_ "time/tzdata" // a static binary on Windows or in an empty image has no zone files, and CRON_TZ is promised

	"github.com/robfig/cron/v3"

	"dswatch/words"
)

const scheduleExample = `write for example "@every 10s", "*/5 * * * *", "30 */5 * * * *" (seconds first) or "CRON_TZ=Asia/Tokyo 0 9 * * *"`

// ParseSchedule reads a cron expression: five fields, six fields with seconds
// first, "@every 10s", or a descriptor such as "@hourly". "CRON_TZ=ZONE "
// before it sets the time zone. The error ends with examples of what to write.
//
// It refuses what the cron library would silently bend: an interval that is
// not a whole number of seconds, and a schedule that never comes.
func ParseSchedule(expr string) (cron.Schedule, error) {
	s, err := parseSchedule(strings.TrimSpace(expr))
	if err != nil {
		return nil, words.FailWith(err, words.BadSchedule.With(words.Inner(clip(expr, 80)), err, scheduleExample))
	}
	return s, nil
}

func parseSchedule(expr string) (cron.Schedule, error) {
	spec := expr
	if strings.HasPrefix(expr, "TZ=") || strings.HasPrefix(expr, "CRON_TZ=") {
		// The library cuts at the first space and panics without one.
		zone, rest, ok := strings.Cut(expr, " ")
		if spec = strings.TrimSpace(rest); !ok || spec == "" {
			return nil, words.Fail(words.NothingAfterZone.With())
		}
		if strings.HasSuffix(zone, "=") {
			return nil, words.Fail(words.ZoneEmpty.With())
		}
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		d, err := time.ParseDuration(every)
		if err != nil {
			return nil, words.Fail(words.NoDurationWithUnit.With(words.Inner(every)))
		}
		if d < time.Second || d%time.Second != 0 {
			return nil, words.Fail(words.IntervalNotWhole.With(d.String()))
		}
	}
	s, err := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).Parse(expr)
	if err != nil {
		return nil, err
	}
	// Any fixed day will do: the library searches five years ahead.
	if s.Next(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, words.Fail(words.NeverComes.With())
	}
	return s, nil
}

// Interval is the time between the next two activations of expr, 0 of one that
// ParseSchedule refuses.
func Interval(expr string) time.Duration {
	s, err := ParseSchedule(expr)
	if err != nil {
		return 0
	}
	next := s.Next(time.Now())
	return s.Next(next).Sub(next)
}
