package slack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/slack"
	"dswatch/test/receive"
)

const kim = "U0000000KIM"

func socketConfig(url string) slack.Config {
	c := botConfig(url)
	c.AppToken, c.Operators = receive.SlackAppToken, []string{kim}
	return c
}

func socketEnv(t *testing.T) sinks.Env {
	return sinks.Env{StateDir: t.TempDir(), Alone: true, Language: "en", Log: slog.New(slog.DiscardHandler)}
}

// acts is a desk that counts what was done.
type acts struct {
	mu    sync.Mutex
	done  map[string]int // by request
	of    map[string]int // by alert
	fail  int            // that many are to fail first
	last  sinks.Request
	reply sinks.Answer
}

func (a *acts) desk(_ context.Context, q sinks.Request) (sinks.Answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail > 0 {
		a.fail--
		return sinks.Answer{}, errors.New("not now")
	}
	if a.done == nil {
		a.done, a.of = map[string]int{}, map[string]int{}
	}
	a.done[q.ID]++
	a.of[q.Alert]++
	a.last = q
	return a.reply, nil
}

func (a *acts) count(alert string) int { a.mu.Lock(); defer a.mu.Unlock(); return a.of[alert] }

// listen lets s listen until what it returns is called.
func listen(t *testing.T, s *slack.Sink, far *receive.SlackAPI, desk sinks.Desk) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Listen(ctx, desk) }()
	eventually(t, "a connection", func() bool { ear, ok := s.Listening(); return ok && ear.Open })
	return func() { cancel(); <-done }
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// button is the one that ends with name.
func button(t *testing.T, p receive.SlackPost, name string) receive.SlackButton {
	t.Helper()
	for _, b := range p.Buttons {
		if strings.HasSuffix(b.ActionID, "."+name) {
			return b
		}
	}
	t.Fatalf("no button %s among %+v", name, p.Buttons)
	return receive.SlackButton{}
}

func TestButtons(t *testing.T) {
	far := &receive.SlackAPI{}
	url := receive.StartSlackAPI(t, far).URL
	env := socketEnv(t)
	s := newBot(t, socketConfig(url), env)
	sendAll(t, s, sinktest.Sample(1, event.Raised, "en"), acknowledged(1))
	p := far.Posts()
	for i, want := range []string{"Acknowledge", "Silence for 1 h", "Why?"} {
		if got := p[0].Buttons; len(got) != 3 || got[i].Text != want || got[i].Value != sinktest.Sample(1, event.Raised, "en").ID {
			t.Errorf("buttons %+v", got)
		}
	}
	if len(p[1].Buttons) > 0 {
		t.Error("an answer in the thread has buttons")
	}
	sendAll(t, s, sinktest.Sample(1, event.Cleared, "en"))
	if p := far.Posts(); len(p[0].Buttons) > 0 {
		t.Error("what is over has buttons")
	}
	test, digest := sinktest.Sample(2, event.Raised, "ja"), sinktest.Sample(3, event.Raised, "ja")
	test.Test, digest.Rule = true, event.RuleStorm
	sendAll(t, s, test, digest)
	if p := far.Posts(); len(p[2].Buttons) > 0 || len(p[3].Buttons) != 2 || p[3].Buttons[0].Text != "確認済みにする" {
		t.Errorf("test %+v, digest %+v", p[2].Buttons, p[3].Buttons)
	}
	// Where others may serve the channel, and without an app token, there are none.
	env.Alone = false
	for _, c := range []slack.Config{socketConfig(url), botConfig(url)} {
		env.StateDir = t.TempDir()
		s := newBot(t, c, env)
		if err := s.Listen(t.Context(), nil); err != nil {
			t.Error(err)
		}
		sendAll(t, s, sinktest.Sample(4, event.Raised, "en"))
		if p := far.Posts(); len(p[len(p)-1].Buttons) > 0 {
			t.Errorf("%+v", p[len(p)-1].Buttons)
		}
		env.Alone = true
	}
	if r := far.Refused(); len(r) > 0 {
		t.Error(r)
	}
}

// TestLinkToThePage: in each style, and only where there is a page.
func TestLinkToThePage(t *testing.T) {
	a := sinktest.Sample(1, event.Raised, "en")
	for _, style := range []string{"blocks", "attachment"} {
		far := &receive.SlackAPI{}
		c := botConfig(receive.StartSlackAPI(t, far).URL)
		c.Style = style
		env := sinks.Env{StateDir: t.TempDir(), Page: "https://dswatch.example.com/"}
		test := a
		test.ID, test.Test = "test", true
		sendAll(t, newBot(t, c, env), a, test)
		want := "<https://dswatch.example.com/alerts/" + a.ID + "|Open the page of this alert>"
		if p := far.Posts(); len(p[0].Links) == 0 || p[0].Links[0] != want || len(p[1].Links) > 0 {
			t.Errorf("%s: %q, %q", style, p[0].Links, p[1].Links)
		}
	}
}

func TestClick(t *testing.T) {
	far := &receive.SlackAPI{}
	env := socketEnv(t)
	var log bytes.Buffer
	env.Log = slog.New(slog.NewTextHandler(&syncWriter{w: &log}, nil))
	s := newBot(t, socketConfig(receive.StartSlackAPI(t, far).URL), env)
	a := sinktest.Sample(1, event.Raised, "en")
	sendAll(t, s, a)
	p := far.Posts()[0]
	did := &acts{reply: sinks.Answer{Text: "because <!channel> of\nthis", All: false}}
	stop := listen(t, s, far, did.desk)
	defer stop()
	press := func(user, name string) bool {
		return far.Press(t, receive.SlackPress{User: user, Name: "Kim <!here>", Post: p, Button: button(t, p, name)})
	}
	if !press(kim, "why") {
		t.Fatal("not acknowledged")
	}
	eventually(t, "it is done", func() bool { return did.count(a.ID) == 1 })
	if q := did.last; q.Action != sinks.Why || q.Author != "Kim <!here> (Slack "+kim+")" || time.Since(q.At) > time.Minute {
		t.Errorf("%+v", q)
	}
	eventually(t, "the answer", func() bool { return len(far.Whispers()) == 1 })
	if w := far.Whispers()[0]; w.User != kim || w.Text != "```because <!channel> of\nthis```" {
		t.Errorf("%+v", w)
	}
	did.reply = sinks.Answer{Text: "silenced", All: true}
	if !press(kim, "silence") {
		t.Fatal("not acknowledged")
	}
	eventually(t, "the answer to all", func() bool { return len(far.Posts()) == 2 })
	if r := far.Posts()[1]; r.ThreadTS != p.TS || r.Text != "silenced" {
		t.Errorf("%+v", r)
	}
	// Whoever is not listed does nothing, is told once a minute, and Slack is told that it came.
	for range 3 {
		if !press("U0000000LEE", "ack") {
			t.Error("not acknowledged")
		}
	}
	eventually(t, "the refusal", func() bool { return len(far.Whispers()) == 2 })
	time.Sleep(100 * time.Millisecond)
	if w := far.Whispers(); len(w) != 2 || w[1].User != "U0000000LEE" || !strings.Contains(w[1].Text, "operators") || did.count(a.ID) != 2 {
		t.Errorf("%+v, done %d", w, did.count(a.ID))
	}
	if n := strings.Count(log.String(), "not in operators"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	if _, _, refused := far.Sockets(); len(refused)+len(far.Refused()) > 0 {
		t.Error(refused, far.Refused())
	}
}

// syncWriter lets goroutines write into one buffer.
type syncWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// TestClickComesAgain: under the same envelope or another one, in this run or
// the next, done or not, it acts once.
func TestClickComesAgain(t *testing.T) {
	far := &receive.SlackAPI{}
	c, env := socketConfig(receive.StartSlackAPI(t, far).URL), socketEnv(t)
	s := newBot(t, c, env)
	a := sinktest.Sample(1, event.Raised, "en")
	sendAll(t, s, a)
	p := far.Posts()[0]
	did := &acts{}
	one := receive.SlackPress{User: kim, Name: "kim", Post: p, Button: button(t, p, "ack"), Envelope: "e1", ActionTS: "1700000001.000001"}
	same, other := one, one
	same.ActionTS, other.Envelope = "1700000009.000009", "e2"
	for run := range 2 {
		stop := listen(t, newBot(t, c, env), far, did.desk)
		for _, again := range []receive.SlackPress{one, same, other} {
			if !far.Press(t, again) {
				t.Error("not acknowledged")
			}
		}
		eventually(t, "it is done", func() bool { return did.count(a.ID) >= 1 })
		time.Sleep(100 * time.Millisecond)
		stop()
		if n := did.count(a.ID); n != 1 {
			t.Errorf("run %d: done %d times", run, n)
		}
	}
	// One that was taken and could not be done is done by the next run.
	did.fail = 1 << 20
	stop := listen(t, newBot(t, c, env), far, did.desk)
	if !far.Press(t, receive.SlackPress{User: kim, Name: "kim", Post: p, Button: button(t, p, "ack")}) {
		t.Error("not acknowledged")
	}
	stop()
	did.fail = 0
	stop = listen(t, newBot(t, c, env), far, did.desk)
	defer stop()
	eventually(t, "the next run has done it", func() bool { return did.count(a.ID) == 2 })
}

// TestClickNotStored: what cannot be stored is not acknowledged and not done.
func TestClickNotStored(t *testing.T) {
	far := &receive.SlackAPI{}
	c, env := socketConfig(receive.StartSlackAPI(t, far).URL), socketEnv(t)
	s := newBot(t, c, env)
	a := sinktest.Sample(1, event.Raised, "en")
	sendAll(t, s, a)
	did := &acts{}
	stop := listen(t, s, far, did.desk)
	defer stop()
	if err := os.RemoveAll(env.StateDir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(env.StateDir, nil, 0o600); err != nil { // no directory can be made here
		t.Fatal(err)
	}
	p := far.Posts()[0]
	if far.Press(t, receive.SlackPress{User: kim, Name: "kim", Post: p, Button: button(t, p, "ack")}) || did.count(a.ID) > 0 {
		t.Error("taken, or done, without being stored")
	}
	if err := os.Remove(env.StateDir); err != nil {
		t.Fatal(err)
	}
	if !far.Press(t, receive.SlackPress{User: kim, Name: "kim", Post: p, Button: button(t, p, "ack")}) {
		t.Error("not taken once it can be stored")
	}
	eventually(t, "it is done", func() bool { return did.count(a.ID) == 1 })
}

// TestClicksDuringTrouble: 100 clicks, two refreshes, a broken and a half-open
// connection, and a restart; those that Slack shows as taken are done once, the
// others once or not at all.
func TestClicksDuringTrouble(t *testing.T) {
	far := &receive.SlackAPI{}
	c, env := socketConfig(receive.StartSlackAPI(t, far).URL), socketEnv(t)
	const clicks = 100
	s := newBot(t, c, env)
	for n := range clicks {
		sendAll(t, s, sinktest.Sample(n, event.Raised, "en"))
	}
	did := &acts{fail: 5}
	begin := func() func() {
		s := newBot(t, c, env)
		s.Hasten(time.Second)
		return listen(t, s, far, did.desk)
	}
	stop := begin()
	posts := far.Posts()
	taken := make([]bool, clicks)
	var pressing sync.WaitGroup
	for n := range clicks {
		pressing.Go(func() {
			time.Sleep(time.Duration(n) * 60 * time.Millisecond)
			taken[n] = far.Press(t, receive.SlackPress{User: kim, Name: "kim", Post: posts[n], Button: button(t, posts[n], "ack")})
		})
	}
	for _, trouble := range []func(){
		func() { far.Refresh(500 * time.Millisecond) },
		func() {
			far.Freeze()
			_, before, _ := far.Sockets()
			eventually(t, "another connection than the half-open one", func() bool { _, opened, _ := far.Sockets(); return opened > before })
		},
		func() { far.Refresh(0) }, func() { stop(); stop = begin() }, far.Cut, far.Thaw,
	} {
		time.Sleep(900 * time.Millisecond)
		trouble()
	}
	pressing.Wait()
	eventually(t, "a connection after all", func() bool { n, _, _ := far.Sockets(); return n > 0 })
	eventually(t, "all that were taken are done", func() bool {
		for n, yes := range taken {
			if yes && did.count(posts[n].Buttons[0].Value) == 0 {
				return false
			}
		}
		return true
	})
	stop()
	shown := 0
	for n, yes := range taken {
		if yes {
			shown++
		}
		if times := did.count(posts[n].Buttons[0].Value); times > 1 || yes && times != 1 {
			t.Errorf("click %d: taken %v, done %d times", n, yes, times)
		}
	}
	if shown < clicks/2 { // the rest fell into a gap, and Slack says so
		t.Errorf("Slack shows only %d of %d as taken", shown, clicks)
	}
	_, opened, refused := far.Sockets()
	t.Logf("%d of %d clicks taken, %d connections opened", shown, clicks, opened)
	if opened < 5 { // first, refreshed, after the half-open one, of the next run, after the cut
		t.Errorf("only %d connections were opened", opened)
	}
	if len(refused)+len(far.Refused()) > 0 {
		t.Error(refused, far.Refused())
	}
}

// TestHalfOpenConnection: no sign of life, and there is another connection.
func TestHalfOpenConnection(t *testing.T) {
	far := &receive.SlackAPI{}
	s := newBot(t, socketConfig(receive.StartSlackAPI(t, far).URL), socketEnv(t))
	s.Hasten(time.Second)
	defer listen(t, s, far, (&acts{}).desk)()
	far.Freeze()
	eventually(t, "another connection", func() bool { now, opened, _ := far.Sockets(); return now == 2 && opened == 2 })
	// Slack still counts the first, which is no other program's.
	if ear, _ := s.Listening(); ear.Error != nil {
		t.Error(ear.Error)
	}
}

// TestOtherProgramOfTheApp is told as a fault, until it has gone.
func TestOtherProgramOfTheApp(t *testing.T) {
	far := &receive.SlackAPI{}
	c := socketConfig(receive.StartSlackAPI(t, far).URL)
	first := newBot(t, c, socketEnv(t))
	stop := listen(t, first, far, (&acts{}).desk)
	var log bytes.Buffer
	env := socketEnv(t)
	env.Log = slog.New(slog.NewTextHandler(&syncWriter{w: &log}, nil))
	second := newBot(t, c, env)
	defer listen(t, second, far, (&acts{}).desk)()
	ear, _ := second.Listening()
	if ear.Error == nil || !strings.Contains(ear.Error.Error(), "2 programs") || strings.Count(log.String(), "2 programs") != 1 {
		t.Errorf("%v; log %s", ear.Error, log.String())
	}
	stop()
	far.Refresh(10 * time.Millisecond)
	eventually(t, "it is alone", func() bool { ear, _ := second.Listening(); return ear.Open && ear.Error == nil })
	far.Refresh(10 * time.Millisecond) // its own old connection is none of another program
	eventually(t, "it is open anew", func() bool {
		_, opened, _ := far.Sockets()
		ear, _ := second.Listening()
		return opened >= 4 && ear.Open
	})
	if ear, _ := second.Listening(); ear.Error != nil {
		t.Error(ear.Error)
	}
}

// TestRefusedSockets: what is wrong with the app is said, with the next step, and
// no token.
func TestRefusedSockets(t *testing.T) {
	far := &receive.SlackAPI{}
	c := socketConfig(receive.StartSlackAPI(t, far).URL)
	for code, next := range map[string]string{"invalid_auth": "app_token", "missing_scope": "connections:write", "not_allowed_token_type": "xapp-"} {
		far.FailSockets(code)
		err := newBot(t, c, socketEnv(t)).Listen(t.Context(), nil)
		if !sinks.IsRefused(err) || !strings.Contains(err.Error(), next) || !strings.Contains(err.Error(), code) || strings.Contains(err.Error(), receive.SlackAppToken) {
			t.Errorf("%s: %v", code, err)
		}
	}
	far.FailSockets("internal_error")
	s := newBot(t, c, socketEnv(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Listen(ctx, (&acts{}).desk) }()
	eventually(t, "the fault", func() bool { ear, _ := s.Listening(); return ear.Error != nil && !ear.Open })
	far.FailSockets("")
	eventually(t, "it heals", func() bool { ear, _ := s.Listening(); return ear.Error == nil && ear.Open })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestHostileSocket: nothing that comes by it harms.
func TestHostileSocket(t *testing.T) {
	far := &receive.SlackAPI{}
	s := newBot(t, socketConfig(receive.StartSlackAPI(t, far).URL), socketEnv(t))
	a := sinktest.Sample(1, event.Raised, "en")
	sendAll(t, s, a)
	did := &acts{}
	defer listen(t, s, far, did.desk)()
	action := func(id, value string) map[string]any {
		return map[string]any{"type": "block_actions", "user": map[string]any{"id": kim, "name": "kim"}, "channel": map[string]any{"id": receive.SlackChannel},
			"actions": []any{map[string]any{"action_id": id, "value": value, "action_ts": "1.1"}}}
	}
	for _, v := range []any{
		1, "x", []any{}, nil, map[string]any{"type": 7}, map[string]any{"type": "hello", "num_connections": 1 << 30}, map[string]any{"type": "interactive"},
		map[string]any{"type": "interactive", "envelope_id": "h1", "payload": "text"},
		map[string]any{"type": "interactive", "envelope_id": "h2", "payload": map[string]any{"type": "block_actions", "actions": nil}},
		map[string]any{"type": "interactive", "envelope_id": "h3", "payload": action("dswatch.format", a.ID)},
		map[string]any{"type": "interactive", "envelope_id": "h4", "payload": action("dswatch.ack", strings.Repeat("x", 5000))},
		map[string]any{"type": "interactive", "envelope_id": "h5", "payload": action("dswatch.ack", "")},
		map[string]any{"type": "slash_commands", "envelope_id": "h6", "payload": map[string]any{}},
		strings.Repeat("x", 2<<20), // ends the connection
	} {
		far.Send(v)
	}
	eventually(t, "a connection after all that", func() bool {
		now, opened, _ := far.Sockets()
		ear, _ := s.Listening()
		return now > 0 && opened >= 2 && ear.Open
	})
	p := far.Posts()[0]
	eventually(t, "a click is taken", func() bool {
		return far.Press(t, receive.SlackPress{User: kim, Name: "kim", Post: p, Button: button(t, p, "ack")})
	})
	eventually(t, "a click is done", func() bool { return did.count(a.ID) > 0 })
	if len(did.of) != 1 {
		t.Errorf("%v", did.of)
	}
}

// TestSocketThroughProxy: with the configured proxy only, and its refusal is its
// own.
func TestSocketThroughProxy(t *testing.T) {
	far := &receive.SlackAPI{}
	api := receive.StartSlackAPI(t, far)
	var mu sync.Mutex
	var connects []string
	refuse := false
	target, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	plain := httputil.NewSingleHostReverseProxy(target)
	proxy := receive.StartHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			plain.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		connects = append(connects, r.Host+" "+r.Header.Get("Proxy-Authorization"))
		no := refuse
		mu.Unlock()
		if no {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		receive.Tunnel(w, r)
	}))
	c := socketConfig(api.URL)
	c.Proxy = setting.Secret("http://user:secretpw@" + strings.TrimPrefix(proxy.URL, "http://"))
	s := newBot(t, c, socketEnv(t))
	stop := listen(t, s, far, (&acts{}).desk)
	stop()
	mu.Lock()
	if len(connects) != 1 || connects[0] != target.Host+" Basic dXNlcjpzZWNyZXRwdw==" {
		t.Errorf("%q", connects)
	}
	refuse = true
	mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go s.Listen(ctx, (&acts{}).desk)
	eventually(t, "the refusal", func() bool { ear, _ := s.Listening(); return ear.Error != nil })
	ear, _ := s.Listening()
	if text := ear.Error.Error(); !strings.Contains(text, "407") || !strings.Contains(text, "the proxy") || strings.Contains(text, "secretpw") || strings.Contains(text, "ticket") {
		t.Error(text)
	}
}

// TestClicksFile: a file that cannot be read is told and not thrown away.
func TestClicksFile(t *testing.T) {
	far := &receive.SlackAPI{}
	env := socketEnv(t)
	path := filepath.Join(env.StateDir, "clicks.json")
	for name, text := range map[string]string{"damaged": `[{"id":`, "foreign": `{"a":1}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newBot(t, socketConfig(receive.StartSlackAPI(t, far).URL), env)
		err := s.Listen(t.Context(), (&acts{}).desk)
		ear, _ := s.Listening()
		if err == nil || !strings.Contains(err.Error(), path) || ear.Error == nil {
			t.Errorf("%s: %v, %v", name, err, ear.Error)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%s: now %q", name, got)
		}
	}
}

func TestSocketValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*slack.Config)
		key    string
	}{
		"good":              {func(*slack.Config) {}, ""},
		"grid":              {func(c *slack.Config) { c.Operators = []string{"W012A3CDE", kim} }, ""},
		"bot token":         {func(c *slack.Config) { c.AppToken = receive.SlackToken }, "app_token"},
		"break":             {func(c *slack.Config) { c.AppToken = "xapp-1\n" }, "app_token"},
		"nobody":            {func(c *slack.Config) { c.Operators = nil }, "operators"},
		"a name":            {func(c *slack.Config) { c.Operators = []string{"kim"} }, "operators"},
		"without app token": {func(c *slack.Config) { c.AppToken = "" }, "operators"},
		"attachment":        {func(c *slack.Config) { c.Style = "attachment" }, "app_token"},
		"webhook": {func(c *slack.Config) {
			c.BotToken, c.Channel, c.WebhookURL = "", "", "https://hooks.slack.com/services/x"
		}, "app_token"},
	} {
		cfg := socketConfig("https://slack.com")
		c.change(&cfg)
		err := cfg.Validate()
		if c.key == "" && err != nil || c.key != "" && (err == nil || !strings.HasPrefix(err.Error(), c.key+": ")) {
			t.Errorf("%s: %v, want one about %q", name, err, c.key)
		}
		if err != nil && strings.Contains(fmt.Sprint(err), receive.SlackToken) {
			t.Errorf("%s: shows a token: %v", name, err)
		}
	}
}
