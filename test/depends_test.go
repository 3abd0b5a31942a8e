package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/test/receive"
)

// TestDependsOnRealProcesses: what is lost with its cause is listed there and
// not told by itself; what stays lost when the cause is back becomes an alert,
// with what depends on it. Each alert is raised once and cleared once.
func TestDependsOnRealProcesses(t *testing.T) {
	agents := newAgents(t)
	for _, name := range []string{"dep-db", "dep-app", "dep-page"} {
		agents.start(name)
	}
	hook := &receive.Webhook{}
	r := start(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
watch:
  facts: {os: linux, components: []}
  items:
    - {kind: process, name: dep-db, component: custom}
    - {kind: process, name: dep-app, component: custom, depends_on: [process/dep-db]}
    - {kind: process, name: dep-page, component: custom, depends_on: [process/dep-app]}
detectors: {process: {schedule: "@every 1s"}}
rules: {hold: 3s}
web: {listen: ""}
sinks: [{name: hook, type: webhook, url: %q}]
`, t.TempDir(), receive.StartWebhook(t, hook).URL))
	var all []event.Alert // of the deliveries, each once
	told := func(name string, tr event.Transition) (found []event.Alert) {
		seen := map[string]bool{}
		all = nil
		for _, d := range hook.Received() {
			if seen[d.DeliveryID] {
				continue
			}
			seen[d.DeliveryID] = true
			if all = append(all, d.Alert); d.Alert.Key.Name == name && d.Alert.Transition == tr {
				found = append(found, d.Alert)
			}
		}
		return found
	}
	until(t, "all are watched", func() bool { return strings.Contains(r.log.String(), "msg=watching") })
	agents.kill("dep-page")
	agents.kill("dep-app")
	agents.kill("dep-db")
	until(t, "the loss of the cause is told", func() bool { return len(told("dep-db", event.Raised)) == 1 })
	raised := told("dep-db", event.Raised)[0]
	var names []string
	for _, x := range raised.Affected {
		names = append(names, x.Key.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"dep-app", "dep-page"}) {
		t.Errorf("the cause lists %v", names)
	}

	agents.start("dep-db")
	until(t, "the cause is back", func() bool { return len(told("dep-db", event.Cleared)) == 1 })
	until(t, "what stays lost is told", func() bool { return len(told("dep-app", event.Raised)) == 1 })
	if own := told("dep-app", event.Raised)[0]; len(own.Affected) != 1 || own.Affected[0].Key.Name != "dep-page" {
		t.Errorf("the symptom lists %+v", own.Affected)
	}

	agents.start("dep-page")
	agents.start("dep-app")
	until(t, "all is over", func() bool { return len(told("dep-app", event.Cleared)) == 1 })
	r.stop(t)
	told("", "")
	var got []string
	for _, a := range all {
		got = append(got, a.Key.Name+" "+string(a.Transition))
	}
	if want := []string{"dep-db raised", "dep-db cleared", "dep-app raised", "dep-app cleared"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
