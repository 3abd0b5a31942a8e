package rules_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// tale decides events a minute apart and returns what is told.
func tale(t *testing.T, events ...event.Event) []string {
	t.Helper()
	set := &rules.Set{Settings: rules.Settings{Patience: 30 * time.Second}, Language: "en"}
	snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}
	var st rules.Status
	var told []string
	for i, e := range events {
		e.ID, e.Observation.At = fmt.Sprint(i), t0.Add(time.Duration(i)*time.Minute)
		if err := e.Observation.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Duration{0, 40 * time.Second} { // with the event, and when the patience has ended
			var ds []rules.Decision
			st, ds = set.Decide(e.Observation.At.Add(at), st, snap, e)
			for _, d := range ds {
				if d.Alert != nil {
					told = append(told, fmt.Sprintf("%s %s: %s", d.Alert.Transition, d.Rule, words.English(d.Why)))
				}
			}
			e = event.Event{Observation: e.Observation}
		}
	}
	return told
}

// TestGone: an item that is no longer there ends its alert, raises none, and
// counts again when it comes back.
func TestGone(t *testing.T) {
	gone := look(event.Unknown, 0)
	gone.Reason, gone.Observation.Detail = event.Gone, event.Prose("no longer reported by manager")
	got := tale(t, look(event.Down, 0), gone, look(event.Down, 0), look(event.Up, 0), gone)
	if want := []string{"raised loss: ", "cleared loss: no longer reported by manager", "raised loss: ", "cleared loss: observed up"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestBehind: what cannot be seen because of another item is that item's to
// tell; it neither raises nor ends anything.
func TestBehind(t *testing.T) {
	behind := look(event.Unknown, 0)
	behind.Observation.Behind = event.Key{Host: "dsm", Component: "manager", Kind: event.Heartbeat, Name: "api"}
	for name, c := range map[string]struct {
		events []event.Event
		want   []string
	}{
		"nothing rises":        {[]event.Event{look(event.Up, 0), behind, look(event.Up, 0)}, nil},
		"a loss stays":         {[]event.Event{look(event.Down, 0), behind, look(event.Up, 0)}, []string{"raised loss: ", "cleared loss: observed up"}},
		"its own trouble does": {[]event.Event{behind, look(event.Unknown, 0), behind, look(event.Up, 0)}, []string{"raised unknown: ", "cleared unknown: observed up"}},
	} {
		if got := tale(t, c.events...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
