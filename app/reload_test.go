package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/test/receive"
)

// reload reads the configuration again and returns what has changed.
func (f *fleet) reload(config string) []string {
	f.t.Helper()
	f.write(config)
	done, err := f.a.Reload(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	eventually(f.t, "the engine runs again", func() bool { _, err := f.a.decider(); return err == nil })
	return done.Changes
}

// TestReload: each kind of change is taken over, and nothing else is touched.
func TestReload(t *testing.T) {
	f := newFleet(t)
	own := "watch: {items: [{kind: process, name: own.exe, component: custom, os: [windows]}]}\nrules: {hold: 0s}\n"
	f.start(own)
	f.agent("20.0.0.1")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "both are told", func() bool { return len(f.hook.Received()) == 1 && len(f.other.Received()) == 1 })

	if got := f.reload(own); len(got) != 0 {
		t.Errorf("the same again: %q", got)
	}
	before := slices.Clone(f.a.looking())
	for name, c := range map[string]struct{ more, want string }{
		"row":         {"", "watch.items"},
		"language":    {"language: ja\n", "language: en -> ja"},
		"time zone":   {"time_zone: Asia/Tokyo\n", "time_zone: "},
		"log":         {"log: {level: WARN}\n", "log.level: INFO -> WARN"},
		"route":       {"routes: [{sinks: [hook]}]\n", "routes[0].sinks[0]: new, hook"},
		"maintenance": {"maintenance: [{name: night, match: [host=web09], schedule: 0 2 * * *, duration: 1h}]\n", "maintenance[0].name: new, night"},
		"drill":       {"drill: 0 9 1 * *\n", "drill: "},
		"facts":       {"", "watch.facts.relay"},
	} {
		t.Run(name, func(t *testing.T) {
			config := own + c.more
			switch name {
			case "row":
				config = strings.Replace(own, "items: [", "items: [{kind: driver, name: another, component: custom, os: [windows]}, ", 1)
			case "facts":
				config = strings.Replace(own, "watch: {", "watch: {facts: {relay: on}, ", 1)
			}
			got := strings.Join(f.reload(config), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			for _, one := range f.a.looking() {
				want := name == "time zone" && one.plan.Make != nil
				if !want && !slices.Contains(before, one) {
					t.Errorf("job %s was restarted", one.plan.Name)
				}
			}
			f.reload(own)
			before = slices.Clone(f.a.looking())
		})
	}
	if len(f.hook.Received()) != 1 || len(f.other.Received()) != 1 {
		t.Errorf("told again: %q, %q", transitions(f.hook), transitions(f.other))
	}
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "both are told the end", func() bool { return len(f.hook.Received()) == 2 && len(f.other.Received()) == 2 })

	// The row goes while it is down: it ends.
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "both are told", func() bool { return len(f.hook.Received()) == 3 && len(f.other.Received()) == 3 })
	f.reload("rules: {hold: 0s}\n")
	eventually(t, "both are told the end", func() bool { return len(f.hook.Received()) == 4 && len(f.other.Received()) == 4 })
}

// TestReloadOfSinks: one that goes is told the end of what is open there and
// leaves nothing behind; one that comes, and one with another address, are
// told what comes; the others hear nothing of it.
func TestReloadOfSinks(t *testing.T) {
	f := newFleet(t)
	own := "watch: {items: [{kind: process, name: own.exe, component: custom, os: [windows]}]}\nrules: {hold: 0s}\n"
	f.start(own)
	f.agent("20.0.0.1")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "both are told", func() bool { return len(f.hook.Received()) == 1 && len(f.other.Received()) == 1 })

	both := f.sinks
	f.sinks = both[:strings.LastIndex(both, "  - {name: other")]
	if got := f.reload(own); len(got) == 0 || !strings.HasPrefix(got[0], "sinks.other.") {
		t.Errorf("%q", got)
	}
	if got := transitions(f.other); !slices.Equal(got, []string{"raised own.exe", "cleared own.exe"}) {
		t.Errorf("the sink that went was told %q", got)
	}
	if text := f.other.Received()[1].Alert.Text; !strings.Contains(text, "taken out of the configuration") {
		t.Errorf("its end says %q", text)
	}
	st, err := f.a.Status(t.Context())
	if err != nil || len(st.Sinks) != 1 {
		t.Errorf("status %+v, %v", st.Sinks, err)
	}
	families, err := f.a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "sink" && l.GetValue() == "other" {
					t.Errorf("%s still has a series of it", family.GetName())
				}
			}
		}
	}

	f.sinks = both
	f.reload(own)
	if got := transitions(f.hook); !slices.Equal(got, []string{"raised own.exe"}) {
		t.Errorf("the sink that stayed was told %q", got)
	}
	third := &receive.Webhook{}
	f.sinks = strings.Replace(both, both[strings.Index(both, `url: "`):strings.Index(both, "}\n")], fmt.Sprintf("url: %q", receive.StartWebhook(t, third).URL), 1)
	f.reload(own)
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the new address is told the end", func() bool { return slices.Equal(transitions(third), []string{"cleared own.exe"}) })
	if got := transitions(f.hook); len(got) != 1 {
		t.Errorf("the old address was told %q", got)
	}
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the one that came back is told", func() bool { got := transitions(f.other); return got[len(got)-1] == "raised own.exe" })
}

// TestReloadWaitsForSinksThatGo: a far end that takes its time is told the end,
// and may be there again; two that go wait at the same time.
func TestReloadWaitsForSinksThatGo(t *testing.T) {
	f := newFleet(t)
	third, slow := &receive.Webhook{}, 7*time.Second // longer than anything else of a shutdown may take
	own := "watch: {items: [{kind: process, name: own.exe, component: custom, os: [windows]}]}\nrules: {hold: 0s}\n"
	f.sinks += fmt.Sprintf("  - {name: third, type: webhook, url: %q}\n", receive.StartWebhook(t, third).URL)
	all := f.sinks
	f.start(own)
	f.agent("20.0.0.1")
	f.tell(event.Process, "own.exe", event.Down)
	for _, w := range []*receive.Webhook{f.hook, f.other, third} {
		w.Await(t, 1)
	}
	f.other.Delay(slow)
	third.Delay(slow)
	f.sinks = all[:strings.Index(all, "  - {name: other")]
	begun := time.Now()
	f.reload(own)
	if took := time.Since(begun); took < slow {
		t.Errorf("the reload waited %s, and the far ends answer after %s", took, slow)
	}
	for name, w := range map[string]*receive.Webhook{"other": f.other, "third": third} {
		if got := transitions(w); !slices.Equal(got, []string{"raised own.exe", "cleared own.exe"}) {
			t.Errorf("%s went and was told %q", name, got)
		}
		w.Delay(0)
	}
	f.sinks = all
	f.reload(own)
	got := third.Await(t, 3)
	if end, back := got[1].Alert, got[2].Alert; back.Transition != event.Raised || !back.Replay || back.ID != end.ID || back.Seq <= end.Seq {
		t.Errorf("the one that is back was told %s %d after %s %d", back.Transition, back.Seq, end.Transition, end.Seq)
	}
	f.tell(event.Process, "own.exe", event.Up)
	third.Await(t, 4)
	f.sinks = all[:strings.Index(all, "  - {name: other")]
	f.reload(own)
	f.sinks = all
	f.reload(own)
	f.tell(event.Process, "own.exe", event.Down)
	want := []string{"raised own.exe", "cleared own.exe", "raised own.exe", "cleared own.exe", "raised own.exe"}
	third.Await(t, len(want))
	time.Sleep(300 * time.Millisecond)
	if got := transitions(third); !slices.Equal(got, want) {
		t.Errorf("the one that went and came back was told %q, want nothing of what was over", got)
	}
}

// TestReloadRefused: with one thing wrong, or one that cannot change, nothing
// changes, and log, status, metric and heartbeat say so until one is taken.
func TestReloadRefused(t *testing.T) {
	f := newFleet(t)
	log := &records{}
	f.log = log
	f.start("rules: {hold: 0s}\n")
	file := filepath.Join(f.dir, "fleet.yaml")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	elsewhere := t.TempDir()
	for name, c := range map[string]struct{ from, to, want string }{
		"typo":    {"rules: {hold: 0s}", "rules: {hodl: 0s}\nlanguage: ja", `did you mean "hold"?`},
		"no YAML": {"rules: {hold: 0s}", "rules: {", "fleet.yaml:"},
		"bus.dir": {f.dir + `"`, elsewhere + `"`, "bus.dir cannot change while dswatch runs: it is " + f.dir + ", and " + elsewhere + " in the file"},
		"host":    {"host: hub", "host: web09\nlanguage: ja", "host cannot change while dswatch runs: it is hub, and web09 in the file"},
		"address": {`listen: ""`, fmt.Sprintf("listen: %q", taken.Addr()), "address already in use"},
		"secret":  {"detectors:", "detectors:\n  manager: {url: 'https://dsm', api_key: abc}", "a secret of 3 bytes is too short"},
		"gone":    {"", "", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(good), c.from, c.to, 1)
			if text == string(good) && c.from != "" {
				t.Fatalf("%q is not in %s", c.from, good)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.from == "" {
				_ = os.Remove(file)
			}
			conf, sinks, looks := f.a.conf(), f.a.workers(), f.a.looking()
			_, err := f.a.Reload(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if f.a.conf() != conf || !slices.Equal(f.a.workers(), sinks) || !slices.Equal(f.a.looking(), looks) {
				t.Error("something has changed")
			}
			st, err := f.a.Status(t.Context())
			if err != nil || st.Config.Failed.IsZero() || !strings.Contains(st.Config.Error, c.want) {
				t.Errorf("status %+v, %v", st.Config, err)
			}
			if got := f.value("dswatch_config_last_reload_successful"); got != 0 {
				t.Errorf("the metric is %v", got)
			}
			if !strings.Contains(log.String(), "the configuration was not read again") {
				t.Error("the log says nothing")
			}
			if !f.a.reloads.failed() {
				t.Error("a heartbeat would say nothing")
			}
		})
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.a.Reload(t.Context()); err != nil || f.a.reloads.failed() || f.value("dswatch_config_last_reload_successful") != 1 {
		t.Errorf("the good one again: %v", err)
	}
}

// TestReloadRenewsTheBus: when only the password or a certificate for the message
// server has a new content, a reload logs in with it and nothing is lost; a file
// that does not help is refused, and the login of before stays.
func TestReloadRenewsTheBus(t *testing.T) {
	ca := receive.NewAuthority(t)
	own := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	pair, err := tls.LoadX509KeyPair(own.CertFile, own.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var came []string // who has logged in
	store := bustest.NewServer(t, func(o *server.Options) {
		o.Username, o.Password = "dswatch", "old-secret-0123456789"
		o.TLS, o.TLSVerify, o.TLSTimeout = true, true, 5
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			c, err := x509.ParseCertificate(raw[0])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				came = append(came, c.SerialNumber.String())
			}
			return err
		}}
	})
	logins := func() int { mu.Lock(); defer mu.Unlock(); return len(came) }
	f := newFleet(t)
	f.url = strings.Replace(store.URL, "nats://", "tls://", 1)
	write := func(name string, b []byte) string {
		path := filepath.Join(f.dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	mine := ca.Issue(t, "client", time.Now().Add(time.Hour))
	f.busKeys = fmt.Sprintf(", user: dswatch, password_file: %q, tls: {ca_file: %q, cert_file: %q, key_file: %q}",
		write("password", []byte("old-secret-0123456789")), mine.CAFile, write("cert.pem", read(mine.CertFile)), write("key.pem", read(mine.KeyFile)))
	const config = "watch: {items: [{kind: process, name: own.exe, component: custom, os: [windows]}]}\nrules: {hold: 0s}\n"
	f.start(config)
	f.agent("20.0.0.1")
	before := logins()
	if got := f.reload(config); len(got) != 0 || logins() != before {
		t.Fatalf("nothing has changed, yet %q and %d logins", got, logins()-before)
	}
	next := ca.Issue(t, "client", time.Now().Add(2*time.Hour))
	write("cert.pem", read(next.CertFile))
	write("key.pem", read(next.KeyFile))
	if got := fmt.Sprint(f.reload(config)); !strings.Contains(got, "bus.tls.cert_file: its content has changed") {
		t.Fatalf("changed: %s", got)
	}
	serial := func(p receive.PKI) string {
		pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.String()
	}
	eventually(t, "it has logged in with the new certificate", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return came[len(came)-1] == serial(next)
	})
	f.tell(event.Process, "own.exe", event.Up)
	f.tell(event.Process, "own.exe", event.Down)
	f.hook.Await(t, 1)

	write("cert.pem", []byte("hunter2"))
	before = logins()
	if _, err := f.a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "bus.tls.cert_file") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a file that does not help: %v", err)
	}
	f.tell(event.Process, "own.exe", event.Up)
	f.hook.Await(t, 2)
	if n := logins() - before; n != 0 {
		t.Errorf("it logged in %d times for what was refused", n)
	}
	write("cert.pem", read(next.CertFile))
}

// value is a gauge without labels as a scrape finds it.
func (f *fleet) value(name string) float64 {
	f.t.Helper()
	families, err := f.a.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	f.t.Fatalf("no metric %s", name)
	return 0
}

// TestReloadUnderLoad: valid and broken configurations in random order while
// things change: nothing is lost, doubled or left open.
func TestReloadUnderLoad(t *testing.T) {
	f := newFleet(t)
	const items = 50
	var rows []string
	for i := range items {
		rows = append(rows, fmt.Sprintf("{kind: process, name: p%02d, component: custom, os: [windows]}", i))
	}
	config := func(more string) string {
		return "watch: {items: [" + strings.Join(rows, ", ") + "]}\nrules: {hold: 0s, storm: {alerts: 0}, flap: {changes: 0}}\n" + more
	}
	f.start(config(""))
	f.agent("20.0.0.1")
	valid := []string{
		config(""), config("language: ja\n"), config("time_zone: Asia/Tokyo\n"), config("drill: 0 9 1 * *\n"), config("log: {level: WARN}\n"),
		config("maintenance: [{name: night, match: [host=web09], schedule: 0 2 * * *, duration: 1h}]\n"), config("routes: [{sinks: [hook, other]}]\n"),
	}
	broken := []string{config("languge: ja\n"), config("language: fr\n"), "rules: {", config("routes: [{sinks: [nobody]}]\n")}
	rnd := rand.New(rand.NewPCG(1, 2))
	stop := make(chan struct{})
	ended := make(chan map[string]int)
	go func() {
		down, times := map[string]bool{}, map[string]int{}
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		tell := func(name string, s event.State) {
			o := event.Observation{Key: event.Key{Host: "win01", Component: "custom", Kind: event.Process, Name: name}, State: s, Want: 1, At: time.Now()}
			for f.a.ledger.Publish(t.Context(), []event.Event{event.NewState("win01", event.Change, o)}) != nil {
				time.Sleep(time.Millisecond)
			}
		}
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-stop:
				for name := range down {
					tell(name, event.Up)
				}
				ended <- times
				return
			}
			name := fmt.Sprintf("p%02d", n%items)
			if down[name] {
				delete(down, name)
				tell(name, event.Up)
			} else {
				down[name] = true
				times[name]++
				tell(name, event.Down)
			}
		}
	}()
	for range 40 {
		if rnd.IntN(2) == 0 {
			f.write(broken[rnd.IntN(len(broken))])
			if _, err := f.a.Reload(t.Context()); err == nil {
				t.Error("a broken configuration was taken")
			}
			continue
		}
		f.write(valid[rnd.IntN(len(valid))])
		if _, err := f.a.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	times := <-ended
	want := 0
	for _, n := range times {
		want += n
	}
	for name, w := range map[string]*receive.Webhook{"hook": f.hook, "other": f.other} {
		open := func() (raised, cleared int, odd []string) {
			state := map[string]string{}
			for _, d := range w.Received() {
				a := d.Alert
				switch {
				case a.Transition == event.Raised && state[a.ID] == "":
					raised, state[a.ID] = raised+1, "open"
				case a.Transition == event.Cleared && state[a.ID] == "open":
					cleared, state[a.ID] = cleared+1, "over"
				case !a.Transition.Firing() || a.Transition == event.Raised:
					odd = append(odd, a.ID)
				}
			}
			return raised, cleared, odd
		}
		got, since := -1, time.Now() // of a busy machine nothing is wanted but that it goes on
		for raised, cleared, _ := open(); raised != cleared || raised < want; raised, cleared, _ = open() {
			if n := len(w.Received()); n != got {
				got, since = n, time.Now()
			} else if time.Since(since) > time.Minute {
				t.Fatalf("%s is told nothing for a minute: %d raised, %d cleared of %d losses", name, raised, cleared, want)
			}
			time.Sleep(10 * time.Millisecond)
		}
		raised, _, odd := open()
		if len(odd) > 0 || raised != want {
			t.Errorf("%s: %d raised of %d losses, %d doubled or without a beginning", name, raised, want, len(odd))
		}
		for _, id := range odd {
			for i, d := range w.Received() {
				if d.Alert.ID == id {
					t.Logf("%d: %s %s turn %d seq %d of %s", i, d.Alert.Transition, d.Alert.Key.Name, d.Alert.Turn, d.Alert.Seq, d.Alert.At.Format(time.StampMilli))
				}
			}
		}
		t.Logf("%s: %d raised, %d losses", name, raised, want)
	}
}

// TestReloadAmidASharedMessage reloads while a delivery that a far end refuses
// for now keeps others in the outbox that were told long ago: nothing of those
// is told again.
func TestReloadAmidASharedMessage(t *testing.T) {
	f := newFleet(t)
	choked := make(chan struct{})
	f.hook.Choke = func(a event.Alert) bool {
		select {
		case <-choked:
			return false
		default:
			return a.Key.Name == "p1"
		}
	}
	own := "watch: {items: [{kind: process, name: p0, component: custom, os: [windows]}, {kind: process, name: p1, component: custom, os: [windows]}, {kind: process, name: p2, component: custom, os: [windows]}]}\nrules: {hold: 0s, flap: {changes: 0}}\n"
	f.start(own)
	tell := func(s event.State, names ...string) {
		t.Helper()
		var all []event.Event
		for _, name := range names {
			o := event.Observation{Key: event.Key{Host: "win01", Component: "custom", Kind: event.Process, Name: name}, State: s, Want: 1, At: time.Now()}
			all = append(all, event.NewState("win01", event.Change, o))
		}
		if err := f.a.ledger.Publish(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	tell(event.Down, "p0", "p1", "p2")
	eventually(t, "all are seen", func() bool {
		n := 0
		f.a.engine.Load().Items(func(st rules.Status, _ rules.Snapshot) {
			if st.Key.Host == "win01" {
				n++
			}
		})
		return n == 3
	})
	f.agent("20.0.0.1") // from now on they are expected, which one step says
	f.hook.Await(t, 2)
	if st, err := f.a.bus.Pending(t.Context(), bus.Outbox, "hook"); err != nil || st.Held != 1 {
		t.Fatalf("%+v %v, want one message with all", st, err)
	}
	tell(event.Up, "p0", "p2")
	f.hook.Await(t, 4)
	tell(event.Down, "p0", "p2")
	f.hook.Await(t, 6)
	eventually(t, "the others have left the outbox", func() bool {
		st, err := f.a.bus.Pending(t.Context(), bus.Outbox, "hook")
		return err == nil && st.Held+int(st.Waiting) == 1
	})
	f.reload(own + "time_zone: Asia/Tokyo\n")
	close(choked)
	f.hook.Await(t, 7)
	tell(event.Up, "p0", "p1", "p2")
	f.hook.Await(t, 10)
	got := transitions(f.hook)
	slices.Sort(got)
	want := []string{"cleared p0", "cleared p0", "cleared p1", "cleared p2", "cleared p2", "raised p0", "raised p0", "raised p1", "raised p2", "raised p2"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", transitions(f.hook), want)
	}
}

// TestReloadIsQuick: 500 rows and 10 sinks are read again within 200 ms, and
// meanwhile every look comes in its time.
func TestReloadIsQuick(t *testing.T) {
	most := 2 * time.Second // beside all other tests
	if os.Getenv("DSWATCH_SOAK") != "" {
		most = 200 * time.Millisecond
	}
	hook := receive.StartWebhook(t, &receive.Webhook{})
	dir := t.TempDir()
	file := filepath.Join(dir, "dswatch.yaml")
	write := func(more string) {
		t.Helper()
		var b strings.Builder
		fmt.Fprintf(&b, "host: web01\nbus: {dir: %q}\nweb: {listen: \"\"}\nrules: {hold: 1h}\n", filepath.Join(dir, "bus"))
		b.WriteString("detectors: {process: {schedule: \"@every 1s\"}, service: {schedule: \"@every 1h\"}, driver: {schedule: \"@every 1h\"}, port: {schedule: \"@every 1h\"}}\n")
		b.WriteString("sinks:\n")
		for i := range 10 {
			fmt.Fprintf(&b, "  - {name: s%d, type: webhook, url: %q}\n", i, hook.URL)
		}
		b.WriteString("watch:\n  facts: {os: linux, components: []}\n  items:\n")
		for i := range 500 {
			fmt.Fprintf(&b, "    - {kind: process, name: quick%03d, component: custom}\n", i)
		}
		b.WriteString(more)
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	l, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := Open(ctx, l, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	}()
	looked := func() (at time.Time) {
		for _, one := range a.looking() {
			if one.plan.Name == string(event.Process) {
				at = one.sched.Stats().Jobs[0].LastAt
			}
		}
		return at
	}
	eventually(t, "it is looked", func() bool { return !looked().IsZero() })
	eventually(t, "reloads are possible", func() bool { _, err := a.Reload(t.Context()); return err == nil })

	// The longest time between two looks, as somebody sees who looks often.
	watched := make(chan time.Duration)
	over := make(chan struct{})
	go func() {
		last, worst := looked(), time.Duration(0)
		for {
			select {
			case <-over:
				watched <- worst
				return
			case <-time.After(5 * time.Millisecond):
			}
			if now := looked(); now.After(last) {
				worst, last = max(worst, now.Sub(last)), now
			}
		}
	}()
	best := map[string]time.Duration{} // the least, which a busy machine does not change
	for range 4 {
		for _, one := range [][2]string{ // each takes back the one before
			{"a row", "    - {kind: process, name: quick500, component: custom}\n"},
			{"a route", "routes: [{sinks: [s1, s2]}]\n"},
			{"the time zone", "time_zone: Asia/Tokyo\n"},
			{"all sinks", "language: ja\n"},
		} {
			name := one[0]
			write(one[1])
			begin := time.Now()
			if done, err := a.Reload(t.Context()); err != nil || len(done.Changes) == 0 {
				t.Fatalf("%s: %v %v", name, done, err)
			}
			if took := time.Since(begin); best[name] == 0 || took < best[name] {
				best[name] = took
			}
			time.Sleep(300 * time.Millisecond)
		}
	}
	close(over)
	for name, took := range best {
		t.Logf("%s: %s", name, took.Round(time.Millisecond))
		if took > most {
			t.Errorf("%s takes %s, want %s", name, took.Round(time.Millisecond), most)
		}
	}
	if worst := <-watched; worst > time.Second+most {
		t.Errorf("%s between two looks, want about 1s", worst)
	} else {
		t.Logf("%s between two looks at most", worst.Round(time.Millisecond))
	}
}
