package email_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/test/receive"
)

// TestExim sends through a real mail server: with STARTTLS, TLS and neither,
// with and without a login, and what it refuses.
func TestExim(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a mail server's parts change their users")
	}
	pki := receive.NewAuthority(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	open := receive.StartExim(t, receive.EximOptions{})
	closed := receive.StartExim(t, receive.EximOptions{TLS: pki, User: user, Password: password,
		RCPT: "  defer message = 4.7.1 greylisted\n    local_parts = grey"})
	for name, c := range map[string]struct {
		address, security string
		login             string
		to                []string
		want              string // of the error
		permanent         bool
	}{
		"plain":            {address: open.Address, security: "none", to: []string{"one@example.com"}},
		"starttls":         {address: closed.Address, security: "starttls", login: password, to: []string{"two@example.com"}},
		"tls":              {address: closed.TLSAddress, security: "tls", login: password, to: []string{"three@example.com"}},
		"without a login":  {address: closed.Address, security: "starttls", to: []string{"four@example.com"}, want: "answered 550 5.7.1 log in first", permanent: true},
		"a wrong password": {address: closed.Address, security: "starttls", login: "not the password", to: []string{"four@example.com"}, want: "answered 535", permanent: true},
		"no relay":         {address: open.Address, security: "none", to: []string{"five@example.net"}, want: "answered 550 5.7.1 relay not permitted", permanent: true},
		"greylisted":       {address: closed.Address, security: "starttls", login: password, to: []string{"grey@example.com"}, want: "answered 451 4.7.1 greylisted"},
		"no TLS there":     {address: open.Address, security: "starttls", to: []string{"one@example.com"}, want: "offers no STARTTLS"},
		"one is nobody":    {address: open.Address, security: "none", to: []string{"nobody@example.com", "six@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(c.address)
			cfg.Security, cfg.To = c.security, c.to
			if c.security != "none" {
				cfg.TLS.CAFile = pki.CAFile
			}
			if c.login != "" {
				cfg.Username, cfg.Password = user, setting.Secret(c.login)
			}
			s := newSink(t, cfg, sinks.Env{Host: "web01.example.com"})
			raised, cleared := sinktest.Sample(1, event.Raised, "ja"), sinktest.Sample(1, event.Cleared, "ja")
			raised.Detail = ".\n..\nFrom here\n" + raised.Detail
			for _, a := range []event.Alert{raised, cleared} {
				err := s.Send(t.Context(), a)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || sinks.IsPermanent(err) != c.permanent) {
					t.Fatalf("permanent %v: %v\n%s%s", sinks.IsPermanent(err), err, open.Log(), closed.Log())
				}
			}
			if c.want != "" {
				return
			}
			from := map[bool]*receive.Exim{true: open, false: closed}[c.address == open.Address]
			who, _, _ := strings.Cut(c.to[len(c.to)-1], "@")
			var letters []receive.Letter
			for _, m := range from.Await(t, who, 2) {
				l, err := m.Read()
				if err != nil {
					t.Fatalf("%v\n%s", err, m.Data)
				}
				letters = append(letters, l)
			}
			if letters[0].Header.Get("X-Dswatch-Transition") == "cleared" { // two files of one moment
				letters[0], letters[1] = letters[1], letters[0]
			}
			first, last := letters[0], letters[1]
			if !strings.Contains(first.Subject, raised.Title) || !strings.Contains(first.Plain, "検出内容:\n.\n..\nFrom here\n") || !strings.Contains(first.HTML, raised.Next) {
				t.Errorf("%s\n%s", first.Subject, first.Plain)
			}
			if last.Header.Get("In-Reply-To") != first.Header.Get("Message-Id") || !strings.Contains(last.Subject, cleared.Title) {
				t.Errorf("%v", last.Header)
			}
			if got := first.Header.Get("Received"); strings.Contains(got, "as "+user) != (c.login != "") || strings.Contains(got, "esmtps") != (c.security != "none") {
				t.Errorf("came by %s", got)
			}
		})
	}
}
