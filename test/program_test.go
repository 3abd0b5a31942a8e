package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// dswatch is the compiled program that the acceptance tests run.
var dswatch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dswatch-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	dswatch = filepath.Join(dir, "dswatch")
	build := exec.Command("go", "build", "-o", dswatch, "dswatch/cmd/dswatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build dswatch: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// agents runs pretend processes under any names: links to the program, whose
// hidden command waits until its standard input ends.
type agents struct {
	t      *testing.T
	dir    string
	placed bool     // the programs are in dir already, in the namespace
	enter  []string // runs what follows in a namespace; see host
	mu     sync.Mutex
	runs   map[string][]*exec.Cmd
}

func newAgents(t *testing.T) *agents {
	a := &agents{t: t, dir: t.TempDir(), runs: map[string][]*exec.Cmd{}}
	t.Cleanup(func() {
		for name := range a.runs {
			for len(a.runs[name]) > 0 {
				a.kill(name)
			}
		}
	})
	return a
}

// start runs one more process of this name and returns what it prints first.
func (a *agents) start(name string, args ...string) string {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	link := filepath.Join(a.dir, name)
	if _, err := os.Lstat(link); err != nil && !a.placed {
		if err := os.Symlink(dswatch, link); err != nil {
			a.t.Fatal(err)
		}
	}
	line := slices.Concat(a.enter, []string{link, "pretend"}, args)
	cmd := exec.Command(line[0], line[1:]...)
	if _, err := cmd.StdinPipe(); err != nil {
		a.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		a.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.runs[name] = append(a.runs[name], cmd)
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		a.t.Fatalf("pretend process %s ended at once", name)
	}
	return strings.TrimSpace(first)
}

// kill ends the newest process of this name.
func (a *agents) kill(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	runs := a.runs[name]
	last := runs[len(runs)-1]
	a.runs[name] = slices.Clone(runs[:len(runs)-1])
	_ = signal(last, syscall.SIGKILL)
	_ = last.Wait()
}

// signal reaches the program itself where nsenter waits for it.
func signal(cmd *exec.Cmd, s syscall.Signal) error {
	p := cmd.Process
	if filepath.Base(cmd.Path) == "nsenter" {
		if below := children(p.Pid); len(below) > 0 {
			var err error
			if p, err = os.FindProcess(below[0]); err != nil {
				return err
			}
		}
	}
	return p.Signal(s)
}

// children are the processes whose parent is pid.
func children(pid int) (out []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// running is one `dswatch run`.
type running struct {
	cmd  *exec.Cmd
	log  *lines
	done chan struct{}
	err  error
}

// lines keeps what a program wrote.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// start runs the program with a configuration.
func start(t *testing.T, config string) *running {
	t.Helper()
	return startFile(t, configFile(t, config))
}

// configFile stores a configuration and returns its path.
func configFile(t *testing.T, config string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dswatch.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// numbered returns n names such as gale07.
func numbered(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%02d", prefix, i))
	}
	return names
}

// processRows are rows of their own for processes, as they stand below
// watch.items.
func processRows(names []string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "    - {kind: process, name: %s, component: custom}\n", name)
	}
	return b.String()
}

func startFile(t *testing.T, path string) *running {
	t.Helper()
	return startCommand(t, exec.Command(dswatch, "run", "-c", path))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{cmd: cmd, log: &lines{}, done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.WaitDelay = 5 * time.Second
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.err = r.cmd.Wait(); close(r.done) }()
	t.Cleanup(func() {
		_ = signal(r.cmd, syscall.SIGKILL)
		<-r.done
		if t.Failed() {
			t.Logf("dswatch said:\n%s", r.log)
		}
	})
	return r
}

// stop ends the program in order and fails unless that worked.
func (r *running) stop(t *testing.T) {
	t.Helper()
	_ = signal(r.cmd, syscall.SIGTERM)
	select {
	case <-r.done:
	case <-time.After(30 * time.Second):
		t.Fatal("dswatch did not stop within 30s of SIGTERM")
	}
	if r.err != nil {
		t.Fatalf("dswatch ended with %v", r.err)
	}
}

// kill ends the program at once, as the kernel does.
func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	<-r.done
}

// until polls until ok, or fails saying what was awaited.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// output runs one command of the program and returns what it printed.
func output(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), dswatch, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Stdin = &o, &e, io.NopCloser(strings.NewReader(""))
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// mib is DSWATCH-MIB as the program prints it.
func mib(t *testing.T) string {
	t.Helper()
	text, stderr, code := output(t, "mib")
	if code != 0 {
		t.Fatal(stderr)
	}
	return text
}
