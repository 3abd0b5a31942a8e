package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/setting"
	"dswatch/words"
)

// Hours is a part of the day on some days of the week.
type Hours struct {
	Days     string `yaml:"days" doc:"Days of the week, such as mon-fri or sat,sun; default every day. Hours over midnight belong to the day on which they begin."`
	From     string `yaml:"from" doc:"Time of the day at which they begin, such as 09:00; default 00:00."`
	To       string `yaml:"to" doc:"Time of the day at which they end, such as 18:00, or earlier than from for over midnight; default 24:00."`
	TimeZone string `yaml:"time_zone" doc:"Time zone of both, such as Asia/Tokyo; default time_zone of the whole configuration."`
}

// Validate refuses hours that never come.
func (h Hours) Validate() error {
	if _, err := time.LoadLocation(h.TimeZone); err != nil {
		return words.Bad("time_zone", words.NotAZone.With(words.Inner(h.TimeZone)))
	}
	if _, err := days(h.Days); err != nil {
		return &setting.Error{Key: "days", Err: err}
	}
	from, err := minute(h.From, 0)
	if err == nil && from == endOfDay {
		err = words.Fail(words.EndOfDay.With(words.Inner(h.From)))
	}
	if err != nil {
		return &setting.Error{Key: "from", Err: err}
	}
	to, err := minute(h.To, endOfDay)
	if err != nil {
		return &setting.Error{Key: "to", Err: err}
	}
	if from == to {
		return words.Bad("to", words.HoursNeverCome.With(h.From, h.To))
	}
	return nil
}

const endOfDay = 24 * 60 // in minutes

// minute reads a time of the day as minutes since midnight by the clock on
// the wall.
func minute(s string, otherwise int) (int, error) {
	if s == "" {
		return otherwise, nil
	}
	h, m, ok := strings.Cut(s, ":")
	hours, herr := strconv.Atoi(h)
	minutes, merr := strconv.Atoi(m)
	n := hours*60 + minutes
	if !ok || len(h) > 2 || len(m) != 2 || herr != nil || merr != nil || hours < 0 || minutes < 0 || minutes > 59 || n > endOfDay {
		return 0, words.Fail(words.NotATimeOfDay.With(words.Inner(setting.Clip(s))))
	}
	return n, nil
}

// week is a set of days: bit 0 is Sunday.
type week uint8

func (w week) has(d time.Weekday) bool { return w>>d&1 == 1 }

var dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// days reads days of the week: single ones and ranges, with commas between.
func days(s string) (w week, err error) {
	if s == "" {
		return 1<<len(dayNames) - 1, nil
	}
	for part := range strings.SplitSeq(strings.ToLower(s), ",") {
		first, last, many := strings.Cut(strings.TrimSpace(part), "-")
		if !many {
			last = first
		}
		from, to := slices.Index(dayNames[:], strings.TrimSpace(first)), slices.Index(dayNames[:], strings.TrimSpace(last))
		if from < 0 || to < 0 {
			return 0, words.Fail(words.NotADay.With(words.Inner(setting.Clip(part)), dayNames[:]))
		}
		for d := from; ; d = (d + 1) % len(dayNames) {
			w |= 1 << d
			if d == to {
				break
			}
		}
	}
	return w, nil
}

// shift is Hours ready to be asked.
type shift struct {
	days     week
	from, to int // minutes since midnight; to < from: over midnight
	location *time.Location
}

// shift returns the hours with local as their default time zone.
func (h Hours) shift(local *time.Location) (s shift, err error) {
	if err := h.Validate(); err != nil {
		return s, err
	}
	s.location = local
	if h.TimeZone != "" {
		if s.location, err = time.LoadLocation(h.TimeZone); err != nil {
			return s, err
		}
	}
	s.days, _ = days(h.Days) // Validate has read all three
	s.from, _ = minute(h.From, 0)
	s.to, _ = minute(h.To, endOfDay)
	return s, nil
}

// open reports whether now is inside. It goes by what the clock on the wall
// shows: a change to or from summer time moves nothing.
func (s shift) open(now time.Time) bool {
	now = now.In(s.location)
	return s.covers(now.Weekday(), now.Hour()*60+now.Minute())
}

// covers reports whether the minute m since midnight of a day is inside.
func (s shift) covers(day time.Weekday, m int) bool {
	if s.from < s.to {
		return s.days.has(day) && s.from <= m && m < s.to
	}
	return s.days.has(day) && s.from <= m || s.days.has((day+6)%7) && m < s.to
}

// changes lists moments after now, within a week and a day, among which are
// all at which open may change: both ends of each day, also as they are
// before and after a change of the zone's offset, and these changes.
func (s shift) changes(now time.Time) (out []time.Time) {
	local := now.In(s.location)
	y, m, d := local.Date()
	_, offset := local.Zone()
	var moved time.Duration
	if _, next := local.ZoneBounds(); !next.IsZero() && next.Sub(now) < 9*24*time.Hour {
		_, after := next.Zone()
		moved = time.Duration(after-offset) * time.Second
		out = append(out, next)
	}
	for n := range 9 {
		for _, at := range [2]int{s.from, s.to} {
			t := time.Date(y, m, d+n, 0, at, 0, 0, s.location)
			out = append(out, t)
			if moved != 0 {
				out = append(out, t.Add(moved), t.Add(-moved))
			}
		}
	}
	return slices.DeleteFunc(out, func(t time.Time) bool { return !t.After(now) })
}

// At returns the route with local as the default time zone of its hours.
func (r Route) At(local *time.Location) (Route, error) {
	r.shifts = nil
	for _, h := range r.Hours {
		s, err := h.shift(local)
		if err != nil {
			return r, err
		}
		r.shifts = append(r.shifts, s)
	}
	return r, nil
}

// open reports whether the route takes new alerts at now.
func (r *Route) open(now time.Time) bool {
	return len(r.Hours) == 0 || slices.ContainsFunc(r.shifts, func(s shift) bool { return s.open(now) })
}

// turns returns when open changes next; zero: never.
func (r *Route) turns(now time.Time) (next time.Time) {
	is := r.open(now)
	for _, s := range r.shifts {
		for _, t := range s.changes(now) {
			if (next.IsZero() || t.Before(next)) && r.open(t) != is {
				next = t
			}
		}
	}
	return next.UTC()
}
