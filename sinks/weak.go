package sinks

import (
	"time"

	"dswatch/guard"
	"dswatch/setting"
	"dswatch/words"
)

// Weak is a kind's Config that can work and yet be weaker than it need be:
// `config check` names it, and nothing else does.
type Weak interface {
	// Weak returns a setting.Error for each key that should be looked at.
	Weak() []error
}

// WeakTLS names the files of t with a certificate that has ended, or soon does.
// key is that of t.
func WeakTLS(key string, t TLS, now time.Time) []error {
	return guard.Ending(now, [2]string{key + ".ca_file", t.CAFile}, [2]string{key + ".cert_file", t.CertFile})
}

// WeakURL names a URL of another host that credentials go to in clear text.
// secret reports whether there are any beside those in the URL.
func WeakURL(key, raw string, secret bool) []error {
	if !setting.ClearText(raw, secret) {
		return nil
	}
	return []error{words.Bad(key, words.WeakClearText.With())}
}
