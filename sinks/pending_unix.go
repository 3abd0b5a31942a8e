//go:build unix

package sinks

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pending returns and clears the error that the socket has got since it was
// last asked: from the same host "port unreachable" is there at once, from
// another one it comes a round trip later.
func pending(c net.Conn) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	code := 0
	if e := raw.Control(func(fd uintptr) {
		code, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	}); e != nil {
		return e
	}
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code != 0 {
		return os.NewSyscallError("write", unix.Errno(code))
	}
	return nil
}
