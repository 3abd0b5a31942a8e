package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
)

// TestTokenOfAnother: a host is called like the token of another one. What is
// told of one does not end the alert of the other, in either direction, and what
// an earlier version stored under the shared key stays what is known of its host.
func TestTokenOfAnother(t *testing.T) {
	pair := [2]string{"web01.example.com", "web01_example_com-f6020bbc"}
	facts := func(w *world, host, relay string) []byte {
		_, data, err := event.EncodeFacts(event.FactsReport{Host: host, Observer: host, At: w.wall(),
			Facts: event.Facts{event.Relay: {Value: relay, Origin: "declared"}}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for i, host := range pair {
		t.Run(host, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				other := pair[1-i]
				w := newWorld(1)
				const old = "web01_example_com-f6020bbc" // of both
				w.facts[old] = engine.Record{Key: old, Value: facts(w, host, event.On), Revision: 7}
				k := event.Key{Host: host, Component: "agent", Kind: event.Process, Name: "relay"}
				stop := startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
				defer func() { stop() }()
				firing := func(when string, want bool) {
					t.Helper()
					synctest.Wait()
					found := w.engine.Find(func(s *rules.Status) bool { return s.Key == k })
					if len(found) != 1 {
						t.Fatalf("%s: %d items", when, len(found))
					}
					if got := found[0].Status.Slot(rules.Loss).Phase == rules.Firing; got != want {
						t.Errorf("%s: firing %v, want %v", when, got, want)
					}
					if f, _ := found[0].Snapshot.Facts.Get(event.Relay); (f.Value == event.On) != want {
						t.Errorf("%s: relay of %s is %q", when, host, f.Value)
					}
				}
				w.saw(t, k, event.Down)
				time.Sleep(time.Minute)
				firing("lost", true)
				if got := w.facts[event.Token(host)]; string(got.Value) == "" || event.Token(host) != old && w.facts[old].Value != nil {
					t.Errorf("what was stored is not under %s alone", event.Token(host))
				}
				w.publish(facts(w, other, event.Off))
				time.Sleep(time.Minute)
				firing("the other was told of", true)
				stop()
				stop = startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
				time.Sleep(time.Minute)
				firing("started again", true)
				w.publish(facts(w, host, event.Off))
				time.Sleep(time.Minute)
				firing("told of itself", false)
			})
		})
	}
	if a, b := event.Token(pair[0]), event.Token(pair[1]); a == b || strings.ContainsAny(a+b, ".*>") {
		t.Errorf("%s and %s", a, b)
	}
}
