package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/pulse"
	"dswatch/table"
	"dswatch/words"
)

// TestReasons: why a change would not be told, in both languages.
func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		why    pulse.Reason
		en, ja string
	}{
		"an error":    {pulse.Reason{Failed: errors.New("no space left")}, "store: no space left", "store: no space left"},
		"a long one":  {pulse.Reason{Failed: errors.New(strings.Repeat("x", 400))}, "store: " + strings.Repeat("x", 297) + "...", "store: " + strings.Repeat("x", 297) + "..."},
		"a known one": {pulse.Reason{Failed: errStarting}, "store: " + errStarting.Error(), "store: " + words.In("ja", nil).Error(errStarting)},
		"never":       {pulse.Reason{Never: true}, "store: it has not been proven since the start", "store: 起動後まだ動作を確認できていません"},
		"late":        {pulse.Reason{Unproven: true}, "store: it has not been proven for more than 10s", "store: 10秒を超えて動作を確認できていません"},
		"one waits": {pulse.Reason{Jam: pulse.Jam{Queue: flowChanges, Waits: 1, For: 12 * time.Second}},
			"store: 1 waits before it (changes), and nothing of that has moved for 12s", "store: この段階を待つ 1 件 (状態変化) が12秒間まったく進んでいません"},
		"many wait": {pulse.Reason{Jam: pulse.Jam{Queue: flowDeliveries, Waits: 7, For: 90 * time.Second}},
			"store: 7 wait before it (deliveries), and nothing of that has moved for 1m30s", "store: この段階を待つ 7 件 (通知) が1分30秒間まったく進んでいません"},
		"of a job": {pulse.Reason{Jam: pulse.Jam{Queue: "process", Waits: 2, For: 10 * time.Second}},
			"store: 2 wait before it (process), and nothing of that has moved for 10s", "store: この段階を待つ 2 件 (process) が10秒間まったく進んでいません"},
	} {
		t.Run(name, func(t *testing.T) {
			said := notCurrent(pulse.Verdict{Stages: []pulse.Stage{{Name: stageScheduler}, {Name: stageStore, Why: c.why}}})
			for language, want := range map[string]string{"en": c.en, "ja": c.ja} {
				if got := words.In(language, nil).Say(said); got != want {
					t.Errorf("%s: %q, want %q", language, got, want)
				}
			}
		})
	}
	if said := notCurrent(pulse.Verdict{Current: true, Stages: []pulse.Stage{{Name: stageStore}}}); !said.Empty() {
		t.Errorf("all is current, and it says %q", words.English(said))
	}
}

// TestAnotherVersionsStatement: what an agent of a newer version says, whose
// code this program does not know, is shown in the English that travels with
// it: at the far end and in why, in any language.
func TestAnotherVersionsStatement(t *testing.T) {
	f := newFleet(t)
	f.sinks = strings.Replace(f.sinks, "type: webhook,", "type: webhook, language: ja,", 1)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	const seen = "the enclave of own.exe is sealed"
	future := event.Say(event.Statement{Code: "enclave.sealed", Args: []string{"own.exe"}, Text: seen})
	k := event.Key{Host: "win01", Component: "custom", Kind: event.Process, Name: "own.exe"}
	o := event.Observation{Key: k, State: event.Down, Want: 1, At: time.Now(), Detail: future}
	if err := f.a.ledger.Publish(t.Context(), []event.Event{event.NewState("win01", event.Change, o)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the alert", func() bool { return len(f.hook.Received()) == 1 && len(f.other.Received()) == 1 })
	for language, a := range map[string]event.Alert{"ja": f.hook.Received()[0].Alert, "en": f.other.Received()[0].Alert} {
		if a.Language != language || a.Detail != seen || !a.DetailStatements.Equal(future) {
			t.Errorf("%s: the alert in %q says %q, %+v", language, a.Language, a.Detail, a.DetailStatements)
		}
		why, err := f.a.Why(t.Context(), k.String(), language)
		if err != nil || len(why) != 1 || why[0].Detail != seen {
			t.Fatalf("%s: why %+v, %v", language, why, err)
		}
		var text strings.Builder
		if err := WriteWhy(&text, why, words.In(language, time.UTC), table.Form{}); err != nil || !strings.Contains(text.String(), seen) || strings.Contains(text.String(), "enclave.sealed") {
			t.Errorf("%s: why shows\n%s%v", language, text.String(), err)
		}
	}
}
