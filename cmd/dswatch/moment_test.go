package main

import (
	"strings"
	"testing"
	"time"
)

func TestReadTime(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		now  time.Time
		want string // empty: refused
	}{
		"with a zone":               {"2026-11-23T02:00:00+09:00", time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), "2026-11-23T02:00:00+09:00"},
		"by the clock of the shell": {"2026-11-23 02:00", time.Date(2026, 11, 22, 12, 0, 0, 0, tokyo), "2026-11-23T02:00:00+09:00"},
		"with a T":                  {"2026-11-23T02:00", time.Date(2026, 11, 22, 12, 0, 0, 0, tokyo), "2026-11-23T02:00:00+09:00"},
		"later today":               {"06:30", time.Date(2026, 11, 23, 2, 0, 0, 0, tokyo), "2026-11-23T06:30:00+09:00"},
		"tomorrow":                  {"06:30", time.Date(2026, 11, 23, 6, 30, 0, 0, tokyo), "2026-11-24T06:30:00+09:00"},
		"over a change of the zone": {"06:30", time.Date(2026, 10, 24, 22, 0, 0, 0, berlin), "2026-10-25T06:30:00+01:00"},
		"a word":                    {"tomorrow", time.Now(), ""},
		"an hour that is none":      {"25:00", time.Now(), ""},
		"a day that is none":        {"2026-02-30 10:00", time.Now(), ""},
	} {
		at, err := readTime(c.text, c.now)
		if got := at.Format(time.RFC3339); err == nil && got != c.want || err != nil && (c.want != "" || !strings.Contains(err.Error(), "write it as")) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "2h": 2 * time.Hour, "1d": 24 * time.Hour, "1d12h": 36 * time.Hour, "2w1d": 15 * 24 * time.Hour, "1w30m": 7*24*time.Hour + 30*time.Minute,
		"": 0, "0s": 0, "-1h": 0, "1d-1h": 0, "1": 0, "1.5d": 0, "d": 0, "99999w": 0, "1d1w": 0,
	} {
		var s span
		if err := s.Set(text); time.Duration(s) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %s, %v", text, time.Duration(s), err)
		}
	}
}
