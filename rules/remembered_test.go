package rules

import (
	"slices"
	"testing"
	"time"

	"dswatch/event"
)

// TestAlerting: any open alert of an item counts, a closed one does not.
func TestAlerting(t *testing.T) {
	for _, rule := range RuleNames() {
		for phase, want := range map[Phase]bool{Firing: true, Held: false, Settled: false} {
			var st Status
			st.own(rule).Phase = phase
			if st.Alerting() != want {
				t.Errorf("%s %s: %v", rule, phase, st.Alerting())
			}
		}
	}
	if (&Status{}).Alerting() {
		t.Error("without a slot")
	}
}

// TestStormKeepsWhatCounts: of the alerts that rose, as many are kept as one
// has to look back.
func TestStormKeepsWhatCounts(t *testing.T) {
	s := NewStorm("h")
	for i := range 100 {
		s.Count(time.Unix(int64(i), 0), Loss, 5)
	}
	if rose := s.rising[Loss]; len(rose) != 5 || rose[0].Unix() != 95 || rose[4].Unix() != 99 {
		t.Errorf("%v", rose)
	}
	if s.Count(time.Unix(0, 0), Unseen, 0); len(s.rising[Unseen]) != 0 {
		t.Error("counted where storms are switched off")
	}
}

// TestRenamedSinkOfTwo: of two sinks that become one, the alert counts one
// among those that were there when it was raised.
func TestRenamedSinkOfTwo(t *testing.T) {
	for name, c := range map[string]struct {
		sinks []string
		early int
		want  []string
		left  int
	}{
		"both from the beginning":       {[]string{"old", "new", "x"}, 3, []string{"new", "x"}, 2},
		"one of them later":             {[]string{"old", "x", "new"}, 2, []string{"new", "x"}, 2},
		"both later":                    {[]string{"x", "old", "new"}, 1, []string{"x", "new"}, 1},
		"the new name was never told":   {[]string{"old", "x"}, 2, []string{"new", "x"}, 2},
		"nobody was there at the start": {[]string{"old", "new"}, 0, []string{"new"}, 0},
	} {
		slot := Slot{Sinks: c.sinks, Early: c.early}
		if slot.renameSink("old", "new"); !slices.Equal(slot.Sinks, c.want) || slot.Early != c.left {
			t.Errorf("%s: %v, %d early, want %v, %d", name, slot.Sinks, slot.Early, c.want, c.left)
		}
	}
}

// TestDigestTellsOnlyNews: a firing digest tells what it has not told, once its
// time has come, and nothing by itself where it has no time of its own.
func TestDigestTellsOnlyNews(t *testing.T) {
	s := &Set{Settings: Settings{Storm: StormSettings{Alerts: 2, Window: time.Minute, Every: 30 * time.Second, Settle: time.Hour}}, Language: "en"}
	now := time.Unix(1_800_000_000, 0).UTC()
	st := Status{Key: event.Key{Host: "h", Component: event.Agent, Kind: event.Process, Name: "p"}, Event: "e", Seen: event.Observation{State: event.Down}}
	members := func(n int) Members {
		return Members{
			Count: n, Explained: func() []event.Affected { return nil },
			Each: func(yield func(*Status, Snapshot) bool) {
				for range n {
					if !yield(&st, Snapshot{Sinks: []string{"told", "never"}}) {
						return
					}
				}
			},
		}
	}
	for name, c := range map[string]struct {
		count int
		after time.Duration
		want  string
	}{
		"one more, in time":       {3, 31 * time.Second, "changed"},
		"one more, too early":     {3, 29 * time.Second, ""},
		"the same":                {2, time.Hour, ""},
		"one less, nothing to do": {1, time.Hour, ""},
	} {
		d := &Digest{
			Key: event.Key{Host: "h", Component: "dswatch", Kind: event.Host, Name: "storm"}, Rule: Loss, Told: 2, Total: 2, Last: now, Joined: now,
			Slot: Slot{Phase: Firing, ID: "d", Seq: 1, Sinks: []string{"told"}, Started: now, State: event.Down, Severity: event.Critical},
		}
		told, _ := s.Advance(now.Add(c.after), d, members(c.count))
		got := ""
		for _, one := range told {
			got += string(one.Outcome)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
