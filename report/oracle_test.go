package report_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/history"
	"dswatch/report"
	"dswatch/rules"
)

// tale is a made-up history and what it is a report of.
type tale struct {
	entries  []history.Entry
	from, to time.Time
	zone     *time.Location
}

func key(i int) event.Key {
	return event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: fmt.Sprintf("p%d", i)}
}

// made makes a history of a month in a zone: states, silences over its end, deafness,
// restarts, a clock that is set back, and a store that went back.
func made(r *rand.Rand, year int, month time.Month, zone *time.Location) tale {
	m := tale{from: time.Date(year, month, 1, 0, 0, 0, 0, zone), to: time.Date(year, month+1, 1, 0, 0, 0, 0, zone), zone: zone}
	at := m.from.Add(-time.Duration(r.IntN(200)) * time.Hour)
	add := func(e history.Entry) {
		e.At = at
		m.entries = append(m.entries, e)
	}
	win, _ := json.Marshal([]rules.Window{{Name: "nightly", Schedule: "30 2 * * *", Duration: 90 * time.Minute, TimeZone: zone.String(), Match: matchers("name=p0")}})
	add(history.Entry{What: history.Started, Windows: win, Looks: []string{"process @every 10s"}})
	states := []event.State{event.Up, event.Degraded, event.Down, event.Unknown}
	for i := range 3 {
		add(history.Entry{What: history.State, Key: key(i), State: event.Up, Since: at.Add(-time.Hour), Expected: "yes", Carried: true})
	}
	for n := 0; at.Before(m.to.Add(24 * time.Hour)); n++ {
		at = at.Add(time.Duration(r.IntN(20*3600)) * time.Second)
		switch r.IntN(14) {
		case 0:
			from := at
			at = at.Add(time.Duration(r.IntN(7200)) * time.Second)
			add(history.Entry{What: history.Deaf, From: from})
			at = at.Add(time.Duration(r.IntN(7200)) * time.Second)
			add(history.Entry{What: history.Hearing, From: from})
		case 1:
			add(history.Entry{What: history.Stopped})
			at = at.Add(time.Duration(r.IntN(7200)) * time.Second)
			add(history.Entry{What: history.Started, From: at.Add(-time.Hour), Windows: win})
		case 2: // killed
			last := at
			at = at.Add(time.Duration(r.IntN(7200)) * time.Second)
			add(history.Entry{What: history.Started, From: last, Windows: win})
		case 3: // the clock is set back, or the store went back
			at = at.Add(-time.Duration(r.IntN(40*3600)) * time.Second)
		case 4:
			s := rules.Silence{ID: fmt.Sprint(n), Starts: at, Ends: at.Add(time.Duration(r.IntN(60*3600)+60) * time.Second), Match: matchers(fmt.Sprintf("name=p%d", r.IntN(3)))}
			text, _ := json.Marshal(s)
			add(history.Entry{What: history.Silenced, ID: s.ID, Silence: text})
		case 5: // it need not be there any more, or again
			add(history.Entry{What: history.State, Key: key(2), State: event.Up, Since: at.Add(-time.Minute), Expected: []string{"yes", "no"}[r.IntN(2)]})
		case 6: // it is said again
			for i := len(m.entries) - 1; i >= 0; i-- {
				if e := m.entries[i]; e.What == history.State {
					e.Carried = true
					add(e)
					break
				}
			}
		default:
			e := history.Entry{What: history.State, Key: key(r.IntN(3)), State: states[r.IntN(4)], Since: at.Add(-time.Duration(r.IntN(600)) * time.Second), Expected: "yes"}
			if e.State.Lost() {
				e.Impact = event.ProtectionLost
			}
			add(e)
		}
	}
	return m
}

func matchers(text string) rules.Matchers {
	m, err := rules.ParseMatcher(text)
	if err != nil {
		panic(err)
	}
	return rules.Matchers{m}
}

// second is what a naive reader, who looks at each second by itself, finds an item
// in: the state of the last entry that was so by then, unless nobody looked.
func second(m tale, i int, now int64, told []history.Entry, blind [][2]int64, quiet [][2]int64) string {
	var e *history.Entry
	for j := len(told) - 1; j >= 0; j-- {
		if told[j].From.Unix() <= now { // From is when it counts from, see counting
			e = &told[j]
			break
		}
	}
	switch {
	case e == nil || e.Expected != "yes":
		return "none"
	case e.State == event.Unknown || in(blind, now):
		return "unknown"
	case in(quiet, now):
		return "apart"
	}
	return string(e.State)
}

func in(all [][2]int64, now int64) bool {
	for _, s := range all {
		if s[0] <= now && now < s[1] {
			return true
		}
	}
	return false
}

// counting gives each entry of an item the moment from which it counts.
func counting(m tale, k event.Key) (out []history.Entry) {
	for _, e := range m.entries {
		if e.What != history.State || e.Key != k {
			continue
		}
		e.From = e.Since
		if n := len(out); n == 0 && e.Carried {
			e.From = e.At
		} else if n > 0 && out[n-1].State == e.State && out[n-1].Since.Equal(e.Since) {
			if out[n-1].Expected == e.Expected {
				continue
			}
			e.From = e.At
		}
		out = append(out, e)
	}
	return out
}

func nothing(m tale) (out [][2]int64) {
	var deaf, stopped int64
	for _, e := range m.entries {
		at := e.At.Unix()
		switch e.What {
		case history.Deaf:
			deaf = e.From.Unix()
		case history.Hearing, history.Started, history.Stopped:
			if deaf != 0 {
				out = append(out, [2]int64{deaf, at})
			}
			deaf = 0
			switch {
			case e.What == history.Stopped:
				stopped = at
			case e.What == history.Started && stopped != 0:
				out = append(out, [2]int64{stopped, at})
				stopped = 0
			case e.What == history.Started && !e.From.IsZero():
				out = append(out, [2]int64{e.From.Unix(), at})
			}
		}
	}
	for _, from := range []int64{deaf, stopped} {
		if from != 0 {
			out = append(out, [2]int64{from, m.to.Unix()})
		}
	}
	return out
}

// silent asks the rules themselves, minute by minute, when an item is silenced.
func silent(t *testing.T, m tale, k event.Key) (out [][2]int64) {
	window := rules.Window{Name: "nightly", Schedule: "30 2 * * *", Duration: 90 * time.Minute, TimeZone: m.zone.String()}
	one, err := window.Span(m.zone)
	if err != nil {
		t.Fatal(err)
	}
	for at := m.from; k.Name == "p0" && at.Before(m.to); at = at.Add(time.Minute) {
		if _, open := one.Until(at); !open {
			continue
		}
		if n := len(out); n > 0 && out[n-1][1] == at.Unix() {
			out[n-1][1] += 60
		} else {
			out = append(out, [2]int64{at.Unix(), at.Add(time.Minute).Unix()})
		}
	}
	last := map[string]rules.Silence{}
	for _, e := range m.entries {
		if e.What == history.Silenced {
			var s rules.Silence
			if err := json.Unmarshal(e.Silence, &s); err != nil {
				t.Fatal(err)
			}
			last[s.ID] = s
		}
	}
	for _, s := range last {
		if s.Match.Match(&rules.Subject{Key: k, Rule: rules.Loss, Severity: event.Critical}) {
			out = append(out, [2]int64{s.Starts.Unix(), s.Ends.Unix()})
		}
	}
	return out
}

// TestOracle compares reports with a reader who looks at each second: in months of
// 743 and 745 hours, in February of a leap year, with silences over the month's end,
// nightly windows, restarts, kills, a clock that is set back and a store that went back.
func TestOracle(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range []struct {
		year  int
		month time.Month
		zone  *time.Location
		hours float64
	}{
		{2026, time.March, berlin, 743}, {2026, time.October, berlin, 745}, {2028, time.February, tokyo, 29 * 24}, {2026, time.October, tokyo, 744},
	} {
		t.Run(fmt.Sprintf("%d-%02d %s", c.year, c.month, c.zone), func(t *testing.T) {
			t.Parallel()
			m := made(rand.New(rand.NewPCG(uint64(n), 7)), c.year, c.month, c.zone)
			if got := m.to.Sub(m.from).Hours(); got != c.hours {
				t.Fatalf("the month has %v hours", got)
			}
			r := report.NewReplay()
			for i := range m.entries {
				r.Add(&m.entries[i])
			}
			got := r.Report(report.Request{From: m.from, To: m.to, Now: m.to.AddDate(1, 0, 0), Zone: c.zone})
			blind := nothing(m)
			for i := range 3 {
				want := map[string]time.Duration{}
				told, quiet := counting(m, key(i)), silent(t, m, key(i))
				for now := m.from.Unix(); now < m.to.Unix(); now++ {
					want[second(m, i, now, told, blind, quiet)] += time.Second
				}
				delete(want, "none")
				var row report.Row
				for _, one := range got.Hosts[0].Rows {
					if one.Key == key(i) {
						row = one
					}
				}
				is := map[string]time.Duration{}
				for name, d := range map[string]time.Duration{"up": row.Up, "degraded": row.Degraded, "down": row.Down, "unknown": row.Unknown, "apart": row.Apart} {
					if d != 0 {
						is[name] = d
					}
				}
				if fmt.Sprint(is) != fmt.Sprint(want) {
					t.Errorf("%s is %v, by the second %v", key(i).Name, is, want)
				}
				var sum time.Duration
				for one := range got.Intervals {
					if one.Key == key(i) {
						sum += one.To.Sub(one.From)
					}
				}
				if sum != row.Base() {
					t.Errorf("%s: the intervals are %v, the row %v", key(i).Name, sum, row.Base())
				}
			}
		})
	}
}

// TestPercent: only what was never down is 100.00.
func TestPercent(t *testing.T) {
	for want, times := range map[string]report.Times{
		"100.00": {Up: time.Hour},
		"99.99":  {Up: 99_996 * time.Second, Down: 4 * time.Second},
		"0.01":   {Up: time.Second, Down: 1000 * time.Hour},
		"0.00":   {Down: time.Hour},
		"50.00":  {Up: time.Hour, Degraded: time.Hour, Down: 2 * time.Hour, Unknown: 9 * time.Hour},
		"-":      {Unknown: time.Hour},
	} {
		if got := times.Percent(); got != want {
			t.Errorf("%+v is %s, want %s", times, got, want)
		}
	}
}

// BenchmarkYear reports a year of 1,000 hosts of 20 items, each of which is lost
// twice a month.
func BenchmarkYear(b *testing.B) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var all []history.Entry
	for h := range 1000 {
		for i := range 20 {
			k := event.Key{Host: fmt.Sprintf("web%04d", h), Component: "agent", Kind: event.Process, Name: fmt.Sprintf("p%02d", i)}
			for n := range 24 {
				at := from.Add(time.Duration(n)*365*time.Hour + time.Duration(h*20+i)*time.Second)
				all = append(all, history.Entry{At: at, What: history.State, Key: k, State: event.Down, Since: at, Expected: "yes", Impact: event.ProtectionLost},
					history.Entry{At: at.Add(time.Hour), What: history.State, Key: k, State: event.Up, Since: at.Add(time.Hour), Expected: "yes"})
			}
		}
	}
	b.ReportMetric(float64(len(all)), "entries")
	for b.Loop() {
		r := report.NewReplay()
		for i := range all {
			r.Add(&all[i])
		}
		if out := r.Report(report.Request{From: from, To: from.AddDate(1, 0, 0), Now: from.AddDate(2, 0, 0), Zone: time.UTC}); len(out.Hosts) != 1000 {
			b.Fatal(len(out.Hosts))
		}
	}
}
