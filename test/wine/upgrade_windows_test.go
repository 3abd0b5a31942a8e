package wine

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/windows/svc"

	"dswatch/event"
	"dswatch/test/wine/double"
)

// upgradeHold is the hold of the story; the passes come every second.
const upgradeHold = 6 * time.Second

// told collects what the program tells its webhook.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (w *told) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body struct{ Alert event.Alert }
	err := json.NewDecoder(r.Body).Decode(&body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.lines = append(w.lines, err.Error())
		return
	}
	a := body.Alert
	w.lines = append(w.lines, fmt.Sprintf("%s %s %s", a.Transition, a.Key.Row(), a.State))
}

// wants waits until so many lines have come that these are all.
func (w *told) wants(t *testing.T, why string, want ...string) {
	t.Helper()
	var got string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		w.mu.Lock()
		n := len(w.lines)
		got = strings.Join(w.lines, ", ")
		w.mu.Unlock()
		if n >= len(want) {
			break
		}
	}
	if got != strings.Join(want, ", ") {
		t.Fatalf("%s: told %q, want %q", why, got, want)
	}
}

// TestUpgrade: from 20.0.0-7119 on the service ds_nuagent is gone, while its
// process goes on. Nobody is alarmed; a service lost before and a process lost
// after are told.
func TestUpgrade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Deep Security Agent")
	const agent, listed = `HKLM\SOFTWARE\TrendMicro\Deep Security Agent`, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\DeepSecurityAgent`
	reg := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("reg", append(args, "/f", "/reg:64")...).CombinedOutput(); err != nil {
			t.Fatalf("reg %q: %v: %s", args, err, out)
		}
	}
	t.Cleanup(func() { reg("delete", agent); reg("delete", listed) })
	reg("add", agent, "/v", "InstallationFolder", "/d", dir)
	reg("add", listed, "/v", "DisplayName", "/d", "Trend Micro Deep Security Agent")
	reg("add", listed, "/v", "DisplayVersion", "/d", "20.0.0.7118")
	programs := map[string]*exec.Cmd{}
	for _, name := range []string{"dsa.exe", "ds_monitor.exe", "Notifier.exe", "ds_nuagent.exe"} {
		programs[name] = double.Program(t, filepath.Join(dir, name))
	}
	for _, name := range []string{"ds_agent", "ds_monitor", "ds_notifier"} {
		s := double.NewService(t, name, name)
		s.Begin("running")
		s.Await(svc.Running)
	}
	nuagent := double.NewService(t, "ds_nuagent", "ds_nuagent")
	nuagent.Begin("running")
	nuagent.Await(svc.Running)

	w := &told{}
	hook := httptest.NewServer(w)
	t.Cleanup(hook.Close)
	work := t.TempDir()
	file := filepath.Join(work, "dswatch.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `
host: winhost
watch: {facts: {os: windows, components: [agent], edition: deep_security, relay: off, communication: agent_initiated,
  features: {anti_malware: off, web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: on}}}
detectors: {process: {schedule: "@every 1s"}, service: {schedule: "@every 1s"}}
rules: {hold: %s, transition: 0s}
web: {listen: "127.0.0.1:19419"}
bus: {dir: '%s'}
sinks: [{name: hook, type: webhook, url: %q}]
`, upgradeHold, filepath.Join(work, "bus"), hook.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(built(t), "run", "-c", file)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	awaitItem(t, file, "winhost/agent/service/ds_nuagent", "up")

	nuagent.Order("exit 0")
	nuagent.Await(svc.Stopped)
	wants := []string{"raised service/ds_nuagent down"}
	w.wants(t, "the service is lost in 7118", wants...)
	nuagent.Begin("running")
	nuagent.Await(svc.Running)
	wants = append(wants, "cleared service/ds_nuagent up")
	w.wants(t, "it is back", wants...)

	nuagent.Remove()
	awaitItem(t, file, "winhost/agent/service/ds_nuagent", "down")
	reg("add", listed, "/v", "DisplayVersion", "/d", "20.0.0.7119")
	now := time.Now()
	if err := os.Chtimes(filepath.Join(dir, "dsa.exe"), now, now); err != nil { // the installer writes it anew
		t.Fatal(err)
	}
	time.Sleep(upgradeHold + 3*time.Second)
	w.wants(t, "the upgrade to 7119", wants...)
	double.End(programs["ds_nuagent.exe"])
	w.wants(t, "the process is lost in 7119", append(wants, "raised process/ds_nuagent.exe down")...)
}
