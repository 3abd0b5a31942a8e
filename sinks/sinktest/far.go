package sinktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Far is a far end under the suite's control. Address and Received are
// needed; a nil function means that the protocol has nothing of the kind.
type Far struct {
	Address  string           // what New makes the sink's configuration of: "127.0.0.1:1162", "http://127.0.0.1:8080"
	Received func() []Message // what was accepted so far, oldest first
	Answer   func(Answer)     // how to answer from now on (HTTP)
	Hang     func()           // accept from now on, and never answer
	Break    func()           // cut every open connection, go on listening
	Close    func()           // be gone: nobody listens any more; may be called twice
}

// Message is one thing that arrived.
type Message struct {
	Header http.Header // HTTP only
	Body   []byte
}

// Answer is what an HTTP far end says.
type Answer struct {
	Status   int // 0: the ordinary answer
	Header   map[string]string
	Body     string
	SlowBody bool // the head at once, then one byte each 20 ms
	Endless  bool // Body again and again, as fast as it is read
}

// HTTP returns an HTTP far end on loopback. It answers 200 and "ok" to what
// check accepts; what check refuses fails the test and is answered 400.
func HTTP(t *testing.T, check func(r *http.Request, body []byte) error) *Far {
	t.Helper()
	return HTTPSaying(t, func([]byte) string { return "ok" }, check)
}

// HTTPSaying is HTTP with what it says to a body that it accepts.
func HTTPSaying(t *testing.T, say func(body []byte) string, check func(r *http.Request, body []byte) error) *Far {
	t.Helper()
	var (
		mu     sync.Mutex
		got    []Message
		answer Answer
		hang   bool
	)
	over := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sink went away; that is its right
		}
		mu.Lock()
		a, h := answer, hang
		mu.Unlock()
		if h {
			select {
			case <-r.Context().Done():
			case <-over:
			}
			return
		}
		if a.Status == 0 {
			a.Status, a.Body = http.StatusOK, say(body)
			if err := check(r, body); err != nil {
				t.Errorf("far end: %v\n%s", err, clip(body))
				a.Status, a.Body = http.StatusBadRequest, err.Error()
			} else {
				mu.Lock()
				got = append(got, Message{r.Header.Clone(), body})
				mu.Unlock()
			}
		}
		for k, v := range a.Header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.Status)
		for a.Endless {
			if _, err := io.WriteString(w, a.Body); err != nil {
				return
			}
		}
		if !a.SlowBody {
			io.WriteString(w, a.Body)
			return
		}
		for i := range a.Body {
			io.WriteString(w, a.Body[i:i+1])
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-over:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}))
	closing := sync.OnceFunc(func() {
		close(over)
		srv.CloseClientConnections()
		srv.Close()
	})
	t.Cleanup(closing)
	return &Far{
		Address:  srv.URL,
		Received: func() []Message { mu.Lock(); defer mu.Unlock(); return slices.Clone(got) },
		Answer:   func(a Answer) { mu.Lock(); defer mu.Unlock(); answer = a },
		Hang:     func() { mu.Lock(); defer mu.Unlock(); hang = true },
		Break:    srv.CloseClientConnections,
		Close:    closing,
	}
}

func clip(b []byte) string {
	if len(b) > 2000 {
		b = b[:2000]
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// Proxy is an HTTP proxy on loopback that knows no other host and notes what
// it is asked for: "POST far.invalid", "CONNECT far.invalid:443".
func Proxy(t *testing.T) (url string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.Host)
		http.Error(w, "no such host", http.StatusBadGateway)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(got) }
}
