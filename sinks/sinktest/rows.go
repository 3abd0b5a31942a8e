package sinktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// RowAlert is the alert of one row of the list, in one state and language.
type RowAlert struct {
	Of string // which: "driver/dsa_filter down on linux in ja, loss 2"
	event.Alert
}

// Rows returns an alert of each row of the vendor's list on each of its
// systems, for each thing that its loss can mean there, in each state that
// means a loss, in both languages. They are as the rules make them.
func Rows(t *testing.T) []RowAlert {
	t.Helper()
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	var out []RowAlert
	for _, row := range list.Rows("") {
		systems := row.OS
		if len(systems) == 0 {
			systems = []string{event.Windows, event.Linux}
		}
		for _, os := range systems {
			for i, loss := range row.Loss {
				if len(loss.OS) > 0 && !slices.Contains(loss.OS, os) {
					continue
				}
				one := *row
				one.Loss = []catalog.Loss{{Down: loss.Down, Degraded: loss.Degraded}}
				for _, state := range []event.State{event.Down, event.Degraded, event.Unknown} {
					for _, language := range []string{"en", "ja"} {
						of := fmt.Sprintf("%s %s on %s in %s, loss %d", row.ID(), state, os, language, i)
						out = append(out, RowAlert{of, rowAlert(one, os, state, language)})
					}
				}
			}
		}
	}
	if len(out) < 300 { // far fewer than the list has
		t.Fatalf("%d alerts only", len(out))
	}
	return out
}

func headline(row catalog.Row, state event.State) words.Phrase {
	what := words.Named.Phrase(row.Kind, row.Name)
	switch state {
	case event.Unknown:
		return words.CannotSee.Phrase(what, 0)
	case event.Degraded:
		return words.IsLost.Phrase(what, 0, words.HowDegraded.Phrase(1, row.Want()))
	}
	return words.IsLost.Phrase(what, 0, words.HowDown.Phrase())
}

func rowAlert(row catalog.Row, os string, state event.State, language string) event.Alert {
	on := catalog.Sight{OS: os}
	a := Sample(1, event.Raised, language)
	a.Key = event.Key{Host: "web01.tokyo.example.co.jp", Component: row.Component, Kind: row.Kind, Name: row.Name}
	a.ID = event.AlertID(a.Key, event.RuleLoss, os+string(state)+language)
	a.Rule, a.Seq, a.Turn, a.State, a.OS, a.Observer = event.RuleLoss, 12, 3, state, os, a.Key.Host
	a.Impact, a.Want, a.Confirm = row.ImpactIn(on, state), row.Want(), row.ConfirmOn(os)
	a.StartedAt = time.Now().Truncate(time.Second)
	a.At = a.StartedAt.Add(20 * time.Second)
	a.TitleStatements = words.Title.With(a.Key.Host, headline(row, state))
	a.TextStatements, a.ShortStatements, a.NextStatements = row.Meaning(on, state), row.Short(on, state), row.NextStep(on, state)
	a.AffectedCount = 1
	a.Affected = []event.Affected{{Key: event.Key{Host: a.Key.Host, Component: event.Agent, Kind: event.Port, Name: "4118/tcp"}, State: event.Down}}
	return sinks.Speak(a, words.In(language, nil))
}

// Whole sends the alerts of Rows and wants title, consequence and next step of
// each to arrive whole, and in one line where lines count. Of o it needs New,
// Far, Read, Lines and Brief.
func Whole(t *testing.T, o Options) {
	t.Helper()
	if o.Far == nil {
		o.Far = anyHTTP
	}
	b := newBench(t, o, o.Far(t))
	rows := Rows(t)
	for _, r := range rows {
		if err := b.send(t, t.Context(), r.Alert); err != nil {
			t.Fatalf("%s: %v", r.Of, err)
		}
	}
	got := b.arrived(t, len(rows))
	for i, r := range rows {
		told, err := o.Read(got[i])
		if err != nil {
			t.Fatalf("%s: %v", r.Of, err)
		}
		consequence := r.Text
		if o.Brief {
			consequence = r.Short
		}
		for what, text := range map[string]string{"title": r.Title, "consequence": consequence, "next step": r.Next} {
			if text == "" || !slices.ContainsFunc(told.Texts, func(s string) bool { return strings.Contains(s, text) }) {
				t.Errorf("%s: the %s %q is not whole in %q", r.Of, what, text, told.Texts)
			}
		}
		if !o.Lines && strings.ContainsAny(strings.Join(told.Texts, ""), "\r\n") {
			t.Errorf("%s: a line break in %q", r.Of, told.Texts)
		}
	}
}
