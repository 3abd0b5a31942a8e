package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// TestOpenAndQuiet asks what is open at each sink and what is kept quiet, by
// whom, while two items of three are lost and one of them is silenced.
func TestOpenAndQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := func(n string) event.Key { k := key; k.Name = n; return k }
		match := func(s string) rules.Matchers { return matchers(t, s) }
		never := time.Duration(0)
		set := &rules.Set{Language: "en", Routes: []rules.Route{
			{Match: match("name=a"), Sinks: []string{"nms", "hook"}, Repeat: &never}, {Sinks: []string{"nms"}, Repeat: &never},
		}}
		w := newWorld(1)
		stop := startEngine(w, &list{row: row(t, key)}, set)
		defer stop()
		quiet := func() (out []string) {
			w.engine.Quiet(func(st rules.Status, rule string, now event.Severity, by *rules.Silence) {
				id := "nobody"
				if by != nil {
					id = by.ID
				}
				out = append(out, fmt.Sprint(st.Key.Name, " ", rule, " ", st.Slot(rule).Phase, " by ", id))
			})
			return out
		}
		want := func(when string, nms, hook int, quieted ...string) {
			t.Helper()
			for sink, n := range map[string]int{"nms": nms, "hook": hook, "nobody": 0} {
				open := w.engine.Open(sink)
				if len(open) != n || w.engine.CountOpen(sink) != n {
					t.Errorf("%s: %d alerts are open at %s, counted %d, want %d", when, len(open), sink, w.engine.CountOpen(sink), n)
				}
				if !slices.IsSortedFunc(open, func(a, b []event.Alert) int { return a[0].StartedAt.Compare(b[0].StartedAt) }) {
					t.Errorf("%s: not in the order in which they rose", when)
				}
			}
			if got := quiet(); !slices.Equal(got, quieted) {
				t.Errorf("%s: %q, want %q", when, got, quieted)
			}
		}
		matching := func(when, matcher string, items, lost int) {
			t.Helper()
			if i, l := w.engine.Matching(match(matcher)); i != items || l != lost {
				t.Errorf("%s: %s matches %d items, %d of them lost; want %d and %d", when, matcher, i, l, items, lost)
			}
		}
		for _, n := range []string{"c", "b", "a"} {
			w.saw(t, name(n), event.Up)
		}
		want("all is well", 0, 0)
		matching("all is well", "host=web01", 3, 0)

		w.saw(t, name("b"), event.Down)
		w.saw(t, name("a"), event.Down)
		want("two are lost", 2, 1, "a loss firing by nobody", "b loss firing by nobody")
		matching("two are lost", "host=web01", 3, 2)
		matching("two are lost", "name=a", 1, 1)
		matching("two are lost", "name=c", 1, 0)
		matching("two are lost", "name=d", 0, 0)

		w.mu.Lock()
		w.quiet(rules.Silence{ID: "s1", Match: match("name=~b|c"), Author: "kim", Comment: "disk", Starts: w.wall(), Ends: w.wall().Add(time.Hour)})
		w.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		w.saw(t, name("c"), event.Down)
		want("two of three are silenced", 2, 1, "a loss firing by nobody", "b loss firing by s1", "c loss held by s1")
		if n := w.alerted.Load(); n != 2 {
			t.Errorf("%d decisions with an alert were told of, want 2", n)
		}
		if s := w.engine.Silenced("s1"); s.Author != "kim" {
			t.Errorf("the silence is %+v", s)
		}
		if s := w.engine.Silenced("gone"); s.ID != "gone" || s.Author != "" {
			t.Errorf("one that is gone is %+v", s)
		}
		found := w.engine.Find(func(st *rules.Status) bool { return st.Key.Name != "b" })
		if len(found) != 2 || found[0].Status.Key.Name != "a" || found[1].Status.Key.Name != "c" {
			t.Errorf("found %d items", len(found))
		}

		w.saw(t, name("a"), event.Up)
		w.saw(t, name("b"), event.Up)
		want("two are well again", 0, 0, "c loss held by s1")
		time.Sleep(time.Hour)
		synctest.Wait()
		want("the silence is over", 1, 0, "c loss firing by nobody")

		// A sink that lost an end is the only one that is told of.
		w.deliver()
		unpaired := func() (out []string) {
			found, err := w.engine.Unpaired(t.Context(), []string{"nms", "hook"})
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range found {
				out = append(out, fmt.Sprint(u.Sink, " ", u.Key.Name, " ", u.Rule))
			}
			slices.Sort(out)
			return out
		}
		if got := unpaired(); got != nil {
			t.Errorf("every sink has what it is owed, and unpaired are %q", got)
		}
		w.mu.Lock()
		for slot, r := range w.receipts["hook"] {
			r.Dead, r.Reached = true, true
			w.receipts["hook"][slot] = r
		}
		w.mu.Unlock()
		if got := unpaired(); !slices.Equal(got, []string{"hook a loss"}) {
			t.Errorf("hook refused an end, and unpaired are %q", got)
		}
	})
}
