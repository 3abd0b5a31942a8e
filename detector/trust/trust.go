// Package trust makes the TLS settings with which detectors ask servers:
// verified by authorities, by the fingerprint of the certificate, or by both;
// never not at all.
package trust

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"dswatch/detector"
	"dswatch/guard"
	"dswatch/words"
)

// Pin returns the fingerprint's bytes, nil for none. An error names the key
// fingerprint.
func Pin(fingerprint string) ([]byte, error) {
	if fingerprint == "" {
		return nil, nil
	}
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(fingerprint)), "sha256:"), ":", "")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != sha256.Size {
		return nil, words.Bad("fingerprint", words.NotAFingerprint.With())
	}
	return b, nil
}

// Weak names a fingerprint that stands alone, and certificates in a file of
// authorities that have ended or soon do.
func Weak(caFile, fingerprint string) []error {
	out := guard.Ending(time.Now(), [2]string{"ca_file", caFile})
	if fingerprint != "" && caFile == "" {
		out = append(out, words.Bad("fingerprint", words.WeakPin.With()))
	}
	return out
}

// TLS returns settings that trust the authorities of a PEM file, or those of
// the system. A fingerprint without a file takes the place of authorities and
// name; with it both must fit. Errors name the keys ca_file and fingerprint.
// When they refuse a certificate, Explain says what to do.
func TLS(caFile, fingerprint string) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, words.Bad("ca_file", words.NoReadablePEM.With(err))
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, words.Bad("ca_file", words.NoCertificate.With(caFile))
		}
	}
	pin, err := Pin(fingerprint)
	if err != nil {
		return nil, err
	}
	if pin != nil {
		conf.InsecureSkipVerify = caFile == "" // then VerifyConnection alone decides
		// Called for resumed connections too, unlike VerifyPeerCertificate.
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].Raw)
			if subtle.ConstantTimeCompare(sum[:], pin) != 1 {
				return &stranger{sum}
			}
			return nil
		}
	}
	return conf, nil
}

// stranger is somebody whose certificate is not the one that was pinned.
type stranger struct{ sum [sha256.Size]byte }

func (s *stranger) Error() string {
	return fmt.Sprintf("the certificate is not the pinned one, its fingerprint is %x", s.sum)
}

// Explain says what to do about a certificate that was refused, and returns
// nil for any other error. who answered with it: "server", "manager".
func Explain(err error, who string) error {
	var other *stranger
	if errors.As(err, &other) {
		return fmt.Errorf("the %s's certificate is not the pinned one, its fingerprint is %x; if the %[1]s has a new certificate, compare it there and correct fingerprint", who, other.sum)
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) && len(untrusted.UnverifiedCertificates) > 0 {
		return fmt.Errorf("the %s's certificate is not trusted: %s; write its authority as ca_file or, once compared at the %[1]s, its fingerprint %[3]x",
			who, detector.Printable(untrusted.Err.Error(), 300), sha256.Sum256(untrusted.UnverifiedCertificates[0].Raw))
	}
	return nil
}
