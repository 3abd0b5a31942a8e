package port

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// sources are the ways to read the table, best first. The kernel may lack
// tcp_diag, and a sandbox may forbid netlink.
func sources() []source {
	return []source{{"sock_diag", readDiag}, {"/proc/net/tcp", readProc}}
}

// dumpSize holds the largest message of a dump: the kernel packs at most
// 32 KiB into one (netlink_dump in net/netlink/af_netlink.c).
const dumpSize = 32 << 10

// readDiag asks the kernel for listening sockets only. No privilege is
// needed, and no connection or process is walked.
func readDiag(ctx context.Context, add func(listener)) error {
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, &netlink.Config{MessageBufferSize: dumpSize})
	if err != nil {
		return err
	}
	defer c.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(end); err != nil {
			return err
		}
	}
	for _, family := range []uint8{familyInet, familyInet6} {
		_, err := c.Send(netlink.Message{
			Header: netlink.Header{Type: unix.SOCK_DIAG_BY_FAMILY, Flags: netlink.Request | netlink.Dump},
			Data:   inetDiagRequest(family),
		})
		if err != nil {
			return err
		}
		for m, err := range c.ReceiveIter() { // not Execute, which gathers all messages first
			if err != nil {
				return err
			}
			l, err := parseInetDiag(m.Data)
			if err != nil {
				return err
			}
			add(l)
		}
	}
	return nil
}

// readProc reads the same from text files. They list connections too, so
// this costs more on a busy host. Without IPv6 there is no tcp6.
func readProc(_ context.Context, add func(listener)) error {
	if err := readProcFile("/proc/net/tcp", add); err != nil {
		return err
	}
	if err := readProcFile("/proc/net/tcp6", add); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func readProcFile(name string, add func(listener)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := parseProcNet(f, add); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
