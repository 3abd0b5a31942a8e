package test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/test/receive"
)

// rounds is how often the crash test kills the program.
func rounds() int {
	if os.Getenv("DSWATCH_SOAK") != "" {
		return 1000
	}
	return 50
}

// TestCrashKillNine kills the running program at random moments while real
// processes come and go, and starts it again. At the end every sink has every
// alert that the stored events give, each with its resolve, in order, with
// the same ids; a copy is allowed only of the delivery that was under way at
// a kill.
func TestCrashKillNine(t *testing.T) {
	const items = 20
	agents := newAgents(t)
	names := numbered("crash", items)
	for _, name := range names {
		agents.start(name)
	}
	hook := &receive.Webhook{}
	hookServer := receive.StartWebhook(t, hook)
	nms := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t)})
	dir := filepath.Join(t.TempDir(), "bus")
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
rules: {hold: 0s, flap: {changes: 0}}
web: {listen: ""}
sinks:
  - {name: hook, type: webhook, url: %q}
  - {name: nms, type: snmp, address: %q, version: 2c, community: public}
`, dir, processRows(names), hookServer.URL, nms.Address))

	// The processes flip by themselves while the program is killed.
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 4118))
	t.Logf("%d kills", rounds())
	ctx, cancel := context.WithCancel(t.Context())
	var flips int
	var flipping sync.WaitGroup
	up := map[string]bool{}
	flipping.Go(func() {
		r := rand.New(rand.NewPCG(4118, 9))
		for ctx.Err() == nil {
			name := names[r.IntN(items)]
			if up[name] = !up[name]; up[name] {
				agents.kill(name) // up means flipped: it is down now
			} else {
				agents.start(name)
			}
			flips++
			time.Sleep(time.Duration(20+r.IntN(150)) * time.Millisecond)
		}
	})
	for range rounds() {
		r := startFile(t, path)
		time.Sleep(time.Duration(100+rnd.IntN(1300)) * time.Millisecond)
		r.kill()
	}
	cancel()
	flipping.Wait()
	for name, down := range up {
		if down {
			agents.start(name)
		}
	}
	r := startFile(t, path)
	until(t, "everything is settled", func() bool { return settled(hook) })
	time.Sleep(3 * time.Second)
	r.stop(t)
	if flips < 200 {
		t.Errorf("only %d state changes flowed", flips)
	}
	want := decided(t, dir)
	for name, got := range map[string][]told{"webhook": fromWebhook(hook), "snmptrapd": fromTraps(nms)} {
		compare(t, name, want, got)
	}
	t.Logf("%d flips of real processes, %d deliveries", flips, len(hook.Received()))
}

// told is one transition as a far end has it.
type told struct {
	id, slot   string
	seq        int
	transition event.Transition
	state      event.State
}

func fromWebhook(w *receive.Webhook) (out []told) {
	for _, d := range w.Received() {
		a := d.Alert
		out = append(out, told{a.ID, a.Slot(), a.Seq, a.Transition, a.State})
	}
	return out
}

func fromTraps(d *receive.Snmptrapd) (out []told) {
	for _, trap := range d.Traps() {
		k := event.Key{Host: trap["dswatchAlertHost.0"], Component: trap["dswatchAlertComponent.0"], Kind: event.Kind(trap["dswatchAlertKind.0"]), Name: trap["dswatchAlertName.0"]}
		var seq int
		_, _ = fmt.Sscan(trap["dswatchAlertSeq.0"], &seq)
		out = append(out, told{trap["dswatchAlertId.0"], event.Alert{Key: k, Rule: trap["dswatchAlertRule.0"]}.Slot(), seq,
			event.Transition(trap["dswatchAlertTransition.0"]), event.State(trap["dswatchAlertState.0"])})
	}
	return out
}

// settled reports whether every alert that was raised was cleared.
func settled(w *receive.Webhook) bool {
	open := map[string]bool{}
	for _, d := range fromWebhook(w) {
		open[d.id] = d.transition.Firing()
	}
	for _, o := range open {
		if o {
			return false
		}
	}
	return true
}

// decided reads the event stream and decides it once more, in one go. With
// no hold, the stream alone says what must have been told.
func decided(t *testing.T, dir string) map[string][]told {
	t.Helper()
	c := bus.Defaults()
	c.Dir = dir
	b, err := bus.Open(t.Context(), c, bus.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour, Patience: time.Hour}, Language: "en"}
	statuses := map[event.Key]rules.Status{}
	want := map[string][]told{}
	err = b.Scan(t.Context(), bus.Events, "dswatch.event.>", func(m bus.Stored) error {
		if bus.IsPulse(m.Subject) {
			return nil
		}
		e, err := event.Decode(m.Data)
		if err != nil || e.Key().Component != "custom" {
			return err
		}
		row := &catalog.Row{Component: "custom", Kind: event.Process, Name: e.Key().Name}
		st, ds := set.Decide(time.Now(), statuses[e.Key()], rules.Snapshot{Row: row, Verdict: catalog.Verdict{Expected: catalog.Yes}}, e)
		statuses[e.Key()] = st
		for _, d := range ds {
			if a := d.Alert; a != nil {
				want[a.Slot()] = append(want[a.Slot()], told{a.ID, a.Slot(), a.Seq, a.Transition, a.State})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// compare holds one far end against what was decided.
func compare(t *testing.T, far string, want map[string][]told, got []told) {
	t.Helper()
	bySlot := map[string][]told{}
	seen := map[told]bool{}
	copies := 0
	for _, g := range got {
		if seen[g] {
			copies++
			continue
		}
		seen[g] = true
		bySlot[g.slot] = append(bySlot[g.slot], g)
	}
	if copies > rounds() {
		t.Errorf("%s: %d copies in %d kills", far, copies, rounds())
	}
	total := 0
	for slot, ws := range want {
		gs := bySlot[slot]
		total += len(ws)
		if len(gs) != len(ws) {
			t.Errorf("%s: %d transitions of %s, want %d", far, len(gs), slot, len(ws))
			continue
		}
		for i := range ws {
			if gs[i].seq != ws[i].seq || gs[i].transition != ws[i].transition || gs[i].state != ws[i].state {
				t.Errorf("%s: %s step %d is %v, want %v", far, slot, i, gs[i], ws[i])
			}
		}
		checkIDs(t, far, gs)
	}
	t.Logf("%s: %d transitions, %d copies of deliveries that were under way at a kill", far, total, copies)
}

// checkIDs holds that one firing keeps one id from its raise to its resolve.
func checkIDs(t *testing.T, far string, steps []told) {
	t.Helper()
	id := ""
	for _, s := range steps {
		if s.transition == event.Raised {
			id = s.id
		}
		if s.id != id {
			t.Errorf("%s: %v is not of the firing %s", far, s, id)
		}
	}
}

// TestCrashPowerLoss takes the outbox away, as a power loss does that comes
// before it was flushed: the statuses and the receipts alone must be enough
// to tell every sink what it has not been told.
func TestCrashPowerLoss(t *testing.T) {
	agents := newAgents(t)
	agents.start("ds_agent")
	agents.start("ds_agent")
	hook := &receive.Webhook{}
	server := receive.StartWebhook(t, hook)
	dir := filepath.Join(t.TempDir(), "bus")
	path := configFile(t, fmt.Sprintf(quick, "web01")+fmt.Sprintf(`
bus: {dir: %q}
detectors: {process: {schedule: "@every 1s"}}
sinks: [{name: hook, type: webhook, url: %q}]
`, dir, server.URL))
	r := startFile(t, path)
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	time.Sleep(1500 * time.Millisecond)
	agents.kill("ds_agent")
	hook.Await(t, 1) // degraded was delivered
	server.Stop()
	agents.kill("ds_agent")
	time.Sleep(4 * time.Second) // down waits in the outbox
	r.kill()
	if n := loseOutbox(t, dir); n != 1 {
		t.Fatalf("%d deliveries were in the outbox, want the one that was not delivered", n)
	}
	server.Start(t)
	r = startFile(t, path)
	got := hook.Await(t, 2)
	if a := got[1].Alert; a.ID != got[0].Alert.ID || a.Transition != event.Changed || a.State != event.Down || a.Seq != 2 {
		t.Errorf("after the power loss the sink got %+v", a)
	}
	agents.start("ds_agent")
	agents.start("ds_agent")
	until(t, "the resolve came", func() bool { return settled(hook) })
	time.Sleep(1500 * time.Millisecond)
	r.stop(t)
	steps := fromWebhook(hook)
	checkIDs(t, "webhook", steps)
	for i, s := range steps {
		if s.seq != i+1 {
			t.Errorf("step %d is %v", i, s)
		}
	}
}

// loseOutbox removes everything that waits and returns how much that was.
func loseOutbox(t *testing.T, dir string) (n int) {
	t.Helper()
	c := bus.Defaults()
	c.Dir = dir
	b, err := bus.Open(t.Context(), c, bus.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	var lost []uint64
	err = b.Scan(t.Context(), bus.Outbox, "", func(m bus.Stored) error {
		if !bus.IsPulse(m.Subject) {
			lost = append(lost, m.Sequence)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range lost {
		if err := b.Drop(t.Context(), bus.Outbox, s); err != nil {
			t.Fatal(err)
		}
	}
	return len(lost)
}
