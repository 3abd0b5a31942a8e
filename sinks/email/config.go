package email

import (
	"errors"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of an email sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	Address  string         `yaml:"address" doc:"mail server as host:port; without a port 587 with starttls, 465 with tls, 25 with none; no default"`
	Security string         `yaml:"security" doc:"starttls, tls (from the first byte) or none; with starttls nothing is sent to a server that does not offer it; default starttls"`
	TLS      sinks.TLS      `yaml:"tls" doc:"certificates for starttls and tls; some relays know their clients by cert_file"`
	Username string         `yaml:"username" doc:"name for the login; default: no login"`
	Password setting.Secret `yaml:"password" doc:"password of username; default: none"`
	Hello    string         `yaml:"hello" doc:"name that this host gives to the mail server (EHLO); default: host, or localhost where that is no name of a host"`
	From     string         `yaml:"from" doc:"sender, who gets what cannot be delivered: an address, or a name and an address, such as \"dswatch <dswatch@example.com>\"; no default"`
	To       []string       `yaml:"to" doc:"recipients, such as [noc@example.com, \"On call <oncall@example.com>\"]; no default"`
	Cc       []string       `yaml:"cc" doc:"recipients of a copy, likewise; default: none"`
	ReplyTo  string         `yaml:"reply_to" doc:"address that answers go to; default: that of from"`
}

// The ways to encrypt.
const (
	withStartTLS = "starttls"
	withTLS      = "tls"
	withNone     = "none"
)

// portOf are the ports of RFC 8314 and RFC 5321.
var portOf = map[string]string{withStartTLS: "587", withTLS: "465", withNone: "25"}

// maxRecipients is what RFC 5321 (4.5.3.1.8) asks every server to take.
const maxRecipients = 100

// Defaults returns the defaults of a Config. One at a time keeps the mails of
// an alert in order at the mail server. A server may well take half a minute
// for its answer to a message (Exchange does, while it makes a copy), and whoever
// gives up before it sends a second one.
func Defaults() Config {
	s := sinks.Defaults(1)
	s.Timeout = time.Minute
	return Config{Settings: s, Security: withStartTLS}
}

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if portOf[c.Security] == "" {
		return words.Bad("security", words.NotASecurity.With(words.Inner(setting.Clip(c.Security))))
	}
	if err := c.validAddress(); err != nil {
		return err
	}
	switch {
	case c.Security == withNone && c.TLS != sinks.TLS{}:
		return words.Bad("tls", words.OnlyForSecurity.With())
	case c.Password != "" && c.Username == "":
		return words.Bad("username", words.UsernameMissing.With())
	case c.Username != "" && c.Password == "":
		return words.Bad("password", words.MailPasswordMissing.With())
	case strings.ContainsRune(c.Username+c.Password.Reveal(), 0):
		return words.Bad("username", words.LoginNull.With())
	case c.Hello != "" && !validHello(c.Hello):
		return words.Bad("hello", words.NotAHelloName.With(words.Inner(sinks.Line(c.Hello, 80))))
	}
	return c.validPeople()
}

// validPeople looks at who writes to whom.
func (c Config) validPeople() error {
	if c.From == "" {
		return words.Bad("from", words.MailFromMissing.With())
	}
	if len(c.To) == 0 {
		return words.Bad("to", words.MailToMissing.With())
	}
	if n := len(c.To) + len(c.Cc); n > maxRecipients {
		return words.Bad("to", words.MailTooMany.With(n, maxRecipients))
	}
	seen := map[string]bool{}
	for _, l := range []struct {
		key  string
		list []string
	}{{"from", []string{c.From}}, {"reply_to", optional(c.ReplyTo)}, {"to", c.To}, {"cc", c.Cc}} {
		for i, s := range l.list {
			entry := ""
			if l.key == "to" || l.key == "cc" {
				entry = "entry " + strconv.Itoa(i+1) + ": "
			}
			a, err := parseAddress(s)
			switch {
			case err != nil:
				return words.Bad(l.key, words.NotAMailAddress.With(entry, words.Inner(sinks.Line(s, 80))))
			case entry == "":
			case seen[strings.ToLower(a.Address)]:
				return words.Bad(l.key, words.MailTwice.With(entry, sinks.Line(a.Address, 80)))
			}
			seen[strings.ToLower(a.Address)] = entry != ""
		}
	}
	return nil
}

func optional(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// parseAddress reads one address with or without a name. It must be ASCII,
// because a relay may not know SMTPUTF8; a name may be in any script.
func parseAddress(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	at := strings.LastIndexByte(a.Address, '@')
	if !sinks.ASCII(a.Address) || len(a.Address) > 254 || a.Address != sinks.Line(a.Address, 254) || strings.ContainsAny(a.Address, "<> ") ||
		!validHello(a.Address[at+1:]) || a.Name != sinks.Line(a.Name, 128) {
		return nil, errors.New("no address of printable ASCII")
	}
	return a, nil
}

// validHello reports whether a server takes s as the name of a host, or as an
// address in brackets.
func validHello(s string) bool {
	if ip, ok := strings.CutPrefix(s, "["); ok {
		ip, ok = strings.CutSuffix(ip, "]")
		return ok && net.ParseIP(strings.TrimPrefix(ip, "IPv6:")) != nil
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return false
		}
	}
	return true
}

func (c Config) validAddress() error {
	if c.Address == "" {
		return words.Bad("address", words.MailServerMissing.With())
	}
	host, port, err := net.SplitHostPort(c.withPort())
	if err != nil || host == "" || strings.ContainsAny(host, " /@") {
		return words.Bad("address", words.NotAMailServer.With(words.Inner(sinks.Line(c.Address, 80))))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return words.Bad("address", words.NotAMailPort.With(words.Inner(sinks.Line(port, 20))))
	}
	return nil
}

// withPort adds the usual port to a bare host or IP address.
func (c Config) withPort() string {
	bare := strings.TrimSuffix(strings.TrimPrefix(c.Address, "["), "]")
	if net.ParseIP(bare) != nil || !strings.Contains(c.Address, ":") {
		return net.JoinHostPort(bare, portOf[c.Security])
	}
	return c.Address
}

// basicEnds are the hosts at which Microsoft ends the login by name and
// password (Message center MC786329, updated 2026-01-27).
var basicEnds = []string{"smtp.office365.com", "smtp-legacy.office365.com"}

// Weak names a login that goes to another host in clear text, one that will
// soon be refused, and certificates that end soon.
func (c Config) Weak() []error {
	out := sinks.WeakTLS("tls", c.TLS, time.Now())
	host, _, _ := net.SplitHostPort(c.withPort())
	if c.Username == "" {
		return out
	}
	if c.Security == withNone && !setting.Here(host) {
		out = append(out, words.Bad("security", words.WeakLogin.With()))
	}
	if slices.Contains(basicEnds, strings.ToLower(host)) {
		out = append(out, words.Bad("username", words.WeakExchange.With()))
	}
	return out
}
