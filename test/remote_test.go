package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/ports"
	"dswatch/test/receive"
)

// What docs/agentless.md lists, written again: nothing else may be asked.
const (
	sunEnv        = "env LC_ALL=C PATH=/usr/bin:/usr/sbin "
	sunModinfo    = sunEnv + "modinfo"
	sunPS         = sunEnv + "ps -A -o pid=PID -o ppid=PPID -o user=USER -o zone=ZONE -o s=S -o fname=NAME -o args=ARGS"
	esxiVmkload   = "vmkload_mod -l"
	sunFilter     = "248 fffffffff83a1000  a1f40 301   1  dsa_filter (Deep Security Filter Driver 20.)\n"
	capturesOfSSH = "../detector/remote/testdata/"
)

// startHosts starts an sshd that answers as a Solaris and an ESXi host.
func startHosts(t *testing.T) *receive.SSHD {
	t.Helper()
	s := receive.StartSSHD(t)
	for command, file := range map[string]string{
		sunModinfo: "solaris-modinfo", sunPS: "solaris-ps", sunEnv + "zonename": "solaris-zonename",
		sunEnv + "netstat -an -f inet": "solaris-netstat", sunEnv + "netstat -an -f inet6": "solaris-netstat6",
		sunEnv + "pkginfo -l ds-agent": "solaris-pkginfo", esxiVmkload: "esxi-vmkload", "esxcli software vib list": "esxi-vib",
	} {
		s.Print(t, command, captureOf(t, file))
	}
	return s
}

func captureOf(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(capturesOfSSH + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const agentless = `
host: hub
watch: {ignore: [port/4122/tcp]}
rules: {hold: 0s, patience: 2s}
web: {listen: ""}
bus: {dir: %q}
detectors:
  remote:
    schedule: "@every 1s"
    timeout: 20s
    confirm: 100ms
    user: %q
    key_file: %q
    known_hosts: %q
    targets:
      - {host: sol01, address: %[5]s, port: %[6]d, os: solaris, facts: {edition: deep_security, relay: off, features: {anti_malware: off, firewall: on}}}
      - {host: esx01, address: %[5]s, port: %[6]d, os: esxi}
`

// TestAgentless runs the compiled program against a real sshd that answers
// as Solaris and as ESXi: a module that is missing is told with what it means,
// a command that fails is not taken for a loss, and both end.
func TestAgentless(t *testing.T) {
	s := startHosts(t)
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	config := fmt.Sprintf(agentless, filepath.Join(t.TempDir(), "bus"), s.User, s.KeyFile, s.KnownHosts, s.Host, s.Port) +
		fmt.Sprintf("sinks: [{name: hook, type: webhook, url: %q}]\n", server.URL)
	r := start(t, config)
	until(t, "both hosts were looked at", func() bool { return s.Logins() >= 2 })

	await := func(n int) []event.Alert {
		t.Helper()
		var all []event.Alert
		for _, d := range hook.Await(t, n) {
			all = append(all, d.Alert)
		}
		return all
	}
	s.Print(t, sunModinfo, strings.Replace(captureOf(t, "solaris-modinfo"), sunFilter, "", 1))
	lost := await(1)[0]
	if lost.Key.String() != "sol01/agent/driver/dsa_filter" || lost.Transition != event.Raised || lost.State != event.Down || lost.Severity != event.Critical ||
		!strings.Contains(lost.Text, "none of them protects this host") {
		t.Fatalf("told %+v", lost)
	}
	s.Print(t, sunModinfo, captureOf(t, "solaris-modinfo"))
	if back := await(2)[1]; back.ID != lost.ID || back.Transition != event.Cleared {
		t.Errorf("told %+v", back)
	}

	s.Answer(t, esxiVmkload, "echo 'VMkernel is busy' >&2; exit 1")
	unseen := await(3)[2]
	if unseen.Key.String() != "esx01/appliance/driver/dvfilter-dsa" || unseen.State != event.Unknown {
		t.Fatalf("told %+v", unseen)
	}
	s.Print(t, esxiVmkload, captureOf(t, "esxi-vmkload"))
	if back := await(4)[3]; back.ID != unseen.ID || back.Transition != event.Cleared {
		t.Errorf("told %+v", back)
	}
	r.stop(t)
	if n := s.Logins(); n != 2 {
		t.Errorf("%d logins, want one of each host that is kept", n)
	}
	if n := len(hook.Received()); n != 4 {
		t.Errorf("%d deliveries, want 4", n)
	}
}

// TestAgentlessCheck looks once, first at what is well, then at a host whose
// key is another than the known one.
func TestAgentlessCheck(t *testing.T) {
	s := startHosts(t)
	var facts map[string]event.Facts
	path := filepath.Join(t.TempDir(), "dswatch.yaml")
	check := func(known string) (map[string]event.State, map[string]string, int) {
		t.Helper()
		if err := os.WriteFile(path, fmt.Appendf(nil, agentless, t.TempDir(), s.User, s.KeyFile, known, s.Host, s.Port), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := output(t, "check", "-c", path, "--format", "json")
		var got struct {
			Hosts []struct {
				Host  string
				Facts event.Facts
			}
			Items []struct {
				Host, Kind, Name, Expected, Detail string
				State                              event.State
			}
		}
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatalf("%v: %s%s", err, stdout, stderr)
		}
		facts = map[string]event.Facts{}
		for _, h := range got.Hosts {
			facts[h.Host] = h.Facts
		}
		states, details := map[string]event.State{}, map[string]string{}
		for _, it := range got.Items {
			if it.Host != "hub" && it.Expected == "yes" {
				states[it.Host+" "+it.Name], details[it.Host+" "+it.Name] = it.State, it.Detail
			}
		}
		return states, details, code
	}
	want := []string{"sol01 ds_agent", "sol01 dsa_filter", "sol01 dsa_filter_hook", "sol01 4118/tcp", "esx01 dvfilter-dsa", "sol01 ssh", "esx01 ssh"}
	states, details, code := check(s.KnownHosts)
	for _, name := range want {
		if states[name] != event.Up {
			t.Errorf("%s is %q: %s", name, states[name], details[name])
		}
	}
	if len(states) != len(want) || code != 0 {
		t.Errorf("exit status %d, expected are %v", code, states)
	}

	if v := facts["sol01"][event.AgentVersion]; v.Value == "" || v.Origin == "" || time.Since(v.At).Abs() > time.Hour {
		t.Errorf("sol01 has agent version %+v", v)
	}
	if v := facts["esx01"][event.ApplianceVersion]; v.Value == "" || v.Origin == "" || v.At.IsZero() || len(facts) != 3 {
		t.Errorf("esx01 has appliance version %+v, %d hosts", v, len(facts))
	}

	// What a loss means is said of the host's own system and its own drivers.
	ps := captureOf(t, "solaris-ps")
	s.Print(t, sunPS, strings.ReplaceAll(ps, "ds_agent", "ds_other"))
	if table, _, _ := output(t, "check", "-c", path); !strings.Contains(table, "sol01 ds_agent") || !strings.Contains(table, "depends on the driver dsa_filter: see that it is loaded") {
		t.Errorf("a process lost on Solaris: %s", table)
	}
	s.Print(t, sunPS, ps)

	other := filepath.Join(t.TempDir(), "known_hosts")
	line, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	key := receive.WriteSSHKey(t, filepath.Join(t.TempDir(), "key"))
	if err := os.WriteFile(other, fmt.Appendf(nil, "%s %s", strings.Fields(string(line))[0], receive.AuthorizedKey(key)), 0o644); err != nil {
		t.Fatal(err)
	}
	states, details, code = check(other)
	for name, state := range states {
		if state != event.Unknown || !strings.Contains(details[name], "has CHANGED") {
			t.Errorf("with another host key %s is %q: %s", name, state, details[name])
		}
	}
	if code != 3 || len(states) == 0 {
		t.Errorf("exit status %d", code)
	}
}

// TestWipedOverSSH: what is wiped from a Linux host that is looked at over SSH
// is one critical alert, of which its rows are symptoms; what dswatch was told to
// forget is expected no more.
func TestWipedOverSSH(t *testing.T) {
	const (
		env = "env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin "
		ls  = env + "ls -ldL /opt/ds_agent/ds_agent"
		ps  = env + "ps -A -ww -o pid=PID -o ppid=PPID -o user=USER -o s=S -o comm=NAME -o args=ARGS"
		ss  = env + "ss -ltn"
	)
	s := receive.StartSSHD(t)
	for command, file := range map[string]string{ls: "linux-ls", ps: "linux-ps", ss: "linux-ss", env + "cat /proc/modules": "linux-modules", env + "uname -r": "linux-uname"} {
		s.Print(t, command, captureOf(t, file))
	}
	s.Answer(t, env+`rpm -q --qf '%{INSTALLTIME} %{VERSION}-%{RELEASE}\n' ds_agent`, "echo '1760000000 20.0.2-1390.el8'")
	hook := &receive.Webhook{}
	file := configFile(t, fmt.Sprintf(`
host: hub
rules: {hold: 1s}
web: {listen: "127.0.0.1:%s"}
bus: {dir: %q}
detectors:
  remote:
    schedule: "@every 1s"
    confirm: 100ms
    user: %q
    key_file: %q
    known_hosts: %q
    targets: [{host: lin01, address: %q, port: %d, os: linux, facts: {edition: deep_security, relay: off, communication: bidirectional}}]
sinks: [{name: hook, type: webhook, url: %q}]
`, ports.Free(t, "tcp"), filepath.Join(t.TempDir(), "bus"), s.User, s.KeyFile, s.KnownHosts, s.Host, s.Port, receive.StartWebhook(t, hook).URL))
	r := startFile(t, file)
	until(t, "the agent is known", func() bool {
		out, _, code := output(t, "why", "-c", file, "lin01/agent/installation/installed")
		return code == 0 && strings.Contains(out, "rpm has its package")
	})
	s.Answer(t, ls, "echo \"ls: cannot access '/opt/ds_agent/ds_agent': No such file or directory\" >&2; exit 2")
	var left []string
	for line := range strings.Lines(captureOf(t, "linux-ps")) {
		if !strings.Contains(line, "ds_agent") {
			left = append(left, line)
		}
	}
	s.Print(t, ps, strings.Join(left, ""))
	s.Print(t, ss, strings.Replace(captureOf(t, "linux-ss"), "4118", "22222", 1))
	lost := hook.Await(t, 1)[0].Alert
	if lost.Key.String() != "lin01/agent/installation/installed" || lost.Severity != event.Critical || lost.State != event.Down || len(lost.Techniques) != 2 {
		t.Fatalf("told %+v", lost)
	}
	symptoms := map[string]bool{}
	until(t, "its rows are symptoms", func() bool {
		for _, d := range hook.Received() {
			for _, a := range d.Alert.Affected {
				symptoms[a.Key.Row()] = true
			}
			if d.Alert.ID != lost.ID {
				t.Fatalf("told of its own: %+v", d.Alert)
			}
		}
		out, _, _ := output(t, "why", "-c", file, "lin01/agent/process/ds_agent")
		return symptoms["process/ds_agent"] || strings.Contains(out, "installation/installed")
	})
	r.stop(t)
}
