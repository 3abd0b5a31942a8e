package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"dswatch/sinks"
	"dswatch/words"
)

// stream is the one connection of a sink over TCP, TLS or a Unix stream,
// made when it is needed and made again when it breaks.
//
// Messages that are sent while others are on their way go out together: the
// far end's acknowledgement takes a round trip, whatever it is for. Over TCP,
// the next batch does not wait for the acknowledgement of the last one once
// there is enough of it; see flight.
//
// An acknowledgement says that the far end's kernel has a message, not that
// the server has read it, let alone kept it. When the far end ends the
// connection, what was sent just before is sent again over the next one,
// although it was told to be delivered.
type stream struct {
	dial    func(ctx context.Context) (net.Conn, error)
	timeout time.Duration // for connecting, and for one acknowledgement
	lines   bool          // a line feed ends a message, not its length begins it

	mu      sync.Mutex
	waiting *batch // what the next round takes; nil: nothing
	last    int    // bytes of the last one: the next may be as large
	spare   [][]byte
	lost    []round // what the end of a connection may have lost, to go before all else
	running bool    // a goroutine sends and watches acknowledgements
	live    *live   // nil: not connected
	again   *time.Timer
	closed  bool
}

// What is kept for the case that the far end ends the connection.
const (
	// A reset says that something was left unread, which it is for as long as
	// a server may be busy with other things.
	keepForReset = 5 * time.Second
	// An orderly end says that everything was read; a server that is stopped
	// may still have had it in its hands.
	keepForEnd = time.Second
	keepBytes  = 1 << 20
	// maxSpare is how many buffers are used again.
	maxSpare = 4
	// maxTries ends the play with a server that cuts every connection.
	maxTries = 8
	// tryAgain is how long what was lost waits for another attempt when
	// nothing else is sent.
	tryAgain = 5 * time.Second
)

// live is one connection, read by a goroutine that sees it end: a syslog
// server sends nothing, so whatever comes is an end, or is ignored.
type live struct {
	net.Conn
	count *counted      // of the socket below; nil: it cannot tell how much it was given
	ended chan struct{} // closed when no more can be read
	why   error         // valid once ended is closed
	queue *queue        // only the flight asks
	good  bool          // something was acknowledged; only the flight looks at it

	recent []round // acknowledged, oldest first; guarded by the stream's mu
	size   int     // bytes in recent
}

// round is what was written at once.
type round struct {
	at     time.Time // acknowledged
	frames []byte
	tries  int
}

// errLost: the connection ended, or nothing was acknowledged in time.
var errLost = words.Fail(words.ConnectionLost.With())

// send adds a message to the next round and waits for its end, or for ctx. The
// round goes on without the one who left: others are in it. A message holds
// no line feed.
func (s *stream) send(ctx context.Context, message []byte) error {
	s.mu.Lock()
	if s.waiting == nil {
		s.waiting = &batch{done: make(chan struct{}), round: round{frames: s.buffer()}}
	}
	b := s.waiting
	if !s.lines { // RFC 6587 section 3.4.1
		b.frames = strconv.AppendInt(b.frames, int64(len(message)), 10)
		b.frames = append(b.frames, ' ')
	}
	b.frames = append(b.frames, message...)
	if s.lines {
		b.frames = append(b.frames, '\n')
	}
	s.closed = false
	s.run()
	s.mu.Unlock()
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errHungUp is of a test only: otherwise the message is sent again.
var errHungUp = words.Fail(words.HungUp.With())

// stays waits for d and returns errHungUp if the connection ends meanwhile.
func (s *stream) stays(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	c := s.live
	s.mu.Unlock()
	if c == nil {
		return errHungUp
	}
	select {
	case <-c.ended:
		return errHungUp
	case <-time.After(d):
	case <-ctx.Done():
	}
	return nil
}

// run starts the flight unless it is under way. The caller holds mu.
func (s *stream) run() {
	if !s.running {
		s.running = true
		go func() {
			for f := (&flight{stream: s}); f.load(); {
				f.look()
			}
		}()
	}
}

// recover sends what was lost, if nothing else will.
func (s *stream) recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lost) > 0 && !s.closed {
		s.run()
	}
}

// connection returns the live connection, or a new one.
func (s *stream) connection() (*live, error) {
	s.mu.Lock()
	c := s.live
	s.mu.Unlock()
	if c != nil {
		select {
		case <-c.ended:
			s.drop(c)
		default:
			return c, nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	c = newLive(conn)
	go s.watch(c)
	if err := s.accepted(c); err != nil {
		conn.Close()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	s.live = c
	return c, nil
}

// watch reads until the connection ends, and saves what a reset may have lost.
func (s *stream) watch(c *live) {
	_, err := io.Copy(io.Discard, onlyReader{c.Conn})
	if t, ok := c.Conn.(*tls.Conn); ok && err == nil {
		// TLS has said goodbye; TCP says whether something was left unread.
		t.NetConn().SetReadDeadline(time.Now().Add(time.Second))
		if _, err = io.Copy(io.Discard, onlyReader{t.NetConn()}); errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
	}
	if err == nil {
		err = io.EOF
	}
	c.why = err
	close(c.ended)
	switch {
	case errors.Is(err, net.ErrClosed):
		return // it was us
	case err == io.EOF:
		s.save(c, keepForEnd)
	default:
		s.save(c, keepForReset)
	}
	s.drop(c)
	s.recover()
}

// save takes over what was acknowledged on c within the last time. Frames
// that are being sent are not among it: nobody was told that they are
// delivered.
func (s *stream) save(c *live, last time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range c.recent {
		if time.Since(r.at) < last && r.tries < maxTries {
			s.lost = append(s.lost, r)
		}
	}
	c.recent, c.size = nil, 0
}

// onlyReader keeps io.Copy from asking the connection to do the work itself.
type onlyReader struct{ io.Reader }

// refusalTime is how long a far end gets to end a new connection before
// anything is written to it. A TLS 1.3 server refuses our certificate only
// after our side has seen the handshake succeed; a load balancer whose servers
// are down accepts, and then ends it. What was written by then is lost.
const refusalTime = 150 * time.Millisecond

// accepted waits until it is known, or likely, that the far end has let us in.
func (s *stream) accepted(c *live) error {
	if c.count == nil {
		return nil // a Unix socket has nothing in between
	}
	select {
	case <-c.ended:
		if _, ok := c.Conn.(*tls.Conn); ok {
			return refused(c.why)
		}
		return words.FailWith(c.why, words.EndedAtOnce.With(c.why))
	case <-time.After(min(refusalTime, s.timeout/4)):
		return nil
	}
}

func refused(why error) error {
	return sinks.Refused(words.FailWith(why, words.TLSRefused.With(why)))
}

// keep remembers what c has delivered, and forgets what is too old or too
// much. The caller holds mu.
func (s *stream) keep(c *live, batches []*batch) {
	now := time.Now()
	for _, b := range batches {
		c.recent = append(c.recent, round{at: now, frames: b.frames, tries: b.tries + 1})
		c.size += len(b.frames)
	}
	for c.size > keepBytes || len(c.recent) > 0 && now.Sub(c.recent[0].at) > keepForReset {
		c.size -= len(c.recent[0].frames)
		if len(s.spare) < maxSpare {
			s.spare = append(s.spare, c.recent[0].frames[:0])
		}
		c.recent[0].frames = nil
		c.recent = c.recent[1:]
	}
}

// buffer returns where the frames of a batch can be collected. The caller
// holds mu.
func (s *stream) buffer() []byte {
	if n := len(s.spare); n > 0 {
		b := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return b
	}
	return make([]byte, 0, s.last)
}

func (s *stream) drop(c *live) {
	_ = c.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == c {
		s.live = nil
	}
}

// close ends the connection. A later send makes another.
func (s *stream) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.again != nil {
		s.again.Stop()
	}
	c := s.live
	s.live = nil
	if c == nil {
		return nil
	}
	return c.leave()
}

// leave closes the connection. What the far end has not acknowledged is sent
// again over the next one, so the kernel must not go on sending it here: a
// receiver that stood still would have it twice.
func (c *live) leave() error {
	if c.count != nil {
		if left, err := newQueue(c.Conn).left(); err == nil && left > 0 {
			_ = c.count.SetLinger(0)
			return c.count.Close() // past TLS, whose goodbye would wait for room
		}
	}
	return c.Close()
}

// dialer returns how to connect to the receiver of c.
func dialer(c Config) (func(context.Context) (net.Conn, error), error) {
	var d net.Dialer
	switch c.Network {
	case "tcp":
		return func(ctx context.Context) (net.Conn, error) { return dialCounted(ctx, &d, c.withPort()) }, nil
	case "unix":
		return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "unix", c.Address) }, nil
	}
	if _, err := c.TLS.Config(); err != nil { // tell a wrong file at the start
		return nil, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		cfg, err := c.TLS.Config()
		if err != nil {
			return nil, err
		}
		if cfg.ServerName == "" {
			if cfg.ServerName, _, err = net.SplitHostPort(c.withPort()); err != nil {
				return nil, err
			}
		}
		below, err := dialCounted(ctx, &d, c.withPort())
		if err != nil {
			return nil, err
		}
		conn := tls.Client(below, cfg)
		if err = conn.HandshakeContext(ctx); err == nil {
			return conn, nil
		}
		_ = below.Close() // the handshake failed before
		if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return nil, words.FailWith(bad, words.TLSUntrusted.With(bad))
		}
		if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
			return nil, refused(alert)
		}
		return nil, err
	}, nil
}
