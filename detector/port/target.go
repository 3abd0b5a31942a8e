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
	"dswatch/words"
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
		return words.Bad("method", words.NotAMethod.With(words.Inner(short(string(m)))))
	case m == Listen && t.Host != "":
		return words.Bad("method", words.ListenIsLocal.With())
	case m != Listen && t.Host == "":
		return words.Bad("host", words.HostEmpty.With(string(m)))
	case t.Port < 1 || t.Port > 65535:
		return words.Bad("ports", words.NotATCPPort.With(t.Port))
	case m == Listen && t.Timeout != 0:
		return words.Bad("timeout", words.NoEffectOnListen.With())
	case t.Timeout != 0 && (t.Timeout < minTimeout || t.Timeout > maxTimeout):
		return words.Bad("timeout", words.ProbeTimeout.With(t.Timeout.String(), minTimeout.String(), maxTimeout.String()))
	case t.Loopback && m != Listen:
		return words.Bad("loopback", words.ListenOnly.With())
	case t.AcceptHandshakeErrors && m != Connect && m != TLS:
		return words.Bad("accept_handshake_errors", words.ConnectOnly.With())
	case t.MinVersion != "" && m != TLS:
		return words.Bad("min_version", words.TLSOnly.With())
	case t.ServerName != "" && m != TLS:
		return words.Bad("server_name", words.TLSOnly.With())
	}
	if _, ok := t.minVersion(); !ok {
		return words.Bad("min_version", words.NotATLSVersion.With(words.Inner(short(t.MinVersion))))
	}
	if t.ServerName != "" && !isName(t.ServerName) {
		return words.Bad("server_name", words.NotADNSName.With(words.Inner(short(t.ServerName))))
	}
	if t.Port == agentPort && (m == Connect || m == TLS) && !t.AcceptHandshakeErrors {
		return words.Bad("method", words.HandshakeErrors.With(string(m)))
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
			return words.Bad("host", words.NotOneHost.With(a.String()))
		}
		return nil
	}
	if strings.Contains(h, "://") {
		return words.Bad("host", words.HostIsURL.With(words.Inner(short(h))))
	}
	if name, p, err := net.SplitHostPort(h); err == nil && checkHost(name) == nil {
		return words.Bad("host", words.HostHoldsPort.With(words.Inner(short(h)), name, short(p)))
	}
	if !isName(h) {
		return words.Bad("host", words.NotAddressNorName.With(words.Inner(short(h))))
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
// same endpoint are found. A zone may be the name of an interface or its number.
func canonical(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		if n, err := strconv.Atoi(a.Zone()); err == nil {
			if i, err := net.InterfaceByIndex(n); err == nil {
				a = a.WithZone(i.Name)
			}
		}
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
