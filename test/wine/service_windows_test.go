package wine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"dswatch/test/wine/double"
)

// serviceConfig is a configuration that tells a file what happens.
func serviceConfig(t *testing.T, web string) (file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "dswatch の設定.yaml")
	text := fmt.Sprintf("host: winhost\nbus: {dir: '%s'}\nweb: {listen: '%s'}\ndetectors:\n  process: {schedule: '@every 1s'}\n"+
		"watch:\n  facts: {os: windows, components: [agent]}\nrules: {hold: 0s}\n"+
		"sinks: [{name: siem, type: syslog, network: udp, address: '127.0.0.1:514'}]\n", filepath.Join(dir, "bus"), web)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func state(t *testing.T) (svc.Status, error) {
	t.Helper()
	m, err := mgr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Disconnect()
	s, err := m.OpenService("dswatch")
	if err != nil {
		return svc.Status{}, err
	}
	defer s.Close()
	return s.Query()
}

// do runs a command of the service and wants its exit status.
func do(t *testing.T, verb string, exit int, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), built(t), append([]string{"service", verb}, args...)...)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != exit {
		t.Fatalf("service %s: exit status %d, want %d: %s", verb, got, exit, out)
	}
	return string(out)
}

// remove uninstalls after a test, whose context has ended.
func remove(t *testing.T) {
	out, err := exec.Command(built(t), "service", "uninstall").CombinedOutput()
	if err != nil && !strings.Contains(string(out), "run first: dswatch service install") {
		t.Errorf("uninstall: %v: %s", err, out)
	}
}

// TestService installs the program as a service, lets it watch, stops it in
// order and removes it.
func TestService(t *testing.T) {
	const web = "127.0.0.1:19418"
	config := serviceConfig(t, web)
	for _, verb := range []string{"start", "stop", "uninstall"} {
		if out := do(t, verb, 1); !strings.Contains(out, "run first: dswatch service install") {
			t.Errorf("%s before the installation: %s", verb, out)
		}
	}
	if out := do(t, "install", 0, "-c", config); !strings.Contains(out, "next: dswatch service start") {
		t.Errorf("install: %s", out)
	} else {
		t.Log(out)
	}
	t.Cleanup(func() { remove(t) }) // finds nothing if all went well
	if out := do(t, "install", 1, "-c", config); !strings.Contains(out, "run first: dswatch service uninstall") {
		t.Errorf("the second installation: %s", out)
	}
	for round := range 2 {
		do(t, "start", 0)
		st, err := state(t)
		if err != nil || st.State != svc.Running {
			t.Fatalf("round %d: state %d, %v; want running", round, st.State, err)
		}
		awaitItem(t, config, "winhost/agent/process/dsa.exe", "down")
		p := double.Program(t, filepath.Join(t.TempDir(), "dsa.exe"))
		awaitItem(t, config, "winhost/agent/process/dsa.exe", "up")
		double.End(p)
		awaitItem(t, config, "winhost/agent/process/dsa.exe", "down")
		if out := do(t, "start", 1); !strings.Contains(out, "nothing to do") {
			t.Errorf("a second start: %s", out)
		}
		do(t, "stop", 0)
		if st, err := state(t); err != nil || st.State != svc.Stopped || st.Win32ExitCode != 0 {
			t.Fatalf("round %d: %+v, %v; want stopped with exit code 0", round, st, err)
		}
	}
	if out := do(t, "stop", 1); !strings.Contains(out, "nothing to do") {
		t.Errorf("a second stop: %s", out)
	}
	do(t, "start", 0)
	do(t, "uninstall", 0) // stops first
	if _, err := state(t); err != windows.ERROR_SERVICE_DOES_NOT_EXIST {
		t.Errorf("after uninstall: %v", err)
	}
}

// awaitItem waits until the running service tells the state of an item.
func awaitItem(t *testing.T, config, item, want string) {
	t.Helper()
	var out string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		out, _ = dswatch(t, "status", "-c", config)
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == item && f[0] == want {
				return
			}
		}
	}
	t.Fatalf("%s never became %s: %s", item, want, out)
}

// TestServiceReload: paramchange, as sc control sends it, takes over a changed
// configuration while the service runs, and a wrong one changes nothing.
func TestServiceReload(t *testing.T) {
	config := serviceConfig(t, "127.0.0.1:19420")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	do(t, "install", 0, "-c", config)
	t.Cleanup(func() { remove(t) })
	do(t, "start", 0)
	awaitItem(t, config, "winhost/agent/process/dsa.exe", "down")
	p := double.Program(t, filepath.Join(t.TempDir(), "own.exe"))
	defer double.End(p)
	own := strings.Replace(string(text), "watch:\n", "watch:\n  items: [{kind: process, name: own.exe, component: custom}]\n", 1)
	if err := os.WriteFile(config, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	before := paramChange(t)
	awaitItem(t, config, "winhost/custom/process/own.exe", "up")
	if err := os.WriteFile(config, []byte(own+"hots: typo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := paramChange(t); after.ProcessId != before.ProcessId || after.State != svc.Running {
		t.Errorf("process %d in state %d, want %d that runs", after.ProcessId, after.State, before.ProcessId)
	}
	if err := os.WriteFile(config, []byte(own), 0o600); err != nil { // the commands read it, too
		t.Fatal(err)
	}
	var out string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if out, _ = dswatch(t, "status", "-c", config); strings.Contains(out, "hots") {
			break
		}
	}
	if !strings.Contains(out, "hots") {
		t.Errorf("status does not say what was refused: %s", out)
	}
	awaitItem(t, config, "winhost/custom/process/own.exe", "up")
	do(t, "stop", 0)
}

// paramChange tells the service that its configuration has changed, and returns
// what it answers.
func paramChange(t *testing.T) svc.Status {
	t.Helper()
	m, err := mgr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Disconnect()
	s, err := m.OpenService("dswatch")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st, err := s.Control(svc.ParamChange)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestServiceThatFails: a start that comes to nothing is an error, and the
// manager has the exit code.
func TestServiceThatFails(t *testing.T) {
	config := serviceConfig(t, "127.0.0.1:19419")
	do(t, "install", 0, "-c", config)
	t.Cleanup(func() { remove(t) })
	if err := os.WriteFile(config, []byte("hots: typo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := do(t, "start", 1); !strings.Contains(out, "event log") {
		t.Errorf("start: %s", out)
	}
	if st, err := state(t); err != nil || st.State != svc.Stopped || st.ServiceSpecificExitCode != 1 {
		t.Errorf("%+v, %v; want stopped with the specific exit code 1", st, err)
	}
	bad := serviceConfig(t, "nonsense")
	if out := do(t, "install", 2, "-c", bad); !strings.Contains(out, "web.listen") {
		t.Errorf("install with a bad configuration: %s", out)
	}
}

// TestServiceByHand: the verb that the manager starts says so elsewhere.
func TestServiceByHand(t *testing.T) {
	if out := do(t, "run", 1); !strings.Contains(out, "by hand run: dswatch run") {
		t.Errorf("service run by hand: %s", out)
	}
}
