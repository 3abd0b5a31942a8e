package manager

import (
	"slices"
	"testing"

	"dswatch/event"
)

// deactivated is what the API shows of a computer after a deactivation.
func deactivated(c map[string]any) {
	status("inactive", "Unmanaged (Activation Required)")(c)
	with("agentFingerPrint", "")(c)
	for _, m := range []string{"antiMalware", "webReputation", "firewall", "intrusionPrevention"} {
		moduleIs(m, "inherited", "inactive", "")(c)
	}
}

// TestDeactivated: a computer that was activated and is not any more is still
// managed, with its heartbeat lost; one that is off, and one that never was
// activated, are neither.
func TestDeactivated(t *testing.T) {
	type change = func(map[string]any)
	const id = 7
	for name, c := range map[string]struct {
		before, then []change
		told         bool
	}{
		"deactivated":                     {nil, []change{deactivated}, true},
		"an error before, in contact":     {[]change{status("error", "Anti-Malware Engine Offline")}, []change{deactivated}, true},
		"a field that is left out":        {nil, []change{deactivated, without("agentFingerPrint")}, true},
		"in another language":             {nil, []change{deactivated, status("inactive", "\u975e\u7ba1\u7406\u5bfe\u8c61")}, true},
		"under another name":              {nil, []change{deactivated, with("hostName", "web02")}, true},
		"off, then deactivated":           {[]change{status("inactive", "VM Stopped")}, []change{deactivated}, true},
		"off":                             {nil, []change{status("inactive", "Managed (VM Stopped)")}, false},
		"off, without a fingerprint":      {nil, []change{deactivated, status("inactive", "Unmanaged (VM Stopped)")}, false},
		"with its fingerprint":            {nil, []change{deactivated, with("agentFingerPrint", "AA:BB")}, false},
		"out of contact":                  {nil, []change{deactivated, status("inactive", "Managed (Offline)")}, false},
		"never activated":                 {[]change{deactivated}, []change{deactivated}, false},
		"an activation that failed":       {[]change{status("error", "Activation Failed"), without("lastAgentCommunication")}, []change{deactivated}, false},
		"a new computer of the same name": {nil, []change{deactivated, with("ID", id+1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, computerOf(id, "web01"))
			d := open(t, config(s))
			if name != "never activated" && name != "an activation that failed" {
				d.look()
			}
			s.Set(func() { s.Computers = []map[string]any{computerOf(id, "web01", c.before...)} })
			d.look()
			now := computerOf(id, "web01", c.then...)
			s.Set(func() { s.Computers = []map[string]any{now} })
			host := now["hostName"].(string)
			for range 3 { // it stays
				got := d.look()
				says := ""
				if c.told {
					says = "was activated and is no longer"
				}
				want(t, got, host+"/agent/heartbeat/agent", event.Down, says)
				f := d.facts[host].Facts
				if managed := f[event.Components].Value == event.Agent; managed != c.told {
					t.Errorf("facts %v", f)
				}
				if _, known := f.Get(event.AntiMalware); known {
					t.Errorf("features of a computer that is not activated: %v", f)
				}
			}
			if !c.told {
				return
			}

			// Another program that knows what was told goes on.
			o := d.opts
			o.Activated = activated(func(yield func(event.FactsReport) bool) { yield(d.facts[host]) })
			o.Known = []event.Key{parts[0].of(host)}
			next, err := New(config(s), o)
			if err != nil {
				t.Fatal(err)
			}
			defer next.Close()
			d.Detector = next
			want(t, d.look(), host+"/agent/heartbeat/agent", event.Down, "was activated and is no longer")

			s.Set(func() { s.Computers = []map[string]any{computerOf(id, host), computerOf(9, "other")} })
			want(t, d.look(), host+"/agent/heartbeat/agent", event.Up, "Managed (Online)")
			s.Set(func() { s.Computers = s.Computers[1:] })
			for range 2 {
				d.look()
			}
			if f := d.facts[host].Facts; len(f) != 0 {
				t.Errorf("deleted, and yet %v", f)
			}
		})
	}
}

// TestDeactivatedBefore: at the first look nothing is known of what was.
func TestDeactivatedBefore(t *testing.T) {
	s := start(t, computerOf(1, "web01", deactivated), computerOf(2, "web02", deactivated))
	d := open(t, config(s))
	d.opts.Activated = activated(slices.Values([]event.FactsReport{
		{Host: "web02", Facts: event.Facts{event.HostID: {Value: "2"}}}, {Host: "web01", Facts: event.Facts{}}, {Host: "x", Facts: event.Facts{event.HostID: {Value: "x"}}},
	}))
	got := d.look()
	want(t, got, "web01/agent/heartbeat/agent", event.Down, "is not activated")
	want(t, got, "web02/agent/heartbeat/agent", event.Down, "is no longer")
	if len(d.facts["web01"].Facts) != 0 || d.facts["web02"].Facts[event.Components].Value != event.Agent {
		t.Errorf("told %v", d.facts)
	}
}
