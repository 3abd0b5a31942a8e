package rules_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
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

// TestEditSilence: what is not given stays, what it was is in the history, and
// what makes no sense is refused.
func TestEditSilence(t *testing.T) {
	now := t0.Add(time.Hour)
	old := rules.Silence{ID: "s", Match: matchers(t, "host=web01"), Starts: t0, Ends: t0.Add(2 * time.Hour), Author: "kim", Comment: "patching", History: []rules.Entry{{At: t0, By: "kim", What: "added"}}}
	for name, c := range map[string]struct {
		edit    rules.Edit
		change  func(*rules.Silence) // of the one that is edited
		want    func(*rules.Silence) // beside the history
		history string               // of the last entry; of a refusal: a part of the error
	}{
		"longer":        {rules.Edit{Ends: t0.Add(5 * time.Hour)}, nil, func(s *rules.Silence) { s.Ends = t0.Add(5 * time.Hour) }, "changed end " + stamp(2) + " to " + stamp(5)},
		"other hosts":   {rules.Edit{Match: matchers(t, "host=web02")}, nil, func(s *rules.Silence) { s.Match = matchers(t, "host=web02") }, `changed matchers host="web01" to host="web02"`},
		"another word":  {rules.Edit{Comment: "ticket 7"}, nil, func(s *rules.Silence) { s.Comment = "ticket 7" }, `changed comment "patching" to "ticket 7"`},
		"until cleared": {rules.Edit{Cleared: true}, nil, func(s *rules.Silence) { s.Ends, s.Waits = time.Time{}, now.Add(rules.SilenceWait) }, "changed end " + stamp(2) + " to until cleared"},
		"not until cleared any more": {rules.Edit{Ends: t0.Add(3 * time.Hour)}, func(s *rules.Silence) { s.Ends, s.Began = time.Time{}, t0 },
			func(s *rules.Silence) { s.Ends, s.Began = t0.Add(3*time.Hour), time.Time{} }, "changed end until cleared to " + stamp(3)},
		"nothing":            {rules.Edit{}, nil, nil, "nothing of the silence is changed"},
		"two ends":           {rules.Edit{Cleared: true, Ends: t0.Add(9 * time.Hour)}, nil, nil, "has one end"},
		"a wait alone":       {rules.Edit{Waits: t0.Add(9 * time.Hour)}, nil, nil, "say so, too"},
		"in the past":        {rules.Edit{Ends: t0.Add(time.Minute)}, nil, nil, "or expire it"},
		"one that is over":   {rules.Edit{Comment: "x"}, func(s *rules.Silence) { s.Ends = now }, nil, "has ended already"},
		"no such alert":      {rules.Edit{Match: matchers(t, "host=a", "host=b")}, nil, nil, "no alert has such a combination"},
		"for the 101st time": {rules.Edit{Comment: "x"}, func(s *rules.Silence) { s.History = make([]rules.Entry, 100) }, nil, "add a new one"},
		"a long history":     {rules.Edit{Comment: "x"}, func(s *rules.Silence) { s.History = []rules.Entry{{What: strings.Repeat("x", 32<<10)}} }, nil, "history of the silence is longer"},
		"too many matchers":  {rules.Edit{Match: slices.Repeat(matchers(t, "host!=web01"), 300)}, nil, nil, "matchers are longer than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := old
			if c.change != nil {
				c.change(&s)
			}
			got, err := s.Edit(now, "lee", c.edit)
			if c.want == nil {
				if err == nil || !strings.Contains(err.Error(), c.history) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			want := s
			c.want(&want)
			want.History = append(slices.Clone(s.History), rules.Entry{At: now, By: "lee", What: c.history})
			if n := len(got.History) - 1; n >= 0 {
				want.History[n].Said = got.History[n].Said // What is its English
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
			if len(s.History) != 1 {
				t.Error("the old one was changed")
			}
		})
	}
}

// TestSilenceComesAgain: it is in force as a window is, between its start and
// its end, also after it was stored; and one that cannot be read never is.
func TestSilenceComesAgain(t *testing.T) {
	at := func(s string) time.Time {
		t.Helper()
		got, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	nightly := rules.Silence{
		ID: "s", Match: matchers(t, "host=web01"), Starts: at("2026-11-21T12:00:00Z"), Every: "0 2 * * *", Lasts: 3 * time.Hour, TimeZone: "Asia/Tokyo",
		Author: "kim", Comment: "backups",
	}
	if err := nightly.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*rules.Silence)
		at     string
		active bool
		opens  string // now, or next; empty: never again
		closes string
	}{
		"before the first":         {nil, "2026-11-21T11:00:00Z", false, "2026-11-21T17:00:00Z", "2026-11-21T20:00:00Z"},
		"at its first moment":      {nil, "2026-11-21T17:00:00Z", true, "2026-11-21T17:00:00Z", "2026-11-21T20:00:00Z"},
		"at its last":              {nil, "2026-11-21T20:00:00Z", false, "2026-11-22T17:00:00Z", "2026-11-22T20:00:00Z"},
		"months later":             {nil, "2027-03-01T18:00:00Z", true, "2027-03-01T17:00:00Z", "2027-03-01T20:00:00Z"},
		"begins in the middle":     {func(s *rules.Silence) { s.Starts = at("2026-11-21T18:00:00Z") }, "2026-11-21T17:30:00Z", false, "2026-11-21T18:00:00Z", "2026-11-21T20:00:00Z"},
		"ends in the middle":       {func(s *rules.Silence) { s.Ends = at("2026-11-21T18:00:00Z") }, "2026-11-21T17:30:00Z", true, "2026-11-21T17:00:00Z", "2026-11-21T18:00:00Z"},
		"is over":                  {func(s *rules.Silence) { s.Ends = at("2026-11-21T18:00:00Z") }, "2026-11-21T18:00:00Z", false, "", ""},
		"ends before it begins":    {func(s *rules.Silence) { s.Ends = at("2026-11-21T17:00:00Z") }, "2026-11-21T13:00:00Z", false, "", ""},
		"a schedule of the future": {func(s *rules.Silence) { s.Every = "@full-moon" }, "2026-11-21T18:00:00Z", false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := nightly
			if c.change != nil {
				c.change(&s)
			}
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var stored rules.Silence
			if err := json.Unmarshal(b, &stored); err != nil {
				t.Fatal(err)
			}
			for _, s := range []rules.Silence{s.Scheduled(), stored} {
				opens, closes := s.Opening(at(c.at))
				got := [2]string{}
				if !opens.IsZero() {
					got = [2]string{opens.UTC().Format(time.RFC3339), closes.UTC().Format(time.RFC3339)}
				}
				if active := s.Active(at(c.at)); active != c.active || got != [2]string{c.opens, c.closes} {
					t.Errorf("active %v, %v, want %v, %s to %s", active, got, c.active, c.opens, c.closes)
				}
			}
		})
	}
	for want, change := range map[string]func(*rules.Silence){
		"does not wait":      func(s *rules.Silence) { s.Waits = s.Starts.Add(time.Hour) },
		"give a schedule":    func(s *rules.Silence) { s.Every = "" },
		"never closes":       func(s *rules.Silence) { s.Lasts = 24 * time.Hour },
		"is too short":       func(s *rules.Silence) { s.Lasts = 0 },
		"is not a time zone": func(s *rules.Silence) { s.TimeZone = "Mars" },
		"is not a cron":      func(s *rules.Silence) { s.Every = "nightly" },
	} {
		s := nightly
		if change(&s); s.Validate() == nil || !strings.Contains(s.Validate().Error(), want) {
			t.Errorf("%v, want %q", s.Validate(), want)
		}
	}
	edited, err := nightly.Edit(nightly.Starts, "lee", rules.Edit{Every: "0 3 * * *", Lasts: time.Hour, Ends: at("2026-12-01T00:00:00Z")})
	if opens, closes := edited.Opening(nightly.Starts); err != nil || !opens.Equal(at("2026-11-21T18:00:00Z")) || closes.Sub(opens) != time.Hour ||
		edited.History[0].What != "changed times 0 2 * * * for 3h0m0s Asia/Tokyo to 0 3 * * * for 1h0m0s Asia/Tokyo; changed end never to 2026-12-01T00:00:00Z" {
		t.Errorf("edited: %+v, %v", edited, err)
	}
	if edited, err = nightly.Edit(nightly.Starts, "lee", rules.Edit{Lasts: time.Hour, Ends: at("2026-11-21T13:00:00Z")}); err != nil || edited.Lasts != time.Hour || !edited.Ends.IsZero() {
		t.Errorf("another length: %+v, %v", edited, err)
	}
	once := rules.Silence{ID: "s", Match: nightly.Match, Starts: t0, Ends: t0.Add(time.Hour), Author: "kim", Comment: "x"}
	if _, err := once.Edit(t0, "lee", rules.Edit{Every: "0 3 * * *"}); err == nil || !strings.Contains(err.Error(), "does not come again") {
		t.Errorf("one that comes once: %v", err)
	}
	if _, err := nightly.Edit(nightly.Starts, "lee", rules.Edit{Cleared: true}); err == nil {
		t.Error("it would wait for an alert")
	}
}

func stamp(hours int) string {
	return t0.Add(time.Duration(hours) * time.Hour).UTC().Format(time.RFC3339)
}
