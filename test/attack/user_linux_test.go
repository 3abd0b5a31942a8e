package attack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"dswatch/web"
)

// The users of the host that inside makes.
const (
	service  = 990 // dswatch
	operator = 991 // in the group dswatch
	guest    = 992 // in no group
)

// inside runs the rest of a test in namespaces of its own, as root of a host that
// has nothing but a pretend agent and the users above; the caller returns when it
// is false. Nothing of this machine changes.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv("ATTACK_INSIDE") == "" {
		cmd := exec.Command(self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "10m")
		cmd.Env = append(os.Environ(), "ATTACK_INSIDE="+filepath.Dir(dswatch))
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		return false
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("proc", "/proc", "proc", 0, ""))
	for _, dir := range []string{"/run", "/opt", "/var/lib"} {
		must(unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"))
	}
	for file, more := range map[string]string{
		"/etc/passwd": "dswatch:x:990:990::/var/lib/dswatch:/usr/sbin/nologin\noperator:x:991:991::/:/bin/sh\nguest:x:992:992::/:/bin/sh\n",
		"/etc/group":  "dswatch:x:990:operator\noperator:x:991:\nguest:x:992:\n",
	} {
		b, err := os.ReadFile(file)
		must(err)
		own := filepath.Join("/run", filepath.Base(file))
		must(os.WriteFile(own, append(withoutUser(b, "dswatch"), more...), 0o644))
		must(unix.Mount(own, file, "", unix.MS_BIND, ""))
	}
	must(exec.Command("ip", "link", "set", "lo", "up").Run())
	must(os.MkdirAll("/opt/ds_agent", 0o755))
	program, err := os.ReadFile(dswatch)
	must(err)
	for _, name := range []string{"ds_agent", "ds_am"} {
		must(os.WriteFile("/opt/ds_agent/"+name, program, 0o755))
	}
	must(os.WriteFile("/opt/ds_agent/dsa_query", []byte(`#!/bin/sh
[ "$(id -u)" = 0 ] || { echo "permission denied" >&2; exit 13; }
case $2 in
GetAgentStatus) echo "AgentStatus.dsmUrl: https://dsm.example.com:4120/"; echo "AgentStatus.agentState: green";;
GetComponentInfo) for m in AM.mode WRS.mode FWDPI.firewallMode FWDPI.mode; do echo "Component.$m: on"; done;;
esac
`), 0o755))
	for _, name := range []string{"ds_agent", "ds_am"} {
		begin(t, exec.Command("/opt/ds_agent/"+name, "pretend"))
	}
	return true
}

// withoutUser is a file of users or groups without one of them.
func withoutUser(text []byte, name string) (out []byte) {
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, name+":") {
			out = append(out, line...)
		}
	}
	return out
}

// begin starts a process that ends with the test.
func begin(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if _, err := cmd.StdinPipe(); err != nil { // a pretend process ends with it
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(cmd) })
	return cmd
}

func finish(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // the test has judged it
	}
}

// asService is a command under the user and the capabilities of the unit.
func asService(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	unit, err := os.ReadFile(filepath.Join(os.Getenv("ATTACK_INSIDE"), "dswatch.service"))
	if err != nil {
		t.Fatal(err)
	}
	setting := func(key string) string {
		_, rest, ok := strings.Cut(string(unit), "\n"+key+"=")
		if !ok {
			t.Fatalf("the unit has no %s", key)
		}
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	caps := "-all"
	for _, c := range strings.Fields(setting("AmbientCapabilities")) {
		caps += "," + strings.ToLower(strings.Replace(c, "CAP_", "+", 1))
	}
	if setting("AmbientCapabilities") != setting("CapabilityBoundingSet") || setting("NoNewPrivileges") != "yes" {
		t.Fatal("the unit has other capabilities than this test takes")
	}
	cmd := exec.Command("setpriv", append([]string{"--reuid", setting("User"), "--regid", setting("Group"), "--clear-groups",
		"--inh-caps", caps, "--ambient-caps", caps, "--bounding-set", caps, "--no-new-privs", dswatch}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "RUNTIME_DIRECTORY=/run/dswatch", "HOME=/var/lib/dswatch"}
	return cmd
}

// host is a configuration of root's, and the folders that systemd would make.
func host(t *testing.T, name string, uid int) (p place) {
	t.Helper()
	p = place{file: "/run/" + name + ".yaml", state: "/var/lib/" + name}
	text := fmt.Sprintf("host: web01\nbus: {dir: %s}\nweb: {listen: \"\"}\nrules: {hold: 0s}\nwatch: {ignore: [port/4118/tcp]}\nsinks: [{name: out, type: stdout}]\n", p.state)
	err := os.WriteFile(p.file, []byte(text), 0o600)
	for _, dir := range []string{p.state, p.state + "-open", "/run/dswatch"} {
		if merr := os.Mkdir(dir, 0o700); merr != nil && !errors.Is(merr, os.ErrExist) {
			t.Fatal(merr)
		}
		err = errors.Join(err, os.Chown(dir, uid, uid))
	}
	if err = errors.Join(err, os.Chmod("/run/dswatch", 0o755)); err != nil {
		t.Fatal(err)
	}
	return p
}

// status is what the running process says, once it knows something.
func (p place) status(t *testing.T, known func(web.Status) bool) (st web.Status) {
	t.Helper()
	var out []byte
	defer func() {
		if t.Failed() {
			t.Logf("%s", out)
		}
	}()
	within(t, "the status is as it should be", func() bool {
		out, _ = exec.CommandContext(t.Context(), dswatch, "status", "--format", "json", "-c", p.file).Output()
		st = web.Status{}
		return json.Unmarshal(out, &st) == nil && st.Health.Current && known(st)
	})
	return st
}

// rows are all items with state and whether they are expected.
func rows(st web.Status) map[string]string {
	all := map[string]string{}
	for _, i := range st.Items {
		all[i.Key.String()] = string(i.State) + ", expected " + i.Expected
	}
	return all
}

// asked reports whether the agent was asked: its word alone makes a row of
// evidence expected.
func asked(st web.Status) bool {
	return strings.Contains(rows(st)["web01/agent/evidence/agent_state"], "expected yes")
}

// TestOwnUser: as its own user, with the capabilities of the unit and the helper,
// dswatch sees what root sees. Without the helper it says which rows are blind.
func TestOwnUser(t *testing.T) {
	if !inside(t) {
		return
	}
	p := host(t, "root", 0)
	d := begin(t, exec.Command(dswatch, "run", "-c", p.file))
	root := p.status(t, asked)
	finish(d)

	p = host(t, "dswatch", service)
	helper := begin(t, exec.Command(dswatch, "helper", "--socket", "/run/dswatch-helper.sock"))
	d = begin(t, asService(t, "run", "-c", p.file))
	own := p.status(t, asked)
	if a, b := rows(root), rows(own); !maps.Equal(a, b) {
		for _, k := range slices.Sorted(maps.Keys(a)) {
			if a[k] != b[k] {
				t.Errorf("%s: as root %s, as its own user %s", k, a[k], b[k])
			}
		}
	}
	if len(rows(own)) < 20 || own.Unasked != nil {
		t.Errorf("%d rows, %+v", len(rows(own)), own.Unasked)
	}
	finish(d)
	finish(helper)

	d = begin(t, asService(t, "run", "-c", p.file))
	blind := p.status(t, func(st web.Status) bool { return st.Unasked != nil })
	if !strings.Contains(blind.Unasked.Error, "systemctl enable --now dswatch-helper.socket") || len(blind.Unasked.Blind) == 0 {
		t.Errorf("%+v", blind.Unasked)
	}
	named := map[string]bool{}
	for _, k := range blind.Unasked.Blind {
		named[k.String()] = true
	}
	for k, now := range rows(blind) {
		if before := rows(root)[k]; strings.Contains(now, "expected unknown") && !strings.Contains(before, "expected unknown") && !named[k] {
			t.Errorf("%s was %s, is %s, and is not named", k, before, now)
		}
	}
	out, _ := p.as(t, 0, "status")
	if !strings.Contains(out, "The agent is not asked which features are on") || !strings.Contains(out, "whether these rows are expected: ") || !strings.Contains(out, "evidence/agent_state") {
		t.Errorf("status says %s", out)
	}
	begin(t, exec.Command(dswatch, "helper", "--socket", "/run/dswatch-helper.sock"))
	p.status(t, func(st web.Status) bool { return st.Unasked == nil && asked(st) })
	finish(d)

	// What root does to the stopped store belongs to the user, who can go on.
	for _, args := range [][]string{{"sinks", "test"}, {"store", "check"}, {"store", "upgrade"}, {"store", "repair"}} {
		if out, err := p.as(t, 0, args...); err != nil {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	for _, dir := range []string{p.state, p.state + "-open"} {
		if out, err := exec.Command("find", dir, "!", "-user", "dswatch").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v: that is not the user's: %s", err, out)
		}
	}
	begin(t, asService(t, "run", "-c", p.file))
	p.status(t, asked)
}

// TestMember: who is in the group dswatch reads and acknowledges without the
// configuration, and may do no more; who is not may do nothing.
func TestMember(t *testing.T) {
	if !inside(t) {
		return
	}
	p := host(t, "dswatch", service)
	begin(t, asService(t, "run", "-c", p.file))
	begin(t, exec.Command(dswatch, "helper", "--socket", "/run/dswatch-helper.sock"))
	st := p.status(t, func(st web.Status) bool {
		return asked(st) && slices.ContainsFunc(st.Items, func(i web.Item) bool { return i.Alerting })
	})
	at := slices.IndexFunc(st.Items, func(i web.Item) bool { return i.Alerting })
	item := st.Items[at].Key.String()
	as := func(uid uint32, groups []uint32, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), dswatch, args...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}
		b, err := cmd.CombinedOutput()
		return string(b), err
	}
	member := []uint32{service}
	for _, args := range [][]string{{"status"}, {"status", "--format", "json"}, {"alerts"}, {"why", item}, {"ack", item, "--comment", "seen"}, {"ack", item, "--withdraw"}, {"deadletter", "list"}, {"silence", "list"}} {
		if out, err := as(operator, member, args...); err != nil {
			t.Errorf("a member: %v: %v: %s", args, err, out)
		}
		if out, err := as(guest, nil, args...); err == nil || strings.Contains(out, "ds_") {
			t.Errorf("a guest: %v: %v: %s", args, err, out)
		}
	}
	for _, args := range [][]string{{"reload"}, {"silence", "add", "--for", "1h", "--comment", "x", "host=web01"}, {"sinks", "test"}, {"deadletter", "replay", "--all"}, {"host", "forget", "web01", "agent"}, {"host", "remove", "web02"}, {"helper"}, {"run"}, {"store", "check"}, {"service", "install"}} {
		if out, err := as(operator, member, args...); err == nil {
			t.Errorf("a member: %v: %s", args, out)
		}
	}
	for _, path := range []string{p.file, p.state + "/token", p.state + "/jetstream", "/run/dswatch-helper.sock"} {
		cmd := exec.Command("cat", path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: operator, Gid: operator, Groups: member}}
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("a member reads %s: %s", path, out)
		}
	}
	if after := p.status(t, func(web.Status) bool { return true }); len(after.Items) != len(st.Items) || after.Unasked != nil {
		t.Errorf("afterwards %d items of %d", len(after.Items), len(st.Items))
	}
}
