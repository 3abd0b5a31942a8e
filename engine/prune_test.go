package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// TestPrune: what went for good is forgotten after a week, once nobody waits
// for anything of it, and what comes back is new.
func TestPrune(t *testing.T) {
	const day = 24 * time.Hour
	look := func(w *world, reason event.Reason, state event.State) {
		t.Helper()
		data, err := event.NewState("hub", reason, event.Observation{Key: key, State: state, Want: 1, At: w.wall()}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		w.publish(data)
		time.Sleep(time.Minute)
		synctest.Wait()
	}
	tell := func(w *world, host string) {
		t.Helper()
		_, data, err := event.EncodeFacts(event.FactsReport{Host: host, Observer: host, At: w.wall(), Facts: event.Facts{event.OS: {Value: event.Linux}}})
		if err != nil {
			t.Fatal(err)
		}
		w.publish(data)
		synctest.Wait()
	}
	for name, c := range map[string]struct {
		play func(w *world)
		kept bool
		told int  // of its alert
		off  bool // its row leaves the configuration
	}{
		"its row left the configuration": {play: func(w *world) { look(w, event.Change, event.Up) }, off: true},
		"its row left during an alert": {play: func(w *world) {
			look(w, event.Change, event.Down)
			w.deliver()
		}, off: true, told: 2},
		"never in trouble": {play: func(w *world) { look(w, event.Change, event.Up); look(w, event.Gone, event.Unknown) }},
		"told and over": {play: func(w *world) {
			look(w, event.Change, event.Down)
			look(w, event.Gone, event.Unknown)
			w.deliver()
		}, told: 2},
		"over before anybody was told": {play: func(w *world) {
			look(w, event.Change, event.Up)
			look(w, event.Change, event.Unknown)
			look(w, event.Gone, event.Unknown)
		}},
		"a day too early": {play: func(w *world) {
			look(w, event.Change, event.Up)
			w.ahead.Add(int64(2 * day))
			time.Sleep(time.Minute)
			look(w, event.Gone, event.Unknown)
		}, kept: true},
		"not gone": {play: func(w *world) { look(w, event.Change, event.Up) }, kept: true},
		"came back": {play: func(w *world) {
			look(w, event.Gone, event.Unknown)
			look(w, event.Change, event.Up)
		}, kept: true},
		"the end waits in the outbox": {play: func(w *world) {
			look(w, event.Change, event.Down)
			w.deliver()
			look(w, event.Gone, event.Unknown)
		}, kept: true, told: 2},
		"one sink has confirmed": {play: func(w *world) {
			look(w, event.Change, event.Down)
			look(w, event.Gone, event.Unknown)
			w.down["hook"] = true
			w.deliver()
			w.mu.Lock()
			clear(w.outbox) // and what the other waits for is lost
			w.mu.Unlock()
		}, kept: true, told: 2},
		"a resolve was refused": {play: func(w *world) {
			look(w, event.Change, event.Down)
			w.deliver()
			look(w, event.Gone, event.Unknown)
			w.deliver()
			w.mu.Lock()
			for slot, r := range w.receipts["nms"] {
				r.Dead, r.Reached = true, true
				w.receipts["nms"][slot] = r
			}
			w.mu.Unlock()
		}, kept: true, told: 2},
		"killed while it was forgotten": {play: func(w *world) {
			look(w, event.Change, event.Down)
			look(w, event.Gone, event.Unknown)
			w.deliver()
			w.ahead.Add(int64(8 * day))
			time.Sleep(30 * time.Minute)
			w.mu.Lock()
			w.fuse = 4 // outbox and receipts of two sinks, then the removal
			w.mu.Unlock()
			time.Sleep(time.Hour)
			synctest.Wait()
			if w.fuse >= 0 {
				panic("was not killed")
			}
		}, told: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				l := &list{row: row(t, key)}
				set := &rules.Set{Settings: rules.Settings{Patience: time.Hour}, Language: "en"}
				stop := startEngine(w, l, set)
				begun := w.wall()
				tell(w, key.Host)
				tell(w, "other.example.com") // that never has an item
				c.play(w)
				stop()
				if c.off {
					l.gone = map[string]bool{key.Name: true}
				}
				stop = startEngine(w, l, set)
				if c.off {
					time.Sleep(time.Minute)
					synctest.Wait()
					w.deliver()
				}
				w.ahead.Add(int64(begun.Add(8 * day).Sub(w.wall())))
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				if n := w.engine.Count(); (n == 1) != c.kept || n != len(w.statuses) {
					t.Errorf("%d items, %d stored, kept should be %v", n, len(w.statuses), c.kept)
				}
				if facts := len(w.facts); (facts == 1) != c.kept {
					t.Errorf("facts of %d hosts are stored, kept should be %v", facts, c.kept)
				}
				if kept := len(w.receipts["nms"]) > 0; c.told > 0 && kept != c.kept {
					t.Errorf("receipts %v, kept should be %v", w.receipts["nms"], c.kept)
				}
				w.down["hook"] = false
				stop()
				l.gone = nil
				stop = startEngine(w, l, set)
				time.Sleep(time.Minute)
				synctest.Wait()
				w.deliver()
				for _, sink := range w.sinks {
					if len(w.got[sink]) != c.told {
						t.Errorf("%s was told %d times, want %d", sink, len(w.got[sink]), c.told)
					}
				}
				look(w, event.Change, event.Down)
				look(w, event.Change, event.Up)
				w.deliver()
				stop()
				for _, sink := range w.sinks {
					if len(w.got[sink]) != c.told+2 {
						t.Errorf("%s was told %d times when it came back and was lost, want %d", sink, len(w.got[sink]), c.told+2)
					}
				}
				w.checkPairs(t)
			})
		})
	}
}
