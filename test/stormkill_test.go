package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/receive"
)

// TestStormKillNine kills the running program several times in the middle of a
// storm. Afterwards every process that died was told once, by itself or in the
// one digest, which counts nobody twice, and everything is resolved.
func TestStormKillNine(t *testing.T) {
	const items = 30
	agents := newAgents(t)
	names := numbered("gale", items)
	for _, name := range names {
		agents.start(name)
	}
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	path := configFile(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
watch:
  facts: {os: linux, components: []}
  items:
%sdetectors:
  process: {schedule: "@every 1s"}
  service: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  port: {schedule: "@every 1h"}
rules: {hold: 0s, repeat: 0s, flap: {changes: 0}, storm: {alerts: 3, window: 3s, every: 5s, settle: 10m}}
web: {listen: ""}
sinks:
  - {name: hook, type: webhook, url: %q}
`, filepath.Join(t.TempDir(), "bus"), processRows(names), server.URL))
	told := func() (out []event.Alert) { // a copy of what was under way at a kill is legal
		seen := map[string]bool{}
		for _, d := range hook.Received() {
			if !seen[d.DeliveryID] {
				seen[d.DeliveryID] = true
				out = append(out, d.Alert)
			}
		}
		return out
	}
	digests := func(want event.Transition) (n int) {
		for _, a := range told() {
			if a.Rule == event.RuleStorm && a.Transition == want {
				n++
			}
		}
		return n
	}
	r := startFile(t, path)
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	time.Sleep(1500 * time.Millisecond) // one look at all of them
	for _, name := range names {
		agents.kill(name)
	}
	until(t, "the storm has begun", func() bool { return len(told()) > 0 })
	for _, after := range []time.Duration{0, 300 * time.Millisecond, 900 * time.Millisecond} {
		time.Sleep(after)
		r.kill()
		r = startFile(t, path)
	}
	until(t, "the digest is told", func() bool { return digests(event.Raised) > 0 })
	r.kill()
	for _, name := range names {
		agents.start(name)
	}
	r = startFile(t, path)
	until(t, "the digest is over", func() bool { return digests(event.Cleared) > 0 })
	until(t, "everything is settled", func() bool { return settled(hook) })
	r.stop(t)

	last := map[string]event.Alert{}
	singles, title := 0, ""
	for _, a := range told() {
		before, known := last[a.ID]
		switch {
		case !known && a.Transition != event.Raised, known && before.Transition == event.Cleared, known && a.Seq <= before.Seq:
			t.Errorf("%s: %s %d comes after %s %d", a.Title, a.Transition, a.Seq, before.Transition, before.Seq)
		case a.Rule == event.RuleLoss && a.Transition == event.Raised:
			singles++
		case a.Rule == event.RuleStorm && a.Transition == event.Cleared:
			title = a.Title
		}
		last[a.ID] = a
	}
	for _, a := range last {
		if a.Transition != event.Cleared {
			t.Errorf("%s was never resolved", a.Title)
		}
	}
	if n := digests(event.Raised); n != 1 {
		t.Errorf("%d digests, want 1", n)
	}
	if want := fmt.Sprintf("digest of %d alerts is over", items-singles); !strings.Contains(title, want) {
		t.Errorf("%d were told by themselves, and the digest ends with %q; want %q in it", singles, title, want)
	}
}
