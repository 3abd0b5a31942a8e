package email

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

const (
	// maxHeard bounds what a server may say in one connection.
	maxHeard = 1 << 20
	// goodbye is how long a server that has taken the message may take to part.
	goodbye = time.Second
	// Bounds in bytes of a server's words in an error, and of an error.
	maxQuote = 200
	maxError = 512
)

// deliver offers one mail to those who wait for it, over a connection of its
// own: mail servers are made for that, and end idle ones without a word. It
// notes in m who has it, who will, and who will not.
func (s *Sink) deliver(ctx context.Context, m *mailing, text []byte) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := s.step(ctx, "MAIL FROM", c.Mail("<"+s.letter.from.Address+">")); err != nil {
		return err
	}
	var took, waiting []string
	later, never := map[string]error{}, map[string]error{}
	var refusal error
	for _, who := range m.waiting {
		err := s.step(ctx, "RCPT TO "+who, c.Rcpt("<"+who+">"))
		switch {
		case err == nil:
			took = append(took, who)
		case !isAnswer(err):
			return err
		case sinks.IsPermanent(err):
			never[who], refusal = err, err
		default:
			waiting, later[who] = append(waiting, who), err
		}
	}
	if len(took) > 0 {
		if err := s.data(ctx, c, text); err != nil {
			return err
		}
		s.open.took(m, took, time.Now())
	}
	m.waiting, m.later = waiting, later
	for who, why := range never {
		m.never[who] = why
	}
	if refusal != nil && m.since.IsZero() && len(waiting) == 0 { // nobody takes it, now or later
		if len(m.never) == 1 {
			return refusal
		}
		return sinks.Permanent(words.Fail(m.refusals()))
	}
	return nil
}

// data hands over the message. From its last line on the server may have
// taken it, whatever follows.
func (s *Sink) data(ctx context.Context, c *client, text []byte) error {
	w, err := c.Data()
	if err := s.step(ctx, "DATA", err); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return s.step(ctx, "the message", err)
	}
	if err := s.step(ctx, "the end of the message", w.Close()); err != nil {
		return err
	}
	c.part()
	return nil
}

// client is one connection to the mail server.
type client struct {
	*smtp.Client
	conn net.Conn
	stop func() bool // no longer end the connection with the context
}

// part says goodbye to a server that has taken the message.
func (c *client) part() {
	c.stop()
	if c.conn.SetDeadline(time.Now().Add(goodbye)) == nil {
		_ = c.Quit() // nothing depends on it any more
	}
}

func (c *client) Close() {
	c.stop()
	_ = c.conn.Close()
}

// connect returns a connection on which a mail can be offered. It ends with ctx.
func (s *Sink) connect(ctx context.Context) (*client, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, s.step(ctx, "connect", err)
	}
	c := &client{conn: raw, stop: context.AfterFunc(ctx, func() { _ = raw.Close() })}
	if err := s.greet(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// greet does all that comes before the mail.
func (s *Sink) greet(ctx context.Context, c *client) error {
	if until, ok := ctx.Deadline(); ok {
		if err := c.conn.SetDeadline(until); err != nil {
			return s.step(ctx, "connect", err)
		}
	}
	var over net.Conn = &heard{c.conn, maxHeard}
	if s.security == withTLS {
		secure := tls.Client(over, s.tls.Clone())
		if err := secure.HandshakeContext(ctx); err != nil {
			return s.step(ctx, "TLS", err)
		}
		over = secure
	}
	var err error
	if c.Client, err = smtp.NewClient(over, s.host); err != nil {
		return s.step(ctx, "greeting", err)
	}
	c.SkipSMTPUTF8(true) // every address is ASCII
	if err := s.step(ctx, "EHLO", c.Hello(s.hello)); err != nil {
		return err
	}
	if s.security == withStartTLS {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			return words.Fail(words.NoStartTLS.With())
		}
		if err := s.step(ctx, "STARTTLS", c.StartTLS(s.tls.Clone())); err != nil {
			return err
		}
	}
	return s.login(ctx, c)
}

// login shows who this is, if there is a username. In clear text a way comes
// first that does not show the password.
func (s *Sink) login(ctx context.Context, c *client) error {
	if s.username == "" {
		return nil
	}
	_, offer := c.Extension("AUTH")
	offers := strings.Fields(strings.ToUpper(offer))
	ways := []string{"PLAIN", "LOGIN", "SCRAM-SHA-256", "CRAM-MD5"}
	if s.security == withNone {
		ways = []string{"SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"}
	}
	at := slices.IndexFunc(ways, func(w string) bool { return slices.Contains(offers, w) })
	if at < 0 {
		return sinks.Refused(words.Fail(words.NoPasswordLogin.With(words.Inner(sinks.Line(offer, maxQuote)))))
	}
	clear := s.security == withNone // `config check` warns of it
	auth := map[string]func() smtp.Auth{
		"PLAIN":         func() smtp.Auth { return smtp.PlainAuth("", s.username, s.password, s.host, clear) },
		"LOGIN":         func() smtp.Auth { return smtp.LoginAuth(s.username, s.password, s.host, clear) },
		"SCRAM-SHA-256": func() smtp.Auth { return smtp.ScramSHA256Auth(s.username, s.password) },
		"CRAM-MD5":      func() smtp.Auth { return smtp.CRAMMD5Auth(s.username, s.password) },
	}[ways[at]]()
	return s.step(ctx, "AUTH "+ways[at], c.Auth(auth))
}

// heard bounds what is read from a server.
type heard struct {
	net.Conn
	left int
}

func (h *heard) Read(p []byte) (int, error) {
	if h.left <= 0 {
		return 0, errors.New("the server says more than a mail server has to")
	}
	n, err := h.Conn.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// answer is a server's refusal.
type answer struct {
	code int
	said event.Said
}

func (a *answer) Error() string { return words.English(a.said) }

// Says is what it was, and what to do about it.
func (a *answer) Says() event.Said { return a.said }

func isAnswer(err error) bool {
	_, ok := errors.AsType[*answer](err)
	return ok
}

// step returns the error of one step of the dialog, clean, without secrets,
// and marked by whether it can pass: 4xx may, 5xx does not. nil stays nil.
func (s *Sink) step(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	said, refused := errors.AsType[*textproto.Error](err)
	switch {
	case ctx.Err() != nil:
		return stopped(what, ctx.Err())
	case errors.Is(err, os.ErrDeadlineExceeded): // the connection's deadline is that of ctx, and may be noticed first
		return stopped(what, context.DeadlineExceeded)
	case refused:
		return s.refused(what, said)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = words.Fail(words.EndedUnanswered.With())
	}
	err = s.redact.Error(stopped(what, err))
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	alert, told := errors.AsType[*net.OpError](err)
	hungUp := len(s.tls.Certificates) > 0 && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET))
	if text := err.Error(); text != sinks.Line(text, maxError) {
		err = errors.New(sinks.Line(text, maxError)) // a server's words, or names in its certificate
	}
	if unknown || told && alert.Op == "remote error" || hungUp {
		return sinks.Refused(err)
	}
	return err
}

// stopped is the error of a step.
func stopped(step string, err error) error {
	return words.FailWith(err, words.MailStep.With(step, err))
}

// refused is the error of an answer 4xx or 5xx, or of one that is neither.
func (s *Sink) refused(what string, said *textproto.Error) error {
	what = sinks.Line(what, maxQuote)
	text := words.MailAnswered.With(what, said.Code)
	if quote := strings.TrimSpace(sinks.Line(s.redact.Text(said.Msg), maxQuote)); quote != "" {
		text = words.MailAnsweredSaying.With(what, said.Code, quote)
	}
	next := nextStep(what, said)
	var err error = &answer{said.Code, text.And(next)}
	if said.Code >= 500 {
		err = sinks.Permanent(err)
	}
	if next == fixLogin || next == fixExchange {
		err = sinks.Refused(err)
	}
	return err
}

// What is to be done about an answer that does not pass by itself.
var (
	fixLogin    = words.MailLogin.With()
	fixExchange = words.MailExchange.With()
	fixWant     = words.MailWants.With()
	fixRelay    = words.MailRelay.With()
	fixSize     = words.MailSize.With()
)

// nextStep follows the codes of RFC 5321, RFC 4954 and RFC 3463.
func nextStep(what string, said *textproto.Error) event.Said {
	switch {
	case strings.Contains(said.Msg, "5.7.30"), strings.Contains(said.Msg, "5.7.139"):
		return fixExchange
	case said.Code == 535:
		return fixLogin
	case said.Code == 530, said.Code == 534, said.Code == 538:
		return fixWant
	case said.Code >= 500 && strings.HasPrefix(what, "RCPT"):
		return fixRelay
	case said.Code == 552, strings.HasPrefix(said.Msg, "5.3.4"):
		return fixSize
	}
	return event.Said{}
}
