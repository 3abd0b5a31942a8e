package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// volume is a file system of its own below bus.dir.
type volume struct {
	t     *testing.T
	path  string
	image string // of ext4
}

// tmpfs mounts one in memory.
func tmpfs(t *testing.T, options string) *volume {
	t.Helper()
	v := &volume{t: t, path: t.TempDir()}
	v.mount("-t", "tmpfs", "-o", options, "none", v.path)
	return v
}

// ext4 mounts one from a file.
func ext4(t *testing.T, megabytes int) *volume {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	v := &volume{t, t.TempDir(), image}
	f, err := os.Create(image)
	if err == nil {
		err = f.Truncate(int64(megabytes) << 20)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	v.run("mkfs.ext4", "-q", "-m", "0", image)
	v.mount("-o", "loop", image, v.path)
	return v
}

// mountAgain repairs the file system and mounts it at its place.
func (v *volume) mountAgain() {
	v.t.Helper()
	v.run("umount", "-l", v.path)
	repaired := v.image + ".repaired" // of the other one, files are open yet
	v.run("cp", v.image, repaired)
	_ = exec.Command("e2fsck", "-f", "-y", repaired).Run() // its status says that it repaired
	v.mount("-o", "loop", repaired, v.path)
}

func (v *volume) run(name string, args ...string) {
	v.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		v.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

func (v *volume) mount(args ...string) {
	v.t.Helper()
	v.run("mount", args...)
	v.t.Cleanup(func() { _ = exec.Command("umount", "-l", v.path).Run() })
}

// fill leaves no byte free, and returns what gives the space back.
func (v *volume) fill() (free func()) {
	v.t.Helper()
	name := filepath.Join(v.path, "filler")
	f, err := os.Create(name)
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; { // the last bytes one by one
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 4
		}
	}
	return func() { _ = os.Remove(name) }
}

// useUp takes every inode.
func (v *volume) useUp() (free func()) {
	v.t.Helper()
	dir := filepath.Join(v.path, "inodes")
	if err := os.Mkdir(dir, 0o700); err != nil {
		v.t.Fatal(err)
	}
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			break
		}
		f.Close()
	}
	return func() { _ = os.RemoveAll(dir) }
}

// fault is one that begins and ends.
type fault struct {
	name   string
	volume func(t *testing.T) *volume
	begin  func(v *volume, h *host) (end func())
	lasts  time.Duration
}

// TestStoreFaults breaks the store under a running program while processes
// come and go. Once the cause is gone, every sink is told all of it, and the
// program goes on.
func TestStoreFaults(t *testing.T) {
	small := func(t *testing.T) *volume { return tmpfs(t, "size=160m,nr_inodes=2000") }
	for _, f := range []fault{
		{"disk full between two looks", small, func(v *volume, h *host) func() { return v.fill() }, 4 * time.Second},
		{"no inodes", small, func(v *volume, h *host) func() { return v.useUp() }, 4 * time.Second},
		{"read-only", func(t *testing.T) *volume { return ext4(t, 256) }, func(v *volume, h *host) func() {
			// As the kernel does after an error of the disk: also what is open
			// cannot be written any more.
			v.run("mount", "-o", "remount,abort", v.path)
			return v.mountAgain
		}, 4 * time.Second},
		{"directory removed", small, func(v *volume, h *host) func() {
			if err := os.RemoveAll(h.dir); err != nil {
				h.t.Fatal(err)
			}
			return func() {}
		}, 0},
		{"directory renamed", small, func(v *volume, h *host) func() {
			if err := os.Rename(h.dir, h.dir+".away"); err != nil {
				h.t.Fatal(err)
			}
			return func() {
				if err := os.Rename(h.dir+".away", h.dir); err != nil {
					h.t.Fatal(err)
				}
			}
		}, 3 * time.Second},
	} {
		t.Run(f.name, func(t *testing.T) { repeat(t, 1, f.try) })
	}
}

func (f fault) try(t *testing.T) outcome {
	v := f.volume(t)
	h := newHost(t, filepath.Join(v.path, "bus"))
	h.start()
	half := len(h.names) / 2
	h.watches()
	h.down(h.names[:half]...)
	h.settles("before the fault", 20*time.Second)
	end := f.begin(v, h)
	h.down(h.names[half:]...)
	h.up(h.names[:half/2]...)
	time.Sleep(f.lasts)
	h.alive()
	end()
	took := h.settles("after the fault", settling)
	h.up(h.names...)
	h.settles("all are back", 20*time.Second)
	h.stop()
	return outcome{h.weigh(), took}
}
