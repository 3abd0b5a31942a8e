package rules

import (
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

// TestHeadline: what happened to what, in a few words.
func TestHeadline(t *testing.T) {
	process := event.Key{Host: "h", Component: event.Agent, Kind: event.Process, Name: "ds_agent"}
	evidence := func(name string) event.Key {
		return event.Key{Host: "h", Component: event.Agent, Kind: event.Evidence, Name: name}
	}
	for name, c := range map[string]struct {
		a    event.Alert
		want string
	}{
		"anti-malware without its driver": {event.Alert{Key: evidence("anti_malware_engine"), Rule: Loss, Transition: event.Raised, State: event.Degraded}, "anti-malware works with basic functions only"},
		"and with it again":               {event.Alert{Key: evidence("anti_malware_engine"), Rule: Loss, Transition: event.Cleared, State: event.Up}, "evidence anti_malware_engine is back"},
		"an old heartbeat":                {event.Alert{Key: evidence("last_heartbeat"), Rule: Loss, Transition: event.Raised, State: event.Down}, "the agent's last heartbeat to the manager is old"},
		"and a new one":                   {event.Alert{Key: evidence("last_heartbeat"), Rule: Loss, Transition: event.Cleared, State: event.Up}, "evidence last_heartbeat is back"},
		"what the agent says":             {event.Alert{Key: evidence("agent_state"), Rule: Loss, Transition: event.Raised, State: event.Down}, "evidence agent_state is down"},
		"lost":                            {event.Alert{Key: process, Rule: Loss, Transition: event.Raised, State: event.Down}, "process ds_agent is down"},
		"partly lost":                     {event.Alert{Key: process, Rule: Loss, Transition: event.Raised, State: event.Degraded, Found: 1, Want: 2}, "process ds_agent is degraded (1 of 2)"},
		"back":                            {event.Alert{Key: process, Rule: Loss, Transition: event.Cleared, State: event.Up}, "process ds_agent is back"},
		"not expected any more":           {event.Alert{Key: process, Rule: Loss, Transition: event.Cleared, State: event.Down}, "process ds_agent is no longer expected"},
		"unseen":                          {event.Alert{Key: process, Rule: Unseen, Transition: event.Raised, State: event.Unknown}, "process ds_agent cannot be observed"},
		"seen again, and lost":            {event.Alert{Key: process, Rule: Unseen, Transition: event.Cleared, State: event.Down}, "process ds_agent can be observed again"},
		"unseen, and no longer expected":  {event.Alert{Key: process, Rule: Unseen, Transition: event.Cleared, State: event.Unknown}, "process ds_agent is no longer expected"},
		"comes and goes":                  {event.Alert{Key: process, Rule: FlapRule, Transition: event.Raised, State: event.Up}, "process ds_agent comes and goes"},
		"settled well":                    {event.Alert{Key: process, Rule: FlapRule, Transition: event.Cleared, State: event.Up}, "process ds_agent has settled: it is up"},
		"settled lost":                    {event.Alert{Key: process, Rule: FlapRule, Transition: event.Cleared, State: event.Down}, "process ds_agent has settled: it is down"},
		"settled, and nobody knows how":   {event.Alert{Key: process, Rule: FlapRule, Transition: event.Cleared, State: event.Unknown}, "process ds_agent is no longer expected"},
	} {
		got, _ := strings.CutPrefix(words.In("en", nil).Say(words.TestRefused.With(headline(&c.a, true))), "NOT CONFIRMED: ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestLeftDigest: a sink that goes is not told that the alerts of a digest are
// over, which they are not.
func TestLeftDigest(t *testing.T) {
	s := &Set{Language: "en"}
	d := &Digest{Key: event.Key{Host: "h", Component: Component, Kind: event.Host, Name: "many"}, Rule: Loss,
		Slot: Slot{ID: "d", Phase: Firing, Seq: 3, Turn: 1, State: event.Down, Severity: event.Critical, Sinks: []string{"chat", "nms"}}}
	end, left := s.LeaveDigest(after(60), d, Members{Count: 30, Each: func(func(*Status, Snapshot) bool) {}, Explained: func() []event.Affected { return nil }}, "nms")
	if !left || end == nil || end.Transition != event.Cleared || end.Seq != 4 || end.AffectedCount != 0 || !end.EndedAt.Equal(after(60)) {
		t.Fatalf("%+v, %v; want its end", end, left)
	}
	if want := "This receiver was taken out of the configuration, so dswatch tells it nothing more. The alert itself may go on."; end.Title != "h: the digest of many alerts is over" || end.Text != want {
		t.Errorf("%s: %s", end.Title, end.Text)
	}
	if _, left := s.LeaveDigest(after(61), d, Members{}, "nms"); left || len(d.Slot.Sinks) != 1 {
		t.Errorf("it left twice: %v", d.Slot.Sinks)
	}
}
