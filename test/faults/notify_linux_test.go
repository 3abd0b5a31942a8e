package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// manager is a strict stand-in for systemd: it speaks the notify protocol of
// sd_notify(3), refuses what that does not know, and aborts a program whose
// watchdog is late.
type manager struct {
	t     *testing.T
	conn  *net.UnixConn
	limit time.Duration

	mu       sync.Mutex
	ready    time.Time
	stopping bool
	status   []string
	beats    int
	last     time.Time
	aborted  bool
	extended int
}

func newManager(t *testing.T, limit time.Duration) (m *manager, env []string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // short: a socket's path ends at 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	m = &manager{t: t, conn: conn, limit: limit}
	go m.listen()
	return m, []string{"NOTIFY_SOCKET=" + path, fmt.Sprintf("WATCHDOG_USEC=%d", limit.Microseconds())}
}

func (m *manager) listen() {
	buf := make([]byte, 64<<10)
	for {
		n, err := m.conn.Read(buf)
		if err != nil {
			return
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\n"), "\n") {
			m.hear(line)
		}
	}
}

func (m *manager) hear(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name, value, ok := strings.Cut(line, "=")
	switch {
	case !ok:
		m.t.Errorf("no assignment: %q", line)
	case name == "READY" && value == "1":
		if !m.ready.IsZero() {
			m.t.Error("ready twice")
		}
		m.ready, m.last = time.Now(), time.Now()
	case name == "STATUS":
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
			m.t.Errorf("a status of several lines: %q", value)
		}
		m.status = append(m.status, value)
	case name == "WATCHDOG" && value == "1":
		m.beats++
		m.last = time.Now()
	case name == "EXTEND_TIMEOUT_USEC":
		if !m.ready.IsZero() && !m.stopping {
			m.t.Error("more time is asked for while nothing is waited for")
		}
		m.extended++
	case name == "STOPPING" && value == "1":
		m.stopping = true
	default:
		m.t.Errorf("unknown assignment: %q", line)
	}
}

// guard aborts p when its watchdog is late, as systemd does.
func (m *manager) guard(p *program) {
	for {
		select {
		case <-p.done:
			return
		case <-time.After(50 * time.Millisecond):
		}
		m.mu.Lock()
		late := !m.ready.IsZero() && time.Since(m.last) > m.limit && !m.aborted
		m.aborted = m.aborted || late
		m.mu.Unlock()
		if late {
			_ = p.cmd.Process.Signal(syscall.SIGABRT)
		}
	}
}

func (m *manager) said(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.status, func(s string) bool { return strings.Contains(s, what) })
}

// TestFaultUnderAServiceManager: ready once it observes, the status names what
// is waited for, a full disk does not end it, and it stops in order.
func TestFaultUnderAServiceManager(t *testing.T) {
	t.Parallel()
	v := tmpfs(t, "size=160m")
	h := newHost(t, filepath.Join(v.path, "bus"))
	m, env := newManager(t, 10*time.Second)
	p := h.start(env...)
	go m.guard(p)
	h.await("it is ready", 30*time.Second, func() bool { m.mu.Lock(); defer m.mu.Unlock(); return !m.ready.IsZero() })
	h.await("it says that it observes", 10*time.Second, func() bool { return strings.Contains(p.log.String(), "msg=watching") })
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	for line := range strings.Lines(p.log.String()) { // which may come here later than the word that it is ready
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		if at, err := time.Parse(time.RFC3339, stamp); strings.Contains(line, "msg=watching") && (err != nil || at.After(ready)) {
			t.Errorf("ready at %s, before it observes: %s", ready.Format(time.RFC3339Nano), line)
		}
	}
	h.await("the status says that all is well", 20*time.Second, func() bool { return m.said("decisions are current") })
	free := v.fill()
	h.await("the status names the reason", 12*time.Second, func() bool { return m.said("NOT CURRENT: store: ") })
	const full = time.Minute // a loop that did not turn for 45s would have it aborted
	time.Sleep(full)
	free()
	h.await("all is well again", 10*time.Second, func() bool { status, _ := h.get("/readyz"); return status == 200 })
	h.stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.aborted || !m.stopping || m.extended == 0 {
		t.Errorf("aborted %v, stopping %v, asked for more time %d times", m.aborted, m.stopping, m.extended)
	}
}

// TestFaultFullForLong leaves the disk full for half an hour: no restart, and
// one notice.
func TestFaultFullForLong(t *testing.T) {
	if !long() {
		t.Skip("it takes half an hour: make faults")
	}
	repeat(t, 1, func(t *testing.T) outcome {
		const full = 30 * time.Minute
		v := tmpfs(t, "size=160m")
		h := newHost(t, filepath.Join(v.path, "bus"))
		m, env := newManager(t, 10*time.Second)
		go m.guard(h.start(env...))
		o := h.through(func() {
			free := v.fill()
			h.flips()
			for began := time.Now(); time.Since(began) < full; time.Sleep(10 * time.Second) {
				h.alive()
			}
			if n := h.notices("raised"); n != 3 {
				t.Errorf("%d notices at 3 sinks", n)
			}
			free()
		})
		if n := h.notices("cleared"); n != 3 {
			t.Errorf("%d all-clears at 3 sinks", n)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.aborted {
			t.Error("aborted by the watchdog")
		}
		t.Logf("disk full for %s with WatchdogSec=10: %d signs of life", full, m.beats)
		return o
	})
}

// TestFaultStuckLoop lets nobody read what the program logs, until its loops
// stand still, as behind a log that hangs. The manager aborts it, and every
// goroutine is in the log.
func TestFaultStuckLoop(t *testing.T) {
	if !long() {
		t.Skip("it takes a minute: make faults")
	}
	t.Parallel()
	h := newHost(t, filepath.Join(t.TempDir(), "bus"))
	h.more = "log: {level: DEBUG}\n"
	m, env := newManager(t, 10*time.Second)
	h.start().kill() // for its configuration
	p := &program{cmd: exec.Command(dswatch, "run", "-c", h.path), log: &lines{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(p.kill)
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "msg=watching") {
			break
		}
	}
	go m.guard(p)
	began := time.Now()
	flips := time.NewTicker(200 * time.Millisecond)
	defer flips.Stop()
	for down := false; ; down = !down {
		if down {
			h.down(h.names...)
		} else {
			h.up(h.names...)
		}
		m.mu.Lock()
		aborted := m.aborted
		m.mu.Unlock()
		if aborted {
			break
		}
		if time.Since(began) > 3*time.Minute {
			t.Fatal("not aborted within 3 minutes")
		}
		<-flips.C
	}
	rest, _ := io.ReadAll(lines)
	<-p.done
	if !strings.Contains(string(rest), "goroutine ") || !strings.Contains(string(rest), "engine.(*Engine)") {
		t.Errorf("the goroutines are not in the log: %d bytes", len(rest))
	}
	t.Logf("aborted %s after nobody read its log", time.Since(began).Round(time.Second))
}
