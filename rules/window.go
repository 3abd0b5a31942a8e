package rules

import (
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"dswatch/words"
)

// Window is a silence that comes again and again, from the configuration.
type Window struct {
	Name     string        `yaml:"name" doc:"Name of the window, as dswatch alerts shows it."`
	Match    Matchers      `yaml:"match" doc:"Matchers that must all accept the alert, as in routes; default: every alert."`
	Schedule string        `yaml:"schedule" doc:"When it opens, as a cron expression of 5 or 6 fields, such as 0 2 * * SAT, or 0 2 * * SAT#2 for the second Saturday of a month; a time that summer time skips comes when the clock jumps over it."`
	Duration time.Duration `yaml:"duration" doc:"How long it stays open, such as 3h; at least 1m."`
	TimeZone string        `yaml:"time_zone" doc:"Time zone of the schedule, such as Asia/Tokyo; default time_zone of the whole configuration."`
}

// WindowPrefix begins the id of a window, where silences have theirs.
const WindowPrefix = "window/"

// windowParser reads schedules as those of the detectors are read.
var windowParser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Validate refuses windows that never open, and those that never close.
func (w Window) Validate() error {
	if w.Name == "" || strings.ContainsAny(w.Name, " \t\r\n/") || len(w.Name) > 64 {
		return words.Bad("name", words.NotAWindowName.With(words.Inner(w.Name)))
	}
	if !w.Match.possible() {
		return words.Bad("match", words.NoSuchCombination.With())
	}
	if w.Duration < time.Minute {
		return words.Bad("duration", words.WindowTooShort.With(w.Duration.String()))
	}
	if len(w.Schedule) > maxSchedule {
		return words.Bad("schedule", words.CronTooLong.With(len(w.Schedule), maxSchedule))
	}
	if strings.Contains(w.Schedule, "TZ=") {
		return words.Bad("schedule", words.ZoneHasKey.With())
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil {
		return words.Bad("time_zone", words.NotAZone.With(words.Inner(w.TimeZone)))
	}
	schedule, err := w.schedule()
	if err != nil {
		return words.Bad("schedule", words.NotCron.With(words.Inner(w.Schedule), err))
	}
	if _, constant := schedule.(cron.ConstantDelaySchedule); constant {
		return words.Bad("schedule", words.NoFixedBeginning.With(words.Inner(w.Schedule)))
	}
	return w.opens(schedule)
}

// maxSchedule leaves room for a list of every minute.
const maxSchedule = 256

// schedule reads Schedule. Beside what the parser knows, 7 is Sunday, as for
// other cron daemons, and DAY#N is the Nth such day of a month.
func (w Window) schedule() (cron.Schedule, error) {
	fields := strings.Fields(w.Schedule)
	if len(fields) < 5 {
		return windowParser.Parse(w.Schedule)
	}
	last := len(fields) - 1
	day, count, counted := strings.Cut(fields[last], "#")
	n, err := strconv.Atoi(count)
	switch {
	case !counted:
	case err != nil || n < 1 || n > 5 || strings.ContainsAny(day, ",-*?/"):
		return nil, words.Fail(words.NotNthWeekday.With(words.Inner(fields[last])))
	case !every(fields[last-2]):
		return nil, words.Fail(words.WeekdayAndDay.With(words.Inner(fields[last])))
	}
	var days []string
	for part := range strings.SplitSeq(day, ",") {
		switch from, isTo7 := strings.CutSuffix(part, "-7"); {
		case part == "7":
			part = "0"
		case isTo7 && from == "7":
			part = "0"
		case isTo7:
			part = from + "-6,0"
		}
		days = append(days, part)
	}
	fields[last] = strings.Join(days, ",")
	s, err := windowParser.Parse(strings.Join(fields, " "))
	if err != nil || !counted {
		return s, err
	}
	return nth{s, n}, nil
}

// every reports whether a field of a cron expression leaves all days.
func every(field string) bool { return strings.HasPrefix(field, "*") || strings.HasPrefix(field, "?") }

// Either reports whether the window opens on days of the month and on weekdays
// besides, as cron has it: who writes both mostly means days that are both.
func (w Window) Either() bool {
	fields := strings.Fields(w.Schedule)
	return len(fields) >= 5 && !every(fields[len(fields)-3]) && !every(fields[len(fields)-1])
}

// nth leaves the openings on the nth of their weekdays in a month.
type nth struct {
	cron.Schedule
	n int
}

// Next implements cron.Schedule.
func (s nth) Next(t time.Time) time.Time {
	for range 100_000 { // a fifth Saturday of February comes every 28 years
		if t = s.Schedule.Next(t); t.IsZero() || (t.Day()-1)/7+1 == s.n {
			return t
		}
	}
	return time.Time{}
}

// opens looks at the openings from a fixed day on: the answer must not depend
// on when the configuration is checked.
func (w Window) opens(schedule cron.Schedule) error {
	at := schedule.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if at.IsZero() {
		return words.Bad("schedule", words.CronNeverComes.With(words.Inner(w.Schedule)))
	}
	for range maxJoined {
		next := schedule.Next(at)
		if next.IsZero() || next.Sub(at) > w.Duration {
			return nil
		}
		at = next
	}
	return words.Bad("duration", words.WindowNeverCloses.With(w.Duration.String()))
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
		return nil, words.FailWith(err, words.WindowFault.With(w.Name, err))
	}
	s := &Span{id: WindowPrefix + w.Name, match: w.Match, length: w.Duration, location: local}
	var err error
	if w.TimeZone != "" {
		if s.location, err = time.LoadLocation(w.TimeZone); err != nil {
			return nil, words.FailWith(err, words.WindowFault.With(w.Name, err))
		}
	}
	if s.schedule, err = w.schedule(); err != nil {
		return nil, words.FailWith(err, words.WindowFault.With(w.Name, err))
	}
	return s, nil
}

// Until returns when the window that is open at now closes. Openings that
// overlap are one.
func (s *Span) Until(now time.Time) (until time.Time, open bool) {
	_, until, open = s.Opening(now)
	return until, open
}

// Opening returns the opening that now is in, or the next one; from is zero
// where none comes.
func (s *Span) Opening(now time.Time) (from, until time.Time, open bool) {
	at := s.next(now.Add(-s.length))
	if at.IsZero() {
		return at, at, false
	}
	from, until = at, at.Add(s.length)
	for range maxJoined {
		if at = s.next(at); at.IsZero() || at.After(until) {
			break
		}
		until = at.Add(s.length)
	}
	return from.UTC(), until.UTC(), !from.After(now)
}

// next returns the first opening after t. One at a time that the clock on the
// wall jumps over, as it does when summer time begins, is at the jump.
func (s *Span) next(t time.Time) time.Time {
	t = t.In(s.location)
	at := s.schedule.Next(t)
	if at.IsZero() {
		return at
	}
	for {
		_, jump := t.ZoneBounds()
		if jump.IsZero() || !jump.Before(at) {
			return at
		}
		_, before := t.Zone()
		_, after := jump.Zone()
		old := time.FixedZone("", before)
		skipped := s.schedule.Next(jump.In(old).Add(-time.Second))
		if gap := time.Duration(after-before) * time.Second; !skipped.IsZero() && skipped.Before(jump.Add(gap)) {
			return jump
		}
		t = jump
	}
}

// Window returns the window with the id as a silence while it is open, or nil.
func (s *Set) Window(now time.Time, id string) *Silence {
	for _, w := range s.Windows {
		if from, until, open := w.Opening(now); w.id == id && open {
			return &Silence{ID: id, Match: w.match, Starts: from, Ends: until}
		}
	}
	return nil
}

// OpenWindow returns the first open window that matches sub as a silence, or nil.
func (s *Set) OpenWindow(now time.Time, sub *Subject) *Silence {
	for _, w := range s.Windows {
		if _, open := w.Until(now); open && w.match.Match(sub) {
			return s.Window(now, w.id)
		}
	}
	return nil
}
