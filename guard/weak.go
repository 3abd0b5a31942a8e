package guard

import (
	"time"

	"dswatch/setting"
	"dswatch/words"
)

// Ending names the certificates in PEM files, of those that prove who a far end or
// this side is, that have ended or soon do: each as a setting.Error of its key. An
// empty path is no file.
func Ending(now time.Time, files ...[2]string) (out []error) {
	for _, f := range files {
		for _, c := range setting.Ending(f[1], now) {
			says := words.CertificateEnds
			if c.NotAfter.Before(now) {
				says = words.CertificateEnded
			}
			out = append(out, words.Bad(f[0], says.With(words.Inner(setting.Clip(c.Subject.String())), c.NotAfter)))
		}
	}
	return out
}
