package receive

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	psnet "github.com/shirou/gopsutil/v3/net"
)

// patience is how long a far end may take to do what it must do.
const patience = 10 * time.Second

// lookup finds a program that may be in sbin, where an ordinary user's PATH
// does not lead.
func lookup(t testing.TB, program, debianPackage string) string {
	t.Helper()
	if p, err := exec.LookPath(program); err == nil {
		return p
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if p, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return p
		}
	}
	t.Fatalf("%s is not installed: apt-get install %s", program, debianPackage)
	return ""
}

// process is one run of a program.
type process struct {
	cmd  *exec.Cmd
	said *output
	done chan struct{}
}

// launch starts a program that ends with the test t.
func launch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, said: &output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		_ = cmd.Wait() // ended by stop, or await shows what it said
		close(p.done)
	}()
	t.Cleanup(p.stop)
	return p
}

// stop ends the program and waits for it. It may be called twice.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// await polls until ok, and fails with what the program said.
func (p *process) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
		select {
		case <-p.done:
			t.Fatalf("%s ended before %s:\n%s", p.cmd.Path, what, p.said)
		default:
		}
		if time.Now().After(until) {
			t.Fatalf("%s: no %s within %s:\n%s", p.cmd.Path, what, patience, p.said)
		}
	}
}

// output is what a program has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// listens reports whether the program itself, and nobody else, has the port
// of address (127.0.0.1:PORT); network is tcp or udp.
func (p *process) listens(t testing.TB, network, address string) bool {
	t.Helper()
	all, err := psnet.ConnectionsPid(network+"4", int32(p.cmd.Process.Pid))
	if err != nil {
		return false // it has ended, which await sees
	}
	return slices.ContainsFunc(all, func(c psnet.ConnectionStat) bool {
		return c.Raddr.Port == 0 && net.JoinHostPort(c.Laddr.IP, fmt.Sprint(c.Laddr.Port)) == address
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
