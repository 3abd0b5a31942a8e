//go:build linux

package app

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/pulse"
	"dswatch/web"
)

// changes is how many distinct state changes one run carries.
const changes = 20_000

// BenchmarkEndToEnd carries state changes of 20,000 items from the event to
// a webhook that has answered and to a trap that was received, everything
// stored on the way. The far ends are in the same process and share its two
// cores and its memory.
func BenchmarkEndToEnd(b *testing.B) { benchmarkChain(b, true) }

// BenchmarkWithoutHistory is the same without history, to compare in one run.
func BenchmarkWithoutHistory(b *testing.B) { benchmarkChain(b, false) }

func benchmarkChain(b *testing.B, remembers bool) {
	var hooks, traps atomic.Int64
	hook, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer hook.Close()
	go receiveHooks(hook, &hooks)
	nms, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer nms.Close()
	if err := nms.SetReadBuffer(8 << 20); err != nil {
		b.Fatal(err)
	}
	go func() {
		buf := make([]byte, 2048)
		for {
			if _, _, err := nms.ReadFrom(buf); err != nil {
				return
			}
			traps.Add(1)
		}
	}()
	l, err := Parse("bench.yaml", fmt.Appendf(nil, `
host: bench
bus: {dir: %q}
watch: {items: [{kind: process, name: bench}], facts: {os: linux}}
detectors:
  process: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  service: {schedule: "@every 1h"}
  port: {schedule: "@every 1h"}
rules: {hold: 0s, flap: {changes: 0}}
web: {listen: ""}
sinks:
  - {name: hook, type: webhook, url: %q}
  - {name: nms, type: snmp, address: %q, version: 2c, community: public}
`, b.TempDir(), "http://"+hook.Addr().String()+"/hook", nms.LocalAddr()))
	if err != nil {
		b.Fatal(err)
	}
	a, err := Open(b.Context(), l, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	if !remembers {
		a.past = nil
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go a.BoundMemory(ctx)
	go func() { done <- a.Run(ctx) }()
	for a.engineItems() < 1 { // it runs when it has seen this host's own items
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second)
	hooks.Store(0)
	traps.Store(0)
	resetPeak(b)

	before := cpuTime(b)
	b.ResetTimer()
	for n := range b.N {
		state := []event.State{event.Down, event.Up}[n%2] // every second run resolves
		events := make([]event.Event, changes)
		for i := range events {
			k := event.Key{Host: fmt.Sprintf("host%05d", i), Component: "custom", Kind: event.Process, Name: "bench"}
			events[i] = event.NewState("bench", event.Change, event.Observation{Key: k, State: state, Want: 1, At: time.Now()})
		}
		for i := 0; i < len(events); i += 256 {
			if err := a.ledger.Publish(ctx, events[i:min(i+256, len(events))]); err != nil {
				b.Fatal(err)
			}
		}
		want := int64(n+1) * changes
		for deadline := time.Now().Add(2 * time.Minute); hooks.Load() < want || traps.Load() < want; {
			if time.Now().After(deadline) {
				b.Fatalf("%d of %d webhooks and %d traps arrived", hooks.Load(), want, traps.Load())
			}
			time.Sleep(time.Millisecond)
		}
	}
	b.StopTimer()
	used := cpuTime(b) - before
	b.ReportMetric(float64(b.N)*changes/b.Elapsed().Seconds(), "changes/s")
	b.ReportMetric(float64(used.Microseconds())/float64(b.N*changes), "cpu-us/change")
	b.ReportMetric(used.Seconds()/b.Elapsed().Seconds(), "cores")
	b.ReportMetric(peakMB(b), "peak-MB")
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := a.Close(); err != nil {
		b.Fatal(err)
	}
}

func (a *App) engineItems() (n int) {
	st, err := a.Status(context.Background())
	if err != nil {
		return 0
	}
	return len(st.Items)
}

// receiveHooks answers webhooks until l is closed, and counts those whose body
// has come whole. net/http's server, which does far more than a webhook's far
// end must, would take a tenth of the two cores.
func receiveHooks(l net.Listener, got *atomic.Int64) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			r := bufio.NewReader(c)
			for {
				body := -1
				for n := 0; ; n++ {
					line, err := r.ReadSlice('\n')
					if err != nil || n == 0 && !bytes.Equal(line, []byte("POST /hook HTTP/1.1\r\n")) {
						return
					}
					if len(line) == 2 {
						break
					}
					if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
						body, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
					}
				}
				if _, err := r.Discard(body); err != nil {
					return
				}
				if _, err := c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n")); err != nil {
					return
				}
				got.Add(1)
			}
		}()
	}
}

// BenchmarkPulse is one pulse through every stage to ten sinks: there is one
// each pulse.Every, so % of a core is what it costs.
func BenchmarkPulse(b *testing.B) {
	const sinks = 10
	var section strings.Builder
	for i := range sinks {
		fmt.Fprintf(&section, "  - {name: s%d, type: webhook, url: \"http://127.0.0.1:9/\"}\n", i)
	}
	l, err := Parse("bench.yaml", fmt.Appendf(nil, `
host: bench
bus: {dir: %q}
watch: {facts: {os: linux}}
detectors: {process: {schedule: "@every 1h"}, driver: {schedule: "@every 1h"}, service: {schedule: "@every 1h"}, port: {schedule: "@every 1h"}}
web: {listen: ""}
sinks:
%s`, b.TempDir(), section.String()))
	if err != nil {
		b.Fatal(err)
	}
	a, err := Open(b.Context(), l, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	proven := func(since time.Time) bool {
		return !slices.ContainsFunc(a.Health().Stages, func(s web.Stage) bool { return s.Proven.Before(since) })
	}
	once := func() {
		began := time.Now()
		a.beatFirst(ctx)
		for end := began.Add(time.Minute); !proven(began); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				b.Fatalf("not proven: %+v", a.Health())
			}
		}
	}
	for end := time.Now().Add(time.Minute); !a.Health().Current; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("not current: %+v", a.Health())
		}
	}
	before := cpuTime(b)
	b.ResetTimer()
	for range b.N {
		once()
	}
	b.StopTimer()
	one := (cpuTime(b) - before).Seconds() / float64(b.N)
	b.ReportMetric(1000*one, "cpu-ms/pulse")
	b.ReportMetric(100*one/pulse.Every.Seconds(), "%core")
	stop()
	if err := errors.Join(<-done, a.Close()); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is the processor time that this process has used, far ends
// included. On a machine that others use too it says more than the clock.
func cpuTime(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// resetPeak makes the kernel forget the highest resident size so far.
func resetPeak(b *testing.B) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("the peak includes the start: %v", err)
	}
}

// peakMB is the highest resident size of this process since resetPeak.
func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
