package engine_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
)

// TestLimits lets a publisher tell of hosts, items and reporters without end:
// what is beyond the limits is refused, said once and counted, and what was
// known before, and this host, go on.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		var log lines
		w.log = slog.NewTextHandler(&log, nil)
		w.host, w.limits = "own", engine.Limits{Hosts: 10, Items: 12, HostItems: 3, Reporters: 2}
		stop := startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
		defer stop()
		at := func(host string, n int) event.Key {
			return event.Key{Host: host, Component: "agent", Kind: event.Process, Name: fmt.Sprint("p", n)}
		}
		items := func() int { return len(w.engine.Find(func(*rules.Status) bool { return true })) }
		want := func(when string, known int, refused uint64, why string) {
			t.Helper()
			r := w.engine.Refused()
			if n := items(); n != known || r.Messages != refused || refused > 0 && !strings.Contains(r.Why.Error(), why) {
				t.Errorf("%s: %d items, %d refused (%v); want %d, %d (%s)", when, n, r.Messages, r.Why, known, refused, why)
			}
		}
		tell := func(host, observer string) {
			_, data, err := event.EncodeFacts(event.FactsReport{Host: host, Observer: observer, At: w.wall(),
				Facts: event.Facts{event.Relay: {Value: event.On, Origin: "manager API"}}})
			if err != nil {
				t.Fatal(err)
			}
			w.publish(data)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		for n := range 5 {
			w.saw(t, at("web01", n), event.Up)
		}
		want("items of one host", 3, 2, "3 items of one host")
		for n := range 4 {
			tell("web01", fmt.Sprint("web0", n%3+1))
		}
		want("reporters of one host", 3, 3, "2 reporters")
		for n := range 20 {
			w.saw(t, at(fmt.Sprint("h", n), 0), event.Up)
		}
		known := items()
		if known > 12 {
			t.Errorf("%d items are known", known)
		}
		w.saw(t, at("own", 0), event.Up)
		want("this host", known+1, w.engine.Refused().Messages, "limit")
		w.saw(t, at("web01", 0), event.Down)
		time.Sleep(time.Minute)
		synctest.Wait()
		found := w.engine.Find(func(s *rules.Status) bool { return s.Key == at("web01", 0) })
		if len(found) != 1 || found[0].Status.Slot(rules.Loss).Phase != rules.Firing {
			t.Error("an item that was known before is not watched any more")
		}
		if n := strings.Count(log.take(), "want of room"); n != 1 {
			t.Errorf("the log says it %d times, want once", n)
		}
	})
}
