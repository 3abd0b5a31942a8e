package catalog

import (
	"errors"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// TestReported: what the manager's API reports has a row with every text, is
// among the entries only where somebody asks the manager, and follows the
// facts of its host.
func TestReported(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range c.reported {
		switch {
		case r.Kind == event.Heartbeat || r.Kind == event.Module:
			if r.vendors() {
				asked++
			}
		case r.Kind.Class() == "":
			t.Errorf("%s is looked for on a host", r.ID())
		}
		for _, os := range []string{"", event.Linux, event.Windows} {
			if s := r.ConfirmOn(os); s == "" || strings.Contains(s, "ps -ef") || strings.Contains(s, "tasklist") {
				t.Errorf("%s is confirmed by %q", r.ID(), s)
			}
			for _, lang := range []string{"en", "ja"} {
				if s := words.In(lang, nil).Say(r.Meaning(Sight{OS: os}, event.Down)); len(s) < 40 || lang == "ja" && !strings.Contains(s, "。") {
					t.Errorf("%s means %q", r.ID(), s)
				}
			}
		}
		for _, id := range r.Footnotes {
			if n, ok := c.Footnote(id); !ok || n.EN == "" || n.JA == "" {
				t.Errorf("%s: footnote %s is %+v", r.ID(), id, n)
			}
		}
	}
	if a, b := len(c.Entries(nil, "en")), len(c.Reported().Entries(nil, "en")); b != a+asked || asked != 8 {
		t.Errorf("%d entries, with those reported %d", a, b)
	}
	agent := event.Facts{event.Components: {Value: event.Agent, Origin: "manager API"}}
	feature := func(v string) event.Facts {
		return agent.Merge(event.Facts{event.Firewall: {Value: v, Origin: "manager API"}})
	}
	for name, w := range map[string]struct {
		key   event.Key
		facts event.Facts
		want  Tri
		says  string
	}{
		"a manager that is asked":       {event.Key{Component: event.Manager, Kind: event.Heartbeat, Name: "manager"}, nil, Yes, "detectors.manager"},
		"its API":                       {event.Key{Component: event.Manager, Kind: event.Heartbeat, Name: "api"}, agent, Yes, "detectors.manager"},
		"an agent the manager has":      {event.Key{Component: event.Agent, Kind: event.Heartbeat, Name: "agent"}, agent, Yes, "manager API"},
		"a computer without agent":      {event.Key{Component: event.Agent, Kind: event.Heartbeat, Name: "agent"}, nil, Unknown, "components unknown"},
		"a module that is on":           {event.Key{Component: event.Agent, Kind: event.Module, Name: "firewall"}, feature("on"), Yes, "features.firewall is on"},
		"a module that is off":          {event.Key{Component: event.Agent, Kind: event.Module, Name: "firewall"}, feature("off"), No, "features.firewall is off"},
		"a module nobody knows of":      {event.Key{Component: event.Agent, Kind: event.Module, Name: "firewall"}, agent, Unknown, "features.firewall unknown"},
		"a module without any computer": {event.Key{Component: event.Agent, Kind: event.Module, Name: "firewall"}, nil, Unknown, "components"},
	} {
		r := c.Find(w.key, "")
		if r == nil {
			t.Fatalf("%s: no row", name)
		}
		if v := r.Evaluate(w.facts); v.Expected != w.want || !strings.Contains(v.ReasonIn("en"), w.says) || v.ReasonIn("ja") == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	without, err := c.With(nil, []string{"module/firewall"})
	if err != nil || without.Find(event.Key{Component: event.Agent, Kind: event.Module, Name: "firewall"}, "") != nil || len(without.reported) != len(c.reported)-1 {
		t.Errorf("ignored: %v, %d rows", err, len(without.reported))
	}
	var bad *setting.Error
	if _, err := c.With([]Row{{Kind: event.Heartbeat, Name: "mine"}}, nil); !errors.As(err, &bad) || bad.Key != "items[0].kind" {
		t.Errorf("an own heartbeat: %v", err)
	}
}
