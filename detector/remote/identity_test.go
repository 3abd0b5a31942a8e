//go:build !windows

package remote

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/words"
)

// vendors is a row of the vendor's.
func vendors(want int, names ...string) Item {
	it := item(event.Process, want, names...)
	it.Who = process.System
	return it
}

// TestWhoseProcess: what ps shows decides whether a process of the name is the
// agent's, by the rules of the detector for this host.
func TestWhoseProcess(t *testing.T) {
	const (
		head  = "PID PPID USER S NAME ARGS\n"
		first = "1 0 root S init /sbin/init\n"
		me    = "90 1 me R ps ps -A\n"
	)
	custom := item(event.Process, 1, "worker")
	custom.User, custom.Args = "app", []string{"--role=*"}
	for name, c := range map[string]struct {
		it     Item
		lines  string
		nested map[int]bool
		state  event.State
		detail string
	}{
		"root's": {vendors(1, "ds_agent"), "7 1 root S ds_agent /opt/ds_agent/ds_agent\n", nil, event.Up, "pid 7 (ppid 1)"},
		"another user's": {vendors(1, "ds_agent"), "7 1 nobody S ds_agent /home/n/ds_agent\n", nil, event.Down,
			"no process is named ds_agent; not counted: pid 7 of user nobody, /home/n/ds_agent"},
		"another user's beside one of root's": {vendors(2, "ds_agent"), "7 1 root S ds_agent ds_agent\n8 1 nobody S ds_agent ds_agent\n", nil, event.Degraded,
			"pid 7 (ppid 1); not counted: pid 8 of user nobody, ds_agent"},
		"root by number": {vendors(1, "ds_agent"), "7 1 0 S ds_agent ds_agent\n", nil, event.Up, ""},
		"root of another name": {vendors(1, "ds_agent"), strings.Replace(first, "root", "boss", 1) +
			"7 1 boss S ds_agent ds_agent\n8 1 root S other other\n", nil, event.Up, ""},
		"worker of another user": {vendors(2, "/opt/ds_agent/**/nginx"),
			"7 1 root S nginx nginx: master process /opt/ds_agent/relay/nginx\n8 7 www-data S nginx /opt/ds_agent/relay/nginx -w\n", nil, event.Up, "pid 7 (ppid 1); pid 8 (ppid 7)"},
		"worker of a stranger": {vendors(1, "/opt/ds_agent/**/nginx"),
			"7 1 joe S nginx /opt/ds_agent/relay/nginx\n8 7 joe S nginx /opt/ds_agent/relay/nginx\n", nil, event.Down, "pid 8 of user joe"},
		"script": {vendors(2, "ds_agent"), "7 1 root S ds_agent /bin/sh /etc/init.d/ds_agent start\n", nil, event.Down,
			"pid 7 of user root, /bin/sh with the script /etc/init.d/ds_agent"},
		"interpreter with another script": {vendors(1, "ds_agent"), "7 1 root S ds_agent /bin/sh /srv/x.sh\n", nil, event.Up, ""},
		"another's jar by the manager's java": {vendors(1, "/opt/dsm/jre/bin/java"), "7 1 root S java /opt/dsm/jre/bin/java -jar /srv/other-server-1.0.jar\n", nil, event.Down,
			"pid 7 of user root, /opt/dsm/jre/bin/java -jar /srv/other-server-1.0.jar"},
		"the manager's own jar":                          {vendors(1, "/opt/dsm/jre/bin/java"), "7 1 root S java /opt/dsm/jre/bin/java -jar /opt/dsm/x.jar\n", nil, event.Up, ""},
		"a jar that the manager started":                 {vendors(1, "/opt/dsm/jre/bin/java"), "6 1 root S dsm_s dsm_s\n7 6 root S java /opt/dsm/jre/bin/java -jar /srv/x.jar\n", nil, event.Up, ""},
		"a jar of which nobody knows where":              {vendors(1, "/opt/dsm/jre/bin/java"), "7 1 root S java /opt/dsm/jre/bin/java -jar x.jar\n", nil, event.Up, ""},
		"stopped":                                        {vendors(2, "ds_agent"), "7 1 root S ds_agent ds_agent\n8 7 root T ds_agent ds_agent\n", nil, event.Degraded, "pid 8 is stopped"},
		"all stopped":                                    {vendors(1, "ds_agent"), "7 1 root T ds_agent ds_agent\n", nil, event.Down, "pid 7 is stopped"},
		"in a container":                                 {vendors(1, "ds_agent"), "7 1 root S ds_agent ds_agent\n", map[int]bool{7: true}, event.Down, "pid 7 is in a container"},
		"another process in a container":                 {vendors(1, "ds_agent"), "7 1 root S ds_agent ds_agent\n", map[int]bool{8: true}, event.Up, "pid 7 (ppid 1)"},
		"of my own, as asked for":                        {custom, "7 1 app S worker worker --role=a\n", nil, event.Up, ""},
		"of my own, another user's":                      {custom, "7 1 root S worker worker --role=a\n", nil, event.Down, "of user root"},
		"of my own, a user that is shown cut":            {custom, "7 1 ap+ S worker worker --role=a\n", nil, event.Up, ""},
		"of my own, a user without name":                 {custom, "7 1 1001 S worker worker --role=a\n", nil, event.Up, ""},
		"of my own, without the argument":                {custom, "7 1 app S worker worker --all\n", nil, event.Down, "without the argument --role=*"},
		"of my own, with a command line that may be cut": {custom, "7 1 app S worker worker " + strings.Repeat("x", 80) + "\n", nil, event.Up, ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := head + first + c.lines + me
			if strings.HasPrefix(c.lines, "1 0 ") {
				text = head + c.lines + me
			}
			l, err := parsePS([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			l.nested = func() map[int]bool { return c.nested }
			v := l.judge(c.it, systems[event.Linux])
			if got := words.In("en", nil).Say(v.detail); v.state != c.state || !strings.Contains(got, c.detail) {
				t.Errorf("%s, %q; want %s with %q", v.state, got, c.state, c.detail)
			}
		})
	}
}

func TestParseNested(t *testing.T) {
	got := parseNested([]byte("/proc/1/status:NSpid:\t1\n/proc/7/status:NSpid:\t7\t1\nend\n/proc/x/status:NSpid:\t1\t2\n/proc/8/status:NSpid:\t8\t4\t2\n"))
	if want := fmt.Sprint(map[int]bool{7: true, 8: true}); fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestStrangersOverSSH looks over a real sshd, with the real commands, at real
// processes: those of another user and of a container do not count.
func TestStrangersOverSSH(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to run processes as another user and in another namespace")
	}
	s := receive.StartSSHD(t)
	s.Shell(t)
	name := fmt.Sprintf("ds_a%d", os.Getpid()%100000)
	dir, err := os.MkdirTemp("/var/tmp", "dswatch") // where others may run it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, name)
	if err := os.WriteFile(program, sleep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(attr *syscall.SysProcAttr) {
		c := exec.Command(program, "600")
		c.SysProcAttr = attr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.Process.Kill()
			c.Wait()
		})
	}
	tg := target(s, event.Linux)
	tg.Items = []Item{vendors(1, name)}
	d := newDetector(t, tg, Options{})
	see := func(state event.State, detail string) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second) // a process has its name only after exec
		for {
			seen, err := d.Detect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := words.In("en", nil).Say(seen[0].Detail); seen[0].State == state && strings.Contains(got, detail) {
				return
			} else if time.Now().After(deadline) {
				t.Fatalf("%s, %q; want %s with %q", seen[0].State, got, state, detail)
			}
		}
	}
	see(event.Down, "no process is named "+name)
	run(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
	see(event.Down, "of user nobody, "+program)
	run(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID})
	see(event.Down, "is in a container and not counted")
	run(nil)
	see(event.Up, "of user nobody, "+program)
}
