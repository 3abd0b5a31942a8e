package sinktest

import (
	"fmt"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// Sample returns a realistic alert: the n-th item of a fleet, at transition
// tr, in language en or ja. The same n is the same firing.
func Sample(n int, tr event.Transition, language string) event.Alert {
	key := event.Key{Host: fmt.Sprintf("web%02d", n), Component: event.Agent, Kind: event.Process, Name: "ds_agent"}
	start := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	a := event.Alert{
		ID: event.AlertID(key, "loss", "first"), Rule: "loss", Transition: tr, Key: key,
		Turn: 1, Seq: 1, State: event.Down, Previous: event.Up, Severity: event.Critical, Impact: event.ManagementLost, Found: 0, Want: 2,
		Language: language, OS: "linux", AgentVersion: "20.0.2-1390.el8", HostID: "17", Observer: key.Host, StartedAt: start, At: start.Add(20 * time.Second),
		Detail: "no process named ds_agent (looked at 312)",
	}
	a.DetailStatements = words.Spell(words.NoProcessNamed.With([]string{key.Name}))
	a.ReasonStatements = words.Spell(words.ComponentThere.With(event.Agent, "declared"))
	switch tr {
	case event.Changed:
		a.Seq, a.State, a.Previous, a.Found, a.At = 2, event.Degraded, event.Down, 1, start.Add(time.Minute)
	case event.Repeated:
		a.Seq, a.Previous, a.At = 3, event.Degraded, start.Add(4*time.Hour)
	case event.Cleared:
		a.Seq, a.State, a.Previous, a.Found = 4, event.Up, event.Down, 2
		a.At = start.Add(4*time.Hour + 5*time.Minute)
		a.EndedAt, a.Detail = a.At, "pids 812, 813"
	}
	if language == "ja" {
		a.Title = key.Host + " のAgentプロセス ds_agent が停止しています"
		a.Text = "Deep Security Agentの管理機能が失われました。ドライバーが残っている間、保護は継続します。"
		a.Reason = "脚注1: Linuxでは常に2つ動作します。"
		a.Confirm = "ps -ef | grep ds_agent"
		a.Short, a.Next = "管理機能が停止。保護は継続。", "systemctl start ds_agent で起動してください。"
		if tr == event.Cleared {
			a.Title = key.Host + " のAgentプロセス ds_agent が復旧しました"
			a.Text, a.Short, a.Next = "Deep Security Agentの管理機能が回復しました。", "", ""
		}
		return a
	}
	a.Title = "agent process ds_agent is down on " + key.Host
	a.Text = "The Deep Security Agent no longer reports or takes policy. While its driver is loaded, the last policy still protects the host."
	a.Reason = "always expected on linux (footnote 1: two instances)"
	a.Confirm = "ps -ef | grep ds_agent"
	a.Short, a.Next = "Management is lost, protection is kept.", "Run systemctl start ds_agent."
	if tr == event.Cleared {
		a.Title = "agent process ds_agent is up again on " + key.Host
		a.Text, a.Short, a.Next = "The Deep Security Agent reports and takes policy again.", "", ""
	}
	return a
}

// Stated is Sample as the rules make it: in English, with all that it says as
// data beside it.
func Stated(n int, tr event.Transition) event.Alert {
	a := Sample(n, tr, "en")
	what := words.Named.Phrase(a.Key.Kind, a.Key.Name)
	a.TitleStatements = words.Title.With(a.Key.Host, words.IsLost.Phrase(what, 0, words.HowDown.Phrase()))
	a.TextStatements = words.NotObserved.With()
	if tr == event.Cleared {
		a.TitleStatements = words.Title.With(a.Key.Host, words.IsBack.Phrase(what))
		a.TextStatements = words.Lasted.With(4*time.Hour + 5*time.Minute)
	}
	words.In("en", nil).Tell(&a)
	return a
}

// Transitions lists one firing's transitions in the order of its life.
func Transitions() []event.Transition {
	return []event.Transition{event.Raised, event.Changed, event.Repeated, event.Cleared}
}

// Others returns the alerts that are more than a step of one firing, by name:
// an acknowledgement and its withdrawal, flapping and its end, a digest of 2,500 alerts and its
// end, and a heartbeat.
func Others(language string) map[string]event.Alert {
	all := map[string]event.Alert{}
	ack := Sample(50, event.Repeated, language)
	ack.Transition = event.Acknowledged
	ack.Ack = &event.Ack{Author: "kim.park", Comment: "ticket 4711", At: ack.At}
	all["acknowledged"] = ack
	back := Sample(50, event.Repeated, language)
	back.Transition = event.Unacknowledged
	back.Withdrawn = &event.Ack{Author: "lee", Comment: "end of shift", At: back.At}
	back.Text = "Nobody looks after it any more; lee withdrew the acknowledgement: end of shift"
	all["unacknowledged"] = back
	gone := Sample(53, event.Raised, language)
	gone.Class, gone.Key.Kind, gone.Key.Name, gone.Want = "memory", event.Installation, "installed", 1
	gone.Techniques = gone.Key.Techniques()
	all["disappeared"] = gone
	for name, tr := range map[string]event.Transition{"flapping": event.Raised, "settled": event.Cleared} {
		a := Sample(51, tr, language)
		a.Rule, a.Severity = event.RuleFlapping, event.Warning
		a.ID = event.AlertID(a.Key, a.Rule, "first")
		all[name] = a
	}
	for name, tr := range map[string]event.Transition{"digest": event.Raised, "digest over": event.Cleared} {
		a := Sample(52, tr, language)
		a.Rule, a.AffectedCount = event.RuleStorm, 2500
		a.ID = event.AlertID(a.Key, a.Rule, "first")
		for i := range event.MaxAffected {
			k := event.Key{Host: fmt.Sprintf("storm%03d.%s.example", i, strings.Repeat("n", 200)), Component: event.Agent, Kind: event.Module, Name: "anti_malware"}
			a.Affected = append(a.Affected, event.Affected{Key: k, State: a.State, Severity: event.Critical, Since: a.StartedAt, AlertID: event.AlertID(k, "loss", "first")})
		}
		all[name] = a
	}
	beat := Sample(53, event.Raised, language)
	beat.Key = event.Key{Host: "web53", Component: "dswatch", Kind: event.Host, Name: "dswatch"}
	beat.ID, beat.Rule = event.AlertID(beat.Key, event.RuleAlive, "test"), event.RuleAlive
	beat.Transition, beat.Turn, beat.Seq, beat.State, beat.Previous, beat.Found, beat.Want = event.Beat, 0, 4711, event.Up, "", 0, 0
	beat.Severity, beat.Impact, beat.Detail, beat.Confirm, beat.Reason = event.Info, event.NoticeLost, "", "", ""
	beat.Short, beat.Next = "", ""
	beat.Heartbeat = &event.Counts{Open: 7031, Waiting: 8042, Every: 300}
	beat.TitleStatements = words.Alive.With(beat.Key.Host)
	beat.TextStatements = words.AliveCounts.With(beat.Heartbeat.Open, beat.Heartbeat.Waiting, time.Duration(beat.Heartbeat.Every)*time.Second)
	beat = sinks.Speak(beat, words.In(language, nil))
	all["heartbeat"] = beat
	return all
}

// hostile returns texts that hosts can make others show, by name.
func hostile() map[string]string {
	return map[string]string{
		"line breaks":   "a\nb\r\nc\rd\u0085e\u2028f\u2029g\vh\fi",
		"controls":      "a\x00b\x07c\x1b[31md\x7fe\u009bf",
		"invalid UTF-8": "a\xffb\xc3\x28c\xe2\x82",
		"bidi":          "a\u202egpj.exe\u2066b\u2069\u200f",
		"mentions":      "<!channel> <!here> <@U012AB3CD> @everyone [x](https://evil.example) <https://evil.example|click> &lt;!channel&gt;",
		"syntax":        `"quote' \back ] [x="y"] | = {"a":1} %s %n ${jndi:x} <b>&amp;</b> *bold* _it_ ~s~ ` + "`code`",
		"long line":     strings.Repeat("x", 1<<20),
		"long escaped":  strings.Repeat("&<>\"\\", 1<<18),
		"long wide":     strings.Repeat("監視", 1<<18),
		"long emoji":    strings.Repeat("👩‍👩‍👧", 1<<16),
		"long lines":    strings.Repeat("\n", 1<<20),
		"long invalid":  strings.Repeat("\xff\n", 1<<19),
		"empty":         "",
		"only controls": "\x00\x01\x02",
	}
}

// poisoned returns a with s in every field that a host has a hand in.
func poisoned(a event.Alert, s string) event.Alert {
	bounded := s // decoders refuse longer keys, so no sink ever gets one
	if len(bounded) > event.MaxName {
		bounded = bounded[:event.MaxName]
	}
	if bounded != "" {
		a.Key.Host, a.Key.Name, a.Key.Component, a.Observer = bounded, bounded, bounded, bounded
	}
	a.Title, a.Text, a.Short, a.Next, a.Reason, a.Detail, a.Confirm, a.OS, a.AgentVersion, a.HostID = s, s, s, s, s, s, s, s, s, s
	a.Ack, a.Withdrawn = &event.Ack{Author: s, Comment: s}, &event.Ack{Author: s, Comment: s}
	a.AffectedCount, a.Affected = 2, []event.Affected{{Key: a.Key, State: event.Down}, {Key: a.Key, State: event.Down, AlertID: s}}
	return a
}
