package test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/receive"
)

// TestSinkDownForTheWholeStorm lets 40 processes die and come back, twice:
// first with both sinks up, then with one of them refusing connections all
// the time. The sink that is up must get its alerts as fast as before, and
// the one that was down must get everything when it is back, in order.
func TestSinkDownForTheWholeStorm(t *testing.T) {
	const items = 40
	agents := newAgents(t)
	names := numbered("storm", items)
	for _, name := range names {
		agents.start(name)
	}
	healthy, broken := &receive.Webhook{}, &receive.Webhook{}
	healthyServer, brokenServer := receive.StartWebhook(t, healthy), receive.StartWebhook(t, broken)
	r := start(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
watch:
  facts: {os: linux}
  items:
%sdetectors: {process: {schedule: "@every 1s"}}
rules: {hold: 0s}
web: {listen: ""}
sinks:
  - {name: healthy, type: webhook, url: %q}
  - {name: broken, type: webhook, url: %q}
`, filepath.Join(t.TempDir(), "bus"), processRows(names), healthyServer.URL, brokenServer.URL))
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	time.Sleep(1500 * time.Millisecond)

	storm := func() (slowest time.Duration) {
		before := len(healthy.Received())
		for _, name := range names {
			agents.kill(name)
		}
		healthy.Await(t, before+items)
		for _, name := range names {
			agents.start(name)
		}
		for _, d := range healthy.Await(t, before+2*items)[before:] {
			slowest = max(slowest, d.At.Sub(d.Alert.At))
		}
		return slowest
	}
	calm := storm()
	broken.Await(t, 2*items)
	brokenServer.Stop()
	alone := storm()
	if n := len(broken.Received()); n != 2*items {
		t.Fatalf("the stopped sink has %d deliveries, want the %d of the first storm", n, 2*items)
	}
	t.Logf("slowest delivery with both sinks up %s, with the other one down %s", calm, alone)
	if alone > calm+time.Second {
		t.Errorf("the healthy sink was delayed: %s with the other one down, %s before", alone, calm)
	}

	brokenServer.Start(t)
	broken.Await(t, 4*items)
	time.Sleep(1500 * time.Millisecond)
	r.stop(t)
	for name, hook := range map[string]*receive.Webhook{"healthy": healthy, "broken": broken} {
		if n := len(hook.Received()); n != 4*items {
			t.Errorf("%s has %d deliveries, want %d", name, n, 4*items)
		}
		byAlert := map[string][]event.Transition{}
		for _, d := range hook.Received() {
			byAlert[d.Alert.ID] = append(byAlert[d.Alert.ID], d.Alert.Transition)
		}
		if len(byAlert) != 2*items {
			t.Errorf("%s knows %d alerts, want %d", name, len(byAlert), 2*items)
		}
		for id, steps := range byAlert {
			if !slices.Equal(steps, []event.Transition{event.Raised, event.Cleared}) {
				t.Errorf("%s: %s went %v", name, id, steps)
			}
		}
	}
}
