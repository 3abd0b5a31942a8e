package bus

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// complaints hands warnings and errors of the embedded server to slog, drops
// the rest, and remembers the last one: the server answers a failed write
// with silence, and only its log knows why.
type complaints struct {
	log    *slog.Logger
	alarm  func() // called at each error
	mended func() // called when there is space again

	mu   sync.Mutex
	text string
	at   time.Time
}

func (c *complaints) Noticef(string, ...any) {}
func (c *complaints) Debugf(string, ...any)  {}
func (c *complaints) Tracef(string, ...any)  {}

// rebuilt is in what the server says after a kill -9, when it reads a stream
// once through instead of trusting its index. Nothing is wrong then.
const rebuilt = "TTL state is outdated; attempting to recover"

func (c *complaints) Warnf(format string, v ...any) {
	if strings.Contains(format, rebuilt) {
		c.log.Debug("message server", "text", fmt.Sprintf(format, v...))
		return
	}
	c.log.Warn("message server", "text", c.remember(format, v))
}

func (c *complaints) Errorf(format string, v ...any) {
	c.log.Error("message server", "text", c.remember(format, v))
	c.alarm()
}

// Fatalf does not end the process; Open and Publish report what the server
// cannot do any more.
func (c *complaints) Fatalf(format string, v ...any) { c.Errorf(format, v...) }

func (c *complaints) remember(format string, v []any) string {
	text := fmt.Sprintf(format, v...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text, c.at = text, time.Now()
	return text
}

// last returns what was said in the past minute as the tail of an error text,
// or nothing.
func (c *complaints) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.text == "" || time.Since(c.at) > time.Minute {
		return ""
	}
	return "; the server said: " + c.text
}
