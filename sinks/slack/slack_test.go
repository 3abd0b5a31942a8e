package slack_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/slack"
	"dswatch/test/receive"
)

var update = flag.Bool("update", false, "write the golden files")

// token is the secret part of the stand-in's URL.
var token = receive.SlackPath[strings.LastIndex(receive.SlackPath, "/")+1:]

func newSink(t testing.TB, url string) *slack.Sink {
	t.Helper()
	c := slack.Defaults()
	c.Name, c.Type, c.WebhookURL = "chat", "slack", setting.Secret(url)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := slack.New(c, sinks.Env{Name: c.Name, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) { sinktest.Run(t, conform(t)) }

// TestEveryRowIsWhole: each loss of the list is understood from its message alone.
func TestEveryRowIsWhole(t *testing.T) { sinktest.Whole(t, conform(t)) }

// conform is the sink, its far end and how that reads.
func conform(t *testing.T) sinktest.Options {
	t.Helper()
	return sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			return newSink(t, far.Address+receive.SlackPath)
		},
		Far: func(t *testing.T) *sinktest.Far {
			return sinktest.HTTP(t, func(r *http.Request, body []byte) error {
				m, refusal := receive.ReadSlack(r, body)
				if refusal != nil {
					return refusal
				}
				if len(m.Mentions)+len(m.Links) > 0 {
					return fmt.Errorf("mentions %q, links %q", m.Mentions, m.Links)
				}
				return nil
			})
		},
		Read: func(m sinktest.Message) (sinktest.Told, error) {
			r := &http.Request{Method: http.MethodPost, Header: m.Header}
			msg, refusal := receive.ReadSlack(r, m.Body)
			if refusal != nil {
				return sinktest.Told{}, refusal
			}
			ids := strings.Fields(msg.Texts[len(msg.Texts)-1])
			cleared := strings.HasPrefix(msg.Header, "✅ [RECOVERED]") || strings.HasPrefix(msg.Header, "✅ [復旧]")
			return sinktest.Told{AlertID: ids[1], Cleared: cleared, Texts: append(msg.Texts, msg.Header, msg.Text)}, nil
		},
		Secrets: []string{token}, Lines: true, MaxSize: 64 << 10,
	}
}

// TestGolden shows what is sent, for people to look at.
func TestGolden(t *testing.T) {
	far := &receive.Slack{}
	s := newSink(t, receive.StartSlack(t, far).URL+receive.SlackPath)
	for _, language := range []string{"en", "ja"} {
		for _, tr := range []event.Transition{event.Raised, event.Cleared} {
			t.Run(language+" "+string(tr), func(t *testing.T) {
				if err := s.Send(t.Context(), sinktest.Sample(1, tr, language)); err != nil {
					t.Fatal(err)
				}
				got := far.Received()
				m := got[len(got)-1]
				text := "notification: " + m.Text + "\ncolour: " + m.Color + "\n\n" + m.Shown() + "\n"
				sinktest.Golden(t, language+"-"+string(tr), text, *update)
			})
		}
	}
	if r := far.Refused(); len(r) > 0 {
		t.Error(r)
	}
}

func TestMarkedAsTestAndReplay(t *testing.T) {
	far := &receive.Slack{}
	s := newSink(t, receive.StartSlack(t, far).URL+receive.SlackPath)
	a := sinktest.Sample(1, event.Raised, "en")
	b := a
	a.Test, b.Replay = true, true
	for i, a := range []event.Alert{a, b} {
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if got, want := far.Received()[i].Header, []string{"🔴 [TEST] [ALERT] ", "🔴 [REPLAY] [ALERT] "}[i]; !strings.HasPrefix(got, want) {
			t.Errorf("header %q, want %q...", got, want)
		}
	}
}

func TestSignAndColour(t *testing.T) {
	far := &receive.Slack{}
	s := newSink(t, receive.StartSlack(t, far).URL+receive.SlackPath)
	for i, c := range []struct {
		severity     event.Severity
		transition   event.Transition
		sign, colour string
	}{
		{event.Critical, event.Raised, "🔴", "#d00000"},
		{event.Warning, event.Changed, "🟠", "#f2a100"},
		{event.Info, event.Repeated, "🔵", "#2f6fde"},
		{event.Critical, event.Cleared, "✅", "#2eb886"},
	} {
		a := sinktest.Sample(1, c.transition, "en")
		a.Severity = c.severity
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if m := far.Received()[i]; m.Color != c.colour || !strings.HasPrefix(m.Header, c.sign+" ") {
			t.Errorf("%s %s: %s %s", c.severity, c.transition, m.Color, m.Header)
		}
	}
}

func TestKind(t *testing.T) {
	far := &receive.Slack{}
	k := slack.Kind()
	c := k.Settings().(*slack.Config)
	c.Name, c.WebhookURL = "chat", setting.Secret(receive.StartSlack(t, far).URL+receive.SlackPath)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := k.New(c, sinks.Env{Name: "chat", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil || k.Type != "slack" || len(far.Received()) != 1 {
		t.Errorf("%s: %d arrived, %v", k.Type, len(far.Received()), err)
	}
}

func TestConfirmStaysInItsCodeBlock(t *testing.T) {
	far := &receive.Slack{}
	s := newSink(t, receive.StartSlack(t, far).URL+receive.SlackPath)
	a := sinktest.Sample(1, event.Raised, "en")
	a.Confirm = "ps ```; *bold*"
	if err := s.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got := far.Received()[0].Shown(); strings.Count(got, "`") != 6 || !strings.Contains(got, "; *bold*```") {
		t.Error(got)
	}
}

// TestSlacksWords sends to a Slack that refuses as the real one does.
func TestSlacksWords(t *testing.T) {
	far := &receive.Slack{}
	srv := receive.StartSlack(t, far)
	good := newSink(t, srv.URL+receive.SlackPath)
	a := sinktest.Sample(1, event.Raised, "en")
	for _, c := range []struct {
		status    int
		body      string
		permanent bool
	}{
		{400, "invalid_payload", true},
		{400, "invalid_blocks", true},
		{403, "action_prohibited", true},
		{404, "channel_not_found", true},
		{404, "no_service", true},
		{410, "channel_is_archived", true},
		{429, "rate_limited", false},
		{500, "rollup_error", false},
		{503, "", false},
		{200, "<html><title>Sign in to the guest network</title>", false},
	} {
		h := http.Header{}
		if c.status == 429 {
			h.Set("Retry-After", "30")
		}
		far.Answer(c.status, h, c.body)
		err := good.Send(t.Context(), a)
		if err == nil || sinks.IsPermanent(err) != c.permanent {
			t.Errorf("%d %s: permanent should be %v: %v", c.status, c.body, c.permanent, err)
			continue
		}
		if c.status != 200 && !strings.Contains(err.Error(), c.body) {
			t.Errorf("%d %s: not said: %v", c.status, c.body, err)
		}
		if d, ok := sinks.After(err); (c.status == 429) != ok || ok && d != 30*time.Second {
			t.Errorf("%d %s: wait %s, %v", c.status, c.body, d, ok)
		}
	}
	far.Answer(0, nil, "")
	for name, path := range map[string]string{
		"no_service":    "/services/T11111111/B11111111/nonexistent-token",
		"invalid_token": receive.SlackPath[:len(receive.SlackPath)-3] + "zzz",
	} {
		err := newSink(t, srv.URL+path).Send(t.Context(), a)
		if err == nil || !sinks.IsPermanent(err) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRateLimitIsKept(t *testing.T) {
	far := &receive.Slack{}
	far.Every = 10 * time.Second
	sinktest.Throttled(t, newSink(t, receive.StartSlack(t, far).URL+receive.SlackPath))
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct{ name, url, key string }{
		"good":      {"chat", "https://hooks.slack.com" + receive.SlackPath, ""},
		"no url":    {"chat", "", "webhook_url"},
		"a channel": {"chat", "#alerts-" + token, "webhook_url"},
		"no name":   {"", "https://hooks.slack.com" + receive.SlackPath, "name"},
	} {
		cfg := slack.Defaults()
		cfg.Name, cfg.WebhookURL = c.name, setting.Secret(c.url)
		err := cfg.Validate()
		if c.key == "" && err != nil || c.key != "" && (err == nil || !strings.HasPrefix(err.Error(), c.key+": ")) {
			t.Errorf("%s: %v, want one about %q", name, err, c.key)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%s: shows the secret: %v", name, err)
		}
	}
}

// FuzzEscape wants: within the limit as Slack counts, nothing left that its
// parser acts on, no broken entity, and the text readable again.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a", "<!channel>", "&lt;!here&gt;", "&&&&&&", "監視<プロセス>", "👩‍👩‍👧<", strings.Repeat("&", 40)} {
		f.Add(s, 7)
		f.Add(s, 150)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 5 + (most&0xfff)%3000
		s = sinks.Lines(s, 8<<10)
		got := slack.Escape(s, most)
		if n := len(utf16.Encode([]rune(got))); n > most {
			t.Errorf("%d characters, at most %d are allowed", n, most)
		}
		if !utf8.ValidString(got) || strings.ContainsAny(got, "<>") {
			t.Errorf("dangerous: %q", got)
		}
		rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(got)
		if strings.Contains(rest, "&") {
			t.Errorf("broken entity in %q", got)
		}
		back := strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(got)
		if cut, ok := strings.CutSuffix(back, "…"); back != s && !(ok && strings.HasPrefix(s, cut)) {
			t.Errorf("%q became %q", s, back)
		}
	})
}

// TestStandInIsStrict makes sure that the stand-in refuses, so that the other
// tests mean something.
func TestStandInIsStrict(t *testing.T) {
	long := strings.Repeat("x", 3001)
	for name, c := range map[string]struct{ body, code string }{
		"no JSON":         {`{"text":`, "invalid_payload"},
		"nothing":         {`{}`, "no_text"},
		"unknown block":   {`{"blocks":[{"type":"headline"}]}`, "invalid_blocks"},
		"unknown key":     {`{"blocks":[{"type":"divider","colour":"red"}]}`, "invalid_blocks"},
		"mrkdwn header":   {`{"blocks":[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]}`, "invalid_blocks"},
		"long header":     {`{"blocks":[{"type":"header","text":{"type":"plain_text","text":"` + long[:151] + `"}}]}`, "invalid_blocks"},
		"long section":    {`{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"` + long + `"}}]}`, "invalid_blocks"},
		"empty text":      {`{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":""}}]}`, "invalid_blocks"},
		"eleven fields":   {`{"blocks":[{"type":"section","fields":[` + strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 10) + `{"type":"mrkdwn","text":"x"}]}]}`, "invalid_blocks"},
		"long field":      {`{"blocks":[{"type":"section","fields":[{"type":"mrkdwn","text":"` + long[:2001] + `"}]}]}`, "invalid_blocks"},
		"51 blocks":       {`{"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, "invalid_blocks"},
		"emoji in mrkdwn": {`{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}]}`, "invalid_blocks"},
		"bad attachment":  {`{"attachments":[{"blocks":[{"type":"context","elements":[]}]}]}`, "invalid_attachments"},
		"not UTF-8":       {"{\"text\":\"\xff\"}", "invalid_payload"},
	} {
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}}
		if _, refusal := receive.ReadSlack(r, []byte(c.body)); refusal == nil || refusal.Code != c.code {
			t.Errorf("%s: %v, want %s", name, refusal, c.code)
		}
	}
	r := &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}}
	body, _ := json.Marshal(map[string]any{"text": "a <!channel> b <@U1> <https://x|y> https://z @here &lt;!channel&gt;"})
	m, refusal := receive.ReadSlack(r, body)
	if refusal != nil || len(m.Mentions) != 3 || len(m.Links) != 3 {
		t.Errorf("mentions %q, links %q, %v", m.Mentions, m.Links, refusal)
	}
}

// TestProxy: both ways go through the proxy of the configuration.
func TestProxy(t *testing.T) {
	proxy, asked := sinktest.Proxy(t)
	hook := slack.Defaults()
	hook.Name, hook.WebhookURL, hook.Proxy = "chat", "https://hooks.invalid"+setting.Secret(receive.SlackPath), setting.Secret(proxy)
	bot := botConfig("https://api.invalid")
	bot.Proxy = setting.Secret(proxy)
	for _, c := range []slack.Config{hook, bot} {
		if err := newBot(t, c, sinks.Env{StateDir: t.TempDir()}).Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err == nil || sinks.IsPermanent(err) {
			t.Error(err)
		}
	}
	if got := strings.Join(asked(), ", "); got != "CONNECT hooks.invalid:443, CONNECT api.invalid:443" {
		t.Error(got)
	}
	bot.Proxy = "ftp://user:proxy-password@x"
	if err := bot.Validate(); err == nil || !strings.HasPrefix(err.Error(), "proxy: ") || strings.Contains(err.Error(), "password") {
		t.Error(err)
	}
}

// TestEscapeCuts: what fits exactly is whole, one more is cut, and never
// inside an entity or a pair.
func TestEscapeCuts(t *testing.T) {
	for _, x := range []struct {
		s    string
		most int
		want string
	}{
		{"", 1, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 3, "日本語"}, {"日本語です", 3, "日本…"},
		{"a&", 6, "a&amp;"}, {"a&", 5, "a…"}, {"<", 4, "&lt;"}, {"<", 3, "…"}, {">>", 8, "&gt;&gt;"}, {">>", 7, "&gt;…"},
		{"a😀", 3, "a😀"}, {"a😀", 2, "a…"}, {"😀😀", 3, "😀…"},
	} {
		if got := slack.Escape(x.s, x.most); got != x.want {
			t.Errorf("%q in %d is %q, want %q", x.s, x.most, got, x.want)
		}
	}
}
