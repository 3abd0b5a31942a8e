package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// TestRestartRepeatsToNobodyElse restarts while one sink is told again and
// again and the other has heard all that it is to hear.
func TestRestartRepeatsToNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minute, never := time.Minute, time.Duration(0)
		set := &rules.Set{Language: "en", Routes: []rules.Route{{Sinks: []string{"nms"}, Repeat: &minute, Continue: true}, {Sinks: []string{"hook"}, Repeat: &never}}}
		w := newWorld(1)
		l := &list{row: row(t, key)}
		b, err := event.NewState("h", event.Change, event.Observation{Key: key, State: event.Down, Want: 2, At: time.Now()}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		w.publish(b)
		for range 3 {
			stop := startEngine(w, l, set)
			time.Sleep(150 * time.Second)
			synctest.Wait()
			w.deliver()
			stop()
		}
		if got := len(w.got["hook"]); got != 1 {
			t.Errorf("hook was told %d times, want once", got)
		}
		if got := len(w.got["nms"]); got < 6 {
			t.Errorf("nms was told %d times, want the repetitions too", got)
		}
	})
}

// TestRestartKnowsWhatWasTold restarts while the raise of an alert that is over
// still lies in the outbox, because it shares its message with a delivery that
// waits: the end was told, and must not be told again behind the next raise.
func TestRestartKnowsWhatWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		l := &list{row: row(t, key)}
		set := &rules.Set{Language: "en"}
		stop := startEngine(w, l, set)
		w.saw(t, key, event.Down)
		shared := w.outbox["nms"]
		w.deliver()
		for _, state := range []event.State{event.Up, event.Down} {
			w.saw(t, key, state)
			w.deliver()
		}
		stop()
		w.outbox["nms"] = shared
		stop = startEngine(w, l, set)
		defer stop()
		time.Sleep(time.Second)
		synctest.Wait()
		w.deliver()
		var got []event.Transition
		for _, a := range w.got["nms"] {
			got = append(got, a.Transition)
		}
		if want := []event.Transition{event.Raised, event.Cleared, event.Raised}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}
