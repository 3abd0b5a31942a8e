package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/web"
)

// fleet is a whole program on its own bus, and a Windows host that it hears
// of as if that host's dswatch reported to it.
type fleet struct {
	t       *testing.T
	dir     string
	host    string           // hub, unless it is set
	hook    *receive.Webhook // sink hook
	other   *receive.Webhook // sink other
	sinks   string
	url     string // of the bus; empty: embedded
	busKeys string // more of the bus
	config  string // of the last start
	log     io.Writer
	a       *App
	cancel  func()
	done    chan error
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, dir: t.TempDir(), hook: &receive.Webhook{}, other: &receive.Webhook{}, log: io.Discard}
	f.sinks = fmt.Sprintf("sinks:\n  - {name: hook, type: webhook, url: %q}\n  - {name: other, type: webhook, url: %q}\n",
		receive.StartWebhook(t, f.hook).URL, receive.StartWebhook(t, f.other).URL)
	t.Cleanup(f.stop)
	return f
}

// start runs the program with more configuration. Nothing of this host is
// looked at again within the test.
func (f *fleet) start(config string) {
	f.t.Helper()
	f.config = config
	file := filepath.Join(f.dir, "fleet.yaml")
	f.write(config)
	l, err := Load(file)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if f.a, err = Open(ctx, l, Options{Log: slog.New(slog.NewTextHandler(f.log, nil))}); err != nil {
		f.t.Fatal(err)
	}
	f.cancel, f.done = cancel, make(chan error, 1)
	go func() { f.done <- f.a.Run(ctx) }()
	eventually(f.t, "the engine runs", func() bool { _, err := f.a.decider(); return err == nil })
	eventually(f.t, "all of it runs", func() bool {
		f.a.reloads.mu.Lock()
		defer f.a.reloads.mu.Unlock()
		return f.a.reloads.running != nil
	})
}

// write writes the configuration file.
func (f *fleet) write(config string) {
	f.t.Helper()
	err := os.WriteFile(filepath.Join(f.dir, "fleet.yaml"), fmt.Appendf(nil, `
host: %s
bus: {dir: %q, url: %q%s}
detectors:
  process: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  service: {schedule: "@every 1h"}
  port: {schedule: "@every 1h"}
web: {listen: ""}
%s%s`, cmp.Or(f.host, "hub"), f.dir, f.url, f.busKeys, f.sinks, config), 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) stop() {
	if f.cancel == nil {
		return
	}
	f.cancel()
	f.cancel = nil
	if err := <-f.done; err != nil {
		f.t.Error(err)
	}
	if err := f.a.Close(); err != nil {
		f.t.Error(err)
	}
}

func (f *fleet) restart(config string) { f.t.Helper(); f.stop(); f.start(config) }

// agent tells the facts of the Windows host with this version of the agent.
func (f *fleet) agent(version string) {
	f.t.Helper()
	facts := event.Facts{}
	for n, v := range map[event.Name]string{event.OS: event.Windows, event.Components: event.Agent, event.AgentVersion: version, event.TLSInspection: event.On} {
		facts[n] = event.Fact{Value: v, Origin: "test"}
	}
	if err := f.a.ledger.PublishFacts(f.t.Context(), "win01", event.FactsReport{Host: "win01", Observer: "win01", Facts: facts, At: time.Now()}); err != nil {
		f.t.Fatal(err)
	}
}

// tell reports the state of an item of the Windows host.
func (f *fleet) tell(kind event.Kind, name string, s event.State) {
	f.t.Helper()
	k := event.Key{Host: "win01", Component: "agent", Kind: kind, Name: name}
	if name == "own.exe" {
		k.Component = "custom"
	}
	o := event.Observation{Key: k, State: s, Want: 1, At: time.Now()}
	if s == event.Up {
		o.Found = 1
	}
	if err := f.a.ledger.Publish(f.t.Context(), []event.Event{event.NewState("win01", event.Change, o)}); err != nil {
		f.t.Fatal(err)
	}
}

// unpaired is the metric of one sink as a scrape finds it.
func (f *fleet) unpaired(sink string) string {
	f.t.Helper()
	families, err := f.a.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "dswatch_alerts_unpaired" && m.GetLabel()[0].GetValue() == sink {
				return fmt.Sprint(m.GetGauge().GetValue())
			}
		}
	}
	return "not there"
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func transitions(w *receive.Webhook) (out []string) {
	for _, d := range w.Received() {
		out = append(out, string(d.Alert.Transition)+" "+d.Alert.Key.Name)
	}
	return out
}

// TestOneResolve: whatever happens between a firing and its end, who was told
// the firing is told the end, once.
func TestOneResolve(t *testing.T) {
	const own = "rules: {hold: 0s}\nwatch: {items: [{kind: process, name: own.exe, os: [windows]}]}\n"
	for name, c := range map[string]struct {
		kind event.Kind
		item string
		end  func(f *fleet)
	}{
		"a silence": {event.Process, "own.exe", func(f *fleet) {
			s := web.Silence{Match: []string{"host=win01"}, Ends: time.Now().Add(time.Hour), Author: "kim", Comment: "patching"}
			if _, err := f.a.AddSilence(f.t.Context(), s); err != nil {
				f.t.Fatal(err)
			}
			f.tell(event.Process, "own.exe", event.Up)
		}},
		"a maintenance window": {event.Process, "own.exe", func(f *fleet) {
			f.restart(own + fmt.Sprintf("maintenance: [{name: now, schedule: \"0 %d * * *\", duration: 3h, time_zone: UTC}]\n", (time.Now().UTC().Hour()+23)%24))
			f.tell(event.Process, "own.exe", event.Up)
		}},
		"other routes": {event.Process, "own.exe", func(f *fleet) {
			f.restart(own + "routes: [{sinks: [other]}]\n")
			f.tell(event.Process, "own.exe", event.Up)
		}},
		"hours that are over": {event.Process, "own.exe", func(f *fleet) {
			other := strings.ToLower(time.Now().UTC().AddDate(0, 0, 3).Weekday().String()[:3])
			f.restart(own + fmt.Sprintf("routes: [{sinks: [hook, other], hours: [{days: %s, time_zone: UTC}]}]\n", other))
			f.tell(event.Process, "own.exe", event.Up)
		}},
		"a deleted row":  {event.Process, "own.exe", func(f *fleet) { f.restart("rules: {hold: 0s}\n") }},
		"an ignored row": {event.Service, "ds_agent", func(f *fleet) { f.restart(strings.Replace(own, "watch: {", "watch: {ignore: [service/ds_agent], ", 1)) }},
		"a process that the upgrade renamed": {event.Process, "ds_nuagent.exe", func(f *fleet) {
			f.agent("20.0.0-8438")
			f.tell(event.Process, "tm_netagent.exe", event.Up)
		}},
		"a service that the upgrade took away": {event.Service, "ds_nuagent", func(f *fleet) { f.agent("20.0.0-7119") }},
		"a restart": {event.Process, "own.exe", func(f *fleet) {
			f.restart(own)
			f.tell(event.Process, "own.exe", event.Up)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			f.start(own)
			version := "20.0.0-8437"
			if c.kind == event.Service {
				version = "20.0.0-7118"
			}
			f.agent(version)
			f.tell(c.kind, c.item, event.Down)
			f.hook.Await(t, 1)
			f.other.Await(t, 1)
			c.end(f)
			f.hook.Await(t, 2)
			f.other.Await(t, 2)
			eventually(t, "nothing is unpaired", func() bool { return f.unpaired("hook") == "0" && f.unpaired("other") == "0" })
			f.restart(f.config) // what was told stays told
			f.stop()
			for sink, w := range map[string]*receive.Webhook{"hook": f.hook, "other": f.other} {
				want := []string{"raised " + c.item, "cleared " + c.item}
				if got := transitions(w); !slices.Equal(got, want) {
					t.Errorf("%s was told %q, want %q", sink, got, want)
				}
			}
		})
	}
}

// TestRefusedResolve: a resolve in the dead letters did not arrive, and that
// is what the command and the metric say.
func TestRefusedResolve(t *testing.T) {
	f := newFleet(t)
	f.start("rules: {hold: 0s}\nwatch: {items: [{kind: process, name: own.exe, os: [windows]}]}\n")
	f.agent("20.0.0-8438")
	f.tell(event.Process, "own.exe", event.Down)
	f.hook.Await(t, 1)
	f.hook.Answer(http.StatusBadRequest, nil)
	f.tell(event.Process, "own.exe", event.Up)
	f.other.Await(t, 2)
	eventually(t, "the refused resolve is counted", func() bool {
		found, err := f.a.Unpaired(t.Context())
		return err == nil && len(found) == 1 && found[0].Sink == "hook" && found[0].Key.Name == "own.exe"
	})
	if hook, other := f.unpaired("hook"), f.unpaired("other"); hook != "1" || other != "0" {
		t.Errorf("the metric says %s for the sink that refused, %s for the other", hook, other)
	}
	f.restart("rules: {hold: 0s}\n")
	eventually(t, "it is counted after a restart", func() bool { return f.unpaired("hook") == "1" })
}

// TestRefusedRaise: of a firing that a far end refused as a whole, nothing
// has to be resolved there.
func TestRefusedRaise(t *testing.T) {
	f := newFleet(t)
	f.start("rules: {hold: 0s}\nwatch: {items: [{kind: process, name: own.exe, os: [windows]}]}\n")
	f.hook.Answer(http.StatusBadRequest, nil)
	f.agent("20.0.0-8438")
	f.tell(event.Process, "own.exe", event.Down)
	f.other.Await(t, 1)
	f.tell(event.Process, "own.exe", event.Up)
	f.other.Await(t, 2)
	eventually(t, "the metric knows", func() bool { return f.unpaired("hook") == "0" })
	if found, err := f.a.Unpaired(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("unpaired: %+v, %v", found, err)
	}
}
