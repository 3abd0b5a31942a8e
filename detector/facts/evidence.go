package facts

import (
	"context"
	"strconv"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// saying is what the agent said of itself in one respect.
type saying struct {
	state  event.State
	value  string // as a fact: it changes only where that means something
	detail event.Said
	at     time.Time

	question string
}

// lateHeartbeat is how old the last heartbeat to the manager may be. The
// default is one every 10 minutes, and the manager alarms after two or three.
const lateHeartbeat = 3 * time.Hour

// The rows of kind event.Evidence.
const (
	engineRow    = "anti_malware_engine"
	heartbeatRow = "last_heartbeat"
	stateRow     = "agent_state"
)

// evidence reads what an answer says of the agent itself. A value without a
// known scale is shown, and means no loss.
func evidence(question string, a answer) map[string]saying {
	out := map[string]saying{}
	if question == "GetComponentInfo" {
		if mode, ok := a["AM.mode"]; ok && mode != "off" {
			s := saying{state: event.Up, value: clip(mode), detail: words.AgentSays.With("AM.mode", clip(mode))}
			if mode == "driver-offline" {
				s.state, s.detail = event.Degraded, s.detail.And(words.BasicFunctions.With())
			}
			out[engineRow] = s
		}
		return out
	}
	now, nerr := strconv.ParseInt(a["currentTime"], 10, 64)
	last, lerr := strconv.ParseInt(a["lastAgentToManagerSession"], 10, 64)
	if nerr == nil && lerr == nil && last > 0 && now >= last {
		age := time.Duration(min(now-last, 1<<31)) * time.Second
		s := saying{state: event.Up, value: "known", detail: words.HeartbeatAge.With(age)}
		if age > lateHeartbeat {
			s.state, s.value = event.Down, "late"
		}
		out[heartbeatRow] = s
	}
	if state := a["agentState"]; state != "" {
		s := saying{state: event.Up, value: clip(state), detail: words.AgentSays.With("agentState", clip(state))}
		if hooked := a["driverHooked"]; hooked != "" {
			s.detail = s.detail.And(words.AgentSays.With("driverHooked", clip(hooked)))
		}
		if state == "red" || state == "yellow" {
			s.state = event.Degraded
		}
		out[stateRow] = s
	}
	return out
}

// evidenceRows in the order in which people read them.
var evidenceRows = []string{engineRow, heartbeatRow, stateRow}

// Keys are the items of kind event.Evidence.
func (q *Query) Keys(host string) (keys []event.Key) {
	for _, r := range evidenceRows {
		keys = append(keys, event.Key{Host: host, Component: event.Agent, Kind: event.Evidence, Name: r})
	}
	return keys
}

// Evidence is a detector of what the agent said when it was last asked, and the
// source of the facts that make its rows expected. It asks nothing itself. What
// was never said is up, and nobody expects it.
type Evidence struct {
	Query *Query
	Host  string
}

// Facts tells in what respects the agent said something within the last day.
func (e Evidence) Facts(context.Context) (event.Facts, error) {
	e.Query.mu.Lock()
	defer e.Query.mu.Unlock()
	f := event.Facts{}
	for row, s := range e.Query.says {
		if time.Since(s.at) <= queryKeep {
			f[event.Evidenced(row)] = event.Fact{Value: s.value, Origin: "dsa_query -c " + s.question, At: s.at}
		}
	}
	return f, nil
}

// Detect tells what was said.
func (e Evidence) Detect(context.Context) (out []event.Observation, err error) {
	e.Query.mu.Lock()
	defer e.Query.mu.Unlock()
	for _, k := range e.Query.Keys(e.Host) {
		o := event.Observation{Key: k, State: event.Up, Found: 1, Want: 1, At: time.Now()}
		if s, ok := e.Query.says[k.Name]; ok {
			if o.State, o.Detail = s.state, s.detail; s.state == event.Down {
				o.Found = 0
			}
		}
		out = append(out, o)
	}
	return out, nil
}
