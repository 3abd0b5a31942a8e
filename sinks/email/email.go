package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("email", "Writes a mail for each transition, in the alert's language, through one mail server: with STARTTLS, TLS or neither, with or without a login, as plain text and HTML. "+
		"All mails of an alert are one thread. 4xx is tried again, 5xx goes to the dead letters; one recipient that is refused does not keep the mail from the others.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink writes to its recipients through one mail server. It is made by New.
type Sink struct {
	address, host string
	security      string
	tls           *tls.Config
	username      string
	password      string
	hello         string
	timeout       time.Duration
	letter        letterhead
	redact        *sinks.Redactor
	replays       sinks.Replays
	open          mails
}

// New returns a Sink for c, which Validate has accepted. It opens nothing but
// the files of the certificates.
func New(c Config, env sinks.Env) (*Sink, error) {
	t, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	s := &Sink{
		address: c.withPort(), security: c.Security, tls: t, username: c.Username, password: c.Password.Reveal(), timeout: c.Timeout,
		hello: c.Hello, open: mails{log: env.Log, by: map[string]*mailing{}, told: map[string]bool{}},
	}
	if s.host, _, err = net.SplitHostPort(s.address); err != nil {
		return nil, err // Validate has refused it
	}
	if t.ServerName == "" {
		t.ServerName = s.host
	}
	if s.hello == "" {
		s.hello = env.Host
	}
	if !validHello(s.hello) {
		s.hello = "localhost"
	}
	if s.letter, err = newLetterhead(c, env.Link); err != nil {
		return nil, err
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	s.redact = sinks.NewRedactor(s.password, b64(s.password), b64("\x00"+s.username+"\x00"+s.password))
	return s, nil
}

// Send writes a and returns nil once the mail server has taken it for every
// recipient that it does not refuse for good.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	first := s.letter.id(a)
	id := first
	if a.Replay {
		id = s.letter.again(a, s.replays.Token(first))
	}
	text, err := s.letter.write(a, id)
	if err != nil {
		return sinks.Permanent(fmt.Errorf("write mail: %w", err))
	}
	m := s.open.get(id, s.letter.recipients())
	if err = s.deliver(ctx, m, text); err == nil {
		err = s.open.outcome(m, time.Now())
	}
	if a.Test && err == nil && len(m.never) > 0 {
		err = sinks.Permanent(words.Fail(m.refusals())) // whoever tests wants to know of each
	}
	if err == nil || sinks.IsPermanent(err) {
		s.open.settle(id)
		if a.Replay {
			s.replays.Over(first)
		}
	}
	if err != nil {
		return words.FailWith(err, words.MailFailed.With(s.address, err))
	}
	return nil
}

// letterhead is what all mails of a sink have.
type letterhead struct {
	from, reply *mail.Address
	to, cc      []*mail.Address
	domain      string // of the sender: that of Message-IDs
	link        func(event.Alert) string
}

func newLetterhead(c Config, link func(event.Alert) string) (letterhead, error) {
	l := letterhead{link: link}
	var err error
	parse := func(s string) *mail.Address {
		a, e := parseAddress(s)
		err = errors.Join(err, e) // Validate has refused it
		return a
	}
	l.from = parse(c.From)
	if c.ReplyTo != "" {
		l.reply = parse(c.ReplyTo)
	}
	for _, s := range c.To {
		l.to = append(l.to, parse(s))
	}
	for _, s := range c.Cc {
		l.cc = append(l.cc, parse(s))
	}
	if err != nil {
		return l, err
	}
	l.domain = l.from.Address[strings.LastIndexByte(l.from.Address, '@')+1:]
	return l, nil
}

// recipients returns the addresses of all.
func (l letterhead) recipients() []string {
	var out []string
	for _, a := range append(append([]*mail.Address{}, l.to...), l.cc...) {
		out = append(out, a.Address)
	}
	return out
}
