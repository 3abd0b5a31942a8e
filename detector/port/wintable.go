package port

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
)

// Rows of the tables that GetExtendedTcpTable returns for listeners with
// their owner (iphlpapi.h): MIB_TCPROW_OWNER_PID is state 0, local address 4
// and port 8, remote 12 and 16, pid 20. MIB_TCP6ROW_OWNER_PID is local
// address 0, scope 16 and port 20, remote 24, 40 and 44, state 48, pid 52.
// Addresses and ports are in network order, a port in the first two bytes of
// its four.
const (
	winRow4 = 24
	winRow6 = 56
	// winListen is MIB_TCP_STATE_LISTEN.
	winListen = 2
)

// parseWinTable reads such a table: a count and that many rows.
func parseWinTable(b []byte, six bool, add func(listener)) error {
	size := winRow4
	if six {
		size = winRow6
	}
	if len(b) < 4 {
		return fmt.Errorf("read TCP table: %d bytes, want at least 4", len(b))
	}
	n := binary.LittleEndian.Uint32(b)
	rows := b[4:]
	if uint64(n)*uint64(size) > uint64(len(rows)) {
		return fmt.Errorf("read TCP table: %d rows of %d bytes do not fit into %d bytes", n, size, len(rows))
	}
	for range n {
		if l, ok := parseWinRow(rows[:size]); ok {
			add(l)
		}
		rows = rows[size:]
	}
	return nil
}

// parseWinRow reads one row and tells its family by its size. It is false
// for a row that is no listener.
func parseWinRow(r []byte) (listener, bool) {
	state, pid := binary.LittleEndian.Uint32(r), binary.LittleEndian.Uint32(r[len(r)-4:])
	var a netip.Addr
	var port uint16
	if len(r) == winRow4 {
		a, port = netip.AddrFrom4([4]byte(r[4:8])), binary.BigEndian.Uint16(r[8:])
	} else {
		state = binary.LittleEndian.Uint32(r[48:])
		a, port = netip.AddrFrom16([16]byte(r[:16])), binary.BigEndian.Uint16(r[20:])
		// Other addresses have a scope there too, which says nothing.
		if scope := binary.LittleEndian.Uint32(r[16:]); scope != 0 && a.IsLinkLocalUnicast() {
			a = a.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
	}
	return listener{addr: netip.AddrPortFrom(a, port), owner: owner{pid: pid}}, state == winListen
}
