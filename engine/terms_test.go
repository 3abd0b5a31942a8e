package engine_test

import (
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// What the tests of package rules have, too: an item, a row and
// some settings, in short.

var key = event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}

func row(t testing.TB, k event.Key) *catalog.Row {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := c.Find(k, event.Linux)
	if r == nil {
		t.Fatalf("%s is not in the catalog", k)
	}
	return r
}

func matchers(t testing.TB, list ...string) rules.Matchers {
	t.Helper()
	var out rules.Matchers
	for _, s := range list {
		m, err := rules.ParseMatcher(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func routes(t testing.TB, list ...rules.Route) (out []rules.Route) {
	t.Helper()
	for _, r := range list {
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		at, err := r.At(time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, at)
	}
	return out
}

func span(t testing.TB, schedule string, d time.Duration, zone string) *rules.Span {
	t.Helper()
	s, err := rules.Window{Name: "w", Schedule: schedule, Duration: d, TimeZone: zone}.Span(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func memory(st rules.Status, rule string) (found rules.Slot) {
	st.Slots(func(name string, s rules.Slot) {
		if name == rule {
			found = s
		}
	})
	return found
}
