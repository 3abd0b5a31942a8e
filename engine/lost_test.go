package engine_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// storming is a stage on which two sinks have been told one digest of three
// losses on as many hosts, and nothing else but the first two of them.
func storming(t *testing.T, storm rules.StormSettings) *stage {
	t.Helper()
	s := newStage(t, &rules.Set{Language: "en", Settings: rules.Settings{Storm: storm}})
	s.w.sinks = []string{"nms", "hook"}
	s.restart()
	for _, host := range []string{"web01", "web02", "web03", "web04"} {
		s.tell(host, "os=windows", "components=agent", "agent_version=20.0.2-1", "features.anti_malware=on", "features.firewall=on")
		s.observe(notifierOf(host), event.Up)
	}
	synctest.Wait()
	for _, host := range []string{"web01", "web02", "web03", "web04"} {
		s.observe(notifierOf(host), event.Down)
	}
	s.wait(2 * time.Minute)
	s.w.deliver()
	return s
}

func notifierOf(host string) event.Key {
	return event.Key{Host: host, Component: event.Agent, Kind: event.Process, Name: "coreFrameworkHost.exe"}
}

// digests are the transitions of digests that each sink was told.
func (s *stage) digests() map[string][]event.Transition {
	s.w.deliver()
	all := map[string][]event.Transition{}
	for _, sink := range s.w.sinks {
		for _, a := range s.w.got[sink] {
			if a.Rule == event.RuleStorm {
				all[sink] = append(all[sink], a.Transition)
			}
		}
	}
	return all
}

// TestALostDigestEndsAtEverySink: a digest of which nothing is stored any more is
// ended at each sink that holds it open, and only once.
func TestALostDigestEndsAtEverySink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storming(t, rules.StormSettings{Alerts: 2, Window: time.Minute, Every: time.Minute, Settle: 10 * time.Minute})
		defer func() { s.stop() }()
		for sink, got := range s.digests() {
			if len(got) == 0 || got[0] != event.Raised || slices.Contains(got, event.Cleared) {
				t.Fatalf("%s was told %v before the loss", sink, got)
			}
		}
		s.stop()
		clear(s.w.statuses)
		s.stop = startEngine(s.w, s.rows, s.set)
		s.wait(time.Minute)
		for _, host := range []string{"web01", "web02", "web03", "web04"} {
			s.observe(notifierOf(host), event.Up)
		}
		s.wait(time.Hour)
		ends := s.digests()
		for _, sink := range s.w.sinks {
			n := 0
			for _, tr := range ends[sink] {
				if tr == event.Cleared {
					n++
				}
			}
			if n != 1 || ends[sink][len(ends[sink])-1] != event.Cleared {
				t.Errorf("%s was told %v", sink, ends[sink])
			}
		}
		s.w.checkPairs(t)
	})
}

// TestADigestThatWasOverBeforeARestart: the stored records are older than the end
// that the sinks were told. Whoever is still lost by those records is spoken for by
// another alert than the one that is over.
func TestADigestThatWasOverBeforeARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storming(t, rules.StormSettings{Alerts: 2, Window: time.Minute, Every: time.Minute, Settle: 10 * time.Minute})
		defer func() { s.stop() }()
		older := maps.Clone(s.w.statuses)
		for _, host := range []string{"web01", "web02", "web03", "web04"} {
			s.observe(notifierOf(host), event.Up)
		}
		s.wait(time.Hour)
		for sink, got := range s.digests() {
			if got[len(got)-1] != event.Cleared {
				t.Fatalf("%s was told %v", sink, got)
			}
		}
		s.stop()
		clear(s.w.statuses)
		maps.Copy(s.w.statuses, older)
		s.stop = startEngine(s.w, s.rows, s.set)
		s.wait(5 * time.Minute)
		s.w.deliver()
		for _, sink := range s.w.sinks {
			open := map[string]event.Alert{}
			for _, a := range s.w.got[sink] {
				if open[a.ID] = a; !a.Transition.Firing() {
					delete(open, a.ID)
				}
			}
			spoken := map[string]bool{}
			for _, a := range open {
				spoken[a.Key.Host] = true
				for _, m := range a.Affected {
					spoken[m.Key.Host] = true
				}
			}
			for _, host := range []string{"web01", "web02", "web03", "web04"} {
				if !spoken[host] {
					t.Errorf("%s: nothing speaks for the loss on %s", sink, host)
				}
			}
		}
		for _, host := range []string{"web01", "web02", "web03", "web04"} {
			s.observe(notifierOf(host), event.Up)
		}
		s.wait(time.Hour)
		s.w.deliver()
		s.w.checkPairs(t)
	})
}
