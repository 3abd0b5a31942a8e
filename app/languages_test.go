package app

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"dswatch/event"
	"dswatch/pulse"
	"dswatch/test/receive"
	"dswatch/web"
)

// english is a sentence, or a good part of one.
var english = regexp.MustCompile(`\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b`)

func japanese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
}

// TestLanguages: English traps beside Japanese Slack and a webhook whose
// language a reload changes. Whatever is told, each far end hears it in its own
// language and with the times of the configured zone: an alert and all that
// becomes of it, a digest, a test, a heartbeat, the notice that nothing can be
// told, what is told again or replayed, and the end for who is taken out.
func TestLanguages(t *testing.T) {
	f := newFleet(t)
	traps, chat := receive.StartSnmptrapd(t, receive.SNMPOptions{}), &receive.Slack{}
	slack := fmt.Sprintf("  - {name: chat, type: slack, language: ja, webhook_url: %q}\n", receive.StartSlack(t, chat).URL+receive.SlackPath)
	nms := fmt.Sprintf("sinks:\n  - {name: nms, type: snmp, address: %q, version: 2c, community: public}\n", traps.Address)
	hook := fmt.Sprintf("  - {name: hook, type: webhook, language: ja, heartbeat: 1s, url: %q}\n", receive.StartWebhook(t, f.hook).URL)
	f.sinks = nms + slack + hook
	const more = "time_zone: Asia/Tokyo\nrules: {hold: 0s, repeat: 0s, storm: {alerts: 2}}\n"
	f.start(more)
	f.agent("20.0.0-7119")

	seen := 0
	// heard waits until Slack shows and snmptrapd logs it, and looks at all
	// that has arrived.
	heard := func(what, ja, en string) {
		t.Helper()
		eventually(t, what+" in Japanese", func() bool {
			return slices.ContainsFunc(chat.Received(), func(m receive.SlackMessage) bool { return strings.Contains(m.Shown(), ja) })
		})
		eventually(t, what+" in English", func() bool { return strings.Contains(traps.Log(), en) })
		for _, m := range chat.Received()[seen:] {
			for line := range strings.SplitSeq(m.Shown(), "\n") {
				if english.MatchString(line) && !strings.Contains(line, "tasklist") {
					t.Errorf("%s: Slack shows %q", what, line)
				}
			}
			if s := m.Shown(); strings.Contains(s, "発生日時") && !strings.Contains(s, "+09:00") {
				t.Errorf("%s: no time of Tokyo in\n%s", what, s)
			}
			seen++
		}
		if japanese(traps.Log()) {
			t.Errorf("%s: a trap has Japanese: %s", what, traps.Log())
		}
	}
	told := func() receive.WebhookDelivery {
		all := slices.DeleteFunc(f.hook.Received(), func(d receive.WebhookDelivery) bool { return d.Alert.Transition == event.Beat })
		return all[len(all)-1]
	}

	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	f.tell(event.Process, "ds_nuagent.exe", event.Down)
	heard("a loss", "プロセス ds_nuagent.exe が停止しています", "process ds_nuagent.exe is down")
	eventually(t, "the webhook has it", func() bool { return f.hook.Arrived() > 0 && told().Alert.Transition == event.Raised })
	a := told().Alert
	if a.Language != "ja" || !japanese(a.Reason) || !japanese(a.Text) || !a.ReasonStatements.Has("row.because") || a.ReasonStatements.Statements()[0].Text == "" || !a.TitleStatements.Empty() {
		t.Errorf("the webhook was told %+v", a)
	}
	if _, offset := a.StartedAt.Zone(); offset != 0 {
		t.Errorf("the times in JSON are in %s, want UTC", a.StartedAt)
	}
	if err := f.a.Ack(t.Context(), a.ID, web.Ack{Author: "kim"}); err != nil {
		t.Fatal(err)
	}
	heard("an acknowledgement", "kim が担当しています", "kim looks after it")
	if _, err := f.a.TestSinks(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	heard("a test", "復旧通知のテスト", "test of dswatch (resolve)")
	eventually(t, "a heartbeat in Japanese", func() bool {
		return slices.ContainsFunc(f.hook.Received(), func(d receive.WebhookDelivery) bool {
			return d.Alert.Transition == event.Beat && strings.Contains(d.Alert.Title, "稼働中")
		})
	})
	for _, name := range []string{"chat", "nms"} {
		if _, err := f.a.Resync(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	heard("what is told again", "[再送]", "")
	d := newDeaf(f.a)
	d.set(true, notCurrent(pulse.Verdict{Stages: []pulse.Stage{{Name: stageStore, Why: pulse.Reason{Never: true}}}}))
	for _, w := range f.a.workers() {
		one, _, _ := d.owes(w.name)
		if err := w.worker.Beat(t.Context(), one); err != nil {
			t.Error(err)
		}
	}
	heard("the notice that nothing can be told", "変化を保存できず", "cannot store and tells nothing")

	f.hook.Answer(http.StatusBadRequest, nil)
	f.tell(event.Process, "dsa.exe", event.Up)
	f.tell(event.Process, "dsa.exe", event.Down)
	for i := range 4 {
		f.tell(event.Process, fmt.Sprintf("coreServiceShell%d.exe", i), event.Down)
	}
	eventually(t, "a dead letter", func() bool { return len(f.letters(web.Selection{Sink: "hook"})) > 0 })
	f.hook.Answer(0, nil)

	f.sinks = nms + slack + strings.Replace(hook, "language: ja", "language: en", 1)
	if got := f.reload(more); !slices.Equal(got, []string{"sinks.hook.language: ja -> en"}) {
		t.Errorf("the reload changed %q", got)
	}
	if done := f.replay(web.Selection{Sink: "hook", All: true}); done.Replayed == 0 {
		t.Errorf("%+v", done)
	}
	eventually(t, "the replay in English, though it was written before", func() bool { return told().Alert.Replay })
	if a := told().Alert; a.Language != "en" || japanese(a.Title+a.Text+a.Reason+a.Detail+a.Next) || a.Title == "" {
		t.Errorf("the replay is %+v", a)
	}
	f.sinks = nms
	f.reload(more)
	heard("the end for who is taken out", "この通知先は設定から削除されたため", "")
}
