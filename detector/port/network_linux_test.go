package port

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// TestNetwork probes through a real router, that is, another network
// namespace: what each kind of silence and of ICMP error means.
func TestNetwork(t *testing.T) {
	t.Parallel()
	switch os.Getenv("PORT_TEST") {
	case "":
		for _, tool := range []string{"ip", "nsenter"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Fatalf("%s is missing: apt-get install iproute2 util-linux", tool)
			}
		}
		again(t, "network", newNetwork)
		return
	case "router": // hold the router's namespace until the other side ends
		io.Copy(io.Discard, os.Stdin)
		return
	}
	here, there, _ := router(t)
	here("route add 10.1.0.0/16 via 10.0.0.254")
	here("route add fd01::/16 via fd00::254")
	here("route add unreachable 10.2.1.0/24")
	here("route add prohibit 10.2.2.0/24")
	here("route add blackhole 10.2.3.0/24")
	for n, kind := range []string{"unreachable", "prohibit", "blackhole"} {
		there(fmt.Sprintf("route add %s 10.1.%d.0/24", kind, n+1))
		there(fmt.Sprintf("route add %s fd01:%d::/32", kind, n+1))
	}
	// A neighbour that is known and does not exist: a host switched off
	// while our ARP cache still has it.
	here("neigh add 10.0.0.66 lladdr 02:00:00:00:00:66 dev near nud permanent")
	waitUp(t, "near")

	const port = 5000
	for _, tc := range []struct {
		name, host string
		state      event.State
		syn        string // what method syn says
		connect    string // what connect says, which is told less
	}{
		{"router refuses", "10.0.0.254", event.Down, "refused (RST)", "refused (RST)"},
		{"router refuses, IPv6", "fd00::254", event.Down, "refused (RST)", "refused (RST)"},
		{"dropped on the way", "10.1.3.1", event.Down, "no answer from 10.1.3.1:5000 within ", "no answer from 10.1.3.1:5000 within "},
		{"host is off", "10.0.0.66", event.Down, "no answer from 10.0.0.66:5000 within ", "no answer from 10.0.0.66:5000 within "},
		{"no neighbour", "10.0.0.77", event.Down, "does not answer on the local network", "host unreachable"},
		{"no neighbour, IPv6", "fd00::77", event.Down, "does not answer on the local network", "host unreachable"},
		{"last router says host unreachable", "10.1.1.1", event.Down, "host unreachable, says 10.0.0.254 (ICMP 3/1)", "host unreachable"},
		{"no route from here", "10.9.9.9", event.Unknown, "no route from here", "no route from here"},
		{"no route from here, IPv6", "2001:db8::9", event.Unknown, "no route from here", "no route from here"},
		{"unreachable route here", "10.2.1.1", event.Unknown, "no route from here", "no route from here"},
		{"prohibited here", "10.2.2.1", event.Unknown, "not permitted to probe", "not permitted to probe"},
		{"blackhole here", "10.2.3.1", event.Unknown, "no route from here", "no route from here"},
		{"router forbids", "10.1.2.1", event.Unknown, "10.0.0.254 forbids this host to reach 10.1.2.1:5000 (ICMP 3/13)", ""},
		{"router forbids, IPv6", "fd01:2::1", event.Unknown, "fd00::254 forbids this host to reach [fd01:2::1]:5000 (ICMPv6 1/1)", ""},
		{"router has no route", "10.1.4.1", event.Unknown, "10.0.0.254 has no way to 10.1.4.1:5000 (ICMP 3/0)", "no route from here"},
		{"router has no route, IPv6", "fd01:4::1", event.Unknown, "fd00::254 has no way to [fd01:4::1]:5000 (ICMPv6 1/0)", "no route from here"},
	} {
		for m, says := range map[Method]string{Syn: tc.syn, Connect: tc.connect} {
			if says == "" {
				continue
			}
			t.Run(tc.name+"/"+string(m), func(t *testing.T) {
				t.Parallel()
				timeout := 5 * time.Second // ARP gives up after 3 s
				if strings.Contains(says, "within") {
					timeout = 300 * time.Millisecond
				}
				o := pass(t, detect(t, Target{Host: tc.host, Port: port, Method: m, Timeout: timeout}))[0]
				if o.State != tc.state || !strings.Contains(words.English(o.Detail), says) {
					t.Errorf("got %s, %q; want %s, %q", o.State, words.English(o.Detail), tc.state, says)
				}
			})
		}
	}
}

// router starts the calling test again as a router: a network namespace of
// its own, to which a link leads. It returns what runs ip here and there, and
// what ends the router and returns what it wrote.
func router(t *testing.T) (here, there func(line string), end func() string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "PORT_TEST=router", "GORACE=atexit_sleep_ms=0")
	newNetwork(cmd)
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var wrote bytes.Buffer
	cmd.Stdout = &wrote
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() string {
		if !ended {
			ended = true
			hold.Close()
			cmd.Wait()
		}
		return wrote.String()
	}
	t.Cleanup(func() { end() })
	pid := strconv.Itoa(cmd.Process.Pid)
	here = func(line string) { t.Helper(); command(t, "ip", line) }
	there = func(line string) { t.Helper(); command(t, "nsenter", "-t "+pid+" -n ip "+line) }

	here("link set lo up")
	here("link add near type veth peer name far")
	here("link set far netns " + pid)
	here("addr add 10.0.0.1/24 dev near")
	here("addr add fd00::1/64 dev near nodad")
	here("link set near up")
	there("link set lo up")
	there("addr add 10.0.0.254/24 dev far")
	there("addr add fd00::254/64 dev far nodad")
	there("link set far up")
	command(t, "nsenter", "-t "+pid+" -n sh -c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit")
	return here, there, end
}

// newNetwork starts cmd in a network namespace of its own; without root, in
// a user namespace too.
func newNetwork(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
}

// command runs name with the words of line and the further arguments.
func command(t *testing.T, name, line string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, append(strings.Fields(line), args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, line, err, bytes.TrimSpace(out))
	}
}

// waitUp waits until the link carries and its IPv6 addresses may be used.
func waitUp(t *testing.T, link string) {
	t.Helper()
	eventually(t, func() bool {
		out, err := exec.Command("ip", "-6", "addr", "show", "dev", link, "tentative").Output()
		return err == nil && len(bytes.TrimSpace(out)) == 0
	})
	eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", "[fd00::254]:1", time.Second)
		if err == nil {
			c.Close()
		}
		return err != nil && strings.Contains(err.Error(), "refused")
	})
}

// TestICMP covers the senders that the router of TestNetwork cannot play.
func TestICMP(t *testing.T) {
	to, self := netip.MustParseAddrPort("192.0.2.10:4118"), netip.MustParseAddrPort("192.0.2.1:40000")
	to6, self6 := netip.MustParseAddrPort("[2001:db8::10%eth0]:4118"), netip.MustParseAddrPort("[2001:db8::1]:40000")
	loop := netip.MustParseAddrPort("127.0.0.1:4118")
	a := netip.MustParseAddr
	for _, tc := range []struct {
		name     string
		m        icmp
		to, self netip.AddrPort
		state    event.State
		says     string
	}{
		{"port unreachable from the host", icmp{false, 3, 3, a("192.0.2.10")}, to, self, event.Down, "refused by the host's own firewall (ICMP 3/3)"},
		{"prohibited by the host", icmp{false, 3, 10, a("192.0.2.10")}, to, self, event.Down, "rejected by the host itself (ICMP 3/10)"},
		{"port unreachable from a router", icmp{false, 3, 3, a("192.0.2.254")}, to, self, event.Unknown, "192.0.2.254 forbids this host to reach 192.0.2.10:4118 (ICMP 3/3)"},
		{"host unknown", icmp{false, 3, 7, a("192.0.2.254")}, to, self, event.Down, "host unreachable, says 192.0.2.254"},
		{"routing loop", icmp{false, 11, 0, a("192.0.2.254")}, to, self, event.Unknown, "192.0.2.254 has no way to 192.0.2.10:4118 (ICMP 11/0)"},
		{"own firewall", icmp{false, 3, 13, a("192.0.2.1")}, to, self, event.Unknown, "this host's own firewall rejects"},
		{"port unreachable from the host, IPv6", icmp{true, 1, 4, a("2001:db8::10")}, to6, self6, event.Down, "refused by the host's own firewall (ICMPv6 1/4)"},
		{"policy, IPv6", icmp{true, 1, 5, a("2001:db8::fe")}, to6, self6, event.Unknown, "2001:db8::fe forbids"},
		{"packet too big, IPv6", icmp{true, 2, 0, a("2001:db8::fe")}, to6, self6, event.Unknown, "has no way"},
		{"scope, IPv6", icmp{true, 1, 2, a("2001:db8::fe")}, to6, self6, event.Unknown, "has no way"},
		{"own firewall on loopback", icmp{false, 3, 3, a("127.0.0.1")}, loop, netip.MustParseAddrPort("127.0.0.1:40000"), event.Down, "refused by the host's own firewall"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.m.answer(tc.to, tc.self)
			if got.state != tc.state || !strings.Contains(words.English(got.detail), tc.says) {
				t.Errorf("got %s, %q; want %s, %q", got.state, words.English(got.detail), tc.state, tc.says)
			}
		})
	}
}

func FuzzExtendedErr(f *testing.F) {
	f.Add([]byte("\x71\x00\x00\x00\x02\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x0a\x00\x00\xfe"))
	f.Add([]byte("\x71\x00\x00\x00\x03\x01\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"))
	to := netip.MustParseAddrPort("192.0.2.10:4118")
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := parseExtendedErr(b)
		if !ok {
			return
		}
		if a := m.answer(to, to); a.state != event.Down && a.state != event.Unknown || words.English(a.detail) == "" {
			t.Errorf("%+v means %+v", m, a)
		}
	})
}
