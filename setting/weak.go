package setting

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"
)

// Here reports whether host, with or without a port, is this machine's loopback.
func Here(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// ClearText reports whether credentials go to another host in clear text by this
// http URL: those in it or, with secret, others beside them.
func ClearText(raw string, secret bool) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "http" && !Here(u.Hostname()) && (secret || u.User != nil)
}

// EndsSoon is how long before its end a certificate is named.
const EndsSoon = 30 * 24 * time.Hour

// Ending returns the certificates of a PEM file that have ended, or do within
// EndsSoon; none for a file that cannot be read, which is said elsewhere.
func Ending(path string, now time.Time) (all []*x509.Certificate) {
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type == "CERTIFICATE" && err == nil && c.NotAfter.Sub(now) <= EndsSoon {
			all = append(all, c)
		}
	}
	return all
}
