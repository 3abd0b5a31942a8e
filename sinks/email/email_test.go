package email_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/email"
	"dswatch/sinks/sinktest"
	"dswatch/test/receive"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	user     = "dswatch"
	password = "correct horse battery"
)

// config is a valid section for a server at address.
func config(address string) email.Config {
	c := email.Defaults()
	c.Name, c.Type, c.Address, c.Security = "mail", "email", address, "none"
	c.From, c.To = "dswatch 監視 <dswatch@example.com>", []string{"当直 <oncall@example.com>"}
	return c
}

func newSink(t testing.TB, c email.Config, env sinks.Env) *email.Sink {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	s, err := email.New(c, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shown is what an HTML part shows, refused when it can do more than show.
func shown(page string) (string, error) {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return "", err
			}
			return b.String(), nil
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			if !strings.Contains(" html head meta body div h1 p strong table tr th td ", " "+string(name)+" ") {
				return "", fmt.Errorf("element %s", name)
			}
		}
	}
}

func TestConformance(t *testing.T) { sinktest.Run(t, conform(t)) }

// TestEveryRowIsWhole: each loss of the list is understood from its message alone.
func TestEveryRowIsWhole(t *testing.T) { sinktest.Whole(t, conform(t)) }

// conform is the sink over STARTTLS with a login, as most servers want it.
func conform(t *testing.T) sinktest.Options {
	t.Helper()
	pki := receive.NewAuthority(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	return sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			c := config(far.Address)
			c.Security, c.TLS.CAFile, c.Username, c.Password = "starttls", pki.CAFile, user, password
			return newSink(t, c, env)
		},
		Far: func(t *testing.T) *sinktest.Far {
			s := receive.StartMailServer(t, receive.MailOptions{
				TLS: pki, User: func() string { return user }, Password: func() string { return password },
			})
			return &sinktest.Far{
				Address: s.Address,
				Received: func() []sinktest.Message {
					var out []sinktest.Message
					for _, m := range s.Received() {
						out = append(out, sinktest.Message{Body: m.Data})
					}
					return out
				},
				Hang:  func() { s.Say(func(string, string) string { return receive.Hangs }) },
				Break: s.Break, Close: s.Close,
			}
		},
		Read: func(m sinktest.Message) (sinktest.Told, error) {
			l, err := receive.Mail{Data: m.Body}.Read()
			if err != nil {
				return sinktest.Told{}, err
			}
			page, err := shown(l.HTML)
			if err != nil {
				return sinktest.Told{}, err
			}
			return sinktest.Told{
				AlertID: l.Header.Get("X-Dswatch-Alert"), Cleared: l.Header.Get("X-Dswatch-Transition") == "cleared",
				Texts: []string{l.Subject, l.Plain, page},
			}, nil
		},
		Secrets: []string{password}, Lines: true, MaxSize: 512 << 10,
	}
}

// TestGolden shows what is sent, for people to look at.
func TestGolden(t *testing.T) {
	far := receive.StartMailServer(t, receive.MailOptions{})
	s := newSink(t, config(far.Address), sinks.Env{Host: "dswatch.example"})
	for _, language := range []string{"en", "ja"} {
		var out strings.Builder
		for _, tr := range []event.Transition{event.Raised, event.Cleared} {
			if err := s.Send(t.Context(), sinktest.Sample(1, tr, language)); err != nil {
				t.Fatal(err)
			}
			got := far.Received()
			m := got[len(got)-1]
			l, err := m.Read()
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(m.Data), "Content-Type: multipart")
			fmt.Fprintf(&out, "MAIL FROM %s\nRCPT TO %s\n%s\nsubject: %s\n\n%s\n%s\n", m.From, strings.Join(m.To, " "),
				strings.ReplaceAll(head, "\r\n", "\n"), l.Subject, l.Plain, l.HTML)
		}
		sinktest.Golden(t, language, out.String(), *update)
	}
}

// TestThread: all mails of an alert answer its raise, whoever sends them, and
// each has an id of its own; so have a replay, and every attempt of it the same.
func TestThread(t *testing.T) {
	far := receive.StartMailServer(t, receive.MailOptions{})
	send := func(s *email.Sink, a event.Alert, want error) receive.Letter {
		t.Helper()
		if err := s.Send(t.Context(), a); (err == nil) != (want == nil) {
			t.Fatal(err)
		}
		got := far.Received()
		l, err := got[len(got)-1].Read()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	one := newSink(t, config(far.Address), sinks.Env{Host: "a"})
	late := sinktest.Sample(1, event.Raised, "en")
	late.Seq = 7 // a sink that hears of it late
	raised := send(one, late, nil)
	root := raised.Header.Get("Message-Id")
	if root == "" || raised.Header.Get("In-Reply-To") != "" {
		t.Errorf("the raise: %v", raised.Header)
	}
	other := newSink(t, config(far.Address), sinks.Env{Host: "b"}) // after a restart, elsewhere
	ids := map[string]bool{root: true}
	others := sinktest.Others("en")
	acknowledged := others["acknowledged"]
	acknowledged.ID = late.ID
	for _, a := range []event.Alert{sinktest.Sample(1, event.Changed, "en"), acknowledged, sinktest.Sample(1, event.Cleared, "en")} {
		a.Seq += 7
		l := send(other, a, nil)
		if l.Header.Get("In-Reply-To") != root || l.Header.Get("References") != root {
			t.Errorf("%s answers %q, %q, want %q", a.Transition, l.Header.Get("In-Reply-To"), l.Header.Get("References"), root)
		}
		if id := l.Header.Get("Message-Id"); ids[id] {
			t.Errorf("%s has the id of another: %s", a.Transition, id)
		} else {
			ids[id] = true
		}
		if again := send(other, a, nil); again.Header.Get("Message-Id") != l.Header.Get("Message-Id") || again.Header.Get("Date") != l.Header.Get("Date") {
			t.Errorf("a copy of %s has another id or date", a.Transition)
		}
		for header, want := range map[string]string{"Auto-Submitted": "auto-generated", "Precedence": "bulk", "X-Auto-Response-Suppress": "All", "X-Dswatch-Delivery": a.DeliveryID()} {
			if got := l.Header.Get(header); got != want {
				t.Errorf("%s: %q, want %q", header, got, want)
			}
		}
	}
	late.Replay = true
	far.Say(func(step, _ string) string { return map[string]string{"end": receive.Cuts}[step] })
	first := send(other, late, errors.ErrUnsupported).Header.Get("Message-Id")
	far.Say(nil)
	replay := send(other, late, nil)
	if ids[first] || replay.Header.Get("Message-Id") != first || replay.Header.Get("In-Reply-To") != root {
		t.Errorf("the replay is %s, then %v", first, replay.Header)
	}
	if next := send(other, late, nil).Header.Get("Message-Id"); next == first {
		t.Error("a second replay has the id of the first")
	}
}

// TestAnswers: what a server can say at each step, and what follows from it.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		step, says string
		permanent  bool
		want       string
	}{
		"busy greeting":         {"greeting", "421 4.3.2 try later", false, "greeting: answered 421 4.3.2 try later"},
		"no service":            {"greeting", "554 5.7.1 go away", true, "greeting: answered 554"},
		"sender refused":        {"MAIL", "550 5.7.1 not yours", true, "MAIL FROM: answered 550"},
		"login wanted":          {"MAIL", "530 5.7.0 authenticate first", true, "write username and password_file"},
		"greylisted":            {"RCPT", "451 4.7.1 come back", false, "RCPT TO oncall@example.com: answered 451 4.7.1 come back"},
		"nobody there":          {"RCPT", "550 5.1.1 unknown", true, "check the address"},
		"greylisted after DATA": {"end", "451 4.7.1 come back", false, "the end of the message: answered 451"},
		"full disk":             {"DATA", "452 4.3.1 disk full", false, "DATA: answered 452"},
		"too large":             {"end", "552 5.3.4 too large", true, "raise the server's limit"},
		"spam":                  {"end", "554 5.7.1 looks like spam", true, "answered 554 5.7.1 looks like spam"},
		"many lines":            {"RCPT", "550-5.1.1 first\n550 5.1.1 second", true, "first"},
		"nonsense":              {"greeting", "HTTP/1.1 400 Bad Request", false, "greeting:"},
		"controls":              {"MAIL", "550 a\x1b[2Jb\u202ec", true, "answered 550 a"},
		"endless":               {"EHLO", strings.Repeat("250-"+strings.Repeat("x", 1000)+"\n", 2000) + "250 ok", false, "says more than a mail server has to"},
		"gone in the middle":    {"message", receive.Cuts, false, "the end of the message:"},
		"gone at the greeting":  {"greeting", receive.Cuts, false, "the server ended the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			far := receive.StartMailServer(t, receive.MailOptions{Say: func(step, _ string) string {
				if step == c.step {
					return c.says
				}
				return ""
			}})
			s := newSink(t, config(far.Address), sinks.Env{Host: "h"})
			err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
			if err == nil || sinks.IsPermanent(err) != c.permanent || !strings.Contains(err.Error(), c.want) || err.Error() != sinks.Line(err.Error(), 1000) {
				t.Fatalf("permanent %v: %v", sinks.IsPermanent(err), err)
			}
			far.Say(nil)
			if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil {
				t.Errorf("then: %v", err)
			}
			if n := len(far.Received()); n != 1 {
				t.Errorf("%d mails were taken", n)
			}
		})
	}
}

// TestNoAnswerAfterTheDot: the server may have it, so it is sent again with the
// same Message-ID; and a server that does not part costs a second at most.
func TestNoAnswerAfterTheDot(t *testing.T) {
	far := receive.StartMailServer(t, receive.MailOptions{Say: func(step, _ string) string { return map[string]string{"end": receive.Hangs}[step] }})
	c := config(far.Address)
	c.Timeout = 200 * time.Millisecond
	s := newSink(t, c, sinks.Env{Host: "h"})
	a := sinktest.Sample(1, event.Raised, "en")
	if err := s.Send(t.Context(), a); err == nil || sinks.Classify(err) != sinks.ClassTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("no answer: %v", err)
	}
	far.Say(func(step, _ string) string { return map[string]string{"QUIT": receive.Hangs}[step] })
	start := time.Now()
	if err := s.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("a server that does not part costs %s", took)
	}
	got := far.Received()
	if len(got) != 2 {
		t.Fatalf("%d mails", len(got))
	}
	x, errX := got[0].Read()
	y, errY := got[1].Read()
	if errX != nil || errY != nil || x.Header.Get("Message-Id") != y.Header.Get("Message-Id") {
		t.Errorf("%v, %v: %s, %s", errX, errY, x.Header.Get("Message-Id"), y.Header.Get("Message-Id"))
	}
}

// TestRecipients: one who is refused does not keep the mail from the others, nor
// do they get it twice.
func TestRecipients(t *testing.T) {
	var mu sync.Mutex
	refuse := map[string]string{}
	far := receive.StartMailServer(t, receive.MailOptions{Say: func(step, line string) string {
		mu.Lock()
		defer mu.Unlock()
		for who, says := range refuse {
			if step == "RCPT" && strings.Contains(line, who) {
				return says
			}
		}
		return ""
	}})
	set := func(who, says string) { mu.Lock(); defer mu.Unlock(); refuse = map[string]string{who: says} }
	var log strings.Builder
	c := config(far.Address)
	c.To, c.Cc = []string{"a@example.com", "b@example.com"}, []string{"c@example.com"}
	s := newSink(t, c, sinks.Env{Host: "h", Log: slog.New(slog.NewTextHandler(&log, nil))})
	n := 0
	last := func() string {
		t.Helper()
		got := far.Received()
		if n++; len(got) != n {
			t.Fatalf("%d mails, want %d", len(got), n)
		}
		return strings.Join(got[n-1].To, " ")
	}
	all := "a@example.com b@example.com c@example.com"

	set("b@", "451 4.7.1 greylisted")
	a := sinktest.Sample(1, event.Raised, "en")
	if err := s.Send(t.Context(), a); err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "RCPT TO b@example.com: answered 451 4.7.1 greylisted; the other recipients have it") {
		t.Errorf("one is greylisted: %v", err)
	}
	if got := last(); got != "a@example.com c@example.com" {
		t.Errorf("went to %s", got)
	}
	set("nobody", "")
	if err := s.Send(t.Context(), a); err != nil {
		t.Error(err)
	}
	if got := last(); got != "b@example.com" {
		t.Errorf("then to %s", got)
	}
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Cleared, "en")); err != nil || last() != all {
		t.Errorf("the end: %v", err)
	}

	set("b@", "550 5.1.1 left the company")
	for range 2 {
		if err := s.Send(t.Context(), sinktest.Sample(2, event.Raised, "en")); err != nil || last() != "a@example.com c@example.com" {
			t.Errorf("one is refused: %v", err)
		}
	}
	if got := log.String(); strings.Count(got, "refuses a recipient") != 1 || !strings.Contains(got, "left the company") {
		t.Errorf("the log says\n%s", got)
	}
	test := sinktest.Sample(3, event.Raised, "en")
	test.Test = true
	if err := s.Send(t.Context(), test); err == nil || !sinks.IsPermanent(err) || !strings.Contains(err.Error(), "RCPT TO b@example.com: answered 550 5.1.1 left the company") {
		t.Errorf("sinks test: %v", err)
	}
	last()
	set("nobody", "")
	if err := s.Send(t.Context(), sinktest.Sample(4, event.Raised, "en")); err != nil || last() != all || !strings.Contains(log.String(), "takes mails for a recipient again") {
		t.Errorf("all again: %v\n%s", err, log.String())
	}

	set("@example.com", "550 5.7.1 relaying denied")
	if err := s.Send(t.Context(), sinktest.Sample(5, event.Raised, "en")); err == nil || !sinks.IsPermanent(err) || strings.Count(err.Error(), "relaying denied") != 3 {
		t.Errorf("all are refused: %v", err)
	}
}

// TestRecipientPatience: whoever is refused for a time holds the others up for
// half an hour, no longer.
func TestRecipientPatience(t *testing.T) {
	start := time.Now()
	m := email.Half(map[string]string{"b@example.com": "greylisted"}, start)
	if err := m(start.Add(29 * time.Minute)); err == nil {
		t.Error("given up after 29 minutes")
	}
	if err := m(start.Add(30 * time.Minute)); err != nil {
		t.Errorf("after 30 minutes: %v", err)
	}
}

// TestSecurity: with starttls nothing is said to a server without it, and a
// certificate of somebody else ends it; the password goes nowhere.
func TestSecurity(t *testing.T) {
	ca := receive.NewAuthority(t)
	good := ca.Issue(t, "localhost", time.Now().Add(time.Hour))
	old := ca.Issue(t, "localhost", time.Now().Add(-time.Hour))
	strange := receive.NewAuthority(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	login := receive.MailOptions{User: func() string { return user }, Password: func() string { return password }}
	for name, c := range map[string]struct {
		security string
		implicit bool
		pki      receive.PKI
		ways     string
		want     string
	}{
		"starttls":              {security: "starttls", pki: good},
		"tls":                   {security: "tls", implicit: true, pki: good},
		"login only":            {security: "tls", implicit: true, pki: good, ways: "LOGIN XOAUTH2"},
		"clear":                 {security: "none"},
		"no starttls":           {security: "starttls", want: "the server offers no STARTTLS, so nothing was sent"},
		"an old certificate":    {security: "starttls", pki: old, want: "expired"},
		"a strange certificate": {security: "tls", implicit: true, pki: strange, want: "unknown authority"},
		"tls where there is no": {security: "tls", want: "TLS:"},
		"no way to log in":      {security: "starttls", pki: good, ways: "XOAUTH2", want: `it offers "XOAUTH2"`},
	} {
		t.Run(name, func(t *testing.T) {
			o := login
			o.TLS, o.Implicit, o.Ways = c.pki, c.implicit, c.ways
			said := ""
			var mu sync.Mutex
			o.Say = func(step, line string) string {
				mu.Lock()
				defer mu.Unlock()
				said += step + " " + line + "\n"
				return ""
			}
			far := receive.StartMailServer(t, o)
			cfg := config(far.Address)
			cfg.Security, cfg.Username, cfg.Password = c.security, user, password
			if c.security != "none" {
				cfg.TLS.CAFile = good.CAFile
			}
			err := newSink(t, cfg, sinks.Env{Host: "h"}).Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || sinks.IsPermanent(err)) {
				t.Errorf("permanent %v: %v", sinks.IsPermanent(err), err)
			}
			mu.Lock()
			defer mu.Unlock()
			if c.want != "" && (strings.Contains(said, "AUTH ") || strings.Contains(said, "MAIL ")) {
				t.Errorf("the server was told\n%s", said)
			}
		})
	}
	t.Run("a wrong password", func(t *testing.T) {
		o := login
		o.TLS = good
		o.Say = func(step, line string) string {
			if step == "AUTH" {
				return "535 5.7.8 not " + password + " nor " + strings.TrimPrefix(line, "PLAIN ")
			}
			return ""
		}
		cfg := config(receive.StartMailServer(t, o).Address)
		cfg.Security, cfg.Username, cfg.Password, cfg.TLS.CAFile = "starttls", user, password, good.CAFile
		err := newSink(t, cfg, sinks.Env{Host: "h"}).Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
		if !sinks.IsPermanent(err) || !sinks.IsRefused(err) || strings.Count(err.Error(), "[redacted]") != 2 || !strings.Contains(err.Error(), "check username and password") {
			t.Errorf("%v", err)
		}
	})
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*email.Config)
		want   string
	}{
		"bare host":       {func(c *email.Config) { c.Address = "mail.example.com" }, ""},
		"IPv6":            {func(c *email.Config) { c.Address = "[2001:db8::25]:25" }, ""},
		"bare IPv6":       {func(c *email.Config) { c.Address = "2001:db8::25" }, ""},
		"names":           {func(c *email.Config) { c.To = []string{`"Doe, Jane" <jane@example.com>`} }, ""},
		"no address":      {func(c *email.Config) { c.Address = "" }, "address: is missing"},
		"port":            {func(c *email.Config) { c.Address = "mail:99999" }, "address: \"99999\" is no port"},
		"url":             {func(c *email.Config) { c.Address = "smtp://mail:25" }, "address:"},
		"security":        {func(c *email.Config) { c.Security = "ssl" }, "security: \"ssl\" is unknown; write one of starttls, tls, none"},
		"tls for nothing": {func(c *email.Config) { c.TLS.ServerName = "x" }, "tls: is only for"},
		"no password":     {func(c *email.Config) { c.Username = user }, "password: is missing"},
		"no username":     {func(c *email.Config) { c.Password = password }, "username: is missing"},
		"no from":         {func(c *email.Config) { c.From = "" }, "from: is missing"},
		"from":            {func(c *email.Config) { c.From = "dswatch" }, "from: \"dswatch\" is no address"},
		"no to":           {func(c *email.Config) { c.To = nil }, "to: is missing"},
		"two in one":      {func(c *email.Config) { c.To = []string{"a@example.com, b@example.com"} }, "to: entry 1: \"a@example.com, b@example.com\" is no address"},
		"twice":           {func(c *email.Config) { c.To, c.Cc = []string{"a@example.com"}, []string{"A@Example.com"} }, "cc: entry 1: A@Example.com stands there twice"},
		"injection":       {func(c *email.Config) { c.To = []string{"a@example.com\r\nBcc: x@example.com"} }, "to: entry 1:"},
		"bracket":         {func(c *email.Config) { c.To = []string{`"a> SIZE=1"@example.com`} }, "to: entry 1:"},
		"not ASCII":       {func(c *email.Config) { c.To = []string{"監視@example.com"} }, "to: entry 1:"},
		"reply_to":        {func(c *email.Config) { c.ReplyTo = "x" }, "reply_to:"},
		"hello":           {func(c *email.Config) { c.Hello = "my host" }, "hello:"},
		"too many":        {func(c *email.Config) { c.To = make([]string, 101) }, "to: and cc name 101 recipients"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("mail.example.com:25")
			c.change(&cfg)
			err := cfg.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestWeak(t *testing.T) {
	for name, c := range map[string]struct {
		address, security, username, want string
	}{
		"clear":        {"192.0.2.25:25", "none", user, "clear text"},
		"clear here":   {"127.0.0.1:25", "none", user, ""},
		"no login":     {"192.0.2.25:25", "none", "", ""},
		"starttls":     {"192.0.2.25:587", "starttls", user, ""},
		"office":       {"SMTP.office365.com:587", "starttls", user, "Exchange Online ends the login"},
		"a connector":  {"example-com.mail.protection.outlook.com:25", "starttls", "", ""},
		"office relay": {"smtp.office365.com:587", "starttls", "", ""},
	} {
		cfg := config(c.address)
		cfg.Security, cfg.Username = c.security, c.username
		if c.username != "" {
			cfg.Password = setting.Secret(password)
		}
		var got string
		for _, err := range cfg.Weak() {
			got += err.Error() + "\n"
		}
		if (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
