package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/test/ports"
	"dswatch/test/receive"
)

// items is how many processes are watched.
const items = 8

// host is a pretend host with a dswatch, its processes and its far ends.
type host struct {
	t    *testing.T
	dir  string // bus.dir
	bus  string // the bus section
	more string // configuration

	schedule string // of the looks at processes
	hook     string // settings of the webhook
	env      []string
	api      string
	path     string // of the configuration
	names    []string
	ends     *ends

	program string   // the compiled one
	within  []string // the command that runs it; nil: none

	mu   sync.Mutex
	runs map[string]*exec.Cmd
	prog *program
}

// ends are three far ends of different kinds.
type ends struct {
	hook *receive.Webhook
	url  string
	nms  *receive.Snmptrapd
	siem *receive.Rsyslogd

	before map[string][]told // what far ends of an earlier life were told

	past  map[string]bool // alerts of a life that nobody remembers; they do not count
	first int             // how often they had been told
	late  int             // how often they were told again since
}

// hosts counts them: those that run at once have processes of other names.
var hosts atomic.Int64

// newHost starts every process and every far end.
func newHost(t *testing.T, dir string) *host {
	t.Helper()
	h := newEnds(t, dir)
	name := fmt.Sprintf("f%d-", hosts.Add(1))
	for i := range items {
		h.names = append(h.names, fmt.Sprintf("%s%02d", name, i))
	}
	links := t.TempDir()
	cat, err := exec.LookPath("cat") // it waits for its input, and costs next to nothing
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range h.names {
		if err := os.Symlink(cat, filepath.Join(links, n)); err != nil {
			t.Fatal(err)
		}
	}
	h.env = append(os.Environ(), "LINKS="+links)
	t.Cleanup(func() {
		for _, n := range h.names {
			h.down(n)
		}
	})
	h.up(h.names...)
	return h
}

// newEnds is a host with far ends and without processes.
func newEnds(t *testing.T, dir string) *host {
	t.Helper()
	h := &host{t: t, dir: dir, bus: fmt.Sprintf("{dir: %q}", dir), runs: map[string]*exec.Cmd{}, api: freeAddress(t), program: dswatch, schedule: "1s"}
	h.ends = &ends{hook: &receive.Webhook{}}
	h.ends.url = receive.StartWebhook(t, h.ends.hook).URL
	mib, err := exec.Command(dswatch, "mib").Output()
	if err != nil {
		t.Fatal(err)
	}
	h.ends.nms = receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: string(mib)})
	h.ends.siem = receive.StartRsyslogd(t, receive.SyslogOptions{})
	return h
}

// newHostOf is a host with far ends of its own and the processes of another
// one, whose state does not change any more.
func newHostOf(t *testing.T, dir string, of *host) *host {
	t.Helper()
	h := newEnds(t, dir)
	h.names, h.runs = of.names, of.runs
	return h
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + ports.Free(t, "tcp")
}

// up starts processes.
func (h *host) up(names ...string) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	links := strings.TrimPrefix(h.env[len(h.env)-1], "LINKS=")
	for _, n := range names {
		if h.runs[n] != nil {
			continue
		}
		cmd := exec.Command(filepath.Join(links, n))
		if _, err := cmd.StdinPipe(); err != nil {
			h.t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			h.t.Fatal(err)
		}
		h.runs[n] = cmd
	}
}

// down ends processes.
func (h *host) down(names ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range names {
		if cmd := h.runs[n]; cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			delete(h.runs, n)
		}
	}
}

// lost are the names of what is down.
func (h *host) lost() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.names {
		if h.runs[n] == nil {
			out = append(out, n)
		}
	}
	return out
}

// program is one `dswatch run`.
type program struct {
	cmd  *exec.Cmd
	log  *lines
	done chan struct{}
	err  error
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func (h *host) config() string {
	var rows strings.Builder
	for _, n := range h.names {
		fmt.Fprintf(&rows, "    - {kind: process, name: %s, component: custom}\n", n)
	}
	return fmt.Sprintf(`
host: web01
bus: %s
watch:
  facts: {os: linux, components: []}
  items:
%sdetectors:
  process: {schedule: "@every %s"}
  service: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  port: {schedule: "@every 1h"}
rules: {hold: 0s, repeat: 0s, flap: {changes: 0}, storm: {alerts: 1000}}
web: {listen: %q}
sinks:
  - {name: hook, type: webhook, url: %q%s}
  - {name: nms, type: snmp, address: %q, version: 2c, community: public}
  - {name: siem, type: syslog, network: tcp, address: %q, format: rfc5424, body: json}
%s`, h.bus, rows.String(), h.schedule, h.api, h.ends.url, h.hook, h.ends.nms.Address, h.ends.siem.TCP, h.more)
}

// start runs the program, with more variables of its environment.
func (h *host) start(env ...string) *program {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "dswatch.yaml")
	h.path = path
	if err := os.WriteFile(path, []byte(h.config()), 0o600); err != nil {
		h.t.Fatal(err)
	}
	line := append(slices.Clone(h.within), h.program, "run", "-c", path)
	p := &program{cmd: exec.Command(line[0], line[1:]...), log: &lines{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	h.prog = p
	h.t.Cleanup(func() {
		p.kill()
		if h.t.Failed() {
			h.t.Logf("dswatch said:\n%s", p.log)
		}
	})
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop ends the program in order.
func (h *host) stop() {
	h.t.Helper()
	p := h.prog
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(45 * time.Second):
		h.t.Fatal("dswatch did not stop within 45s of SIGTERM")
	}
	if p.err != nil {
		h.t.Fatalf("dswatch ended with %v", p.err)
	}
}

// alive fails the test when the program has ended by itself.
func (h *host) alive() {
	h.t.Helper()
	select {
	case <-h.prog.done:
		h.t.Fatalf("dswatch ended by itself: %v", h.prog.err)
	default:
	}
}

// get asks the program for a page without a token.
func (h *host) get(page string) (status int, body string) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + h.api + page)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// await polls until ok, and returns how long that took.
func (h *host) await(what string, within time.Duration, ok func() bool) time.Duration {
	h.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > within {
			h.t.Fatalf("not within %s: %s", within, what)
		}
		h.alive()
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// told is one transition as a far end has it.
type told struct {
	id, item   string
	seq        int
	transition event.Transition
}

func (e *ends) told(t *testing.T) map[string][]told {
	out := map[string][]told{}
	for sink, all := range e.before {
		out[sink] = slices.Clone(all)
	}
	add := func(sink string, a event.Alert) {
		if a.Rule == event.RuleLoss && a.Key.Component == "custom" {
			out[sink] = append(out[sink], told{a.ID, a.Key.Name, a.Seq, a.Transition})
		}
	}
	for _, d := range e.hook.Received() {
		add("hook", d.Alert)
	}
	defer e.leaveOut(out)
	for _, trap := range e.nms.Traps() {
		a := event.Alert{ID: trap["dswatchAlertId.0"], Rule: trap["dswatchAlertRule.0"], Transition: event.Transition(trap["dswatchAlertTransition.0"])}
		a.Key = event.Key{Component: trap["dswatchAlertComponent.0"], Name: trap["dswatchAlertName.0"]}
		_, _ = fmt.Sscan(trap["dswatchAlertSeq.0"], &a.Seq)
		add("nms", a)
	}
	for _, line := range e.siem.Lines(t) {
		if i := strings.Index(line, "{"); i >= 0 {
			var p sinks.Payload
			if json.Unmarshal([]byte(line[i:]), &p) == nil {
				add("siem", p.Alert)
			}
		}
	}
	return out
}

// leaveOut takes what does not count out of what was told.
func (e *ends) leaveOut(all map[string][]told) {
	if e.past == nil {
		return
	}
	seen := 0
	for sink := range all {
		all[sink] = slices.DeleteFunc(all[sink], func(one told) bool {
			if e.past[one.id] {
				seen++
			}
			return e.past[one.id]
		})
	}
	if e.first == 0 {
		e.first = seen
	}
	e.late = seen - e.first
}

// notices counts, at all sinks together, what dswatch told of its own store.
func (h *host) notices(transition event.Transition) (n int) {
	for _, d := range h.ends.hook.Received() {
		if a := d.Alert; a.Key.Component == "dswatch" && a.Key.Name == "store" && a.Transition == transition {
			n++
		}
	}
	for _, trap := range h.ends.nms.Traps() {
		if trap["dswatchAlertComponent.0"] == "dswatch" && trap["dswatchAlertName.0"] == "store" && trap["dswatchAlertTransition.0"] == string(transition) {
			n++
		}
	}
	for _, line := range h.ends.siem.Lines(h.t) {
		if strings.Contains(line, `"name":"store"`) && strings.Contains(line, `"transition":"`+string(transition)+`"`) {
			n++
		}
	}
	return n
}

// count is what the conservation oracle found at all sinks together.
type count struct{ firings, lost, doubled, unpaired, disorder, gaps int }

func (c *count) add(o count) {
	c.firings, c.lost, c.doubled = c.firings+o.firings, c.lost+o.lost, c.doubled+o.doubled
	c.unpaired, c.disorder, c.gaps = c.unpaired+o.unpaired, c.disorder+o.disorder, c.gaps+o.gaps
}

func (c count) String() string {
	return fmt.Sprintf("%d firings, %d lost, %d doubled, %d unpaired, %d out of order, %d gaps", c.firings, c.lost, c.doubled, c.unpaired, c.disorder, c.gaps)
}

// clean reports whether nothing was lost or left open, and all came in order.
// A copy is no fault where an answer may have been lost.
func (c count) clean() bool { return c.lost+c.unpaired+c.disorder+c.gaps == 0 }

// weigh compares what every sink was told with what is down now: exactly one
// firing of it is open, none of anything else.
func (h *host) weigh() (all count) {
	got := h.ends.told(h.t)
	lost := h.lost()
	for _, sink := range []string{"hook", "nms", "siem"} {
		var c count
		last := map[string]told{}            // by alert
		copies := map[string]int{}           // by alert and number
		open := map[string]map[string]bool{} // by item, alerts
		for _, g := range got[sink] {
			key := fmt.Sprint(g.id, g.seq)
			if copies[key]++; copies[key] > 1 {
				c.doubled++
				continue
			}
			before, known := last[g.id]
			switch {
			case !known && g.seq != 1 || known && g.seq > before.seq+1:
				c.gaps++
			case known && g.seq < before.seq:
				c.disorder++
			}
			last[g.id] = g
			if open[g.item] == nil {
				open[g.item] = map[string]bool{}
			}
			if g.transition.Firing() {
				c.firings++
				if len(open[g.item]) > 0 && !open[g.item][g.id] {
					c.disorder++ // the one before is not over
				}
				open[g.item][g.id] = true
			} else {
				delete(open[g.item], g.id)
			}
		}
		for _, n := range h.names {
			switch down := slices.Contains(lost, n); {
			case down && len(open[n]) == 0:
				c.lost++
			case down:
				c.unpaired += len(open[n]) - 1
			default:
				c.unpaired += len(open[n])
			}
		}
		all.add(c)
	}
	return all
}

// watches waits until the program has looked at all processes.
func (h *host) watches() {
	h.t.Helper()
	h.await("dswatch watches", 60*time.Second, func() bool { return strings.Contains(h.prog.log.String(), "msg=watching") })
	h.ready(60 * time.Second)
	time.Sleep(1500 * time.Millisecond)
}

// ready waits until the program has proven that a change would be told.
func (h *host) ready(within time.Duration) time.Duration {
	h.t.Helper()
	return h.await("it is ready", within, func() bool { status, _ := h.get("/readyz"); return status == http.StatusOK })
}

// believed is how long something may be told to nobody while the program says
// that it is ready.
const believed = 45 * time.Second

// settles waits until every sink knows what is so, and returns how long that
// took.
func (h *host) settles(what string, within time.Duration) time.Duration {
	h.t.Helper()
	began := time.Now()
	unready := began // when it was not ready last
	for look := began; ; {
		if time.Since(look) > time.Second {
			look = time.Now()
			if status, _ := h.get("/readyz"); status != http.StatusOK {
				unready = time.Now()
			} else if time.Since(unready) > believed {
				h.t.Errorf("%s: something has not been told for %s, and the program says that it is ready", what, believed)
				unready = time.Now()
			}
		}
		c := h.weigh()
		if c.lost+c.unpaired == 0 {
			return time.Since(began)
		}
		if time.Since(began) > within {
			status, why := h.get("/readyz")
			h.t.Errorf("%s: not within %s: %s; readyz is %d: %s", what, within, c, status, why)
			return within
		}
		h.alive()
		time.Sleep(50 * time.Millisecond)
	}
}
