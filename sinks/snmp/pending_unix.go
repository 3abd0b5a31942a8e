//go:build unix

package snmp

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// pending returns and clears the error that the socket has got since it was
// last asked: on the same host "port unreachable" is there at once, from
// another host it comes a round trip later.
func pending(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
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
