package facts

import (
	"testing"
	"time"

	"dswatch/event"
)

func look(kind event.Kind, name string, s event.State, at time.Time) event.Observation {
	return event.Observation{Key: event.Key{Host: "web01", Component: event.Agent, Kind: kind, Name: name}, State: s, At: at}
}

func TestLearned(t *testing.T) {
	at := time.Now()
	other := look(event.Port, "4122/tcp", event.Up, at)
	other.Key.Host = "web02"
	manager := look(event.Process, "tm_netagent", event.Up, at)
	manager.Key.Component = event.Manager
	for name, c := range map[string]struct {
		seen   []event.Observation
		news   bool // by the last
		up     bool
		want   event.Facts
		origin string
	}{
		"nothing":               {},
		"relay":                 {seen: []event.Observation{look(event.Port, "4122/tcp", event.Up, at)}, news: true, want: facts("relay", "on"), origin: "learned (port 4122 is listening)"},
		"relay again":           {seen: []event.Observation{look(event.Port, "4122/tcp", event.Up, at), look(event.Port, "4122/tcp", event.Up, at)}, want: facts("relay", "on"), origin: "learned (port 4122 is listening)"},
		"relay, then lost":      {seen: []event.Observation{look(event.Port, "4122/tcp", event.Up, at), look(event.Port, "4122/tcp", event.Down, at)}, news: true, want: facts("relay", "on"), origin: "learned (port 4122 is listening)"},
		"never a relay":         {seen: []event.Observation{look(event.Port, "4122/tcp", event.Down, at), look(event.Port, "4122/tcp", event.Unknown, at)}},
		"another port":          {seen: []event.Observation{look(event.Port, "4118/tcp", event.Up, at)}},
		"another host":          {seen: []event.Observation{other}},
		"another component":     {seen: []event.Observation{manager}},
		"TLS inspection":        {seen: []event.Observation{look(event.Process, "tm_netagent", event.Up, at)}, news: true, want: facts("features.tls_inspection", "on"), origin: "learned (process tm_netagent was seen)"},
		"its older name":        {seen: []event.Observation{look(event.Process, "ds_nuagent", event.Degraded, at)}, news: true, want: facts("features.tls_inspection", "on"), origin: "learned (process ds_nuagent was seen)"},
		"its name on Windows":   {seen: []event.Observation{look(event.Process, "tm_netagent.exe", event.Up, at)}, news: true, want: facts("features.tls_inspection", "on"), origin: "learned (process tm_netagent.exe was seen)"},
		"a service of the name": {seen: []event.Observation{look(event.Service, "ds_nuagent", event.Up, at)}},
		"agent up":              {seen: []event.Observation{look(event.Process, "ds_agent", event.Up, at)}, news: true, up: true},
		"agent degraded":        {seen: []event.Observation{look(event.Process, "ds_agent", event.Up, at), look(event.Process, "ds_agent", event.Degraded, at)}, up: true},
		"agent down":            {seen: []event.Observation{look(event.Process, "dsa.exe", event.Up, at), look(event.Process, "dsa.exe", event.Down, at)}, news: true},
		"agent not seen":        {seen: []event.Observation{look(event.Process, "ds_agent", event.Up, at), look(event.Process, "ds_agent", event.Unknown, at)}, up: true},
		"agent down from start": {seen: []event.Observation{look(event.Process, "ds_agent", event.Down, at)}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLearned("web01", nil)
			news := false
			for _, o := range c.seen {
				news = l.Observe(o)
			}
			got, err := l.Facts(t.Context())
			if err != nil || !got.Equal(c.want) || news != c.news || l.Up() != c.up {
				t.Errorf("%v, %v, news %v, up %v; want %v, %v, %v", got, err, news, l.Up(), c.want, c.news, c.up)
			}
			for _, f := range got {
				if f.Origin != c.origin || !f.At.Equal(at) {
					t.Errorf("%+v, want origin %q", f, c.origin)
				}
			}
			again, _ := NewLearned("web01", got.Merge(facts("os", "linux"))).Facts(t.Context())
			if !again.Equal(c.want) {
				t.Errorf("after a restart %v, want %v", again, c.want)
			}
		})
	}
}

func TestTLSInspectionEndsWithIntrusionPrevention(t *testing.T) {
	said := time.Now()
	ips := func(v string) tells {
		return tells{event.Facts{event.IntrusionPrevention: {Value: v, Origin: "dsa_query", At: said}}, nil}
	}
	for name, c := range map[string]struct {
		ips  Source
		seen time.Time
		want bool
	}{
		"on":                         {ips("on"), said.Add(-time.Hour), true},
		"not known":                  {tells{}, said.Add(-time.Hour), true},
		"off since it was seen":      {ips("off"), said.Add(-time.Hour), false},
		"off, still ending":          {ips("off"), said.Add(5 * time.Second), false},
		"off, and seen all the same": {ips("off"), said.Add(time.Hour), true},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLearned("web01", nil)
			l.Observe(look(event.Process, "tm_netagent", event.Up, c.seen))
			got, err := Discover(t.Context(), c.ips, l)
			if _, ok := got.Get(event.TLSInspection); err != nil || ok != c.want {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	got, _ := Discover(t.Context(), tells{facts("features.tls_inspection", "on", "features.intrusion_prevention", "off"), nil})
	if _, ok := got.Get(event.TLSInspection); !ok {
		t.Error("what was not learned was dropped")
	}
}
