package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	sjis "golang.org/x/text/encoding/japanese"

	"dswatch/app"
	"dswatch/catalog"
	"dswatch/engine/story"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/alertmanager"
	"dswatch/sinks/email"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/slack"
	"dswatch/sinks/snmp"
	"dswatch/sinks/stdout"
	"dswatch/sinks/syslog"
	"dswatch/sinks/teams"
	"dswatch/sinks/webhook"
	"dswatch/test/receive"
	"dswatch/words"
)

// kindsTold are the kinds of alerts of docs/messages.md: the first of the story
// that fits. A title is a part of the English one.
var kindsTold = []struct {
	en, ja, title string
	transition    event.Transition
}{
	{"a process runs only in part", "プロセスの一部が停止", "ds_agent is degraded", event.Raised},
	{"it gets worse", "状態の悪化", "ds_agent is down", event.Changed},
	{"somebody looks after it", "担当者の確認", "ds_agent is still down", event.Acknowledged},
	{"nobody does any more", "確認の取り消し", "ds_agent is still down", event.Unacknowledged},
	{"it lasts", "継続", "ds_agent is still down", event.Repeated},
	{"it is back", "復旧", "ds_agent is back", event.Cleared},
	{"a driver is not loaded", "ドライバの停止", "driver dsa_filter_hook", event.Raised},
	{"a service, and what depends on it", "サービスと、それに依存するものの停止", "service ds_agent is down", event.Raised},
	{"it comes and goes", "停止と復旧の繰り返し", "comes and goes", event.Raised},
	{"it has settled", "安定", "has settled", event.Cleared},
	{"it cannot be observed", "状態を確認できない", "cannot be observed", event.Raised},
	{"a storm", "多数のホストでの同時発生", "10 hosts", event.Raised},
	{"a storm is over", "集約の終了", "the digest of", event.Cleared},
	{"a protection module", "保護機能の停止", "protection module", event.Raised},
	{"what the agent says of itself", "Agent 自身の申告", "basic functions", event.Raised},
	{"dswatch has forgotten what was open", "dswatch の記録の消失", "empty store", event.Raised},
	{"the manager does not hear an agent", "Manager から見たハートビートの途絶", "heartbeat of the agent is lost", event.Raised},
	{"a host has fallen silent", "ホストからの報告の途絶", "nothing is heard", event.Raised},
}

// seenAs are the details of the story as detectors say them: the story has plain
// text, which nobody translates.
var seenAs = map[string]event.Said{
	"one process":  words.ProcessSince.With(812, 1, time.Date(2026, 1, 4, 22, 11, 3, 0, time.UTC)),
	"no process":   words.NoProcessNamed.With([]string{"ds_agent"}),
	"two":          words.Process.With(4711, 1).And(words.Process.With(4712, 4711)),
	"not loaded":   words.DriverNotLoaded.With([]string{"dsa_filter_hook"}),
	"unreadable":   words.ExecutableUnreadable.With([]string{"4713"}, os.ErrPermission).And(words.Grant.With()),
	"offline":      words.BasicFunctions.With(),
	"empty store":  words.StoreEmptySince.With("/var/lib/dswatch", time.Date(2026, 1, 5, 9, 15, 58, 0, time.UTC)),
	"says stopped": words.Stopped.With("ds_agent"),
}

// toldIn plays the story of docs/messages.md and returns one alert of each kind.
func toldIn(t *testing.T, language string) []event.Alert {
	t.Helper()
	const file = "testdata/messages.txtar"
	own, err := app.Load("")
	if err != nil {
		t.Fatal(err)
	}
	tale := readTale(t, file, own)
	told := map[string][]story.Arrival{}
	for _, l := range []string{"en", language} {
		r, err := tale.Play(t.Context(), l, story.Fault{})
		if err != nil {
			t.Fatal(err)
		}
		told[l] = r.Told
	}
	var out []event.Alert
	for _, k := range kindsTold {
		at := -1
		for i, d := range told["en"] {
			if at < 0 && d.Alert.Transition == k.transition && strings.Contains(d.Alert.Title, k.title) {
				at = i
			}
		}
		if at < 0 {
			t.Fatalf("nothing is told of %q (%s, %s)", k.en, k.transition, k.title)
		}
		a := told[language][at].Alert
		if said, ok := seenAs[a.Detail]; ok {
			a.DetailStatements = words.Spell(said)
		}
		out = append(out, sinks.Speak(a, words.In(language, nil)))
	}
	beat := sinktest.Others(language)["heartbeat"]
	beat.Key.Host, beat.Observer, beat.Heartbeat = "web01", "web01", &event.Counts{Open: 3, Every: 300}
	beat.Impact, beat.Detail, beat.Reason, beat.OS, beat.AgentVersion, beat.HostID = event.NoticeLost, "", "", "", "", "" // as the program tells it
	beat.DetailStatements, beat.ReasonStatements = event.Said{}, event.Said{}
	beat.StartedAt, beat.At = out[0].StartedAt, out[len(out)-1].At
	beat.TitleStatements, beat.TextStatements = words.Alive.With("web01"), words.AliveCounts.With(3, 0, 5*time.Minute)
	return append(out, sinks.Speak(beat, words.In(language, nil)))
}

// far is where one sink of docs/messages.md tells.
type shownAt struct {
	name string
	sink sinks.Sink
	last func() string // what the last message shows, without what every run changes
}

// captured is what a sink sent last over HTTP or UDP.
type captured struct{ last []byte }

func (c *captured) http(t *testing.T, says string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.last, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, says)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// udp listens; next waits for a datagram.
func udp(t *testing.T) (address string, next func() string) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String(), func() string {
		b := make([]byte, 1<<16)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

var pid = regexp.MustCompile(`dswatch(\[| )\d+`)

// everySink returns one sink of every kind and form.
func everySink(t *testing.T) []shownAt {
	t.Helper()
	env := sinks.Env{Name: "sink", Host: "web01", Version: "1.0.0", StateDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	must := func(s sinks.Sink, err error) sinks.Sink {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := s.(io.Closer); ok {
			t.Cleanup(func() { _ = c.Close() })
		}
		return s
	}
	var all []shownAt
	for _, form := range []string{"full", "short"} {
		d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t)})
		c := snmp.Defaults()
		c.Name, c.Type, c.Address, c.Community, c.Varbinds = "sink", "snmp", d.Address, "public", form
		n := 0
		all = append(all, shownAt{"snmp, varbinds: " + form, must(snmp.New(c, env)), func() string {
			n++
			return varbinds(d, t, n)
		}})
	}
	for _, f := range []struct{ format, body string }{{"rfc5424", "text"}, {"rfc3164", "text"}, {"rfc5424", "cef"}, {"rfc5424", "leef"}} {
		address, next := udp(t)
		c := syslog.Defaults()
		c.Name, c.Type, c.Address, c.Format, c.Body = "sink", "syslog", address, f.format, f.body
		all = append(all, shownAt{"syslog, " + f.format + ", " + f.body, must(syslog.New(c, env)), func() string {
			return pid.ReplaceAllString(next(), "dswatch${1}4711")
		}})
	}
	for _, style := range []string{"blocks", "attachment"} {
		got := &captured{}
		c := slack.Defaults()
		c.Name, c.Type, c.Style, c.WebhookURL = "sink", "slack", style, setting.Secret(got.http(t, "ok"))
		all = append(all, shownAt{"slack, style: " + style, must(slack.New(c, env)), func() string { return readable(got.last) }})
	}
	card := &captured{}
	tc := teams.Defaults()
	tc.Name, tc.Type, tc.WebhookURL = "sink", "teams", setting.Secret(card.http(t, ""))
	all = append(all, shownAt{"teams", must(teams.New(tc, env)), func() string {
		m, err := receive.ReadTeams(card.last)
		if err != nil {
			t.Fatal(err)
		}
		return m.Shown()
	}})
	post := receive.StartMailServer(t, receive.MailOptions{})
	ec := email.Defaults()
	ec.Name, ec.Type, ec.Address, ec.Security, ec.From, ec.To = "sink", "email", post.Address, "none", "dswatch@example.com", []string{"noc@example.com"}
	all = append(all, shownAt{"email", must(email.New(ec, env)), func() string {
		got := post.Received()
		l, err := got[len(got)-1].Read()
		if err != nil {
			t.Fatal(err)
		}
		return "Subject: " + l.Subject + "\n\n" + l.Plain
	}})
	hook := &captured{}
	wc := webhook.Defaults()
	wc.Name, wc.Type, wc.URL = "sink", "webhook", setting.Secret(hook.http(t, "ok"))
	all = append(all, shownAt{"webhook", must(webhook.New(wc, env)), func() string { return string(hook.last) }})
	am := &captured{}
	ac := alertmanager.Defaults()
	ac.Name, ac.Type, ac.URLs = "sink", "alertmanager", []string{am.http(t, "ok")}
	ends := regexp.MustCompile(`"endsAt":"[^"]*"`)
	all = append(all, shownAt{"alertmanager", must(alertmanager.New(ac, env)), func() string {
		return ends.ReplaceAllString(string(am.last), `"endsAt":"..."`)
	}})
	var line bytes.Buffer
	oc := stdout.Defaults()
	oc.Name, oc.Type = "sink", "stdout"
	return append(all, shownAt{"stdout", stdout.New(oc, env, &line), func() string { defer line.Reset(); return line.String() }})
}

// varbinds shows the n-th trap as snmptrapd does with the MIB, in its order.
func varbinds(d *receive.Snmptrapd, t *testing.T, n int) string {
	d.Await(t, n)
	log := d.Log()
	all := regexp.MustCompile(`(?s)notification received\n(.*?)\nend of notification`).FindAllStringSubmatch(log, -1)
	var out []string
	for line := range strings.SplitSeq(all[n-1][1], "\n") {
		if name, _, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(name, "sysUpTime") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// readable shows the texts of a Slack message in their order.
func readable(body []byte) string {
	var out []string
	for _, m := range regexp.MustCompile(`"(?:text|title|value|footer)":("(?:[^"\\]|\\.)*")`).FindAllSubmatch(body, -1) {
		var s string
		if err := json.Unmarshal(m[1], &s); err == nil {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

// TestMessages holds docs/messages.md, which shows what arrives, to what does.
func TestMessages(t *testing.T) {
	for _, f := range []struct{ language, path, head string }{
		{"en", "../docs/messages.md", "# What arrives\n\n[日本語](messages.ja.md)\n\nOne alert of each kind at each kind of sink, in the default configuration. This file is written by `go test ./test -run TestMessages -update`.\nOf mails the plain part is shown, of chats the texts.\n"},
		{"ja", "../docs/messages.ja.md", "# 届く通知\n\n[English](messages.md)\n\n既定の設定で、通知先の種類ごとに、アラートの種類別の通知を 1 件ずつ示します。このファイルは `go test ./test -run TestMessages -update` で作成しています。\nメールはテキスト形式の部分、チャットは表示される文字列を示します。\n"},
	} {
		var doc strings.Builder
		doc.WriteString(f.head)
		all := everySink(t)
		for i, a := range toldIn(t, f.language) {
			title := map[string]string{"en": "a sign of life", "ja": "ハートビート"}[f.language]
			if i < len(kindsTold) {
				title = map[string]string{"en": kindsTold[i].en, "ja": kindsTold[i].ja}[f.language]
			}
			fmt.Fprintf(&doc, "\n## %s\n", title)
			for _, s := range all {
				if err := s.sink.Send(context.WithoutCancel(t.Context()), a); err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
				fmt.Fprintf(&doc, "\n`%s`\n```\n%s\n```\n", s.name, strings.TrimRight(s.last(), "\n "))
			}
		}
		if *update {
			if err := os.WriteFile(f.path, []byte(doc.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != doc.String() {
			t.Errorf("%s is not what arrives; write it with go test ./test -run TestMessages -update, and read the difference", f.path)
		}
	}
}

// cuts are how much receivers show of one text.
var cuts = map[string]func(string) string{
	"255 characters":     func(s string) string { return string([]rune(s)[:min(255, len([]rune(s)))]) },
	"512 bytes of UTF-8": func(s string) string { return strings.ToValidUTF8(s[:min(512, len(s))], "") },
	"512 bytes of Shift_JIS": func(s string) string {
		var b []byte
		for _, r := range s {
			one, err := sjis.ShiftJIS.NewEncoder().Bytes([]byte(string(r)))
			if err != nil {
				one = []byte("?") // a mark or a sign that it does not have
			}
			if len(b)+len(one) > 512 {
				break
			}
			b = append(b, one...)
		}
		s, _ = sjis.ShiftJIS.NewDecoder().String(string(b))
		return s
	},
}

// TestMessagesCut: what receivers in Japan show of a line or of a trap's
// variables says the host, what is lost, what that means and what to do first,
// also of hosts with long names and of every row of the list.
func TestMessagesCut(t *testing.T) {
	for _, language := range []string{"en", "ja"} {
		told := append(toldIn(t, language), ofEveryRow(t, language)...)
		// whole is what a reader of lines has, message what is behind time, host and tag.
		lines := map[string]func(event.Alert) (whole, message string){
			"trap": func(a event.Alert) (string, string) {
				values := strings.Join([]string{a.Title, a.Short, a.Next}, " ")
				return values, values
			},
		}
		for _, s := range everySink(t) {
			behind := map[string]string{"syslog, rfc5424, text": "\ufeff", "syslog, rfc3164, text": "]: ", "stdout": "+00:00 "}[s.name]
			if behind == "" {
				continue
			}
			lines[s.name] = func(a event.Alert) (string, string) {
				line := sent(t, s, a)
				_, message, _ := strings.Cut(line, behind)
				if s.name == "syslog, rfc5424, text" { // its fields stand before, each by itself
					line = message
				}
				return strings.TrimPrefix(line, "<26>"), message
			}
		}
		if len(lines) != 4 {
			t.Fatalf("%d kinds of lines", len(lines))
		}
		for _, a := range told {
			if !a.Transition.Firing() {
				continue
			}
			if a.Short == "" || a.Next == "" {
				t.Errorf("%s: %q means %q, and first one does %q", language, a.Title, a.Short, a.Next)
			}
			for name, line := range lines {
				whole, message := line(a)
				for cut, show := range cuts {
					shown := show(whole)
					if cut == "255 characters" {
						shown = show(message)
					}
					for _, want := range []string{a.Title, a.Short, a.Next} {
						if !strings.Contains(shown, want) {
							t.Errorf("%s, %s: %s of %q do not say %q", language, name, cut, shown, want)
						}
					}
				}
			}
		}
	}
}

func sent(t *testing.T, s shownAt, a event.Alert) string {
	t.Helper()
	if err := s.sink.Send(t.Context(), a); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return s.last()
}

// ofEveryRow returns the loss of every row in each state on each of its systems,
// of a host with a long name.
func ofEveryRow(t *testing.T, language string) (out []event.Alert) {
	t.Helper()
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	host := strings.Repeat("n", 60) + ".tokyo.example.co.jp"
	for _, row := range append(list.Rows(""), list.Reported().Rows("")...) {
		systems := row.OS
		if len(systems) == 0 {
			systems = []string{event.Windows, event.Linux}
		}
		for _, os := range systems {
			for _, state := range []event.State{event.Down, event.Degraded, event.Unknown} {
				slot := &rules.Slot{ID: "0123456789abcdef01234567", Seq: 1, Turn: 1, Transition: event.Raised, State: state,
					Severity: event.Critical, Impact: row.ImpactOf(os, state), Started: at, At: at}
				st := rules.Status{Key: event.Key{Host: host, Component: row.Component, Kind: row.Kind, Name: row.Name}, Observer: host,
					Seen: event.Observation{State: state, Want: row.Want(), At: at}, Loss: slot}
				rule := rules.Loss
				if state == event.Unknown {
					st.Loss, st.Unseen, rule = nil, slot, rules.Unseen
				}
				facts := event.Facts{event.OS: {Value: os, Origin: "declared"}}
				set := rules.Set{Language: language}
				a := set.Alert(&st, rules.Snapshot{Row: row, Verdict: row.Evaluate(facts), Facts: facts}, rule)
				out = append(out, sinks.Speak(*a, words.In(language, nil)))
			}
		}
	}
	return out
}
