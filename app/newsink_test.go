package app

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/web"
)

// TestNewSink: a sink that was not there hears at once of what is open, but
// for what somebody looks after, whatever else is set; one that was there does
// not hear of it again.
func TestNewSink(t *testing.T) {
	for name, more := range map[string]string{
		"never repeated": "rules: {hold: 0s, repeat: 0s}\n",
		"repeated":       "rules: {hold: 0s, repeat: 4h}\n",
		"hours":          "rules: {hold: 0s, repeat: 4h}\nroutes: [{sinks: [hook, other], hours: [{days: mon-sun, time_zone: UTC}]}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			both := f.sinks
			f.sinks = both[:strings.Index(both, "  - {name: other")]
			f.start(strings.ReplaceAll(more, ", other", ""))
			f.agent("20.0.0-7119")
			for _, p := range []string{"ds_nuagent.exe", "dsa.exe"} {
				f.tell(event.Process, p, event.Up)
				f.tell(event.Process, p, event.Down)
			}
			got := f.hook.Await(t, 2)
			if err := f.a.Ack(t.Context(), got[0].Alert.ID, web.Ack{Author: "kim"}); err != nil {
				t.Fatal(err)
			}
			f.hook.Await(t, 3)
			f.sinks = both
			f.restart(more)
			f.other.Await(t, 1)
			time.Sleep(300 * time.Millisecond)
			if n := len(f.hook.Received()); n != 3 {
				t.Errorf("the sink that was there was told %d times, want 3", n)
			}
			if now := f.other.Received(); len(now) != 1 || now[0].Alert.Transition != event.Raised || now[0].Alert.ID != got[1].Alert.ID {
				t.Errorf("the new sink was told %+v, want the alert that nobody looks after", now)
			}
			f.tell(event.Process, got[1].Alert.Key.Name, event.Up)
			end := f.other.Await(t, 2)[1].Alert
			if first := f.other.Received()[0].Alert; !first.Replay || end.Replay || end.Transition != event.Cleared {
				t.Errorf("to the new sink it began as %+v and ended as %+v, want the beginning alone marked as a replay", first, end)
			}
			for _, d := range f.hook.Await(t, 4) {
				if d.Alert.Replay {
					t.Errorf("the sink that was there was told a replay: %+v", d.Alert)
				}
			}
		})
	}
}

// TestNewSinkOfMany: of more than 20 open alerts a new sink hears as one digest,
// marked as replay, at a start and at a reload; its end comes with theirs.
func TestNewSinkOfMany(t *testing.T) {
	for name, again := range map[string]func(*fleet, string){"start": (*fleet).restart, "reload": func(f *fleet, more string) { f.reload(more) }} {
		t.Run(name, func(t *testing.T) {
			const many = 22
			more := "rules: {hold: 0s, repeat: 0s, storm: {window: 1s}}\nwatch: {items: ["
			for n := range many {
				more += fmt.Sprintf("{kind: process, name: own%02d, os: [windows]}, ", n)
			}
			more += "]}\n"
			f := newFleet(t)
			both := f.sinks
			f.sinks = both[:strings.Index(both, "  - {name: other")]
			f.start(more)
			f.agent("20.0.0-7119")
			tell := func(state event.State) {
				var all []event.Event
				for n := range many {
					k := event.Key{Host: "win01", Component: catalog.Own, Kind: event.Process, Name: fmt.Sprintf("own%02d", n)}
					all = append(all, event.NewState("win01", event.Change, event.Observation{Key: k, State: state, Want: 1, At: time.Now()}))
				}
				if err := f.a.ledger.Publish(t.Context(), all); err != nil {
					t.Fatal(err)
				}
			}
			tell(event.Down)
			f.hook.Await(t, many)
			f.sinks = both
			again(f, more)
			digest := f.other.Await(t, 1)[0].Alert
			if digest.Rule != event.RuleStorm || digest.Transition != event.Raised || !digest.Replay || digest.AffectedCount != many {
				t.Fatalf("the new sink was told %s %q, a replay: %v, of %d; want one digest of %d", digest.Transition, digest.Title, digest.Replay, digest.AffectedCount, many)
			}
			tell(event.Up)
			var end event.Alert
			for _, d := range f.other.Await(t, 2) {
				end = d.Alert
			}
			if end.ID != digest.ID || end.Transition != event.Cleared || end.Replay {
				t.Errorf("the digest goes on with %s %q, a replay: %v; want its end", end.Transition, end.Title, end.Replay)
			}
			for _, d := range f.hook.Await(t, 2*many) {
				if d.Alert.Rule == event.RuleStorm {
					t.Errorf("who was told one by one was told the digest: %q", d.Alert.Title)
				}
			}
		})
	}
}

// TestNoNewSinkAtAnUpgrade: a store that commit 64fc8e6 wrote does not say which
// sinks were there, so all that are configured were: none is told of what is
// open, at that start or the next. One that comes after that is new.
func TestNoNewSinkAtAnUpgrade(t *testing.T) {
	f := newFleet(t)
	unpack(t, filepath.Join("testdata", "store-64fc8e6.tar.gz"), f.dir)
	there, added := &receive.Webhook{}, &receive.Webhook{}
	f.host, f.sinks = "web01", strings.Replace(f.sinks, "name: other", "name: away", 1)
	f.sinks += fmt.Sprintf("  - {name: there, type: webhook, url: %q}\n", receive.StartWebhook(t, there).URL)
	const more = "watch: {facts: {os: linux, components: [agent], agent_version: 20.0.1.700}}\nrules: {hold: 1s, repeat: 0s}\n"
	stored := func() (known []string) {
		eventually(t, "the sinks are known", func() bool {
			last, _, err := f.a.ledger.Receipts().Known(t.Context())
			known = last.Sinks
			return err == nil && slices.Equal(known, sorted(f.a.sinkNames()))
		})
		return known
	}
	f.start(more)
	stored()
	f.restart(more)
	time.Sleep(300 * time.Millisecond)
	if n := len(there.Received()); n != 0 {
		t.Errorf("the sink that was there at the upgrade was told %d times of what was open: %+v", n, there.Received()[0].Alert)
	}
	f.sinks += fmt.Sprintf("  - {name: added, type: webhook, url: %q}\n", receive.StartWebhook(t, added).URL)
	f.restart(more)
	if got := added.Await(t, 1); got[0].Alert.Key.Name != "ds_agent" || got[0].Alert.Transition != event.Raised {
		t.Errorf("the new sink was told %+v", got[0].Alert)
	}
	stored()
	f.restart(more)
	time.Sleep(300 * time.Millisecond)
	if n := len(added.Received()); n != 1 {
		t.Errorf("the new sink was told %d times, want 1", n)
	}
}

// TestWidenedRoute: a sink that was there, and to which a changed route leads
// now, hears at once of what is open, also where nothing is repeated; one that
// heard of it does not hear again, a start without a change tells nobody, and
// what an earlier version stored is no change.
func TestWidenedRoute(t *testing.T) {
	f := newFleet(t)
	route := func(sinks string) string {
		return "rules: {hold: 0s, repeat: 0s}\nroutes: [{match: ['name=nobody'], sinks: [hook, other], continue: true}, {sinks: [" + sinks + "]}]\n"
	}
	f.start(route("hook"))
	f.agent("20.0.0-7119")
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	f.tell(event.Process, "ds_nuagent.exe", event.Down)
	f.hook.Await(t, 1)
	earlier, _, err := f.a.ledger.Receipts().Known(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quiet := func(when string) {
		t.Helper()
		time.Sleep(300 * time.Millisecond)
		if h, o := len(f.hook.Received()), len(f.other.Received()); h != 1 || o != 0 {
			t.Errorf("%s the sinks were told %d and %d times, want 1 and 0", when, h, o)
		}
	}
	f.restart(route("hook"))
	quiet("without a change")
	if err := f.a.ledger.Receipts().Know(t.Context(), engine.Roster{Sinks: earlier.Sinks}); err != nil {
		t.Fatal(err)
	}
	f.restart(route("hook, other"))
	quiet("at an upgrade with a change")
	f.restart(route("hook"))
	quiet("with the route narrowed again")
	f.reload(route("hook, other"))
	if got := f.other.Await(t, 1)[0].Alert; got.Transition != event.Raised || !got.Replay || got.Key.Name != "ds_nuagent.exe" {
		t.Errorf("the sink of the widened route was told %+v", got)
	}
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	f.other.Await(t, 2)
	if got := f.hook.Await(t, 2); len(got) != 2 || got[1].Alert.Transition != event.Cleared {
		t.Errorf("the sink that was told before heard %d times", len(got))
	}
}

func sorted(names []string) []string { slices.Sort(names); return names }
