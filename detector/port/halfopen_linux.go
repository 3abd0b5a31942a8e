package port

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

const canHalfOpen = true

// halfOpen asks whether a port accepts connections without making one: the
// kernel sends the SYN, and never the third packet of the handshake, so the
// program at the far end sees no connection. No privilege is needed.
//
// A filter of the socket drops the answer that accepts before TCP has it, and
// the socket counts what was dropped: that count is how the answer is seen.
// However long this process does not run, the handshake is not completed. The
// far end repeats its answer after a second, to a socket that is gone, and the
// kernel sends RST then. Who wants to feign an answer must guess the port that
// it was sent from.
//
// Where the filter or the count is refused (a sandbox; Linux before 4.12),
// TCP_QUICKACK off makes the kernel hold back the third packet (as if data were
// about to go with it), and closing the socket with SO_LINGER zero in that time
// sends RST instead.
func halfOpen(ctx context.Context, to netip.AddrPort) answer {
	start := time.Now()
	fd, err := halfOpenSocket(to)
	if err != nil {
		return atOnce(err, to)
	}
	sa, err := sockaddr(to)
	if err != nil {
		unix.Close(fd)
		return noRoute(to, err)
	}
	p := probe{to: to, filtered: dropAnswers(fd)}
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return atOnce(err, to)
	}
	f := os.NewFile(uintptr(fd), "half-open probe") // non-blocking, so the runtime waits for it
	a, err := p.await(ctx, f)
	f.Close() // RST, now: a packet that is held back must not go
	took := time.Since(start)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return silent(to, took)
	case err != nil:
		return failed(to, err)
	case a.state == event.Up:
		return up(words.PortHalfOpen.With(to.String(), span(took)).And(a.detail))
	}
	return a
}

// probe is one question whether a port accepts connections.
type probe struct {
	to       netip.AddrPort
	filtered bool // the socket drops the answer, and counts it
}

// answers is the filter of a socket that drops what accepts a connection: a
// packet with SYN and without RST. Any other packet passes, so that a port that
// refuses does so at once.
var answers = [...]unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13}, // RFC 9293: the flags of a TCP header
	{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: tcpSYN | tcpRST},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: tcpSYN, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: math.MaxUint32},
}

const tcpSYN, tcpRST = 0x02, 0x04

// dropAnswers attaches the filter, where what it drops can be counted.
func dropAnswers(fd int) bool {
	if _, err := drops(fd); err != nil {
		return false
	}
	program := answers
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}) == nil
}

// drops is how many packets to fd were dropped (SK_MEMINFO_DROPS, the last
// number of SO_MEMINFO).
func drops(fd int) (uint32, error) {
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return info[len(info)-1], nil
}

const (
	// A dropped answer wakes nobody, so the socket is looked at again after
	// firstGlance, then after a glancePart of the time since the question, at most
	// lastGlance: an answer is noticed a quarter late at most, and one that does not
	// come costs some 50 looks in 3 s.
	firstGlance = time.Millisecond
	lastGlance  = 100 * time.Millisecond
	glancePart  = 4
)

// await waits until the handshake of f has been answered or ctx ends, which
// is os.ErrDeadlineExceeded.
func (p probe) await(ctx context.Context, f *os.File) (a answer, err error) {
	rc, err := f.SyscallConn()
	if err != nil {
		return a, err
	}
	look := func(fd uintptr) (ok bool) {
		a, ok = p.outcome(int(fd))
		return ok
	}
	if !p.filtered {
		stop := context.AfterFunc(ctx, func() { f.SetWriteDeadline(time.Unix(1, 0)) })
		defer stop()
		err = rc.Write(look)
		return a, err
	}
	start := time.Now()
	end, bounded := ctx.Deadline()
	for now := start; ctx.Err() == nil && (!bounded || now.Before(end)); now = time.Now() {
		next := now.Add(min(max(firstGlance, now.Sub(start)/glancePart), lastGlance))
		if bounded && end.Before(next) {
			next = end
		}
		f.SetWriteDeadline(next)
		if err = rc.Write(look); !errors.Is(err, os.ErrDeadlineExceeded) {
			return a, err
		}
	}
	answered := false
	if failed := rc.Control(func(fd uintptr) { answered = look(fd) }); failed != nil || answered {
		return a, failed
	}
	return a, os.ErrDeadlineExceeded
}

// itself reports whether the kernel gave a socket the very port that it asks for.
func (p probe) itself(self netip.AddrPort) bool {
	to := p.to.Addr().WithZone("").Unmap()
	return self.Port() == p.to.Port() && (self.Addr() == to || to.IsUnspecified())
}

func halfOpenSocket(to netip.AddrPort) (int, error) {
	v6 := !to.Addr().Is4()
	family := unix.AF_INET
	if v6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	// Who sent an ICMP error is told since Linux 5.8; without it the bare
	// error number must do, so a failure here does not matter.
	if v6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	} else {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	}
	return fd, nil
}

func sockaddr(to netip.AddrPort) (unix.Sockaddr, error) {
	a := to.Addr()
	if a.Is4() {
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: a.As4()}, nil
	}
	sa := &unix.SockaddrInet6{Port: int(to.Port()), Addr: a.As16()}
	if z := a.Zone(); z != "" {
		if n, err := strconv.ParseUint(z, 10, 32); err == nil {
			sa.ZoneId = uint32(n)
			return sa, nil
		}
		i, err := net.InterfaceByName(z)
		if err != nil {
			return nil, err
		}
		sa.ZoneId = uint32(i.Index)
	}
	return sa, nil
}

// outcome looks whether the handshake of fd has been answered. The detail of
// an answer that is up is what to add to it.
func (p probe) outcome(fd int) (a answer, ok bool) {
	to := p.to
	if p.filtered {
		n, err := drops(fd)
		switch {
		case err != nil:
			return failed(to, err), true
		case n > 0 && p.itself(local(fd)): // our own question was dropped
			return refused(to), true
		case n > 0:
			return answer{state: event.Up}, true
		}
	}
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return failed(to, err), true
	}
	if n != 0 {
		if m, ok := icmpError(fd); ok {
			return m.answer(to, local(fd)), true
		}
		errno := unix.Errno(n) // of the network, which of its parts the kernel does not tell
		return faultOf(errno).answer(errno, to), true
	}
	peer, err := unix.Getpeername(fd)
	if err != nil {
		return answer{}, false // still waiting
	}
	if addr(peer) == local(fd).Addr() && portOf(peer) == local(fd).Port() {
		// The kernel gave us the very port we ask for, so nobody has it.
		return refused(to), true
	}
	// One packet is the SYN. A second one that is no repetition is the end
	// of the handshake: this process did not run for too long.
	if i, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil && i.Segs_out > i.Total_retrans+1 {
		return answer{state: event.Up, detail: words.PortLateReset.With()}, true
	}
	return answer{state: event.Up}, true
}

// local returns the address that fd is bound to.
func local(fd int) netip.AddrPort {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr(sa), portOf(sa))
}

func addr(sa unix.Sockaddr) netip.Addr {
	switch s := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(s.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(s.Addr).Unmap()
	}
	return netip.Addr{}
}

func portOf(sa unix.Sockaddr) uint16 {
	switch s := sa.(type) {
	case *unix.SockaddrInet4:
		return uint16(s.Port)
	case *unix.SockaddrInet6:
		return uint16(s.Port)
	}
	return 0
}

// atOnce is the answer for an error that the kernel gave without asking the
// network. There, a host that is unreachable is a matter of routes.
func atOnce(err error, to netip.AddrPort) answer {
	f := faultOf(err)
	if f == faultUnreachable {
		f = faultNoRoute
	}
	return f.answer(err, to)
}

// icmp is an ICMP error and who sent it.
type icmp struct {
	v6         bool
	kind, code uint8
	from       netip.Addr
}

// icmpError takes the ICMP error that ended fd's handshake, if there is one.
func icmpError(fd int) (icmp, bool) {
	var data, oob [512]byte
	_, n, _, _, err := unix.Recvmsg(fd, data[:], oob[:], unix.MSG_ERRQUEUE)
	if err != nil {
		return icmp{}, false
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return icmp{}, false
	}
	for _, m := range msgs {
		if m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR ||
			m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR {
			return parseExtendedErr(m.Data)
		}
	}
	return icmp{}, false
}

// parseExtendedErr reads a struct sock_extended_err with the socket address
// behind it (ip(7)): errno 4 bytes, origin, type, code, padding, info 4,
// data 4; then family 2, port 2 and the address.
func parseExtendedErr(b []byte) (icmp, bool) {
	if len(b) < 16+8 {
		return icmp{}, false
	}
	m := icmp{v6: b[4] == unix.SO_EE_ORIGIN_ICMP6, kind: b[5], code: b[6]}
	if !m.v6 && b[4] != unix.SO_EE_ORIGIN_ICMP {
		return icmp{}, false
	}
	sa := b[16:]
	switch binary.NativeEndian.Uint16(sa) {
	case unix.AF_INET:
		m.from = netip.AddrFrom4([4]byte(sa[4:8]))
	case unix.AF_INET6:
		if len(sa) < 24 {
			return icmp{}, false
		}
		m.from = netip.AddrFrom16([16]byte(sa[8:24])).Unmap()
	default:
		return icmp{}, false
	}
	return m, true
}

// answer says what m means for a probe of to from self. What the target
// says of itself is about the port; what others say is about the way, except
// that the last router knows a host that does not answer on its link.
func (m icmp) answer(to, self netip.AddrPort) answer {
	name, hostGone, portGone, barred := m.read()
	switch from := m.from; {
	case from == to.Addr().WithZone("") && portGone:
		return down(words.PortOwnFirewall.With(to.String(), name))
	case from == to.Addr().WithZone("") && from != self.Addr():
		return down(words.PortRejected.With(to.String(), name))
	case from == self.Addr() && hostGone:
		return down(words.PortNoNeighbour.With(to.String())).nothing()
	case from == self.Addr():
		return unknown(words.PortHereForbids.With(to.String(), name)).nothing()
	case hostGone:
		return down(words.PortUnreachableSays.With(to.String(), from.String(), name)).nothing()
	case portGone || barred:
		return unknown(words.PortWayForbids.With(from.String(), to.String(), name)).nothing()
	}
	return unknown(words.PortNoWay.With(m.from.String(), to.String(), name)).nothing()
}

// read explains the numbers of RFC 792, 1812 and 4443.
func (m icmp) read() (name string, hostGone, portGone, barred bool) {
	name = "ICMP " + strconv.Itoa(int(m.kind)) + "/" + strconv.Itoa(int(m.code))
	if m.v6 {
		name = "ICMPv6 " + strconv.Itoa(int(m.kind)) + "/" + strconv.Itoa(int(m.code))
		if m.kind != 1 {
			return name, false, false, false
		}
		switch m.code {
		case 3:
			return name, true, false, false
		case 4:
			return name, false, true, false
		case 1, 5, 6:
			return name, false, false, true
		}
		return name, false, false, false
	}
	if m.kind != 3 {
		return name, false, false, false
	}
	switch m.code {
	case 1, 7:
		return name, true, false, false
	case 3:
		return name, false, true, false
	case 9, 10, 13:
		return name, false, false, true
	}
	return name, false, false, false
}
