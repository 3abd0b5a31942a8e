package port

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// parseProcNet reads the listening sockets from /proc/net/tcp or tcp6. A
// line is (proc_pid_net(5)):
//
//	sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...
func parseProcNet(r io.Reader, add func(listener)) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), 4096)
	for n := 1; s.Scan(); n++ {
		if n == 1 {
			if !strings.Contains(s.Text(), "local_address") {
				return fmt.Errorf("read line 1: is not the heading")
			}
			continue
		}
		f := strings.Fields(s.Text())
		if len(f) < 10 {
			return fmt.Errorf("read line %d: %d fields, want at least 10", n, len(f))
		}
		state, err := strconv.ParseUint(f[3], 16, 8)
		if err != nil {
			return fmt.Errorf("read line %d: state %q is no hexadecimal number", n, short(f[3]))
		}
		if state != stateListen {
			continue
		}
		a, err := parseProcAddr(f[1])
		if err != nil {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		uid, err := strconv.ParseUint(f[7], 10, 32)
		if err != nil {
			return fmt.Errorf("read line %d: uid %q is no number", n, short(f[7]))
		}
		inode, err := strconv.ParseUint(f[9], 10, 64)
		if err != nil {
			return fmt.Errorf("read line %d: inode %q is no number", n, short(f[9]))
		}
		add(listener{a, owner{uid: uint32(uid), inode: inode}})
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read table: %w", err)
	}
	return nil
}

// parseProcAddr reads ADDRESS:PORT. The address is printed as 32-bit words
// in the byte order of the machine, the port as a number.
func parseProcAddr(s string) (netip.AddrPort, error) {
	bad := fmt.Errorf("address %q is not 8 or 32 hexadecimal digits, a colon and 4 more", short(s))
	left, right, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(left)
	if err != nil || len(raw) != 4 && len(raw) != 16 || len(right) != 4 {
		return netip.AddrPort{}, bad
	}
	port, err := strconv.ParseUint(right, 16, 16)
	if err != nil {
		return netip.AddrPort{}, bad
	}
	for w := 0; w < len(raw); w += 4 {
		binary.NativeEndian.PutUint32(raw[w:], binary.BigEndian.Uint32(raw[w:]))
	}
	a, _ := netip.AddrFromSlice(raw) // 4 or 16 bytes, see above
	return netip.AddrPortFrom(a, uint16(port)), nil
}
