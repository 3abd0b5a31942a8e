package port

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dswatch/event"
	"dswatch/setting"
)

// Method is how a port is looked at.
type Method string

// The methods. Only Listen looks at this host; the others take a Host.
const (
	Listen  Method = "listen"  // read this host's table of listening sockets
	Syn     Method = "syn"     // half-open: SYN, SYN-ACK, RST; the far end's program sees nothing
	Connect Method = "connect" // full TCP connect and close
	TLS     Method = "tls"     // full TLS handshake and close_notify
)

// Methods lists every Method, gentlest first.
func Methods() []Method { return []Method{Listen, Syn, Connect, TLS} }

// agentPort is where a Deep Security agent listens. It logs
// "BIO_do_handshake() failed - peer closed connection." for a connection
// that brings no client certificate.
const agentPort = 4118

// Bounds of a target's timeout, and what an unset one means.
const (
	DefaultTimeout = 3 * time.Second
	minTimeout     = 100 * time.Millisecond
	maxTimeout     = time.Minute
)

// Target is one port to look at and the item it is reported as.
type Target struct {
	Key  event.Key
	Host string // name or address; empty for this host
	Port int
	// Method is Listen without a Host and Syn with one, when empty.
	Method Method
	// Loopback makes a listener that is bound to loopback only count as up.
	// It goes with Listen.
	Loopback bool
	// AcceptHandshakeErrors allows Connect and TLS on port 4118.
	AcceptHandshakeErrors bool
	Timeout               time.Duration // of one probe; zero means DefaultTimeout
	MinVersion            string        // of TLS: 1.0, 1.1, 1.2 or 1.3; empty means 1.2
	ServerName            string        // of TLS; empty means Host, if that is a name
	// Owner says who may hold the port; nil: anybody. It goes with Listen.
	Owner Owner `json:"-"`
}

// Owner knows whose program should listen.
type Owner interface {
	// Stranger says why the socket of this user, held by these processes, is
	// not what should listen: pid 77 of user nobody, /usr/bin/nc; empty: it is,
	// or nothing shows that it is not. No pids: nobody may see them.
	Stranger(uid uint32, pids []int) event.Said
}

// method returns the method with its default.
func (t Target) method() Method {
	switch {
	case t.Method != "":
		return t.Method
	case t.Host == "":
		return Listen
	}
	return Syn
}

// Local reports whether the target is a port of this host.
func (t Target) Local() bool { return t.method() == Listen }

// timeout returns the timeout with its default.
func (t Target) timeout() time.Duration {
	if t.Timeout == 0 {
		return DefaultTimeout
	}
	return t.Timeout
}

// minVersion returns the lowest TLS version that is good enough, and false
// for a text that names none. The default is 1.2, which agents speak since
// version 10.
func (t Target) minVersion() (uint16, bool) {
	switch t.MinVersion {
	case "1.0":
		return tls.VersionTLS10, true
	case "1.1":
		return tls.VersionTLS11, true
	case "1.2", "":
		return tls.VersionTLS12, true
	case "1.3":
		return tls.VersionTLS13, true
	}
	return 0, false
}

// check rejects a target that cannot be looked at as written, with the name
// of the configuration key that is to blame.
func (t Target) check() error {
	m := t.method()
	switch {
	case !slices.Contains(Methods(), m):
		return setting.Bad("method", "%q is no method; write listen, syn, connect or tls", short(string(m)))
	case m == Listen && t.Host != "":
		return setting.Bad("method", "listen reads this host's own table of sockets; leave host out, or write method: syn")
	case m != Listen && t.Host == "":
		return setting.Bad("host", "is empty, and method %s asks another host; write its name or address, or method: listen for this host", m)
	case t.Port < 1 || t.Port > 65535:
		return setting.Bad("ports", "%d is no TCP port; write a number from 1 to 65535", t.Port)
	case m == Listen && t.Timeout != 0:
		return setting.Bad("timeout", "has no effect on method listen; leave it out")
	case t.Timeout != 0 && (t.Timeout < minTimeout || t.Timeout > maxTimeout):
		return setting.Bad("timeout", "%s is out of range; write %s to %s, such as 3s", t.Timeout, minTimeout, maxTimeout)
	case t.Loopback && m != Listen:
		return setting.Bad("loopback", "has an effect on method listen only; leave it out")
	case t.AcceptHandshakeErrors && m != Connect && m != TLS:
		return setting.Bad("accept_handshake_errors", "has an effect on methods connect and tls only; leave it out")
	case t.MinVersion != "" && m != TLS:
		return setting.Bad("min_version", "has an effect on method tls only; leave it out, or write method: tls")
	case t.ServerName != "" && m != TLS:
		return setting.Bad("server_name", "has an effect on method tls only; leave it out, or write method: tls")
	}
	if _, ok := t.minVersion(); !ok {
		return setting.Bad("min_version", "%q is no version of TLS; write \"1.0\", \"1.1\", \"1.2\" or \"1.3\"", short(t.MinVersion))
	}
	if t.ServerName != "" && !isName(t.ServerName) {
		return setting.Bad("server_name", "%q is no DNS name; write one, or leave it out", short(t.ServerName))
	}
	if t.Port == agentPort && (m == Connect || m == TLS) && !t.AcceptHandshakeErrors {
		return setting.Bad("method", "%s on port 4118 makes the agent log a failed handshake each time; "+
			"write method: syn, or accept_handshake_errors: true beside it", m)
	}
	if m == Listen {
		return nil
	}
	return checkHost(t.Host)
}

// checkHost rejects what is neither an address nor a DNS name.
func checkHost(h string) error {
	if a, err := netip.ParseAddr(h); err == nil {
		if u := a.Unmap(); u.IsUnspecified() || u.IsMulticast() || u == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
			return setting.Bad("host", "%s is not the address of one host; write that", a)
		}
		return nil
	}
	if strings.Contains(h, "://") {
		return setting.Bad("host", "%q is a URL; write the host alone", short(h))
	}
	if name, p, err := net.SplitHostPort(h); err == nil && checkHost(name) == nil {
		return setting.Bad("host", "%q holds a port; write host: %s and ports: [%s]", short(h), name, short(p))
	}
	if !isName(h) {
		return setting.Bad("host", "%q is neither an address nor a DNS name; write one, such as 192.0.2.10 or web01.example.com", short(h))
	}
	return nil
}

// isName reports whether s is a DNS name as the resolver takes it: labels of
// letters, digits, '-' and '_' of at most 63 bytes, 253 in all (RFC 1035),
// the last one not a number (RFC 1123: that would be a broken address).
func isName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if len(l) == 0 || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			c := l[i] | 0x20
			if !(c >= 'a' && c <= 'z' || l[i] >= '0' && l[i] <= '9' || l[i] == '-' || l[i] == '_') {
				return false
			}
		}
	}
	_, err := strconv.ParseUint(labels[len(labels)-1], 10, 64)
	return err != nil
}

// canonical is the one spelling of a host, by which rows that ask for the
// same endpoint are found.
func canonical(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// short keeps a text from outside from growing a message without limit or
// from breaking it up.
func short(s string) string {
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
