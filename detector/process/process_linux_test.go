package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// The test binary is also every process that the tests look for: what it
// does then is in this variable.
const roleEnv = "DSWATCH_TEST_ROLE"

func init() {
	if os.Getenv(roleEnv) == "headless" {
		runtime.LockOSThread() // main must be on the first thread, which it ends
	}
}

func TestMain(m *testing.M) {
	role, arg, _ := strings.Cut(os.Getenv(roleEnv), " ")
	switch role {
	case "":
		os.Exit(m.Run())
	case "sleep":
		io.Copy(io.Discard, os.Stdin) // ends with the test at the latest
	case "exec": // waits for a line, then becomes another program
		os.Stdin.Read(make([]byte, 1))
		os.Setenv(roleEnv, "sleep")
		fmt.Fprintln(os.Stderr, syscall.Exec(arg, []string{arg}, os.Environ()))
		os.Exit(1)
	case "masked": // in its own mount namespace: shows one program at the place of another, and becomes it
		program, place, _ := strings.Cut(arg, " ")
		must(unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
		must(unix.Mount(program, place, "", unix.MS_BIND, ""))
		os.Setenv(roleEnv, "sleep")
		must(syscall.Exec(place, []string{place}, os.Environ()))
	case "master": // has a worker of another user
		self, err := os.Executable()
		must(err)
		c := nobody(exec.Command(self))
		c.Env = append(os.Environ(), roleEnv+"=sleep")
		c.Stdin = os.Stdin
		must(c.Start())
		must(c.Wait())
	case "headless": // ends its first thread, the others go on
		go io.Copy(io.Discard, os.Stdin)
		syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
	case "detect": // answers for the targets on standard input; the argument is the root of /proc
		var targets []Target
		must(json.NewDecoder(os.Stdin).Decode(&targets))
		if f := os.Getenv("DSWATCH_TEST_FOLDER"); f != "" {
			targets[0].Owner.Folders = func() []string { return []string{f} }
		}
		d, err := newDetector(newProcfs(arg), targets)
		must(err)
		o, err := d.Detect(context.Background())
		must(err)
		must(json.NewEncoder(os.Stdout).Encode(o))
	case "hidepid": // in its own mount namespace: mounts a proc that hides, and asks as nobody
		must(unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
		level, dir, _ := strings.Cut(arg, " ")
		must(unix.Mount("proc", dir, "proc", 0, "hidepid="+level))
		c := nobody(exec.Command(os.Args[0]))
		c.Env = append(os.Environ(), roleEnv+"=detect "+dir)
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		must(c.Run())
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// nobody makes c run without any right.
func nobody(c *exec.Cmd) *exec.Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return c
}

// open returns a directory that every user may enter.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// install copies this test binary to file.
func install(t *testing.T, file string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// alias makes a symbolic link to this test binary; run by that name, it has it.
func alias(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// child is a process that the test has started.
type child struct {
	*exec.Cmd
	in io.WriteCloser
}

func start(t *testing.T, file, role string, attr *syscall.SysProcAttr) child {
	t.Helper()
	c := exec.Command(file)
	c.Env = append(os.Environ(), roleEnv+"="+role)
	c.SysProcAttr, c.Stderr = attr, os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	// Within exec a process has its new name and no command line yet.
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.Process.Pid)); len(line) > 0 && string(line) != "\x00" {
			break
		}
	}
	return child{c, in}
}

func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
}

func detectorFor(t *testing.T, targets ...Target) *Detector {
	t.Helper()
	d, err := New(targets)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// see makes one look and returns the observation of the first target.
func see(t *testing.T, d *Detector) event.Observation {
	t.Helper()
	all, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
	}
	return all[0]
}

func expect(t *testing.T, o event.Observation, st event.State, found int, say ...string) {
	t.Helper()
	if o.State != st || o.Found != found {
		t.Errorf("%s is %s with %d of %d (%s); want %s with %d", o.Key.Name, o.State, o.Found, o.Want, words.English(o.Detail), st, found)
	}
	for _, s := range say {
		if !strings.Contains(words.English(o.Detail), s) {
			t.Errorf("detail %q does not say %q", words.English(o.Detail), s)
		}
	}
}

// name returns a process name that no real process of this host has, nor
// another test run beside this one.
func name(s string) string { return fmt.Sprintf("%s%d", s, os.Getpid()%100000) }

func TestCountsInstancesByName(t *testing.T) {
	n := name("dsagent_")
	file := alias(t, n)
	d := detectorFor(t, Target{Key: key(n), Names: []string{"other-name", n}, Want: 2})
	expect(t, see(t, d), event.Down, 0, "no process is named other-name or "+n)

	a, b := start(t, file, "sleep", nil), start(t, file, "sleep", nil)
	// None of these is the daemon.
	start(t, alias(t, n+".i"), "sleep", nil)
	start(t, alias(t, strings.ToUpper(n)), "sleep", nil)
	start(t, alias(t, n[:len(n)-1]), "sleep", nil)
	o := see(t, d)
	expect(t, o, event.Up, 2, fmt.Sprintf("pid %d (ppid %d, since ", a.Process.Pid, os.Getpid()), fmt.Sprintf("pid %d", b.Process.Pid))
	_, since, _ := strings.Cut(words.English(o.Detail), "since ")
	at, err := time.Parse(time.RFC3339, since[:len("2006-01-02T15:04:05Z")])
	if age := time.Since(at); err != nil || age < -2*time.Second || age > 10*time.Second {
		t.Errorf("the start is told as %s (%v), which is %s ago", since, err, age)
	}

	a.kill(t)
	expect(t, see(t, d), event.Degraded, 1, fmt.Sprintf("pid %d", b.Process.Pid))
	b.kill(t)
	expect(t, see(t, d), event.Down, 0)
	start(t, file, "sleep", nil)
	expect(t, see(t, d), event.Degraded, 1)
}

func TestNamesThatAreHardToRead(t *testing.T) {
	for _, n := range []string{"a b", "a) R 1 (b", "(", ")", "x\ny", "\n", "sd)S 2 3 4 5 6", "監視", "tab\there", `back\slash`} {
		t.Run(strconv.Quote(n), func(t *testing.T) {
			n := n
			if len(n) < 10 {
				n = name(n)
			}
			c := start(t, alias(t, n), "sleep", nil)
			expect(t, see(t, detectorFor(t, Target{Key: key("x"), Names: []string{n}})), event.Up, 1,
				fmt.Sprintf("pid %d (ppid %d,", c.Process.Pid, os.Getpid()))
		})
	}
}

func TestLongNames(t *testing.T) {
	exact := fmt.Sprintf("%s%0*d", "fifteen", 8, os.Getpid())
	long := exact + "-and-more"
	start(t, alias(t, long), "sleep", nil)
	expect(t, see(t, detectorFor(t, Target{Key: key(long), Names: []string{long}})), event.Up, 1)
	expect(t, see(t, detectorFor(t, Target{Key: key(exact), Names: []string{exact}})), event.Up, 1)
	expect(t, see(t, detectorFor(t, Target{Key: key("x"), Names: []string{exact[:14]}})), event.Down, 0)

	// The kernel keeps the same 15 bytes of these, and only one of them runs.
	twin := exact + "-and-less"
	expect(t, see(t, detectorFor(t, Target{Key: key(twin), Names: []string{twin}})), event.Down, 0, "1 has a longer name that begins like it")
	start(t, alias(t, twin+": worker 1"), "sleep", nil)
	expect(t, see(t, detectorFor(t, Target{Key: key(twin), Names: []string{twin}})), event.Up, 1)
	expect(t, see(t, detectorFor(t, Target{Key: key(long), Names: []string{long}})), event.Up, 1)
}

func TestZombieIsNotUp(t *testing.T) {
	n := name("zombie_")
	c := start(t, alias(t, n), "sleep", nil)
	d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
	expect(t, see(t, d), event.Up, 1)
	if err := c.Process.Kill(); err != nil { // and do not wait for it
		t.Fatal(err)
	}
	eventually(t, "a zombie whose other threads have ended, too", func() bool {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.Process.Pid))
		return stateOf(t, c.Process.Pid) == "Z" && err == nil && len(threads) == 1
	})
	expect(t, see(t, d), event.Down, 0, fmt.Sprintf("pid %d is a zombie", c.Process.Pid))
	// By executable too, though a zombie has none.
	d = detectorFor(t, Target{Key: key(n), Names: []string{n}, Exe: []string{"/opt/x/" + n}})
	expect(t, see(t, d), event.Down, 0, fmt.Sprintf("pid %d is a zombie", c.Process.Pid))
}

func TestProcessWhoseFirstThreadEndedIsUp(t *testing.T) {
	n := name("headless_")
	c := start(t, alias(t, n), "headless", nil)
	eventually(t, "an ended first thread", func() bool { return stateOf(t, c.Process.Pid) == "Z" })
	d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
	expect(t, see(t, d), event.Up, 1)
	c.kill(t)
	expect(t, see(t, d), event.Down, 0)
}

func stateOf(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(b[bytes.LastIndexByte(b, ')')+2])
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within 10s", what)
		}
	}
}

func TestExecutableDecidesForGenericNames(t *testing.T) {
	root, n := t.TempDir(), name("java_")
	ours := install(t, filepath.Join(root, "opt/dsm/jre/bin", n))
	theirs := install(t, filepath.Join(root, "usr/bin", n))
	targets := map[string]Target{
		"path":         {Exe: []string{ours}},
		"wildcards":    {Exe: []string{root + "/opt/**/" + n}},
		"any name":     {Exe: []string{root + "/opt/dsm/**"}},
		"wild name":    {Names: []string{n[:4] + "*"}, Exe: []string{root + "/opt/dsm/jre/bin/" + n[:4] + "*"}},
		"prefiltered":  {Names: []string{n}, Exe: []string{root + "/opt/dsm/**"}},
		"one of two":   {Exe: []string{"/nowhere/" + n, ours}},
		"through link": {Exe: []string{root + "/link/jre/bin/" + n}},
	}
	if err := os.Symlink(root+"/opt/dsm", root+"/link"); err != nil {
		t.Fatal(err)
	}
	for title, target := range targets {
		t.Run(title, func(t *testing.T) {
			target.Key = key(title)
			d := detectorFor(t, target)
			other := start(t, theirs, "sleep", nil)
			without := event.Down
			if _, err := os.Readlink("/proc/1/exe"); err != nil && (title == "any name" || title == "wild name") {
				without = event.Unknown // a process that may not be read might be it
			}
			expect(t, see(t, d), without, 0, "no process runs "+target.Exe[0])
			c := start(t, ours, "sleep", nil)
			expect(t, see(t, d), event.Up, 1, fmt.Sprintf("pid %d ", c.Process.Pid))
			c.kill(t)
			other.kill(t)
		})
	}
	t.Run("name is not enough", func(t *testing.T) {
		start(t, theirs, "sleep", nil)
		expect(t, see(t, detectorFor(t, Target{Key: key(n), Exe: []string{ours}})), event.Down, 0, "1 of the name runs another executable")
	})
}

func TestReplacedExecutableStillMatches(t *testing.T) {
	n := name("nginx_")
	for title, replace := range map[string]func(file string) error{
		"removed":  os.Remove,
		"replaced": func(file string) error { os.Rename(install(t, file+".new"), file); return nil },
	} {
		t.Run(title, func(t *testing.T) {
			file := install(t, filepath.Join(t.TempDir(), n))
			c := start(t, file, "sleep", nil)
			d := detectorFor(t, Target{Key: key(n), Exe: []string{file}})
			if err := replace(file); err != nil {
				t.Fatal(err)
			}
			if link, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", c.Process.Pid)); err != nil || !strings.HasSuffix(link, " (deleted)") {
				t.Fatalf("the kernel says %q, %v; the test wants a deleted one", link, err)
			}
			expect(t, see(t, d), event.Up, 1)
			c.kill(t)
		})
	}
}

// A process that waits under another name and then becomes the wanted one by
// exec has the same pid and the same directory.
func TestExecIntoTheWantedName(t *testing.T) {
	n := name("target_")
	file := alias(t, n)
	waiter := alias(t, name("waiter_"))
	t.Run("missing", func(t *testing.T) {
		c := start(t, waiter, "exec "+file, nil)
		d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
		expect(t, see(t, d), event.Down, 0)
		become(t, c, n)
		expect(t, see(t, d), event.Up, 1)
	})
	t.Run("missing for long", func(t *testing.T) {
		c := start(t, waiter, "exec "+file, nil)
		d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
		for range 2 * rest {
			expect(t, see(t, d), event.Down, 0)
		}
		become(t, c, n)
		looks := 0
		for see(t, d).State != event.Up {
			if looks++; looks > rest {
				t.Fatalf("the process was not seen in %d looks", looks)
			}
		}
	})
	t.Run("takes over", func(t *testing.T) {
		c, first := start(t, waiter, "exec "+file, nil), start(t, file, "sleep", nil)
		d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
		for range 2 * rest {
			expect(t, see(t, d), event.Up, 1)
			if t.Failed() {
				return
			}
		}
		// The waiter rests now, in all reads but one of `rest`; as many rounds show each of them.
		for range rest {
			first.kill(t)
			become(t, c, n)
			expect(t, see(t, d), event.Up, 1, fmt.Sprintf("pid %d ", c.Process.Pid))
			first, c = c, start(t, waiter, "exec "+file, nil)
			for range young + 1 {
				expect(t, see(t, d), event.Up, 1)
			}
		}
	})
	t.Run("one more", func(t *testing.T) {
		c := start(t, waiter, "exec "+file, nil)
		start(t, file, "sleep", nil)
		d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
		for range 2 * rest {
			expect(t, see(t, d), event.Up, 1)
		}
		become(t, c, n)
		looks := 0
		for see(t, d).Found != 2 {
			if looks++; looks > rest {
				t.Fatalf("the second instance was not seen in %d looks", looks)
			}
		}
	})
	t.Run("away", func(t *testing.T) { // and the other way round
		c := start(t, file, "exec "+waiter, nil)
		d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
		for range 2 * rest {
			expect(t, see(t, d), event.Up, 1)
		}
		become(t, c, filepath.Base(waiter))
		expect(t, see(t, d), event.Down, 0)
	})
}

func become(t *testing.T, c child, n string) {
	t.Helper()
	if _, err := c.in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "exec", func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Process.Pid))
		return err == nil && string(b) == n+"\n"
	})
}

// ask runs one look in a process of its own, as nobody if this one is root.
func ask(t *testing.T, role string, attr *syscall.SysProcAttr, targets ...Target) []event.Observation {
	t.Helper()
	c := exec.Command(install(t, filepath.Join(open(t), "asker")))
	if attr != nil {
		c.SysProcAttr = attr
	} else if os.Geteuid() == 0 {
		c = nobody(c)
	}
	c.Env = append(os.Environ(), roleEnv+"="+role)
	in, err := json.Marshal(targets)
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin, c.Stderr = bytes.NewReader(in), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	var o []event.Observation
	if err := json.Unmarshal(out, &o); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return o
}

// Root asks as nobody about a process of root. Anybody else asks as himself
// about process 1, which is somebody else's.
func TestUnreadableExecutableIsUnknown(t *testing.T) {
	b, err := os.ReadFile("/proc/1/comm")
	if err != nil {
		t.Fatal(err)
	}
	first, pid := strings.TrimSuffix(string(b), "\n"), 1
	if os.Geteuid() == 0 {
		first = name("roots_")
		pid = start(t, alias(t, first), "sleep", nil).Process.Pid
	}
	absent := name("absent_")
	o := ask(t, "detect /proc", nil,
		Target{Key: key("by path"), Names: []string{first}, Exe: []string{"/nowhere/program"}},
		Target{Key: key("by name"), Names: []string{first}},
		Target{Key: key("any name"), Exe: []string{"/nowhere/*"}},
		Target{Key: key("no candidate"), Names: []string{absent}, Exe: []string{"/nowhere/program"}},
		Target{Key: key("absent"), Names: []string{absent}})
	expect(t, o[0], event.Unknown, 0, fmt.Sprintf("pid %d ", pid), "cannot be read (permission denied)", "as root or grant it CAP_SYS_PTRACE")
	if o[1].State != event.Up {
		t.Errorf("by name alone: %s, %s; want up", o[1].State, words.English(o[1].Detail))
	}
	expect(t, o[2], event.Unknown, 0, "CAP_SYS_PTRACE")
	expect(t, o[3], event.Down, 0)
	expect(t, o[4], event.Down, 0)
	if os.Geteuid() == 0 {
		expect(t, see(t, detectorFor(t, Target{Key: key("as root"), Names: []string{first}, Exe: []string{"/nowhere/program"}})), event.Down, 0)
	}
}

// A proc file system mounted with hidepid, and a user who may not look.
func TestHiddenProcessesAreUnknown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a proc file system; TestProcWithoutProcessOne shows the same with a directory")
	}
	n := name("hidden_")
	start(t, alias(t, n), "sleep", nil)
	for level, say := range map[string]string{"1": "processes cannot be read", "2": "does not show the processes of other users"} {
		t.Run("hidepid="+level, func(t *testing.T) {
			o := ask(t, "hidepid "+level+" "+open(t), &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS},
				Target{Key: key("runs as root"), Names: []string{n}},
				Target{Key: key("own"), Names: []string{"asker"}},
				Target{Key: key("own, two wanted"), Names: []string{"asker"}, Want: 2})
			expect(t, o[0], event.Unknown, 0, say, "CAP_SYS_PTRACE")
			expect(t, o[1], event.Up, 1)
			expect(t, o[2], event.Unknown, 1, say)
		})
	}
}

// fake writes a proc file system with the given files.
func fake(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for f, text := range files {
		file := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const statLine = "77 (ds_am) S 1 77 77 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 3 0 4242 1000 100 18446744073709551615\n"

func TestProcWithoutProcessOne(t *testing.T) {
	root := fake(t, map[string]string{"77/comm": "ds_am\n", "77/stat": statLine, "77/status": "Name:\tds_am\nNSpid:\t77\n", "self/comm": "x\n", "1x/comm": "y\n"})
	d, err := newDetector(newProcfs(root), []Target{
		{Key: key("missing"), Names: []string{"ds_agent"}},
		{Key: key("seen"), Names: []string{"ds_am"}},
		{Key: key("one of two"), Names: []string{"ds_am"}, Want: 2}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, o[0], event.Unknown, 0, "not even process 1")
	expect(t, o[1], event.Up, 1)
	expect(t, o[2], event.Unknown, 1)
}

func TestErrors(t *testing.T) {
	for title, c := range map[string]struct {
		root string
		want string
	}{
		"no such directory": {filepath.Join(t.TempDir(), "none"), "mount it"},
		"not proc":          {t.TempDir(), "mount the proc file system"},
		"comm is no file":   {fake(t, map[string]string{"1/comm/x": ""}), "is a directory"},
	} {
		t.Run(title, func(t *testing.T) {
			d, err := newDetector(newProcfs(c.root), []Target{{Key: key("x"), Names: []string{"ds_am"}}})
			if err != nil {
				t.Fatal(err)
			}
			if o, err := d.Detect(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %v; want an error with %q", o, err, c.want)
			}
		})
	}
	t.Run("time is up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := detectorFor(t, Target{Key: key("x"), Names: []string{"ds_am"}}).Detect(ctx); err != context.Canceled && !strings.Contains(fmt.Sprint(err), "canceled") {
			t.Errorf("error %v, want that of the context", err)
		}
	})
}

// TestOneBadProcess: what is odd about one process keeps no other from being
// seen, and makes unknown what it may be.
func TestOneBadProcess(t *testing.T) {
	root := fake(t, map[string]string{
		"1/comm": "init\n", "1/stat": statLine, "1/status": "",
		"7/comm": "ds_agent\n", "7/stat": "7 (ds_agent) S", "7/status": "",
		"77/comm": "ds_am\n", "77/stat": statLine, "77/status": "Name:\tds_am\nNSpid:\t77\n",
	})
	look := func(names ...string) []event.Observation {
		t.Helper()
		var targets []Target
		for _, n := range names {
			targets = append(targets, Target{Key: key(n), Names: []string{n}})
		}
		d, err := newDetector(newProcfs(root), targets)
		if err != nil {
			t.Fatal(err)
		}
		o, err := d.Detect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := look("ds_agent", "ds_am", "ds_notifier")
	expect(t, o[0], event.Unknown, 0, "nothing is known of pid 7", "fields follow the name")
	expect(t, o[1], event.Up, 1)
	expect(t, o[2], event.Down, 0)
	if err := os.MkdirAll(filepath.Join(root, "8/comm"), 0o755); err != nil { // whose name cannot be read
		t.Fatal(err)
	}
	o = look("ds_am", "ds_notifier")
	expect(t, o[0], event.Up, 1)
	expect(t, o[1], event.Unknown, 0, "the name of 1 process cannot be read", "is a directory")
}

// TestCommandLineHangs: a process whose command line cannot be had for ever is
// seen by its name, and keeps no other from being seen; it is asked again when
// the read that hung has ended.
func TestCommandLineHangs(t *testing.T) {
	root := fake(t, map[string]string{
		"1/comm": "init\n", "1/stat": statLine, "1/status": "",
		"7/comm": "ds_long_name_of\n", "7/stat": statLine, "7/status": "NSpid:\t7\n",
		"77/comm": "ds_am\n", "77/stat": statLine, "77/status": "NSpid:\t77\n",
	})
	pipe := filepath.Join(root, "7/cmdline")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	far, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	tab := newProcfs(root)
	d, err := newDetector(tab, []Target{{Key: key("long"), Names: []string{"ds_long_name_of_it"}}, {Key: key("short"), Names: []string{"ds_am"}}})
	if err != nil {
		t.Fatal(err)
	}
	look := func() time.Duration {
		t.Helper()
		began := time.Now()
		o, err := d.Detect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		expect(t, o[0], event.Up, 1) // it may be it
		expect(t, o[1], event.Up, 1)
		return time.Since(began)
	}
	if took := look(); took < linePatience || took > 20*linePatience {
		t.Errorf("the first look took %s", took)
	}
	if took := look(); took > linePatience {
		t.Errorf("the second one waits again: %s", took)
	}
	if len(tab.hung) != 1 {
		t.Errorf("%d reads hang", len(tab.hung))
	}
	if _, err := far.WriteString("/opt/ds_long_name_of_others\x00"); err != nil {
		t.Fatal(err)
	}
	far.Close()
	for _, done := range tab.hung {
		<-done
	}
	if err := os.Remove(pipe); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pipe, []byte("/opt/ds_long_name_of_others\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, o[0], event.Down, 0)
	if len(tab.hung) != 0 {
		t.Errorf("%d reads hang at the end", len(tab.hung))
	}
}

// A process in a PID namespace below ours is a container's, not the host's.
func TestContainerIsNotCounted(t *testing.T) {
	n := name("inside_")
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	c := start(t, alias(t, n), "sleep", attr)
	d := detectorFor(t, Target{Key: key(n), Names: []string{n}})
	expect(t, see(t, d), event.Down, 0, fmt.Sprintf("pid %d is in a container", c.Process.Pid))
	start(t, alias(t, n), "sleep", nil)
	expect(t, see(t, d), event.Up, 1)
}

// Kernel threads cannot be started by a test, so this one takes the first it sees.
func TestKernelThreadByName(t *testing.T) {
	b, err := os.ReadFile("/proc/2/comm")
	if err != nil || string(b) != "kthreadd\n" {
		t.Skipf("this host shows no kernel threads (process 2 is %q, %v)", b, err)
	}
	expect(t, see(t, detectorFor(t, Target{Key: key("kthreadd"), Names: []string{"kthreadd"}})), event.Up, 1, "pid 2 (ppid 0")
	if os.Geteuid() == 0 { // to others the kernel does not say that it has no executable
		expect(t, see(t, detectorFor(t, Target{Key: key("x"), Names: []string{"kthreadd"}, Exe: []string{"/**"}})), event.Down, 0)
	}
}

// Processes come and go during the looks; those that stay are always seen.
func TestChurn(t *testing.T) {
	n := name("steady_")
	start(t, alias(t, n), "sleep", nil)
	d := detectorFor(t,
		Target{Key: key(n), Names: []string{n}},
		Target{Key: key("passing"), Exe: []string{"/**"}})
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				exec.Command("/bin/true").Run()
			}
		}
	}()
	for range 150 {
		expect(t, see(t, d), event.Up, 1)
	}
	close(stop)
	<-done
}

// The files that stay open are those of idle processes that still are, and no
// more than may be.
func TestKeptFiles(t *testing.T) {
	d := detectorFor(t, Target{Key: key("x"), Names: []string{name("nobody_")}})
	tab := d.table.(*procfs)
	check := func(when string) {
		t.Helper()
		open := 0
		for _, p := range tab.idle {
			if p.comm >= 0 {
				open++
			}
		}
		if open != tab.kept || tab.kept > tab.most {
			t.Errorf("%s: %d files are open, %d are counted, %d may be", when, open, tab.kept, tab.most)
		}
	}
	waiting := start(t, alias(t, name("waiter_")), "sleep", nil)
	for range young + rest {
		see(t, d)
	}
	check("at rest")
	before := tab.kept
	if before < 2 { // that one and this test
		t.Errorf("%d files are kept", before)
	}
	waiting.kill(t)
	see(t, d)
	check("after one has ended")
	for e, p := range tab.idle {
		if int(e.pid) == waiting.Process.Pid && p.comm >= 0 {
			t.Error("the file of a process that has ended is kept")
		}
	}
	if err := d.Close(); err != nil || tab.kept != 0 || len(tab.idle) != 0 {
		t.Errorf("after Close %d files are open, %v", tab.kept, err)
	}
	tab.most = 1
	for range young + rest {
		see(t, d)
	}
	check("with room for one")
}

func TestNested(t *testing.T) {
	for status, want := range map[string]bool{
		"Name:\tx\nNSpid:\t12\n":       false,
		"Name:\tx\nNSpid:\t12\t1\n":    true,
		"Name:\tx\nNSpid:\t12\t7\t1":   true,
		"Name:\tx\n":                   false,
		"Name:\tNSpid: 1 2\nPid:\t1\n": false,
		"":                             false,
	} {
		if got := nested([]byte(status)); got != want {
			t.Errorf("%q: %v, want %v", status, got, want)
		}
	}
}

func TestHidepid(t *testing.T) {
	line := func(opts, super string) string {
		return "25 1 0:23 / /proc rw,nosuid shared:5 master:1 - proc proc " + super + "\n26 1 0:24 / /sys rw - sysfs sysfs rw\n"
	}
	for _, c := range []struct {
		mounts string
		want   bool
	}{
		{line("", "rw"), false},
		{line("", "rw,hidepid=2"), true},
		{line("", "rw,hidepid=invisible"), true},
		{line("", "rw,gid=4,hidepid=ptraceable"), true},
		{line("", "rw,hidepid=0"), false},
		{line("", "rw,hidepid=off"), false},
		{line("", "rw,hidepid=2") + line("", "rw"), false},
		{strings.ReplaceAll(line("", "rw,hidepid=2"), "/proc rw", "/mnt/proc rw"), false},
		{"", false},
		{"garbage\n - \n", false},
	} {
		if got := hidepid([]byte(c.mounts), "/proc"); got != c.want {
			t.Errorf("%v, want %v for\n%s", got, c.want, c.mounts)
		}
	}
	own, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(strings.Split(string(own), "\n"), func(s string) bool { return strings.Contains(s, " /proc ") }) {
		t.Fatal("this host's mountinfo has no /proc, so the parser was not shown a real one")
	}
	hidepid(own, "/proc")
}

func TestParseStat(t *testing.T) {
	tail := " 77 77 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 3 0 4242 1000 100"
	for name, c := range map[string]struct {
		line string
		want stat
		bad  bool
	}{
		"plain":              {line: "77 (ds_am) S 1" + tail, want: stat{state: 'S', ppid: 1, session: 77, flags: 4194560, threads: 3, start: 4242}},
		"a real line":        {line: statLine, want: stat{state: 'S', ppid: 1, session: 77, flags: 4194560, threads: 3, start: 4242}},
		"brackets and space": {line: "77 (a) R 9 (b) Z 12" + tail, want: stat{state: 'Z', ppid: 12, session: 77, flags: 4194560, threads: 3, start: 4242}},
		"a line end":         {line: "77 (a\nb) D 12" + tail + "\n", want: stat{state: 'D', ppid: 12, session: 77, flags: 4194560, threads: 3, start: 4242}},
		"a lone bracket":     {line: "77 ()) T 12" + tail, want: stat{state: 'T', ppid: 12, session: 77, flags: 4194560, threads: 3, start: 4242}},
		"nothing":            {bad: true},
		"no bracket":         {line: "77 ds_am S 1" + tail, bad: true},
		"cut off":            {line: "77 (ds_am) S 1 77 77", bad: true},
		"no state":           {line: "77 (ds_am) 1 77" + tail, bad: true},
		"a parent in words":  {line: "77 (ds_am) S x" + tail, bad: true},
		"a negative start":   {line: "77 (ds_am) S 1" + strings.Replace(tail, "4242", "-1", 1), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat([]byte(c.line))
			if (err != nil) != c.bad || got != c.want && !c.bad {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("ds_agent", statLine)
	f.Add("a) R 1 (", "77 (a) R 1 () S 1 2")
	f.Add("x\ny", "")
	f.Fuzz(func(t *testing.T, comm, line string) {
		if s, err := parseStat([]byte(line)); err == nil && (s.state == 0 || s.start > 1<<63) {
			t.Errorf("%q gives %+v", line, s)
		}
		// Whatever the name is, what follows it is read.
		whole := "77 (" + comm + ") S 12 77 77 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 3 0 4242 1000 100\n"
		if s, err := parseStat([]byte(whole)); err != nil || s != (stat{state: 'S', ppid: 12, session: 77, flags: 4194560, threads: 3, start: 4242}) {
			t.Errorf("the name %q spoils the line: %+v, %v", comm, s, err)
		}
	})
}

func FuzzHidepid(f *testing.F) {
	f.Add("25 1 0:23 / /proc rw,nosuid - proc proc rw,hidepid=2\n")
	f.Add(" - \n - proc proc rw\n1 2 3 4 /proc 6 - proc proc")
	f.Fuzz(func(t *testing.T, mounts string) {
		hidepid([]byte(mounts), "/proc")
		nested([]byte(mounts))
		number([]byte(mounts))
	})
}

// TestFullNames: of a process whose name the kernel cut, the program, the first
// arguments and the script that an interpreter runs give the whole one.
func TestFullNames(t *testing.T) {
	for name, c := range map[string]struct {
		exe, cmdline string
		want         []string
	}{
		"a program":         {"/opt/ds_agent/ds_a_long_program", "/opt/ds_agent/ds_a_long_program\x00-w\x00", []string{"ds_a_long_program", "ds_a_long_program", "-w"}},
		"a script":          {"/usr/bin/dash", "/bin/sh\x00/opt/x/a_long_name_of_a_script\x00", []string{"dash", "sh", "a_long_name_of_a_script"}},
		"with one option":   {"/usr/bin/perl", "perl\x00-w\x00/opt/x/a_long_name_of_a_script\x00/etc/passwd\x00more\x00", []string{"perl", "perl", "-w", "a_long_name_of_a_script"}},
		"replaced":          {"/opt/x/a_long_program (deleted)", "x\x00", []string{"a_long_program", "x"}},
		"an empty one":      {"/opt/x/p", "p\x00\x00q\x00", []string{"p", "p", "q"}},
		"a kernel thread":   {"", "", nil},
		"one byte":          {"/opt/x/p", "p", []string{"p", "p"}},
		"a name of its own": {"/opt/x/p", "ds_agent: worker of /opt/x\x00", []string{"p", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "cmdline"), []byte(c.cmdline), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.exe != "" {
				if err := os.Symlink(c.exe, filepath.Join(dir, "exe")); err != nil {
					t.Fatal(err)
				}
			}
			d, err := os.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			fs := procfs{buf: make([]byte, 8<<10)}
			if got := fs.full(int(d.Fd())); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
