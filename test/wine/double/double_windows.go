package double

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"dswatch/test/wine/mksys"
)

// Words that make the test binary a double.
const (
	asProgram = "double-program"
	asClosed  = "double-closed"
	asService = "double-service"
)

// Play is called first in TestMain. It returns only in a process that is to
// run tests.
func Play() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case asClosed:
		if err := closeOff(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fallthrough
	case asProgram:
		fmt.Println(ready)
		_, _ = io.Copy(io.Discard, os.Stdin) // lives until it is killed, or the test is
		os.Exit(0)
	case asService:
		if err := svc.Run(os.Args[2], service{os.Args[3]}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// Program copies the test binary to file, starts it there and returns the
// process. Kill and Wait end it early.
func Program(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	return program(t, file, asProgram)
}

// Closed is a Program that nobody may open, as those are that protect
// themselves: its access list is empty.
func Closed(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	return program(t, file, asClosed)
}

// ready is what a program says when it is what it should be.
const ready = "ready"

func program(t *testing.T, file, verb string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(file, verb)
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { End(c) })
	if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != ready {
		t.Fatalf("%s said %q, %v", file, line, err)
	}
	return c
}

// closeOff takes from everybody the right to open this process.
func closeOff() error {
	sd, err := windows.SecurityDescriptorFromString("D:P") // protected, and no entries
	if err != nil {
		return err
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return err
	}
	return windows.SetSecurityInfo(windows.CurrentProcess(), windows.SE_KERNEL_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
}

// End kills a program and waits until it is gone.
func End(c *exec.Cmd) {
	_ = c.Process.Kill() // it may have ended by itself
	_ = c.Wait()
}

// service takes the state that the file orders says: the name of a state, or
// "exit N" or "specific N".
type service struct{ orders string }

var names = map[string]svc.State{
	"start-pending": svc.StartPending, "running": svc.Running, "pause-pending": svc.PausePending, "paused": svc.Paused,
	"continue-pending": svc.ContinuePending, "stop-pending": svc.StopPending,
}

func (s service) Execute(_ []string, requests <-chan svc.ChangeRequest, changes chan<- svc.Status) (specific bool, exit uint32) {
	var last string
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case r := <-requests:
			if r.Cmd == svc.Stop {
				return false, 0
			}
		case <-tick.C:
			b, err := os.ReadFile(s.orders)
			order := string(b)
			if err != nil || order == last {
				continue
			}
			last = order
			word, number, _ := strings.Cut(order, " ")
			if state, ok := names[word]; ok {
				changes <- svc.Status{State: state, Accepts: svc.AcceptStop}
			}
			if n, err := fmt.Sscan(number, &exit); n == 1 && err == nil {
				return word == "specific", exit
			}
		}
	}
}

// Service is a service or a driver of the test's own.
type Service struct {
	*mgr.Service
	t       *testing.T
	orders  string
	removed sync.Once
}

// NewService installs a service, started by hand only. Display may be empty.
func NewService(t *testing.T, name, display string) *Service {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	orders := filepath.Join(t.TempDir(), "orders")
	return install(t, &Service{t: t, orders: orders}, plan{name, self, mgr.Config{StartType: mgr.StartManual, DisplayName: display}, []string{asService, name, orders}})
}

// NewDriver installs a kernel driver that does nothing, started by hand only.
func NewDriver(t *testing.T, name string) *Service {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".sys")
	if err := os.WriteFile(file, mksys.Driver(), 0o644); err != nil {
		t.Fatal(err)
	}
	return install(t, &Service{t: t}, plan{name, file, mgr.Config{ServiceType: windows.SERVICE_KERNEL_DRIVER, StartType: mgr.StartManual}, nil})
}

type plan struct {
	name, file string
	config     mgr.Config
	args       []string
}

func install(t *testing.T, s *Service, p plan) *Service {
	t.Helper()
	m, err := mgr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Disconnect()
	s.Service, err = m.CreateService(p.name, p.file, p.config, p.args...)
	if err != nil {
		t.Fatalf("install %s: %v", p.name, err)
	}
	t.Cleanup(s.Remove)
	return s
}

// Remove stops and deletes the service before the test ends, which does it
// otherwise.
func (s *Service) Remove() { s.removed.Do(s.remove) }

func (s *Service) remove() {
	if st, err := s.Query(); err == nil && st.State != svc.Stopped {
		if s.orders != "" {
			s.Order("exit 0")
		} else if _, err := s.Control(svc.Stop); err != nil {
			s.t.Errorf("stop %s: %v", s.Name, err)
		}
		s.Await(svc.Stopped)
	}
	if err := s.Delete(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE) {
		s.t.Errorf("remove %s: %v", s.Name, err)
	}
	s.Close()
}

// Begin starts the service with its first order; a driver has none. A manager
// that is still busy with the last stop is asked again.
func (s *Service) Begin(order string) {
	s.t.Helper()
	if s.orders != "" {
		s.Order(order)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := s.Start()
		if err == nil {
			return
		}
		if !errors.Is(err, windows.ERROR_SERVICE_DATABASE_LOCKED) || time.Now().After(end) {
			s.t.Fatalf("start %s: %v", s.Name, err)
		}
	}
}

// Order tells a running service what to do: start-pending, running,
// pause-pending, paused, continue-pending, stop-pending, "exit N" or
// "specific N".
func (s *Service) Order(order string) {
	s.t.Helper()
	temp := s.orders + ".new"
	if err := os.WriteFile(temp, []byte(order), 0o644); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		err := os.Rename(temp, s.orders)
		if err == nil {
			return
		}
		if time.Now().After(end) { // the service was reading it each time
			s.t.Fatal(err)
		}
	}
}

// Await waits until the manager tells the state.
func (s *Service) Await(want svc.State) svc.Status {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		st, err := s.Query()
		if err == nil && st.State == want {
			return st
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: state %d, error %v; want state %d", s.Name, st.State, err, want)
		}
	}
}
