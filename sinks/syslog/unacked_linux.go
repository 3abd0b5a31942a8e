package syslog

import (
	"crypto/tls"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged returns how many bytes the far end's side has not taken yet:
// with TCP those that it has not acknowledged, with a Unix socket those that
// it has not read. It leaves an error of the socket to whoever reads, because
// the kernel tells it only once.
func unacknowledged(c net.Conn) (int, error) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0, nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	if e := raw.Control(func(fd uintptr) {
		n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	}); e != nil {
		return 0, e
	}
	if err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	return n, nil
}
