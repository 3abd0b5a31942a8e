package receive

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"dswatch/test/ports"
)

// HTTP is a server on a loopback port that it keeps when it is stopped and
// started again.
type HTTP struct {
	URL     string // http://127.0.0.1:PORT
	address string
	handler http.Handler
	server  *http.Server
}

// StartHTTP serves h until the test ends.
func StartHTTP(t testing.TB, h http.Handler) *HTTP {
	t.Helper()
	s := &HTTP{address: "127.0.0.1:" + ports.Free(t, "tcp"), handler: h}
	s.Start(t)
	s.URL = "http://" + s.address
	t.Cleanup(s.Stop)
	return s
}

// Start serves again, at the same address.
func (s *HTTP) Start(t testing.TB) {
	t.Helper()
	var l net.Listener
	await(t, "to listen at "+s.address, func() bool {
		var err error
		l, err = net.Listen("tcp", s.address)
		return err == nil
	})
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // its error is that of Stop
}

// Stop lets requests in flight end, for a second, then cuts every connection.
// Connections are refused from now on.
func (s *HTTP) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
}

// await polls until ok or the deadline, and says what was missing.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// Tunnel does what CONNECT asks for.
func Tunnel(w http.ResponseWriter, r *http.Request) {
	far, err := net.DialTimeout("tcp", r.Host, 5*time.Second)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer far.Close()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	if _, err := near.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		return
	}
	go func() { _, _ = io.Copy(far, buffered) }()
	_, _ = io.Copy(near, far)
}
