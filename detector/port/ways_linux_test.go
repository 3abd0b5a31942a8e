package port

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/words"
)

// estate is ten sites of a hundred hosts behind a router that plays them all.
const (
	sites   = 10
	perSite = 100
)

func siteHost(site, n int) string { return fmt.Sprintf("10.1.%d.%d", site, n+1) }

// TestEstate probes 1,000 hosts behind a real router: however many of them are
// silent, refused, filtered or unreachable, by address or by name, each good
// one is seen, what is common is told once, this host's own port is seen
// within its own schedule, and no handshake is completed.
func TestEstate(t *testing.T) {
	t.Parallel()
	switch os.Getenv("PORT_TEST") {
	case "":
		for _, tool := range []string{"ip", "nsenter"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Fatalf("%s is missing: apt-get install iproute2 util-linux", tool)
			}
		}
		again(t, "estate", newNetwork)
		return
	case "router": // every host: counts the connections that its agent would see
		var accepted atomic.Int64
		l, err := net.Listen("tcp4", "0.0.0.0:4118")
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				accepted.Add(1)
				c.Close()
			}
		}()
		io.Copy(io.Discard, os.Stdin)
		fmt.Println("accepted", accepted.Load())
		return
	}
	here, there, end := router(t)
	here("route add 10.1.0.0/16 via 10.0.0.254")
	set := func(site int, kind string) {
		there(fmt.Sprintf("route replace %s 10.1.%d.0/24 table main", kind, site))
	}
	const well = "local" // the router itself answers for every address
	reset := func() {
		for s := range sites {
			there(fmt.Sprintf("route replace local 10.1.%d.0/24 dev lo table main", s))
		}
	}
	reset()
	eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", "10.1.0.1:4119", time.Second)
		if err == nil {
			c.Close()
		}
		return err != nil && strings.Contains(err.Error(), "refused")
	})

	timeout, rate, long := 400*time.Millisecond, 5000, os.Getenv("DSWATCH_SOAK") != ""
	if long {
		timeout, rate = DefaultTimeout, defaultRate
	}
	names := map[string][]netip.Addr{}
	const refuses = 4119 // nobody listens there
	targets := func(name func(site, n int) string, refused int) (ts []Target) {
		for s := range sites {
			port := 4118
			if s < refused {
				port = refuses
			}
			for n := range perSite {
				ts = append(ts, Target{Host: name(s, n), Port: port, Timeout: timeout})
			}
		}
		return keyed(ts)
	}
	dnsName := func(prefix string) func(site, n int) string {
		return func(site, n int) string {
			host := fmt.Sprintf("%s.h%d.s%d.test", prefix, n, site)
			names[host+"."] = []netip.Addr{netip.MustParseAddr(siteHost(site, n))}
			return host
		}
	}
	type world struct {
		name   string
		cut    int // sites that are, from the first
		sites  int // of which nothing can be seen, from the first
		kind   string
		host   func(site, n int) string
		state  event.State // of the way
		behind string      // of those in trouble; PREFIX: their network; empty: told alone
	}
	var worlds []world
	for _, n := range []int{0, 1, 5, 9, 10} {
		for _, trouble := range []struct{ name, kind string }{{"silent", "blackhole"}, {"filtered", "prohibit"}, {"unreachable", "unreachable"}, {"refused", well}} {
			for _, by := range []struct {
				name string
				host func(site, n int) string
			}{{"by address", siteHost}, {"by name", dnsName("good")}, {"by name without a resolver", dnsName("silent")}} {
				w := world{fmt.Sprintf("%d %% %s, %s", 10*n, trouble.name, by.name), n, n, trouble.kind, by.host, event.Down, "PREFIX"}
				switch {
				case by.name == "by name without a resolver":
					w.cut, w.sites, w.state, w.behind = min(n, sites-1), sites, event.Unknown, detector.WayResolver
				case trouble.kind == well:
					w.behind = ""
				case n == sites: // nothing answers any more
					w.behind = detector.WayNetwork
				}
				// The short form has each number of silent ones by address, and of the
				// other troubles one of each.
				short := by.name == "by address" && (trouble.name == "silent" || n == 5 && trouble.kind != well || n == sites && trouble.kind == well) ||
					by.name == "by name" && n == 5 && trouble.name == "silent" || by.name == "by name without a resolver" && n == sites && trouble.kind == well
				if long || short {
					worlds = append(worlds, w)
				}
			}
		}
	}

	own := listenAt(t, "0.0.0.0:0")
	ownPort := portOfListener(own)
	confessed := int64(0)
	for _, w := range worlds {
		refused := 0
		if w.kind == well && w.behind == "" {
			refused = w.sites
		}
		ts := targets(w.host, refused)
		if strings.HasSuffix(w.name, "by name") { // the name server of this test is as busy as its machine
			for i := range ts {
				ts[i].Timeout = max(timeout, DefaultTimeout)
			}
		}
		if w.behind == detector.WayResolver { // beside addresses, which need none
			ts = append(ts, keyed([]Target{{Host: "10.1.9.200", Port: 4118, Timeout: timeout}})...)
		}
		resolver, _ := startNameServer(t, names)
		d, err := New(ts, Options{Rate: rate, Here: "here"})
		if err != nil {
			t.Fatal(err)
		}
		d.resolver = resolver
		local := detect(t, Target{Port: ownPort})
		for s := range sites {
			if s < w.cut && w.kind != well {
				set(s, w.kind)
			}
		}
		// This host's own port is lost and found while the pass runs.
		if own == nil {
			own = listenAt(t, fmt.Sprintf("0.0.0.0:%d", ownPort))
		}
		if o := pass(t, local)[0]; o.State != event.Up {
			t.Errorf("%s: own port: %s, %q", w.name, o.State, words.English(o.Detail))
		}
		answer := make(chan []event.Observation, 1)
		var budget Config
		budget.Rate = rate
		for _, x := range ts {
			budget.Targets = append(budget.Targets, TargetConfig{Host: x.Host, Ports: []int{x.Port}, Timeout: x.Timeout})
		}
		worst := budget.Budget().Worst
		start := time.Now()
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), max(worst, 20*time.Second))
			defer cancel()
			obs, _ := d.Detect(ctx)
			answer <- obs
		}()
		own.Close()
		own = nil
		began := time.Now()
		if o := pass(t, local)[0]; o.State != event.Down || time.Since(began) > 5*time.Second { // half of its schedule
			t.Errorf("%s: own port after its loss: %s, %q, after %s", w.name, o.State, words.English(o.Detail), time.Since(began))
		}
		obs := <-answer
		took := time.Since(start)
		t.Logf("%-46s %d targets, budget %s, took %s", w.name, len(ts), worst, took.Round(time.Millisecond))
		if took > max(worst, 20*time.Second) {
			t.Errorf("%s: the pass took %s, its budget is %s", w.name, took, worst)
		}
		alone, causes := 0, map[string]event.State{}
		for i, o := range obs {
			if strings.Contains(words.English(o.Detail), "too late") {
				confessed++
			}
			if detector.IsWay(o.Key) {
				if o.State != event.Up && o.Behind == (event.Key{}) {
					causes[o.Key.Name] = o.State
				}
				continue
			}
			site := i / perSite
			bad := site < w.sites
			if w.behind == detector.WayResolver && i == len(ts)-1 {
				bad = false
			}
			switch {
			case !bad && o.State != event.Up:
				t.Errorf("%s: %s is well and seen as %s, %q", w.name, o.Key, o.State, words.English(o.Detail))
			case bad && w.behind == "" && o.State == event.Down:
				alone++
			case bad && w.behind == "PREFIX" && o.Behind.Name != fmt.Sprintf("10.1.%d.0/24", site),
				bad && w.behind != "PREFIX" && o.Behind.Name != w.behind,
				bad && w.behind != "" && o.State != event.Unknown:
				t.Errorf("%s: %s is %s behind %q, %q", w.name, o.Key, o.State, o.Behind.Name, words.English(o.Detail))
			}
		}
		wantCauses := w.sites
		switch w.behind {
		case "":
			wantCauses = 0
			if alone != w.sites*perSite {
				t.Errorf("%s: %d told alone, want %d", w.name, alone, w.sites*perSite)
			}
		case detector.WayNetwork, detector.WayResolver:
			wantCauses = 1
		}
		if len(causes) != wantCauses {
			t.Errorf("%s: causes %v, want %d", w.name, causes, wantCauses)
		}
		for name, state := range causes {
			if state != w.state {
				t.Errorf("%s: %s is %s, want %s", w.name, name, state, w.state)
			}
		}
		reset()
	}
	time.Sleep(250 * time.Millisecond) // a handshake that was not reset is complete by now
	var accepted int64
	if _, err := fmt.Sscanf(end(), "accepted %d", &accepted); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d handshakes completed, %d confessed", accepted, confessed)
	if accepted > confessed {
		t.Errorf("%d handshakes were completed, and %d were confessed", accepted, confessed)
	}
}

// TestPassGivesWhatItSaw: a pass that is too short for all says what it saw,
// of the others that their turn did not come, and which item tells of it.
func TestPassGivesWhatItSaw(t *testing.T) {
	full := fullPort(t)
	up := listenAt(t, "0.0.0.0:0")
	var ts []Target
	for i := range 400 { // all places are taken by silent ones
		ts = append(ts, Target{Host: fmt.Sprintf("127.0.%d.%d", 20+i/200, 1+i%200), Port: full, Timeout: 2 * time.Second})
	}
	ts = append(ts, Target{Host: "127.0.30.1", Port: portOfListener(up)})
	d, err := New(keyed(ts), Options{Rate: 100_000, Here: "here"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		obs, err := d.Detect(ctx)
		left := ctx.Err() == nil
		cancel()
		if err != nil || !left {
			t.Fatalf("pass %d: %v, in time %v", n, err, left)
		}
		way := obs[len(ts)]
		if way.Key.Name != detector.WayTargets || way.State != event.Unknown || !strings.Contains(words.English(way.Detail), "the pass ended before") {
			t.Errorf("pass %d: %s is %s, %q", n, way.Key, way.State, words.English(way.Detail))
		}
		last := obs[len(ts)-1]
		if n == 0 && (last.State != event.Unknown || last.Behind != way.Key || !strings.Contains(words.English(last.Detail), "comes first in the next one")) {
			t.Errorf("pass %d: %s is %s, %q", n, last.Key, last.State, words.English(last.Detail))
		}
		if n == 1 && last.State != event.Up {
			t.Errorf("what was not reached did not come first: %s, %q", last.State, words.English(last.Detail))
		}
	}
}

// TestBudget: what a pass is said to need at worst is what it needs.
func TestBudget(t *testing.T) {
	full := fullPort(t)
	c := Config{Rate: 100_000}
	for i := range 600 {
		c.Targets = append(c.Targets, TargetConfig{Host: "127.0." + strconv.Itoa(40+i/200) + "." + strconv.Itoa(1+i%200), Ports: []int{full}, Timeout: 200 * time.Millisecond})
	}
	b := c.Budget()
	if b.Endpoints != 600 || b.Names != 0 || b.Parallel != 256 || b.Worst < 600*time.Millisecond || b.Worst > 1200*time.Millisecond {
		t.Errorf("%+v", b)
	}
	c.Targets = append(c.Targets, TargetConfig{Host: "web.test", Ports: []int{4118, 4119}}, TargetConfig{Ports: []int{4118}})
	if with := c.Budget(); with.Endpoints != 602 || with.Names != 1 || with.Worst < b.Worst+6*time.Second {
		t.Errorf("with a name %+v", with)
	}
	if none := (Config{}).Budget(); none.Worst != 0 {
		t.Errorf("of nothing %+v", none)
	}
}
