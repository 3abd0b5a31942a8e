package sinks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Words is the vocabulary of one language for what stands around an alert's
// own text: labels of fields and names of values.
type Words struct {
	Item, Host, Component, State, Severity, Impact, Rule string
	Since, Until, Lasted, Found, OS, AgentVersion        string
	Reason, Detail, Confirm, Observer, AlertID           string
	Test, Replay                                         string
	Affected, AckBy, WithdrawnBy, Open, Waiting, Next    string
	Step                                                 string // what to do first

	voice words.Voice // says the rest

	count                    string // of found and want
	more                     string // of affected items
	leftOut                  string // of characters
	day, hour, minute, secnd string
	gap                      string // between a number and its unit, between two of them, and between sentences
	stop                     string // between a headline and a sentence
}

// In returns the vocabulary of an alert's Language: "ja", or English for
// anything else.
func In(language string) *Words {
	if language == "ja" {
		return &japanese
	}
	return &english
}

var english = Words{
	Item: "Item", Host: "Host", Component: "Component", State: "State", Severity: "Severity", Impact: "Impact", Rule: "Rule",
	Since: "Since", Until: "Until", Lasted: "Lasted", Found: "Found", OS: "OS", AgentVersion: "Agent version",
	Reason: "Why it is expected", Detail: "What was seen", Confirm: "How to confirm", Observer: "Seen by", AlertID: "Alert",
	Test: "TEST", Replay: "REPLAY",
	Affected: "Affected", AckBy: "Acknowledged by", WithdrawnBy: "Acknowledgement withdrawn by", Open: "Open alerts", Waiting: "Waiting for this sink", Next: "Next within", Step: "Next step",

	voice: words.In("en", nil),
	more:  "and %d more", count: "%d of %d", leftOut: "%d characters left out",
	day: "d", hour: "h", minute: "min", secnd: "s", gap: " ", stop: ". ",
}

var japanese = Words{
	Item: "監視対象", Host: "ホスト", Component: "コンポーネント", State: "状態", Severity: "重大度", Impact: "影響", Rule: "ルール",
	Since: "発生日時", Until: "復旧日時", Lasted: "継続時間", Found: "検出数", OS: "OS", AgentVersion: "Agent のバージョン",
	Reason: "監視する理由", Detail: "検出内容", Confirm: "確認方法", Observer: "監視元", AlertID: "アラート",
	Test: "テスト", Replay: "再送",
	Affected: "影響を受ける項目", AckBy: "担当者", WithdrawnBy: "確認を取り消した担当者", Open: "未復旧のアラート", Waiting: "送信待ち", Next: "次の通知まで", Step: "次の対応",

	voice: words.In("ja", nil),
	more:  "ほか%d件", count: "%d / %d", leftOut: "%d文字を省略",
	day: "日", hour: "時間", minute: "分", secnd: "秒", stop: "。",
}

// Language is en or ja.
func (w *Words) Language() string { return w.voice.Language }

// Kind names k.
func (w *Words) Kind(k event.Kind) string { return w.voice.Kind(k) }

// StateOf names s.
func (w *Words) StateOf(s event.State) string { return w.voice.State(s) }

// SeverityOf names s.
func (w *Words) SeverityOf(s event.Severity) string { return w.voice.Severity(s) }

// ImpactOf names i.
func (w *Words) ImpactOf(i event.Impact) string { return w.voice.Impact(i) }

// Transition names t as a headline marks it: "ALERT", "RECOVERED", "復旧".
func (w *Words) Transition(t event.Transition) string { return w.voice.Mark(t) }

// Count writes found instances of wanted ones: "1 of 2".
func (w *Words) Count(found, want int) string { return fmt.Sprintf(w.count, found, want) }

// LeftOut says that n characters did not fit into a message.
func (w *Words) LeftOut(n int) string { return fmt.Sprintf(w.leftOut, n) }

// Lasting writes a duration in its two largest units: "2 h 5 min".
func (w *Words) Lasting(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	var parts []string
	for _, u := range []struct {
		n    int64
		name string
	}{{86400, w.day}, {3600, w.hour}, {60, w.minute}, {1, w.secnd}} {
		if n := s / u.n; n > 0 || (u.n == 1 && len(parts) == 0) {
			parts = append(parts, strconv.FormatInt(n, 10)+w.gap+u.name)
		} else if len(parts) > 0 {
			break
		}
		s %= u.n
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, w.gap)
}

// Time writes t with its date, seconds and zone offset, the same in every
// language, so that it can be compared with a log.
func (w *Words) Time(t time.Time) string { return t.Format("2006-01-02 15:04:05 -07:00") }

// Headline is the alert in one clean line of at most most bytes: what
// happened, then the title. A test and a replay say so first.
func (w *Words) Headline(a event.Alert, most int) string {
	h := "[" + w.Transition(a.Transition) + "] " + a.Title
	switch {
	case a.Test && !strings.HasPrefix(a.Title, "["+w.Test+"]") && !strings.HasPrefix(a.Title, "["+english.Test+"]"):
		h = "[" + w.Test + "] " + h
	case a.Replay:
		h = "[" + w.Replay + "] " + h
	}
	return Line(h, most)
}

// Prose puts texts behind a headline, in one line: what is empty is left out.
func (w *Words) Prose(headline string, texts ...string) string {
	s, stop := headline, w.stop
	for _, t := range texts {
		if t != "" {
			s, stop = s+stop+Line(t, len(t)), w.gap
		}
	}
	return s
}

// Field is one labelled value of an alert.
type Field struct {
	Label string
	Value string // one clean line
}

// maxValue bounds one field in bytes; a key's parts end at event.MaxName.
const maxValue = 2 * event.MaxName

// Fields returns what a reader wants to see beside the text, the most telling
// first, without what is empty. A sink with little room takes the first ones.
func (w *Words) Fields(a event.Alert) []Field {
	fs := make([]Field, 0, 12)
	add := func(label, value string) {
		if value != "" {
			fs = append(fs, Field{label, Line(value, maxValue)})
		}
	}
	if b := a.Heartbeat; b != nil {
		add(w.Host, a.Key.Host)
		add(w.Open, strconv.Itoa(b.Open))
		add(w.Waiting, strconv.Itoa(b.Waiting))
		add(w.Next, w.Lasting(time.Duration(b.Every)*time.Second))
		return fs
	}
	state := w.StateOf(a.State)
	if a.Previous != "" && a.Previous != a.State {
		state = w.StateOf(a.Previous) + " → " + state
	}
	add(w.Host, a.Key.Host)
	add(w.Item, w.Kind(a.Key.Kind)+" "+a.Key.Name)
	add(w.State, state)
	add(w.Severity, w.SeverityOf(a.Severity))
	if a.Transition.Firing() { // what was lost is back
		add(w.Impact, w.ImpactOf(a.Impact))
	}
	if a.Want > 0 {
		add(w.Found, w.Count(a.Found, a.Want))
	}
	add(w.Since, w.Time(a.StartedAt))
	if a.Transition == event.Cleared && !a.EndedAt.IsZero() {
		add(w.Until, w.Time(a.EndedAt))
		add(w.Lasted, w.Lasting(a.EndedAt.Sub(a.StartedAt)))
	}
	if a.Ack != nil {
		add(w.AckBy, w.Acked(*a.Ack))
	}
	if a.Withdrawn != nil {
		add(w.WithdrawnBy, w.Acked(*a.Withdrawn))
	}
	add(w.Component, a.Key.Component)
	add(w.OS, a.OS)
	add(w.AgentVersion, a.AgentVersion)
	if a.Observer != a.Key.Host {
		add(w.Observer, a.Observer)
	}
	return fs
}
