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
	if dir := os.Getenv("ATTACK_INSIDE"); dir != "" {
		dswatch, self = filepath.Join(dir, "dswatch"), filepath.Join(dir, "attacker")
		os.Exit(m.Run())
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
	unit, uerr := os.ReadFile("../../deploy/dswatch.service")
	if err = errors.Join(err, uerr, os.WriteFile(self, b, 0o755), os.WriteFile(filepath.Join(dir, "dswatch.service"), unit, 0o644)); err != nil {
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
	d = p.run(t)
	within(t, "the commands are answered beside a squatter", func() bool { return p.answers(t) })
	if out, err := p.as(t, 0, "reload"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait() // it was killed, and left its socket
	p.run(t)
	within(t, "the commands are answered after a kill", func() bool { return p.answers(t) })
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

// TestPlanted: what others could have planted, or can still change, is refused at
// the start with the command that mends it; the command mends it.
func TestPlanted(t *testing.T) {
	const token = "PLANTEDPLANTEDPLANTEDPLANTED"
	chown := func(path string) error { return os.Lchown(path, nobody, nobody) }
	for name, c := range map[string]struct {
		plant func(p place) error
		want  string
		mend  func(p place) []string // what is said to be run; nil: it may start
	}{
		"nothing": {func(place) error { return nil }, "", nil},
		"his state folder with a token": {func(p place) error {
			return errors.Join(os.Mkdir(p.state, 0o755), os.WriteFile(filepath.Join(p.state, "token"), []byte(token), 0o644), chown(filepath.Join(p.state, "token")), chown(p.state))
		}, "belongs to user nobody", func(p place) []string { return []string{"chown root: " + p.state, "chown root: " + p.state + "/token"} }},
		"everybody writes the state": {func(p place) error { return errors.Join(os.Mkdir(p.state, 0o755), os.Chmod(p.state, 0o777)) },
			"everybody may write", func(p place) []string { return []string{"chmod o-w " + p.state} }},
		"the state as /tmp is": {func(p place) error {
			return errors.Join(os.Mkdir(p.state, 0o755), os.Chmod(p.state, 0o777|os.ModeSticky))
		},
			"everybody may write", func(p place) []string { return []string{"chmod o-w " + p.state} }},
		"everybody writes the configuration": {func(p place) error { return os.Chmod(p.file, 0o666) },
			"everybody may write", func(p place) []string { return []string{"chmod o-w " + p.file} }},
		"his configuration": {func(p place) error { return chown(p.file) },
			"belongs to user nobody", func(p place) []string { return []string{"chown root: " + p.file} }},
		"the configuration's folder": {func(p place) error { return os.Chmod(p.dir, 0o777) },
			"everybody may write", func(p place) []string { return []string{"chmod o-w " + p.dir} }},
		"others read the configuration": {func(p place) error { return os.Chmod(p.file, 0o644) }, "", nil},
		"others read the state":         {func(p place) error { return errors.Join(os.Mkdir(p.state, 0o755)) }, "", nil},
		"the lock is a link": {func(p place) error {
			return errors.Join(os.Mkdir(p.state, 0o700), os.WriteFile(p.dir+"/shadow", []byte("kept"), 0o600), os.Symlink(p.dir+"/shadow", p.state+"/bus.lock"))
		}, "is a link", func(p place) []string { return []string{"rm " + p.state + "/bus.lock"} }},
		"the lock is a second name": {func(p place) error {
			return errors.Join(os.Mkdir(p.state, 0o700), os.WriteFile(p.dir+"/shadow", []byte("kept"), 0o600), os.Link(p.dir+"/shadow", p.state+"/bus.lock"))
		}, "is the file of another name", func(p place) []string { return []string{"rm " + p.state + "/bus.lock"} }},
		"every other file is a link": {func(p place) error {
			err := errors.Join(os.Mkdir(p.state, 0o700), os.WriteFile(p.dir+"/shadow", []byte("kept"), 0o600))
			for _, name := range []string{"/token", "/listen", "/api.sock.new", "/.probe", ".deaf"} {
				err = errors.Join(err, os.Symlink(p.dir+"/shadow", p.state+name))
			}
			return err
		}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := install(t, "")
			if err := c.plant(p); err != nil {
				t.Fatal(err)
			}
			if c.mend != nil {
				d := p.run(t)
				_ = d.cmd.Wait() // how it ended is judged by what it says
				if said := d.log.String(); d.cmd.ProcessState.ExitCode() <= 0 || !strings.Contains(said, c.want) {
					t.Errorf("%v: %s", d.cmd.ProcessState, said)
				}
				for _, mend := range c.mend(p) {
					if !strings.Contains(d.log.String(), mend) {
						t.Errorf("%q is not said: %s", mend, d.log)
					}
					if out, err := exec.Command("sh", "-c", mend).CombinedOutput(); err != nil {
						t.Errorf("%s: %v: %s", mend, err, out)
					}
				}
			}
			d := p.run(t)
			within(t, "it runs", func() bool { return p.answers(t) })
			d.stop()
			if b, err := os.ReadFile(p.dir + "/shadow"); err == nil && string(b) != "kept" {
				t.Errorf("another file of root's holds %q", b)
			}
			if b, err := os.ReadFile(p.state + "/token"); err != nil || strings.Contains(string(b), token) {
				t.Errorf("the token is %q, %v", b, err)
			}
		})
	}
}

// TestServiceOfOthers: no unit is written for a program or a configuration that
// others may change.
func TestServiceOfOthers(t *testing.T) {
	p := install(t, "")
	for name, c := range map[string]struct {
		path string
		mode os.FileMode
		want string
	}{
		"the program":               {dswatch, 0o757, "others can change the program"},
		"the program's folder":      {filepath.Dir(dswatch), 0o777, "others can change the program"},
		"the configuration":         {p.file, 0o602, "others can change what dswatch runs with"},
		"the configuration's place": {p.dir, 0o777, "others can change what dswatch runs with"},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := os.Stat(c.path)
			if err == nil {
				err = os.Chmod(c.path, c.mode)
			}
			if err != nil {
				t.Fatal(err)
			}
			out, ierr := p.as(t, 0, "service", "install")
			if err := os.Chmod(c.path, info.Mode().Perm()); err != nil {
				t.Fatal(err)
			}
			if ierr == nil || !strings.Contains(out, c.want) || !strings.Contains(out, "run: chmod o-w "+c.path) {
				t.Errorf("%v: %s", ierr, out)
			}
		})
	}
}
