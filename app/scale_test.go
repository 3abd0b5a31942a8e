//go:build linux

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/event"
)

// A fleet as large as one hub is meant for.
const (
	scaleHosts = 10_000
	scaleItems = 20 // of each host
)

// BenchmarkRestart starts the program on a bus that holds 200,000 items of
// 10,000 hosts with facts, one in a hundred lost and told, and measures until
// a loss that is reported at the start was told at a sink. The memory is that
// of the whole process from there on, with the far end in it.
func BenchmarkRestart(b *testing.B) {
	told := make(chan struct{}, 64)
	var quiet atomic.Bool
	quiet.Store(true)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !quiet.Load() && strings.Contains(string(body), scaleKey(7, 7).Host) {
			told <- struct{}{}
		}
	}))
	defer hook.Close()
	var rows strings.Builder
	for i := range scaleItems {
		fmt.Fprintf(&rows, "    - {kind: process, name: item%02d, component: custom, os: [windows]}\n", i)
	}
	config := fmt.Appendf(nil, `
host: bench
bus: {dir: %q}
watch:
  items:
%sdetectors:
  process: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  service: {schedule: "@every 1h"}
  port: {schedule: "@every 1h"}
rules: {hold: 0s}
web: {listen: ""}
sinks:
  - {name: hook, type: webhook, url: %q}
`, b.TempDir(), rows.String(), hook.URL)
	open := func() (a *App, stop func()) {
		l, err := Parse("scale.yaml", config)
		if err != nil {
			b.Fatal(err)
		}
		if a, err = Open(b.Context(), l, Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go a.BoundMemory(ctx)
		go func() { done <- a.Run(ctx) }()
		return a, func() {
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
			if err := a.Close(); err != nil {
				b.Error(err)
			}
		}
	}

	a, stop := open()
	start := time.Now()
	fillScale(b, a)
	b.Logf("filled in %s", time.Since(start))
	b.ReportMetric(residentMB(b), "filled-MB")
	stop()
	debug.FreeOSMemory()

	quiet.Store(false)
	for n := range b.N {
		resetPeak(b)
		start, before := time.Now(), cpuTime(b)
		a, stop := open()
		opened := time.Since(start)
		state := []event.State{event.Down, event.Up}[n%2]
		o := event.Observation{Key: scaleKey(7, 7), State: state, Want: 1, At: time.Now()}
		if err := a.ledger.Publish(b.Context(), []event.Event{event.NewState("hub", event.Change, o)}); err != nil {
			b.Fatal(err)
		}
		select {
		case <-told:
		case <-time.After(3 * time.Minute):
			b.Fatal("nothing was told")
		}
		b.ReportMetric(opened.Seconds(), "open-s")
		b.ReportMetric(time.Since(start).Seconds(), "ready-s")
		b.ReportMetric((cpuTime(b) - before).Seconds(), "cpu-s")
		b.ReportMetric(peakMB(b), "peak-MB")
		time.Sleep(3 * time.Second)
		b.ReportMetric(residentMB(b), "settled-MB")
		runtime.GC()
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "live-MB")
		if got := a.engine.Load().Count(); got < scaleHosts*scaleItems {
			b.Errorf("%d items, want %d", got, scaleHosts*scaleItems)
		}
		stop()
	}
}

func scaleKey(host, item int) event.Key {
	return event.Key{Host: fmt.Sprintf("host%05d.example.com", host), Component: "custom", Kind: event.Process, Name: fmt.Sprintf("item%02d", item)}
}

// fillScale reports all facts and items and waits until they are decided.
func fillScale(b *testing.B, a *App) {
	facts := event.Facts{}
	for n, v := range map[event.Name]string{
		event.OS: event.Windows, event.Components: event.Agent, event.AgentVersion: "20.0.0-8438", event.Edition: event.DeepSecurity,
		event.Relay: event.Off, event.Communication: event.Bidirectional, event.AntiMalware: event.On, event.WebReputation: event.On,
		event.Firewall: event.On, event.IntrusionPrevention: event.On, event.TLSInspection: event.Off,
	} {
		facts[n] = event.Fact{Value: v, Origin: "discovered: registry", At: time.Now()}
	}
	for h := 0; h < scaleHosts; h += 200 {
		var reports []event.FactsReport
		for i := range 200 {
			host := scaleKey(h+i, 0).Host
			reports = append(reports, event.FactsReport{Host: host, Observer: host, Facts: facts, At: time.Now()})
		}
		if err := a.ledger.PublishFacts(b.Context(), "bench", reports...); err != nil {
			b.Fatal(err)
		}
	}
	var events []event.Event
	for h := range scaleHosts {
		for i := range scaleItems {
			o := event.Observation{Key: scaleKey(h, i), State: event.Up, Found: 1, Want: 1, At: time.Now(), Detail: event.Prose("1 process: 4711")}
			if i == 3 && h%5 == 0 {
				o.State, o.Found, o.Detail = event.Down, 0, event.Prose("no process")
			}
			events = append(events, event.NewState(o.Key.Host, event.Change, o))
		}
		if len(events) >= 1000 || h == scaleHosts-1 {
			if err := a.ledger.Publish(b.Context(), events); err != nil {
				b.Fatal(err)
			}
			events = events[:0]
		}
	}
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		e := a.engine.Load()
		left := 1
		if e != nil && e.Count() >= scaleHosts*scaleItems {
			p, err := a.bus.Pending(b.Context(), "DSWATCH_EVENTS", "rules")
			if err != nil {
				b.Fatal(err)
			}
			left = int(p.Waiting) + p.Held
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			b.Fatal("the events were not decided in time")
		}
	}
}

// residentMB is how much memory this process holds now.
func residentMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
