package process

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	gopsutil "github.com/shirou/gopsutil/v3/process"
	"golang.org/x/sys/unix"
)

// crowd starts n real processes that sleep.
func crowd(b *testing.B, n int) {
	b.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		b.Fatalf("%v; install coreutils", err)
	}
	for range n {
		c := exec.Command(sleep, "3600")
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			c.Process.Kill()
			c.Wait()
		})
	}
}

// cpu runs f b.N times and reports the processor time of this process, in
// user and in kernel mode, beside the time on the clock.
func cpu(b *testing.B, f func() error) {
	b.Helper()
	used := func() float64 {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
	}
	b.ReportAllocs()
	before := used()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((used()-before)/float64(b.N), "cpu-ms/op")
}

// BenchmarkPass is one look among 1,000 more processes than the host has:
// when all is well, when something is missing, when something has just been
// lost, so that every process is read once more, and the first of all.
// gopsutil's way, the name of every process, is the measure.
func BenchmarkPass(b *testing.B) {
	crowd(b, 1000)
	agent := filepath.Join(b.TempDir(), "ds_agent")
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Symlink(self, agent); err != nil {
		b.Fatal(err)
	}
	for range 2 {
		c := exec.Command(agent)
		c.Env = append(os.Environ(), roleEnv+"=sleep")
		if _, err := c.StdinPipe(); err != nil {
			b.Fatal(err)
		}
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			c.Process.Kill()
			c.Wait()
		})
	}
	// As the vendor's rows: whose process it is and where its program lies is checked.
	healthy := Target{Key: key("ds_agent"), Names: []string{"ds_agent"}, Want: 2, Owner: Owner{Who: System, Folders: func() []string { return []string{filepath.Dir(self)} }}}
	missing := []Target{healthy,
		{Key: key("ds_am"), Names: []string{"ds_am"}, Want: 2},
		{Key: key("nginx"), Exe: []string{"/opt/ds_agent/**/nginx"}},
		{Key: key("java"), Exe: []string{"/opt/dsm/jre/bin/java"}}}
	for _, c := range []struct {
		name    string
		targets []Target
	}{{"healthy", []Target{healthy}}, {"missing", missing}, {"wildcard", []Target{{Key: key("x"), Exe: []string{"/opt/ds_agent/*"}}}}} {
		b.Run(c.name, func(b *testing.B) {
			d, err := New(c.targets)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			cpu(b, func() error {
				_, err := d.Detect(context.Background())
				return err
			})
			b.ReportMetric(float64(len(d.table.(*procfs).entries)), "processes")
		})
	}
	b.Run("loss", func(b *testing.B) {
		d, err := New(missing)
		if err != nil {
			b.Fatal(err)
		}
		defer d.Close()
		for range young + rest { // the program has run for a while
			if _, err := d.Detect(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		cpu(b, func() error {
			for _, t := range d.targets {
				t.before = t.want() // all was there in the pass before
			}
			_, err := d.Detect(context.Background())
			return err
		})
	})
	b.Run("first", func(b *testing.B) {
		cpu(b, func() error {
			d, err := New(missing)
			if err != nil {
				return err
			}
			defer d.Close()
			_, err = d.Detect(context.Background())
			return err
		})
	})
	b.Run("gopsutil", func(b *testing.B) {
		cpu(b, func() error {
			all, err := gopsutil.Processes()
			if err != nil {
				return err
			}
			for _, p := range all {
				p.Name() // an error means that it has ended
			}
			return nil
		})
	})
}
