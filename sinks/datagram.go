package sinks

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"dswatch/words"
)

// resolveAgain is how long a host name's address is believed, so that a far
// end that moved is found although UDP never complains.
const resolveAgain = 5 * time.Minute

// Datagram is one connected datagram socket, UDP or Unix, made when it is
// needed and made again after an error. Safe for concurrent use.
type Datagram struct {
	network, address string
	named            bool // by a host name, which may get another address
	hear             func(net.Conn)
	writing          chan struct{} // holds one token: whose turn it is

	mu   sync.Mutex
	conn net.Conn
	made time.Time
}

// NewDatagram returns a Datagram for network ("udp", "unixgram") and address;
// it opens nothing. hear, if there is one, runs in its own goroutine for each
// socket; a read fails once that is closed.
func NewDatagram(network, address string, hear func(net.Conn)) *Datagram {
	d := &Datagram{network: network, address: address, hear: hear, writing: make(chan struct{}, 1)}
	if host, _, err := net.SplitHostPort(address); err == nil && network == "udp" {
		d.named = net.ParseIP(host) == nil
	}
	return d
}

// Conn returns the socket, which it makes if there is none.
func (d *Datagram) Conn(ctx context.Context) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && d.named && time.Since(d.made) > resolveAgain {
		d.conn.Close() // whoever waits for an answer asks again
		d.conn = nil
	}
	if d.conn != nil {
		return d.conn, nil
	}
	var dial net.Dialer
	c, err := dial.DialContext(ctx, d.network, d.address)
	if err != nil {
		return nil, err
	}
	d.conn, d.made = c, time.Now()
	if d.hear != nil {
		go d.hear(c)
	}
	return c, nil
}

// Drop closes c, unless it has been replaced by now.
func (d *Datagram) Drop(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == c {
		c.Close()
		d.conn = nil
	}
}

// Close closes the socket. A later Write makes another.
func (d *Datagram) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return nil
	}
	err := d.conn.Close()
	d.conn = nil
	return err
}

// Write sends one datagram. It waits for room in the socket as long as ctx
// lasts. On Unix it also asks the socket for an error: a port of this host
// that nobody listens on is told at once, one of another host with a later
// Write, which is then not sent.
func (d *Datagram) Write(ctx context.Context, b []byte) error {
	select {
	case d.writing <- struct{}{}:
		defer func() { <-d.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := d.Conn(ctx)
	if err != nil {
		return err
	}
	if err = writeWithin(ctx, c, b); err == nil {
		err = pending(c)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED) && d.network == "udp": // the socket is good for the next one
		return words.FailWith(err, words.NobodyListens.With(err))
	}
	d.Drop(c)
	return err
}

// writeWithin writes b to c, which nobody else writes to, as long as ctx lasts.
func writeWithin(ctx context.Context, c net.Conn, b []byte) error {
	deadline, _ := ctx.Deadline() // none: the zero time waits without end
	if err := c.SetWriteDeadline(deadline); err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.SetWriteDeadline(time.Unix(1, 0))
		close(ended)
	})
	_, err := c.Write(b)
	if !stop() {
		<-ended // or it could end the next one's write
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded): // the socket's timer was first
		return context.DeadlineExceeded
	}
	return err
}
