package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/webhook"
	"dswatch/test/receive"
)

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	bearer  = "bearer-token-0123456789"
	inPath  = "path-token-0123456789"
	inQuery = "query&token+0123456789"
	inHead  = "header-token-0123456789"
)

func config(url string, more func(*webhook.Config)) webhook.Config {
	c := webhook.Defaults()
	c.Name, c.Type, c.URL = "hook", "webhook", setting.Secret(url)
	if more != nil {
		more(&c)
	}
	return c
}

func newSink(t testing.TB, c webhook.Config) *webhook.Sink {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := webhook.New(c, sinks.Env{Name: c.Name, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) { sinktest.Run(t, conform(t)) }

// TestEveryRowIsWhole: each loss of the list is understood from its message alone.
func TestEveryRowIsWhole(t *testing.T) { sinktest.Whole(t, conform(t)) }

// conform is the sink, its far end and how that reads.
func conform(t *testing.T) sinktest.Options {
	t.Helper()
	return sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			return newSink(t, config(far.Address+"/"+inPath+"?key=query%26token%2B0123456789", func(c *webhook.Config) {
				c.Secret, c.Bearer, c.Headers = secret, bearer, map[string]setting.Secret{"X-Api-Key": inHead}
			}))
		},
		Far: func(t *testing.T) *sinktest.Far {
			return sinktest.HTTP(t, func(r *http.Request, body []byte) error {
				if r.URL.Path != "/"+inPath || r.URL.Query().Get("key") != inQuery || r.Header.Get("X-Api-Key") != inHead || r.Header.Get("Authorization") != "Bearer "+bearer {
					return fmt.Errorf("a credential is missing: %s %v", r.URL, r.Header)
				}
				if err := receive.VerifySignature(secret, r.Header, body); err != nil {
					return err
				}
				return schema(t).check("", decode(t, body))
			})
		},
		Read: func(m sinktest.Message) (sinktest.Told, error) {
			var p sinks.Payload
			err := json.Unmarshal(m.Body, &p)
			a := p.Alert
			return sinktest.Told{AlertID: a.ID, Cleared: a.Transition == event.Cleared,
				Texts: []string{a.Title, a.Text, a.Short, a.Next, a.Reason, a.Detail, a.Confirm, a.Key.String(), a.OS, a.AgentVersion, a.Observer}}, err
		},
		Secrets: []string{secret, bearer, inPath, inQuery, inHead}, Lines: true, MaxSize: 256 << 10,
	}
}

func TestRequest(t *testing.T) {
	far := &receive.Webhook{Secret: secret, Bearer: bearer}
	s := newSink(t, config(receive.StartWebhook(t, far).URL+"/hook", func(c *webhook.Config) { c.Secret, c.Bearer = secret, bearer }))
	for _, tr := range sinktest.Transitions() {
		a := sinktest.Sample(1, tr, "ja")
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		ds := far.Received()
		d := ds[len(ds)-1]
		if !reflect.DeepEqual(d.Alert, sinks.Tidy(a)) {
			t.Errorf("arrived as %+v, want %+v", d.Alert, a)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "dswatch", "Idempotency-Key": a.DeliveryID(), "Webhook-Id": a.DeliveryID(),
		} {
			if got := d.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	if r := far.Refused(); len(r) > 0 {
		t.Error(r)
	}
}

// TestSignature uses the vector of the specification's own Go library.
func TestSignature(t *testing.T) {
	h := http.Header{}
	h.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	got := webhook.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestIDsCannotAddHeaders(t *testing.T) {
	far := &receive.Webhook{Secret: secret}
	s := newSink(t, config(receive.StartWebhook(t, far).URL, func(c *webhook.Config) { c.Secret = secret }))
	a := sinktest.Sample(1, event.Raised, "en")
	a.ID = "id\r\nX-Evil: 1\x00\xff監"
	if err := s.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if d := far.Received()[0]; d.Header.Get("X-Evil") != "" || d.DeliveryID != "id X-Evil: 1\ufffd\ufffd監.1" {
		t.Errorf("arrived as %q with headers %v", d.DeliveryID, d.Header)
	}
}

func TestUnsignedHasNoSignature(t *testing.T) {
	far := &receive.Webhook{}
	s := newSink(t, config(receive.StartWebhook(t, far).URL, nil))
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil {
		t.Fatal(err)
	}
	if h := far.Received()[0].Header; h.Get("webhook-signature") != "" || h.Get("Authorization") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestBasicAuthentication(t *testing.T) {
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		got = u + ":" + p
	}))
	defer srv.Close()
	for name, c := range map[string]webhook.Config{
		"keys":        config(srv.URL, func(c *webhook.Config) { c.Username, c.Password = "dswatch", "p@ss:word" }),
		"user in url": config(strings.Replace(srv.URL, "http://", "http://dswatch:p%40ss%3Aword@", 1), nil),
	} {
		got = ""
		if err := newSink(t, c).Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil || got != "dswatch:p@ss:word" {
			t.Errorf("%s: arrived as %q, %v", name, got, err)
		}
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	a := sinktest.Sample(1, event.Raised, "en")
	if err := newSink(t, config(srv.URL, func(c *webhook.Config) { c.TLS.CAFile = ca })).Send(t.Context(), a); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	err := newSink(t, config(srv.URL, nil)).Send(t.Context(), a)
	if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("without its authority: %v", err)
	}
	c := config(srv.URL, func(c *webhook.Config) { c.TLS.CAFile = "/nonexistent.pem" })
	if _, err := webhook.New(c, sinks.Env{}); err == nil || !strings.Contains(err.Error(), "tls.ca_file") {
		t.Errorf("with a missing file: %v", err)
	}
}

// TestMutualTLS shows this side's certificate to a server that asks for it.
func TestMutualTLS(t *testing.T) {
	var shown string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown = r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	defer srv.Close()

	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dswatch-client"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := sinks.TLS{
		CAFile:   write("ca.pem", "CERTIFICATE", srv.Certificate().Raw),
		CertFile: write("client.pem", "CERTIFICATE", cert), KeyFile: write("client.key", "PRIVATE KEY", keyDER),
	}
	a := sinktest.Sample(1, event.Raised, "en")
	if err := newSink(t, config(srv.URL, func(c *webhook.Config) { c.TLS = files })).Send(t.Context(), a); err != nil || shown != "dswatch-client" {
		t.Errorf("showed %q, %v", shown, err)
	}
	err = newSink(t, config(srv.URL, func(c *webhook.Config) { c.TLS.CAFile = files.CAFile })).Send(t.Context(), a)
	if err == nil || sinks.IsPermanent(err) {
		t.Errorf("without a certificate: %v", err)
	}
	for name, broken := range map[string]sinks.TLS{
		"ca_file":   {CAFile: files.KeyFile},
		"cert_file": {CertFile: files.KeyFile, KeyFile: files.CertFile},
	} {
		if _, err := broken.Config(); err == nil || !strings.HasPrefix(err.Error(), "tls."+name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKind(t *testing.T) {
	far := &receive.Webhook{}
	k := webhook.Kind()
	c := k.Settings().(*webhook.Config)
	c.Name, c.URL = "hook", setting.Secret(receive.StartWebhook(t, far).URL)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if common := c.Common(); k.Type != "webhook" || common.Concurrency != 16 || common.Timeout != 10*time.Second || common.Patience != 24*time.Hour {
		t.Errorf("%s: defaults %+v", k.Type, common)
	}
	s, err := k.New(c, sinks.Env{Name: "hook", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil || len(far.Received()) != 1 {
		t.Errorf("%d arrived, %v", len(far.Received()), err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*webhook.Config)
		key    string // "" for valid
	}{
		"plain":              {func(*webhook.Config) {}, ""},
		"no name":            {func(c *webhook.Config) { c.Name = "" }, "name"},
		"name with a dot":    {func(c *webhook.Config) { c.Name = "a.b" }, "name"},
		"no url":             {func(c *webhook.Config) { c.URL = "" }, "url"},
		"url without scheme": {func(c *webhook.Config) { c.URL = "example.com/" + inPath }, "url"},
		"broken url":         {func(c *webhook.Config) { c.URL = "http://exa mple/" + inPath }, "url"},
		"secret unmarked":    {func(c *webhook.Config) { c.Secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, "secret"},
		"secret not base64":  {func(c *webhook.Config) { c.Secret = "whsec_!!!" }, "secret"},
		"secret short":       {func(c *webhook.Config) { c.Secret = "whsec_AAAA" }, "secret"},
		"secret":             {func(c *webhook.Config) { c.Secret = secret }, ""},
		"two ways":           {func(c *webhook.Config) { c.Bearer, c.Username = bearer, "x" }, "bearer"},
		"bearer and header": {func(c *webhook.Config) {
			c.Bearer = bearer
			c.Headers = map[string]setting.Secret{"authorization": "x"}
		}, "bearer"},
		"password alone":      {func(c *webhook.Config) { c.Password = "x" }, "username"},
		"colon in username":   {func(c *webhook.Config) { c.Username = "a:b" }, "username"},
		"line break in token": {func(c *webhook.Config) { c.Bearer = "a\r\nX: y" }, "bearer"},
		"our own header":      {func(c *webhook.Config) { c.Headers = map[string]setting.Secret{"Content-type": "x"} }, "headers.Content-type"},
		"header injection":    {func(c *webhook.Config) { c.Headers = map[string]setting.Secret{"X-A": "x\r\nX-B: y"} }, "headers.X-A"},
		"bad header name":     {func(c *webhook.Config) { c.Headers = map[string]setting.Secret{"X A": "x"} }, "headers.X A"},
		"no concurrency":      {func(c *webhook.Config) { c.Concurrency = 0 }, "concurrency"},
		"no timeout":          {func(c *webhook.Config) { c.Timeout = 0 }, "timeout"},
		"patience of a year":  {func(c *webhook.Config) { c.Patience = 365 * 24 * time.Hour }, "patience"},
	} {
		t.Run(name, func(t *testing.T) {
			err := config("https://example.com/hook", c.change).Validate()
			if c.key == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var se *setting.Error
			if !errors.As(err, &se) || se.Key != c.key {
				t.Errorf("error %v, want one about %s", err, c.key)
			}
			if err != nil && (strings.Contains(err.Error(), inPath) || strings.Contains(err.Error(), "MfKQ9r8")) {
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
}

func TestTLSFilesBelongTogether(t *testing.T) {
	if sinks.TLS.Validate(sinks.TLS{CertFile: "x"}) == nil || sinks.TLS.Validate(sinks.TLS{KeyFile: "x"}) == nil {
		t.Error("half a pair was accepted")
	}
}

// TestSampleFollowsSchema checks every kind of alert against the schema that
// the manual hands out, and that the schema knows nothing we do not send.
func TestSampleFollowsSchema(t *testing.T) {
	s := schema(t)
	sent := map[string]bool{}
	for _, language := range []string{"en", "ja"} {
		all := slices.Collect(maps.Values(sinktest.Others(language)))
		for _, tr := range sinktest.Transitions() {
			all = append(all, sinktest.Sample(1, tr, language))
		}
		for _, a := range all {
			tr := a.Transition
			a.Test, a.Replay, a.Apart = true, true, true
			body, err := json.Marshal(sinks.NewPayload(a, "https://dswatch.example.com/alerts/1"))
			if err != nil {
				t.Fatal(err)
			}
			v := decode(t, body)
			if err := s.check("", v); err != nil {
				t.Errorf("%s %s: %v\n%s", language, tr, err, body)
			}
			collect("", v, sent)
		}
	}
	s.each("", func(path string) {
		if !sent[path] {
			t.Errorf("schema has %s, which is never sent", path)
		}
	})
	broken := decode(t, []byte(`{"version":"2"}`))
	if s.check("", broken) == nil {
		t.Error("the check of the schema accepts anything")
	}
}

func collect(path string, v any, seen map[string]bool) {
	seen[path] = true
	if m, ok := v.(map[string]any); ok {
		for k, v := range m {
			collect(path+"/"+k, v, seen)
		}
	}
	if list, ok := v.([]any); ok {
		for _, v := range list {
			collect(path+"[]", v, seen)
		}
	}
}

func decode(t testing.TB, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// node is the part of JSON Schema that docs/webhook.schema.json uses.
type node struct {
	Schema      string           `json:"$schema"`
	ID          string           `json:"$id"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Type        string           `json:"type"`
	Const       any              `json:"const"`
	Enum        []any            `json:"enum"`
	Minimum     *float64         `json:"minimum"`
	MinLength   *int             `json:"minLength"`
	Format      string           `json:"format"`
	Required    []string         `json:"required"`
	Properties  map[string]*node `json:"properties"`
	Items       *node            `json:"items"`
	Additional  *bool            `json:"additionalProperties"`
}

var readSchema = sync.OnceValues(func() (*node, error) {
	f, err := os.Open("../../docs/webhook.schema.json")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields() // what this check does not understand it must not pass over
	n := new(node)
	return n, dec.Decode(n)
})

func schema(t testing.TB) *node {
	t.Helper()
	n, err := readSchema()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) each(path string, do func(string)) {
	do(path)
	for k, p := range n.Properties {
		p.each(path+"/"+k, do)
	}
	if n.Items != nil {
		n.Items.each(path+"[]", do)
	}
}

func (n *node) check(path string, v any) error {
	bad := func(want string) error { return fmt.Errorf("%s is %v, want %s", path, v, want) }
	switch n.Type {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return bad("an object")
		}
		for _, k := range n.Required {
			if _, ok := m[k]; !ok {
				return fmt.Errorf("%s/%s is missing", path, k)
			}
		}
		for k, v := range m {
			p := n.Properties[k]
			if p == nil {
				return fmt.Errorf("%s/%s is not in the schema", path, k)
			}
			if err := p.check(path+"/"+k, v); err != nil {
				return err
			}
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return bad("a list")
		}
		for _, v := range list {
			if err := n.Items.check(path+"[]", v); err != nil {
				return err
			}
		}
	case "string":
		s, ok := v.(string)
		if !ok || n.MinLength != nil && len(s) < *n.MinLength {
			return bad("a string")
		}
		if _, err := time.Parse(time.RFC3339, s); n.Format == "date-time" && err != nil {
			return bad("a time")
		}
	case "integer":
		f, ok := v.(float64)
		if !ok || f != float64(int64(f)) || n.Minimum != nil && f < *n.Minimum {
			return bad("an integer")
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return bad("a boolean")
		}
	case "": // anything
	default:
		return fmt.Errorf("%s: schema has type %q", path, n.Type)
	}
	if n.Const != nil && v != n.Const {
		return bad(fmt.Sprint(n.Const))
	}
	for _, e := range n.Enum {
		if v == e {
			return nil
		}
	}
	if n.Enum != nil {
		return bad(fmt.Sprint("one of ", n.Enum))
	}
	return nil
}

// BenchmarkSend posts to a plain Go server over loopback, 16 in flight.
func BenchmarkSend(b *testing.B) {
	for _, signed := range []bool{false, true} {
		b.Run(fmt.Sprintf("signed=%v", signed), func(b *testing.B) {
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
			defer srv.Close()
			s := newSink(b, config(srv.URL+"/hook", func(c *webhook.Config) {
				if signed {
					c.Secret = secret
				}
			}))
			a := sinktest.Sample(1, event.Raised, "en")
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			next := make(chan struct{}, 16)
			for range 16 {
				wg.Go(func() {
					for range next {
						ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
						if err := s.Send(ctx, a); err != nil {
							b.Error(err)
						}
						cancel()
					}
				})
			}
			for range b.N {
				next <- struct{}{}
			}
			close(next)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}
