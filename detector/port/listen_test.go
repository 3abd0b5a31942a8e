package port

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

func TestJudge(t *testing.T) {
	at := func(addrs ...string) (ls []listener) {
		for _, a := range addrs {
			ls = append(ls, listener{netip.AddrPortFrom(netip.MustParseAddr(a), 4118), owner{inode: 7}})
		}
		return ls
	}
	for _, tc := range []struct {
		name     string
		ls       []listener
		loopback bool
		state    event.State
		detail   string
	}{
		{"nothing", nil, false, event.Down, "nothing listens on 4118/tcp"},
		{"nothing, loopback wanted", nil, true, event.Down, "nothing listens on 4118/tcp"},
		{"any address", at("0.0.0.0"), false, event.Up, "4118/tcp listens at 0.0.0.0"},
		{"any IPv6 address", at("::"), false, event.Up, "4118/tcp listens at ::"},
		{"both", at("::", "0.0.0.0"), false, event.Up, "4118/tcp listens at 0.0.0.0, ::"},
		{"one address", at("192.0.2.7"), false, event.Up, "4118/tcp listens at 192.0.2.7"},
		{"loopback only", at("127.0.0.1"), false, event.Down, "4118/tcp listens on loopback only, at 127.0.0.1: the manager cannot reach it"},
		{"another loopback address", at("127.8.0.1"), false, event.Down, "4118/tcp listens on loopback only, at 127.8.0.1: the manager cannot reach it"},
		{"IPv6 loopback only", at("::1"), false, event.Down, "4118/tcp listens on loopback only, at ::1: the manager cannot reach it"},
		{"mapped loopback only", at("::ffff:127.0.0.1"), false, event.Down, "4118/tcp listens on loopback only, at ::ffff:127.0.0.1: the manager cannot reach it"},
		{"loopback accepted", at("127.0.0.1"), true, event.Up, "4118/tcp listens at 127.0.0.1"},
		{"loopback and another", at("127.0.0.1", "192.0.2.7"), false, event.Up, "4118/tcp listens at 127.0.0.1, 192.0.2.7"},
		{"one socket for each core", at(strings.Fields(strings.Repeat("0.0.0.0 ", 64))...), false, event.Up, "4118/tcp listens at 0.0.0.0"},
		{"many addresses", at("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8", "192.0.2.9"), false, event.Up,
			"4118/tcp listens at 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6, 192.0.2.7, 192.0.2.8, +1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := Target{Port: 4118, Loopback: tc.loopback}.judge(tc.ls)
			detail := strings.ReplaceAll(words.English(a.detail), " (uid 0, inode 7)", "")
			if a.state != tc.state || detail != tc.detail {
				t.Errorf("got %s, %q; want %s, %q", a.state, detail, tc.state, tc.detail)
			}
		})
	}
}

// TestLocal reads the real table of this host, for real listeners.
func TestLocal(t *testing.T) {
	for _, tc := range []struct {
		name, bind string
		loopback   bool
		state      event.State
		says       string
	}{
		{"IPv4", "0.0.0.0:0", false, event.Up, "listens at 0.0.0.0 ("},
		{"IPv6", "[::]:0", false, event.Up, "listens at :: ("},
		{"loopback", "127.0.0.1:0", false, event.Down, "loopback only, at 127.0.0.1 ("},
		{"IPv6 loopback", "[::1]:0", false, event.Down, "loopback only, at ::1 ("},
		{"loopback accepted", "[::1]:0", true, event.Up, "listens at ::1 ("},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := listenAt(t, tc.bind)
			d := detect(t, Target{Port: portOfListener(l), Loopback: tc.loopback})
			o := pass(t, d)[0]
			if o.State != tc.state || !strings.Contains(words.English(o.Detail), tc.says) {
				t.Errorf("got %s, %q; want %s, %q", o.State, words.English(o.Detail), tc.state, tc.says)
			}
			if wantFound := map[event.State]int{event.Up: 1}[tc.state]; o.Found != wantFound || o.Want != 1 {
				t.Errorf("found %d of %d", o.Found, o.Want)
			}
			l.Close()
			if o := pass(t, d)[0]; o.State != event.Down || !strings.Contains(words.English(o.Detail), "nothing listens") {
				t.Errorf("after close: %s, %q", o.State, words.English(o.Detail))
			}
		})
	}
}

func TestTableFallsBack(t *testing.T) {
	broken := errors.New("no such module")
	good := []listener{{addr: netip.MustParseAddrPort("0.0.0.0:4118"), owner: owner{inode: 7}}}
	read := func(ls []listener, err error) func(context.Context, func(listener)) error {
		return func(_ context.Context, add func(listener)) error {
			for _, l := range ls {
				add(l)
			}
			return err
		}
	}
	d := detect(t, Target{Port: 4118})

	d.sources = []source{{"first", read(good, broken)}, {"second", read(good, nil)}}
	o := pass(t, d)[0]
	if want := "4118/tcp listens at 0.0.0.0 (uid 0, inode 7); from second; first: no such module"; o.State != event.Up || words.English(o.Detail) != want {
		t.Errorf("one source fails: %s, %q; want %q", o.State, words.English(o.Detail), want)
	}

	d.sources = []source{{"first", read(nil, broken)}, {"second", read(nil, broken)}}
	o = pass(t, d)[0]
	if o.State != event.Unknown || !strings.Contains(words.English(o.Detail), "run as a user who") {
		t.Errorf("all sources fail: %s, %q; want unknown with a next step", o.State, words.English(o.Detail))
	}

	looks := 0
	d.sources = []source{{"flaky", func(_ context.Context, add func(listener)) error {
		if looks++; looks > 1 {
			add(good[0])
		}
		return nil
	}}}
	if o = pass(t, d)[0]; o.State != event.Up || looks != 2 {
		t.Errorf("a socket that one look missed: %s after %d looks; want up after 2", o.State, looks)
	}
}

// procLine is a line of /proc/net/tcp as this machine would write it.
func procLine(ap netip.AddrPort, state uint8) string {
	raw := ap.Addr().AsSlice()
	var hex strings.Builder
	for w := 0; w < len(raw); w += 4 {
		fmt.Fprintf(&hex, "%08X", binary.NativeEndian.Uint32(raw[w:]))
	}
	return fmt.Sprintf("   0: %s:%04X %s:0000 %02X 00000000:00000000 00:00000000 00000000   997        0 4711 1 0000000000000000 100 0 0 10 0\n",
		hex.String(), ap.Port(), strings.Repeat("0", hex.Len()), state)
}

const procHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestParseProcNet(t *testing.T) {
	text := procHead +
		procLine(netip.MustParseAddrPort("127.0.0.1:4118"), 10) +
		procLine(netip.MustParseAddrPort("192.0.2.1:50000"), 1) + // a connection
		procLine(netip.MustParseAddrPort("[2001:db8::7]:4122"), 10)
	ls, err := procNet(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []listener{
		{netip.MustParseAddrPort("127.0.0.1:4118"), owner{uid: 997, inode: 4711}},
		{netip.MustParseAddrPort("[2001:db8::7]:4122"), owner{uid: 997, inode: 4711}},
	}
	if show(ls) != show(want) {
		t.Errorf("got %s, want %s", show(ls), show(want))
	}
	good := procLine(netip.MustParseAddrPort("127.0.0.1:4118"), 10)
	for name, text := range map[string]string{
		"empty line 1":     "\n" + good,
		"cut line":         procHead + good[:60] + "\n",
		"state":            procHead + strings.Replace(good, " 0A ", " 0x ", 1),
		"short address":    procHead + strings.Replace(good, ":1016", ":116", 1),
		"odd address":      procHead + strings.Replace(good, ":1016", "0:1016", 1),
		"port":             procHead + strings.Replace(good, ":1016", ":1G16", 1),
		"uid":              procHead + strings.Replace(good, " 997 ", " -97 ", 1),
		"inode":            procHead + strings.Replace(good, " 4711 ", " x711 ", 1),
		"line without end": procHead + strings.Repeat("x", 10_000),
	} {
		if ls, err := procNet(text); err == nil {
			t.Errorf("%s: accepted as %v", name, ls)
		}
	}
}

func FuzzProcNet(f *testing.F) {
	f.Add([]byte(procHead + procLine(netip.MustParseAddrPort("127.0.0.1:4118"), 10)))
	f.Add([]byte(procHead + procLine(netip.MustParseAddrPort("[::]:4118"), 10)))
	f.Add([]byte(procHead + " 0: 0100007F:1016 00000000:0000 0A"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ls, _ := procNet(string(b))
		for _, l := range ls {
			again, err := procNet(procHead + procLine(l.addr, stateListen))
			if err != nil || len(again) != 1 || again[0].addr != l.addr {
				t.Errorf("%v was written and read as %v, %v", l.addr, again, err)
			}
		}
	})
}

// inetDiag is a struct inet_diag_msg.
func inetDiag(family, state uint8, ap netip.AddrPort) []byte {
	b := make([]byte, inetDiagSize)
	b[0], b[1] = family, state
	binary.BigEndian.PutUint16(b[4:], ap.Port())
	copy(b[8:24], ap.Addr().AsSlice())
	binary.NativeEndian.PutUint32(b[64:], 997)
	binary.NativeEndian.PutUint32(b[68:], 4711)
	return b
}

func TestParseInetDiag(t *testing.T) {
	for _, s := range []string{"0.0.0.0:4118", "[::1]:4122"} {
		ap := netip.MustParseAddrPort(s)
		family := uint8(familyInet)
		if ap.Addr().Is6() {
			family = familyInet6
		}
		l, err := parseInetDiag(append(inetDiag(family, stateListen, ap), "attributes"...))
		if err != nil || l.addr != ap || l.owner != (owner{uid: 997, inode: 4711}) {
			t.Errorf("%s: got %v, %v", s, l, err)
		}
	}
	ap := netip.MustParseAddrPort("0.0.0.0:4118")
	for name, b := range map[string][]byte{
		"short":          inetDiag(familyInet, stateListen, ap)[:71],
		"a connection":   inetDiag(familyInet, 1, ap),
		"another family": inetDiag(1, stateListen, ap),
	} {
		if l, err := parseInetDiag(b); err == nil {
			t.Errorf("%s: accepted as %v", name, l)
		}
	}
}

func FuzzInetDiag(f *testing.F) {
	f.Add(inetDiag(familyInet, stateListen, netip.MustParseAddrPort("127.0.0.1:4118")))
	f.Add(inetDiag(familyInet6, stateListen, netip.MustParseAddrPort("[::]:4118")))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseInetDiag(b)
		if err != nil {
			return
		}
		again, err := parseInetDiag(inetDiag(b[0], stateListen, l.addr))
		if err != nil || again.addr != l.addr {
			t.Errorf("%v was written and read as %v, %v", l.addr, again.addr, err)
		}
	})
}

// winTable is a table of listeners as Windows returns it.
func winTable(six bool, aps ...netip.AddrPort) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(aps)))
	for i, ap := range aps {
		var row []byte
		if six {
			row = make([]byte, winRow6)
			copy(row, ap.Addr().AsSlice())
			binary.BigEndian.PutUint16(row[20:], ap.Port())
			binary.LittleEndian.PutUint32(row[48:], winListen)
		} else {
			row = make([]byte, winRow4)
			binary.LittleEndian.PutUint32(row, winListen)
			copy(row[4:], ap.Addr().AsSlice())
			binary.BigEndian.PutUint16(row[8:], ap.Port())
		}
		binary.LittleEndian.PutUint32(row[len(row)-4:], uint32(1000+i))
		b = append(b, row...)
	}
	return b
}

func TestParseWinTable(t *testing.T) {
	four := []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:4118"), netip.MustParseAddrPort("127.0.0.1:4123")}
	ls, err := winListeners(append(winTable(false, four...), make([]byte, 100)...), false)
	if err != nil || show(ls) != "0.0.0.0:4118 pid 1000, 127.0.0.1:4123 pid 1001" {
		t.Errorf("IPv4: %v, %v", ls, err)
	}
	b := winTable(true, netip.MustParseAddrPort("[::]:4118"), netip.MustParseAddrPort("[fe80::1]:4119"))
	b[4+16], b[4+winRow6+16] = 12, 12 // their scopes
	ls, err = winListeners(b, true)
	if err != nil || show(ls) != "[::]:4118 pid 1000, [fe80::1%12]:4119 pid 1001" {
		t.Errorf("IPv6: %v, %v", ls, err)
	}
	b = winTable(false, four...)
	b[4] = 5 // established
	if ls, err = winListeners(b, false); err != nil || len(ls) != 1 {
		t.Errorf("a connection among listeners: %v, %v", ls, err)
	}
	if ls, err = winListeners(winTable(true), true); err != nil || len(ls) != 0 {
		t.Errorf("empty table: %v, %v", ls, err)
	}
	for name, b := range map[string][]byte{
		"nothing":   nil,
		"cut":       winTable(false, four...)[:4+winRow4+3],
		"huge":      {0xff, 0xff, 0xff, 0xff},
		"six as 4?": winTable(false, four...)[:5],
	} {
		if ls, err := winListeners(b, false); err == nil {
			t.Errorf("%s: accepted as %v", name, ls)
		}
	}
}

func FuzzWinTable(f *testing.F) {
	f.Add(winTable(false, netip.MustParseAddrPort("0.0.0.0:4118")), false)
	f.Add(winTable(true, netip.MustParseAddrPort("[::]:4118"), netip.MustParseAddrPort("[::1]:4123")), true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}, true)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		ls, err := winListeners(b, six)
		if err != nil && ls != nil {
			t.Error("sockets from a table that does not fit")
		}
		if len(ls)*winRow4 > len(b) {
			t.Errorf("%d sockets from %d bytes", len(ls), len(b))
		}
	})
}

func show(ls []listener) string {
	var texts []string
	for _, l := range ls {
		texts = append(texts, l.addr.String()+" "+l.owner.String())
	}
	return strings.Join(texts, ", ")
}

func procNet(text string) (ls []listener, err error) {
	err = parseProcNet(strings.NewReader(text), func(l listener) { ls = append(ls, l) })
	return ls, err
}

func winListeners(b []byte, six bool) (ls []listener, err error) {
	err = parseWinTable(b, six, func(l listener) { ls = append(ls, l) })
	return ls, err
}

func listenAt(t testing.TB, bind string) net.Listener {
	t.Helper()
	network := "tcp4" // not "tcp", which would listen on :: for 0.0.0.0
	if strings.HasPrefix(bind, "[") {
		network = "tcp6"
	}
	l, err := net.Listen(network, bind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func portOfListener(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// detect makes a detector of targets; keys are filled in.
func detect(t testing.TB, targets ...Target) *Detector {
	t.Helper()
	for i := range targets {
		if targets[i].Key == (event.Key{}) {
			host := targets[i].Host
			if host == "" {
				host = "here"
			}
			targets[i].Key = key(host, "agent", fmt.Sprintf("%d/tcp/%d", targets[i].Port, i))
		}
	}
	d, err := New(targets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pass runs d once and checks what holds for every pass.
func pass(t testing.TB, d *Detector) []event.Observation {
	t.Helper()
	obs, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	complete(t, d, obs)
	return obs
}

func complete(t testing.TB, d *Detector, obs []event.Observation) {
	t.Helper()
	if len(obs) != len(d.targets) {
		t.Fatalf("%d observations for %d targets", len(obs), len(d.targets))
	}
	for i, o := range obs {
		if o.Key != d.targets[i].Key {
			t.Errorf("observation %d is of %s, want %s", i, o.Key, d.targets[i].Key)
		}
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
		if words.English(o.Detail) == "" {
			t.Errorf("%s has no detail", o.Key)
		}
	}
}
