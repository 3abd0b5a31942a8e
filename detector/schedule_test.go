package detector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"dswatch/event"
	"dswatch/setting"
)

func TestParseSchedule(t *testing.T) {
	from := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	for expr, want := range map[string]string{
		"@every 10s":                       "2026-11-22T03:04:15Z",
		"@every 1h30m":                     "2026-11-22T04:34:05Z",
		"*/5 * * * *":                      "2026-11-22T03:05:00Z",
		"30 */5 * * * *":                   "2026-11-22T03:05:30Z",
		"  0 4 * * *  ":                    "2026-11-22T04:00:00Z",
		"@hourly":                          "2026-11-22T04:00:00Z",
		"0 0 29 2 *":                       "2028-02-29T00:00:00Z",
		"CRON_TZ=Asia/Tokyo 0 13 * * *":    "2026-11-22T04:00:00Z",
		"TZ=Asia/Tokyo 0 13 * * *":         "2026-11-22T04:00:00Z",
		"CRON_TZ=Asia/Tokyo   @every 10s":  "2026-11-22T03:04:15Z",
		"CRON_TZ=America/New_York @hourly": "2026-11-22T04:00:00Z",
	} {
		s, err := ParseSchedule(expr)
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		if got := s.Next(from).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%q comes at %s, want %s", expr, got, want)
		}
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for name, expr := range map[string]string{
		"nothing":               "",
		"a word":                "often",
		"four fields":           "* * * *",
		"seven fields":          "* * * * * * *",
		"minute 61":             "61 * * * *",
		"a typo in every":       "@evry 10s",
		"every without unit":    "@every 10",
		"every zero":            "@every 0s",
		"every negative":        "@every -10s",
		"every below a second":  "@every 500ms",
		"every 1.5 seconds":     "@every 1500ms",
		"never":                 "0 0 31 2 *",
		"an empty list":         ", * * * *",
		"a zone alone":          "CRON_TZ=Asia/Tokyo",
		"a zone and blanks":     "TZ=Asia/Tokyo   ",
		"a zone without a name": "TZ= 0 * * * *",
		"an unknown zone":       "CRON_TZ=Asia/Toyko 0 * * * *",
		"a zone outside":        "CRON_TZ=../../etc/passwd 0 * * * *",
	} {
		_, err := ParseSchedule(expr)
		if err == nil {
			t.Errorf("%s (%q) was accepted", name, expr)
		} else if !strings.HasSuffix(err.Error(), scheduleExample) {
			t.Errorf("%s: the error does not end with an example: %v", name, err)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, s := range []string{"@every 10s", "*/5 * * * *", "30 */5 * * * *", "CRON_TZ=Asia/Tokyo 0 9 * * *", "TZ=", "TZ=x", "@every -1s", ", * * * *", "0 0 31 2 *", "1-5/9999999999 * * * *"} {
		f.Add(s)
	}
	from := time.Date(2026, 11, 22, 3, 4, 5, 6, time.UTC)
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := ParseSchedule(expr)
		if err != nil {
			return
		}
		at := from
		for range 3 {
			next := s.Next(at)
			if next.IsZero() { // for example 29 February after 2096
				return
			}
			if next.Sub(at) < 900*time.Millisecond && next.Nanosecond() != 0 || !next.After(at) {
				t.Fatalf("%q: after %s comes %s", expr, at, next)
			}
			at = next
		}
	})
}

// stepped returns t as the clocks would show it after the wall clock was set
// by d while the monotonic clock went on. The layout is time.Time's own; the
// first check fails if it ever changes.
func stepped(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	out := at
	*(*uint64)(unsafe.Pointer(&out)) += uint64(d/time.Second) << 30
	if out.Sub(at) != 0 || out.Round(0).Sub(at.Round(0)) != d {
		t.Fatal("time.Time has another layout than this test knows")
	}
	return out
}

// TestClockSet tells a wall clock that was set from time that passed.
func TestClockSet(t *testing.T) {
	start := time.Now()
	for _, step := range []time.Duration{-24 * time.Hour, -time.Hour, 0, time.Hour, 24 * time.Hour} {
		if got := set(start, stepped(t, start.Add(time.Minute), step)); got != step {
			t.Errorf("a clock that was set by %s was set by %s", step, got)
		}
	}
}

func TestSettings(t *testing.T) {
	if err := DefaultSettings().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		edit func(*Settings)
		key  string
		want string
	}{
		"a bad schedule":     {func(s *Settings) { s.Schedule = "every day" }, "schedule", "@every 10s"},
		"no timeout":         {func(s *Settings) { s.Timeout = 0 }, "timeout", "5s"},
		"an endless timeout": {func(s *Settings) { s.Timeout = time.Hour }, "timeout", "10m0s"},
		"just too long":      {func(s *Settings) { s.Timeout = 10*time.Minute + 1 }, "timeout", "10m0s"},
		"a negative jitter":  {func(s *Settings) { s.Jitter = -1 }, "jitter", "0s"},
		"too much jitter":    {func(s *Settings) { s.Jitter = 10 * time.Second }, "jitter", "10s between two looks"},
		"uneven gaps":        {func(s *Settings) { s.Schedule = "0,50 * * * * *"; s.Jitter = 10 * time.Second }, "jitter", "10s between two looks"},
	} {
		t.Run(name, func(t *testing.T) {
			s := DefaultSettings()
			c.edit(&s)
			err := s.Validate()
			var bad *setting.Error
			if !errors.As(err, &bad) || bad.Key != c.key || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one of %s with %q", err, c.key, c.want)
			}
		})
	}
	for name, ok := range map[string]Settings{
		"a leap-day schedule":  {Schedule: "0 0 29 2 *", Timeout: time.Second, Jitter: time.Hour},
		"the longest timeout":  {Schedule: "@every 10s", Timeout: 10 * time.Minute},
		"the shortest timeout": {Schedule: "@every 10s", Timeout: 1},
		"the longest jitter":   {Schedule: "@every 10s", Timeout: time.Second, Jitter: 10*time.Second - 1},
	} {
		if err := ok.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("pid 12\nx")
	f.Add(strings.Repeat("監", 2000))
	f.Add("\xff\xfe\u202e\u2066\x9b31m")
	f.Fuzz(func(t *testing.T, s string) {
		got := plain(s)
		if len(got) > event.MaxDetail || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t\x00\x1b\u0085\u009b\u2028\u2029\u202e\u2066") {
			t.Fatalf("%q became %q", s, got)
		}
		if plain(got) != got {
			t.Fatalf("%q is not stable", got)
		}
	})
}

// A change that waits is told as a change first; the snapshot must not
// overtake it.
func TestSnapshotDoesNotOvertakeAChange(t *testing.T) {
	k := event.Key{Host: "h", Component: "c", Kind: event.Process, Name: "x"}
	var told taken
	down := []event.Observation{{Key: k, State: event.Down, Want: 1, At: time.Now()}}
	s, err := NewScheduler(Options{Observer: "h", Publisher: &told, Jobs: []Job{{Name: "x", Schedule: "@hourly", Timeout: time.Second,
		Keys: []event.Key{k}, Detector: detect(func() []event.Observation { return down })}}})
	if err != nil {
		t.Fatal(err)
	}
	s.record(s.complete(s.jobs[0], time.Now(), down, nil))
	for range 2 {
		if err := s.publishSnapshot(t.Context(), s.sorted()); err != nil {
			t.Fatal(err)
		}
		if err := s.publishPending(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 2 || told[0].ID != told[1].ID {
		t.Errorf("told %v, want the queued event, then the snapshot", told)
	}
}

type taken []event.Event

func (p *taken) Publish(_ context.Context, events []event.Event) error {
	*p = append(*p, events...)
	return nil
}

func TestOpenJobIsBounded(t *testing.T) {
	answer := make([]event.Observation, 5)
	for i := range answer {
		answer[i] = event.Observation{Key: event.Key{Host: "h", Component: "c", Kind: event.Module, Name: string(rune('a' + i))}, State: event.Up, Found: 1, Want: 1}
	}
	s, err := NewScheduler(Options{Observer: "o", Jobs: []Job{{Name: "open", Schedule: "@hourly", Timeout: time.Second, Open: true,
		Detector: detect(func() []event.Observation { return answer })}}})
	if err != nil {
		t.Fatal(err)
	}
	s.jobs[0].most = 3
	for range 2 {
		if got := s.Pass(t.Context()); len(got) != 3 {
			t.Fatalf("%d items, want 3", len(got))
		}
	}
	answer = answer[2:] // two leave, and make room for two
	if got := s.Pass(t.Context()); len(got) != 1 {
		t.Errorf("%d items, want 1: there was no room when they came", len(got))
	}
	if got := s.Pass(t.Context()); len(got) != 3 {
		t.Errorf("%d items, want 3", len(got))
	}
}

type detect func() []event.Observation

func (f detect) Detect(context.Context) ([]event.Observation, error) { return f(), nil }

// parted answers in parts, and must not be asked for the whole.
type parted func(yield func(event.Observation) bool)

func (parted) Detect(context.Context) ([]event.Observation, error) {
	return nil, errors.New("the whole was asked for")
}

func (f parted) Stream(context.Context) (iter.Seq[event.Observation], error) {
	return iter.Seq[event.Observation](f), nil
}

// TestStreamer: an answer in parts is told like a whole one. The first look is
// not queued a second time: what waits of it is the look itself, also when the
// item has changed meanwhile or has left.
func TestStreamer(t *testing.T) {
	at := func(host string) event.Key {
		return event.Key{Host: host, Component: "agent", Kind: event.Module, Name: "m"}
	}
	states := map[string]event.State{}
	var hosts []string
	d := parted(func(yield func(event.Observation) bool) {
		for _, h := range hosts {
			o := event.Observation{Key: at(h), State: states[h], Want: 1}
			if h == "twice" && !yield(event.Observation{Key: at(h), State: event.Down, Want: 1}) {
				return
			}
			if !yield(o) {
				return
			}
		}
	})
	var told taken
	s, err := NewScheduler(Options{Observer: "hub", Publisher: &told, Jobs: []Job{{Name: "m", Schedule: "@hourly", Timeout: time.Second,
		Keys: []event.Key{at("own")}, Known: []event.Key{at("old")}, Open: true, Detector: d}}})
	if err != nil {
		t.Fatal(err)
	}
	pass := func(seen ...string) {
		hosts = nil
		for _, h := range seen {
			name, state, _ := strings.Cut(h, " ")
			hosts, states[name] = append(hosts, name), event.State(state)
		}
		s.pass(t.Context(), s.jobs[0])
	}
	pass("own up", "a up", "b up", "twice up")
	pass("own up", "a down", "b up")
	pass("a up", "b up", "c bad")
	pass("own up", "b up", "c up", "a up")
	if st := s.Stats(); st.Pending != len(s.pending) || st.Jobs[0].LastErr != "" {
		t.Errorf("%+v", st)
	}
	if err := s.publishPending(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range told {
		got = append(got, fmt.Sprintf("%s %s %s", e.Reason, e.Key().Host, e.Observation.State))
	}
	want := []string{
		"snapshot own up", "snapshot a up", "snapshot b up", "snapshot twice down", "gone old unknown",
		"change a down", "gone twice unknown",
		"change a up", "snapshot c unknown", "change own unknown",
		"change own up", "change c up",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(s.items) != 4 || s.pending != nil {
		t.Errorf("%d items, %d pending", len(s.items), len(s.pending))
	}
	for name, it := range s.items {
		if it.waiting != 0 || it.unsaid || it.first != nil {
			t.Errorf("%v: %+v", name, it)
		}
	}
}

// TestItemIsSmall: of the computers of one manager half a million are kept.
func TestItemIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(item{}) + unsafe.Sizeof(id{}) + unsafe.Sizeof(&item{}); n > 152 {
		t.Errorf("%d bytes for an item, want 152 at most", n)
	}
}
