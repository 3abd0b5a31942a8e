package main

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dswatch/words"
)

// span is a duration of a flag that also takes days and weeks, as 1d12h.
type span time.Duration

// forever is a span without an end.
const forever span = math.MaxInt64

func (s *span) String() string {
	if *s == 0 {
		return "" // no default in the help
	}
	return time.Duration(*s).String()
}

func (s *span) Type() string { return "duration" }

var days = regexp.MustCompile(`^(?:(\d{1,4})w)?(?:(\d{1,5})d)?`)

// Set reads what somebody wrote.
func (s *span) Set(text string) error {
	if text == "forever" {
		*s = forever
		return nil
	}
	m := days.FindStringSubmatch(text)
	rest := text[len(m[0]):]
	weeks, _ := strconv.Atoi(m[1]) // "" is none
	n, _ := strconv.Atoi(m[2])
	d := time.Duration(weeks*7+n) * 24 * time.Hour
	if rest != "" {
		r, err := time.ParseDuration(rest)
		if err != nil || m[0] != "" && r < 0 {
			return words.Fail(words.NotALength.With(words.Inner(text)))
		}
		d += r
	}
	if text == "" || d <= 0 {
		return words.Fail(words.NotAWait.With(words.Inner(text)))
	}
	*s = span(d)
	return nil
}

// readTime reads a time as people write it: with a zone, or without by the
// clock of this shell; a time of the day is the next one.
func readTime(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return at, nil
		}
	}
	if at, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		y, m, d := now.Date()
		next := time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, now.Location())
		if !next.After(now) {
			next = time.Date(y, m, d+1, at.Hour(), at.Minute(), 0, 0, now.Location())
		}
		return next, nil
	}
	return time.Time{}, words.Fail(words.NotAMoment.With(words.Inner(text)))
}
