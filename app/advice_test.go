package app

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

	"dswatch/words"
)

// TestAdvice: what is weaker than it need be is named once, with its line, in both
// languages; what is not is not, and nothing of it is a warning, which would be
// told at each start.
func TestAdvice(t *testing.T) {
	dir := t.TempDir()
	ending := certificate(t, dir, "ending", 20*24*time.Hour)
	ended := certificate(t, dir, "ended", -time.Hour)
	lasting := certificate(t, dir, "lasting", 300*24*time.Hour)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pin := strings.Repeat("ab", 32)
	for name, c := range map[string]struct{ conf, en, ja string }{
		"nothing":              {"", "", ""},
		"bus, clear text":      {"bus: {url: \"nats://bus.example:4222\", user: me, password_file: " + secret + "}", "c.yaml:2:12: bus: url: credentials and all messages", "暗号化されずに他のホストへ送られる可能性"},
		"bus, creds, second":   {"bus: {url: \"tls://a.example:4222,nats://b.example:4222\", creds_file: " + secret + "}", "write tls:// URLs", "tls:// の URL"},
		"bus, TLS":             {"bus: {url: \"tls://bus.example:4222\", user: me, password_file: " + secret + "}", "", ""},
		"bus, TLS by its file": {"bus: {url: \"nats://bus.example:4222\", user: me, password_file: " + secret + ", tls: {ca_file: " + lasting + "}}", "", ""},
		"bus, here":            {"bus: {url: \"nats://127.0.0.1:4222\", user: me, password_file: " + secret + "}", "", ""},
		"bus, no credentials":  {"bus: {url: \"nats://bus.example:4222\"}", "", ""},
		"bus, certificate":     {"bus: {url: \"tls://bus.example:4222\", tls: {ca_file: " + ending + "}}", "the certificate CN=ending expires at ", "証明書 CN=ending の有効期限は"},
		"manager, fingerprint": {"detectors: {manager: {url: \"https://dsm.example:4119\", fingerprint: " + pin + "}}", "detectors.manager: fingerprint: the fingerprint alone decides", "フィンガープリントだけで判定"},
		"manager, both":        {"detectors: {manager: {url: \"https://dsm.example:4119\", fingerprint: " + pin + ", ca_file: " + lasting + "}}", "", ""},
		"manager, certificate": {"detectors: {manager: {url: \"https://dsm.example:4119\", ca_file: " + ended + "}}", "the certificate CN=ended expired at ", "有効期限は"},
		"vsphere, fingerprint": {"detectors: {vsphere: {url: \"https://vc.example\", user: u, password: p, hosts: [esxi1], fingerprint: " + pin + "}}", "detectors.vsphere: fingerprint: the fingerprint alone decides", "フィンガープリントだけで判定"},
		"vsphere, certificate": {"detectors: {vsphere: {url: \"https://vc.example\", user: u, password: p, hosts: [esxi1], ca_file: " + ending + "}}", "CN=ending expires", "CN=ending の有効期限は"},
		"ssh, old algorithms":  {"detectors: {remote: {user: u, key_file: " + secret + ", known_hosts: " + secret + ", targets: [{host: sol1, os: solaris, legacy_algorithms: true}]}}", "algorithms that are no longer safe", "安全でなくなったアルゴリズム"},
		"ping_url":             {"ping_url: http://ping.example/x", ":2:11: ping_url: credentials go to another host in clear text", "暗号化されずに他のホストへ"},
		"ping_url, TLS":        {"ping_url: https://ping.example/x", "", ""},
		"webhook, bearer":      {"sinks: [{name: s, type: webhook, url: \"http://far.example/\", bearer: abc}]", "sinks.s: url: credentials go to another host in clear text", "暗号化されずに"},
		"webhook, none":        {"sinks: [{name: s, type: webhook, url: \"http://far.example/\"}]", "", ""},
		"webhook, certificate": {"sinks: [{name: s, type: webhook, url: \"https://far.example/\", tls: {ca_file: " + ending + "}}]", "CN=ending expires", "CN=ending の有効期限は"},
		"alertmanager":         {"sinks: [{name: s, type: alertmanager, urls: [\"http://far.example:9093\"], bearer: abc}]", "clear text", "暗号化されずに"},
		"teams":                {"sinks: [{name: s, type: teams, webhook_url: \"http://far.example/x\"}]", "clear text", "暗号化されずに"},
		"slack":                {"sinks: [{name: s, type: slack, webhook_url: \"http://far.example/x\"}]", "clear text", "暗号化されずに"},
		"email, no TLS":        {"sinks: [{name: s, type: email, address: \"far.example:25\", from: a@b.example, to: [c@b.example], username: u, password: p, security: none}]", "the login goes to another host in clear text", "ログイン情報が暗号化されずに"},
		"syslog, certificate":  {"sinks: [{name: s, type: syslog, network: tls, address: \"far.example:6514\", tls: {ca_file: " + ended + "}}]", "CN=ended expired", "CN=ended の有効期限は"},
		"snmp, community":      {"sinks: [{name: s, type: snmp, address: \"far.example:162\", version: 2c, community: k9}]", "version 2c", "偽造も可能"},
		"snmp, MD5":            {"sinks: [{name: s, type: snmp, address: \"far.example:162\", version: 3, v3: {user: u, auth_protocol: MD5, auth_password: longlonglonglong, priv_protocol: AES, priv_password: longlonglonglong}}]", "MD5", "MD5"},
		"snmp, DES":            {"sinks: [{name: s, type: snmp, address: \"far.example:162\", version: 3, v3: {user: u, auth_protocol: SHA256, auth_password: longlonglonglong, priv_protocol: DES, priv_password: longlonglonglong}}]", "DES", "DES"},
		"snmp, short password": {"sinks: [{name: s, type: snmp, address: \"far.example:162\", version: 3, v3: {user: u, auth_protocol: SHA256, auth_password: 12345678, priv_protocol: AES, priv_password: longlonglonglong}}]", "v3.auth_password", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse("c.yaml", []byte("host: web01\n"+c.conf+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			all := l.Advice()
			if (len(all) == 0) != (c.en == "") || len(all) > 1 {
				t.Fatalf("%d pieces of advice: %q", len(all), words.Voice{}.Lines(all))
			}
			if c.en == "" {
				return
			}
			if en := words.In("en", nil).Say(all[0]); !strings.Contains(en, c.en) {
				t.Errorf("%s", en)
			}
			if ja := words.In("ja", nil).Say(all[0]); !strings.Contains(ja, c.ja) || ja == words.English(all[0]) {
				t.Errorf("%s", ja)
			}
			for _, w := range l.Warnings {
				if strings.Contains(words.English(w), c.en) {
					t.Errorf("it is a warning: %s", words.English(w))
				}
			}
		})
	}
}

// certificate writes one that ends after some time.
func certificate(t *testing.T, dir, name string, after time.Duration) (path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(after)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, name+".pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
