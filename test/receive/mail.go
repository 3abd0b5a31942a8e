package receive

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Mail is what a mail server took, with its envelope.
type Mail struct {
	From string
	To   []string
	Data []byte
}

// Letter is a mail as its reader sees it.
type Letter struct {
	Header      mail.Header
	Subject     string // decoded
	Plain, HTML string
}

// Read reads m as a mail client does, and refuses what some would not read.
func (m Mail) Read() (Letter, error) {
	for n, line := range bytes.Split(m.Data, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			return Letter{}, fmt.Errorf("line %d has %d bytes, or a line break of its own", n+1, len(line))
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		return Letter{}, err
	}
	l := Letter{Header: msg.Header}
	for name, values := range msg.Header {
		if len(values) > 1 {
			return l, fmt.Errorf("%s stands there %d times", name, len(values))
		}
		if strings.ContainsFunc(values[0], func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }) {
			return l, fmt.Errorf("%s is not ASCII: %q", name, values[0])
		}
	}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return l, err
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return l, fmt.Errorf("content type %q: %v", kind, err)
	}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		text, err := decoded(p)
		if err != nil {
			return l, err
		}
		switch p.Header.Get("Content-Type") {
		case "text/plain; charset=UTF-8":
			l.Plain = text
		case "text/html; charset=UTF-8":
			l.HTML = text
		default:
			return l, fmt.Errorf("part %q", p.Header.Get("Content-Type"))
		}
	}
}

func decoded(p *multipart.Part) (string, error) {
	var r io.Reader = p
	switch p.Header.Get("Content-Transfer-Encoding") {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, p)
	case "quoted-printable":
		r = quotedprintable.NewReader(p)
	default:
		return "", fmt.Errorf("encoding %q", p.Header.Get("Content-Transfer-Encoding"))
	}
	b, err := io.ReadAll(r)
	return strings.ReplaceAll(string(b), "\r\n", "\n"), err
}

// What MailOptions.Say can answer beside a line.
const (
	Hangs = "hangs" // says nothing more, and keeps the connection
	Cuts  = "cuts"  // ends the connection
)

// MailOptions say how a stand-in for a mail server behaves.
type MailOptions struct {
	TLS            PKI  // STARTTLS is offered; with Implicit from the first byte
	Implicit       bool // TLS from the first byte
	User, Password func() string
	Ways           string // of the login; "": PLAIN LOGIN
	// Say answers a step (greeting, EHLO, AUTH, MAIL, RCPT, DATA, message, end,
	// QUIT) instead of the usual. "": as usual. With message it is asked in the middle
	// of one, and with end once it is complete.
	Say func(step, line string) string
}

// MailServer is a stand-in for a mail server that does what a real one does on a
// bad day.
type MailServer struct {
	Address string

	o    MailOptions
	take func(Mail)
	l    net.Listener

	mu    sync.Mutex
	say   func(step, line string) string
	got   []Mail
	conns map[net.Conn]bool
	over  chan struct{}
}

// StartMailServer starts one on a loopback port, until t ends.
func StartMailServer(t testing.TB, o MailOptions) *MailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ServeMail(t, l, o, nil)
}

// ServeMail serves l, and tells take of each mail, if there is one.
func ServeMail(t testing.TB, l net.Listener, o MailOptions, take func(Mail)) *MailServer {
	t.Helper()
	s := &MailServer{Address: l.Addr().String(), o: o, say: o.Say, take: take, l: l, conns: map[net.Conn]bool{}, over: make(chan struct{})}
	var pair tls.Certificate
	if o.TLS != (PKI{}) {
		var err error
		if pair, err = tls.LoadX509KeyPair(o.TLS.CertFile, o.TLS.KeyFile); err != nil {
			t.Fatal(err)
		}
	}
	var served sync.WaitGroup
	t.Cleanup(func() { s.Close(); served.Wait() })
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			served.Go(func() {
				(&mailTalk{s: s, conn: c, tls: &tls.Config{Certificates: []tls.Certificate{pair}}}).run()
				_ = c.Close()
				s.mu.Lock()
				delete(s.conns, c)
				s.mu.Unlock()
			})
		}
	})
	return s
}

// Break ends every connection, and listens on.
func (s *MailServer) Break() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// Close ends the server. It may be called twice.
func (s *MailServer) Close() {
	_ = s.l.Close()
	s.mu.Lock()
	select {
	case <-s.over:
	default:
		close(s.over)
	}
	s.mu.Unlock()
	s.Break()
}

// Say changes how it answers.
func (s *MailServer) Say(say func(step, line string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say = say
}

// Received returns what it has answered 250 to, or would have.
func (s *MailServer) Received() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// mailTalk is one connection.
type mailTalk struct {
	s       *MailServer
	conn    net.Conn
	tls     *tls.Config
	in      *bufio.Reader
	secure  bool
	known   bool // has logged in
	from    string
	to      []string
	greeted bool
}

// say answers a step, and reports whether the talk goes on.
func (k *mailTalk) say(step, line, usual string) (positive, goesOn bool) {
	return k.write(k.answerTo(step, line, usual))
}

// answerTo is what is said to a step: usual, or what Say says.
func (k *mailTalk) answerTo(step, line, usual string) string {
	k.s.mu.Lock()
	f := k.s.say
	k.s.mu.Unlock()
	if f != nil {
		if answer := f(step, line); answer != "" {
			return answer
		}
	}
	return usual
}

func (k *mailTalk) write(answer string) (positive, goesOn bool) {
	switch answer {
	case "":
		return true, true
	case Cuts:
		return false, false
	case Hangs:
		<-k.s.over
		return false, false
	}
	_ = k.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(k.conn, strings.ReplaceAll(answer, "\n", "\r\n")+"\r\n")
	return answer[0] == '2' || answer[0] == '3', err == nil
}

func (k *mailTalk) run() {
	if k.s.o.Implicit {
		k.conn, k.secure = tls.Server(k.conn, k.tls), true
	}
	k.in = bufio.NewReader(k.conn)
	if _, on := k.say("greeting", "", "220 stand-in ESMTP"); !on {
		return
	}
	for {
		line, err := textproto.NewReader(k.in).ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		if !k.answer(strings.ToUpper(verb), rest) {
			return
		}
	}
}

func (k *mailTalk) answer(verb, rest string) bool {
	o := k.s.o
	switch verb {
	case "EHLO", "HELO":
		k.greeted = true
		usual := "250-stand-in greets " + rest + "\n250-8BITMIME\n250-SMTPUTF8\n250-ENHANCEDSTATUSCODES"
		if o.TLS != (PKI{}) && !k.secure {
			usual += "\n250-STARTTLS"
		}
		if o.Password != nil && (k.secure || o.TLS == (PKI{})) {
			ways := o.Ways
			if ways == "" {
				ways = "PLAIN LOGIN"
			}
			usual += "\n250-AUTH " + ways
		}
		_, on := k.say(verb, rest, usual+"\n250 SIZE 10000000")
		return on
	case "STARTTLS":
		ok, on := k.say(verb, rest, "220 go ahead")
		if ok && on {
			k.conn, k.secure = tls.Server(k.conn, k.tls), true
			k.in = bufio.NewReader(k.conn)
		}
		return on
	case "AUTH":
		return k.login(rest)
	case "MAIL":
		usual := "250 2.1.0 ok"
		if o.Password != nil && !k.known {
			usual = "530 5.7.0 authentication required"
		}
		ok, on := k.say(verb, rest, usual)
		if ok {
			k.from, k.to = inBrackets(rest), nil
		}
		return on
	case "RCPT":
		ok, on := k.say(verb, rest, "250 2.1.5 ok")
		if ok {
			k.to = append(k.to, inBrackets(rest))
		}
		return on
	case "DATA":
		usual := "354 go on"
		if len(k.to) == 0 {
			usual = "503 5.5.1 no recipients"
		}
		ok, on := k.say(verb, rest, usual)
		return on && (!ok || k.message())
	case "RSET", "NOOP":
		_, on := k.say(verb, rest, "250 2.0.0 ok")
		return on
	case "QUIT":
		k.say(verb, rest, "221 2.0.0 bye")
		return false
	}
	_, on := k.say(verb, rest, "500 5.5.2 unknown")
	return on
}

func inBrackets(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

// message reads one up to the dot.
func (k *mailTalk) message() bool {
	if _, on := k.say("message", "", ""); !on {
		return false
	}
	var b bytes.Buffer
	for {
		line, err := k.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	answer := k.answerTo("end", b.String(), "250 2.0.0 queued")
	if answer == Cuts || answer == Hangs || answer[0] == '2' {
		m := Mail{k.from, k.to, b.Bytes()}
		k.s.mu.Lock()
		k.s.got = append(k.s.got, m)
		k.s.mu.Unlock()
		if k.s.take != nil {
			k.s.take(m)
		}
	}
	_, on := k.write(answer)
	return on
}

// login takes PLAIN and LOGIN.
func (k *mailTalk) login(rest string) bool {
	way, first, _ := strings.Cut(rest, " ")
	var user, password string
	ask := func(what string) (string, bool) {
		if _, on := k.say("challenge", "", "334 "+base64.StdEncoding.EncodeToString([]byte(what))); !on {
			return "", false
		}
		line, err := textproto.NewReader(k.in).ReadLine()
		return plainOf(line), err == nil
	}
	switch strings.ToUpper(way) {
	case "PLAIN":
		parts := strings.Split(plainOf(first), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		var ok bool
		if user, ok = ask("Username:"); !ok {
			return false
		}
		if password, ok = ask("Password:"); !ok {
			return false
		}
	}
	o := k.s.o
	usual := "535 5.7.8 bad credentials"
	if o.Password != nil && password == o.Password() && (o.User == nil || user == o.User()) {
		usual = "235 2.7.0 welcome"
	}
	ok, on := k.say("AUTH", rest, usual)
	k.known = ok
	return on
}

func plainOf(b64 string) string {
	b, _ := base64.StdEncoding.DecodeString(b64) // anything else is no password
	return string(b)
}
