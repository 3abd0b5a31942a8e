package wine

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows/svc"

	"dswatch/test/wine/double"
)

func TestMain(m *testing.M) {
	double.Play()
	os.Exit(m.Run())
}

// built is the program that make test-windows built.
func built(t *testing.T) string {
	t.Helper()
	exe, err := filepath.Abs(filepath.Join("..", "..", "bin", "dswatch.exe"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(exe); err != nil {
		t.Fatalf("%v; run make test-windows", err)
	}
	return exe
}

// dswatch runs the program and returns its standard output and exit status.
func dswatch(t *testing.T, args ...string) (string, int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), built(t), args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Logf("%s: %s", strings.Join(args, " "), errs.String())
	}
	return out.String(), c.ProcessState.ExitCode()
}

const facts = `os: windows
components: [agent]
agent_version: 20.0.0-8438
edition: deep_security
relay: off
communication: bidirectional
features: {anti_malware: off, web_reputation: off, firewall: on, intrusion_prevention: off, tls_inspection: off}
`

func factsFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(file, []byte(facts), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// item is what the contract of check promises.
type item struct {
	Component, OS, Kind, Name, Expected, State, Detail string
	Instances, Found                                   int
}

func check(t *testing.T, facts string, exit int) map[string]item {
	t.Helper()
	out, got := dswatch(t, "check", "--facts", facts, "--format", "json")
	var answer struct {
		Host  string
		Items []item
		Exit  int
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got != exit || answer.Exit != exit || answer.Host == "" {
		t.Errorf("exit status %d, exit %d, host %q; want exit %d", got, answer.Exit, answer.Host, exit)
	}
	items := map[string]item{}
	for _, i := range answer.Items {
		items[i.Component+"/"+i.Kind+"/"+i.Name] = i
		if i.OS != "windows" {
			t.Errorf("%+v; want os windows", i)
		}
	}
	return items
}

// TestCheck builds a healthy agent, takes it apart, and asks the program each
// time. Nothing connects to 4118.
func TestCheck(t *testing.T) {
	file := factsFile(t)
	dir := filepath.Join(t.TempDir(), "Deep Security Agent")
	main := double.Program(t, filepath.Join(dir, "dsa.exe"))
	double.Program(t, filepath.Join(dir, "ds_monitor.exe"))
	double.Program(t, filepath.Join(dir, "Notifier.exe"))
	services := map[string]*double.Service{}
	for name, display := range map[string]string{"ds_agent": "Trend Micro Deep Security Agent", "ds_monitor": "Trend Micro Deep Security Monitor", "ds_notifier": "Trend Micro Deep Security 通知"} {
		s := double.NewService(t, name, display)
		s.Begin("running")
		s.Await(svc.Running)
		services[name] = s
	}
	driver := double.NewDriver(t, "tbimdsa")
	driver.Begin("")
	driver.Await(svc.Running)
	l, err := net.Listen("tcp4", "0.0.0.0:4118")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	parts := map[string]string{ // what the detail says
		"agent/process/dsa.exe": "pid ", "agent/process/ds_monitor.exe": "pid ", "agent/process/Notifier.exe": "pid ",
		"agent/service/ds_agent":    `is running (pid `,
		"agent/service/ds_monitor":  `listed as Trend Micro Deep Security Monitor`,
		"agent/service/ds_notifier": `listed as Trend Micro Deep Security 通知`,
		"agent/driver/tbimdsa":      "tbimdsa is running",
		"agent/port/4118/tcp":       "4118/tcp listens at 0.0.0.0 (pid ",
	}
	healthy := check(t, file, 0)
	for name, say := range parts {
		if i := healthy[name]; i.Expected != "yes" || i.State != "up" || i.Found != 1 || !strings.Contains(i.Detail, say) {
			t.Errorf("%s: %+v; want expected, up and %q", name, i, say)
		}
	}
	for name, i := range healthy {
		if _, ok := parts[name]; !ok && i.Expected == "yes" {
			t.Errorf("%s is expected too: %+v", name, i)
		}
		if i.State == "unknown" {
			t.Errorf("%s cannot be seen: %+v", name, i)
		}
	}

	double.End(main)
	for _, s := range []*double.Service{services["ds_agent"], driver} {
		if _, err := s.Control(svc.Stop); err != nil {
			t.Fatal(err)
		}
		s.Await(svc.Stopped)
	}
	services["ds_notifier"].Order("paused")
	services["ds_notifier"].Await(svc.Paused)
	l.Close()
	down := map[string]string{
		"agent/process/dsa.exe": "no process is named dsa.exe", "agent/service/ds_agent": "is stopped; exit code 0",
		"agent/service/ds_notifier": "is paused (PAUSED)", "agent/driver/tbimdsa": "is stopped", "agent/port/4118/tcp": "nothing listens on 4118/tcp",
	}
	broken := check(t, file, 2)
	for name, say := range down {
		if i := broken[name]; i.State != "down" || i.Found != 0 || !strings.Contains(i.Detail, say) {
			t.Errorf("%s: %+v; want down and %q", name, i, say)
		}
	}
	for name := range parts {
		if _, ok := down[name]; !ok && broken[name].State != "up" {
			t.Errorf("%s: %+v; want up", name, broken[name])
		}
	}
}

// TestDiscovery writes what the vendor's installer writes, with Windows' own
// tool, and lets the program find out by itself.
func TestDiscovery(t *testing.T) {
	dir := t.TempDir()
	const agent, listed = `HKLM\SOFTWARE\TrendMicro\Deep Security Agent`, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\DeepSecurityAgent`
	reg := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("reg", append(args, "/f", "/reg:64")...).CombinedOutput(); err != nil {
			t.Fatalf("reg %q: %v: %s", args, err, out)
		}
	}
	reg("add", agent, "/v", "InstallationFolder", "/d", dir)
	t.Cleanup(func() { reg("delete", agent); reg("delete", listed) })
	reg("add", listed, "/v", "DisplayName", "/d", "Trend Micro Deep Security Agent")
	for _, version := range []string{"20.0.0.7118", "20.0.0.7119"} {
		reg("add", listed, "/v", "DisplayVersion", "/d", version)
		out, exit := dswatch(t, "check", "--format", "json")
		var answer struct {
			Facts map[string]string
			Items []item
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil || exit != 2 {
			t.Fatalf("exit status %d, %v: %s", exit, err, out)
		}
		if f := answer.Facts; f["os"] != "windows" || f["components"] != "agent" || f["agent_version"] != version {
			t.Errorf("%s: facts %v", version, f)
		}
		for _, i := range answer.Items {
			switch {
			case i.Name == "dsa.exe" && (i.Expected != "yes" || i.State != "down"):
				t.Errorf("%s: %+v", version, i)
			case i.Kind == "service" && i.Name == "ds_nuagent" && i.Expected != map[string]string{"20.0.0.7118": "unknown", "20.0.0.7119": "no"}[version]:
				t.Errorf("%s: %+v", version, i) // whether TLS inspection is on is unknown; from 7119 on it does not matter
			}
		}
	}
}

func TestCatalog(t *testing.T) {
	out, exit := dswatch(t, "catalog", "--facts", factsFile(t), "--format", "json", "--language", "ja")
	var rows []struct {
		Kind, Name, OS, Expected, Reason string
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil || exit != 0 {
		t.Fatalf("exit status %d, %v: %s", exit, err, out)
	}
	expected := map[string]string{}
	for _, r := range rows {
		expected[r.Kind+"/"+r.Name] = r.Expected
	}
	for name, want := range map[string]string{"process/dsa.exe": "yes", "service/Amsp": "no", "driver/tbimdsa": "yes", "process/tm_netagent.exe": "no"} {
		if expected[name] != want {
			t.Errorf("%s: expected %q, want %q", name, expected[name], want)
		}
	}
}
