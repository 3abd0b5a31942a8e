package test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dswatch/test/receive"
)

// host is this machine with package databases, a dsa_query and processes of
// the test's own, in namespaces: what runs beside the test is not seen.
type host struct {
	t      *testing.T
	agents *agents
	dir    string
	hook   *receive.Webhook
	r      *running
	told   int

	transition string // of the rules
	preinst    string // script of the next package for dpkg
}

// upgradeHold is the hold of these stories. An upgrade must become known within
// it; the passes come every second here and every 10 seconds by default, where
// the hold is 20 seconds.
const upgradeHold = 6 * time.Second

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, agents: newAgents(t), dir: t.TempDir(), hook: &receive.Webhook{}, transition: "0s"}
	for _, d := range []string{"dpkg/info", "dpkg/updates", "dpkg/triggers", "rpm", "root"} {
		if err := os.MkdirAll(filepath.Join(h.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write("dpkg/status", "")
	h.write("features", "Component.1: AM.mode\nComponent.AM.mode: off\n")
	h.write("dsa_query", "#!/bin/sh\n[ \"$2\" = GetComponentInfo ] && exec cat "+h.dir+"/features\necho AgentStatus.dsmUrl: https://192.0.2.48:4120/\n")
	h.agents.enter = h.namespaces()
	return h
}

// namespaces makes the host's namespaces, which end with the test, and returns
// the command that runs what follows in them.
func (h *host) namespaces() []string {
	h.t.Helper()
	make, enter := []string{"-m", "-p", "-f", "--kill-child", "--mount-proc"}, []string{"-m", "-p"}
	if os.Getuid() != 0 {
		make, enter = append(make, "-U", "-r"), append(enter, "-U", "--preserve-credentials")
	}
	cmd := exec.Command("unshare", append(make, "sh", "-ec", `
mount -t tmpfs none /opt; mkdir /opt/ds_agent; cp "$1/dsa_query" /opt/ds_agent/
mount --bind "$1/dpkg" /var/lib/dpkg; mount --bind "$1/rpm" /var/lib/rpm
echo ready; exec cat`, "sh", h.dir)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	cmd.Stderr = h.t.Output()
	if err := cmd.Start(); err != nil {
		h.t.Fatalf("%v; it needs the Debian package util-linux", err)
	}
	h.t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		h.t.Fatalf("the host's namespaces: %q, %v", line, err)
	}
	first := children(cmd.Process.Pid)
	if len(first) != 1 {
		h.t.Fatalf("unshare has the children %v, want one", first)
	}
	return append([]string{"nsenter", "-t", strconv.Itoa(first[0])}, enter...)
}

// command is the program in the host's namespaces.
func (h *host) command(args ...string) *exec.Cmd {
	line := slices.Concat(h.agents.enter, []string{dswatch}, args, []string{"-c", filepath.Join(h.dir, "dswatch.yaml")})
	return exec.CommandContext(h.t.Context(), line[0], line[1:]...)
}

func (h *host) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path+"~", []byte(text), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil { // what runs meanwhile reads one or the other
		h.t.Fatal(err)
	}
}

// watch starts the program. Only what the facts of declared leave open is
// discovered.
func (h *host) watch(declared string) {
	h.t.Helper()
	h.write("dswatch.yaml", fmt.Sprintf(`
host: web01
watch:
  facts: {os: linux, components: [agent], relay: off, communication: agent_initiated, %s}
  ignore: [driver/dsa_filter_hook]
detectors: {process: {schedule: "@every 1s"}}
rules: {hold: %s, transition: %s}
web: {listen: ""}
bus: {dir: %q}
sinks: [{name: hook, type: webhook, url: %q}]
`, declared, upgradeHold, h.transition, filepath.Join(h.dir, "bus"), receive.StartWebhook(h.t, h.hook).URL))
	h.r = startCommand(h.t, h.command("run"))
	until(h.t, "dswatch watches", func() bool { return strings.Contains(h.r.log.String(), "watching") })
	h.quiet("the beginning")
}

// quiet waits until a loss would have been told.
func (h *host) quiet(why string) {
	h.t.Helper()
	time.Sleep(upgradeHold + 2*time.Second)
	h.wants(why)
}

// wants awaits these deliveries, "transition name state".
func (h *host) wants(why string, want ...string) {
	h.t.Helper()
	var lines []string
	got := h.hook.Await(h.t, h.told+len(want))
	for _, d := range got[h.told:] {
		lines = append(lines, strings.Join([]string{string(d.Alert.Transition), d.Alert.Key.Name, string(d.Alert.State)}, " "))
	}
	h.told = len(got)
	if strings.Join(lines, ", ") != strings.Join(want, ", ") {
		h.t.Fatalf("%s: told %q, want %q", why, lines, want)
	}
}

// lose ends one of the processes, which must be told, and starts it again.
func (h *host) lose(name string) {
	h.t.Helper()
	h.agents.kill(name)
	h.wants(name+" is lost", "raised "+name+" degraded")
	h.agents.start(name)
	h.wants(name+" is back", "cleared "+name+" up")
}

func (h *host) pair(do func(string), names ...string) {
	for _, n := range names {
		do(n)
		do(n)
	}
}

func (h *host) start(name string) { h.agents.start(name) }

func (h *host) tool(name string, args ...string) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH=/usr/local/sbin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%s %q: %v; it needs the Debian packages rpm and dpkg\n%s", name, args, err, out)
	}
}

// dpkg installs the agent in this version, with dpkg itself.
func (h *host) dpkg(version string) {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "ds-agent")
	if err := os.MkdirAll(filepath.Join(dir, "DEBIAN"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	control := "Package: ds-agent\nVersion: " + version + "\nArchitecture: all\nMaintainer: none <none@example.com>\nDescription: none\n"
	if err := os.WriteFile(filepath.Join(dir, "DEBIAN/control"), []byte(control), 0o644); err != nil {
		h.t.Fatal(err)
	}
	if h.preinst != "" {
		if err := os.WriteFile(filepath.Join(dir, "DEBIAN/preinst"), []byte("#!/bin/sh\n"+h.preinst), 0o755); err != nil {
			h.t.Fatal(err)
		}
	}
	h.tool("dpkg-deb", "--root-owner-group", "--build", dir, dir+".deb")
	h.tool("dpkg", "--root", filepath.Join(h.dir, "root"), "--admindir", filepath.Join(h.dir, "dpkg"), "--force-not-root", "--force-bad-path", "--force-script-chrootless",
		"--log", filepath.Join(h.dir, "log"), "-i", dir+".deb")
}

// rpm adds the agent in this version to the database, with rpm itself.
func (h *host) rpm(version, release string) {
	h.t.Helper()
	top := h.t.TempDir()
	spec := fmt.Sprintf("Name: ds_agent\nVersion: %s\nRelease: %s\nSummary: none\nLicense: none\nBuildArch: noarch\n%%description\nnone\n%%files\n", version, release)
	if err := os.WriteFile(filepath.Join(top, "x.spec"), []byte(spec), 0o644); err != nil {
		h.t.Fatal(err)
	}
	h.tool("rpmbuild", "-bb", "--define", "_topdir "+top, "--define", "_tmppath "+top, filepath.Join(top, "x.spec"))
	h.tool("rpm", "--dbpath", filepath.Join(h.dir, "rpm"), "-U", "--justdb", "--nodeps", "--nosignature", filepath.Join(top, fmt.Sprintf("RPMS/noarch/ds_agent-%s-%s.noarch.rpm", version, release)))
}

const onlyTLS = "features: {anti_malware: off, web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: on}"

// TestAcceptanceUpgradeDpkg: from 20.0.0-8438 on ds_nuagent is tm_netagent.
// dpkg writes its database when everything is over, after the new agent has
// been started: the old processes are missed before the new version is known.
func TestAcceptanceUpgradeDpkg(t *testing.T) {
	t.Parallel() // in namespaces of its own
	h := newHost(t)
	h.dpkg("20.0.0-8437")
	h.pair(h.start, "ds_agent", "ds_nuagent")
	h.watch(onlyTLS)
	h.lose("ds_nuagent")

	h.pair(h.agents.kill, "ds_nuagent", "ds_agent")
	time.Sleep(1500 * time.Millisecond) // a pass sees nothing of the agent
	h.pair(h.start, "ds_agent", "tm_netagent")
	time.Sleep(1500 * time.Millisecond) // a pass sees the new processes, and the old version
	h.dpkg("20.0.0-8438")
	h.quiet("the upgrade")
	h.lose("tm_netagent")
	h.r.stop(t)
}

// TestAcceptanceUpgradeSlow: dpkg takes longer than the hold between the old
// agent and the new one; its journal tells that it is at work.
func TestAcceptanceUpgradeSlow(t *testing.T) {
	t.Parallel() // in namespaces of its own
	h := newHost(t)
	h.transition = "5m"
	h.dpkg("20.0.0-8437")
	h.pair(h.start, "ds_agent", "ds_nuagent")
	h.watch(onlyTLS)

	h.pair(h.agents.kill, "ds_nuagent", "ds_agent")
	h.preinst = fmt.Sprintf("sleep %d\n", int((upgradeHold + 5*time.Second).Seconds()))
	h.dpkg("20.0.0-8438")
	h.pair(h.start, "ds_agent", "tm_netagent")
	h.quiet("the slow upgrade")
	h.r.stop(t)
}

// TestAcceptanceUpgradeRpm: rpm has the new version before the agent starts.
func TestAcceptanceUpgradeRpm(t *testing.T) {
	t.Parallel() // in namespaces of its own
	h := newHost(t)
	h.rpm("20.0.0", "8437.el9")
	h.pair(h.start, "ds_agent", "ds_nuagent")
	h.watch(onlyTLS)

	h.pair(h.agents.kill, "ds_nuagent", "ds_agent")
	time.Sleep(1500 * time.Millisecond)
	h.rpm("20.0.0", "8438.el9")
	h.pair(h.start, "ds_agent", "tm_netagent")
	h.quiet("the upgrade")
	h.lose("tm_netagent")
	h.agents.kill("tm_netagent")
	h.agents.kill("tm_netagent")
	h.wants("all of it is lost", "raised tm_netagent down")
	h.r.stop(t)
}

// TestAcceptanceFeature: a feature is switched off, then on. Only the agent
// knows; it is asked when its processes go, before anybody is told.
func TestAcceptanceFeature(t *testing.T) {
	t.Parallel() // in namespaces of its own
	h := newHost(t)
	h.dpkg("20.0.0-8438")
	on := func(v string) { h.write("features", "Component.1: AM.mode\nComponent.AM.mode: "+v+"\n") }
	on("on")
	h.pair(h.start, "ds_agent", "ds_am")
	h.watch("features: {web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: off}")
	h.lose("ds_am")

	on("off")
	h.pair(h.agents.kill, "ds_am")
	h.quiet("anti-malware is switched off")
	on("on")
	h.pair(h.start, "ds_am")
	h.quiet("and on")
	h.lose("ds_am")
	h.r.stop(t)
}
