package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
)

// saw publishes one observation and lets the engine deal with it.
func (w *world) saw(t *testing.T, k event.Key, state event.State) {
	t.Helper()
	b, err := event.NewState("h", event.Change, event.Observation{Key: k, State: state, Want: 2, At: w.wall()}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	w.publish(b)
	time.Sleep(time.Second)
	synctest.Wait()
}

// TestAcknowledgeNeedsAnID: a client that sends no id means no alert, and not
// the only one that is open.
func TestAcknowledgeNeedsAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		stop := startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
		defer stop()
		w.saw(t, key, event.Down)
		kim := event.Ack{Author: "kim", At: time.Now()}
		for _, id := range []string{"", "0", "nonsense"} {
			if err := w.engine.Acknowledge(t.Context(), id, kim); !errors.Is(err, engine.ErrNoAlert) {
				t.Errorf("acknowledged %q: %v", id, err)
			}
			if err := w.engine.Withdraw(t.Context(), id, kim); !errors.Is(err, engine.ErrNoAlert) {
				t.Errorf("withdrawn %q: %v", id, err)
			}
		}
		w.deliver()
		if got := w.got["nms"]; len(got) != 1 || got[0].Transition != event.Raised {
			t.Fatalf("told %v", got)
		}
		id := w.got["nms"][0].ID
		if err := w.engine.Acknowledge(t.Context(), id[:6], kim); err != nil {
			t.Error(err)
		}
		if err := w.engine.Withdraw(t.Context(), "", kim); !errors.Is(err, engine.ErrNoAlert) {
			t.Errorf("withdrawn without an id: %v", err)
		}
		synctest.Wait()
		w.deliver()
		if got := w.got["nms"]; len(got) != 2 || got[1].Transition != event.Acknowledged {
			t.Errorf("told %v", got)
		}
	})
}

// TestANewStreamIsHeard: positions begin anew with a new stream, and what is
// stored of the old one must not make its first events look old.
func TestANewStreamIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		l := &list{row: row(t, key)}
		set := &rules.Set{Language: "en"}
		stop := startEngine(w, l, set)
		for range 5 {
			w.saw(t, key, event.Up)
			w.saw(t, key, event.Degraded)
			w.saw(t, key, event.Up)
		}
		w.deliver()
		stop()
		w.mu.Lock()
		w.stream, w.acked = nil, 0
		w.got = map[string][]event.Alert{}
		w.mu.Unlock()
		stop = startEngine(w, l, set)
		defer stop()
		hearsTheNewStream(t, w)
	})
}

// TestTheStreamIsLostUnderTheEngine: a stream that is made anew while the engine
// runs begins at the first position, and is heard from there.
func TestTheStreamIsLostUnderTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		stop := startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
		defer stop()
		for range 5 {
			w.saw(t, key, event.Up)
			w.saw(t, key, event.Degraded)
			w.saw(t, key, event.Up)
		}
		w.deliver()
		w.mu.Lock()
		w.stream, w.acked = nil, 0
		w.reader.at, w.reader.fails = 0, errors.New("the stream is gone")
		w.got = map[string][]event.Alert{}
		w.mu.Unlock()
		w.engine.Lost(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		hearsTheNewStream(t, w)
	})
}

// TestPowerLossForgetsWhoHeard: a power loss took the last status and what
// waited for one sink, and the other one knows of a transition that is not
// stored. Nobody knows who heard of it, so the sink whose route never repeats
// must be told of it too.
func TestPowerLossForgetsWhoHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minute, never := time.Minute, time.Duration(0)
		set := &rules.Set{Language: "en", Routes: []rules.Route{{Sinks: []string{"nms"}, Repeat: &minute, Continue: true}, {Sinks: []string{"hook"}, Repeat: &never}}}
		w := newWorld(1)
		l := &list{row: row(t, key)}
		stop := startEngine(w, l, set)
		w.saw(t, key, event.Down)
		time.Sleep(70 * time.Second) // nms is told again
		synctest.Wait()
		w.deliver()
		stop()
		if n, h := len(w.got["nms"]), len(w.got["hook"]); n != 2 || h != 1 {
			t.Fatalf("nms was told %d times, hook %d; want 2 and 1", n, h)
		}
		stored := maps.Clone(w.statuses)

		stop = startEngine(w, l, set)
		w.saw(t, key, event.Degraded)
		w.down["hook"] = true
		w.deliver()
		stop()
		last := w.got["nms"][len(w.got["nms"])-1]
		if last.Transition != event.Changed || last.Seq != 3 {
			t.Fatalf("nms was told %s %d last", last.Transition, last.Seq)
		}
		w.mu.Lock()
		clear(w.statuses)
		maps.Copy(w.statuses, stored)
		w.outbox["hook"], w.down["hook"] = nil, false
		w.mu.Unlock()

		stop = startEngine(w, l, set)
		time.Sleep(10 * time.Second) // before nms is told again
		synctest.Wait()
		w.deliver()
		stop()
		var told []string
		for _, a := range w.got["hook"] {
			told = append(told, fmt.Sprint(a.Seq, " ", a.Transition))
		}
		if got := w.got["hook"]; len(got) != 2 || got[1].ID != last.ID || got[1].Seq < last.Seq {
			t.Errorf("hook was told %v, want the third transition too", told)
		}
	})
}

// hearsTheNewStream: of the first events of a stream that was made anew, all is told.
func hearsTheNewStream(t *testing.T, w *world) {
	t.Helper()
	w.saw(t, key, event.Down)
	w.saw(t, key, event.Up)
	w.deliver()
	var told []string
	for _, a := range w.got["nms"] {
		told = append(told, string(a.Transition))
	}
	if fmt.Sprint(told) != "[raised cleared]" {
		t.Errorf("of the new stream's first events was told %v", told)
	}
}
