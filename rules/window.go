package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"dswatch/setting"
)

// Window is a silence that comes again and again, from the configuration.
type Window struct {
	Name     string        `yaml:"name" doc:"Name of the window, as dswatch alerts shows it."`
	Match    Matchers      `yaml:"match" doc:"Matchers that must all accept the alert, as in routes; default: every alert."`
	Schedule string        `yaml:"schedule" doc:"When it opens, as a cron expression of 5 or 6 fields, such as 0 2 * * SAT."`
	Duration time.Duration `yaml:"duration" doc:"How long it stays open, such as 3h; at least 1m."`
	TimeZone string        `yaml:"time_zone" doc:"Time zone of the schedule, such as Asia/Tokyo; default time_zone of the whole configuration."`
}

// windowParser reads schedules as those of the detectors are read.
var windowParser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Validate refuses windows that never open, and those that never close.
func (w Window) Validate() error {
	if w.Name == "" || strings.ContainsAny(w.Name, " \t\r\n/") || len(w.Name) > 64 {
		return setting.Bad("name", "%q is not a name; write up to 64 letters, digits and dashes, such as patch-night", w.Name)
	}
	if !w.Match.possible() {
		return setting.Bad("match", "no alert has such a combination; remove a matcher")
	}
	if w.Duration < time.Minute {
		return setting.Bad("duration", "%s is too short; write 1m or more, such as 3h", w.Duration)
	}
	if strings.Contains(w.Schedule, "TZ=") {
		return setting.Bad("schedule", "the time zone has a key of its own; write it as time_zone")
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil {
		return setting.Bad("time_zone", "%q is not a time zone; write a name such as Asia/Tokyo or UTC", w.TimeZone)
	}
	schedule, err := windowParser.Parse(w.Schedule)
	if err != nil {
		return setting.Bad("schedule", "%q is not a cron expression: %w; write minute, hour, day, month and weekday, such as 0 2 * * SAT", w.Schedule, err)
	}
	if _, constant := schedule.(cron.ConstantDelaySchedule); constant {
		return setting.Bad("schedule", "%q has no fixed beginning; write a cron expression, such as 0 2 * * SAT", w.Schedule)
	}
	return w.opens(schedule)
}

// opens looks at the openings from a fixed day on: the answer must not depend
// on when the configuration is checked.
func (w Window) opens(schedule cron.Schedule) error {
	at := schedule.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if at.IsZero() {
		return setting.Bad("schedule", "%q never comes; there is no such day", w.Schedule)
	}
	for range maxJoined {
		next := schedule.Next(at)
		if next.IsZero() || next.Sub(at) > w.Duration {
			return nil
		}
		at = next
	}
	return setting.Bad("duration", "the window opens again before %s are over, so it never closes; shorten it", w.Duration)
}

// maxJoined is how many openings in a row may overlap: one each minute for
// more than a day.
const maxJoined = 2000

// Span is a Window ready to be asked.
type Span struct {
	id       string
	match    Matchers
	schedule cron.Schedule
	length   time.Duration
	location *time.Location
}

// Span returns the window with local as its default time zone.
func (w Window) Span(local *time.Location) (*Span, error) {
	if err := w.Validate(); err != nil {
		return nil, fmt.Errorf("window %s: %w", w.Name, err)
	}
	s := &Span{id: "window/" + w.Name, match: w.Match, length: w.Duration, location: local}
	var err error
	if w.TimeZone != "" {
		if s.location, err = time.LoadLocation(w.TimeZone); err != nil {
			return nil, fmt.Errorf("window %s: %w", w.Name, err)
		}
	}
	if s.schedule, err = windowParser.Parse(w.Schedule); err != nil {
		return nil, fmt.Errorf("window %s: %w", w.Name, err)
	}
	return s, nil
}

// Until returns when the window that is open at now closes. Openings that
// overlap are one.
func (s *Span) Until(now time.Time) (until time.Time, open bool) {
	at := s.schedule.Next(now.In(s.location).Add(-s.length))
	if at.IsZero() || at.After(now) {
		return time.Time{}, false
	}
	until = at.Add(s.length)
	for range maxJoined {
		if at = s.schedule.Next(at); at.IsZero() || at.After(until) {
			break
		}
		until = at.Add(s.length)
	}
	return until.UTC(), true
}
