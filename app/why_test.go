package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

func (f *fleet) why(of, language string) web.Why {
	f.t.Helper()
	all, err := f.a.Why(f.t.Context(), of, language)
	if err != nil || len(all) != 1 {
		f.t.Fatalf("%d explanations, %v", len(all), err)
	}
	return all[0]
}

// told returns the progress of a transition at a sink.
func told(y web.Why, sink string, t event.Transition) web.Told {
	for _, x := range y.Told {
		if x.Sink == sink && x.Transition == t {
			return x
		}
	}
	return web.Told{}
}

// written is y for people. Each of want must be in it.
func written(t *testing.T, y web.Why, language string, want []string) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteWhy(&b, []web.Why{y}, words.In(language, time.Local), table.Form{}); err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if !strings.Contains(b.String(), w) {
			t.Errorf("%s: %q is not in\n%s", language, w, b.String())
		}
	}
	return b.String()
}

// TestWhy: observation, footnotes with facts, decisions with their times and
// what each sink has done, before and after a restart.
func TestWhy(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-7119")
	f.hook.Answer(400, nil)
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	f.tell(event.Process, "ds_nuagent.exe", event.Down)
	eventually(t, "one sink has it, the other has given up", func() bool {
		if all, err := f.a.Why(t.Context(), "process/ds_nuagent.exe", "en"); err != nil || len(all) != 1 {
			return false // the engine has not read of it yet
		}
		y := f.why("process/ds_nuagent.exe", "en")
		return told(y, "other", event.Raised).Progress == "confirmed" && told(y, "hook", event.Raised).Progress == "dead"
	})
	check := func(y web.Why) {
		t.Helper()
		if y.State != event.Down || y.Expected != "yes" || !strings.Contains(y.Reason, "agent_version is 20.0.0-7119") || len(y.Footnotes) == 0 || y.Footnotes[0].Text == "" {
			t.Errorf("%+v", y)
		}
		var version web.Fact
		for _, x := range y.Facts {
			if x.Name == event.AgentVersion {
				version = x
			}
		}
		if version.Value != "20.0.0-7119" || version.Origin != "test" {
			t.Errorf("facts: %+v", y.Facts)
		}
		if n := len(y.Trail); n != 1 || y.Trail[0].Outcome != "raised" || y.Trail[0].Alert == "" || len(y.Trail[0].Sinks) != 2 || time.Since(y.Trail[0].At) > time.Minute {
			t.Errorf("trail: %+v", y.Trail)
		}
		if x := told(y, "other", event.Raised); x.Confirmed.IsZero() || x.Attempts != 1 {
			t.Errorf("confirmed: %+v", x)
		}
		if x := told(y, "hook", event.Raised); !strings.Contains(x.Error, "400") || x.Letter == "" || x.Attempts != 1 {
			t.Errorf("dead: %+v", x)
		}
	}
	y := f.why("win01/agent/process/ds_nuagent.exe", "en")
	check(y)
	check(f.why(y.Rules[0].Alert[:8], "en"))
	check(f.why(y.Rules[0].Alert+".1", "en"))
	f.restart(quickRules)
	eventually(t, "it is known again", func() bool {
		all, err := f.a.Why(t.Context(), "process/ds_nuagent.exe", "en")
		return err == nil && len(all) == 1
	})
	check(f.why("process/ds_nuagent.exe", "en"))

	// The sink that is down keeps the next one waiting, and says why.
	f.other.Answer(503, nil)
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	eventually(t, "the all-clear waits", func() bool {
		x := told(f.why("process/ds_nuagent.exe", "en"), "other", event.Cleared)
		return x.Progress == "waiting" && strings.Contains(x.Error, "503")
	})
	old := y.Rules[0].Alert
	if ja := f.why(old, "ja"); ja.Trail[0].Why == y.Trail[0].Why || ja.Trail[0].Why == "" || !strings.HasPrefix(ja.Reason, ja.Trail[0].Why) {
		t.Errorf("the reason of the list is not Japanese in %q", ja.Trail[0].Why)
	}
	if y := f.why(old, "ja"); y.Rules[0].Phase != "settled" || len(y.Trail) != 2 || !strings.Contains(y.Reason, "脚注") && y.Reason == "" {
		t.Errorf("%+v", y)
	}
	// Each attempt is told with its time, its status and how it ended, also
	// when a restart was between them.
	f.restart(quickRules)
	f.other.Answer(0, nil)
	eventually(t, "the all-clear has come through", func() bool {
		all, err := f.a.Why(t.Context(), old, "en")
		return err == nil && len(all) == 1 && told(all[0], "other", event.Cleared).Progress == "confirmed"
	})
	y = f.why(old, "en")
	if x := told(y, "other", event.Raised); len(x.Tried) != 1 || x.Tried[0].Outcome != "delivered" || x.Confirmed.IsZero() {
		t.Errorf("the raise of an alert that is over: %+v", x)
	}
	x := told(y, "other", event.Cleared)
	if n := len(x.Tried); n < 2 || x.Tried[0].Status != 503 || x.Tried[0].At.IsZero() || !strings.Contains(x.Tried[0].Error, "503") || x.Tried[n-1].Outcome != "delivered" || x.Attempts < n {
		t.Errorf("attempts: %+v", x)
	}
	if x := told(y, "hook", event.Raised); len(x.Tried) != 1 || x.Tried[0].Status != 400 || x.GaveUp.IsZero() {
		t.Errorf("attempts of a dead letter: %+v", x)
	}

	for of, want := range map[string]string{"process/ds_nuagnt.exe": "no item and no alert", "zzzz": "no item and no alert", "": "no item and no alert", old[:2]: "at least 4 characters"} {
		if _, err := f.a.Why(t.Context(), of, "en"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", of, err)
		}
	}
}

// TestWhySilenced names the silence, with who and why.
func TestWhySilenced(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-7119")
	s, err := f.a.AddSilence(t.Context(), web.Silence{Match: []string{"name=own.exe"}, Ends: time.Now().Add(time.Hour), Author: "kim", Comment: "ticket 4711"})
	if err != nil {
		t.Fatal(err)
	}
	f.restart(f.config) // the rules know it before they decide anything
	f.tell(event.Process, "own.exe", event.Up)
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "it is silenced", func() bool {
		all, err := f.a.Why(t.Context(), "process/own.exe", "en")
		return err == nil && len(all) == 1 && all[0].Rules[0].Silence != nil
	})
	y := f.why("process/own.exe", "en")
	if q := y.Rules[0].Silence; q.ID != s.ID || q.Author != "kim" || y.Trail[len(y.Trail)-1].Outcome != "silenced" || len(y.Told) != 0 {
		t.Errorf("%+v", y)
	}
	for language, want := range map[string][]string{
		"en": {"win01/custom/process/own.exe  (times: ", "down since ", "kept quiet by " + s.ID + " of kim (ticket 4711) until 20", "silenced", "none: nobody was told anything"},
		"ja": {"状態", "停止", "通知の抑止: " + s.ID + " kim (ticket 4711)、終了 20", "サイレンス " + s.ID + " により通知を抑止しています", "まだどこにも通知していません"},
	} {
		written(t, y, language, want)
	}
}

// TestTransitInJapanese: what brought a transition about is Japanese, too.
func TestTransitInJapanese(t *testing.T) {
	e := explanation{Voice: words.In("ja", time.UTC)}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	got := e.said(words.InTransition.With(start).And(words.AgentWent.With("20.0.0-7119", "20.0.0-8438"), words.PackageChanging.With("dpkg"), words.HostStarted.With(start)), "")
	want := "ホストの更新または再起動のため 2026-01-01T00:00:00Z まで待ちます: Agent が 20.0.0-7119 から 20.0.0-8438 に更新されました。dpkg が Agent のパッケージを変更しています。ホストが 2026-01-01T00:00:00Z に起動しました"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, o := range []rules.Outcome{rules.Raised, rules.Changed, rules.Repeated, rules.Cleared, rules.Holding, rules.Settling, rules.Recovered, rules.Flapping,
		rules.InTransit, rules.Explained, rules.Silenced, rules.Gathered, rules.Acknowledged, rules.Unacknowledged} {
		if e.word(string(o)) == string(o) {
			t.Errorf("outcome %s has no Japanese word", o)
		}
	}
}

// TestSymptomForPeople: who was told of a symptom stands with its cause.
func TestSymptomForPeople(t *testing.T) {
	y := web.Why{Rules: []web.RuleState{{Rule: "loss", Phase: "held", Cause: "web01/agent/service/ds_agent"}}}
	for language, want := range map[string][]string{
		"en": {"nothing of its own while its cause explains it; who was told of that: dswatch why web01/agent/service/ds_agent\n"},
		"ja": {"原因のアラートに含まれるため、個別には通知していません。通知の状況: dswatch why web01/agent/service/ds_agent\n"},
	} {
		if text := written(t, y, language, want); strings.Contains(text, "nobody was told") || strings.Contains(text, "まだどこにも") {
			t.Errorf("it claims that nobody was told:\n%s", text)
		}
	}
}

// TestAttemptsForPeople: what is not kept is counted, in both languages.
func TestAttemptsForPeople(t *testing.T) {
	at := time.Date(2026, 11, 23, 2, 13, 0, 0, time.Local)
	y := web.Why{Told: []web.Told{
		{Sink: "hook", Alert: "abc", Seq: 1, Transition: event.Raised, At: at, Progress: "confirmed", Attempts: 415, Confirmed: at.Add(time.Hour), Tried: []web.Attempt{
			{At: at, Outcome: "temporary", Status: 503, Error: "answered 503\x1b[2J", More: 412},
			{At: at.Add(59 * time.Minute), Outcome: "timeout", Error: "the connection was lost", ErrorStatements: words.ConnectionLostBy.With(errors.New("EOF"))}, {At: at.Add(time.Hour), Outcome: "delivered"},
		}},
		{Sink: "hook", Alert: "abc", Seq: 2, Transition: event.Cleared, At: at, Progress: "waiting", Error: "connection refused"},
		{Sink: "chat", Alert: "abc", Seq: 2, Transition: event.Cleared, At: at, Progress: "dead", Letter: "7", Error: "unused", ErrorStatements: words.Orphaned.With(), GaveUp: at},
	}}
	for language, want := range map[string][]string{
		"en": {"confirmed 2026-11-23 03:13:00 after 415 attempts\n", "    2026-11-23 02:13:00  temporary (HTTP 503): answered 503", "    ... and 412 more between\n",
			"  timeout: the connection was lost before the receiver had acknowledged the message: EOF", "    2026-11-23 03:13:00  delivered\n", "not tried yet while the sink fails: connection refused", "not sent 2026-11-23 02:13:00, dead letter 7: the far end refused the raise of this firing, so"},
		"ja": {"受領 2026-11-23 03:13:00 (415 回目)\n", "一時的なエラー (HTTP 503)", "... この間にさらに 412 回\n", "タイムアウト: 受信側が受領を確認する前に接続が切れました: EOF", "  受領\n", "未送信", "送信せず 2026-11-23 02:13:00、配信不能の記録 7: このアラートの発生通知は"},
	} {
		if strings.Contains(written(t, y, language, want), "\x1b") {
			t.Error("a far end moves the cursor")
		}
	}
}

// TestReasonsForPeople: a reason is said in the reader's language and zone; what
// a dswatch of another version says stays as it came.
func TestReasonsForPeople(t *testing.T) {
	tokyo := explanation{Voice: words.In("ja", time.FixedZone("JST", 9*3600))}
	still := words.StillSince.With(event.Down, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if got := tokyo.said(words.NotHeardBefore.With().And(still), "unused"); got != "これらの通知先には初めての通知です。2026-01-01T09:00:00+09:00 から停止のままです" {
		t.Errorf("in Tokyo: %q", got)
	}
	if got := tokyo.said(event.Said{}, "something new"); got != "something new" {
		t.Errorf("an unknown reason became %q", got)
	}
}
