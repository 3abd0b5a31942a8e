package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
)

// TestTogether: declared counts more than found on the host, and that more
// than the manager's word; who denies what counts is named.
func TestTogether(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	fact := func(v, origin string) event.Fact { return event.Fact{Value: v, Origin: origin, At: at} }
	later := func(f event.Fact) event.Fact { f.At = at.Add(time.Hour); return f }
	const api, query, declared = "manager API", "dsa_query", "declared"
	for name, c := range map[string]struct {
		n           event.Name
		own, hub, b event.Fact
		want        string
		denied      int
	}{
		"only the manager knows":         {n: event.Firewall, hub: fact("on", api), want: "on"},
		"only the host knows":            {n: event.Firewall, own: fact("off", query), want: "off"},
		"the host before the manager":    {n: event.Firewall, own: fact("off", query), hub: later(fact("on", api)), want: "off", denied: 1},
		"declared afar before the host":  {n: event.Firewall, own: fact("off", query), hub: fact("on", declared), want: "on", denied: 1},
		"declared on the host":           {n: event.Firewall, own: fact("off", "declared in f.yaml"), hub: later(fact("on", declared)), want: "on", denied: 1},
		"the later of two managers":      {n: event.Firewall, hub: fact("on", api), b: later(fact("off", api)), want: "off", denied: 1},
		"one version, spelled twice":     {n: event.AgentVersion, own: fact("20.0.2-1390.el8", "package"), hub: fact("20.0.2.1390", api), want: "20.0.2-1390.el8"},
		"a build without its update":     {n: event.AgentVersion, own: fact("20.0.4184", "registry"), hub: fact("20.0.0.4184", api), want: "20.0.4184"},
		"an update without its build":    {n: event.AgentVersion, own: fact("20.0.2-1390", "package"), hub: fact("20.0.2", api), want: "20.0.2-1390"},
		"another update":                 {n: event.AgentVersion, own: fact("20.0.2-1390", "package"), hub: fact("20.0.1", api), want: "20.0.2-1390", denied: 1},
		"two versions":                   {n: event.AgentVersion, own: fact("20.0.0-8438", "package"), hub: fact("20.0.0.8437", api), want: "20.0.0-8438", denied: 1},
		"the manager sees one component": {n: event.Components, own: fact("agent,manager", "installed"), hub: fact("agent", api), want: "agent,manager"},
		"an agent that nobody sees":      {n: event.Components, own: fact("manager", "installed"), hub: fact("agent", api), want: "manager", denied: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var h host
			for observer, f := range map[string]event.Fact{"WEB01": c.own, "hub": c.hub, "b": c.b} {
				facts := event.Facts{}
				if f.Value != "" {
					facts[c.n] = f
				}
				h.take(event.FactsReport{Host: "web01", Observer: observer, Facts: facts}, 1)
			}
			got, denied := together("web01", h.reports)
			if got[c.n].Value != c.want || len(denied) != c.denied {
				t.Errorf("%+v, denied %q", got, denied)
			}
			for _, d := range denied {
				if !strings.Contains(d, "told by hub") {
					t.Errorf("%q does not say who told", d)
				}
			}
		})
	}
	if got, denied := together("web01", nil); len(got) != 0 || denied != nil {
		t.Errorf("nothing became %v, %v", got, denied)
	}
}

func TestFactsKey(t *testing.T) {
	keys := []string{factsKey("web01", "WEB01"), factsKey("web01", "hub"), factsKey("web01", "a.b"), factsKey("web", "01")}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 4 || factsKey("web01", "web01") != "web01" {
		t.Errorf("%q", keys)
	}
}
