package syslog_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
	"dswatch/test/receive"

	syslogparser "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/octetcounting"
	"golang.org/x/sys/unix"
)

// silence makes the kernel drop what comes in before TCP sees it: everything,
// or only what carries data. No acknowledgement, no reset, as if the far host
// had lost its power.
func silence(t testing.TB, raw syscall.RawConn, onlyData bool) {
	t.Helper()
	all := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	data := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13}, // the flags of the TCP header
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: 8, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0}, // PSH: drop
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 18},
	}
	filter := all
	if onlyData {
		filter = data
	}
	var e error
	raw.Control(func(fd uintptr) {
		e = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	if e != nil {
		t.Fatal(e)
	}
}

func silenceConn(t testing.TB, c net.Conn) {
	t.Helper()
	if s, ok := c.(*tls.Conn); ok {
		c = s.NetConn()
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	silence(t, raw, false)
}

// deaf is a far end that takes connections and acknowledges nothing on them.
func deaf(t testing.TB) *collector {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		silence(t, raw, true)
		return nil
	}}
	lc.SetMultipathTCP(false) // takes no filters
	l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return frames(t, l, counted)
}

// TestHalfDead: the far end vanishes without a word while the connection is
// idle. The next message must not be taken for delivered; it is sent again
// over a new connection.
func TestHalfDead(t *testing.T) {
	t.Parallel()
	ca := receive.NewAuthority(t)
	hour := time.Now().Add(time.Hour)
	for network, far := range map[string]*collector{
		"tcp": frames(t, listen(t, "tcp4", "127.0.0.1:0"), counted),
		"tls": frames(t, tls.NewListener(listen(t, "tcp4", "127.0.0.1:0"), serverTLS(t, ca.Issue(t, "siem.example", hour))), counted),
	} {
		t.Run(network, func(t *testing.T) {
			s := newSink(t, config(network, far.address, func(c *syslog.Config) {
				c.Timeout = 3 * time.Second
				if network == "tls" {
					c.TLS = tlsOf(ca.Issue(t, "dswatch.example", hour))
				}
			}))
			for i := range 2 {
				if err := s.Send(t.Context(), sinktest.Sample(i, event.Raised, "en")); err != nil {
					t.Fatal(err)
				}
				await(t, far, i+1)
				far.mu.Lock()
				silenceConn(t, far.conns[len(far.conns)-1])
				far.mu.Unlock()
			}
			// The second message went over a second connection.
			if n := far.connections(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}

// TestSilentForever: no far end answers on any connection. That is a
// temporary failure within the timeout, never a success.
func TestSilentForever(t *testing.T) {
	t.Parallel()
	far := deaf(t)
	s := newSink(t, config("tcp", far.address, func(c *syslog.Config) { c.Timeout = 2 * time.Second })) // a busy machine needs some of it to connect
	for range 2 {
		start := time.Now()
		err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
		if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "had acknowledged") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("took %s", took)
		}
	}
}

// TestUnixStreamThatDoesNotRead: what lies in a socket is not accepted.
func TestUnixStreamThatDoesNotRead(t *testing.T) {
	t.Parallel()
	l := listen(t, "unix", filepath.Join(t.TempDir(), "s"))
	kept := make(chan net.Conn, 9) // else the garbage collector closes them, and that frees what lies in them
	defer func() {
		l.Close()
		for c := range kept {
			c.Close()
		}
	}()
	go func() {
		defer close(kept)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			kept <- c
		}
	}()
	s := newSink(t, config("unix", l.Addr().String(), func(c *syslog.Config) { c.Timeout = 300 * time.Millisecond }))
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err == nil || sinks.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}

// TestContextWhileFarEndIsSilent: the one who leaves does not wait for the
// round that carries his message.
func TestContextWhileFarEndIsSilent(t *testing.T) {
	t.Parallel()
	far := deaf(t)
	s := newSink(t, config("tcp", far.address, func(c *syslog.Config) { c.Timeout = 5 * time.Second }))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.Send(ctx, sinktest.Sample(1, event.Raised, "en")); err == nil || sinks.Classify(err) != sinks.ClassTimeout {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestManyShareOneConnection: messages of many goroutines go over one
// connection, whole, and each is told its own end.
func TestManyShareOneConnection(t *testing.T) {
	t.Parallel()
	far := frames(t, listen(t, "tcp4", "127.0.0.1:0"), counted)
	s := newSink(t, config("tcp", far.address, nil))
	const workers, each = 64, 50
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if err := s.Send(t.Context(), sinktest.Sample(w*each+i, event.Raised, "ja")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, m := range await(t, far, workers*each) {
		told, err := read(m)
		if err != nil {
			t.Fatal(err)
		}
		seen[told.AlertID] = true
	}
	if len(seen) != workers*each || far.connections() != 1 {
		t.Errorf("%d alerts over %d connections, want %d over 1", len(seen), far.connections(), workers*each)
	}
}

// TestOctetCounting has a parser that is not ours take the stream apart.
func TestOctetCounting(t *testing.T) {
	t.Parallel()
	l := listen(t, "tcp4", "127.0.0.1:0")
	defer l.Close()
	results := make(chan *syslogparser.Result, 10)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		octetcounting.NewParser(syslogparser.WithListener(func(r *syslogparser.Result) { results <- r })).Parse(c)
	}()
	s := newSink(t, config("tcp", l.Addr().String(), nil))
	for i, tr := range sinktest.Transitions() {
		if err := s.Send(t.Context(), sinktest.Sample(i, tr, "ja")); err != nil {
			t.Fatal(err)
		}
		if r := <-results; r.Error != nil || !r.Message.Valid() {
			t.Errorf("%s: %v", tr, r.Error)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, other := receive.NewAuthority(t), receive.NewAuthority(t)
	hour, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	good := ca.Issue(t, "siem.example", hour)
	client := tlsOf(ca.Issue(t, "dswatch.example", hour))
	mix := func(f func(*sinks.TLS)) sinks.TLS { c := client; f(&c); return c }
	for name, c := range map[string]struct {
		server receive.PKI
		client sinks.TLS
		set    func(*tls.Config)
		want   string // "" is success
	}{
		"mutual":          {good, client, nil, ""},
		"mutual, TLS 1.2": {good, client, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, ""},
		"TLS 1.1":         {good, client, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, "protocol version"},
		"name":            {good, mix(func(c *sinks.TLS) { c.ServerName = "siem.example" }), nil, ""},
		"another name":    {good, mix(func(c *sinks.TLS) { c.ServerName = "other.example" }), nil, "check tls.ca_file and tls.server_name"},
		"server expired":  {ca.Issue(t, "siem.example", past), client, nil, "expired"},
		"server not ours": {other.Issue(t, "siem.example", hour), client, nil, "check tls.ca_file"},
		"system's trust":  {good, mix(func(c *sinks.TLS) { c.CAFile = "" }), nil, "check tls.ca_file"},
		"no certificate":  {good, sinks.TLS{CAFile: client.CAFile}, nil, "check tls.cert_file"},
		"client expired":  {good, tlsOf(ca.Issue(t, "dswatch.example", past)), nil, "check tls.cert_file"},
		"client not theirs": {good, func() sinks.TLS {
			c := tlsOf(other.Issue(t, "dswatch.example", hour))
			c.CAFile = client.CAFile
			return c
		}(), nil, "check tls.cert_file"},
		"client not theirs, TLS 1.2": {good, sinks.TLS{CAFile: client.CAFile}, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "check tls.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := serverTLS(t, c.server)
			roots := serverTLS(t, good)
			cfg.ClientCAs = roots.ClientCAs
			if c.set != nil {
				c.set(cfg)
			}
			far := frames(t, tls.NewListener(listen(t, "tcp4", "127.0.0.1:0"), cfg), counted)
			s := newSink(t, config("tls", far.address, func(cfg *syslog.Config) { cfg.TLS = c.client }))
			err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				await(t, far, 1)
				return
			}
			if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestCertificateIsRenewed: the files are read again at each connect.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	ca := receive.NewAuthority(t)
	far := frames(t, tls.NewListener(listen(t, "tcp4", "127.0.0.1:0"), serverTLS(t, ca.Issue(t, "siem.example", time.Now().Add(time.Hour)))), counted)
	old, renewed := ca.Issue(t, "dswatch.example", time.Now().Add(-time.Hour)), ca.Issue(t, "dswatch.example", time.Now().Add(time.Hour))
	s := newSink(t, config("tls", far.address, func(c *syslog.Config) { c.TLS = tlsOf(old) }))
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err == nil {
		t.Fatal("success with an expired certificate")
	}
	copyFile(t, renewed.CertFile, old.CertFile)
	copyFile(t, renewed.KeyFile, old.KeyFile)
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil {
		t.Fatal(err)
	}
	await(t, far, 1)
}

// TestUnixChangesItsKind: the receiver comes back with the other kind of
// socket under the same path.
func TestUnixChangesItsKind(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	var s *syslog.Sink
	for i, open := range []func() *collector{
		func() *collector { return packets(t, "unixgram", path) },
		func() *collector { return frames(t, listen(t, "unix", path), counted) },
		func() *collector { return packets(t, "unixgram", path) },
	} {
		far := open()
		if s == nil {
			s = newSink(t, config("unix", path, nil))
		}
		ok := false
		for try := 0; try < 3 && !ok; try++ { // the first may find that the old one is gone
			ok = s.Send(t.Context(), sinktest.Sample(i, event.Raised, "en")) == nil
		}
		if !ok {
			t.Fatalf("kind %d: nothing got through", i)
		}
		await(t, far, 1)
		far.stop()
	}
}

// TestLostIsSentAgain: the server acknowledges and goes away without having
// read. The message comes again although nothing else is sent.
func TestLostIsSentAgain(t *testing.T) {
	t.Parallel()
	l := listen(t, "tcp4", "127.0.0.1:0")
	address := l.Addr().String()
	s := newSink(t, config("tcp", address, nil))
	sent := make(chan error, 1)
	go func() { sent <- s.Send(t.Context(), sinktest.Sample(7, event.Raised, "en")) }()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	l.Close()
	c.Close() // with the message unread: a reset
	time.Sleep(50 * time.Millisecond)
	far := frames(t, listen(t, "tcp4", address), counted)
	told, err := read(await(t, far, 1)[0])
	if err != nil || told.AlertID != sinktest.Sample(7, event.Raised, "en").ID {
		t.Errorf("%v, %v", told, err)
	}
}

// TestServerThatCutsEveryConnection gets a message a bounded number of times:
// it acknowledges each and resets the connection with the message unread.
func TestServerThatCutsEveryConnection(t *testing.T) {
	t.Parallel()
	l := listen(t, "tcp4", "127.0.0.1:0")
	defer l.Close()
	var connections atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				c.Read(make([]byte, 1))
				time.Sleep(5 * time.Millisecond) // the rest is acknowledged by now
				c.Close()
			}()
		}
	}()
	s := newSink(t, config("tcp", l.Addr().String(), nil))
	if err := s.Send(t.Context(), sinktest.Sample(7, event.Raised, "en")); err != nil {
		t.Fatal(err)
	}
	last := int32(-1)
	for until := time.Now().Add(5 * time.Second); connections.Load() != last && time.Now().Before(until); time.Sleep(500 * time.Millisecond) {
		last = connections.Load()
	}
	if n := connections.Load(); n != last || n < 2 || n > 20 {
		t.Errorf("%d connections, and the last wait saw %d", n, last)
	}
}

// TestBalancerWithoutServers accepts every connection and ends it at once:
// nothing is told to be delivered.
func TestBalancerWithoutServers(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*net.TCPConn){
		"end": func(c *net.TCPConn) { c.Close() }, "half an end": func(c *net.TCPConn) { c.CloseWrite() },
		"reset": func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, "tcp4", "127.0.0.1:0")
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					defer c.Close()
					end(c.(*net.TCPConn))
				}
			}()
			s := newSink(t, config("tcp", l.Addr().String(), nil))
			var err error
			for try := 0; err == nil && try < 20; try++ { // on a slow machine the end may come too late
				err = s.Send(t.Context(), sinktest.Sample(7, event.Raised, "en"))
			}
			// A reset may come as early as the connecting.
			if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "ended the connection at once") && !strings.Contains(err.Error(), "reset") {
				t.Error(err)
			}
		})
	}
}

// TestCutWhileManyAreInFlight cuts connections with everything unread, while
// many batches are on their way: whoever was told "delivered" was right.
func TestCutWhileManyAreInFlight(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mu sync.Mutex
	seen := map[string]bool{}
	var reading sync.WaitGroup
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			reading.Go(func() {
				defer c.Close()
				c.(*net.TCPConn).SetReadBuffer(64 << 10) // what is unread is less than what is kept
				lines := bufio.NewReader(c)
				for read := 0; n >= 6 || read < 50+n*37; read++ {
					line, err := lines.ReadString('\n')
					if err != nil {
						return
					}
					id := line[strings.Index(line, ` id="`)+5:]
					mu.Lock()
					seen[id[:24]] = true
					mu.Unlock()
				}
				c.(*net.TCPConn).SetLinger(0) // a reset, with the rest unread
			})
		}
	}()
	s := newSink(t, config("tcp", l.Addr().String(), func(c *syslog.Config) { c.Framing, c.Timeout = "newline", 10*time.Second }))
	const workers, each = 128, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				a := sinktest.Sample(w*each+i, event.Raised, "en")
				for try := 0; s.Send(t.Context(), a) != nil; try++ {
					if try == 20 {
						t.Error("20 attempts in vain")
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for until := time.Now().Add(15 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := len(seen)
		mu.Unlock()
		if n == workers*each {
			return
		}
	}
	t.Errorf("%d of %d arrived", len(seen), workers*each)
}

// TestStalledReceiverAtTheEnd: what a receiver that stands still has not
// acknowledged is sent again after a restart, so it must not come when it reads
// on after the sink was closed.
func TestStalledReceiverAtTheEnd(t *testing.T) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10) })
		return err
	}}
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := syslog.Defaults()
	cfg.Name, cfg.Network, cfg.Address = "siem", "tcp", l.Addr().String()
	s, err := syslog.New(cfg, sinks.Env{Name: "siem", Host: "dswatch.example"})
	if err != nil {
		t.Fatal(err)
	}
	const messages = 400
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var sends sync.WaitGroup
	for i := range messages {
		sends.Go(func() { _ = s.Send(ctx, sinktest.Sample(i, event.Raised, "en")) })
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sends.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	got, frames := bufio.NewScanner(conn), 0
	got.Buffer(nil, 1<<20)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for got.Scan() {
		frames += strings.Count(got.Text(), "<")
	}
	if !errors.Is(got.Err(), syscall.ECONNRESET) {
		t.Errorf("the connection ended with %v after %d marks, want a reset", got.Err(), frames)
	}
}
