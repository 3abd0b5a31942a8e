package sinks

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"

	"dswatch/words"
)

// Weak is a kind's Config that can work and yet be weaker than it need be:
// `config check` names it, and nothing else does.
type Weak interface {
	// Weak returns a setting.Error for each key that should be looked at.
	Weak() []error
}

// ExpiresSoon is how long before its end a certificate is named.
const ExpiresSoon = 30 * 24 * time.Hour

// WeakTLS names the files of t with a certificate that has ended, or does within
// ExpiresSoon. key is that of t.
func WeakTLS(key string, t TLS, now time.Time) []error {
	var out []error
	for _, f := range []struct{ key, path string }{{"ca_file", t.CAFile}, {"cert_file", t.CertFile}} {
		b, err := os.ReadFile(f.path)
		if f.path == "" || err != nil {
			continue // Validate has read it
		}
		for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
			c, err := x509.ParseCertificate(block.Bytes)
			if block.Type != "CERTIFICATE" || err != nil || c.NotAfter.Sub(now) > ExpiresSoon {
				continue
			}
			says := words.CertificateEnds
			if c.NotAfter.Before(now) {
				says = words.CertificateEnded
			}
			out = append(out, words.Bad(key+"."+f.key, says.With(Line(c.Subject.String(), 200), c.NotAfter)))
		}
	}
	return out
}

// WeakURL names a URL of another host that credentials go to in clear text.
// secret reports whether there are any beside those in the URL.
func WeakURL(key, raw string, secret bool) []error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || Here(u.Hostname()) || !secret && u.User == nil {
		return nil
	}
	return []error{words.Bad(key, words.WeakClearText.With())}
}

// Here reports whether host, with or without a port, is this machine's loopback.
func Here(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
