package syslog

import (
	"crypto/tls"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// queue asks a socket what the far end's side has not taken yet. It is not
// safe for concurrent use.
type queue struct {
	raw syscall.RawConn // nil: not a socket
	n   int
	err error
	ask func(fd uintptr) // made once, because it is asked many times
}

func newQueue(c net.Conn) *queue {
	q := &queue{}
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if sc, ok := c.(syscall.Conn); ok {
		q.raw, q.err = sc.SyscallConn()
	}
	q.ask = func(fd uintptr) { q.n, q.err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }
	return q
}

// left returns how many bytes the far end's side has not taken yet: with TCP
// those that it has not acknowledged, with a Unix socket those that it has
// not read. It leaves an error of the socket to whoever reads, because the
// kernel tells it only once.
func (q *queue) left() (int, error) {
	if q.raw == nil {
		return 0, q.err
	}
	if err := q.raw.Control(q.ask); err != nil {
		return 0, err
	}
	if q.err != nil {
		return 0, os.NewSyscallError("ioctl", q.err)
	}
	return q.n, nil
}
