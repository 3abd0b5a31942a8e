package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/test/receive"
)

// The secrets that the far ends of TestSecretsAreReadAgain want.
const (
	oldSecret = "old-secret-0123456789"
	newSecret = "new-secret-9876543210"
)

// bouncer is a far end that lets in who has the secret of now.
type bouncer struct{ wants atomic.Value }

func (b *bouncer) secret() string { return b.wants.Load().(string) }

// server is one over HTTP; says is its answer to others.
func (b *bouncer) server(t *testing.T, status int, says string, has func(*http.Request) string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if has(r) != b.secret() {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, says)
			return
		}
		if strings.Contains(says, `"ok"`) {
			_, _ = io.WriteString(w, `{"ok":true,"ts":"1.2","channel":"C0123456789"}`)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// certified is a TLS configuration that wants a certificate of that name.
func (b *bouncer) certified(t *testing.T, own receive.PKI) *tls.Config {
	pair, err := tls.LoadX509KeyPair(own.CertFile, own.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
		c, err := x509.ParseCertificate(raw[0])
		if err == nil && c.Subject.CommonName != b.secret() {
			err = errors.New("another one")
		}
		return err
	}}
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func lastOfPath(r *http.Request) string { return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] }

// TestSecretsAreReadAgain: whatever a sink proves itself with, a refusal says
// which file to write the new one into, and as soon as it is there the alert
// that was refused goes out, without a restart. Meanwhile no attempt is a
// permanent failure for a file that somebody is still writing.
func TestSecretsAreReadAgain(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range []struct {
		kind, key string // the key of the file
		// far starts the far end and returns the section without it.
		far    func(t *testing.T, b *bouncer) string
		silent bool // who is not let in hears nothing
	}{
		{kind: "webhook", key: "url_file", far: func(t *testing.T, b *bouncer) string { return b.server(t, 404, "", lastOfPath) }},
		{kind: "webhook", key: "bearer_file", far: func(t *testing.T, b *bouncer) string { return b.server(t, 401, "", bearer) }},
		{kind: "webhook", key: "password_file", far: func(t *testing.T, b *bouncer) string {
			return b.server(t, 401, "", func(r *http.Request) string { _, p, _ := r.BasicAuth(); return p })
		}},
		{kind: "webhook", key: "tls.cert_file"},
		{kind: "slack", key: "webhook_url_file", far: func(t *testing.T, b *bouncer) string { return b.server(t, 403, "invalid_token", lastOfPath) }},
		{kind: "slack", key: "bot_token_file", far: func(t *testing.T, b *bouncer) string {
			return b.server(t, 200, `{"ok":false,"error":"invalid_auth"}`, func(r *http.Request) string { return strings.TrimPrefix(bearer(r), "xoxb-") })
		}},
		{kind: "teams", key: "webhook_url_file", far: func(t *testing.T, b *bouncer) string { return b.server(t, 401, "", lastOfPath) }},
		{kind: "alertmanager", key: "bearer_file", far: func(t *testing.T, b *bouncer) string { return b.server(t, 401, "", bearer) }},
		{kind: "alertmanager", key: "password_file", far: func(t *testing.T, b *bouncer) string {
			return b.server(t, 403, "", func(r *http.Request) string { _, p, _ := r.BasicAuth(); return p })
		}},
		{kind: "email", key: "password_file", far: func(t *testing.T, b *bouncer) string {
			return receive.StartMailServer(t, receive.MailOptions{Password: b.secret}).Address
		}},
		{kind: "email", key: "tls.cert_file"},
		{kind: "syslog", key: "tls.cert_file"},
		{kind: "snmp", key: "community_file", silent: true},
	} {
		tested[c.kind] = true
		t.Run(c.kind+" "+c.key, func(t *testing.T) {
			t.Parallel()
			b := &bouncer{}
			b.wants.Store(oldSecret)
			path := filepath.Join(t.TempDir(), "secret")
			before := "" // the secret, in the file
			put := func(secret string) {
				t.Helper()
				if secret != "" {
					secret = before + secret + "\n"
				}
				if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			section, cut := "", func() {}
			switch {
			case c.key == "tls.cert_file":
				ca := receive.NewAuthority(t)
				own := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
				files := map[string]receive.PKI{}
				for _, name := range []string{oldSecret, newSecret} {
					files[name] = ca.Issue(t, name, time.Now().Add(time.Hour))
				}
				keyPath := path + ".key"
				put = func(secret string) {
					t.Helper()
					for from, to := range map[string]string{files[secret].CertFile: path, files[secret].KeyFile: keyPath} {
						data := []byte("half of it")
						if from != "" {
							var err error
							if data, err = os.ReadFile(from); err != nil {
								t.Fatal(err)
							}
						}
						if err := os.WriteFile(to, data, 0o600); err != nil {
							t.Fatal(err)
						}
					}
				}
				below := &cuttable{Listener: newFar(t, "127.0.0.1:0", nil)}
				l := tls.NewListener(below, b.certified(t, own))
				cut = below.cut
				section = fmt.Sprintf("tls: {ca_file: %q, cert_file: %q, key_file: %q}", own.CAFile, path, keyPath)
				switch c.kind {
				case "syslog":
					overStream(t, &heard{}, l)
					section += fmt.Sprintf(", network: tls, address: %q", l.Addr())
				case "email":
					overMail(t, &heard{}, l)
					section += fmt.Sprintf(", security: tls, address: %q, from: dswatch@example.com, to: [noc@example.com]", l.Addr())
				default:
					overHTTP(200, "")(t, &heard{}, l)
					section += fmt.Sprintf(", url: \"https://%s\"", l.Addr())
				}
			case c.kind == "snmp":
				section = fmt.Sprintf("address: %q, inform: true, community_file: %q", b.station(t), path)
			default:
				address := c.far(t, b)
				section = fmt.Sprintf("%s: %q", c.key, path)
				switch {
				case strings.HasSuffix(c.key, "url_file"):
					before = address + "/services/"
				case c.kind == "slack":
					section += fmt.Sprintf(", api_url: %q, channel: C0123456789", address)
					before = "xoxb-"
				case c.kind == "email":
					section += fmt.Sprintf(", security: none, address: %q, from: dswatch@example.com, to: [noc@example.com]", address)
				case c.kind == "alertmanager":
					section += fmt.Sprintf(", urls: [%q]", address)
				default:
					section += fmt.Sprintf(", url: %q", address)
				}
				if c.key == "password_file" {
					section += ", username: dswatch"
				}
			}
			put(oldSecret)
			conf, err := Parse("test.yaml", fmt.Appendf(nil, "sinks: [{name: s, type: %s, timeout: 3s, %s}]", c.kind, section))
			if err != nil {
				t.Fatal(err)
			}
			sink, err := conf.renewing(conf.sinks[0], sinks.Env{Name: "s", Host: "h", StateDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { sink.(io.Closer).Close() })
			n := 0
			send := func() error {
				n++
				err := sink.Send(t.Context(), sinktest.Sample(n, event.Raised, "en"))
				if err != nil && (strings.Contains(err.Error(), oldSecret) || strings.Contains(err.Error(), newSecret)) {
					t.Errorf("the secret is in %v", err)
				}
				return err
			}
			eventually(t, "the old one is taken", func() bool { err = send(); return err == nil })

			b.wants.Store(newSecret)
			cut()
			var refused error
			eventually(t, "the old one is refused", func() bool { refused = send(); return refused != nil })
			if !c.silent && (!strings.Contains(refused.Error(), c.key) || !strings.Contains(refused.Error(), "which is read again after each refusal, without a restart")) {
				t.Errorf("refused with %v, which does not say what to do", refused)
			}
			put("") // half of what is to come
			if err := send(); err == nil || sinks.IsPermanent(err) {
				t.Errorf("while the new one is written: %v, permanent %v", err, sinks.IsPermanent(err))
			}
			put(newSecret)
			if err := send(); err != nil && !c.silent {
				t.Errorf("with the new one: %v", err)
			}
			if err := send(); err != nil {
				t.Errorf("and once more: %v", err)
			}
		})
	}
	for _, k := range AllKinds().Sinks {
		if secretless := k.Type == "stdout"; tested[k.Type] == secretless {
			t.Errorf("the kind %s is tested: %v", k.Type, tested[k.Type])
		}
	}
}

// cuttable is a listener whose connections can be ended.
type cuttable struct {
	net.Listener
	mu  sync.Mutex
	all []net.Conn
}

func (l *cuttable) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.all = append(l.all, c)
	}
	return c, err
}

func (l *cuttable) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all {
		c.Close()
	}
}

// station confirms informs that have the community.
func (b *bouncer) station(t *testing.T) string {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	decoder := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Logger: gosnmp.NewLogger(quietLog)}
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDP(buf)
			if err != nil {
				return
			}
			p, err := decoder.SnmpDecodePacket(buf[:n])
			if err != nil || p.Community != b.secret() {
				continue
			}
			p.PDUType = gosnmp.GetResponse
			if answer, err := p.MarshalMsg(); err == nil {
				_, _ = conn.WriteToUDP(answer, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}
