package port

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	gopsutil "github.com/shirou/gopsutil/v3/net"
	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// BenchmarkLocal is one pass over this host with 1,000 sleeping processes
// and 300 listening sockets, by each way to read the table, and by gopsutil,
// which looks at every descriptor of every process. up and down differ in
// the second look that a loss gets.
func BenchmarkLocal(b *testing.B) {
	sleepers(b, 1000)
	last := 0
	for range 300 {
		last = portOfListener(listenAt(b, "0.0.0.0:0"))
	}
	run := func(port int, state event.State, sources []source) func(*testing.B) {
		return func(b *testing.B) {
			d := detect(b, Target{Port: port})
			d.sources = sources
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				if obs, _ := d.Detect(b.Context()); obs[0].State != state {
					b.Fatal(words.English(obs[0].Detail))
				}
			}
		}
	}
	b.Run("up", run(last, event.Up, sources()))
	b.Run("down", run(1, event.Down, sources()))
	b.Run("fallback", run(last, event.Up, sources()[1:]))
	b.Run("gopsutil", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			cs, err := gopsutil.Connections("tcp")
			if err != nil {
				b.Fatal(err)
			}
			found := false
			for _, c := range cs {
				found = found || c.Status == "LISTEN" && int(c.Laddr.Port) == last
			}
			if !found {
				b.Fatalf("port %d is not among %d sockets", last, len(cs))
			}
		}
	})
}

// cpu adds the processor time of this process to the figures, which says
// more than the clock on a machine that does other things too.
func cpu(b *testing.B) (done func()) {
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// sleepers starts n processes that only sleep.
func sleepers(b *testing.B, n int) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var cmds []*exec.Cmd
	b.Cleanup(func() {
		cancel()
		for _, c := range cmds {
			c.Wait()
		}
	})
	for range n {
		c := exec.CommandContext(ctx, "sleep", "300")
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		cmds = append(cmds, c)
	}
}

// BenchmarkSyn is one pass over 5,000 hosts (addresses of loopback), without
// the pacing that spreads such a pass over ten seconds.
func BenchmarkSyn(b *testing.B) {
	for _, hosts := range []int{1, 5000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			port := portOfListener(listenAt(b, "0.0.0.0:0"))
			var ts []Target
			for i := range hosts {
				ts = append(ts, Target{Host: fmt.Sprintf("127.1.%d.%d", i/250, 1+i%250), Port: port, Timeout: 10 * time.Second})
			}
			d, err := New(keyed(ts), Options{Rate: 10_000_000})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				for _, o := range pass(b, d) {
					if o.State != event.Up {
						b.Fatal(words.English(o.Detail))
					}
				}
			}
		})
	}
}
