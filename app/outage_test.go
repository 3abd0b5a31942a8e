package app

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/test/ports"
	"dswatch/test/receive"
	"dswatch/web"
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
	var l net.Listener
	eventually(t, "to listen at "+address, func() bool {
		var err error
		l, err = net.Listen("tcp4", address)
		return err == nil
	})
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

// backlog puts n firings of three transitions each into the outboxes of all
// sinks, raise by raise, change by change.
func (f *fleet) backlog(n int) {
	f.t.Helper()
	var out []engine.Outgoing
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
				out = append(out, engine.Outgoing{Sink: sink, ID: a.DeliveryID(), Data: data})
			}
		}
	}
	if err := f.a.ledger.Outbox().Put(f.t.Context(), out); err != nil {
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
	if letters := f.letters(web.Selection{}); len(letters) > 0 {
		f.t.Errorf("%d dead letters, such as %+v", len(letters), letters[0])
	}
}

// victim is a kind of far end that outages happen to.
type victim struct {
	keys  string // of its sink; %s is its address
	spare string // faults that make no sense for it, or that its protocol cannot notice
	serve func(t *testing.T, v *heard, l net.Listener)
	certs *certificates // of those that speak TLS
}

// heard is what one far end was told: the delivery id that the text of each
// message holds.
type heard struct {
	mu    sync.Mutex
	ids   []string
	first time.Time
	last  time.Time
}

var idInText = regexp.MustCompile(`told ([0-9a-z]+\.[0-9]+) end`)

func (v *heard) take(raw []byte) {
	id := idInText.FindSubmatch(raw)
	if id == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = time.Now()
	if len(v.ids) == 0 {
		v.first = v.last
	}
	v.ids = append(v.ids, string(id[1]))
}

// distinct counts the deliveries. One that was accepted while its answer came
// too late comes twice.
func (v *heard) distinct() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids := map[string]bool{}
	for _, id := range v.ids {
		ids[id] = true
	}
	return len(ids)
}

// complete wants every delivery of a backlog, none before the one that
// precedes it, and no faster than the rate.
func (v *heard) complete(t *testing.T, name string, n int) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	last := map[string]int{}
	for _, id := range v.ids {
		alert, number, _ := strings.Cut(id, ".")
		seq, err := strconv.Atoi(number)
		if err != nil || seq > last[alert]+1 {
			t.Errorf("%s: %s came after number %d", name, id, last[alert])
		}
		last[alert] = max(last[alert], seq)
	}
	whole := 0
	for _, seq := range last {
		if seq == 3 {
			whole++
		}
	}
	if whole != n {
		t.Errorf("%s: %d of %d firings arrived whole", name, whole, n)
	}
	// A second's worth may come at once. A reader of a plain connection can be
	// late for the first, so half of the time that the rest takes is enough.
	if least := time.Duration(3*n-drainRate) * time.Second / drainRate / 2; v.last.Sub(v.first) < least {
		t.Errorf("%s: %d deliveries drained in %s, faster than the rate of %d/s allows", name, len(v.ids), v.last.Sub(v.first), drainRate)
	}
}

// certificates are what a server shows, which can change.
type certificates struct {
	ca  *receive.Authority
	mu  sync.Mutex
	now *tls.Certificate
}

func newCertificates(t *testing.T) *certificates {
	c := &certificates{ca: receive.NewAuthority(t)}
	c.issue(t, time.Now().Add(time.Hour))
	return c
}

func (c *certificates) issue(t *testing.T, until time.Time) receive.PKI {
	t.Helper()
	p := c.ca.Issue(t, "127.0.0.1", until)
	pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = &pair
	return p
}

func (c *certificates) listen(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now, nil
	}})
}

// overHTTP is a server that answers with status and words.
func overHTTP(status int, words string) func(*testing.T, *heard, net.Listener) {
	return func(t *testing.T, v *heard, l net.Listener) {
		server := &http.Server{ErrorLog: quietLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			v.take(body)
			w.WriteHeader(status)
			io.WriteString(w, words)
		})}
		go server.Serve(l)
		t.Cleanup(func() { server.Close() })
	}
}

// overMail is a mail server.
func overMail(t *testing.T, v *heard, l net.Listener) {
	receive.ServeMail(t, l, receive.MailOptions{}, func(m receive.Mail) {
		if letter, err := m.Read(); err != nil {
			t.Error(err)
		} else {
			v.take([]byte(letter.Plain))
		}
	})
}

// overStream is a syslog server that counts octets.
func overStream(_ *testing.T, v *heard, l net.Listener) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					length, err := in.ReadString(' ')
					if err != nil {
						return
					}
					n, err := strconv.Atoi(strings.TrimSpace(length))
					if err != nil || n > 1<<16 {
						return
					}
					message := make([]byte, n)
					if _, err := io.ReadFull(in, message); err != nil {
						return
					}
					v.take(message)
				}
			}()
		}
	}()
}

// victims are one sink of every kind whose far end can be heard to accept.
// A plain syslog connection has accepted whatever the other kernel takes, also
// of a reader that hangs, or in the moment before it ends the connection: those
// faults are for the tests of sinks/syslog.
func victims(t *testing.T) map[string]*victim {
	secure, secureAM, secureLog, secureMail := newCertificates(t), newCertificates(t), newCertificates(t), newCertificates(t)
	const people = "from: dswatch@example.com, to: [noc@example.com]"
	ca := func(c *certificates) string { return c.issue(t, time.Now().Add(time.Hour)).CAFile }
	return map[string]*victim{
		"hook":  {keys: `type: webhook, url: "http://%s"`, serve: overHTTP(200, "")},
		"hooks": {keys: fmt.Sprintf(`type: webhook, url: "https://%%s", tls: {ca_file: %q}`, ca(secure)), serve: overHTTP(200, ""), certs: secure},
		"chat":  {keys: `type: slack, webhook_url: "http://%s/services/x"`, serve: overHTTP(200, "ok")},
		"team":  {keys: `type: teams, webhook_url: "http://%s/workflows/x"`, serve: overHTTP(202, "")},
		"am":    {keys: `type: alertmanager, urls: ["http://%s"]`, serve: overHTTP(200, "")},
		"ams":   {keys: fmt.Sprintf(`type: alertmanager, urls: ["https://%%s"], tls: {ca_file: %q}`, ca(secureAM)), serve: overHTTP(200, ""), certs: secureAM},
		"mail":  {keys: `type: email, address: "%s", security: none, ` + people, serve: overMail},
		"mails": {keys: fmt.Sprintf(`type: email, address: "%%s", security: tls, tls: {ca_file: %q}, `, ca(secureMail)) + people, serve: overMail, certs: secureMail},
		"tcp":   {keys: `type: syslog, network: tcp, address: "%s"`, serve: overStream, spare: "hanging slow-loris half-closed reset"},
		"tls":   {keys: fmt.Sprintf(`type: syslog, network: tls, address: "%%s", tls: {ca_file: %q}`, ca(secureLog)), serve: overStream, certs: secureLog},
	}
}

// outage configures the victims at their addresses, and a sink that is well.
func (f *fleet) outage(vs map[string]*victim, at map[string]string) {
	f.sinks = fmt.Sprintf("sinks:\n  - {name: other, type: webhook, url: %q}\n", receive.StartWebhook(f.t, f.other).URL)
	for _, name := range slices.Sorted(maps.Keys(at)) {
		f.sinks += fmt.Sprintf("  - {name: %s, %s, timeout: 500ms, rate: %d/s, circuit: {failures: 2, pause: 200ms}, text: 'told {{.DeliveryID}} end'}\n",
			name, fmt.Sprintf(vs[name].keys, at[name]), drainRate)
	}
}

const (
	drainRate = 50
	firings   = 40
)

// TestOutages: whatever is wrong with far ends of every kind at once, nothing
// is lost, the sink that is well does not notice, and what waited drains in
// order at the rate limit.
func TestOutages(t *testing.T) {
	fault := func(name string, has func(*victim) bool, breaks func(t *testing.T, f *fleet, vs map[string]*victim, inbox map[string]*heard) (mend func())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vs, inbox := victims(t), map[string]*heard{}
			for n, v := range vs {
				if !has(v) || slices.Contains(strings.Fields(v.spare), name) {
					delete(vs, n)
					continue
				}
				inbox[n] = &heard{}
			}
			f := newFleet(t)
			mend := breaks(t, f, vs, inbox)
			f.survives(inbox, mend)
		})
	}
	every := func(*victim) bool { return true }
	serve := func(t *testing.T, v *victim, in *heard, l net.Listener) {
		if v.certs != nil {
			l = v.certs.listen(l)
		}
		v.serve(t, in, l)
	}
	for name, trouble := range troubles {
		fault(name, every, func(t *testing.T, f *fleet, vs map[string]*victim, inbox map[string]*heard) func() {
			at, fars := map[string]string{}, []*far{}
			for n, v := range vs {
				far := newFar(t, "127.0.0.1:"+ports.Free(t, "tcp"), trouble)
				serve(t, v, inbox[n], far)
				at[n], fars = far.Addr().String(), append(fars, far)
			}
			f.outage(vs, at)
			f.start("")
			return func() {
				for _, far := range fars {
					far.recover()
				}
			}
		})
	}
	fault("refused", every, func(t *testing.T, f *fleet, vs map[string]*victim, inbox map[string]*heard) func() {
		at := map[string]string{}
		for n := range vs {
			far := newFar(t, "127.0.0.1:"+ports.Free(t, "tcp"), nil)
			at[n] = far.Addr().String()
			far.Close()
		}
		f.outage(vs, at)
		f.start("")
		return func() {
			for n, v := range vs {
				serve(t, v, inbox[n], newFar(t, at[n], nil))
			}
		}
	})
	fault("certificate expired", func(v *victim) bool { return v.certs != nil }, func(t *testing.T, f *fleet, vs map[string]*victim, inbox map[string]*heard) func() {
		at := map[string]string{}
		for n, v := range vs {
			v.certs.issue(t, time.Now().Add(-time.Hour))
			far := newFar(t, "127.0.0.1:"+ports.Free(t, "tcp"), nil)
			serve(t, v, inbox[n], far)
			at[n] = far.Addr().String()
		}
		f.outage(vs, at)
		f.start("")
		return func() {
			for _, v := range vs {
				v.certs.issue(t, time.Now().Add(time.Hour))
			}
		}
	})
	fault("name unknown", every, func(t *testing.T, f *fleet, vs map[string]*victim, inbox map[string]*heard) func() {
		nowhere, at := map[string]string{}, map[string]string{}
		for n, v := range vs {
			far := newFar(t, "127.0.0.1:"+ports.Free(t, "tcp"), nil)
			serve(t, v, inbox[n], far)
			at[n], nowhere[n] = far.Addr().String(), n+".invalid:8080" // RFC 6761: no resolver knows it
		}
		f.outage(vs, nowhere)
		f.start("")
		return func() {
			f.outage(vs, at)
			f.restart("")
		}
	})
}

// station takes informs, unless trouble is what it answers instead.
type station struct {
	heard
	trouble atomic.Pointer[func() []byte]
}

func (st *station) serve(c *net.UDPConn) {
	decoder := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Logger: gosnmp.NewLogger(quietLog)}
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if trouble := st.trouble.Load(); trouble != nil {
			if b := (*trouble)(); b != nil {
				c.WriteToUDP(b, from)
			}
			continue
		}
		p, err := decoder.SnmpDecodePacket(buf[:n])
		if err != nil {
			continue
		}
		st.take(buf[:n])
		p.PDUType = gosnmp.GetResponse
		if b, err := p.MarshalMsg(); err == nil {
			c.WriteToUDP(b, from)
		}
	}
}

// TestInformOutages are those of a manager that confirms what it is told.
func TestInformOutages(t *testing.T) {
	vs := map[string]*victim{"nms": {keys: `type: snmp, address: "%s", community: public, inform: true`}}
	open := func(t *testing.T, address string) *net.UDPConn {
		at, err := net.ResolveUDPAddr("udp4", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.ListenUDP("udp4", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for name, trouble := range map[string]func() []byte{
		"silent":  func() []byte { return nil },
		"garbage": func() []byte { return []byte("\x30\x82\xff\xff\x02\x01\x01") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, st := newFleet(t), &station{}
			st.trouble.Store(&trouble)
			c := open(t, "127.0.0.1:"+ports.Free(t, "tcp"))
			go st.serve(c)
			f.outage(vs, map[string]string{"nms": c.LocalAddr().String()})
			f.start("")
			f.survives(map[string]*heard{"nms": &st.heard}, func() { st.trouble.Store(nil) })
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		f, st := newFleet(t), &station{}
		c := open(t, "127.0.0.1:"+ports.Free(t, "tcp"))
		address := c.LocalAddr().String()
		c.Close()
		f.outage(vs, map[string]string{"nms": address})
		f.start("")
		f.survives(map[string]*heard{"nms": &st.heard}, func() { go st.serve(open(t, address)) })
	})
	t.Run("name unknown", func(t *testing.T) {
		t.Parallel()
		f, st := newFleet(t), &station{}
		c := open(t, "127.0.0.1:"+ports.Free(t, "tcp"))
		go st.serve(c)
		f.outage(vs, map[string]string{"nms": "nms.invalid:162"})
		f.start("")
		f.survives(map[string]*heard{"nms": &st.heard}, func() {
			f.outage(vs, map[string]string{"nms": c.LocalAddr().String()})
			f.restart("")
		})
	})
}

// survives puts a backlog before far ends in trouble, looks, and mends them.
func (f *fleet) survives(inbox map[string]*heard, mend func()) {
	t := f.t
	t.Helper()
	f.backlog(firings)
	eventually(t, "the other sink has everything", func() bool { return distinct(f.other) == 3*firings })
	problems := map[string]string{}
	defer func() {
		for name := range inbox {
			if problems[name] == "" {
				t.Errorf("%s: no outage was seen", name)
			}
		}
	}()
	eventually(t, "the outage is seen", func() bool {
		st, err := f.a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		clear(problems)
		for _, s := range st.Sinks {
			if s.Circuit != "closed" && s.Waiting == uint64(3*firings) {
				problems[s.Name] = s.LastError
			}
		}
		return len(problems) == len(inbox)
	})
	for name, problem := range problems {
		if problem == "" || strings.Contains(problem, "\n") {
			t.Errorf("%s: the last error is %q", name, problem)
		}
		if n := inbox[name].distinct(); n > 0 {
			t.Fatalf("%s: %d arrived in the outage", name, n)
		}
	}
	mend()
	for name, v := range inbox {
		eventually(t, name+" has everything", func() bool { return v.distinct() == 3*firings })
		v.complete(t, name, firings)
	}
	f.complete(f.other, firings)
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
