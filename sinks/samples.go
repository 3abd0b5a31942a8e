package sinks

import (
	"maps"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// sample is one kind of alert that a template must be able to render.
type sample struct {
	name string
	event.Alert
}

// samples returns one alert of every kind in a language, in a fixed order.
// What only some kinds have (Ack, Affected, Heartbeat, EndedAt) only they
// have here.
func samples(language string) []sample {
	start := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	key := event.Key{Host: "web01", Component: event.Agent, Kind: event.Process, Name: "ds_agent"}
	raised := event.Alert{
		ID: event.AlertID(key, event.RuleLoss, "sample"), Turn: 1, Seq: 1, Transition: event.Raised, Rule: event.RuleLoss, Key: key,
		State: event.Down, Previous: event.Up, Severity: event.Critical, Impact: event.ManagementLost, Want: 2,
		Language: language, Title: words.SampleTitle.EN, Text: words.SampleText.EN,
		Reason: "always expected on linux", Detail: "no process named ds_agent", Confirm: "ps -ef | grep ds_agent",
		OS: "linux", AgentVersion: "20.0.2.1390", Observer: "web01", StartedAt: start, At: start.Add(20 * time.Second),
	}
	if language == "ja" {
		raised.Title, raised.Text = words.SampleTitle.JA, words.SampleText.JA
	}
	affected := func(a *event.Alert, count int) {
		a.AffectedCount = count
		for _, name := range []string{"dsa_filter", "4118/tcp"} {
			k := event.Key{Host: "web02", Component: event.Agent, Kind: event.Driver, Name: name}
			a.Affected = append(a.Affected, event.Affected{Key: k, State: a.State, Severity: event.Warning, Since: start, AlertID: event.AlertID(k, event.RuleLoss, "sample")})
		}
	}
	over := func(a *event.Alert) {
		a.Transition, a.Seq, a.State, a.Previous, a.Found = event.Cleared, 2, event.Up, event.Down, a.Want
		a.EndedAt = start.Add(time.Hour)
		a.At = a.EndedAt
	}
	kinds := map[string]func(a *event.Alert){
		"raised":   func(*event.Alert) {},
		"changed":  func(a *event.Alert) { a.Transition, a.Seq, a.State, a.Found = event.Changed, 2, event.Degraded, 1 },
		"repeated": func(a *event.Alert) { a.Transition, a.Seq = event.Repeated, 2 },
		"acknowledged": func(a *event.Alert) {
			a.Transition, a.Seq, a.Ack = event.Acknowledged, 2, &event.Ack{Author: "kim", Comment: "ticket 4711", At: a.At}
		},
		"unacknowledged": func(a *event.Alert) {
			a.Transition, a.Seq, a.Withdrawn = event.Unacknowledged, 3, &event.Ack{Author: "kim", Comment: "going home", At: a.At}
		},
		"cleared": over,
		"unknown": func(a *event.Alert) {
			a.Rule, a.State, a.Severity, a.Impact = event.RuleUnknown, event.Unknown, event.Warning, event.VisibilityLost
		},
		"cause":       func(a *event.Alert) { affected(a, 2) },
		"flapping":    func(a *event.Alert) { a.Rule = event.RuleFlapping },
		"settled":     func(a *event.Alert) { a.Rule = event.RuleFlapping; over(a) },
		"digest":      func(a *event.Alert) { a.Rule = event.RuleStorm; affected(a, 2500) },
		"digest over": func(a *event.Alert) { a.Rule = event.RuleStorm; affected(a, 2500); over(a) },
		"heartbeat": func(a *event.Alert) {
			a.Transition, a.Rule, a.State, a.Previous, a.Want = event.Beat, event.RuleAlive, event.Up, "", 0
			a.Severity, a.Impact, a.Reason, a.Detail, a.Confirm = event.Info, event.NoticeLost, "", "", ""
			a.Key = event.Key{Host: "web01", Component: "dswatch", Kind: event.Host, Name: "dswatch"}
			a.Heartbeat = &event.Counts{Open: 3, Waiting: 1, Every: 300}
			a.TitleStatements, a.TextStatements = words.Alive.With(a.Key.Host), words.AliveCounts.With(3, 1, 5*time.Minute)
			*a = Speak(*a, words.In(language, nil))
		},
		"test":   func(a *event.Alert) { a.Test, a.OS, a.AgentVersion = true, "", "" },
		"replay": func(a *event.Alert) { a.Replay = true },
	}
	var all []sample
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		a := raised
		kinds[name](&a)
		all = append(all, sample{name, a})
	}
	return all
}
