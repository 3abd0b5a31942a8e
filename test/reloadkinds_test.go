package test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/test/ports"
	"dswatch/test/receive"
)

// TestReloadKinds changes one thing of each kind under the real program and
// takes it back: it is taken over, the log has one line for each change, nobody
// is told anything, and a sink that goes leaves nothing behind.
func TestReloadKinds(t *testing.T) {
	t.Parallel()
	first, second := &receive.Webhook{}, &receive.Webhook{}
	urls := []string{receive.StartWebhook(t, first).URL, receive.StartWebhook(t, second).URL}
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	keep := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep("whsec_b25lb25lb25lb25lb25lb25lb25lb25l")
	api, elsewhere := "127.0.0.1:"+ports.Free(t, "tcp"), "127.0.0.1:"+ports.Free(t, "tcp")
	base := fmt.Sprintf(`host: h
bus: {dir: %q}
web: {listen: %q}
rules: {hold: 1h}
watch:
  facts: {os: linux, components: []}
  items:
    - {kind: process, name: reload-a, component: custom}
detectors:
  process: {schedule: "@every 1h"}
  service: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  port: {schedule: "@every 1h", targets: [{host: 127.0.0.1, ports: [%s], method: connect}]}
sinks:
  - {name: first, type: webhook, url: %q, secret_file: %q}
  - {name: second, type: webhook, url: %q}
`, filepath.Join(dir, "bus"), api, ports.Free(t, "tcp"), urls[0], secret, urls[1])
	file := configFile(t, base)
	r := startFile(t, file)
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	reload := func(text string) (changes []string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := output(t, "reload", "-c", file)
		if code != 0 {
			t.Fatalf("reload: %d %s %s", code, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if strings.Contains(line, ": ") {
				changes = append(changes, strings.TrimSpace(line))
			}
		}
		return changes
	}
	page := func(address, path string) string {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	status := func() string { stdout, _, _ := output(t, "status", "-c", file); return stdout }
	row, sink := "    - {kind: process, name: reload-a, component: custom}\n", fmt.Sprintf("  - {name: second, type: webhook, url: %q}\n", urls[1])
	none := func() bool { return true }
	lines := 0 // in the log, of all changes until now; it comes through a pipe
	logged := func(what string, changes []string) {
		t.Helper()
		count := func() int { return strings.Count(r.log.String(), "the configuration has changed") }
		lines += len(changes)
		until(t, what+": a line in the log for each change", func() bool { return count() >= lines })
		if n := count() - lines; n > 0 {
			t.Errorf("%s: %d lines in the log beside those of %d changes", what, n, len(changes))
		}
	}
	for _, c := range []struct {
		name, from, to string
		want           string // a change that is printed
		is             func() bool
	}{
		{"row", row, row + "    - {kind: process, name: reload-b, component: custom}\n", "watch.items[1].name", func() bool { return strings.Contains(status(), "reload-b") }},
		{"instances", "name: reload-a, component: custom", "name: reload-a, component: custom, instances: 2", "watch.items[0].instances", none},
		{"schedule", "process: {schedule: \"@every 1h\"}", "process: {schedule: \"@every 2h\"}", "detectors.process.schedule", none},
		{"remote target", "host: 127.0.0.1, ", "host: 127.0.0.2, ", "detectors.port.targets[0].host", func() bool { return strings.Contains(status(), "127.0.0.2") }},
		{"sink added", sink, sink + fmt.Sprintf("  - {name: third, type: webhook, url: %q}\n", urls[1]), "sinks.third.", func() bool { return strings.Contains(status(), "third") }},
		{"sink removed", sink, "", "sinks.second.", func() bool {
			return !strings.Contains(status(), "second") && !strings.Contains(page(api, "/metrics"), `="second"`) && !strings.Contains(page(api, "/metrics"), `="sink second"`)
		}},
		{"sink renamed", "name: second", "name: other", "sinks.other.", func() bool {
			return strings.Contains(status(), "other") && !strings.Contains(page(api, "/metrics"), `="second"`)
		}},
		{"sink re-addressed", urls[1], urls[0], "sinks.second.url", none},
		{"route", "sinks:\n", "routes: [{sinks: [first]}]\nsinks:\n", "routes[0].sinks[0]", none},
		{"window", "sinks:\n", "maintenance: [{name: night, match: [host=web09], schedule: 0 2 * * *, duration: 1h}]\nsinks:\n", "maintenance[0].name", none},
		{"language", "host: h\n", "host: h\nlanguage: ja\n", "language: en -> ja", none},
		{"time zone", "host: h\n", "host: h\ntime_zone: Asia/Tokyo\n", "time_zone", none},
		{"log level", "host: h\n", "host: h\nlog: {level: WARN}\n", "log.level: INFO -> WARN", none},
		{"listen address", api, elsewhere, "web.listen", func() bool { return page(elsewhere, "/healthz") != "" && page(api, "/healthz") == "" }},
		{"secret", "", "", "sinks.first.secret", none},
	} {
		changed := strings.Replace(base, c.from, c.to, 1)
		if c.name == "secret" {
			keep("whsec_dHdvdHdvdHdvdHdvdHdvdHdvdHdvdHdv")
		} else if changed == base {
			t.Fatalf("%s: nothing is changed", c.name)
		}
		got := reload(changed)
		if !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: %q, want %s", c.name, got, c.want)
		}
		logged(c.name, got)
		until(t, c.name+" is taken over", c.is)
		back := reload(base)
		if c.name != "secret" && len(back) == 0 {
			t.Errorf("%s: it is not taken back", c.name)
		}
		if c.name != "log level" { // at WARN it is not said
			logged(c.name+" taken back", back)
		}
	}
	logged("at the end", nil)
	if strings.Contains(r.log.String(), "whsec_") {
		t.Error("the log shows the secret")
	}
	for name, w := range map[string]*receive.Webhook{"first": first, "second": second} {
		if n := w.Arrived(); n > 0 {
			t.Errorf("%s was told %d things", name, n)
		}
	}
	r.stop(t)
}
