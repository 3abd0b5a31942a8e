package rules_test

import (
	"strings"
	"testing"
	"time"

	"dswatch/rules"
)

func span(t testing.TB, schedule string, d time.Duration, zone string) *rules.Span {
	t.Helper()
	s, err := rules.Window{Name: "w", Schedule: schedule, Duration: d, TimeZone: zone}.Span(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWindows(t *testing.T) {
	for name, c := range map[string]struct {
		schedule string
		length   time.Duration
		zone     string
		at       string
		until    string // empty: closed
	}{
		"before":                                     {"0 2 * * SAT", 3 * time.Hour, "", "2026-11-21T01:59:59Z", ""},
		"at its first moment":                        {"0 2 * * SAT", 3 * time.Hour, "", "2026-11-21T02:00:00Z", "2026-11-21T05:00:00Z"},
		"inside, with a fraction":                    {"0 2 * * SAT", 3 * time.Hour, "", "2026-11-21T04:59:59.5Z", "2026-11-21T05:00:00Z"},
		"at its end":                                 {"0 2 * * SAT", 3 * time.Hour, "", "2026-11-21T05:00:00Z", ""},
		"over midnight":                              {"0 22 * * FRI", 4 * time.Hour, "", "2026-11-21T01:00:00Z", "2026-11-21T02:00:00Z"},
		"elsewhere":                                  {"0 2 * * SAT", time.Hour, "Asia/Tokyo", "2026-11-20T17:30:00Z", "2026-11-20T18:00:00Z"},
		"elsewhere, an hour too early":               {"0 2 * * SAT", time.Hour, "Asia/Tokyo", "2026-11-20T16:30:00Z", ""},
		"openings that overlap":                      {"0,30 2 * * *", 40 * time.Minute, "", "2026-11-21T02:05:00Z", "2026-11-21T03:10:00Z"},
		"openings that touch":                        {"0,30 2 * * *", 30 * time.Minute, "", "2026-11-21T02:05:00Z", "2026-11-21T03:00:00Z"},
		"summer time ends inside":                    {"0 1 25 10 *", 4 * time.Hour, "Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T03:00:00Z"},
		"summer time begins inside":                  {"0 1 29 3 *", 4 * time.Hour, "Europe/Berlin", "2026-03-29T03:30:00Z", "2026-03-29T04:00:00Z"},
		"summer time skips its beginning":            {"30 2 * * *", 3 * time.Hour, "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z"},
		"before that jump":                           {"30 2 * * *", 3 * time.Hour, "Europe/Berlin", "2026-03-29T00:59:59Z", ""},
		"after it":                                   {"30 2 * * *", 3 * time.Hour, "Europe/Berlin", "2026-03-29T04:00:00Z", ""},
		"the day after it":                           {"30 2 * * *", 3 * time.Hour, "Europe/Berlin", "2026-03-30T00:30:00Z", "2026-03-30T03:30:00Z"},
		"skipped, and only on that day":              {"30 2 29 3 *", time.Hour, "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"},
		"half an hour is skipped":                    {"10 2 * * *", time.Hour, "Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-03T16:30:00Z"},
		"each hour, and one is skipped":              {"0 * * * *", 10 * time.Minute, "Europe/Berlin", "2026-03-29T01:05:00Z", "2026-03-29T01:10:00Z"},
		"at half past each hour, and one is skipped": {"30 * * * *", 10 * time.Minute, "Europe/Berlin", "2026-03-29T01:05:00Z", "2026-03-29T01:10:00Z"},
		"the hour that comes twice":                  {"0 2 * * *", time.Hour, "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"},
		"a second Saturday":                          {"0 2 * * SAT#2", time.Hour, "", "2026-11-14T02:30:00Z", "2026-11-14T03:00:00Z"},
		"a third Saturday":                           {"0 2 * * SAT#2", time.Hour, "", "2026-11-21T02:30:00Z", ""},
		"a fifth Sunday as 7":                        {"0 0 2 * * 7#5", time.Hour, "", "2026-11-29T02:30:00Z", "2026-11-29T03:00:00Z"},
		"Sunday as 7 in a range":                     {"0 2 * * 6-7", time.Hour, "", "2026-11-22T02:30:00Z", "2026-11-22T03:00:00Z"},
		"once in four years, not today":              {"0 2 29 2 *", time.Hour, "", "2026-02-28T02:30:00Z", ""},
		"once in four years":                         {"0 2 29 2 *", time.Hour, "", "2028-02-29T02:30:00Z", "2028-02-29T03:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if until, open := span(t, c.schedule, c.length, c.zone).Until(now); open {
			got = until.Format(time.RFC3339)
		}
		if got != c.until {
			t.Errorf("%s: open until %q, want %q", name, got, c.until)
		}
	}
}

func TestBadWindows(t *testing.T) {
	good := rules.Window{Name: "patch-night", Schedule: "0 2 * * SAT", Duration: time.Hour}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*rules.Window){
		"never comes":            func(w *rules.Window) { w.Schedule = "0 2 30 2 *" },
		"never closes":           func(w *rules.Window) { w.Schedule, w.Duration = "0 * * * *", time.Hour },
		"is not a cron":          func(w *rules.Window) { w.Schedule = "sometimes" },
		"is not a cron expr":     func(w *rules.Window) { w.Schedule = "" },
		"no fixed beginning":     func(w *rules.Window) { w.Schedule = "@every 2h" },
		"write at most 256":      func(w *rules.Window) { w.Schedule = "0 2 * * SAT" + strings.Repeat(",SAT", 100) },
		"a key of its own":       func(w *rules.Window) { w.Schedule = "CRON_TZ=UTC 0 2 * * *" },
		"is not the first to":    func(w *rules.Window) { w.Schedule = "0 2 * * SAT#6" },
		"exclude each other":     func(w *rules.Window) { w.Schedule = "0 2 1 * SAT#2" },
		"is too short":           func(w *rules.Window) { w.Duration = 0 },
		"is not a time zone":     func(w *rules.Window) { w.TimeZone = "Asia/Tokio" },
		"is not a name":          func(w *rules.Window) { w.Name = "" },
		"has such a combination": func(w *rules.Window) { w.Match = matchers(t, "kind=port", "kind=driver") },
	} {
		w := good
		change(&w)
		if err := w.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", w, err, want)
		}
	}
}
