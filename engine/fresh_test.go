package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// TestKnownOnceFlushed: a power loss may take all that says that a sink which
// just came was told of what is open. It is not known before that is on the disk,
// so it hears again and is owed the end.
func TestKnownOnceFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, &rules.Set{Settings: rules.Defaults(), Language: "en"})
		w := s.w
		defer func() { s.stop() }()
		k := event.Key{Host: "web01", Component: event.Agent, Kind: event.Process, Name: "dsa.exe"}
		s.facts("os=windows", "components=agent")
		s.observe(k, event.Down)
		s.wait(time.Minute)
		w.deliver()
		before := w.statuses[k.Hash()]
		w.mu.Lock()
		w.sinks, w.receipts["chat"] = append(slices.Clone(w.sinks), "chat"), map[string]event.Receipt{}
		w.mu.Unlock()
		s.restart()
		if n := len(w.outbox["chat"]); n != 1 || slices.Contains(w.known.Sinks, "chat") {
			t.Fatalf("the new sink was told %d times, and known are %v", n, w.known.Sinks)
		}
		s.stop()
		w.statuses[k.Hash()], w.outbox["chat"] = before, nil // the power fails
		s.stop = startEngine(w, s.rows, s.set)
		synctest.Wait()
		if n := len(w.outbox["chat"]); n != 1 {
			t.Errorf("after the power loss the new sink was told %d times, want 1", n)
		}
		s.wait(unsyncedFor + time.Second)
		if !slices.Contains(w.known.Sinks, "chat") {
			t.Errorf("known are %v, want the new one as well", w.known.Sinks)
		}
		s.observe(k, event.Up)
		s.wait(time.Minute)
		if n := len(w.outbox["chat"]); n != 2 {
			t.Errorf("the new sink waits for %d, want the end as well", n)
		}
	})
}
