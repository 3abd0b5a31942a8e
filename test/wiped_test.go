package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inside runs a shell command in the host's namespaces.
func (h *host) inside(script string) {
	h.t.Helper()
	line := append(append([]string{}, h.agents.enter...), "sh", "-ec", script)
	if out, err := exec.CommandContext(h.t.Context(), line[0], line[1:]...).CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// installed gives the host a package with the agent's program, and the program.
func (h *host) installed(version string) {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "ds-agent")
	for name, text := range map[string]string{
		"DEBIAN/control":        "Package: ds-agent\nVersion: " + version + "\nArchitecture: all\nMaintainer: none <none@example.com>\nDescription: none\n",
		"opt/ds_agent/ds_agent": "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			h.t.Fatal(err)
		}
	}
	h.tool("dpkg-deb", "--root-owner-group", "--build", dir, dir+".deb")
	h.tool("dpkg", "--root", filepath.Join(h.dir, "root"), "--admindir", filepath.Join(h.dir, "dpkg"), "--force-not-root", "--force-bad-path", "--log", filepath.Join(h.dir, "log"), "-i", dir+".deb")
	h.inside("cp " + dswatch + " /opt/ds_agent/ds_agent")
	h.agents.dir, h.agents.placed = "/opt/ds_agent", true
}

// TestAcceptanceWiped: the agent's files are deleted and its processes killed.
// One alert says that it has disappeared, also after a restart of dswatch; a
// process of that name from elsewhere does not hide it; once the package is
// removed in the regular way, that is told and nothing is expected any more.
func TestAcceptanceWiped(t *testing.T) {
	t.Parallel() // in namespaces of its own
	h := newHost(t)
	h.installed("20.0.0-8437")
	h.pair(h.start, "ds_agent")
	h.write("dswatch.yaml", "")
	h.watch("features: {anti_malware: off, web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: off}")

	h.inside("rm -rf /opt/ds_agent/*")
	h.pair(h.agents.kill, "ds_agent")
	h.wants("the agent is wiped", "raised installed down")
	last := h.hook.Await(t, h.told)[h.told-1].Alert
	if string(last.Severity) != "critical" || last.Class != "memory" || !strings.Contains(last.Title, "the agent has disappeared") {
		t.Errorf("told %s, class %q: %s", last.Severity, last.Class, last.Title)
	}
	h.r.stop(t)
	h.r = startCommand(t, h.command("run"))
	until(t, "dswatch watches", func() bool { return strings.Contains(h.r.log.String(), "watching") })
	h.quiet("it is still gone")

	time.Sleep(time.Second)
	h.inside("cp " + dswatch + " /opt/ds_agent/ds_agent")
	h.pair(h.start, "ds_agent")
	h.wants("it is there again", "cleared installed up")
	h.r.stop(t)
}
