package port

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/time/rate"

	"dswatch/event"
	"dswatch/words"
)

// nameServer answers over TCP on loopback and counts the questions by name.
type nameServer struct {
	mu    sync.Mutex
	asked map[string]int
}

func (s *nameServer) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

// startNameServer returns a resolver that asks a real server with these
// names. A name without addresses does not exist, "broken." is a server
// failure and "silent." is not answered.
func startNameServer(t *testing.T, names map[string][]netip.Addr) (*net.Resolver, *nameServer) {
	t.Helper()
	s := &nameServer{asked: map[string]int{}}
	port, _ := serve(t, func(c net.Conn) {
		for { // each message behind its length, RFC 1035 section 4.2.2
			var n uint16
			if binary.Read(c, binary.BigEndian, &n) != nil {
				return
			}
			b := make([]byte, n)
			if _, err := io.ReadFull(c, b); err != nil {
				return
			}
			if a := s.answer(b, names); a != nil {
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}}, s
}

func (s *nameServer) answer(query []byte, names map[string][]netip.Addr) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := q.Name.String()
	s.mu.Lock()
	s.asked[name]++
	s.mu.Unlock()
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	addrs, ok := names[name]
	switch {
	case strings.HasPrefix(name, "silent."):
		return nil
	case strings.HasPrefix(name, "broken."):
		m.RCode = dnsmessage.RCodeServerFailure
	case !ok:
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addrs {
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

func TestNames(t *testing.T) {
	t.Parallel()
	l := listenAt(t, "127.0.4.2:0")
	port := portOfListener(l)
	list := func(n int) (all []netip.Addr) {
		for i := range n {
			all = append(all, netip.AddrFrom4([4]byte{127, 0, 5, byte(i + 1)}))
		}
		return all
	}
	resolver, _ := startNameServer(t, map[string][]netip.Addr{
		"one.test.":    {netip.MustParseAddr("127.0.4.2")},
		"second.test.": {netip.MustParseAddr("127.0.4.1"), netip.MustParseAddr("127.0.4.2")},
		"both.test.":   {netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.4.2")},
		"none.test.":   {netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.4.1")},
		"many.test.":   list(9),
		"last.test.":   append(list(20), netip.MustParseAddr("127.0.4.2")),
		"huge.test.":   list(mostAddresses + 6),
	})
	for _, tc := range []struct {
		host  string
		state event.State
		says  []string
	}{
		{"one.test", event.Up, []string{fmt.Sprintf("127.0.4.2:%d accepted", port)}},
		{"ONE.test.", event.Up, []string{fmt.Sprintf("127.0.4.2:%d accepted", port)}},
		{"second.test", event.Up, []string{fmt.Sprintf("127.0.4.2:%d accepted", port)}},
		{"both.test", event.Up, []string{fmt.Sprintf("127.0.4.2:%d accepted", port)}},
		{"none.test", event.Down, []string{fmt.Sprintf("[::1]:%d refused", port), fmt.Sprintf("127.0.4.1:%d refused", port), "; "}},
		{"many.test", event.Down, []string{"127.0.5.1:", "127.0.5.4:", "127.0.5.9:"}},
		{"last.test", event.Up, []string{fmt.Sprintf("127.0.4.2:%d accepted", port)}},
		{"huge.test", event.Unknown, []string{"none of 64 addresses is up, and 6 more were not asked"}},
		{"missing.test", event.Unknown, []string{"name missing.test not found: correct host"}},
		{"broken.test", event.Unknown, []string{"resolver failed for broken.test (", "write the address as host"}},
		{"silent.test", event.Unknown, []string{"resolver did not answer for silent.test", "write the address as host"}},
	} {
		t.Run(tc.host, func(t *testing.T) {
			d := detect(t, Target{Host: tc.host, Port: port, Method: Connect, Timeout: 500 * time.Millisecond})
			d.resolver = resolver
			o := pass(t, d)[0]
			if o.State != tc.state {
				t.Errorf("got %s, %q; want %s", o.State, words.English(o.Detail), tc.state)
			}
			for _, s := range tc.says {
				if !strings.Contains(words.English(o.Detail), s) {
					t.Errorf("%q does not say %q", words.English(o.Detail), s)
				}
			}
		})
	}
}

func TestNameIsResolvedOnce(t *testing.T) {
	resolver, server := startNameServer(t, map[string][]netip.Addr{"web.test.": {netip.MustParseAddr("127.0.4.3")}})
	l := listenAt(t, "127.0.4.3:0")
	ts := []Target{{Host: "web.test", Port: portOfListener(l), Method: Connect}}
	for closed := range 5 { // 1 to 5: tcpmux and its like, which nobody runs
		ts = append(ts, Target{Host: "Web.test.", Port: closed + 1, Method: Connect})
	}
	d := detect(t, ts...)
	d.resolver = resolver
	d.pace = rate.NewLimiter(100, 1) // at the same moment, the resolver itself would ask once only
	for n := 1; n <= 3; n++ {
		if o := pass(t, d)[0]; o.State != event.Up {
			t.Errorf("%s, %q", o.State, words.English(o.Detail))
		}
		if got := server.count("web.test."); got != 2*n { // A and AAAA
			t.Errorf("%d questions after %d passes, want %d", got, n, 2*n)
		}
	}
}

// TestSlowResolver: time lost on the name is not taken from the probe.
func TestSlowResolver(t *testing.T) {
	t.Parallel()
	resolver, _ := startNameServer(t, map[string][]netip.Addr{"web.test.": {netip.MustParseAddr("127.0.4.3")}})
	ask := resolver.Dial
	resolver.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		time.Sleep(700 * time.Millisecond)
		return ask(ctx, network, address)
	}
	l := listenAt(t, "127.0.4.3:0")
	d := detect(t, Target{Host: "web.test", Port: portOfListener(l), Method: Connect, Timeout: time.Second})
	d.resolver = resolver
	if o := pass(t, d)[0]; o.State != event.Up {
		t.Errorf("%s, %q", o.State, words.English(o.Detail))
	}
}

// TestLateResolver: a resolver that answers when the time of the look is over is
// told as such, the port is neither up nor down, and the next look takes
// its answer.
func TestLateResolver(t *testing.T) {
	t.Parallel()
	resolver, _ := startNameServer(t, map[string][]netip.Addr{"web.test.": {netip.MustParseAddr("127.0.4.3")}})
	ask := resolver.Dial
	var late atomic.Bool
	late.Store(true)
	resolver.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if late.Load() {
			<-ctx.Done()
			time.Sleep(200 * time.Millisecond)
		}
		return ask(context.WithoutCancel(ctx), network, address)
	}
	l := listenAt(t, "127.0.4.3:0")
	port := portOfListener(l)
	d := detect(t, Target{Host: "web.test", Port: port, Method: Connect, Timeout: 500 * time.Millisecond}, Target{Host: "127.0.4.3", Port: port, Method: Connect})
	d.resolver = resolver
	obs := pass(t, d)
	if o := obs[0]; o.State != event.Unknown || !strings.Contains(words.English(o.Detail), "resolver did not answer for web.test") {
		t.Errorf("%s, %q", o.State, words.English(o.Detail))
	}
	if obs[1].State != event.Up {
		t.Errorf("the address beside it: %s, %q", obs[1].State, words.English(obs[1].Detail))
	}
	late.Store(false)
	if o := pass(t, d)[0]; o.State != event.Up {
		t.Errorf("the next look: %s, %q", o.State, words.English(o.Detail))
	}
}

func TestMerge(t *testing.T) {
	dn, un, away := down(event.Prose("down")), unknown(event.Prose("unknown")), noRoute(netip.MustParseAddrPort("[::1]:1"), net.ErrClosed)
	for _, tc := range []struct {
		name  string
		all   []answer
		state event.State
		text  string
	}{
		{"one down", []answer{dn}, event.Down, "down"},
		{"all down", []answer{dn, dn}, event.Down, "down; down"},
		{"one of two unknown", []answer{dn, un}, event.Unknown, "down; unknown"},
		{"no IPv6 here, IPv4 down", []answer{away, dn}, event.Down, "down"},
		{"no IPv6 here, IPv4 unknown", []answer{un, away}, event.Unknown, "unknown"},
		{"no route at all", []answer{away}, event.Unknown, words.English(away.detail)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := merge(tc.all); a.state != tc.state || words.English(a.detail) != tc.text {
				t.Errorf("got %s, %q; want %s, %q", a.state, words.English(a.detail), tc.state, tc.text)
			}
		})
	}
}
