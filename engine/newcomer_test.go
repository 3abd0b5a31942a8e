package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// TestReplayWhenTheHoursBegin: what was open when a sink came is marked as replay
// also where the hours of its route begin later, and after a restart; what rose
// after it came is not, and neither is an escalation.
func TestReplayWhenTheHoursBegin(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, quick)
			defer func() { s.stop() }()
			s.facts("os=windows", "components=agent", "communication=bidirectional")
			s.see("port/4118/tcp=down")
			s.wait(2 * time.Minute)
			set := *s.set
			set.Routes = routes(t, rules.Route{Sinks: []string{"nms"}, Continue: true, Escalate: &rules.Escalation{After: 10 * time.Minute, Sinks: []string{"boss"}}},
				rules.Route{Sinks: []string{"day"}, Hours: []rules.Hours{{From: "00:15"}}})
			s.set, s.w.sinks = &set, []string{"nms", "day", "boss"}
			s.w.receipts["day"], s.w.receipts["boss"] = map[string]event.Receipt{}, map[string]event.Receipt{}
			s.restart()
			s.wait(time.Minute)
			s.see("process/dsa.exe=down")
			s.wait(10 * time.Minute)
			if restart {
				s.restart()
			}
			s.wait(5 * time.Minute)
			s.w.deliver()
			for sink, want := range map[string][]string{
				"day":  {"port/4118/tcp raised, replay true", "process/dsa.exe raised, replay false"},
				"boss": {"port/4118/tcp raised, replay false", "process/dsa.exe raised, replay false"},
			} {
				var got []string
				for _, a := range s.w.got[sink] {
					got = append(got, fmt.Sprintf("%s %s, replay %v", a.Key.Row(), a.Transition, a.Replay))
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("restart %v: %s was told %q, want %q", restart, sink, got, want)
				}
			}
			for _, a := range s.w.got["nms"] {
				if a.Replay || a.Transition == event.Cleared {
					t.Errorf("restart %v: nms was told %s, replay %v", restart, a.Transition, a.Replay)
				}
			}
		})
	}
}

// TestReplayOfADigest: so it is of a digest that was open when the sink came.
func TestReplayOfADigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := *quick
		set.Storm = rules.StormSettings{Alerts: 2, Window: time.Minute, Every: 30 * time.Second, Settle: time.Hour}
		var rows []catalog.Row
		for n := range 6 {
			rows = append(rows, catalog.Row{Kind: event.Process, Name: fmt.Sprint("own", n)})
		}
		s := newStage(t, &set, rows...)
		defer func() { s.stop() }()
		s.facts("os=windows", "components=agent")
		for _, r := range rows {
			s.see("process/" + r.Name + "=down")
		}
		s.wait(2 * time.Minute)
		set.Routes = routes(t, rules.Route{Sinks: []string{"nms"}, Continue: true},
			rules.Route{Sinks: []string{"day"}, Hours: []rules.Hours{{From: "00:15"}}})
		s.w.sinks = []string{"nms", "day"}
		s.w.receipts["day"] = map[string]event.Receipt{}
		s.restart()
		s.wait(16 * time.Minute)
		s.w.deliver()
		digests := 0
		for _, a := range s.w.got["day"] {
			if !a.Replay || a.Transition != event.Raised {
				t.Errorf("day was told %s %s, replay %v", a.Key.Row(), a.Transition, a.Replay)
			}
			if a.Rule == event.RuleStorm {
				digests++
			}
		}
		if digests != 1 || len(s.w.got["day"]) != 3 {
			t.Errorf("day was told %d, %d of them digests; want 3, one of them a digest", len(s.w.got["day"]), digests)
		}
	})
}
