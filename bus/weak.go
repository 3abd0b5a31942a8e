package bus

import (
	"net/url"
	"strings"
	"time"

	"dswatch/guard"
	"dswatch/setting"
	"dswatch/words"
)

// Weak names what works and is weaker than it need be: credentials that may go to
// another host in clear text, and certificates that have ended or soon do.
func (c Config) Weak() []error {
	out := guard.Ending(time.Now(), [2]string{"tls.ca_file", c.TLS.CAFile}, [2]string{"tls.cert_file", c.TLS.CertFile})
	if c.TLS != (TLS{}) {
		return out // TLS is insisted on
	}
	for one := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err == nil && u.Scheme == "nats" && !setting.Here(u.Hostname()) && (c.User != "" || c.CredsFile != "") {
			return append(out, words.Bad("url", words.WeakBus.With()))
		}
	}
	return out
}
