package attack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dswatch/test/ports"
)

// nobody is the attacker.
const nobody = 65534

var dswatch, self string

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "squat" {
		squat(os.Args[2], os.Args[3])
	}
	if os.Getuid() != 0 {
		fmt.Println("--- SKIP: needs root, to have an attacker")
		return
	}
	dir, err := os.MkdirTemp("", "attack")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	dswatch, self = filepath.Join(dir, "dswatch"), filepath.Join(dir, "attacker")
	b, err := os.ReadFile(os.Args[0]) // which lies where nobody may not go
	if err = errors.Join(err, os.WriteFile(self, b, 0o755)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if out, err := exec.Command("go", "build", "-o", dswatch, "dswatch/cmd/dswatch").CombinedOutput(); err != nil {
		fmt.Printf("%v: %s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// squat listens and writes down all that it is sent, for ever.
func squat(network, address string) {
	l, err := net.Listen(network, address)
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
	fmt.Println("LISTENS")
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		go func() {
			_, _ = io.Copy(os.Stdout, c) // until it goes
			c.Close()
		}()
	}
}

// squatter is another user's process that listens.
type squatter struct {
	cmd  *exec.Cmd
	got  *os.File
	gone bool
}

// plant starts a squatter.
func plant(t *testing.T, network, address string) *squatter {
	t.Helper()
	got, err := os.Create(filepath.Join(t.TempDir(), "got"))
	if err != nil {
		t.Fatal(err)
	}
	s := &squatter{cmd: exec.Command(self, "squat", network, address), got: got}
	s.cmd.Stdout, s.cmd.Stderr = got, got
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	within(t, "he listens", func() bool { return strings.Contains(s.heard(t), "LISTENS") })
	return s
}

func (s *squatter) end() {
	if !s.gone {
		s.gone = true
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // it was killed
	}
}

func (s *squatter) heard(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(s.got.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 90 s: %s", what)
		}
	}
}

// place is an installation: configuration and state.
type place struct{ dir, file, state, listen string }

// install makes a place in a folder that everybody reaches.
func install(t *testing.T, more string) place {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := place{dir: dir, file: filepath.Join(dir, "dswatch.yaml"), state: filepath.Join(dir, "state"), listen: "127.0.0.1:" + ports.Free(t, "tcp")}
	text := fmt.Sprintf("host: web01\nbus: {dir: %s}\nweb: {listen: %q%s}\nsinks: [{name: out, type: stdout}]\n", p.state, p.listen, more)
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// daemon is a running dswatch.
type daemon struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

func (p place) run(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(dswatch, "run", "-c", p.file), log: &bytes.Buffer{}}
	d.cmd.Stderr = d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	return d
}

func (d *daemon) stop() {
	if d.cmd.ProcessState == nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		_ = d.cmd.Wait() // the test has judged it
	}
}

// as runs a command of dswatch as a user and returns all that it says.
func (p place) as(t *testing.T, uid uint32, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), dswatch, append(args, "-c", p.file)...)
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	b, err := cmd.CombinedOutput()
	return string(b), err
}

// answers reports whether the running process answers root.
func (p place) answers(t *testing.T) bool {
	out, _ := p.as(t, 0, "status") // 3: not current yet
	return strings.Contains(out, "web01")
}

// stolen fails the test when the squatter was sent a token.
func stolen(t *testing.T, p place, s *squatter) {
	t.Helper()
	got := s.heard(t)
	token, err := os.ReadFile(filepath.Join(p.state, "token"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "Bearer") || strings.Contains(got, strings.TrimSpace(string(token))) || strings.Contains(got, "HTTP/") {
		t.Errorf("he was sent %q", got)
	}
}

// TestPortSquatter: another user has the port before dswatch starts, while it
// runs and after it has ended. He keeps nobody from watching, and is sent nothing.
func TestPortSquatter(t *testing.T) {
	p := install(t, "")
	s := plant(t, "tcp", p.listen)
	d := p.run(t)
	within(t, "the commands are answered beside a squatter", func() bool { return p.answers(t) })
	if out, _ := p.as(t, 0, "status"); !strings.Contains(out, "Nothing is heard at "+p.listen) || !strings.Contains(out, "address already in use") {
		t.Errorf("status does not say that the port is taken: %s", out)
	}
	if out, _ := p.as(t, 0, "status", "--language", "ja"); !strings.Contains(out, p.listen+" で待ち受けていません") {
		t.Errorf("status does not say in Japanese that the port is taken: %s", out)
	}
	stolen(t, p, s)
	first, err := os.ReadFile(filepath.Join(p.state, "token"))
	if err != nil {
		t.Fatal(err)
	}
	s.end()
	within(t, "it listens once the port is free", func() bool {
		c, err := net.Dial("tcp", p.listen)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	d.stop()
	if d.cmd.ProcessState.ExitCode() != 0 {
		t.Fatalf("it ended with %v: %s", d.cmd.ProcessState, d.log)
	}
	s = plant(t, "tcp", p.listen) // its token is still there
	out, err := p.as(t, 0, "status")
	if err == nil || !strings.Contains(out, "is listened on by user nobody") {
		t.Errorf("%v: %s", err, out)
	}
	stolen(t, p, s)
	p.run(t)
	within(t, "the commands are answered beside a squatter", func() bool { return p.answers(t) })
	if again, err := os.ReadFile(filepath.Join(p.state, "token")); err != nil || bytes.Equal(first, again) {
		t.Errorf("the token is that of the last start, %v", err)
	}
	stolen(t, p, s)
}

// TestSocketSquatter: another user has the socket, in a folder where everybody
// may make one. The commands do not believe him, and go to web.listen.
func TestSocketSquatter(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777|os.ModeSticky), os.Chmod(filepath.Dir(open), 0o755), os.Chmod(filepath.Dir(filepath.Dir(open)), 0o755)); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(open, "api.sock")
	p := install(t, ", socket: "+socket)
	s := plant(t, "unix", socket)
	if out, err := p.as(t, 0, "status"); err == nil || !strings.Contains(out, socket+" is listened on by user nobody") {
		t.Errorf("%v: %s", err, out)
	}
	p.run(t)
	within(t, "the commands are answered beside a squatter", func() bool { return p.answers(t) })
	if out, _ := p.as(t, 0, "status"); !strings.Contains(out, "Nothing is heard at "+socket) {
		t.Errorf("status does not say that the socket is taken: %s", out)
	}
	if got := s.heard(t); got != "LISTENS\n" {
		t.Errorf("he was sent %q", got)
	}
}

// TestSocketVisitor: who is neither root nor in the group is told so.
func TestSocketVisitor(t *testing.T) {
	p := install(t, "")
	if err := os.Chmod(p.file, 0o644); err != nil {
		t.Fatal(err)
	}
	p.run(t)
	within(t, "the commands are answered", func() bool { return p.answers(t) })
	if err := os.Chmod(p.state, 0o755); err != nil { // as /run/dswatch is
		t.Fatal(err)
	}
	for _, args := range [][]string{{"status"}, {"alerts"}, {"ack", "x"}, {"reload"}} {
		if out, err := p.as(t, nobody, args...); err == nil || !strings.Contains(out, "as a member of the group dswatch") {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
}
