package guard

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"dswatch/words"
)

// Peer is who is at the other end of a Unix socket, as the kernel says: who
// connected or, seen from there, who listens.
type Peer struct {
	UID    uint32
	PID    int
	groups []uint32
}

// PeerOf asks the kernel for the other end.
func PeerOf(c *net.UnixConn) (p Peer, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	cerr := raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p = Peer{cred.Uid, int(cred.Pid), append(peerGroups(fd), cred.Gid)}
		}
	})
	return p, errors.Join(err, cerr)
}

// soPeerGroups is SO_PEERGROUPS of Linux 4.13, which x/sys does not have.
const soPeerGroups = 59

// peerGroups are the supplementary groups of the other end, none where the
// kernel does not tell.
func peerGroups(fd uintptr) []uint32 {
	groups := make([]uint32, 1<<16) // as many as a process can have
	size := uint32(4 * len(groups))
	_, _, no := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, soPeerGroups,
		uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
	if no != 0 {
		return nil
	}
	return groups[:size/4]
}

// Rules reports whether the peer is root or the user of this process.
func (p Peer) Rules() bool { return p.UID == 0 || int(p.UID) == os.Geteuid() }

// In reports whether the peer is in the group of that name.
func (p Peer) In(group string) bool {
	b, err := os.ReadFile("/etc/group")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 3 || f[0] != group {
			continue
		}
		for _, gid := range p.groups {
			if f[2] == strconv.FormatUint(uint64(gid), 10) {
				return true
			}
		}
	}
	return false
}

// Keeper returns whose the folder is that nobody but root could have given him:
// every folder above is root's, and only root writes there.
func Keeper(dir string) (uid uint32, ok bool) {
	ok = true
	last, err := walk(dir, func(s step) {
		above := s
		above.last = true // others may not even add something
		if !s.last && (s.st.Uid != 0 || len(judge(above)) > 0) {
			ok = false
		}
	})
	if err != nil {
		return 0, false
	}
	unix.Close(last.fd)
	return last.st.Uid, ok
}

// Serves returns nil when what listens is run by root, the user of this process
// or the keeper of dir, else an error that says who it is.
func Serves(uid uint32, at, dir string) error {
	if uid == 0 || int(uid) == os.Geteuid() {
		return nil
	}
	if keeper, ok := Keeper(dir); ok && keeper == uid {
		return nil
	}
	return words.Fail(words.StrangeListener.With(at, userName(uid)))
}

// acceptTime is how long a server has to take a connection. It does so at once,
// unless it is frozen.
const acceptTime = 2 * time.Second

// TCPServer returns whose process has accepted a connection to this host. The
// listener's owner is not enough: another one may have listened before it.
func TCPServer(c net.Conn) (uid uint32, err error) {
	here, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return 0, err
	}
	there, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return 0, err
	}
	for end := time.Now().Add(acceptTime); ; time.Sleep(5 * time.Millisecond) {
		for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
			b, err := os.ReadFile(table)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return 0, err
			}
			for line := range strings.Lines(string(b)) {
				if uid, ok := acceptedBy(line, there, here); ok {
					return uid, nil
				}
			}
		}
		if time.Now().After(end) {
			return 0, words.Fail(words.NobodyAccepts.With(there.String()))
		}
	}
}

// acceptedBy reads a line of /proc/net/tcp: whose the connection from one
// address to another is, once a process has it.
func acceptedBy(line string, local, remote netip.AddrPort) (uid uint32, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[9] == "0" || hexAddress(f[1]) != local.String() || hexAddress(f[2]) != remote.String() {
		return 0, false
	}
	n, err := strconv.ParseUint(f[7], 10, 32)
	return uint32(n), err == nil
}

// hexAddress is an address of /proc/net/tcp as netip writes it: words of four
// bytes in the order of this machine, which on all that dswatch runs on is the
// little one.
func hexAddress(s string) string {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, perr := strconv.ParseUint(port, 16, 16)
	if err != nil || perr != nil || len(b)%4 != 0 {
		return ""
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return ""
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)).String()
}

// SocketPath is path in a form that is short enough for a socket's address: what
// is longer is named by its open folder. Release is called after its use.
func SocketPath(path string) (short string, release func(), err error) {
	const most = len(unix.RawSockaddrUnix{}.Path) - 1
	if len(path) <= most {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%s/%s", self(int(dir.Fd())), filepath.Base(path)), func() { dir.Close() }, nil
}
