package alertmanager

import (
	"maps"
	"strconv"
	"time"

	"dswatch/event"
	"dswatch/sinks"
)

// posted is one alert as the API takes it ("postableAlert" of its OpenAPI
// description).
type posted struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Generator   string            `json:"generatorURL,omitempty"` // the page of the alert
}

// reserved are the labels that Config.Labels cannot set.
var reserved = []string{"alertname", "host", "component", "kind", "name", "rule", "severity", "test"}

// ahead is how far this host's clock may run ahead of Alertmanager's.
const ahead = 5 * time.Minute

// post returns what is sent for a: the alert itself, and once the severity
// may have changed, an end for what stands under the others. Alertmanager
// ignores the end of an alert that it does not have.
func (s *Sink) post(a event.Alert, now time.Time) []posted {
	a = sinks.Tidy(a)
	end := a.At.Add(-ahead) // of what is over
	if a.Transition == event.Cleared && !a.EndedAt.IsZero() {
		end = a.EndedAt.Add(-ahead)
	}
	over := posted{Labels: labels(a, s.extra), Annotations: annotations(a), StartsAt: a.StartedAt, EndsAt: end, Generator: s.link(a)}
	if end.Before(a.StartedAt) {
		over.StartsAt = end // an end before the start is refused
	}
	one := over
	switch {
	case a.Transition == event.Beat:
		// Like the alert Watchdog of others: open as long as it comes, and
		// over by itself when the second one in a row is missed.
		one.StartsAt, one.EndsAt = a.StartedAt, now.Add(ahead)
		if a.Heartbeat != nil {
			one.EndsAt = one.EndsAt.Add(2 * time.Duration(a.Heartbeat.Every) * time.Second)
		}
		return []posted{one}
	case a.Transition.Firing():
		one.StartsAt, one.EndsAt = a.StartedAt, now.Add(s.endsAfter)
		if one.EndsAt.Before(one.StartsAt) { // a clock that was set back by weeks
			one.EndsAt = one.StartsAt.Add(s.endsAfter)
		}
	}
	all := []posted{one}
	if a.Transition == event.Raised {
		return all
	}
	for _, other := range event.Severities() {
		if other == a.Severity {
			continue
		}
		p := over
		p.Labels = maps.Clone(over.Labels)
		p.Labels["severity"] = string(other)
		all = append(all, p)
	}
	return all
}

// labels are the identity of an alert: nothing that can change while it is
// open, but for severity, which every route of Alertmanager asks for. extra
// are the operator's own.
func labels(a event.Alert, extra map[string]string) map[string]string {
	l := maps.Clone(extra)
	if l == nil {
		l = make(map[string]string, len(reserved))
	}
	l["alertname"] = "dswatch_" + a.Rule
	l["host"], l["component"], l["kind"], l["name"] = a.Key.Host, a.Key.Component, string(a.Key.Kind), a.Key.Name
	l["rule"], l["severity"] = a.Rule, string(a.Severity)
	if a.Test {
		l["test"] = "true"
	}
	return l
}

// maxAffected bounds the list of affected items in bytes.
const maxAffected = 2 << 10

// annotations are all else, without what is empty.
func annotations(a event.Alert) map[string]string {
	m := map[string]string{
		"summary": a.Title, "description": a.Text, "short": a.Short, "next": a.Next, "reason": a.Reason, "detail": a.Detail, "confirm": a.Confirm,
		"transition": string(a.Transition), "state": string(a.State), "previous": string(a.Previous), "impact": string(a.Impact),
		"os": a.OS, "agent_version": a.AgentVersion, "observer": a.Observer, "alert_id": a.ID, "techniques": sinks.Techniques(a), "seq": strconv.Itoa(a.Seq),
	}
	if k := a.Ack; k != nil {
		m["ack_author"], m["ack_comment"] = k.Author, sinks.Line(k.Comment, sinks.MaxTitle)
	}
	if a.AffectedCount > 0 {
		m["affected_count"], m["affected"] = strconv.Itoa(a.AffectedCount), sinks.In(a.Language).AffectedList(a, maxAffected)
	}
	if c := a.Heartbeat; c != nil {
		m["open"], m["waiting"], m["every"] = strconv.Itoa(c.Open), strconv.Itoa(c.Waiting), strconv.Itoa(c.Every)
	}
	if a.Want > 0 {
		m["found"], m["want"] = strconv.Itoa(a.Found), strconv.Itoa(a.Want)
	}
	if !a.EndedAt.IsZero() {
		m["ended_at"] = a.EndedAt.UTC().Format(time.RFC3339)
	}
	if a.Replay {
		m["replay"] = "true"
	}
	maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
	return m
}
