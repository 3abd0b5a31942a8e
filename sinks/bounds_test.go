package sinks_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/test/receive"
)

// TestSettingsBounds takes each bound itself and nothing beyond it.
func TestSettingsBounds(t *testing.T) {
	duration := func(least, most time.Duration, set func(*sinks.Settings, time.Duration)) (good, bad []func(*sinks.Settings)) {
		for _, d := range []time.Duration{least, most} {
			good = append(good, func(s *sinks.Settings) { set(s, d) })
		}
		for _, d := range []time.Duration{least - 1, most + 1, -least, 0} {
			bad = append(bad, func(s *sinks.Settings) { set(s, d) })
		}
		return good, bad
	}
	number := func(least, most int, set func(*sinks.Settings, int)) (good, bad []func(*sinks.Settings)) {
		for _, n := range []int{least, most} {
			good = append(good, func(s *sinks.Settings) { set(s, n) })
		}
		for _, n := range []int{least - 1, most + 1} {
			bad = append(bad, func(s *sinks.Settings) { set(s, n) })
		}
		return good, bad
	}
	type edits = []func(*sinks.Settings)
	check := func(key string, good, bad edits) {
		t.Helper()
		for i, edit := range good {
			s := sinks.Defaults(4)
			s.Name = "nms"
			if edit(&s); s.Validate() != nil {
				t.Errorf("%s, good value %d: %v", key, i, s.Validate())
			}
		}
		for i, edit := range bad {
			s := sinks.Defaults(4)
			s.Name = "nms"
			edit(&s)
			if e, ok := errors.AsType[*setting.Error](s.Validate()); !ok || e.Key != key {
				t.Errorf("%s, bad value %d: %v", key, i, s.Validate())
			}
		}
	}
	good, bad := duration(10*time.Millisecond, 10*time.Minute, func(s *sinks.Settings, d time.Duration) { s.Timeout = d })
	check("timeout", good, bad)
	good, bad = duration(time.Second, 720*time.Hour, func(s *sinks.Settings, d time.Duration) { s.Patience = d })
	check("patience", good, bad)
	good, bad = duration(time.Second, 24*time.Hour, func(s *sinks.Settings, d time.Duration) { s.Heartbeat = d })
	check("heartbeat", append(good, func(s *sinks.Settings) { s.Heartbeat = 0 }), bad[:3])
	good, bad = duration(100*time.Millisecond, time.Hour, func(s *sinks.Settings, d time.Duration) { s.Circuit.Pause = d })
	check("circuit.pause", append(good, func(s *sinks.Settings) { s.Circuit = sinks.Circuit{} }), bad)
	good, bad = number(1, 256, func(s *sinks.Settings, n int) { s.Concurrency = n })
	check("concurrency", good, bad)
	good, bad = number(0, 1000, func(s *sinks.Settings, n int) { s.Circuit.Failures = n })
	check("circuit.failures", good, bad)
	name := func(names ...string) (all edits) {
		for _, n := range names {
			all = append(all, func(s *sinks.Settings) { s.Name = n })
		}
		return all
	}
	check("name", name("a", "z", "A", "Z", "0", "9", "-", "_", strings.Repeat("x", 32)), name("", strings.Repeat("x", 33), "a b", "a.b", "a/b", "a@", "a[", "a`", "a{", "ä", "a:"))
}

// TestTLSFiles reads what a person writes, and says which key is wrong.
func TestTLSFiles(t *testing.T) {
	ca := receive.NewAuthority(t)
	p, other := ca.Issue(t, "dswatch.example", time.Now().Add(time.Hour)), ca.Issue(t, "other.example", time.Now().Add(time.Hour))
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		tls sinks.TLS
		key string // "" for good
	}{
		"nothing":                  {sinks.TLS{}, ""},
		"an authority":             {sinks.TLS{CAFile: p.CAFile}, ""},
		"all":                      {sinks.TLS{CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile, ServerName: "siem.example"}, ""},
		"no key":                   {sinks.TLS{CertFile: p.CertFile}, "tls.key_file"},
		"no certificate":           {sinks.TLS{KeyFile: p.KeyFile}, "tls.cert_file"},
		"no such authority":        {sinks.TLS{CAFile: missing}, "tls.ca_file"},
		"an empty authority":       {sinks.TLS{CAFile: empty}, "tls.ca_file"},
		"a key as the authority":   {sinks.TLS{CAFile: p.KeyFile}, "tls.ca_file"},
		"no such certificate":      {sinks.TLS{CertFile: missing, KeyFile: p.KeyFile}, "tls.cert_file"},
		"no such key":              {sinks.TLS{CertFile: p.CertFile, KeyFile: missing}, "tls.key_file"},
		"the key of another":       {sinks.TLS{CertFile: p.CertFile, KeyFile: other.KeyFile}, "tls.cert_file"},
		"a certificate as a key":   {sinks.TLS{CertFile: p.CertFile, KeyFile: p.CertFile}, "tls.cert_file"},
		"a key as the certificate": {sinks.TLS{CertFile: p.KeyFile, KeyFile: p.KeyFile}, "tls.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.tls.Config()
			if c.key != "" {
				if e, ok := errors.AsType[*setting.Error](err); !ok || e.Key != c.key || e.Err == nil {
					t.Errorf("%v, want one of %s", err, c.key)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			certificates := 0
			if c.tls.CertFile != "" {
				certificates = 1
			}
			if (got.RootCAs != nil) != (c.tls.CAFile != "") || len(got.Certificates) != certificates || got.ServerName != c.tls.ServerName || got.MinVersion < tls.VersionTLS12 || got.InsecureSkipVerify {
				t.Errorf("%+v", got)
			}
		})
	}
}
