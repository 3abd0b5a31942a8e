package sinks_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/sinks"
)

func newHTTP(t testing.TB, o sinks.HTTPOptions) *sinks.HTTP {
	t.Helper()
	h, err := sinks.NewHTTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"":                               -1,
		"0":                              -1,
		"5":                              5 * time.Second,
		" 5 ":                            5 * time.Second,
		"3600":                           time.Hour,
		"3601":                           time.Hour,
		"99999999999999999999":           time.Hour,
		"-5":                             -1,
		"+5":                             -1,
		"5.5":                            -1,
		"0x10":                           -1,
		"soon":                           -1,
		"Sun, 22 Nov 2026 03:05:05 GMT":  time.Minute,
		"Sun, 22 Nov 2026 03:04:05 GMT":  -1,
		"Sun, 22 Nov 2020 03:04:05 GMT":  -1,
		"Sun, 22 Nov 2099 03:04:05 GMT":  time.Hour,
		"Sunday, 22-Nov-26 03:04:35 GMT": 30 * time.Second, // RFC 850
		"Sun Nov 22 03:04:35 2026":       30 * time.Second, // asctime
	} {
		d, ok := sinks.ParseRetryAfter(v, now)
		if ok != (want >= 0) || ok && d != want {
			t.Errorf("%q is %s, %v; want %s", v, d, ok, want)
		}
	}
}

func FuzzRetryAfterHeader(f *testing.F) {
	now := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	for _, s := range []string{"", "5", "-1", "99999999999999999999", "Sun, 22 Nov 2026 03:05:05 GMT", "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := sinks.ParseRetryAfter(s, now); d < 0 || d > sinks.MaxRetryAfter || ok != (d > 0) {
			t.Errorf("%q is %s, %v", s, d, ok)
		}
	})
}

func TestSecretsOfURLs(t *testing.T) {
	for in, want := range map[string][]string{
		"https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX": {"T00000000", "B00000000", "XXXXXXXXXXXX"},
		"https://user:pa%2Fss@example.com/hook?token=ab%26cd":               {"user", "pa/ss", "ab&cd", "ab%26cd"},
		"https://example.com/hook":                                          nil,
	} {
		u, err := sinks.ParseURL(in)
		if err != nil {
			t.Fatal(err)
		}
		r := sinks.NewRedactor(sinks.URLSecrets(u)...)
		text := r.Text("seen " + strings.Join(want, " and ") + " in /hook of example.com")
		for _, s := range want {
			if strings.Contains(text, s) {
				t.Errorf("%s: %q is left in %q", in, s, text)
			}
		}
		if !strings.Contains(text, "/hook of example.com") {
			t.Errorf("%s: torn: %q", in, text)
		}
	}
}

func TestURLErrorsRepeatNothing(t *testing.T) {
	for _, in := range []string{"", "://secret-in-it", "http://[secret-in-it", "http://secret in it/", "ftp://x/secret-in-it", "https:///secret-in-it", "http://x/%zzsecret-in-it", "secret-in-it\x00"} {
		if _, err := sinks.ParseURL(in); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestRedactedErrors(t *testing.T) {
	r := sinks.NewRedactor("hidden-value", `quo"te`, "abc", "")
	clean := errors.New("connection refused")
	if r.Error(clean) != clean || r.Error(nil) != nil {
		t.Error("a clean error was changed")
	}
	for name, err := range map[string]error{
		"own text":     fmt.Errorf("post hidden-value: %w", context.DeadlineExceeded),
		"wrapped":      fmt.Errorf("post: %w", &url.Error{Op: "Post", URL: "https://x/hidden-value", Err: context.DeadlineExceeded}),
		"quoted":       fmt.Errorf("post %q: %w", `quo"te`, context.DeadlineExceeded),
		"escaped":      fmt.Errorf("post %s: %w", url.QueryEscape(`quo"te`), context.DeadlineExceeded),
		"inside joint": fmt.Errorf("a: %w", errors.Join(context.DeadlineExceeded, errors.New("hidden-value"))),
		"hidden below": wrapper{"post failed", fmt.Errorf("hidden-value: %w", context.DeadlineExceeded)},
	} {
		got := r.Error(err)
		if text := fmt.Sprintf("%v %+v %#v", got, errors.Unwrap(got), got); strings.Contains(text, "hidden-value") || strings.Contains(text, "quo") {
			t.Errorf("%s: %s", name, text)
		}
		if !errors.Is(got, context.DeadlineExceeded) {
			t.Errorf("%s: no timeout any more: %v", name, got)
		}
	}
	if text := r.Text("abc"); text != "abc" {
		t.Errorf("three letters are no secret: %q", text)
	}
	// The communities of every SNMP agent are ordinary words, and no secrets.
	r = sinks.NewRedactor("public", "private", "publicly")
	if text := r.Text("no public key, no private one: publicly"); text != "no public key, no private one: [redacted]" {
		t.Error(text)
	}
}

type wrapper struct {
	text string
	err  error
}

func (w wrapper) Error() string { return w.text }
func (w wrapper) Unwrap() error { return w.err }

func FuzzRedactor(f *testing.F) {
	f.Add("secret", "some secret text")
	f.Add("aaaa", "aaaaaaa")
	f.Add("[redacted]", "[redacted]")
	f.Fuzz(func(t *testing.T, secret, text string) {
		if len(secret) < 4 || strings.Contains("[redacted][redacted]", secret) {
			return
		}
		// What is left may form the value anew only around a mark.
		if got := sinks.NewRedactor(secret).Text(text); strings.Contains(strings.ReplaceAll(got, "[redacted]", "\x00\x00"), secret) && !strings.Contains(secret, "\x00\x00") {
			t.Errorf("%q is left in %q", secret, got)
		}
	})
}

// TestQuoteOfLongAnswers moves a secret across the border of what is looked
// at: its half must not be shown.
func TestQuoteOfLongAnswers(t *testing.T) {
	secret := strings.Repeat("S3CRET-", 150) // as long as a token of three parts
	var body atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		io.WriteString(w, body.Load().(string))
	}))
	defer srv.Close()
	h := newHTTP(t, sinks.HTTPOptions{URL: srv.URL, Secrets: []string{secret}})
	for before := 0; before < 200; before += 7 {
		body.Store(strings.Repeat("x", before) + strings.Repeat(secret, 50))
		_, err := h.Post(t.Context(), http.Header{}, nil)
		if err == nil || strings.Contains(err.Error(), "S3CRET") {
			t.Fatalf("after %d bytes: %v", before, err)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Want") {
		case "401":
			http.Error(w, "who are\nyou?", 401)
		case "301":
			http.Redirect(w, r, "/elsewhere", 301)
		case "302":
			http.Redirect(w, r, "/elsewhere", 302)
		case "500":
			w.WriteHeader(500)
		}
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	h := newHTTP(t, sinks.HTTPOptions{URL: srv.URL + "/hook"})
	for want, c := range map[string]struct {
		text      string
		permanent bool
	}{
		"401": {"post to " + host + ": answered 401 Unauthorized: who are you?; check the credentials of this sink", true},
		"500": {"post to " + host + ": answered 500 Internal Server Error", false},
		"301": {"post to " + host + ": answered 301 Moved Permanently; redirects are not followed, write the final URL", true},
		"302": {"post to " + host + ": answered 302 Found; redirects are not followed, write the final URL", true},
	} {
		_, err := h.Post(t.Context(), http.Header{"Want": {want}}, []byte("{}"))
		if err == nil || err.Error() != c.text || sinks.IsPermanent(err) != c.permanent {
			t.Errorf("%s: %v\nwant %s", want, err, c.text)
		}
	}
}

// TestOutages wants every way in which a far end can be missing to be
// temporary, to end in time and to be told in one line with a name.
func TestOutages(t *testing.T) {
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go serve(c)
			}
		}()
		return "http://" + l.Addr().String()
	}
	read := func(c net.Conn) { c.Read(make([]byte, 4096)) }
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	own := httptest.NewUnstartedServer(http.NotFoundHandler()) // its authority is nobody's
	own.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	own.StartTLS()
	t.Cleanup(own.Close)

	for name, c := range map[string]struct {
		url   string
		class sinks.Class
		tls   *tls.Config
	}{
		"refused":         {url: "http://" + closed.Addr().String(), class: sinks.ClassTemporary},
		"hanging":         {url: listen(func(c net.Conn) { io.Copy(io.Discard, c) }), class: sinks.ClassTimeout},
		"closed at once":  {url: listen(func(c net.Conn) { c.Close() }), class: sinks.ClassTemporary},
		"closed half way": {url: listen(func(c net.Conn) { read(c); io.WriteString(c, "HTTP/1.1 200 O"); c.Close() }), class: sinks.ClassTemporary},
		"not HTTP":        {url: listen(func(c net.Conn) { read(c); io.WriteString(c, "SSH-2.0-\x1b[2J\r\n\r\n"); c.Close() }), class: sinks.ClassTemporary},
		"endless head": {url: listen(func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(c, "X: "+strings.Repeat("y", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}), class: sinks.ClassTemporary},
		"slow head": {url: listen(func(c net.Conn) {
			read(c)
			for {
				if _, err := io.WriteString(c, "H"); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}), class: sinks.ClassTimeout},
		"name not known":   {url: "http://no-such-host.invalid", class: ""},
		"untrusted":        {url: own.URL, class: sinks.ClassTemporary},
		"another name":     {url: own.URL, class: sinks.ClassTemporary, tls: &tls.Config{ServerName: "other.example", RootCAs: own.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}},
		"plain HTTP there": {url: strings.Replace(listen(func(c net.Conn) { read(c); io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n"); c.Close() }), "http:", "https:", 1), class: sinks.ClassTemporary},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHTTP(t, sinks.HTTPOptions{URL: c.url + "/hidden-path-segment", TLS: c.tls})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			start := time.Now()
			_, err := h.Post(ctx, http.Header{}, []byte("{}"))
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("took %s", took)
			}
			if err == nil || sinks.IsPermanent(err) {
				t.Fatalf("not a temporary failure: %v", err)
			}
			if got := sinks.Classify(err); c.class != "" && got != c.class {
				t.Errorf("class %s, want %s: %v", got, c.class, err)
			}
			text := err.Error()
			if text != sinks.Line(text, 600) || strings.Contains(text, "hidden-path-segment") || !strings.HasPrefix(text, "post to ") {
				t.Errorf("text: %q", text)
			}
		})
	}
}

func TestProxyIsUsed(t *testing.T) {
	// The environment is read once in a process, so this looks at the
	// function and not at its effect.
	if !sinks.UsesProxyFromEnvironment(newHTTP(t, sinks.HTTPOptions{URL: "https://example.com"})) {
		t.Error("HTTPS_PROXY has no effect")
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 10000))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	h := newHTTP(t, sinks.HTTPOptions{URL: srv.URL, Concurrency: 4})
	done := make(chan error)
	for range 4 {
		go func() {
			for range 50 {
				if _, err := h.Post(t.Context(), http.Header{}, []byte("{}")); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := opened.Load(); n > 8 {
		t.Errorf("%d connections for 4 at once", n)
	}
}

// TestHTTPLeavesTheTLSSettingsAlone: several clients are made of one.
func TestHTTPLeavesTheTLSSettingsAlone(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	shared := &tls.Config{RootCAs: pool}
	var wg sync.WaitGroup
	for range 4 {
		h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: srv.URL, TLS: shared})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if _, err := h.Post(t.Context(), http.Header{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if shared.NextProtos != nil {
		t.Errorf("the settings now say %v", shared.NextProtos)
	}
}

// TestOldTLSIsRefused: whoever can change what passes must not bring both
// sides down to a protocol that can be read.
func TestOldTLSIsRefused(t *testing.T) {
	for name, version := range map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12} {
		t.Run(name, func(t *testing.T) {
			var posts atomic.Int32
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
			srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
			srv.StartTLS()
			defer srv.Close()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := sinks.TLS{CAFile: ca}.Config()
			if err != nil {
				t.Fatal(err)
			}
			_, err = newHTTP(t, sinks.HTTPOptions{URL: srv.URL, TLS: c}).Post(t.Context(), http.Header{}, []byte("{}"))
			if good := version >= tls.VersionTLS12; (err == nil) != good || (posts.Load() == 1) != good {
				t.Errorf("%v after %d requests", err, posts.Load())
			}
			if err != nil && (sinks.IsPermanent(err) || !strings.Contains(err.Error(), "protocol version")) {
				t.Errorf("the error does not tell the reason: %v", err)
			}
		})
	}
}

// TestIdleConnectionsEnd: an idle connection is neither kept for ever nor made
// anew for every alert.
func TestIdleConnectionsEnd(t *testing.T) {
	h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: "https://example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	if d := sinks.IdleTimeout(h); d != 90*time.Second {
		t.Errorf("it is kept for %s", d)
	}
}

// TestNextSteps: what a far end's status asks of whoever reads it.
func TestNextSteps(t *testing.T) {
	for status, want := range map[int]string{
		301: "write the final URL", 399: "write the final URL", 401: "check the credentials", 403: "check the credentials",
		404: "check the URL", 410: "check the URL", 413: "raise the far end's limit", 402: "", 405: "", 409: "", 411: "", 414: "", 500: "",
	} {
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: far.URL})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Post(t.Context(), http.Header{}, []byte("{}"))
		far.Close()
		if err == nil || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %q", status, err, want)
		}
		for _, other := range []string{"write the final URL", "check the credentials", "check the URL", "raise the far end's limit"} {
			if other != want && err != nil && strings.Contains(err.Error(), other) {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
}
