package port

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// server is a stock `openssl s_server` and what it logged.
type server struct {
	port int
	log  string // path
}

func (s server) read(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// failures counts the connections that s_server was unhappy with: it writes
// the word ERROR for each, mostly with the reason on another line.
func (s server) failures(t *testing.T) int { return strings.Count(s.read(t), "ERROR\n") }

// startServer runs s_server on a free port of address and waits until the
// table of sockets has it: no connection is made.
func startServer(t *testing.T, address string, args ...string) server {
	t.Helper()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is missing: apt-get install openssl")
	}
	cert, key := writePEM(t, selfSigned(t, "agent", time.Now().Add(time.Hour)))
	l := listenAt(t, net.JoinHostPort(address, "0"))
	s := server{port: portOfListener(l), log: filepath.Join(t.TempDir(), "log")}
	l.Close()
	out, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(openssl, append([]string{"s_server", "-quiet", "-accept", net.JoinHostPort(address, strconv.Itoa(s.port)), "-cert", cert, "-key", key}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	stdin, err := cmd.StdinPipe() // s_server ends with its input
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		stdin.Close()
		cmd.Wait()
	})
	d := detect(t, Target{Port: s.port, Loopback: true})
	eventually(t, func() bool { return pass(t, d)[0].State == event.Up })
	return s
}

// TestAgentLog reproduces the table of measurements: how many failed
// handshakes five passes of each method leave in a server's log. This is why
// port 4118 may be looked at by listen and syn only.
func TestAgentLog(t *testing.T) {
	for _, tc := range []struct {
		name     string
		args     []string
		failures map[Method]int
	}{
		{"no client certificate asked for", nil, map[Method]int{Listen: 0, Syn: 0, Connect: 5, TLS: 0}},
		{"client certificate required", []string{"-Verify", "1"}, map[Method]int{Listen: 0, Syn: 0, Connect: 5, TLS: 5}},
		{"client certificate required, TLS 1.2", []string{"-Verify", "1", "-tls1_2"}, map[Method]int{TLS: 5}},
	} {
		for m, failures := range tc.failures {
			t.Run(tc.name+"/"+string(m), func(t *testing.T) {
				s := startServer(t, "127.0.0.1", tc.args...)
				quiet := s.read(t) // with -Verify, a line about that
				target := Target{Host: "127.0.0.1", Port: s.port, Method: m}
				if m == Listen {
					target = Target{Port: s.port, Method: m, Loopback: true}
				}
				d := detect(t, target)
				for range 5 {
					if o := pass(t, d)[0]; o.State != event.Up {
						t.Errorf("%s, %q", o.State, words.English(o.Detail))
					} else if strings.Contains(words.English(o.Detail), "too late") {
						t.Errorf("this machine is too busy to measure: %s", words.English(o.Detail))
					}
				}
				if m == Syn {
					// A handshake that was not reset would be complete by now.
					time.Sleep(250 * time.Millisecond)
				}
				if m == Listen || m == Syn {
					if log := s.read(t); log != quiet {
						t.Errorf("the log is not empty: %s", log)
					}
				}
				// s_server serves one connection after the other, so once it
				// has complained of this one, it has of all before it.
				c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				want := failures + 1
				eventually(t, func() bool { return s.failures(t) >= want })
				time.Sleep(20 * time.Millisecond) // one more would follow at once
				if n := s.failures(t); n != want {
					t.Errorf("%d failed handshakes, want %d:\n%s", n-1, want-1, s.read(t))
				}
			})
		}
	}
}

func TestSynIPv6(t *testing.T) {
	s := startServer(t, "::1")
	d := detect(t, Target{Host: "::1", Port: s.port}, Target{Host: "::1%lo", Port: s.port})
	for range 5 {
		for _, o := range pass(t, d) {
			if o.State != event.Up || !strings.Contains(words.English(o.Detail), "half-open answer from [::1") {
				t.Errorf("%s, %q", o.State, words.English(o.Detail))
			}
		}
	}
	if log := s.read(t); log != "" {
		t.Errorf("the log is not empty: %s", log)
	}
}

// TestSynUnderLoad keeps both cores busy. A probe may then come too late to
// reset the connection, but it must never hide that.
func TestSynUnderLoad(t *testing.T) {
	port, accepted := serve(t, func(net.Conn) {})
	ctx, cancel := context.WithCancel(t.Context())
	var hogs sync.WaitGroup
	for range 4 * runtime.NumCPU() {
		hogs.Go(func() {
			for x := 0; ctx.Err() == nil; x++ {
				_ = bytes.Repeat([]byte{byte(x)}, 100_000) // work for the garbage collector too
			}
		})
	}
	late := 0
	d := detect(t, Target{Host: "127.0.0.1", Port: port})
	for range 60 {
		o := pass(t, d)[0]
		if o.State != event.Up {
			t.Errorf("%s, %q", o.State, words.English(o.Detail))
		}
		if strings.Contains(words.English(o.Detail), "too late") {
			late++
		}
	}
	cancel()
	hogs.Wait()
	t.Logf("%d of 60 probes came too late", late)
	if n := int(accepted.Load()); n > late {
		t.Errorf("the server accepted %d connections, but only %d were confessed", n, late)
	}
}

// TestSynTooLate waits longer than the kernel holds back the third packet.
func TestSynTooLate(t *testing.T) {
	t.Parallel()
	port, accepted := serve(t, func(net.Conn) {})
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
	fd, err := halfOpenSocket(to)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	sa, err := sockaddr(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, sa); err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	p := probe{to: to}
	a, ok := p.outcome(fd)
	if !ok || a.state != event.Up || words.English(a.detail) != "" {
		t.Errorf("in time: %+v, %v", a, ok)
	}
	eventually(t, func() bool {
		a, _ = p.outcome(fd)
		return strings.Contains(words.English(a.detail), "too late")
	})
	eventually(t, func() bool { return accepted.Load() == 1 })
}

// TestSynOfItself probes ports of the range from which the kernel takes
// local ports until it happens to take the very one that is probed.
func TestSynOfItself(t *testing.T) {
	for _, filtered := range []bool{true, false} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		p := probe{to: local(fd)}
		sa, err := sockaddr(p.to)
		if err != nil {
			t.Fatal(err)
		}
		if filtered {
			if p.filtered = dropAnswers(fd); !p.filtered {
				t.Fatal("this kernel does not let us drop answers")
			}
		}
		if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS { // a simultaneous open with itself
			t.Fatal(err)
		}
		if a, ok := p.outcome(fd); !ok || a.state != event.Down || !strings.Contains(words.English(a.detail), "refused") {
			t.Errorf("filtered %v: got %+v, %v; want refused", filtered, a, ok)
		}
	}
}

// fullPort listens on every IPv4 address with a queue that is full, so that
// the kernel drops each further SYN: a port that is silent.
func fullPort(t testing.TB) int {
	t.Helper()
	open := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	l := open()
	if err := unix.Bind(l, &unix.SockaddrInet4{}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(l, 0); err != nil {
		t.Fatal(err)
	}
	port := int(local(l).Port())
	for range 16 {
		fd := open()
		err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		if err != unix.EINPROGRESS {
			t.Fatalf("fill the queue: %v", err)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 100)
		if err == nil && n == 0 {
			return port
		}
	}
	t.Fatal("the kernel took 16 connections into a queue of length 0")
	return 0
}

// TestOnlyTheSixthAnswers: of a name with six addresses five are silent, and the
// one that is up is found in each look, however the resolver orders them.
func TestOnlyTheSixthAnswers(t *testing.T) {
	t.Parallel()
	full := fullPort(t)
	var names []netip.Addr
	for i := range 5 {
		names = append(names, netip.AddrFrom4([4]byte{127, 0, 6, byte(i + 1)}))
	}
	six := netip.MustParseAddr("::1")
	l, err := net.Listen("tcp6", netip.AddrPortFrom(six, uint16(full)).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	resolver, _ := startNameServer(t, map[string][]netip.Addr{"six.test.": append(names, six)})
	d := detect(t, Target{Host: "six.test", Port: full, Timeout: 2 * time.Second})
	d.resolver = resolver
	for range 3 {
		if o := pass(t, d)[0]; o.State != event.Up || !strings.Contains(words.English(o.Detail), "[::1]") {
			t.Errorf("%s, %q", o.State, words.English(o.Detail))
		}
	}
	l.Close()
	if o := pass(t, d)[0]; o.State != event.Down || !strings.Contains(words.English(o.Detail), "[::1]") || !strings.Contains(words.English(o.Detail), "127.0.6.5") {
		t.Errorf("all are silent or refuse: %s, %q", o.State, words.English(o.Detail))
	}
}

// TestMappedAddress: an address of IPv4 written as one of IPv6 is asked over IPv4.
func TestMappedAddress(t *testing.T) {
	t.Parallel()
	l := listenAt(t, "127.0.4.9:0")
	for _, host := range []string{"::ffff:127.0.4.9", "127.0.4.9"} {
		for _, m := range []Method{Syn, Connect} {
			if o := pass(t, detect(t, Target{Host: host, Port: portOfListener(l), Method: m}))[0]; o.State != event.Up || !strings.Contains(words.English(o.Detail), " 127.0.4.9:") && !strings.HasPrefix(words.English(o.Detail), "127.0.4.9:") {
				t.Errorf("%s by %s: %s, %q", host, m, o.State, words.English(o.Detail))
			}
		}
	}
}

// closedPort is bound and does not listen, so it refuses, and nobody else
// can take it.
func closedPort(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet6{}); err != nil {
		t.Fatal(err)
	}
	return int(local(fd).Port())
}

func TestRefusedAndSilent(t *testing.T) {
	full, closed := fullPort(t), closedPort(t)
	for _, m := range []Method{Syn, Connect, TLS} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			d := detect(t,
				Target{Host: "127.0.0.1", Port: closed, Method: m},
				Target{Host: "::1", Port: closed, Method: m},
				Target{Host: "127.0.0.1", Port: full, Method: m, Timeout: 300 * time.Millisecond})
			start := time.Now()
			obs := pass(t, d)
			took := time.Since(start)
			for i, says := range []string{
				fmt.Sprintf("127.0.0.1:%d refused (RST)", closed), fmt.Sprintf("[::1]:%d refused (RST)", closed),
				fmt.Sprintf("no answer from 127.0.0.1:%d within ", full)} {
				if obs[i].State != event.Down || !strings.Contains(words.English(obs[i].Detail), says) {
					t.Errorf("got %s, %q; want down, %q", obs[i].State, words.English(obs[i].Detail), says)
				}
			}
			if took < 300*time.Millisecond || took > 2900*time.Millisecond {
				t.Errorf("a timeout of 300ms took %s", took)
			}
		})
	}
}

// TestHungDelaysNobody: the others are answered while one waits.
func TestHungDelaysNobody(t *testing.T) {
	full := fullPort(t)
	l := listenAt(t, "0.0.0.0:0")
	ts := []Target{{Host: "127.0.0.1", Port: full, Timeout: 2 * time.Second}}
	for i := range 40 {
		ts = append(ts, Target{Host: fmt.Sprintf("127.0.1.%d", i+1), Port: portOfListener(l)})
	}
	start := time.Now()
	obs := pass(t, detect(t, ts...))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the pass took %s, its longest timeout is 2s", took)
	}
	if obs[0].State != event.Down {
		t.Errorf("the hung one is %s", obs[0].State)
	}
	for _, o := range obs[1:] {
		if late := o.At.Sub(start); o.State != event.Up || late > 1500*time.Millisecond {
			t.Errorf("%s is %s after %s", o.Key, o.State, late)
		}
	}
}

// TestAllSilent: a site that is cut off does not hold a pass for ever.
func TestAllSilent(t *testing.T) {
	full := fullPort(t)
	var ts []Target
	for i := range 600 {
		ts = append(ts, Target{Host: fmt.Sprintf("127.0.%d.%d", 1+i/200, 1+i%200), Port: full, Timeout: 100 * time.Millisecond})
	}
	d, err := New(keyed(ts), Options{Rate: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for _, o := range pass(t, d) {
		if o.State != event.Down || !strings.Contains(words.English(o.Detail), "no answer") {
			t.Errorf("%s is %s, %q", o.Key, o.State, words.English(o.Detail))
		}
	}
	// Eight timeouts; one after the other it would be a minute.
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the pass took %s, want about 8 times 100ms", took)
	}
}

func keyed(ts []Target) []Target {
	for i := range ts {
		ts[i].Key = key(ts[i].Host, "agent", strconv.Itoa(ts[i].Port)+"/tcp")
	}
	return ts
}

func TestParallel(t *testing.T) {
	for n, want := range map[int]int{1: 256, 2048: 256, 2049: 257, 5000: 625, 8192: 1024, 100_000: 1024} {
		if got := parallel(n); got != want {
			t.Errorf("%d endpoints: %d at once, want %d", n, got, want)
		}
	}
}

// TestPassIsCut ends passes early: what was not reached is unknown, and it
// comes first the next time.
func TestPassIsCut(t *testing.T) {
	l := listenAt(t, "0.0.0.0:0")
	var ts []Target
	for i := range 150 {
		ts = append(ts, Target{Host: fmt.Sprintf("127.0.2.%d", i+1), Port: portOfListener(l)})
	}
	d, err := New(keyed(ts), Options{Rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[event.Key]bool{}
	for n := range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		start := time.Now()
		obs, err := d.Detect(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("a pass of 300ms took %s", took)
		}
		complete(t, d, obs)
		ups := 0
		for _, o := range obs {
			switch o.State {
			case event.Up:
				seen[o.Key] = true
				ups++
			case event.Unknown:
				if !strings.Contains(words.English(o.Detail), "the pass ended before this port's turn") {
					t.Errorf("%q", words.English(o.Detail))
				}
			default:
				t.Errorf("%s is %s, %q", o.Key, o.State, words.English(o.Detail))
			}
		}
		if n == 0 && (ups < burst || ups > burst+40) {
			t.Errorf("%d probes in 300ms at 100 a second after the first %d", ups, burst)
		}
		if len(seen) == len(ts) {
			return
		}
	}
	t.Errorf("%d of %d targets were never seen", len(ts)-len(seen), len(ts))
}

// TestCutWhileWaiting: a probe that the pass did not let wait long enough
// says nothing about the port.
func TestCutWhileWaiting(t *testing.T) {
	t.Parallel()
	full := fullPort(t)
	for _, m := range []Method{Syn, Connect, TLS} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		start := time.Now()
		d := detect(t, Target{Host: "127.0.0.1", Port: full, Method: m})
		obs, _ := d.Detect(ctx)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: %s after its end", m, took)
		}
		if o := obs[0]; o.State != event.Unknown || !strings.Contains(words.English(o.Detail), "the pass ended before an answer came") {
			t.Errorf("%s: %s, %q", m, o.State, words.English(o.Detail))
		}
	}
}

// TestNothingLeaks runs passes of every outcome and counts descriptors and
// goroutines.
func TestNothingLeaks(t *testing.T) {
	full, closed := fullPort(t), closedPort(t)
	open, _ := serve(t, func(c net.Conn) { c.Write([]byte("not TLS at all")) })
	var ts []Target
	for i, m := range []Method{Syn, Connect, TLS} {
		host := fmt.Sprintf("127.0.3.%d", i+1)
		if m != Syn {
			host = "127.0.0.1"
		}
		ts = append(ts,
			Target{Host: "127.0.3." + strconv.Itoa(i+1), Port: full, Method: m, Timeout: 100 * time.Millisecond},
			Target{Host: "127.0.3." + strconv.Itoa(i+1), Port: closed, Method: m})
		if i < 2 {
			ts = append(ts, Target{Host: host, Port: open, Method: m})
		}
	}
	ts = append(ts, Target{Port: closed}, Target{Host: "2001:db8::1%none", Port: 1})
	d := detect(t, ts...)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // or it would close what is forgotten
	pass(t, d)                                       // the runtime's own descriptors
	ignore := goleak.IgnoreCurrent()
	before := descriptors(t)
	for range 10 {
		pass(t, d)
	}
	eventually(t, func() bool { return descriptors(t) <= before })
	if n := descriptors(t); n > before {
		t.Errorf("%d descriptors, %d before", n, before)
	}
	goleak.VerifyNone(t, ignore)
}

func descriptors(t *testing.T) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

// TestNoDescriptors: out of descriptors is our trouble, not the port's.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	if os.Getenv("PORT_TEST") != "descriptors" {
		again(t, "descriptors", nil)
		return
	}
	port, _ := serve(t, func(net.Conn) {})
	ts := []Target{{Port: port, Loopback: true}}
	for i, m := range []Method{Syn, Connect, TLS} {
		ts = append(ts, Target{Host: "127.0.0." + strconv.Itoa(i+1), Port: port, Method: m})
	}
	d := detect(t, ts...)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 1024}); err != nil {
		t.Fatal(err)
	}
	for _, o := range pass(t, d) {
		if o.State != event.Unknown || !strings.Contains(words.English(o.Detail), "too many open files") {
			t.Errorf("%s is %s, %q; want unknown", o.Key, o.State, words.English(o.Detail))
		}
	}
}

// TestSandbox forbids netlink sockets as RestrictAddressFamilies of systemd
// does: the table is then read from /proc.
func TestSandbox(t *testing.T) {
	t.Parallel()
	if os.Getenv("PORT_TEST") != "sandbox" {
		again(t, "sandbox", nil)
		return
	}
	l := listenAt(t, "[::]:0")
	d := detect(t, Target{Port: portOfListener(l)})
	if o := pass(t, d)[0]; o.State != event.Up || !strings.HasSuffix(words.English(o.Detail), "; from sock_diag") {
		t.Errorf("before: %s, %q", o.State, words.English(o.Detail))
	}
	forbidNetlink(t)
	o := pass(t, d)[0]
	if o.State != event.Up || !strings.Contains(words.English(o.Detail), "listens at :: (uid ") ||
		!strings.Contains(words.English(o.Detail), "; from /proc/net/tcp; sock_diag: ") || !strings.Contains(words.English(o.Detail), "address family not supported") {
		t.Errorf("behind the filter: %s, %q", o.State, words.English(o.Detail))
	}
}

// forbidNetlink answers socket(AF_NETLINK, ...) with EAFNOSUPPORT.
func forbidNetlink(t *testing.T) {
	t.Helper()
	refuse(t, unix.SYS_SOCKET, 0, unix.AF_NETLINK, unix.EAFNOSUPPORT)
}

// refuse installs a seccomp filter on every thread of this process that answers
// a system call whose argument has this value with an error.
func refuse(t *testing.T, call uint32, argument int, value uint32, errno unix.Errno) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{ // struct seccomp_data: nr at 0, args at 16, of 8 bytes each
		{Code: load, K: 0},
		{Code: equal, K: call, Jf: 3},
		{Code: load, K: uint32(16 + 8*argument)},
		{Code: equal, K: value, Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := setSeccomp(filter); err != nil {
		t.Fatal(err)
	}
}

// TestSourcesAgree reads one table through both sources.
func TestSourcesAgree(t *testing.T) {
	for _, bind := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"} {
		listenAt(t, bind)
	}
	var all [2]string
	// Other programs come and go between two reads.
	eventually(t, func() bool {
		for i, s := range sources() {
			var ls []listener
			if err := s.read(t.Context(), func(l listener) { ls = append(ls, l) }); err != nil {
				t.Fatal(err)
			}
			if len(ls) < 4 {
				t.Fatalf("%s: %d sockets, want 4 at least", s.name, len(ls))
			}
			all[i] = show(sorted(ls))
		}
		return all[0] == all[1]
	})
	if all[0] != all[1] {
		t.Errorf("sock_diag  %s\n/proc/net  %s", all[0], all[1])
	}
}

// again runs the calling test in a process of its own.
func again(t *testing.T, what string, prepare func(*exec.Cmd)) {
	t.Helper()
	timeout := "60s"
	if os.Getenv("DSWATCH_SOAK") != "" {
		timeout = "1h"
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+timeout, "-test.parallel=64")
	cmd.Env = append(os.Environ(), "PORT_TEST="+what, "GORACE=atexit_sleep_ms=0")
	if prepare != nil {
		prepare(cmd)
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Errorf("in its own process:\n%s", out)
	case err != nil:
		t.Fatal(err)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Errorf("did not run in its own process:\n%s", out)
	default:
		t.Logf("in its own process:\n%s", out)
	}
}
