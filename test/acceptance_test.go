package test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/event"
	"dswatch/test/receive"
)

// quick is the part of a configuration that makes tests short: a look every
// second, facts that switch most rows off, no local API.
const quick = `
host: %s
watch:
  facts:
    os: linux
    components: [agent]
    edition: deep_security
    relay: off
    communication: bidirectional
    features: {anti_malware: off, web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: off}
  ignore: [driver/dsa_filter_hook, port/4118/tcp]
rules: {hold: 0s}
web: {listen: ""}
`

// TestAcceptance runs the compiled program against a real snmptrapd, a real
// rsyslogd over udp and tcp, an HTTP server and a stand-in of Slack, while
// real processes die and come back.
func TestAcceptance(t *testing.T) {
	agents := newAgents(t)
	agents.start("ds_agent")
	listen := agents.start("ds_agent", "127.0.0.1:0")
	port := listen[strings.LastIndex(listen, ":")+1:]
	agents.start("ds_am") // anti-malware is off: its loss must not be told

	nms := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t)})
	siem := receive.StartRsyslogd(t, receive.SyslogOptions{})
	archive := receive.StartRsyslogd(t, receive.SyslogOptions{})
	hook := &receive.Webhook{}
	hookServer := receive.StartWebhook(t, hook)
	slack := &receive.Slack{}
	slackServer := receive.StartSlack(t, slack)

	r := start(t, fmt.Sprintf(quick, "web01")+fmt.Sprintf(`
bus: {dir: %q}
detectors:
  process: {schedule: "@every 1s"}
  port: {schedule: "@every 1s", targets: [{ports: [%s], method: listen, loopback: true}]}
sinks:
  - {name: nms, type: snmp, address: %q, version: 2c, community: public}
  - {name: siem, type: syslog, network: udp, address: %q, format: rfc5424}
  - {name: archive, type: syslog, network: tcp, address: %q, format: rfc5424}
  - {name: hook, type: webhook, url: %q}
  - {name: chat, type: slack, webhook_url: %q}
`, filepath.Join(t.TempDir(), "bus"), port, nms.Address, siem.UDP, archive.TCP, hookServer.URL, slackServer.URL+receive.SlackPath))
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	time.Sleep(2 * time.Second) // two passes: were anything told of the healthy state, it would arrive

	agents.kill("ds_am")
	step := func(n int, do func()) { // n: what the webhook has when the step is over
		t.Helper()
		do()
		hook.Await(t, n)
	}
	step(2, func() { agents.kill("ds_agent") }) // the listener
	step(3, func() { agents.kill("ds_agent") })
	step(5, func() { agents.start("ds_agent", "127.0.0.1:"+port); agents.start("ds_agent") })
	time.Sleep(2 * time.Second) // whatever comes twice, comes now
	r.stop(t)

	port += "/tcp"
	want := map[string][]string{
		"ds_agent": {"raised degraded", "changed down", "cleared up"},
		port:       {"raised down", "cleared up"},
	}
	got := map[string][]string{}
	for _, d := range hook.Received() {
		a := d.Alert
		got[a.Key.Name] = append(got[a.Key.Name], string(a.Transition)+" "+string(a.State))
	}
	// Starting two processes one after the other may be seen in between.
	got["ds_agent"] = without(got["ds_agent"], "changed degraded")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the webhook got (-want +got):\n%s", d)
	}
	n := len(hook.Received())
	if r := hook.Refused(); len(r) > 0 {
		t.Errorf("the webhook refused %v", r)
	}

	// Order is kept per alert, not between alerts, so each sink's deliveries
	// are looked up by the id that all payloads carry.
	sent := map[string]event.Alert{}
	for _, d := range hook.Received() {
		sent[d.Alert.DeliveryID()] = d.Alert
	}
	if len(sent) != n {
		t.Errorf("%d deliveries with %d different ids", n, len(sent))
	}
	once := func(sink string, ids []string) {
		t.Helper()
		left := maps.Clone(sent)
		for _, id := range ids {
			if _, ok := left[id]; !ok {
				t.Errorf("%s: %s came twice, or the webhook never got it", sink, id)
			}
			delete(left, id)
		}
		for id := range left {
			t.Errorf("%s: %s never came", sink, id)
		}
	}

	var ids []string
	for _, trap := range nms.Await(t, n) {
		id := trap["dswatchAlertId.0"] + "." + trap["dswatchAlertSeq.0"]
		ids = append(ids, id)
		a := sent[id]
		name := map[bool]string{true: "dswatchRaised", false: "dswatchCleared"}[a.Transition.Firing()]
		for object, want := range map[string]string{
			"snmpTrapOID.0": name, "dswatchAlertState.0": string(a.State), "dswatchAlertSeverity.0": string(a.Severity),
			"dswatchAlertTransition.0": string(a.Transition), "dswatchAlertName.0": a.Key.Name, "dswatchAlertHost.0": "web01",
		} {
			if trap[object] != want {
				t.Errorf("trap %s: %s is %q, want %q", id, object, trap[object], want)
			}
		}
	}
	once("snmptrapd", ids)

	for name, lines := range map[string][]string{"rsyslogd over udp": siem.Await(t, n), "rsyslogd over tcp": archive.Await(t, n)} {
		ids = nil
		for _, line := range lines {
			m := sdID.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: no structured data of ours:\n%s", name, line)
			}
			id := m[1] + "." + m[2]
			ids = append(ids, id)
			a := sent[id]
			for _, part := range []string{" web01 dswatch ", `transition="` + string(a.Transition) + `"`, `name="` + a.Key.Name + `"`, a.Title} {
				if !strings.Contains(line, part) {
					t.Errorf("%s: line of %s lacks %q:\n%s", name, id, part, line)
				}
			}
		}
		once(name, ids)
	}

	ids = nil
	for _, m := range slack.Await(t, n) {
		id := slackID.FindStringSubmatch(m.Shown())
		if id == nil {
			t.Fatalf("Slack: a message without an id:\n%s", m.Shown())
		}
		ids = append(ids, id[1]+"."+id[2])
		if a := sent[id[1]+"."+id[2]]; !strings.Contains(m.Shown(), a.Title) {
			t.Errorf("Slack: the message of %s lacks %q:\n%s", id[1], a.Title, m.Shown())
		}
	}
	once("Slack", ids)
	if r := slack.Refused(); len(r) > 0 {
		t.Errorf("Slack refused %v", r)
	}
}

var (
	sdID    = regexp.MustCompile(`\[dswatch@32473 id="([0-9a-f]+)" seq="(\d+)"`)
	slackID = regexp.MustCompile(`Alert ([0-9a-f]+) · (\d+)`)
)

func without(list []string, drop string) []string {
	var out []string
	for _, s := range list {
		if s != drop {
			out = append(out, s)
		}
	}
	return out
}

// TestRestartTellsNothingTwice stops the program while an alert is open and
// starts it again: no second raise, and the resolve comes.
func TestRestartTellsNothingTwice(t *testing.T) {
	agents := newAgents(t)
	agents.start("ds_agent")
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	path := configFile(t, fmt.Sprintf(quick, "web01")+fmt.Sprintf(`
bus: {dir: %q}
detectors: {process: {schedule: "@every 1s"}}
sinks: [{name: hook, type: webhook, url: %q}]
`, filepath.Join(t.TempDir(), "bus"), server.URL))
	r := startFile(t, path)
	hook.Await(t, 1)
	r.stop(t)
	r = startFile(t, path)
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	time.Sleep(2500 * time.Millisecond)
	if n := len(hook.Received()); n != 1 {
		t.Fatalf("%d deliveries after the restart, want the one of before", n)
	}
	agents.start("ds_agent")
	got := hook.Await(t, 2)
	if a, b := got[0].Alert, got[1].Alert; a.ID != b.ID || b.Transition != "cleared" || b.Seq != 2 {
		t.Errorf("raised %+v, then %+v", a, b)
	}
	r.stop(t)
}

// TestStop measures both signals: the first one stops in order, a second one
// at once, even while a sink hangs.
func TestStop(t *testing.T) {
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	hook.Delay(time.Minute)
	config := fmt.Sprintf(quick, "web01") + fmt.Sprintf(`
bus: {dir: %q}
detectors: {process: {schedule: "@every 1s"}}
sinks: [{name: hook, type: webhook, url: %q, timeout: 50s}]
`, filepath.Join(t.TempDir(), "bus"), server.URL)
	r := start(t, config)
	until(t, "the sink hangs", func() bool { return hook.Arrived() > 0 })
	_ = r.cmd.Process.Signal(os.Interrupt)
	time.Sleep(200 * time.Millisecond)
	select {
	case <-r.done:
		t.Fatal("stopped without giving the attempt under way its grace")
	default:
	}
	began := time.Now()
	_ = r.cmd.Process.Signal(os.Interrupt)
	<-r.done
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the second signal took %s", took)
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit status %d after the second signal, want 130", code)
	}
}
