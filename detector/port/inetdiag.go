package port

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Numbers of linux/tcp_states.h and linux/socket.h, here because the
// decoders below are tested on every platform.
const (
	stateListen = 10
	familyInet  = 2
	familyInet6 = 10
	protoTCP    = 6
)

// inetDiagRequest is the request for all listening TCP sockets of a family:
// struct inet_diag_req_v2 of linux/inet_diag.h. The mask keeps the kernel
// from walking the connections.
func inetDiagRequest(family uint8) []byte {
	b := make([]byte, 56)
	b[0] = family
	b[1] = protoTCP
	binary.NativeEndian.PutUint32(b[4:], 1<<stateListen)
	return b
}

// inetDiagSize is the size of struct inet_diag_msg without attributes.
const inetDiagSize = 72

// parseInetDiag reads one struct inet_diag_msg: family, state, timer and
// retransmits at 0; source port at 4 and address at 8 in network order; uid
// at 64 and inode at 68.
func parseInetDiag(b []byte) (listener, error) {
	if len(b) < inetDiagSize {
		return listener{}, fmt.Errorf("read inet_diag message: %d bytes, want at least %d", len(b), inetDiagSize)
	}
	if b[1] != stateListen {
		return listener{}, fmt.Errorf("read inet_diag message: state %d, asked for %d only", b[1], stateListen)
	}
	var a netip.Addr
	switch b[0] {
	case familyInet:
		a = netip.AddrFrom4([4]byte(b[8:12]))
	case familyInet6:
		a = netip.AddrFrom16([16]byte(b[8:24]))
	default:
		return listener{}, fmt.Errorf("read inet_diag message: address family %d, want %d or %d", b[0], familyInet, familyInet6)
	}
	return listener{
		addr:  netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[4:])),
		owner: owner{uid: binary.NativeEndian.Uint32(b[64:]), inode: uint64(binary.NativeEndian.Uint32(b[68:]))},
	}, nil
}
