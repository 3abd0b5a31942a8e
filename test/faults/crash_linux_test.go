package faults

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFaultKillNine kills the program again and again while processes come and
// go.
func TestFaultKillNine(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		h := newHost(t, filepath.Join(t.TempDir(), "bus"))
		h.start()
		return h.through(func() {
			for i := range 5 {
				if i%2 == 0 {
					h.flips()
				} else {
					h.up(h.names...)
				}
				time.Sleep(rand.N(2500 * time.Millisecond))
				h.prog.kill()
				h.start()
			}
			h.watches()
		})
	})
}

// TestFaultKillHealing kills the program while it mends its store, after the
// disk was full.
func TestFaultKillHealing(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		v := tmpfs(t, "size=160m,nr_inodes=2000")
		h := newHost(t, filepath.Join(v.path, "bus"))
		h.start()
		return h.through(func() {
			free := v.fill()
			h.flips()
			time.Sleep(2 * time.Second)
			free()
			time.Sleep(rand.N(1500 * time.Millisecond))
			h.prog.kill()
			h.start()
			time.Sleep(rand.N(time.Second)) // while it opens what it finds
			h.prog.kill()
			h.start()
			h.watches()
		})
	})
}

// TestFaultFrozen stops the program for a minute, as a machine that is
// suspended: that is no deafness, and nothing is lost.
func TestFaultFrozen(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		h := newHost(t, filepath.Join(t.TempDir(), "bus"))
		h.more = "deaf: 10s\n"
		h.start()
		lasts := time.Minute
		if !long() {
			lasts = 20 * time.Second
		}
		o := h.through(func() {
			_ = h.prog.cmd.Process.Signal(syscall.SIGSTOP)
			h.flips()
			time.Sleep(lasts)
			_ = h.prog.cmd.Process.Signal(syscall.SIGCONT)
		})
		if n := h.notices("raised"); n > 0 {
			t.Errorf("%d notices of deafness for a process that was frozen", n)
		}
		return o
	})
}

// damages are what is done to a file: all of it, or at four places.
var damages = []struct {
	name string
	do   func(b []byte) []byte
}{
	{"zeroed", func(b []byte) []byte { clear(b); return b }},
	{"cut", func(b []byte) []byte { return b[:len(b)/2] }},
	{"flipped at its begin", func(b []byte) []byte { b[0] ^= 0x10; return b }},
	{"flipped at a third", func(b []byte) []byte { b[len(b)/3] ^= 0x10; return b }},
	{"flipped at two thirds", func(b []byte) []byte { b[len(b)*2/3] ^= 0x10; return b }},
	{"flipped at its end", func(b []byte) []byte { b[len(b)-1] ^= 0x10; return b }},
}

// TestFaultDamage damages each file of a stopped store in six ways, one file at
// a time, and starts the program on it: it starts, says what it could
// not read, and what was lost or came back meanwhile is told.
func TestFaultDamage(t *testing.T) {
	t.Parallel()
	h := newHost(t, filepath.Join(t.TempDir(), "bus"))
	half := len(h.names) / 2
	h.start()
	h.watches()
	h.down(h.names[:half]...)
	h.settles("before the damage", settling)
	h.stop()
	h.flips()
	var files []string
	err := filepath.WalkDir(filepath.Join(h.dir, "jetstream"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if i, ierr := d.Info(); ierr == nil && i.Size() > 0 {
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	type damage struct {
		file string
		kind int
	}
	var all []damage
	for _, f := range files {
		for kind := range damages {
			all = append(all, damage{f, kind})
		}
	}
	if !long() { // a spread of them
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:8]
	}
	t.Logf("%d damages of %d files", len(all), len(files))
	before := h.ends.told(t)
	for _, d := range all {
		name := strings.TrimPrefix(d.file, filepath.Join(h.dir, "jetstream", "$G", "streams"))
		t.Run(strings.ReplaceAll(name, "/", "_")+" "+damages[d.kind].name, func(t *testing.T) {
			repeat(t, 1, func(t *testing.T) outcome {
				one := newHostOf(t, filepath.Join(t.TempDir(), "bus"), h)
				one.ends.before = before
				if out, err := exec.Command("cp", "-a", h.dir, one.dir).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				target := filepath.Join(one.dir, strings.TrimPrefix(d.file, h.dir))
				b, err := os.ReadFile(target)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(target, damages[d.kind].do(b), 0o600); err != nil {
					t.Fatal(err)
				}
				one.start()
				one.ready(60 * time.Second)
				took := one.settles("after the damage", settling)
				one.stop()
				return outcome{one.weigh(), took}
			})
		})
	}
}
