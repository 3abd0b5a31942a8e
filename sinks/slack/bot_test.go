package slack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/slack"
	"dswatch/test/receive"
)

func botConfig(url string) slack.Config {
	c := slack.Defaults()
	c.Name, c.Type, c.BotToken, c.Channel, c.APIURL = "chat", "slack", receive.SlackToken, receive.SlackChannel, url+"/api"
	return c
}

// newBot makes a sink as a start of the program does.
func newBot(t testing.TB, c slack.Config, env sinks.Env) *slack.Sink {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	s, err := slack.New(c, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestBotConformance(t *testing.T) {
	read := func(m sinktest.Message) (receive.SlackMessage, error) {
		method := "chat.postMessage"
		if bytes.Contains(m.Body, []byte(`"ts":`)) { // the end of what was told before
			method = "chat.update"
		}
		_, msg, refusal := receive.ReadSlackCall(method, &http.Request{Method: http.MethodPost, Header: m.Header}, m.Body)
		if refusal != nil {
			return msg, refusal
		}
		if len(msg.Mentions)+len(msg.Links) > 0 {
			return msg, fmt.Errorf("mentions %q, links %q", msg.Mentions, msg.Links)
		}
		return msg, nil
	}
	sinktest.Run(t, sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			return newBot(t, botConfig(far.Address), env)
		},
		Far: func(t *testing.T) *sinktest.Far {
			var n atomic.Int64
			return sinktest.HTTPSaying(t, func(body []byte) string {
				b, _ := json.Marshal(receive.SlackAnswer(fmt.Sprintf("17%08d.000100", n.Add(1)), body))
				return string(b)
			}, func(r *http.Request, body []byte) error {
				if r.URL.Path != "/api/chat.postMessage" && r.URL.Path != "/api/chat.update" {
					return fmt.Errorf("path %s", r.URL.Path)
				}
				_, err := read(sinktest.Message{Header: r.Header, Body: body})
				return err
			})
		},
		Read: func(m sinktest.Message) (sinktest.Told, error) {
			msg, err := read(m)
			if err != nil {
				return sinktest.Told{}, err
			}
			ids := strings.Fields(msg.Texts[len(msg.Texts)-1])
			cleared := strings.HasPrefix(msg.Header, "✅ [RECOVERED]") || strings.HasPrefix(msg.Header, "✅ [復旧]")
			return sinktest.Told{AlertID: ids[1], Cleared: cleared, Texts: append(msg.Texts, msg.Header, msg.Text)}, nil
		},
		Secrets: []string{receive.SlackToken}, Lines: true, MaxSize: 64 << 10,
	})
}

// sendAll sends every transition and wants success.
func sendAll(t *testing.T, s *slack.Sink, as ...event.Alert) {
	t.Helper()
	for _, a := range as {
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatalf("%s: %v", a.Transition, err)
		}
	}
}

func acknowledged(n int) event.Alert {
	a := sinktest.Sample(n, event.Repeated, "en")
	a.Transition, a.Seq, a.Ack = event.Acknowledged, 4, &event.Ack{Author: "kim", At: a.At}
	return a
}

// TestBotLife: one message for the alert, the rest in its thread, and the
// message itself says in the end that it is over; across restarts.
func TestBotLife(t *testing.T) {
	far := &receive.SlackAPI{}
	c := botConfig(receive.StartSlackAPI(t, far).URL)
	c.Channel = receive.SlackName
	env := sinks.Env{StateDir: t.TempDir()}
	life := []event.Alert{
		sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Changed, "en"), sinktest.Sample(1, event.Repeated, "en"),
		acknowledged(1), sinktest.Sample(1, event.Cleared, "en"),
	}
	for _, a := range life {
		sendAll(t, newBot(t, c, env), a) // each after a restart
	}
	sendAll(t, newBot(t, c, env), life[4]) // and once more after a crash
	posts := far.Posts()
	if len(posts) != 4 {
		t.Fatalf("%d messages, want 4", len(posts))
	}
	root := posts[0]
	if root.ThreadTS != "" || root.Edits != 2 || !strings.HasPrefix(root.Header, "✅ [RECOVERED] ") || root.Color != "#2eb886" {
		t.Errorf("the message: %+v", root)
	}
	for i, mark := range []string{"[CHANGED]", "[STILL OPEN]", "[ACKNOWLEDGED]"} {
		if p := posts[i+1]; p.ThreadTS != root.TS || p.Broadcast || !strings.Contains(p.Header, mark) {
			t.Errorf("answer %d: %q in thread %q", i+1, p.Header, p.ThreadTS)
		}
	}
	if r := far.Refused(); len(r) > 0 {
		t.Error(r)
	}
}

func TestBotKeepsAlertsApart(t *testing.T) {
	far := &receive.SlackAPI{}
	s := newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: t.TempDir()})
	sendAll(t, s, sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(2, event.Raised, "en"), sinktest.Sample(1, event.Cleared, "en"))
	if p := far.Posts(); len(p) != 2 || p[0].Edits != 1 || p[1].Edits != 0 {
		t.Errorf("%+v", p)
	}
}

// TestBotWithoutItsState: what follows is not lost, and the next finds the
// new message.
func TestBotWithoutItsState(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"lost":    os.Remove,
		"damaged": func(path string) error { return os.WriteFile(path, []byte(`{"messages":{"x":`), 0o600) },
		"huge":    func(path string) error { return os.Truncate(path, 64<<20) },
		"foreign": func(path string) error { return os.WriteFile(path, []byte(`{"messages":{"x":{}}}`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			far := &receive.SlackAPI{}
			c := botConfig(receive.StartSlackAPI(t, far).URL)
			var log bytes.Buffer
			env := sinks.Env{StateDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))}
			sendAll(t, newBot(t, c, env), sinktest.Sample(1, event.Raised, "en"))
			if err := spoil(filepath.Join(env.StateDir, "messages.json")); err != nil {
				t.Fatal(err)
			}
			s := newBot(t, c, env)
			sendAll(t, s, sinktest.Sample(1, event.Changed, "en"), sinktest.Sample(1, event.Cleared, "en"))
			p := far.Posts()
			if len(p) != 2 || p[1].ThreadTS != "" || !strings.HasPrefix(p[1].Header, "✅") {
				t.Errorf("%+v", p)
			}
			if warned := strings.Contains(log.String(), "not known any more"); warned != (name == "damaged" || name == "huge") {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

// TestBotLostAnswer: Slack took the message and its answer was lost; the next
// attempt makes no second message, and the thread is found all the same.
func TestBotLostAnswer(t *testing.T) {
	far := &receive.SlackAPI{}
	c := botConfig(receive.StartSlackAPI(t, far).URL)
	env := sinks.Env{StateDir: t.TempDir()}
	for _, tr := range []event.Transition{event.Raised, event.Changed, event.Cleared} {
		far.Lose(1)
		a := sinktest.Sample(1, tr, "en")
		if err := newBot(t, c, env).Send(t.Context(), a); err == nil || sinks.IsPermanent(err) {
			t.Fatalf("%s: %v", tr, err)
		}
		sendAll(t, newBot(t, c, env), a)
	}
	if p := far.Posts(); len(p) != 2 || p[1].ThreadTS != p[0].TS || p[0].Edits != 2 {
		t.Errorf("%+v", p)
	}
}

// TestBotLostAnswerOfAReplay makes no second message either, and every replay
// that is asked for makes one.
func TestBotLostAnswerOfAReplay(t *testing.T) {
	far := &receive.SlackAPI{}
	s := newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: t.TempDir()})
	raised, changed := sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Changed, "en")
	raised.Replay, changed.Replay = true, true
	for i, a := range []event.Alert{raised, changed, changed} {
		far.Lose(1)
		if err := s.Send(t.Context(), a); err == nil || sinks.IsPermanent(err) {
			t.Fatalf("%s: %v", a.Transition, err)
		}
		sendAll(t, s, a)
		if p := far.Posts(); len(p) != i+1 {
			t.Errorf("%d messages after %d replays", len(p), i+1)
		}
	}
}

func TestBotWhenPeopleInterfere(t *testing.T) {
	raised, changed, cleared := sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Changed, "en"), sinktest.Sample(1, event.Cleared, "en")
	setUp := func(t *testing.T, far *receive.SlackAPI) *slack.Sink {
		s := newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: t.TempDir()})
		sendAll(t, s, raised)
		return s
	}
	t.Run("message deleted before the end", func(t *testing.T) {
		far := &receive.SlackAPI{}
		s := setUp(t, far)
		far.Delete(far.Posts()[0].TS)
		sendAll(t, s, cleared)
		if p := far.Posts(); len(p) != 2 || !strings.HasPrefix(p[1].Header, "✅") {
			t.Errorf("%+v", p)
		}
	})
	t.Run("message deleted before a change", func(t *testing.T) {
		far := &receive.SlackAPI{}
		s := setUp(t, far)
		far.Delete(far.Posts()[0].TS)
		sendAll(t, s, changed, cleared)
		if p := far.Posts(); len(p) != 2 || p[1].Edits != 1 || !strings.HasPrefix(p[1].Header, "✅") {
			t.Errorf("%+v", p)
		}
	})
	t.Run("message deleted and its id known to slack", func(t *testing.T) {
		far := &receive.SlackAPI{}
		url := receive.StartSlackAPI(t, far).URL
		sendAll(t, newBot(t, botConfig(url), sinks.Env{StateDir: t.TempDir()}), raised)
		far.Delete(far.Posts()[0].TS)
		sendAll(t, newBot(t, botConfig(url), sinks.Env{StateDir: t.TempDir()}), raised)
		if p := far.Posts(); len(p) != 2 || p[1].Deleted {
			t.Errorf("%+v", p)
		}
	})
	t.Run("messages cannot be edited any more", func(t *testing.T) {
		far := &receive.SlackAPI{EditWindow: time.Nanosecond}
		s := setUp(t, far)
		sendAll(t, s, cleared)
		if p := far.Posts(); len(p) != 2 || p[1].ThreadTS != p[0].TS || !p[1].Broadcast || !strings.HasPrefix(p[1].Header, "✅") {
			t.Errorf("%+v", p)
		}
	})
	t.Run("told again on request", func(t *testing.T) {
		far := &receive.SlackAPI{}
		s := setUp(t, far)
		again := raised
		again.Replay = true
		sendAll(t, s, again)
		far.Delete(far.Posts()[0].TS)
		sendAll(t, s, again)
		if p := far.Posts(); len(p) != 2 || p[0].Edits != 1 || !strings.Contains(p[1].Header, "[REPLAY]") {
			t.Errorf("%+v", p)
		}
	})
}

// TestBotHeartbeatIsOneMessage keeps signs of life from filling a channel.
func TestBotHeartbeatIsOneMessage(t *testing.T) {
	far := &receive.SlackAPI{}
	s := newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: t.TempDir()})
	for seq := range 3 {
		a := sinktest.Sample(1, event.Raised, "en")
		a.Transition, a.Rule, a.Seq = event.Beat, event.RuleAlive, seq+1
		a.Heartbeat = &event.Counts{Every: 60}
		sendAll(t, s, a)
	}
	if p := far.Posts(); len(p) != 1 || p[0].Edits != 2 {
		t.Errorf("%+v", p)
	}
}

func TestBotStateIsBounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "messages.json")
	type entry struct {
		Channel string    `json:"channel"`
		TS      string    `json:"ts"`
		At      time.Time `json:"at"`
		Over    bool      `json:"over,omitempty"`
	}
	read := func() map[string]entry {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Messages map[string]entry }
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		return got.Messages
	}
	all := map[string]entry{}
	now := time.Now()
	for i := range 5001 {
		all[fmt.Sprintf("open%04d", i)] = entry{"C1", "1.2", now.Add(-time.Duration(i) * time.Hour), false}
	}
	all["over for a day"] = entry{"C1", "1.2", now.Add(-25 * time.Hour), true}
	all["just over"] = entry{"C1", "1.2", now, true}
	b, _ := json.Marshal(map[string]any{"messages": all})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	far := &receive.SlackAPI{}
	a := sinktest.Sample(1, event.Raised, "en")
	sendAll(t, newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: dir}), a)
	got := read()
	ids := slices.Sorted(maps.Keys(got))
	for id, want := range map[string]bool{a.ID: true, "over for a day": false, "just over": false, "open0000": true, "open5000": false} {
		if slices.Contains(ids, id) != want {
			t.Errorf("%s is kept: %v", id, !want)
		}
	}
	if len(got) != 5000 {
		t.Errorf("%d are kept, want 5000", len(got))
	}
}

// TestBotDiskFull: the alert is delivered, and the log tells once.
func TestBotDiskFull(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	far := &receive.SlackAPI{}
	s := newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: filepath.Join(blocked, "state"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	sendAll(t, s, sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Cleared, "en"))
	if p := far.Posts(); len(p) != 1 || p[0].Edits != 1 {
		t.Errorf("%+v", p)
	}
	if n := strings.Count(log.String(), "cannot remember"); n != 1 {
		t.Errorf("told %d times: %s", n, log.String())
	}
}

// TestBotRefusals: every code of Slack is classed, and says what to do next.
func TestBotRefusals(t *testing.T) {
	far := &receive.SlackAPI{}
	url := receive.StartSlackAPI(t, far).URL
	a := sinktest.Sample(1, event.Raised, "en")
	for _, c := range []struct {
		code      string
		permanent bool
		next      string
	}{
		{"invalid_auth", true, "bot_token"}, {"not_authed", true, "bot_token"}, {"token_revoked", true, "bot_token"}, {"account_inactive", true, "bot_token"},
		{"missing_scope", true, "chat:write"}, {"channel_not_found", true, "check channel"}, {"not_in_channel", true, "/invite"},
		{"is_archived", true, "unarchive"}, {"restricted_action", true, "administrators"}, {"invalid_blocks", true, "report"}, {"msg_too_long", true, "report"},
		{"ratelimited", false, "tried again"}, {"fatal_error", false, "tried again"}, {"internal_error", false, "tried again"},
		{"service_unavailable", false, "tried again"}, {"message_limit_exceeded", false, "tried again"}, {"a_code_of_tomorrow\x1b[2J", false, "reference"},
	} {
		far.Fail(c.code)
		err := newBot(t, botConfig(url), sinks.Env{StateDir: t.TempDir()}).Send(t.Context(), a)
		code, _, _ := strings.Cut(c.code, "\x1b")
		if err == nil || sinks.IsPermanent(err) != c.permanent || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), c.next) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: permanent should be %v and %q be said: %v", c.code, c.permanent, c.next, err)
		}
	}
	far.Fail("")
	for name, c := range map[string]func(*slack.Config){
		"invalid_auth":      func(c *slack.Config) { c.BotToken = "xoxb-another" },
		"channel_not_found": func(c *slack.Config) { c.Channel = "C0000000000" },
	} {
		cfg := botConfig(url)
		c(&cfg)
		if err := newBot(t, cfg, sinks.Env{StateDir: t.TempDir()}).Send(t.Context(), a); err == nil || !sinks.IsPermanent(err) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBotRateLimit(t *testing.T) {
	far := &receive.SlackAPI{}
	far.Every = 10 * time.Second
	sinktest.Throttled(t, newBot(t, botConfig(receive.StartSlackAPI(t, far).URL), sinks.Env{StateDir: t.TempDir()}))
}

func TestBotPortal(t *testing.T) {
	for name, page := range map[string]string{
		"html": "<html>sign in</html>", "no json": "ok", "nothing": "", "another api": `{"ok":true}`, "endless": strings.Repeat(" ", 1<<20),
	} {
		srv := receive.StartHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(page)) }))
		err := newBot(t, botConfig(srv.URL), sinks.Env{StateDir: t.TempDir()}).Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
		if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "api_url") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBotValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*slack.Config)
		key    string
	}{
		"id":                 {func(*slack.Config) {}, ""},
		"name":               {func(c *slack.Config) { c.Channel = "#監視-alerts" }, ""},
		"both":               {func(c *slack.Config) { c.WebhookURL = "https://hooks.slack.com/services/x" }, "bot_token"},
		"user token":         {func(c *slack.Config) { c.BotToken = "xoxp-1-" + setting.Secret(token) }, "bot_token"},
		"token with a break": {func(c *slack.Config) { c.BotToken = "xoxb-1\n" + setting.Secret(token) }, "bot_token"},
		"no channel":         {func(c *slack.Config) { c.Channel = "" }, "channel"},
		"a sentence":         {func(c *slack.Config) { c.Channel = "the alerts channel" }, "channel"},
		"channel alone":      {func(c *slack.Config) { c.BotToken, c.WebhookURL = "", "https://hooks.slack.com/services/x" }, "channel"},
		"no api":             {func(c *slack.Config) { c.APIURL = "" }, "api_url"},
		"api with a user":    {func(c *slack.Config) { c.APIURL = "https://a:b@slack.com/api" }, "api_url"},
	} {
		cfg := botConfig("https://slack.com")
		c.change(&cfg)
		err := cfg.Validate()
		if c.key == "" && err != nil || c.key != "" && (err == nil || !strings.HasPrefix(err.Error(), c.key+": ")) {
			t.Errorf("%s: %v, want one about %q", name, err, c.key)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%s: shows the secret: %v", name, err)
		}
	}
}

// TestSlackAPIStandInIsStrict makes sure that the stand-in refuses.
func TestSlackAPIStandInIsStrict(t *testing.T) {
	good := `"channel":"` + receive.SlackChannel + `","text":"x"`
	header := func(token, ct string) http.Header {
		return http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {ct}}
	}
	h := header(receive.SlackToken, "application/json; charset=utf-8")
	for name, c := range map[string]struct {
		method string
		header http.Header
		body   string
		code   string
	}{
		"good":            {"chat.postMessage", h, `{` + good + `}`, ""},
		"no token":        {"chat.postMessage", http.Header{}, `{` + good + `}`, "not_authed"},
		"other token":     {"chat.postMessage", header("xoxb-1", h.Get("Content-Type")), `{` + good + `}`, "invalid_auth"},
		"form":            {"chat.postMessage", header(receive.SlackToken, "application/x-www-form-urlencoded"), `{` + good + `}`, "invalid_charset"},
		"unknown key":     {"chat.postMessage", h, `{` + good + `,"colour":"red"}`, "invalid_arguments"},
		"update by name":  {"chat.update", h, `{"channel":"alerts","ts":"1700000000.000100","text":"x"}`, "channel_not_found"},
		"update of none":  {"chat.update", h, `{` + good + `}`, "invalid_arguments"},
		"ts as a number":  {"chat.update", h, `{` + good + `,"ts":1700000000.000100}`, "invalid_arguments"},
		"no uuid":         {"chat.postMessage", h, `{` + good + `,"client_msg_id":"1"}`, "invalid_arguments"},
		"51 blocks":       {"chat.postMessage", h, `{` + good + `,"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, "invalid_blocks"},
		"long text block": {"chat.postMessage", h, `{` + good + `,"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"` + strings.Repeat("x", 3001) + `"}}]}`, "invalid_blocks"},
	} {
		_, _, refusal := receive.ReadSlackCall(c.method, &http.Request{Method: http.MethodPost, Header: c.header}, []byte(c.body))
		if refusal == nil && c.code != "" || refusal != nil && refusal.Code != c.code {
			t.Errorf("%s: %v, want %q", name, refusal, c.code)
		}
	}
}

// TestBotTellsARiseInTheChannel: whoever reads the channel only sees that a
// warning has become critical; what is milder or the same stays in the thread.
func TestBotTellsARiseInTheChannel(t *testing.T) {
	far := &receive.SlackAPI{}
	c := botConfig(receive.StartSlackAPI(t, far).URL)
	env := sinks.Env{StateDir: t.TempDir()}
	var life []event.Alert
	for i, s := range []event.Severity{event.Warning, event.Critical, event.Critical, event.Warning, event.Critical} {
		a := sinktest.Sample(1, event.Changed, "en")
		if a.Severity, a.Seq = s, i+1; i == 0 {
			a.Transition = event.Raised
		}
		life = append(life, a)
	}
	for _, a := range life {
		sendAll(t, newBot(t, c, env), a) // each after a restart
	}
	posts := far.Posts()
	if len(posts) != len(life) {
		t.Fatalf("%d messages, want %d", len(posts), len(life))
	}
	if root := posts[0]; root.Edits != 1 || !strings.Contains(root.Header, "[CHANGED]") || root.Color != "#d00000" {
		t.Errorf("the message was changed %d times: %q, %s", root.Edits, root.Header, root.Color)
	}
	for i, loud := range []bool{true, false, false, false} {
		if p := posts[i+1]; p.Broadcast != loud || p.ThreadTS != posts[0].TS {
			t.Errorf("answer %d: shown in the channel %v, want %v", i+1, p.Broadcast, loud)
		}
	}
	if r := far.Refused(); len(r) > 0 {
		t.Error(r)
	}
}
