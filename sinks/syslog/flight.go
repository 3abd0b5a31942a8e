package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"dswatch/sinks"
	"dswatch/words"
)

// flight is what was written to one connection and is not acknowledged yet.
// One goroutine has it, from the first message until nothing is left.
//
// A batch that is not large enough waits while another is on its way, so that
// many messages share one write (RFC 896 has the same idea for small
// segments); a large one does not wait. Where a broken connection was good
// before, what was in flight is sent again over a new one, once.
type flight struct {
	*stream
	c       *live
	batches []*batch // oldest first
	looks   int      // in vain, since the last acknowledgement or write
	resting bool     // what was lost found no way just now
}

// batch is a round on its way.
type batch struct {
	round
	done  chan struct{} // closed once err is set; nil: told to be delivered before, nobody waits
	err   error
	end   int64     // of it in what the connection was given
	until time.Time // when it must have been acknowledged
	final bool      // a failure is the end of it: no other connection
}

// enough is how many bytes go out while others are on their way: some 40
// messages, with which a write costs little beside making them.
const enough = 32 << 10

// load writes what waits and what was lost, and reports whether there is, or
// was, anything to do.
func (f *flight) load() bool {
	f.mu.Lock()
	b := f.take()
	lost := len(f.lost) > 0
	switch {
	case b != nil:
		f.resting = false
	case len(f.batches) > 0:
		lost = lost && !f.resting
	case lost && f.resting && f.waiting == nil:
		f.running = false
		if !f.closed {
			f.again = time.AfterFunc(tryAgain, f.recover)
		}
		f.mu.Unlock()
		return false
	case !lost && f.waiting == nil:
		f.running = false
		f.mu.Unlock()
		return false
	}
	f.mu.Unlock()
	switch {
	case b != nil:
		f.write(b)
	case lost:
		f.write()
	}
	return true
}

// take returns the batch to write now, if any. The caller holds mu.
func (f *flight) take() *batch {
	b := f.waiting
	if b == nil || len(f.batches) > 0 && (f.c.count == nil || len(b.frames) < enough) {
		return nil
	}
	f.waiting, f.last = nil, len(b.frames)
	return b
}

// write writes what was lost, then todo.
func (f *flight) write(todo ...*batch) {
	f.mu.Lock()
	var all []*batch
	for _, r := range f.lost {
		all = append(all, &batch{round: r})
	}
	f.lost = nil
	f.mu.Unlock()
	all = append(all, todo...)
	if len(f.batches) == 0 { // else the connection that has them, even if it is broken: look sees it
		c, err := f.connection()
		if err != nil {
			f.fail(all, err)
			return
		}
		f.c = c
	}
	until := time.Now().Add(f.timeout)
	first := len(f.batches)
	for _, b := range all {
		b.until, b.end, b.final = until, math.MaxInt64, b.final || !f.c.good
	}
	f.batches, f.looks = append(f.batches, all...), 0
	err := f.c.SetWriteDeadline(until)
	for _, b := range f.batches[first:] {
		if err == nil {
			_, err = f.c.Write(b.frames)
			b.end = f.c.given()
		}
	}
	if err != nil {
		f.broken(err)
	}
}

// look finishes what was acknowledged. Where nothing was, it waits a moment:
// a near far end answers within some ten microseconds, sooner than a sleep
// would end, so it looks a few times before it sleeps.
func (f *flight) look() {
	if len(f.batches) == 0 {
		return
	}
	const looks, pause = 100, 200 * time.Microsecond
	given := f.c.given() // before the question: what is written meanwhile must not count
	left, err := f.c.queue.left()
	if err != nil {
		f.broken(err)
		return
	}
	if f.c.count == nil && left > 0 { // a Unix socket counts the memory that it takes
		given = 0
	}
	n := 0
	for n < len(f.batches) && f.batches[n].end <= given-int64(left) {
		n++
	}
	switch {
	case f.settle(n):
		f.looks = 0
	case len(f.batches) == 0: // it was broken
	case !time.Now().Before(f.batches[0].until):
		f.broken(sinks.Advise(errLost, words.CheckReads.With()))
	case f.looks < looks:
		f.looks++
		runtime.Gosched()
	default:
		time.Sleep(pause)
	}
}

// settle tells the senders of the first n batches that they are delivered,
// and reports whether there were any. A connection that has ended has
// delivered nothing.
func (f *flight) settle(n int) bool {
	f.mu.Lock()
	select {
	case <-f.c.ended:
		f.mu.Unlock()
		f.broken(words.FailWith(errors.Join(errLost, f.c.why), words.ConnectionLostBy.With(f.c.why)))
		return false
	default:
	}
	done := f.batches[:n]
	f.keep(f.c, done)
	f.mu.Unlock()
	if n == 0 {
		return false
	}
	f.c.good, f.resting = true, false
	for _, b := range done {
		if b.done != nil {
			close(b.done)
		}
	}
	f.batches = append([]*batch(nil), f.batches[n:]...)
	return true
}

// broken gives the connection up and sends what was in flight over another.
func (f *flight) broken(err error) {
	f.drop(f.c)
	if errors.Is(err, syscall.ECONNRESET) { // told once, so watch will not see it
		f.save(f.c, keepForReset)
	}
	all := f.batches
	f.batches = nil
	var ends, again []*batch
	for _, b := range all {
		if b.final {
			ends = append(ends, b)
		} else {
			b.final = true
			again = append(again, b)
		}
	}
	f.fail(ends, err)
	if len(again) > 0 {
		f.write(again...)
	}
}

// fail tells the senders of batches. What was told to be delivered before
// waits for another connection.
func (f *flight) fail(batches []*batch, err error) {
	for _, b := range batches {
		if b.done != nil {
			b.err = err
			close(b.done)
			continue
		}
		f.resting = true
		f.mu.Lock()
		f.lost = append(f.lost, b.round)
		f.mu.Unlock()
	}
}

// counted is a TCP connection that counts what its socket has taken.
type counted struct {
	*net.TCPConn
	n atomic.Int64
}

func dialCounted(ctx context.Context, d *net.Dialer, address string) (*counted, error) {
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &counted{TCPConn: conn.(*net.TCPConn)}, nil
}

// Write counts afterwards: what is counted is in the socket.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

func newLive(conn net.Conn) *live {
	below := conn
	if t, ok := conn.(*tls.Conn); ok {
		below = t.NetConn()
	}
	count, _ := below.(*counted)
	return &live{Conn: conn, count: count, queue: newQueue(conn), ended: make(chan struct{})}
}

// given returns how many bytes the socket was given, records of TLS and all.
// For one that cannot tell it is 1: what was written ends there, and is
// acknowledged once nothing is left.
func (c *live) given() int64 {
	if c.count == nil {
		return 1
	}
	return c.count.n.Load()
}
