package app

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/test/receive"
)

// far is a TCP far end that misbehaves as trouble says until it is nil.
type far struct {
	net.Listener
	mu      sync.Mutex
	trouble func(net.Conn) // has the connection for itself
	bad     []net.Conn
}

func newFar(t *testing.T, address string, trouble func(net.Conn)) *far {
	t.Helper()
	l, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	f := &far{Listener: l, trouble: trouble}
	t.Cleanup(func() { l.Close() })
	return f
}

// Accept returns connections that are treated well.
func (f *far) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		f.mu.Lock()
		trouble := f.trouble
		if trouble == nil {
			f.mu.Unlock()
			return c, nil
		}
		f.bad = append(f.bad, c)
		f.mu.Unlock()
		go trouble(c)
	}
}

// recover ends the trouble, and every connection that had it.
func (f *far) recover() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble = nil
	for _, c := range f.bad {
		c.Close()
	}
}

// quietLog is of servers whose clients have reason to complain.
var quietLog = log.New(io.Discard, "", 0)

// The troubles that a network has.
var troubles = map[string]func(net.Conn){
	"hanging": func(net.Conn) {}, // accepts, reads nothing, answers nothing
	"slow-loris": func(c net.Conn) { // answers a byte at a time, without end
		for _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nX: ")); err == nil; _, err = c.Write([]byte("y")) {
			time.Sleep(10 * time.Millisecond)
		}
	},
	"half-closed": func(c net.Conn) { // reads on, and has ended its own side
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = bufio.NewReader(c).WriteTo(nowhere{})
	},
	"reset": func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	},
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// backlog puts n firings of three transitions each into the outboxes of both
// sinks, raise by raise, change by change.
func (f *fleet) backlog(n int) {
	f.t.Helper()
	var out []rules.Outgoing
	for seq, tr := range []event.Transition{event.Raised, event.Changed, event.Cleared} {
		for i := range n {
			k := event.Key{Host: fmt.Sprintf("host%05d", i), Component: "agent", Kind: event.Process, Name: "ds_agent"}
			a := event.Alert{
				ID: event.AlertID(k, event.RuleLoss, "outage"), Seq: seq + 1, Transition: tr, Rule: event.RuleLoss, Key: k, State: event.Down,
				Severity: event.Critical, Impact: event.ProtectionLost, Language: "en", Title: "t", Text: "t", Observer: "hub",
				StartedAt: time.Now(), At: time.Now(),
			}
			data, err := a.Encode()
			if err != nil {
				f.t.Fatal(err)
			}
			for _, sink := range f.a.sinkNames() {
				out = append(out, rules.Outgoing{Sink: sink, ID: a.DeliveryID(), Data: data})
			}
		}
	}
	if err := f.a.outbox().Put(f.t.Context(), out); err != nil {
		f.t.Fatal(err)
	}
}

// distinct counts the deliveries at w. One that was accepted while its answer
// came too late comes twice.
func distinct(w *receive.Webhook) int {
	ids := map[string]bool{}
	for _, d := range w.Received() {
		ids[d.DeliveryID] = true
	}
	return len(ids)
}

// complete wants every delivery of a backlog at w, none before the one that
// precedes it, and none given up.
func (f *fleet) complete(w *receive.Webhook, n int) {
	f.t.Helper()
	last := map[string]int{}
	for _, d := range w.Received() {
		if d.Alert.Seq > last[d.Alert.ID]+1 {
			f.t.Errorf("%s came after number %d", d.DeliveryID, last[d.Alert.ID])
		}
		last[d.Alert.ID] = max(last[d.Alert.ID], d.Alert.Seq)
	}
	whole := 0
	for _, seq := range last {
		if seq == 3 {
			whole++
		}
	}
	if whole != n {
		f.t.Errorf("%d of %d firings arrived whole", whole, n)
	}
	if letters := f.letters(Selection{}); len(letters) > 0 {
		f.t.Errorf("%d dead letters, such as %+v", len(letters), letters[0])
	}
}

// outage configures sink hook for a far end in trouble.
func (f *fleet) outage(url, more string) {
	f.sinks = fmt.Sprintf("sinks:\n  - {name: hook, type: webhook, url: %q, timeout: 500ms, rate: %d/s, circuit: {failures: 5, pause: 200ms}%s}\n  - {name: other, type: webhook, url: %q}\n",
		url, drainRate, more, receive.StartWebhook(f.t, f.other).URL)
}

const drainRate = 80

// TestOutages: whatever is wrong with one far end, nothing is lost, the other
// sink does not notice, and what waited drains in order at the rate limit.
func TestOutages(t *testing.T) {
	const firings = 80
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			far := newFar(t, "127.0.0.1:0", trouble)
			server := &http.Server{Handler: f.hook, ErrorLog: quietLog}
			go server.Serve(far)
			t.Cleanup(func() { server.Close() })
			f.outage("http://"+far.Addr().String(), "")
			f.start("")
			f.survives(firings, far.recover)
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		server := receive.StartHTTP(t, f.hook)
		server.Stop()
		f.outage(server.URL, "")
		f.start("")
		f.survives(firings, func() { server.Start(t) })
	})
	t.Run("certificate expired", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		ca := receive.NewAuthority(t)
		load := func(until time.Time) *tls.Certificate {
			p := ca.Issue(t, "127.0.0.1", until)
			pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
			if err != nil {
				t.Fatal(err)
			}
			return &pair
		}
		good := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
		var mu sync.Mutex
		now := load(time.Now().Add(-time.Hour))
		l := tls.NewListener(newFar(t, "127.0.0.1:0", nil), &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			mu.Lock()
			defer mu.Unlock()
			return now, nil
		}})
		server := &http.Server{Handler: f.hook, ErrorLog: quietLog}
		go server.Serve(l)
		t.Cleanup(func() { server.Close() })
		f.outage("https://"+l.Addr().String(), fmt.Sprintf(", tls: {ca_file: %q}", good.CAFile))
		f.start("")
		f.survives(firings, func() {
			mu.Lock()
			defer mu.Unlock()
			now = load(time.Now().Add(time.Hour))
		})
	})
	t.Run("name unknown", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		f.outage("http://hook.invalid:8080", "") // RFC 6761: no resolver knows it
		f.start("")
		f.survives(firings, func() {
			f.outage(receive.StartWebhook(t, f.hook).URL, "")
			f.restart("")
		})
	})
}

// survives puts a backlog before a far end in trouble, looks, and recovers.
func (f *fleet) survives(firings int, recover func()) {
	t := f.t
	t.Helper()
	f.backlog(firings)
	eventually(t, "the other sink has everything", func() bool { return distinct(f.other) == 3*firings })
	var problem string
	eventually(t, "the outage is seen", func() bool {
		st, err := f.a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range st.Sinks {
			if s.Name == "hook" && s.Circuit != "closed" && s.Waiting == uint64(3*firings) {
				problem = s.LastError
				return true
			}
		}
		return false
	})
	if problem == "" || strings.Contains(problem, "\n") {
		t.Errorf("the last error is %q", problem)
	}
	if n := len(f.hook.Received()); n > 0 {
		t.Fatalf("%d arrived in the outage", n)
	}
	recover()
	eventually(t, "everything arrives", func() bool { return distinct(f.hook) == 3*firings })
	f.complete(f.hook, firings)
	f.complete(f.other, firings)
	got := f.hook.Received()
	took := got[len(got)-1].At.Sub(got[0].At)
	if least := time.Duration(3*firings-drainRate) * time.Second / drainRate * 8 / 10; took < least {
		t.Errorf("%d deliveries drained in %s, faster than the rate of %d/s allows", len(got), took, drainRate)
	}
}

// TestOutageOfTenThousand fills the outbox of one sink far past what its
// worker holds at once, and restarts in the middle of the outage.
func TestOutageOfTenThousand(t *testing.T) {
	const firings = 3334
	f := newFleet(t)
	server := receive.StartHTTP(t, f.hook)
	server.Stop()
	f.sinks = fmt.Sprintf("sinks:\n  - {name: hook, type: webhook, url: %q, circuit: {failures: 5, pause: 200ms}}\n", server.URL)
	f.start("")
	f.backlog(firings)
	f.waits(3 * firings)
	f.restart("")
	f.waits(3 * firings)
	if n := len(f.hook.Received()); n > 0 {
		t.Fatalf("%d arrived in the outage", n)
	}
	server.Start(t)
	for until := time.Now().Add(time.Minute); distinct(f.hook) < 3*firings && time.Now().Before(until); {
		time.Sleep(50 * time.Millisecond)
	}
	f.complete(f.hook, firings)
	if n := len(f.hook.Received()); n != 3*firings {
		t.Errorf("%d arrived, want %d", n, 3*firings)
	}
	f.waits(0)
}

// waits wants the status to say at last that n alerts wait for the first sink.
func (f *fleet) waits(n uint64) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d alerts wait", n), func() bool {
		st, err := f.a.Status(f.t.Context())
		return err == nil && st.Sinks[0].Waiting == n
	})
}
