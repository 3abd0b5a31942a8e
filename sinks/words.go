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
	Page                                                 string // a link to it

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

var english, japanese = vocabulary(words.In("en", nil)), vocabulary(words.In("ja", nil))

func vocabulary(v words.Voice) Words {
	return Words{
		Item:         v.Pick(words.FieldItem),
		Host:         v.Pick(words.FieldHost),
		Component:    v.Pick(words.FieldComponent),
		State:        v.Pick(words.FieldState),
		Severity:     v.Pick(words.FieldSeverity),
		Impact:       v.Pick(words.FieldImpact),
		Rule:         v.Pick(words.FieldRule),
		Since:        v.Pick(words.FieldSince),
		Until:        v.Pick(words.FieldUntil),
		Lasted:       v.Pick(words.FieldLasted),
		Found:        v.Pick(words.FieldFound),
		OS:           v.Pick(words.FieldOS),
		AgentVersion: v.Pick(words.FieldAgentVersion),
		Reason:       v.Pick(words.FieldReason),
		Detail:       v.Pick(words.FieldDetail),
		Confirm:      v.Pick(words.FieldConfirm),
		Observer:     v.Pick(words.FieldObserver),
		AlertID:      v.Pick(words.FieldAlertID),
		Test:         v.Pick(words.FieldTest),
		Replay:       v.Pick(words.FieldReplay),
		Affected:     v.Pick(words.FieldAffected),
		AckBy:        v.Pick(words.FieldAckBy),
		WithdrawnBy:  v.Pick(words.FieldWithdrawnBy),
		Open:         v.Pick(words.FieldOpen),
		Waiting:      v.Pick(words.FieldWaiting),
		Next:         v.Pick(words.FieldNext),
		Step:         v.Pick(words.FieldStep),
		Page:         v.Pick(words.LinkToPage),
		more:         v.Pick(words.AffectedMore),
		count:        v.Pick(words.FoundOfWant),
		leftOut:      v.Pick(words.CharactersLeftOut),
		day:          v.Pick(words.UnitDay),
		hour:         v.Pick(words.UnitHour),
		minute:       v.Pick(words.UnitMinute),
		secnd:        v.Pick(words.UnitSecond),
		stop:         v.Pick(words.SentenceStop),
		voice:        v, gap: map[bool]string{false: " "}[v.JA()],
	}
}

// Language is en or ja.
func (w *Words) Language() string { return w.voice.Language }

// Action is what is written on the button for a.
func (w *Words) Action(a Action) string {
	return w.voice.Pick(map[Action]words.Both{Acknowledge: words.ButtonAck, SilenceHour: words.ButtonSilence, Why: words.ButtonWhy}[a])
}

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

// Counted is Count of a, empty where it says no more than the state: of a single
// thing, and of what cannot be seen.
func (w *Words) Counted(a event.Alert) string {
	if a.Want <= 1 || a.State == event.Unknown {
		return ""
	}
	return w.Count(a.Found, a.Want)
}

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
	var room [512]byte
	return string(w.AppendProse(room[:0], headline, texts...))
}

// AppendProse appends to b what Prose returns.
func (w *Words) AppendProse(b []byte, headline string, texts ...string) []byte {
	b = append(b, headline...)
	between := w.stop
	for _, t := range texts {
		if t != "" {
			b = append(append(b, between...), Line(t, len(t))...)
			between = w.gap
		}
	}
	return b
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
	if a.Rule != event.RuleStorm { // which is about no single item
		add(w.Item, w.Kind(a.Key.Kind)+" "+a.Key.Name)
	}
	add(w.State, state)
	add(w.Severity, w.SeverityOf(a.Severity))
	if a.Transition.Firing() { // what was lost is back
		add(w.Impact, w.ImpactOf(a.Impact))
	}
	add(w.Found, w.Counted(a))
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
	add("ATT&CK", Techniques(a))
	return fs
}

// Techniques lists the ids of an alert's techniques, for receivers that look
// for one of them.
func Techniques(a event.Alert) string {
	var ids []string
	for _, t := range a.Techniques {
		ids = append(ids, t.ID)
	}
	return strings.Join(ids, ",")
}
