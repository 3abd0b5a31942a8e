//go:build linux

package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/detector/manager/managertest"
	"dswatch/event"
	"dswatch/test/receive"
)

// BenchmarkIntake starts the program for the first time beside a manager of
// 20,000 computers, or as many as DSWATCH_COMPUTERS says, one in a hundred out
// of contact for hours, and measures until all of them are known and those that
// are lost were told, once each and nothing else. The memory is that of the whole process, with the manager and the
// sink in it.
func BenchmarkIntake(b *testing.B) {
	computers := 20_000
	if s := os.Getenv("DSWATCH_COMPUTERS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		computers = n
	}
	const lost = 100 // one in so many
	dsm := managertest.Start(b)
	dsm.Made = func(after int64, most int) []map[string]any {
		page := []map[string]any{}
		for id := int(after) + 1; id <= computers && len(page) < most; id++ {
			c := managertest.Computer(id, fmt.Sprintf("computer%06d.example.com", id))
			if id%lost == 0 {
				managertest.With("lastAgentCommunication", time.Now().Add(-5*time.Hour).UnixMilli())(c)
				managertest.Status("error", "Offline")(c)
			}
			page = append(page, c)
		}
		return page
	}
	for range b.N {
		hook := &receive.Webhook{}
		l, err := Parse("intake.yaml", fmt.Appendf(nil, `
host: hub
bus: {dir: %q}
rules: {hold: 0s}
detectors:
  manager: {url: %q, api_key: %q, fingerprint: %s, proxy: none, page: 1000, timeout: 5m, schedule: "@every 1h"}
web: {listen: ""}
sinks:
  - {name: hook, type: webhook, url: %q}
`, b.TempDir(), dsm.URL, managertest.Key, dsm.Fingerprint(), receive.StartWebhook(b, hook).URL))
		if err != nil {
			b.Fatal(err)
		}
		resetPeak(b)
		start, before := time.Now(), cpuTime(b)
		a, err := Open(b.Context(), l, Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go a.BoundMemory(ctx)
		go func() { done <- a.Run(ctx) }()
		for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			e := a.engine.Load()
			if e != nil && e.Count() >= 5*computers && hook.Arrived() >= computers/lost {
				p, err := a.bus.Pending(b.Context(), bus.Events, "rules")
				if err != nil {
					b.Fatal(err)
				}
				if p.Waiting+uint64(p.Held) == 0 {
					break
				}
			}
			if time.Now().After(deadline) {
				b.Fatal("the computers were not taken in in time")
			}
		}
		b.ReportMetric(time.Since(start).Seconds(), "intake-s")
		b.ReportMetric((cpuTime(b) - before).Seconds(), "cpu-s")
		b.ReportMetric(peakMB(b), "peak-MB")
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		if err := a.Close(); err != nil {
			b.Error(err)
		}
		told := map[string]bool{}
		for _, d := range hook.Received() {
			if d.Alert.Key.Kind != event.Heartbeat || d.Alert.State != event.Down || told[d.Alert.Key.Host] {
				b.Errorf("wrong alert of %s: %s", d.Alert.Key, d.Alert.Title)
			}
			told[d.Alert.Key.Host] = true
		}
		if len(told) != computers/lost {
			b.Errorf("%d alerts, want %d", len(told), computers/lost)
		}
	}
}
