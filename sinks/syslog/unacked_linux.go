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
// it has not read. An error that the socket has got is told first.
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
	n, code := 0, 0
	if e := raw.Control(func(fd uintptr) {
		if n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			code, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		}
	}); e != nil {
		return 0, e
	}
	if err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	if code != 0 {
		return 0, os.NewSyscallError("write", unix.Errno(code))
	}
	return n, nil
}
