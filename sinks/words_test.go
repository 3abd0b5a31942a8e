package sinks_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
)

// TestEveryWordIsThere fails when one language lacks what the other has, or a
// value of an enumeration has no word.
func TestEveryWordIsThere(t *testing.T) {
	en, ja := sinks.In("en"), sinks.In("ja")
	for _, w := range []*sinks.Words{en, ja} {
		v := reflect.ValueOf(*w)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if v.Field(i).Kind() == reflect.String && v.Field(i).Len() == 0 && f.Name != "gap" {
				t.Errorf("%s: %s is empty", w.Host, f.Name)
			}
		}
	}
	japanese := func(value, word string) {
		if word == value || strings.ContainsAny(word, "abcefghijklmnopqruvxyz") && !strings.Contains(word, "dswatch") {
			t.Errorf("%s is %q in Japanese", value, word)
		}
	}
	for _, k := range event.Kinds() {
		japanese(string(k), ja.Kind(k))
	}
	for _, s := range []event.State{event.Up, event.Degraded, event.Down, event.Unknown} {
		japanese(string(s), ja.StateOf(s))
	}
	for _, s := range event.Severities() {
		japanese(string(s), ja.SeverityOf(s))
	}
	for _, i := range event.Impacts() {
		japanese(string(i), ja.ImpactOf(i))
		if en.ImpactOf(i) == string(i) {
			t.Errorf("%s has no English word", i)
		}
	}
	for _, tr := range append(sinktest.Transitions(), event.Acknowledged, event.Unacknowledged, event.Beat) {
		japanese(string(tr), ja.Transition(tr))
		if en.Transition(tr) == string(tr) {
			t.Errorf("%s has no English word", tr)
		}
	}
	if got := en.StateOf("sleeping"); got != "sleeping" {
		t.Errorf("a state of a newer version is shown as %q", got)
	}
	if sinks.In("fr") != en || sinks.In("") != en {
		t.Error("an unknown language is not English")
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		0:                                {"0 s", "0秒"},
		-time.Hour:                       {"0 s", "0秒"},
		400 * time.Millisecond:           {"0 s", "0秒"},
		61 * time.Second:                 {"1 min 1 s", "1分1秒"},
		time.Hour:                        {"1 h", "1時間"},
		time.Hour + time.Second:          {"1 h", "1時間"},
		26*time.Hour + 3*time.Minute + 4: {"1 d 2 h", "1日2時間"},
		365 * 24 * time.Hour:             {"365 d", "365日"},
	} {
		if got := [2]string{sinks.In("en").Lasting(d), sinks.In("ja").Lasting(d)}; got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestHeadline(t *testing.T) {
	a := event.Alert{Transition: event.Raised, Title: "ds_agent is\ndown", Language: "en"}
	for name, c := range map[string]struct {
		change func(*event.Alert)
		want   string
	}{
		"raised":         {func(*event.Alert) {}, "[ALERT] ds_agent is down"},
		"cleared":        {func(a *event.Alert) { a.Transition = event.Cleared }, "[RECOVERED] ds_agent is down"},
		"cleared, ja":    {func(a *event.Alert) { a.Transition, a.Language = event.Cleared, "ja" }, "[復旧] ds_agent is down"},
		"test":           {func(a *event.Alert) { a.Test = true }, "[TEST] [ALERT] ds_agent is down"},
		"test, marked":   {func(a *event.Alert) { a.Test, a.Title = true, "[TEST] x" }, "[ALERT] [TEST] x"},
		"test, ja":       {func(a *event.Alert) { a.Test, a.Title, a.Language = true, "[TEST] x", "ja" }, "[発生] [TEST] x"},
		"replay":         {func(a *event.Alert) { a.Replay = true }, "[REPLAY] [ALERT] ds_agent is down"},
		"replayed, test": {func(a *event.Alert) { a.Replay, a.Test = true, true }, "[TEST] [ALERT] ds_agent is down"},
	} {
		a := a
		c.change(&a)
		if got := sinks.In(a.Language).Headline(a, 100); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFields(t *testing.T) {
	text := func(a event.Alert) string {
		var lines []string
		for _, f := range sinks.In(a.Language).Fields(a) {
			lines = append(lines, f.Label+": "+f.Value)
		}
		return strings.Join(lines, "\n")
	}
	raised := sinktest.Sample(1, event.Raised, "en")
	raised.Observer = "dsm01"
	if got, want := text(raised), `Host: web01
Item: process ds_agent
State: up → down
Severity: critical
Impact: management lost, protection kept
Found: 0 of 2
Since: 2026-11-22 03:04:05 +00:00
Component: agent
OS: linux
Agent version: 20.0.2-1390.el8
Seen by: dsm01`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	cleared := sinktest.Sample(1, event.Cleared, "ja")
	cleared.OS, cleared.AgentVersion = "", ""
	if got, want := text(cleared), `ホスト: web01
監視項目: プロセス ds_agent
状態: 停止 → 正常
重大度: 重大
検出数: 2 / 2
発生日時: 2026-11-22 03:04:05 +00:00
復旧日時: 2026-11-22 07:09:05 +00:00
継続時間: 4時間5分
コンポーネント: agent`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTidy(t *testing.T) {
	a := sinktest.Sample(1, event.Raised, "en")
	if !reflect.DeepEqual(sinks.Tidy(a), a) {
		t.Error("an ordinary alert was changed")
	}
	a.Title, a.Text, a.Key.Name = "a\nb", "a\x00\r\nb", strings.Repeat("x", 5000)
	b := sinks.Tidy(a)
	if b.Title != "a b" || b.Text != "a\ufffd\nb" || len(b.Key.Name) > sinks.MaxTitle || !strings.HasSuffix(b.Key.Name, "...") {
		t.Errorf("%+v", b)
	}
	a.Text, a.Affected = strings.Repeat("y", 50_000), []event.Affected{{Key: event.Key{Host: strings.Repeat("h", 5000), Name: "a\nb"}}}
	b = sinks.Tidy(a)
	if len(b.Text) > 8192 || len(b.Affected[0].Key.Host) > event.MaxName || b.Affected[0].Key.Name != "a b" {
		t.Errorf("a text of %d bytes, %.600q", len(b.Text), b.Affected)
	}
	if b.DeliveryID() != a.DeliveryID() {
		t.Error("the delivery id changed")
	}
}
