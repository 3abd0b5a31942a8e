package bus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/setting"
)

func external(t *testing.T, s *bustest.Server) bus.Config {
	cfg := bustest.Config(t)
	cfg.URL = s.URL
	return cfg
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// works publishes, consumes and keeps a key.
func works(t *testing.T, b *bus.Bus) {
	t.Helper()
	publish(t, b, numbered(forNMS, 3)...)
	c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, Renew: true})
	for _, d := range next(t, c, 3) {
		d.Ack()
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := b.Bucket(bus.Items).Create(t.Context(), "a", []byte("1")); err != nil {
		t.Error(err)
	}
	if got := contents(t, b.Bucket(bus.Items), ""); got["a"] != "1" {
		t.Errorf("the bucket holds %q", got)
	}
}

func TestExternal(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(*server.Options) {})
	b := bustest.Open(t, external(t, s))
	works(t, b)
	if err := b.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExternalAway(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(*server.Options) {})
	b := bustest.Open(t, external(t, s))
	c := consumer(t, b, nms)
	publish(t, b, numbered(forNMS, 2)...)
	held := next(t, c, 2)
	s.Stop()
	start := time.Now()
	err := b.Publish(t.Context(), bus.Message{Subject: subject, Data: []byte("lost")})
	if !errors.Is(err, bus.ErrNotConnected) || time.Since(start) > 5*time.Second {
		t.Errorf("publish without a server: %v after %s", err, time.Since(start))
	}
	if err := b.Ping(t.Context()); !errors.Is(err, bus.ErrNotConnected) {
		t.Errorf("ping without a server: %v", err)
	}
	held[0].Ack() // kept until the server is back
	s.Start()
	for end := time.Now().Add(15 * time.Second); b.Ping(t.Context()) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not connected 15s after the server came back")
		}
	}
	publish(t, b, bus.Message{Subject: forNMS, Data: []byte("new")})
	held[1].Ack()
	if got := data(next(t, c, 1)); got[0] != "new" {
		t.Errorf("got %q", got)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := stored(t, b, bus.Outbox, ""); !slices.Equal(got, []string{"new"}) {
		t.Errorf("the outbox holds %q", got)
	}
}

func TestExternalNeverThere(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(*server.Options) {})
	cfg := external(t, s)
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	_, err := bus.Open(ctx, cfg, bus.Options{})
	if err == nil || !strings.Contains(err.Error(), s.URL) || !strings.Contains(err.Error(), "bus.url") {
		t.Errorf("got %v", err)
	}
}

func TestExternalComesLater(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(*server.Options) {})
	cfg := external(t, s)
	s.Stop()
	opened := make(chan error)
	var b *bus.Bus
	go func() {
		var err error
		b, err = bus.Open(t.Context(), cfg, bus.Options{})
		opened <- err
	}()
	time.Sleep(300 * time.Millisecond) // some tries
	s.Start()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	defer bustest.Close(t, b)
	works(t, b)
}

func TestExternalWithoutJetStream(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(o *server.Options) { o.JetStream = false })
	_, err := bus.Open(t.Context(), external(t, s), bus.Options{})
	if err == nil || !strings.Contains(err.Error(), "--jetstream") {
		t.Errorf("got %v", err)
	}
}

func TestExternalSmallPayload(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	_, err := bus.Open(t.Context(), external(t, s), bus.Options{})
	if err == nil || !strings.Contains(err.Error(), "max_payload to 131072") {
		t.Errorf("got %v", err)
	}
}

func TestPendingWithoutConnection(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(*server.Options) {})
	b := bustest.Open(t, external(t, s))
	works(t, b)
	s.Stop()
	for { // until the loss is noticed
		_, err := b.Pending(t.Context(), bus.Events, "rules")
		if errors.Is(err, bus.ErrNotConnected) {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestExternalPassword(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(o *server.Options) { o.Username, o.Password = "dswatch", "hunter2" })
	cfg := external(t, s)
	cfg.User, cfg.PasswordFile = "dswatch", write(t, "hunter2\n")
	works(t, bustest.Open(t, cfg))

	cfg.PasswordFile = write(t, "hunter3")
	_, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err == nil || !strings.Contains(err.Error(), "bus.password_file") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("wrong password: %v", err)
	}
}

func TestExternalCredentials(t *testing.T) {
	t.Parallel()
	operator, _ := nkeys.CreateOperator()
	operatorKey, _ := operator.PublicKey()
	account, _ := nkeys.CreateAccount()
	accountKey, _ := account.PublicKey()
	system, _ := nkeys.CreateAccount()
	systemKey, _ := system.PublicKey()
	user, _ := nkeys.CreateUser()
	userKey, _ := user.PublicKey()
	seed, _ := user.Seed()

	ac := jwt.NewAccountClaims(accountKey)
	ac.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
	accountJWT, err := ac.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	systemJWT, err := jwt.NewAccountClaims(systemKey).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userJWT, err := jwt.NewUserClaims(userKey).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(userJWT, seed)
	if err != nil {
		t.Fatal(err)
	}
	oc := jwt.NewOperatorClaims(operatorKey)
	oc.SystemAccount = systemKey
	if _, err := oc.Encode(operator); err != nil {
		t.Fatal(err)
	}
	s := bustest.NewServer(t, func(o *server.Options) {
		resolver := &server.MemAccResolver{}
		for key, text := range map[string]string{accountKey: accountJWT, systemKey: systemJWT} {
			if err := resolver.Store(key, text); err != nil {
				t.Fatal(err)
			}
		}
		o.TrustedOperators, o.SystemAccount, o.AccountResolver = []*jwt.OperatorClaims{oc}, systemKey, resolver
	})
	cfg := external(t, s)
	cfg.CredsFile = write(t, string(creds))
	works(t, bustest.Open(t, cfg))

	cfg.CredsFile = ""
	if _, err := bus.Open(t.Context(), cfg, bus.Options{}); err == nil || !strings.Contains(err.Error(), "bus.creds_file") {
		t.Errorf("without credentials: %v", err)
	}
}

func TestFilesThatDoNotHelp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*bus.Config)
		key  string
		text string
	}{
		"no creds file":    {func(c *bus.Config) { c.CredsFile = filepath.Join(c.Dir, "none") }, "creds_file", "can read"},
		"not a creds file": {func(c *bus.Config) { c.CredsFile = write(t, "hunter2") }, "creds_file", "is it the right file"},
		"empty password":   {func(c *bus.Config) { c.User, c.PasswordFile = "me", write(t, "\n") }, "password_file", "empty"},
		"not a CA":         {func(c *bus.Config) { c.TLS.CAFile = write(t, "hunter2") }, "tls.ca_file", "is it the right file"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := bustest.Config(t)
			cfg.URL = "nats://127.0.0.1:1"
			c.edit(&cfg)
			_, err := bus.Open(t.Context(), cfg, bus.Options{})
			var se *setting.Error
			if !errors.As(err, &se) || se.Key != c.key || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// certificate returns PEM of a certificate for 127.0.0.1, of its key and of
// the authority that signed it.
func certificate(t *testing.T) (cert, key, ca []byte) {
	t.Helper()
	make := func(n int64, authority bool, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: "dswatch test"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: authority, BasicConstraintsValid: true,
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if parent == nil {
			parent, by = c, k
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, k.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c, k
	}
	root, rootKey := make(1, true, nil, nil)
	leaf, leafKey := make(2, false, root, rootKey)
	der, err := x509.MarshalECPrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(typ string, b []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: b}) }
	return block("CERTIFICATE", leaf.Raw), block("EC PRIVATE KEY", der), block("CERTIFICATE", root.Raw)
}

func TestExternalTLS(t *testing.T) {
	t.Parallel()
	cert, key, ca := certificate(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	s := bustest.NewServer(t, func(o *server.Options) {
		o.TLS, o.TLSVerify, o.TLSTimeout = true, true, 5
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	})
	cfg := external(t, s)
	cfg.TLS = bus.TLS{CAFile: write(t, string(ca)), CertFile: write(t, string(cert)), KeyFile: write(t, string(key))}
	works(t, bustest.Open(t, cfg))

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // a busy machine
	defer cancel()
	wrong := cfg
	wrong.TLS.CAFile = ""
	if _, err := bus.Open(ctx, wrong, bus.Options{}); err == nil || !strings.Contains(err.Error(), "bus.tls.ca_file") {
		t.Errorf("without the authority: %v", err)
	}
	wrong = cfg
	wrong.TLS.CertFile, wrong.TLS.KeyFile = "", ""
	brief, cancel := context.WithTimeout(t.Context(), 2*time.Second) // the server only hangs up, so it is tried to the end
	defer cancel()
	if _, err := bus.Open(brief, wrong, bus.Options{}); err == nil {
		t.Error("the server accepted a client without a certificate")
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	servers := bustest.Cluster(t, 3)
	cfg := bustest.Config(t)
	cfg.URL, cfg.Replicas = bustest.URLs(servers), 3
	b := bustest.Open(t, cfg)
	for end := time.Now().Add(time.Minute); b.Err() != nil; time.Sleep(20 * time.Millisecond) { // a busy machine elects for long
		if time.Now().After(end) {
			t.Fatal(b.Err())
		}
	}
	works(t, b)
	publish(t, b, numbered(subject, 100)...)
	servers[0].Stop()
	// A new leader may take a few seconds; what fails meanwhile is repeated
	// with the same IDs, as publishers do.
	ms := numbered(subject, 150)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for b.Publish(ctx, ms...) != nil {
		if ctx.Err() != nil {
			t.Fatal("nothing can be published 30s after one of three servers is gone")
		}
	}
	c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules"})
	seen := map[string]bool{}
	for _, d := range next(t, c, 150) {
		if seen[string(d.Data)] {
			t.Errorf("message %s came twice", d.Data)
		}
		seen[string(d.Data)] = true
		d.Ack()
	}
}
