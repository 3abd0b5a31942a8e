package sinks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/sinks"
)

func TestWeakURL(t *testing.T) {
	for raw, want := range map[string][2]bool{ // with no secret beside it, and with one
		"https://far.example/":         {false, false},
		"http://far.example/":          {false, true},
		"http://user:pass@far.example": {true, true},
		"http://127.0.0.1:8080/":       {false, false},
		"http://u:p@localhost/":        {false, false},
		"http://[::1]:80/":             {false, false},
	} {
		for i, secret := range []bool{false, true} {
			if got := len(sinks.WeakURL("url", raw, secret)) > 0; got != want[i] {
				t.Errorf("%s, secret %v: %v", raw, secret, got)
			}
		}
	}
}

// TestWeakTLS: a certificate is named from thirty days before its end, and
// one that lasts longer is not.
func TestWeakTLS(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for ends, want := range map[time.Time]string{
		now.Add(31 * 24 * time.Hour): "",
		now.Add(29 * 24 * time.Hour): "tls.ca_file: the certificate CN=far.example expires at 2026-12-28T00:00:00Z; renew it",
		now.Add(-time.Hour):          "tls.ca_file: the certificate CN=far.example expired at 2026-11-28T23:00:00Z; renew it",
	} {
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "far.example"}, NotBefore: now.Add(-1000 * time.Hour), NotAfter: ends}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, err := range sinks.WeakTLS("tls", sinks.TLS{CAFile: path}, now) {
			got = append(got, err.Error())
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
