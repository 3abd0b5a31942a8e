package receive

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// chat is what the stand-ins for chats have in common: messages of type M.
type chat[M any] struct {
	// Every is the least time between two messages, 0 for none.
	Every time.Duration

	mu      sync.Mutex
	got     []M
	refused []string
	status  int
	header  http.Header
	body    string
	last    time.Time
}

// Answer makes it answer like this instead of looking at the message; status 0
// ends it.
func (c *chat[M]) Answer(status int, header http.Header, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.header, c.body = status, header, body
}

// Received returns what was accepted, oldest first.
func (c *chat[M]) Received() []M { c.mu.Lock(); defer c.mu.Unlock(); return slices.Clone(c.got) }

// Refused returns why messages were refused, or dropped after a success. A
// correct sink causes none.
func (c *chat[M]) Refused() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.refused)
}

// Await waits until n messages were accepted.
func (c *chat[M]) Await(t testing.TB, n int) []M {
	t.Helper()
	await(t, fmt.Sprintf("%d messages", n), func() bool { return len(c.Received()) >= n })
	return c.Received()
}

// answered gives the answer that Answer has set, if any. The caller holds mu.
func (c *chat[M]) answered(w http.ResponseWriter) bool {
	if c.status == 0 {
		return false
	}
	for k, v := range c.header {
		w.Header()[k] = v
	}
	w.WriteHeader(c.status)
	io.WriteString(w, c.body)
	return true
}

// early sets Retry-After when a message comes sooner than Every allows, and
// reports whether it does. The caller holds mu.
func (c *chat[M]) early(w http.ResponseWriter) bool {
	wait := time.Until(c.last.Add(c.Every))
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	return wait > 0
}
