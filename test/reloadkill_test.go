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
	"syscall"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/event"
	"dswatch/ledger"
	"dswatch/test/receive"
)

// reloadKills is how many reloads a kill falls into.
func reloadKills() int {
	if os.Getenv("DSWATCH_SOAK") != "" {
		return 50
	}
	return 4
}

// flips are items of a host of their own that come and go.
type flips struct {
	ledger *ledger.Ledger
	losses map[string]int // by item
}

const flipItems = 50

func (f *flips) tell(ctx context.Context, name string, s event.State) {
	o := event.Observation{Key: event.Key{Host: "win01", Component: "custom", Kind: event.Process, Name: name}, State: s, Want: 1, At: time.Now()}
	if s == event.Up {
		o.Found = 1
	} else {
		f.losses[name]++
	}
	for f.ledger.Publish(ctx, []event.Event{event.NewState("win01", event.Change, o)}) != nil && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// run flips one item each 2 ms until stop is closed, and leaves all of them up.
func (f *flips) run(ctx context.Context, stop <-chan struct{}) (changes int) {
	down := map[string]bool{}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for ; ctx.Err() == nil; changes++ {
		select {
		case <-tick.C:
		case <-stop:
			for name, is := range down {
				if is {
					f.tell(ctx, name, event.Up)
				}
			}
			return changes
		}
		name := fmt.Sprintf("p%02d", changes%flipItems)
		if down[name] = !down[name]; down[name] {
			f.tell(ctx, name, event.Down)
		} else {
			f.tell(ctx, name, event.Up)
		}
	}
	return changes
}

// TestReloadKillNine kills the program in the middle of reloads of valid and
// broken configurations while 500 changes a second come in from another host: no
// loss is left out or left open, and only what was under way at a kill is told
// twice.
func TestReloadKillNine(t *testing.T) {
	t.Parallel()
	server := bustest.NewServer(t, nil)
	hooks := map[string]*receive.Webhook{"hook": {}, "other": {}}
	urls := map[string]string{}
	for name, w := range hooks {
		urls[name] = receive.StartWebhook(t, w).URL
	}
	var rows []string
	for i := range flipItems {
		rows = append(rows, fmt.Sprintf("{kind: process, name: p%02d, component: custom, os: [windows]}", i))
	}
	dir := t.TempDir()
	config := func(timeout, more string) string {
		return fmt.Sprintf(`
host: hub
bus: {dir: %q, url: %q}
watch: {facts: {os: linux, components: []}, items: [%s]}
detectors: {process: {schedule: "@every 1h"}, service: {schedule: "@every 1h"}, driver: {schedule: "@every 1h"}, port: {schedule: "@every 1h"}}
rules: {hold: 0s, storm: {alerts: 0}, flap: {changes: 0}}
web: {listen: ""}
sinks:
  - {name: hook, type: webhook, url: %q, timeout: %s}
  - {name: other, type: webhook, url: %q}
%s`, filepath.Join(dir, "bus"), server.URL, strings.Join(rows, ", "), urls["hook"], timeout, urls["other"], more)
	}
	valid := []string{
		config("10s", ""), config("9s", ""), config("10s", "language: ja\n"), config("8s", "time_zone: Asia/Tokyo\n"), config("10s", "log: {format: json}\n"),
		config("10s", "maintenance: [{name: night, match: [host=web09], schedule: 0 2 * * *, duration: 1h}]\n"), config("7s", "routes: [{sinks: [hook, other]}]\n"),
	}
	broken := []string{config("10s", "languge: ja\n"), config("0s", ""), "rules: {", config("10s", "routes: [{sinks: [nobody]}]\n"), strings.Replace(config("10s", ""), "host: hub", "host: web09", 1)}
	file := configFile(t, valid[0])
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	watching := func(r *running) {
		t.Helper()
		until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	}
	r := startFile(t, file)
	watching(r)

	c := bus.Defaults()
	c.URL, c.Dir = server.URL, t.TempDir()
	b, err := bus.Open(t.Context(), c, bus.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	f := &flips{ledger.On(b, c), map[string]int{}}
	facts := event.Facts{}
	for n, v := range map[event.Name]string{event.OS: event.Windows, event.Components: event.Agent, event.AgentVersion: "20.0.0.1"} {
		facts[n] = event.Fact{Value: v, Origin: "test"}
	}
	if err := f.ledger.PublishFacts(t.Context(), "win01", event.FactsReport{Host: "win01", Observer: "win01", Facts: facts, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var flipping sync.WaitGroup
	changes := 0
	flipping.Go(func() { changes = f.run(t.Context(), stop) })

	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 14))
	var kills []time.Time
	reloads := 0
	for range reloadKills() {
		for range 1 + rnd.IntN(3) {
			all := valid
			if rnd.IntN(2) == 0 {
				all = broken
			}
			write(all[rnd.IntN(len(all))])
			_ = signal(r.cmd, syscall.SIGHUP)
			reloads++
			time.Sleep(time.Duration(rnd.IntN(250)) * time.Millisecond)
		}
		r.kill()
		kills = append(kills, time.Now())
		write(valid[rnd.IntN(len(valid))])
		r = startFile(t, file)
		watching(r)
		time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
	}
	close(stop)
	flipping.Wait()
	for name, w := range hooks {
		awaitEnds(t, name, w, f.losses)
	}
	r.stop(t)
	for name, w := range hooks {
		copies := weighFlips(t, name, w, f.losses, kills)
		t.Logf("%s: %d changes, %d reloads, %d kills; %d deliveries, %d of them copies of what was under way at a kill", name, changes, reloads, len(kills), len(w.Received()), copies)
	}
}

func sum(losses map[string]int) (n int) {
	for _, one := range losses {
		n += one
	}
	return n
}

// awaitEnds waits until a far end was told the end of all losses. Of a busy
// machine nothing is wanted but that it goes on.
func awaitEnds(t *testing.T, name string, w *receive.Webhook, losses map[string]int) {
	t.Helper()
	want, got, since := sum(losses), -1, time.Now()
	for {
		ended, all := map[string]bool{}, w.Received()
		for _, d := range all {
			if d.Alert.Transition == event.Cleared {
				ended[d.Alert.ID] = true
			}
		}
		switch {
		case len(ended) >= want:
			return
		case len(all) != got:
			got, since = len(all), time.Now()
		case time.Since(since) > time.Minute:
			t.Fatalf("%s is told nothing for a minute: %d ends of %d losses", name, len(ended), want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// weighFlips wants each loss raised once and cleared once, in order, and counts
// copies, which may be of what came shortly before a kill only: its receipt was
// not stored yet.
func weighFlips(t *testing.T, name string, w *receive.Webhook, losses map[string]int, kills []time.Time) (copies int) {
	t.Helper()
	came, raised, open := map[string]time.Time{}, map[string]int{}, map[string]string{}
	for _, d := range w.Received() {
		a := d.Alert
		if first, again := came[a.DeliveryID()]; again {
			copies++
			under := false
			for _, k := range kills {
				under = under || first.Before(k) && k.Before(d.At)
			}
			if !under {
				t.Errorf("%s: %s %s (turn %d) came twice, and nobody was killed in between", name, a.Transition, a.Key.Name, a.Turn)
			}
			continue
		}
		came[a.DeliveryID()] = d.At
		switch a.Transition {
		case event.Raised:
			if open[a.Key.Name] != "" {
				t.Errorf("%s: %s was raised before the alert before was over", name, a.Key.Name)
			}
			raised[a.Key.Name]++
			open[a.Key.Name] = a.ID
		case event.Cleared:
			if open[a.Key.Name] != a.ID {
				t.Errorf("%s: the end of an alert of %s that is not open", name, a.Key.Name)
			}
			open[a.Key.Name] = ""
		}
	}
	for item, n := range losses {
		if raised[item] != n || open[item] != "" {
			t.Errorf("%s: %s was raised %d times of %d losses, open: %q", name, item, raised[item], n, open[item])
		}
	}
	return copies
}
