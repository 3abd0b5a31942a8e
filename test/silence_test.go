package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/test/ports"
	"dswatch/test/receive"
)

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + ports.Free(t, "tcp")
}

// TestSilences follows an operator through a night: routes, a silence that
// outlives kill -9, the resolve that comes in spite of it, a loss that is
// told when its silence is expired, and an acknowledgement.
func TestSilences(t *testing.T) {
	agents := newAgents(t)
	agents.start("ds_agent")
	agents.start("ds_agent")
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	other := &receive.Webhook{}
	otherServer := receive.StartWebhook(t, other)
	path := configFile(t, strings.Replace(fmt.Sprintf(quick, "web01"), `web: {listen: ""}`, fmt.Sprintf("web: {listen: %q}", freeAddress(t)), 1)+fmt.Sprintf(`
bus: {dir: %q}
detectors: {process: {schedule: "@every 1s"}}
routes:
  - {match: [name=ds_agent, rule=loss], sinks: [hook]}
  - {sinks: [other]}
sinks:
  - {name: hook, type: webhook, url: %q}
  - {name: other, type: webhook, url: %q}
`, t.TempDir(), server.URL, otherServer.URL))
	run := func(args ...string) string {
		t.Helper()
		var out, stderr string
		until(t, strings.Join(args, " "), func() bool { // right after a start the API is not there yet
			var code int
			out, stderr, code = output(t, append(args, "-c", path)...)
			return code == 0 || !strings.Contains(stderr, "no running dswatch") && !strings.Contains(stderr, "still reading")
		})
		if stderr != "" && !strings.HasPrefix(stderr, "it ends when ") && !strings.HasPrefix(stderr, "warning: no item that dswatch knows matches") {
			t.Fatalf("%v: %s", args, stderr)
		}
		return strings.TrimSpace(out)
	}
	type shown struct{ ID, Silence string }
	alert := func() (a shown) {
		t.Helper()
		var list []struct {
			shown
			Key struct{ Name string }
		}
		if err := json.Unmarshal([]byte(run("alerts", "--format", "json")), &list); err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.Key.Name == "ds_agent" {
				a = one.shown
			}
		}
		return a
	}
	told := func() (out []string) { // a kill between delivery and receipt sends again, with the same id
		seen := map[string]bool{}
		for _, d := range hook.Received() {
			if !seen[d.DeliveryID] {
				seen[d.DeliveryID] = true
				out = append(out, fmt.Sprint(d.Alert.Transition, " ", d.Alert.State))
			}
		}
		return out
	}
	await := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d messages", n), func() bool { return len(told()) >= n })
	}

	r := startFile(t, path)
	agents.kill("ds_agent")
	await(1)
	silence := run("silence", "add", "name=ds_agent", "--for", "1h", "--comment", "patching", "--author", "kim")
	if list := run("silence", "list"); !strings.Contains(list, silence) || !strings.Contains(list, "kim") || !strings.Contains(list, "active") {
		t.Errorf("silence list:\n%s", list)
	}
	agents.start("ds_agent") // the resolve comes in spite of the silence
	await(2)
	r.kill()
	agents.kill("ds_agent")
	r = startFile(t, path)
	until(t, "the loss is kept quiet", func() bool { return alert().Silence == silence })
	time.Sleep(2 * time.Second) // two more looks
	if d := cmp.Diff([]string{"raised degraded", "cleared up"}, told()); d != "" {
		t.Fatalf("while silenced: -want +got:\n%s", d)
	}
	until(t, "who silenced it, why and until when", func() bool {
		out := run("alerts")
		return strings.Contains(out, "silence "+silence+" until "+time.Now().Add(time.Hour).Format("2006-")) && strings.Contains(out, " by kim: patching")
	})
	run("silence", "edit", silence[:5], "--for", "2d", "--comment", "夜間作業", "--author", "lee")
	if out := run("alerts"); !strings.Contains(out, " by kim: 夜間作業") {
		t.Errorf("the edit does not show:\n%s", out)
	}
	run("silence", "expire", silence[:5], "--author", "lee")
	waiting := run("silence", "add", "name=nothing-is-lost", "--until-cleared", "--wait", "72h", "--comment", "patching", "--author", "kim")
	if list := run("silence", "list"); !strings.Contains(list, waiting+"  active") || !strings.Contains(list, "cleared; waits until ") {
		t.Errorf("silence list:\n%s", list)
	}
	await(3)
	if list := run("silence", "list", "--all"); !strings.Contains(list, "expired by lee") || !strings.Contains(list, `comment "patching" to "夜間作業" by lee`) || !strings.Contains(list, "added by kim") {
		t.Errorf("the history is gone:\n%s", list)
	}
	run("ack", alert().ID[:8], "--author", "kim", "--comment", "ticket 4711")
	r.kill()
	r = startFile(t, path)
	until(t, "the acknowledgement survives", func() bool { return strings.Contains(run("alerts"), "acknowledged by kim ticket 4711") })
	run("ack", "--withdraw", alert().ID[:8], "--author", "kim", "--comment", "end of shift")
	if out := run("why", alert().ID); !strings.Contains(out, "kim withdrew the acknowledgement: end of shift") || strings.Contains(run("alerts"), "acknowledged by") {
		t.Errorf("why, of an acknowledgement that was withdrawn:\n%s", out)
	}
	if _, stderr, code := output(t, "ack", "--withdraw", alert().ID, "--author", "kim", "-c", path); code == 0 || !strings.Contains(stderr, "nobody has acknowledged this alert") {
		t.Errorf("withdrawn twice: %d %s", code, stderr)
	}
	agents.start("ds_agent")
	await(6)
	if d := cmp.Diff([]string{"raised degraded", "cleared up", "raised degraded", "acknowledged degraded", "unacknowledged degraded", "cleared up"}, told()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := run("alerts", "--unpaired"); got != "" {
		t.Errorf("unpaired: %s", got)
	}
	for _, d := range other.Received() {
		if d.Alert.Key.Name == "ds_agent" && d.Alert.Rule == "loss" {
			t.Errorf("the other sink was told %s", d.Alert.Title)
		}
	}
	for want, args := range map[string][]string{
		"no open alert has this id":           {"ack", "ffffffff"},
		"no silence has the id":               {"silence", "expire", "nosuch"},
		"is not a field of an alert":          {"silence", "add", "hots=web01", "--for", "1h", "--comment", "x"},
		"how long --until-cleared waits":      {"silence", "add", "host=web01", "--for", "1h", "--wait", "2h", "--comment", "x"},
		"give one of --for, --until and":      {"silence", "add", "host=web01", "--for", "1h", "--until", "06:30", "--comment", "x"},
		"write it as 06:30 for the next one":  {"silence", "add", "host=web01", "--until", "morning", "--comment", "x"},
		"is not a duration":                   {"silence", "add", "host=web01", "--for", "1.5d", "--comment", "x"},
		"no silence has the id \"nosuch\"":    {"silence", "edit", "nosuch", "--for", "1h"},
		"needs an author and a comment":       {"silence", "add", "host=web01", "--for", "1h"},
		"give --for, --until or --until-clea": {"silence", "add", "host=web01", "--comment", "x"},
	} {
		if _, stderr, code := output(t, append(args, "-c", path)...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	r.stop(t)
}

// TestMaintenance: a loss inside a window is seen and not told.
func TestMaintenance(t *testing.T) {
	agents := newAgents(t)
	agents.start("ds_agent")
	agents.start("ds_agent")
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	opened := (time.Now().UTC().Hour() + 23) % 24
	path := configFile(t, strings.Replace(fmt.Sprintf(quick, "web01"), `web: {listen: ""}`, fmt.Sprintf("web: {listen: %q}", freeAddress(t)), 1)+fmt.Sprintf(`
bus: {dir: %q}
detectors: {process: {schedule: "@every 1s"}}
maintenance:
  - {name: patch-night, match: ['host=~"web.*"'], schedule: "0 %d * * *", duration: 3h, time_zone: UTC}
sinks:
  - {name: hook, type: webhook, url: %q}
`, t.TempDir(), opened, server.URL))
	r := startFile(t, path)
	agents.kill("ds_agent")
	until(t, "the loss is seen", func() bool {
		out, _, _ := output(t, "alerts", "-c", path)
		return strings.Contains(out, "degraded") && strings.Contains(out, "process/ds_agent") && strings.Contains(out, "silence window/patch-night")
	})
	r.stop(t)
	for _, d := range hook.Received() {
		t.Errorf("was told %s", d.Alert.Title)
	}
}
