package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"dswatch/test/receive"
)

// TestDeadLetterCommands follows an operator whose receiver refused an alert:
// what is there, what was in it, send it again, tell it all again, forget it.
func TestDeadLetterCommands(t *testing.T) {
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	hook.Answer(401, nil)
	const token = "very-secret-token"
	path := configFile(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
web: {listen: %q}
rules: {hold: 0s}
watch:
  facts: {os: linux}
  items: [{kind: process, name: no-such-process}]
sinks:
  - {name: hook, type: webhook, url: %q, bearer: %s}
`, t.TempDir(), freeAddress(t), server.URL, token))
	run := func(want int, args ...string) string {
		t.Helper()
		out, stderr, code := output(t, append(args, "-c", path)...)
		if code != want {
			t.Fatalf("%v: exit status %d, want %d: %s%s", args, code, want, out, stderr)
		}
		if strings.Contains(out+stderr, token) {
			t.Errorf("%v shows the token: %s%s", args, out, stderr)
		}
		return out + stderr
	}
	if got := run(5, "deadletter", "list"); !strings.Contains(got, "start it with: dswatch run") {
		t.Errorf("without a running process: %s", got)
	}
	r := startFile(t, path)
	var list []struct{ ID, Reason, Transition string }
	until(t, "the alert is refused", func() bool {
		out, _, _ := output(t, "deadletter", "list", "--format", "json", "-c", path)
		return json.Unmarshal([]byte(out), &list) == nil && len(list) == 1
	})
	if list[0].Transition != "raised" || !strings.Contains(list[0].Reason, "answered 401") {
		t.Errorf("%+v", list)
	}
	if got := run(0, "deadletter", "list", "--sink", "hook"); !strings.Contains(got, "web01/custom/process/no-such-process") || !strings.Contains(got, "permanent") {
		t.Error(got)
	}
	if got := run(0, "deadletter", "show", list[0].ID); !strings.Contains(got, `"seq": 1`) || !strings.Contains(got, "check the credentials of this sink") {
		t.Error(got)
	}
	if got := run(0, "status"); !strings.Contains(got, "closed") || !strings.Contains(got, "answered 401") {
		t.Error(got)
	}
	run(2, "deadletter", "replay") // says nothing about which
	hook.Answer(0, nil)
	if got := run(0, "deadletter", "replay", "--all"); got != "1 replayed\nhook: accepted\n" {
		t.Error(got)
	}
	if d := hook.Await(t, 1); !d[0].Alert.Replay || d[0].Alert.Key.Name != "no-such-process" {
		t.Errorf("%+v", d)
	}
	until(t, "it is told again", func() bool {
		return strings.HasPrefix(run(0, "sinks", "resync", "hook"), "hook: 1 open alert is told again")
	})
	hook.Await(t, 2)
	if got := run(4, "sinks", "resync", "hok"); !strings.Contains(got, "the configuration has hook") {
		t.Error(got)
	}
	if got := run(0, "deadletter", "drop", "--all"); got != "0 dropped\n" {
		t.Error(got)
	}
	if got := run(4, "deadletter", "drop", list[0].ID); !strings.Contains(got, "dswatch deadletter list") {
		t.Error(got)
	}
	r.stop(t)
}
