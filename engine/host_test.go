package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// TestTheCaseOfAName: a host that is spelled otherwise is no other host, and
// of two spellings that were stored the later stays.
func TestTheCaseOfAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &rules.Set{Settings: rules.Settings{Silent: time.Hour}, Language: "en"}
		w := newWorld(1)
		l := &list{row: row(t, key)}
		stop := startEngine(w, l, set)
		see := func(host string, state event.State) {
			t.Helper()
			k := key
			k.Host = host
			b, err := event.NewState(host, event.Change, event.Observation{Key: k, State: state, Want: 2, At: time.Now()}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b)
			time.Sleep(time.Minute)
			synctest.Wait()
			w.deliver()
		}
		hosts := func() map[string]int {
			out := map[string]int{}
			w.engine.Items(func(st rules.Status, _ rules.Snapshot) { out[st.Key.Host]++ })
			return out
		}
		see("web01", event.Down)
		see("WEB01", event.Down)
		if got := hosts(); len(got) != 1 || got["web01"] != 2 { // with the host itself
			t.Errorf("hosts: %v", got)
		}
		see("Web01", event.Up)
		stop()
		for _, sink := range w.sinks {
			if got := w.got[sink]; len(got) != 2 || got[1].Transition != event.Cleared {
				t.Errorf("%s was told %+v", sink, got)
			}
		}
		// What an earlier version stored under another spelling.
		ghost := rules.Status{Key: event.Key{Host: "Web01", Component: key.Component, Kind: key.Kind, Name: key.Name}, Event: "e", Observer: "Web01",
			Seen: event.Observation{State: event.Down, At: time.Now().Add(-time.Hour)}}
		b, err := ghost.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r := w.statuses[key.Hash()]
		r.Key, r.Value, r.Revision = ghost.Key.Hash(), b, 1
		w.statuses[r.Key] = r
		stop = startEngine(w, l, set)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := hosts(); len(got) != 1 || got["web01"] != 2 {
			t.Errorf("hosts after a restart: %v", got)
		}
		stop()
	})
}

// TestCalled: a host is found by a name that is written otherwise; one that is
// known by the very name is that one.
func TestCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		stop := startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
		defer stop()
		const nfc, nfd = "caf\u00e9", "cafe\u0301"
		see := func(host string) {
			k := key
			k.Host = host
			b, err := event.NewState(host, event.Change, event.Observation{Key: k, State: event.Up, Found: 2, Want: 2, At: time.Now()}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		see(nfd)
		for name, want := range map[string]string{nfc: nfd, nfd: nfd, "CAF\u00c9": nfd, "cafe": "cafe", "web01": "web01"} {
			if got := w.engine.Called(name); got != want {
				t.Errorf("%+q is %+q, want %+q", name, got, want)
			}
		}
		see(nfc)
		for _, name := range []string{nfc, nfd} {
			if got := w.engine.Called(name); got != name {
				t.Errorf("%+q is %+q where both are known", name, got)
			}
		}
	})
}

// TestRenameHost: who looks after an alert goes on doing so under the name
// that the host has now, and the old name is over.
func TestRenameHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &rules.Set{Language: "en"}
		w := newWorld(1)
		stop := startEngine(w, &list{row: row(t, key)}, set)
		defer stop()
		see := func(host string) (id string) {
			t.Helper()
			k := key
			k.Host = host
			b, err := event.NewState(host, event.Change, event.Observation{Key: k, State: event.Down, Want: 2, At: time.Now()}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b)
			time.Sleep(time.Minute)
			synctest.Wait()
			w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
				if st.Key.Host == host {
					id = st.Slot(rules.Loss).ID
				}
			})
			return id
		}
		id := see("old01")
		if err := w.engine.Acknowledge(t.Context(), id, event.Ack{Author: "kim", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"OLD01", "new01"} {
			if _, err := w.engine.RenameHost(t.Context(), "old01", name, event.Prose("is called "+name)); err == nil {
				t.Errorf("renamed to %s", name)
			}
		}
		see("new01")
		if n, err := w.engine.RenameHost(t.Context(), "old01", "new01", event.Prose("is called new01")); err != nil || n != 1 {
			t.Fatalf("%d items, %v", n, err)
		}
		w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
			if ack := st.Slot(rules.Loss).Ack; st.Key.Host != "new01" || ack == nil || ack.Author != "kim" {
				t.Errorf("%s: %+v", st.Key, ack)
			}
		})
		w.deliver()
		for _, sink := range w.sinks {
			last := map[string]event.Transition{}
			for _, a := range w.got[sink] {
				last[a.Key.Host] = a.Transition
			}
			if last["old01"] != event.Cleared || last["new01"] != event.Acknowledged {
				t.Errorf("%s: %v", sink, last)
			}
		}
	})
}
