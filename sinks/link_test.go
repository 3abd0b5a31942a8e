package sinks_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/alertmanager"
	"dswatch/sinks/email"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/stdout"
	"dswatch/sinks/syslog"
	"dswatch/sinks/webhook"
	"dswatch/test/receive"
)

// TestLinksToThePage: whoever reads of an alert has the way to its page, where
// there is one; a test and a sign of life have none. Slack's and Teams' own
// tests hold theirs.
func TestLinksToThePage(t *testing.T) {
	env := sinks.Env{Name: "sink", Host: "web01", Page: "https://dswatch.example.com/", Log: slog.New(slog.DiscardHandler)}
	var posted, line bytes.Buffer
	srv := receive.StartHTTP(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		posted.Reset()
		_, _ = io.Copy(&posted, r.Body)
	}))
	take := func(b *bytes.Buffer) func() string { return func() string { defer b.Reset(); return b.String() } }
	type end struct {
		sink sinks.Sink
		last func() string
		want []string
	}
	a := sinktest.Sample(1, event.Raised, "ja")
	link := "https://dswatch.example.com/alerts/" + a.ID
	all := map[string]end{}
	for name, c := range map[string]struct {
		format, body string
		want         []string
	}{
		"webhook":                       {"", "", []string{`"link":"` + link + `","alert":{`}},
		"webhook, format: cloudevents":  {"cloudevents", "", []string{`"link":"` + link + `","alert":{`}},
		"webhook, format: alertmanager": {"alertmanager", "", []string{`"generatorURL":"` + link + `"`, `"externalURL":"https://dswatch.example.com/"`}},
		"webhook, body":                 {"", `{"click":{{json (link .)}}}`, []string{`{"click":"` + link + `"}`}},
	} {
		w := webhook.Defaults()
		w.Name, w.Type, w.URL, w.Body = "sink", "webhook", setting.Secret(srv.URL), setting.Secret(c.body)
		if c.format != "" {
			w.Format = c.format
		}
		all[name] = end{made(webhook.New(w, env)), take(&posted), c.want}
	}
	am := alertmanager.Defaults()
	am.Name, am.Type, am.URLs = "sink", "alertmanager", []string{srv.URL}
	all["alertmanager"] = end{made(alertmanager.New(am, env)), take(&posted), []string{`"generatorURL":"` + link + `"`}}
	out := stdout.Defaults()
	out.Name, out.Type, out.Format = "sink", "stdout", "json"
	all["stdout, format: json"] = end{stdout.New(out, env, &line), take(&line), []string{`"link":"` + link + `"`}}
	kept := &recorder{}
	out.Format, out.Text = "text", sinks.Template{JA: "詳細: {{link .}}"}
	all["a template of text"] = end{made(sinks.Titled(kept, out.Settings, env)), func() string { return kept.got[len(kept.got)-1].Text }, []string{"詳細: " + link}}

	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	sl := syslog.Defaults()
	sl.Name, sl.Type, sl.Address, sl.Body = "sink", "syslog", c.LocalAddr().String(), "json"
	all["syslog, body: json"] = end{made(syslog.New(sl, env)), func() string {
		b := make([]byte, 1<<16)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, _ := c.ReadFrom(b)
		return string(b[:n])
	}, []string{`"link":"` + link + `"`}}

	mails := receive.StartMailServer(t, receive.MailOptions{})
	m := email.Defaults()
	m.Name, m.Type, m.Address, m.Security, m.From, m.To = "sink", "email", mails.Address, "none", "dswatch@example.com", []string{"noc@example.com"}
	all["email"] = end{made(email.New(m, env)), func() string {
		got := mails.Received()
		l, err := got[len(got)-1].Read()
		if err != nil {
			t.Fatal(err)
		}
		return l.Plain + l.HTML
	}, []string{"このアラートのページを開く: " + link + "\n", `<a href="` + link + `">このアラートのページを開く</a>`}}

	test, beat := a, sinktest.Others("ja")["heartbeat"]
	test.Test = true
	for name, e := range all {
		told := func(a event.Alert) string {
			if err := e.sink.Send(t.Context(), a); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return e.last()
		}
		shown := told(a)
		for _, want := range e.want {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, shown)
			}
		}
		for _, other := range []event.Alert{test, beat} {
			if shown := told(other); strings.Contains(shown, "/alerts/") {
				t.Errorf("%s: a link in %s", name, shown)
			}
		}
	}
}

// made is the sink that New makes of a configuration that is right.
func made[S sinks.Sink](s S, err error) sinks.Sink {
	if err != nil {
		panic(err)
	}
	return s
}
