package main

import (
	"bytes"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *shared) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// TestFarEndThatSpeaksUnasked repeats a token of an earlier request; net/http
// writes that to the standard log.
func TestFarEndThatSpeaksUnasked(t *testing.T) {
	var log shared
	hear(slog.New(slog.NewJSONHandler(&log, nil)))
	defer stdlog.SetOutput(os.Stderr)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	server := func(c net.Conn) {
		defer c.Close()
		c.Read(make([]byte, 4096))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		time.Sleep(10 * time.Millisecond) // mostly idle by then
		io.WriteString(c, "HTTP/1.1 200 OK\r\nX: token-0123456789\r\n\r\n")
		time.Sleep(10 * time.Millisecond)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go server(c)
		}
	}()
	for until := time.Now().Add(20 * time.Second); !strings.Contains(log.String(), "Unsolicited"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nothing was said")
		}
		if resp, err := http.Get("http://" + l.Addr().String()); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	if got := log.String(); strings.Contains(got, "token") || !strings.HasPrefix(got, `{"time"`) {
		t.Error(got)
	}
}
