package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// resolveAgain is how long a host name's address is believed, so that a
// receiver that moved is found although UDP never complains.
const resolveAgain = 5 * time.Minute

// link is the one connected socket of a sink, made when it is needed and
// made again after an error. Safe for concurrent use.
type link struct {
	address string
	named   bool // by a host name, which may get another address
	hear    func(*net.UDPConn)

	mu   sync.Mutex
	conn *net.UDPConn
	made time.Time
}

// newLink returns a link to address. hear, if there is one, runs in its own
// goroutine for each socket until that is closed.
func newLink(address string, hear func(*net.UDPConn)) *link {
	host, _, _ := net.SplitHostPort(address) // Validate has split it before
	return &link{address: address, named: net.ParseIP(host) == nil, hear: hear}
}

func (l *link) get(ctx context.Context) (*net.UDPConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && l.named && time.Since(l.made) > resolveAgain {
		l.conn.Close() // an inform in flight is sent again
		l.conn = nil
	}
	if l.conn != nil {
		return l.conn, nil
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", l.address)
	if err != nil {
		return nil, err
	}
	l.conn, l.made = c.(*net.UDPConn), time.Now()
	if l.hear != nil {
		go l.hear(l.conn)
	}
	return l.conn, nil
}

// drop closes c, unless another caller has replaced it by now.
func (l *link) drop(c *net.UDPConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == c {
		c.Close()
		l.conn = nil
	}
}

func (l *link) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	return err
}

// write sends one datagram. An error that the socket still holds from an
// earlier one is told now and this one is not sent.
func (l *link) write(ctx context.Context, b []byte) error {
	c, err := l.get(ctx)
	if err != nil {
		return err
	}
	deadline, _ := ctx.Deadline() // none: the zero time waits as long as it takes
	err = c.SetWriteDeadline(deadline)
	if err == nil {
		_, err = c.Write(b)
	}
	if err == nil {
		err = pending(c)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED): // the socket is good for the next one
		return fmt.Errorf("%w; check that the receiver is running and listens on this port", err)
	}
	l.drop(c)
	return err
}
