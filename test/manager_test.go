package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/detector/manager/managertest"
	"dswatch/test/receive"
)

// managed is a program that asks a stand-in of the manager every second and
// tells a webhook.
type managed struct {
	t    *testing.T
	dsm  *managertest.StandIn
	hook *receive.Webhook
	path string
	r    *running
	told int // how many deliveries were accounted for
}

func startManaged(t *testing.T, computers ...map[string]any) *managed {
	t.Helper()
	m := &managed{t: t, dsm: managertest.Start(t, computers...), hook: &receive.Webhook{}}
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "api.key")
	m.path = filepath.Join(dir, "dswatch.yaml")
	config := fmt.Sprintf(`
host: hub
watch: {facts: {os: linux}}
bus: {dir: %q}
rules: {hold: 2s, patience: 2s}
web: {listen: %q}
detectors:
  manager: {url: %q, api_key_file: %q, fingerprint: %q, proxy: none, schedule: "@every 1s", timeout: 3s, page: 2}
sinks:
  - {name: hook, type: webhook, url: %q}
`, filepath.Join(dir, "bus"), freeAddress(t), m.dsm.URL, keyFile, m.dsm.Fingerprint(), receive.StartWebhook(t, m.hook).URL)
	for path, text := range map[string]string{keyFile: managertest.Key + "\n", m.path: config} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.start()
	return m
}

func (m *managed) start() {
	m.t.Helper()
	pages := len(m.dsm.Asked())
	m.r = startFile(m.t, m.path)
	until(m.t, "the manager was asked", func() bool { return len(m.dsm.Asked()) > pages+4 })
}

// set changes the manager's answers.
func (m *managed) set(computers ...map[string]any) {
	m.dsm.Set(func() {
		m.dsm.Computers, m.dsm.Page, m.dsm.Pinged, m.dsm.Limit, m.dsm.Retry = computers, nil, nil, 0, ""
	})
}

// wants awaits these deliveries in any order, "transition rule host kind/name
// severity", and nothing beside them.
func (m *managed) wants(why string, want ...string) {
	m.t.Helper()
	got := m.hook.Await(m.t, m.told+len(want))
	var lines []string
	for _, d := range got[m.told:] {
		a := d.Alert
		lines = append(lines, strings.Join([]string{string(a.Transition), a.Rule, a.Key.Host, a.Key.Row(), string(a.Severity)}, " "))
	}
	m.told = len(got)
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		m.t.Fatalf("%s: told\n  %s\nwant\n  %s", why, strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
}

// quiet waits until the manager was looked at twice more and the
// patience has passed, and wants nothing told.
func (m *managed) quiet(why string) {
	m.t.Helper()
	pings := m.dsm.Pings()
	until(m.t, why+": two more looks", func() bool { return m.dsm.Pings() > pings+2 })
	time.Sleep(2500 * time.Millisecond)
	m.wants(why)
}

// TestAcceptanceManager runs the compiled program against a stand-in of the
// manager over HTTPS.
func TestAcceptanceManager(t *testing.T) {
	t.Parallel() // it watches no process of this machine
	computer := managertest.Computer
	offline := func(c map[string]any) {
		managertest.Status("error", "Offline")(c)
		managertest.With("lastAgentCommunication", time.Now().Add(-time.Hour).UnixMilli())(c)
	}
	web01, web02, web03 := computer(1, "web01"), computer(2, "web02"), computer(3, "web03", managertest.Module("firewall", "off", "inactive", "Off"))
	m := startManaged(t, web01, web02, web03)
	m.quiet("all is well")

	m.set(computer(1, "web01", offline), web02, web03)
	m.wants("a heartbeat is lost", "raised loss web01 heartbeat/agent warning")
	m.set(web01, web02, web03)
	m.wants("it is back", "cleared loss web01 heartbeat/agent warning")

	m.set(web01, computer(2, "web02", managertest.Module("antiMalware", "on", "error", "Engine Offline"), managertest.Status("error", "Anti-Malware Engine Offline")), web03)
	m.wants("a module fails on an agent that is heard", "raised loss web02 module/anti_malware critical")
	m.set(web01, web02, web03)
	m.wants("it works again", "cleared loss web02 module/anti_malware critical")

	// Facts and observations are two messages: the hold covers the moment between.
	m.set(web01, computer(2, "web02", managertest.Module("antiMalware", "off", "inactive", "Off")), web03)
	m.quiet("a module is switched off")
	m.set(web01, web02, web03)
	m.quiet("and on")

	m.dsm.Set(func() { m.dsm.Limit, m.dsm.Retry = 1, "3" })
	m.quiet("asked too often")
	m.set(web01, web02, web03)

	m.dsm.Set(func() {
		m.dsm.Page = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<!DOCTYPE html><html>log in</html>"))
			return true
		}
	})
	m.wants("HTML", "raised unknown 127.0.0.1 heartbeat/api warning")
	m.set(web01, web02, web03)
	m.wants("no longer", "cleared unknown 127.0.0.1 heartbeat/api warning")
	m.dsm.Set(func() {
		m.dsm.Page = func(_ http.ResponseWriter, r *http.Request) bool {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
			return true
		}
	})
	m.wants("a slow answer", "raised unknown 127.0.0.1 heartbeat/api warning")
	m.set(web01, web02, web03)
	m.wants("no longer", "cleared unknown 127.0.0.1 heartbeat/api warning")

	m.set(web01, computer(2, "web02", managertest.Without("computerStatus", "firewall", "agentVersion")), web03)
	m.wants("fields are missing of one computer", "raised unknown web02 heartbeat/agent warning", "raised unknown web02 module/firewall warning")
	m.set(web01, web02, web03)
	m.wants("they are back", "cleared unknown web02 heartbeat/agent warning", "cleared unknown web02 module/firewall warning")

	dead := func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	m.dsm.Set(func() { m.dsm.Page, m.dsm.Pinged = dead, dead })
	m.wants("the manager is down", "raised loss 127.0.0.1 heartbeat/manager warning")
	m.quiet("what it told of its computers a moment ago counts")
	out, _, _ := output(t, "status", "-c", m.path)
	if n := strings.Count(out, "unknown  yes"); n != 1 || strings.Count(out, "down     yes") != 1 {
		t.Errorf("status while the manager is down:\n%s", out)
	}
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03)
	m.wants("it is back, with two losses", "cleared loss 127.0.0.1 heartbeat/manager warning", "raised loss web01 heartbeat/agent warning", "raised loss web02 heartbeat/agent warning")

	deactivated := func(c map[string]any) {
		managertest.Status("inactive", "Unmanaged (Activation Required)")(c)
		managertest.With("agentFingerPrint", "")(c)
		for _, module := range []string{"antiMalware", "webReputation", "firewall", "intrusionPrevention"} {
			managertest.Module(module, "inherited", "inactive", "")(c)
		}
	}
	never := computer(5, "web05", deactivated)
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03, computer(4, "web04"), never)
	m.quiet("two new ones, one of them not activated")
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03, computer(4, "web04", managertest.Status("inactive", "Managed (VM Stopped)")), never)
	m.quiet("one is switched off")
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03, computer(4, "web04", deactivated), never)
	m.wants("one is deactivated", "raised loss web04 heartbeat/agent warning")
	m.r.stop(t)
	m.start()
	m.quiet("and still after a restart")
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03, computer(4, "web04"), never)
	m.wants("it is activated again", "cleared loss web04 heartbeat/agent warning")
	m.r.stop(t)
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03, computer(4, "web04", deactivated), never)
	m.start()
	m.wants("deactivated while nobody looked", "raised loss web04 heartbeat/agent warning")
	m.set(computer(1, "web01", offline), computer(2, "web02", offline), web03, never)
	m.wants("and deleted", "cleared loss web04 heartbeat/agent warning")

	m.set(computer(2, "web02", offline), web03)
	m.wants("a computer is deleted", "cleared loss web01 heartbeat/agent warning")
	m.r.stop(t)
	m.set(web03)
	m.start()
	m.wants("another one while nobody looked", "cleared loss web02 heartbeat/agent warning")

	out, _, code := output(t, "check", "-c", m.path, "--format", "json")
	var res struct {
		Items []struct{ Host, Kind, Name, Expected, State, Reason string }
	}
	if err := json.Unmarshal([]byte(out), &res); err != nil || code != 0 {
		t.Fatalf("check: exit %d, %v: %s", code, err, out)
	}
	found := map[string]string{}
	for _, i := range res.Items {
		found[i.Host+" "+i.Kind+"/"+i.Name] = i.Expected + " " + i.State
	}
	for item, want := range map[string]string{"web03 heartbeat/agent": "yes up", "web03 module/firewall": "no down", "127.0.0.1 heartbeat/api": "yes up"} {
		if found[item] != want {
			t.Errorf("check shows %s as %q, want %q", item, found[item], want)
		}
	}
	m.wants("nothing else")
	m.r.stop(t)
	for _, text := range []string{m.r.log.String(), out} {
		if strings.Contains(text, managertest.Key) {
			t.Errorf("the key is in:\n%s", text)
		}
	}
}
