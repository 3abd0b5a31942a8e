package facts

import (
	"strings"
	"testing"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

func TestEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		question, answer string
		row              string
		state            event.State // empty: nothing is said
		say              string
	}{
		"the engine is on":        {"GetComponentInfo", "Component.AM.mode: on\n", engineRow, event.Up, "AM.mode: on"},
		"driver-offline":          {"GetComponentInfo", "Component.AM.mode: driver-offline\nComponent.AM.driverOffline: true\n", engineRow, event.Degraded, "basic functions only"},
		"anti-malware is off":     {"GetComponentInfo", "Component.AM.mode: off\n", engineRow, "", ""},
		"no word of anti-malware": {"GetComponentInfo", "Component.FWDPI.mode: on-prevent\n", engineRow, "", ""},
		"a heartbeat as captured": {"GetAgentStatus", "AgentStatus.currentTime: 1786547918\nAgentStatus.lastAgentToManagerSession: 1786541835\n", heartbeatRow, event.Up, "1h41m23s ago"},
		"three hours and more":    {"GetAgentStatus", "AgentStatus.currentTime: 1786547918\nAgentStatus.lastAgentToManagerSession: 1786537117\n", heartbeatRow, event.Down, "3h0m1s ago"},
		"three hours":             {"GetAgentStatus", "AgentStatus.currentTime: 1786547918\nAgentStatus.lastAgentToManagerSession: 1786537118\n", heartbeatRow, event.Up, "3h"},
		"never":                   {"GetAgentStatus", "AgentStatus.currentTime: 1786547918\nAgentStatus.lastAgentToManagerSession: 0\n", heartbeatRow, "", ""},
		"green":                   {"GetAgentStatus", "AgentStatus.agentState: green\nAgentStatus.driverHooked: 7\n", stateRow, event.Up, "driverHooked: 7"},
		"red":                     {"GetAgentStatus", "AgentStatus.agentState: red\n", stateRow, event.Degraded, "agentState: red"},
		"a colour nobody knows":   {"GetAgentStatus", "AgentStatus.agentState: mauve\n", stateRow, event.Up, "agentState: mauve"},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := map[string]string{"GetComponentInfo": "Component.", "GetAgentStatus": "AgentStatus."}[c.question]
			s, said := evidence(c.question, parseAnswer(prefix, []byte(c.answer)))[c.row]
			if said != (c.state != "") || s.state != c.state || !strings.Contains(words.English(s.detail), c.say) {
				t.Errorf("%v: %s (%s); want %s, %q", said, s.state, words.English(s.detail), c.state, c.say)
			}
			if f := (event.Facts{event.Evidenced(c.row): {Value: "x"}}); f.Validate() != nil {
				t.Error(f.Validate())
			}
		})
	}
}

// A row of evidence is expected while the agent has said something, and its
// loss is information.
func TestEvidenceIsExpectedWhereItWasGiven(t *testing.T) {
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	known := event.Facts{event.Components: {Value: event.Agent}, event.AntiMalware: {Value: event.On}, event.OS: {Value: event.Linux}}
	for _, k := range new(Query).Keys("h") {
		r := list.Find(k, event.Linux)
		if r == nil {
			t.Fatalf("%s has no row", k)
		}
		if v := r.Evaluate(known); v.Expected != catalog.No {
			t.Errorf("%s: %+v, though the agent said nothing", k, v)
		}
		said := known.Merge(event.Facts{event.Evidenced(k.Name): {Value: "x", Origin: "dsa_query"}})
		if v := r.Evaluate(said); v.Expected != catalog.Yes || r.ImpactOf(event.Linux, event.Degraded) != event.Noted || r.ImpactOf(event.Linux, event.Down) != event.Noted {
			t.Errorf("%s: %+v", k, v)
		}
	}
	quiet := known.Merge(event.Facts{event.HeartbeatSaid: {Value: "late"}, event.Communication: {Value: event.ManagerInitiated}})
	if v := list.Find(new(Query).Keys("h")[1], event.Linux).Evaluate(quiet); v.Expected != catalog.No {
		t.Errorf("a manager that calls the agent hears no heartbeat: %+v", v)
	}
}
