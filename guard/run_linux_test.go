package guard

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the attacker.
const nobody = 65534

// as runs do on a thread whose files are made and judged as those of nobody.
func as(t *testing.T, do func()) (done chan struct{}) {
	t.Helper()
	done = make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread ends with its user
		for _, err := range []error{unix.Setfsgid(nobody), unix.Setfsuid(nobody)} {
			if err != nil {
				t.Error(err)
			}
		}
		do()
	}()
	return done
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to have an attacker")
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// open folder that everybody reaches, as t.TempDir of a test of root is not.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// swaps is how often the attacker exchanges what root is about to run, in each
// place; in the five together 10,000 times.
func swaps() int64 {
	if os.Getenv("DSWATCH_SOAK") != "" {
		return 10000
	}
	return 2000
}

// TestSwaps: while another user exchanges root's program for his own, as fast as
// he can, root never runs his. That he would have been run by whoever looks first
// and runs then is tried in the same place.
func TestSwaps(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		mode  os.FileMode // of the folder that he plays in
		owner int
		path  string // of what is run, in it
		swap  string // of what he exchanges, in it
		good  string // what it is in between, below the root's own folder
	}{
		"the link in his folder":             {0o755, nobody, "dsa_query", "dsa_query", "dsa_query"},
		"the link in a sticky folder":        {0o777 | os.ModeSticky, 0, "dsa_query", "dsa_query", "dsa_query"},
		"the link in a folder of everybody":  {0o777, 0, "dsa_query", "dsa_query", "dsa_query"},
		"a folder on the way":                {0o777 | os.ModeSticky, 0, "ds_agent/dsa_query", "ds_agent", ""},
		"a folder on the way, with his name": {0o755, nobody, "ds_agent/dsa_query", "ds_agent", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := reachable(t)
			good, evil, play, marks := filepath.Join(dir, "good"), filepath.Join(dir, "evil"), filepath.Join(dir, "play"), filepath.Join(dir, "marks")
			write(t, filepath.Join(good, "dsa_query"), "#!/bin/sh\nexit 0\n", 0o755)
			write(t, filepath.Join(evil, "dsa_query"), "#!/bin/sh\nid -u >>"+marks+"\n", 0o755)
			if err := errors.Join(os.Mkdir(play, 0o700), os.Chown(play, c.owner, c.owner), os.Chmod(play, c.mode), os.Chown(evil, nobody, nobody)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(play, c.path)
			var done atomic.Int64
			stop := make(chan struct{})
			attacker := as(t, func() {
				next := filepath.Join(play, "next")
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					to := filepath.Join(good, c.good)
					if i%2 == 1 {
						to = filepath.Join(evil, c.good)
					}
					if err := errors.Join(os.Symlink(to, next), os.Rename(next, filepath.Join(play, c.swap))); err != nil {
						t.Error(err)
						return
					}
					done.Add(1)
				}
			})
			// An honest look and then a run by path: he is quick enough.
			for end := time.Now().Add(30 * time.Second); ; {
				if info, err := os.Stat(path); err == nil && info.Sys() != nil && info.Mode().Perm()&0o022 == 0 {
					_ = exec.CommandContext(t.Context(), path).Run() // what it says does not matter
				}
				if _, err := os.Stat(marks); err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the attack does not work against anybody")
				}
			}
			if err := os.Remove(marks); err != nil {
				t.Fatal(err)
			}
			runs, refusals := 0, 0
			for from := done.Load(); done.Load()-from < swaps(); runs++ {
				var out bytes.Buffer
				err := Program{Path: path, Stdout: &out, Stderr: &out}.Run(t.Context())
				var refusal *Refusal
				switch {
				case errors.As(err, &refusal):
					refusals++
				case !errors.Is(err, fs.ErrNotExist):
					t.Fatalf("%v: %s", err, &out)
				}
			}
			close(stop)
			<-attacker
			if b, err := os.ReadFile(marks); err == nil {
				t.Errorf("his program ran, as users %q", b)
			}
			t.Logf("%d swaps, %d attempts to run, %d refused, his program ran 0 times", swaps(), runs, refusals)
		})
	}
}

// TestRun: what is right runs, whatever it is; what others can change does not,
// and is told with what mends it.
func TestRun(t *testing.T) {
	needRoot(t)
	chown := func(path string) func(string) error {
		return func(dir string) error { return os.Lchown(filepath.Join(dir, path), nobody, nobody) }
	}
	chmod := func(path string, mode os.FileMode) func(string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, path), mode) }
	}
	for name, c := range map[string]struct {
		spoil func(dir string) error
		path  string
		want  string // in the refusal; empty: it runs
	}{
		"a program":              {nil, "opt/true", ""},
		"a script":               {nil, "opt/script", ""},
		"by a link":              {nil, "link", ""},
		"one that none may read": {chmod("opt/true", 0o111), "opt/true", ""},
		"root's group":           {chmod("opt", 0o775), "opt/true", ""},
		"a group without members": {func(dir string) error {
			return errors.Join(os.Chown(dir+"/opt", 0, emptyGroup(t)), os.Chmod(dir+"/opt", 0o775))
		}, "opt/true", ""},
		"his program":                 {chown("opt/true"), "opt/true", "opt/true belongs to user nobody, neither to root nor to root; see that nobody has put anything there, then run: chown root: "},
		"his script":                  {chown("opt/script"), "opt/script", "belongs to user nobody"},
		"his folder":                  {chown("opt"), "opt/true", "/opt belongs to user nobody"},
		"his link":                    {chown("link"), "link", "the link "},
		"everybody writes it":         {chmod("opt/true", 0o757), "opt/true", "chmod o-w "},
		"everybody writes the folder": {chmod("opt", 0o777), "opt/true", "everybody may write "},
		"a group writes the folder": {func(dir string) error {
			return errors.Join(os.Chown(dir+"/opt", 0, nobody), os.Chmod(dir+"/opt", 0o775))
		}, "opt/true", "group nogroup may write "},
		"his interpreter": {func(dir string) error {
			write(t, dir+"/sh", "", 0o755)
			write(t, dir+"/opt/script", "#! "+dir+"/sh -e\n", 0o755)
			return os.Chown(dir+"/sh", nobody, nobody)
		}, "opt/script", "/sh belongs to user nobody"},
		"a folder":     {nil, "opt", "is not a file"},
		"a named pipe": {func(dir string) error { return unix.Mkfifo(dir+"/pipe", 0o700) }, "pipe", "is not a file"},
		"an access list": {func(dir string) error {
			return unix.Setxattr(dir+"/opt", "system.posix_acl_access", accessList(nobody), 0)
		}, "opt/true", "by its access list nobody may write "},
		"links in a circle": {func(dir string) error { return os.Symlink("circle", dir+"/circle") }, "circle", "too many levels"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := reachable(t)
			b, err := os.ReadFile("/bin/true")
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "opt/true"), string(b), 0o755)
			write(t, filepath.Join(dir, "opt/script"), "#!/bin/sh\n[ \"$0\" = "+dir+"/opt/script ] && [ -z \"$HOME$SECRET\" ]\n", 0o755)
			if err := os.Symlink("opt/true", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SECRET", "x")
			if c.spoil != nil {
				if err := c.spoil(dir); errors.Is(err, unix.EOPNOTSUPP) {
					t.Skip("the file system has no access lists")
				} else if err != nil {
					t.Fatal(err)
				}
			}
			err = Program{Path: filepath.Join(dir, c.path)}.Run(t.Context())
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// emptyGroup is one of the host that nobody is in.
func emptyGroup(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var gid int
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 4 && f[3] == "" {
			if _, err := fmt.Sscan(f[2], &gid); err == nil && gid != 0 && nobodyElse(uint32(gid)) {
				return gid
			}
		}
	}
	t.Fatal("every group has members")
	return 0
}

// accessList is one by which a user may write.
func accessList(uid uint32) []byte {
	b := []byte{2, 0, 0, 0}
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 7, ^uint32(0)}, {2, 7, uid}, {4, 5, ^uint32(0)}, {0x10, 7, ^uint32(0)}, {0x20, 5, ^uint32(0)}} {
		b = append(b, byte(e.tag), byte(e.tag>>8), byte(e.perm), byte(e.perm>>8), byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	return b
}

// TestEndsWithUs: a program that runs ends when dswatch is killed.
func TestEndsWithUs(t *testing.T) {
	if os.Getenv("GUARD_TEST_CHILD") != "" {
		_ = Program{Path: "/bin/sleep", Args: []string{"300"}}.Run(t.Context())
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestEndsWithUs$")
	cmd.Env = append(os.Environ(), "GUARD_TEST_CHILD=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	children := func() string {
		b, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
		for _, name := range b {
			if text, err := os.ReadFile(name); err == nil && len(text) > 0 {
				return strings.Fields(string(text))[0]
			}
		}
		return ""
	}
	var child string
	for end := time.Now().Add(20 * time.Second); child == "" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		child = children()
	}
	if child == "" {
		t.Fatal("it started nothing")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + child + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it still runs: %s", stat)
		}
	}
}
