package process

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// vendors is a target of the vendor's list whose component is installed in folder.
func vendors(n string, want int, folders ...string) Target {
	return Target{Key: key(n), Names: []string{n}, Want: want, Owner: Owner{Who: System, Folders: func() []string { return folders }}}
}

// another makes a process run as nobody.
func another() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// needRoot ends a test that must be another user.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test starts processes of two users; run it as root")
	}
}

func TestStrangersAreNotCounted(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("dsagent")
	folder := filepath.Join(root, "opt/ds_agent")
	ours := install(t, filepath.Join(folder, n))
	elsewhere := install(t, filepath.Join(root, "home/u", n))
	if err := os.Chmod(filepath.Join(root, "home"), 0o755); err != nil {
		t.Fatal(err)
	}

	t.Run("another user", func(t *testing.T) {
		c := start(t, elsewhere, "sleep", another())
		d := detectorFor(t, vendors(n, 2, folder))
		say := fmt.Sprintf("not counted: pid %d of user nobody, %s", c.Process.Pid, elsewhere)
		expect(t, see(t, d), event.Down, 0, say)
		expect(t, see(t, d), event.Down, 0, say) // from what is remembered of it
		// The user alone shows it, where no folder is known.
		expect(t, see(t, detectorFor(t, vendors(n, 2))), event.Down, 0, say)
		start(t, ours, "sleep", nil)
		start(t, ours, "sleep", nil)
		expect(t, see(t, d), event.Up, 2, say)
	})
	t.Run("another user runs the file of root", func(t *testing.T) {
		c := start(t, ours, "sleep", another())
		expect(t, see(t, detectorFor(t, vendors(n, 2, folder))), event.Down, 0, fmt.Sprintf("not counted: pid %d of user nobody", c.Process.Pid))
	})
	t.Run("root's, from another place", func(t *testing.T) {
		c := start(t, elsewhere, "sleep", nil)
		expect(t, see(t, detectorFor(t, vendors(n, 2, folder))), event.Down, 0, fmt.Sprintf("not counted: pid %d of user root, %s", c.Process.Pid, elsewhere))
		expect(t, see(t, detectorFor(t, vendors(n, 1))), event.Up, 1) // no folder is known: not proven, so it counts
	})
	t.Run("in a mount namespace that shows our path", func(t *testing.T) {
		// The kernel prints the path of our program for it.
		c := start(t, "/proc/self/exe", "masked "+elsewhere+" "+ours, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS})
		eventually(t, "the masked program", func() bool {
			path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", c.Process.Pid))
			return err == nil && path == ours
		})
		expect(t, see(t, detectorFor(t, vendors(n, 2, folder))), event.Down, 0, fmt.Sprintf("not counted: pid %d of user root, %s", c.Process.Pid, ours))
	})
	t.Run("through a link to the folder", func(t *testing.T) {
		link := filepath.Join(root, "link")
		if err := os.Symlink(folder, link); err != nil {
			t.Fatal(err)
		}
		start(t, ours, "sleep", nil)
		expect(t, see(t, detectorFor(t, vendors(n, 1, link))), event.Up, 1)
	})
	t.Run("replaced by an upgrade", func(t *testing.T) {
		start(t, ours, "sleep", nil)
		d := detectorFor(t, vendors(n, 1, folder))
		expect(t, see(t, d), event.Up, 1)
		if err := os.Remove(ours); err != nil {
			t.Fatal(err)
		}
		expect(t, see(t, d), event.Up, 1)
		expect(t, see(t, detectorFor(t, vendors(n, 1, folder))), event.Up, 1)
		install(t, ours)
		expect(t, see(t, detectorFor(t, vendors(n, 1, folder))), event.Up, 1)
		if err := os.RemoveAll(folder); err != nil { // what still runs after a wipe is ours
			t.Fatal(err)
		}
		expect(t, see(t, detectorFor(t, vendors(n, 1, folder))), event.Up, 1)
	})
}

// A script has the name of its file, and an interpreter as its program.
func TestScriptIsNoDaemon(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("dsagent")
	file := filepath.Join(root, "etc/init.d", n)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\nread x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := start(t, file, "", nil)
	eventually(t, "the script", func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Process.Pid))
		return err == nil && strings.TrimSpace(string(b)) == n
	})
	expect(t, see(t, detectorFor(t, vendors(n, 2))), event.Down, 0, fmt.Sprintf("not counted: pid %d of user root,", c.Process.Pid), "with the script "+file)
	expect(t, see(t, detectorFor(t, Target{Key: key(n), Names: []string{n}})), event.Up, 1) // of an operator's row it is the daemon
}

// Workers of a counted nginx run as any user; another nginx is none of them.
func TestWorkersOfOursCount(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("nginx")
	folder := filepath.Join(root, "opt/ds_agent")
	ours := install(t, filepath.Join(folder, "nginx", n))
	target := vendors(n, 1, folder)
	target.Exe = []string{folder + "/**/" + n}
	lone := start(t, ours, "sleep", another())
	expect(t, see(t, detectorFor(t, target)), event.Down, 0, fmt.Sprintf("not counted: pid %d of user nobody", lone.Process.Pid))
	lone.kill(t)
	c := start(t, ours, "master", nil)
	d := detectorFor(t, target)
	var seen event.Observation // a process that starts another may have had a third for a moment
	eventually(t, "master and worker", func() bool { seen = see(t, d); return seen.Found == 2 })
	expect(t, seen, event.Up, 2, fmt.Sprintf("pid %d ", c.Process.Pid))
}

func TestManagersJava(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("java")
	java := install(t, filepath.Join(root, "opt/dsm/jre/bin", n))
	target := Target{Key: key(n), Exe: []string{java}, Owner: Owner{Who: System, Folders: func() []string { return []string{filepath.Join(root, "opt/dsm")} }}}
	run := func(dir string, args ...string) child {
		c := exec.Command(java, args...)
		c.Env, c.Dir = append(os.Environ(), roleEnv+"=sleep"), dir
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		return child{c, in}
	}
	other := run(root, "-jar", "other-server-1.0.jar")
	expect(t, see(t, detectorFor(t, target)), event.Down, 0, fmt.Sprintf("not counted: pid %d of user root, %s -jar other-server-1.0.jar", other.Process.Pid, java))
	for title, c := range map[string]struct {
		dir  string
		args []string
	}{
		"classes":        {root, []string{"-Xmx4g", "-cp", "x:y", "com.example.Main"}},
		"its own jar":    {root, []string{"-jar", filepath.Join(root, "opt/dsm/webclient.jar")}},
		"in its own dir": {filepath.Join(root, "opt/dsm"), []string{"-jar", "webclient.jar"}},
	} {
		p := run(c.dir, c.args...)
		if o := see(t, detectorFor(t, target)); o.State != event.Up {
			t.Errorf("%s: %+v", title, o)
		}
		p.kill(t)
	}
}

func TestStoppedIsNotWorking(t *testing.T) {
	n := name("dsagent")
	file := alias(t, n)
	a, b := start(t, file, "sleep", nil), start(t, file, "sleep", nil)
	d := detectorFor(t, Target{Key: key(n), Names: []string{n}, Want: 2})
	expect(t, see(t, d), event.Up, 2)
	halt := func(c child) {
		t.Helper()
		if err := c.Process.Signal(unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a stopped process", func() bool { return stateOf(t, c.Process.Pid) == "T" })
	}
	halt(a)
	expect(t, see(t, d), event.Up, 2) // one look is not enough
	expect(t, see(t, d), event.Degraded, 1, fmt.Sprintf("pid %d is stopped", a.Process.Pid))
	halt(b)
	see(t, d)
	expect(t, see(t, d), event.Down, 0, "is stopped")
	if err := a.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a process that goes on", func() bool { return stateOf(t, a.Process.Pid) != "T" })
	expect(t, see(t, d), event.Degraded, 1)
}

// A user without any right sees the processes of root, and cannot tell where
// their programs are: they count, and the right that is missing is named.
func TestNotProvenCounts(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("dsagent")
	ours := install(t, filepath.Join(root, "opt/ds_agent", n))
	start(t, ours, "sleep", nil)
	targets, err := json.Marshal([]Target{vendors(n, 1)})
	if err != nil {
		t.Fatal(err)
	}
	self := install(t, filepath.Join(root, "detect"))
	c := nobody(exec.Command(self))
	c.Env = append(os.Environ(), roleEnv+"=detect /proc", "DSWATCH_TEST_FOLDER="+filepath.Join(root, "opt/ds_agent"))
	c.Stdin, c.Stderr = bytes.NewReader(targets), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Observation
	if err := json.Unmarshal(out, &all); err != nil || len(all) != 1 {
		t.Fatalf("%s: %v", out, err)
	}
	o := all[0]
	expect(t, o, event.Up, 1, "is not proven: run dswatch as root or grant it CAP_SYS_PTRACE")
}

func TestOperatorsMatch(t *testing.T) {
	n := name("daemon")
	c := exec.Command(alias(t, n), "--config=/etc/x.conf")
	c.Env = append(os.Environ(), roleEnv+"=sleep")
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	me := fmt.Sprint(os.Getuid())
	for _, w := range []struct {
		user string
		args []string
		want event.State
	}{
		{me, nil, event.Up}, {"12345", nil, event.Down}, {me, []string{"--config=/etc/*"}, event.Up}, {"", []string{"--config=*.conf"}, event.Down}, {"", []string{"--config=/*/*.conf"}, event.Up},
	} {
		target := Target{Key: key(n), Names: []string{n}, Args: w.args, Owner: Owner{User: w.user}}
		if o := see(t, detectorFor(t, target)); o.State != w.want {
			t.Errorf("user %q, args %q: %+v; want %s", w.user, w.args, o, w.want)
		}
	}
}

// A port is judged as its holders are, and by its user where nobody may see them.
func TestStrangerAtAPort(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("dsagent")
	folder := filepath.Join(root, "opt/ds_agent")
	ours := start(t, install(t, filepath.Join(folder, n)), "sleep", nil)
	other := start(t, install(t, filepath.Join(root, "x", n)), "sleep", nil)
	nobodys := start(t, filepath.Join(folder, n), "sleep", another())
	o := Owner{Who: System, Folders: func() []string { return []string{folder} }}
	for title, c := range map[string]struct {
		uid  uint32
		pids []int
		say  string
	}{
		"ours":                         {0, []int{ours.Process.Pid}, ""},
		"root's from elsewhere":        {0, []int{other.Process.Pid}, fmt.Sprintf("not counted: pid %d of user root, %s/x/%s", other.Process.Pid, root, n)},
		"ours and another":             {0, []int{other.Process.Pid, ours.Process.Pid}, ""},
		"another user's":               {65534, []int{nobodys.Process.Pid}, fmt.Sprintf("not counted: pid %d of user nobody", nobodys.Process.Pid)},
		"another user's, nobody looks": {65534, nil, "not counted: a process of user nobody"},
		"root's, nobody looks":         {0, nil, ""},
	} {
		if s := words.English(o.Stranger(c.uid, c.pids)); !strings.HasPrefix(s, c.say) || c.say == "" && s != "" {
			t.Errorf("%s: %q, want %q", title, s, c.say)
		}
	}
}

// TestUsers: a user is known by number and by name, and half a line is none.
func TestUsers(t *testing.T) {
	for user, want := range map[string]int{"root": 0, "0": 0, "1234": 1234} {
		if n, ok := (Owner{User: user}).uid(); !ok || n != want {
			t.Errorf("%s is %d, %v, want %d", user, n, ok, want)
		}
	}
	for _, user := range []string{"", "nobody-has-this-name"} {
		if n, ok := (Owner{User: user}).uid(); ok {
			t.Errorf("%q is %d", user, n)
		}
	}
	for line, want := range map[string]bool{"Uid:\t1\t2\t3\t4": true, "Uid:\t1\tx": false, "Uid:\tx\t2": false, "Uid:\t1": false, "Gid:\t1\t2": false} {
		if as := uids([]byte("Name:\tx\n" + line + "\nGid:\t5\t6")); as.known != want || want && (as.real != 1 || as.effective != 2) {
			t.Errorf("%q: %+v", line, as)
		}
	}
}

// TestHalted: a process is stopped by a signal, or with its cgroup, of the one
// version or the other.
func TestHalted(t *testing.T) {
	for name, c := range map[string]struct {
		state  byte
		cgroup string
		files  map[string]string
		want   bool
	}{
		"runs":                            {'S', "0::/a\n", map[string]string{"a/cgroup.events": "populated 1\nfrozen 0\n"}, false},
		"by a signal":                     {'T', "0::/a\n", nil, true},
		"with its cgroup":                 {'S', "0::/a\n", map[string]string{"a/cgroup.events": "populated 1\nfrozen 1\n"}, true},
		"its cgroup cannot be read":       {'S', "0::/b\n", map[string]string{"a/cgroup.events": "populated 1\nfrozen 1\n"}, false},
		"with its cgroup of version 1":    {'S', "4:memory:/a\n3:freezer:/a\n", map[string]string{"freezer/a/freezer.state": "FROZEN\n"}, true},
		"thawed in version 1":             {'S', "3:freezer:/a\n", map[string]string{"freezer/a/freezer.state": "THAWED\n"}, false},
		"another tree of version 1":       {'S', "3:memory:/a\n", map[string]string{"freezer/a/freezer.state": "FROZEN\n"}, false},
		"both versions, frozen in one":    {'S', "3:freezer:/a\n0::/a\n", map[string]string{"freezer/a/freezer.state": "THAWED\n", "a/cgroup.events": "frozen 1\n"}, true},
		"in no group":                     {'S', "3:freezer:/\n0::/\n", map[string]string{"freezer/freezer.state": "FROZEN\n", "cgroup.events": "frozen 1\n"}, false},
		"a name with colons":              {'S', "0::/a:b\n", map[string]string{"a:b/cgroup.events": "frozen 1\n"}, true},
		"a line that is none, and a real": {'S', "x\n0::/a\n", map[string]string{"a/cgroup.events": "frozen 1\n"}, true},
		"nobody tells its groups":         {'S', "", map[string]string{"a/cgroup.events": "frozen 1\n"}, false},
	} {
		p := newProcfs("/proc")
		p.groups = t.TempDir()
		for file, text := range c.files {
			if err := os.MkdirAll(filepath.Join(p.groups, filepath.Dir(file)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(p.groups, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		proc := t.TempDir()
		if c.cgroup != "" {
			if err := os.WriteFile(filepath.Join(proc, "cgroup"), []byte(c.cgroup), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		dir, err := unix.Open(proc, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.halted(dir, stat{state: c.state}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		unix.Close(dir)
	}
}

// TestImpostors: who is none of ours, each with what stays the same when it
// runs again; root's own script of the name is none, a worker of ours neither.
func TestImpostors(t *testing.T) {
	needRoot(t)
	root, n := open(t), name("dsimp")
	folder := filepath.Join(root, "opt/ds_agent")
	ours := install(t, filepath.Join(folder, n))
	elsewhere := install(t, filepath.Join(root, "home/u", n))
	script := filepath.Join(root, "home/u", "s", n)
	if err := os.MkdirAll(filepath.Dir(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte("#!/bin/sh\nwhile :; do sleep 1; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d := detectorFor(t, vendors(n, 1, folder))
	who := func() (all []string) {
		see(t, d)
		for _, i := range d.Impostors() {
			if i.Name != n || i.Why.Empty() {
				t.Errorf("%+v", i)
			}
			all = append(all, i.Who)
		}
		return all
	}
	start(t, ours, "sleep", nil)
	run := func(path string, attr *syscall.SysProcAttr) *exec.Cmd {
		c := exec.Command(path)
		c.SysProcAttr = attr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		for line := []byte(nil); len(line) == 0; time.Sleep(time.Millisecond) { // it has none until the end of its exec
			line, _ = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.Process.Pid))
		}
		return c
	}
	run(script, nil)
	if got := who(); len(got) != 0 {
		t.Errorf("impostors %q, want none: ours, and a script of root", got)
	}
	first := start(t, elsewhere, "sleep", another())
	got := who()
	if want := "nobody, " + elsewhere; len(got) != 1 || got[0] != want {
		t.Fatalf("impostors %q, want %q", got, want)
	}
	_ = first.Process.Kill()
	_ = first.Wait()
	start(t, elsewhere, "sleep", another())
	if again := who(); len(again) != 1 || again[0] != got[0] {
		t.Errorf("%q is another one when it runs again: %q", got, again)
	}
	run(script, another())
	eventually(t, "the script of nobody", func() bool {
		all := who()
		return len(all) == 2 && strings.HasSuffix(all[0]+all[1], script) || len(all) == 2 && strings.Contains(all[0], script)
	})
}
