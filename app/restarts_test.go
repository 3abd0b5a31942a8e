package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/event"
	"dswatch/rules"
)

// patient is one item that is looked at by the real scheduler and decided by
// the real rules, with their defaults, on virtual time.
type patient struct {
	mu   sync.Mutex
	set  *rules.Set
	key  event.Key
	down bool
	st   rules.Status
	told map[event.Transition]int
}

func (p *patient) Detect(context.Context) ([]event.Observation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := event.Observation{Key: p.key, State: event.Up, Found: 1, Want: 1, At: time.Now()}
	if p.down {
		o.State, o.Found = event.Down, 0
	}
	return []event.Observation{o}, nil
}

// Publish takes events as the engine does.
func (p *patient) Publish(_ context.Context, events []event.Event) error {
	for _, e := range events {
		p.decide(e)
	}
	return nil
}

func (p *patient) decide(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if due := p.st.Due(); e.ID == "" && (due.IsZero() || time.Now().Before(due)) {
		return
	}
	snap := rules.Snapshot{Row: &catalog.Row{Kind: p.key.Kind, Name: p.key.Name}, Verdict: catalog.Verdict{Expected: catalog.Yes}, Sinks: []string{"nms"}}
	st, ds := p.set.Decide(time.Now(), p.st, snap, e)
	p.st = st
	for _, d := range ds {
		if d.Alert != nil {
			p.told[d.Alert.Transition]++
		}
	}
}

// TestShortRestartsAreNotTold: with the default timings 100 restarts of 15 s at
// any moment between two looks are not told, of a process nor of a port, and 20
// outages of a minute are told once each. It fails where a raise needs no look
// at the end of its hold: 3 of 7 restarts of a process were told, and each that
// a look at a port met.
func TestShortRestartsAreNotTold(t *testing.T) {
	own, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	hold := own.Config.Rules.Hold
	for _, plan := range own.watch.plans {
		kind, schedule := event.Kind(plan.Name), plan.Timing.Schedule
		if kind != event.Process && kind != event.Port {
			continue
		}
		for _, again := range []bool{true, false} { // without, the next look by schedule shows it
			t.Run(fmt.Sprintf("%s out of turn %v", kind, again), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &patient{set: &rules.Set{Settings: own.Config.Rules, Language: "en"}, told: map[event.Transition]int{},
						key: event.Key{Host: "web01", Component: event.Agent, Kind: kind, Name: map[event.Kind]string{event.Process: "ds_agent", event.Port: "4118/tcp"}[kind]}}
					sched, err := detector.NewScheduler(detector.Options{Observer: "web01", Publisher: p, Hold: hold,
						Jobs: []detector.Job{{Name: "it", Schedule: schedule, Timeout: 5 * time.Second, Keys: []event.Key{p.key}, Detector: p, Again: again}}})
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					var runs sync.WaitGroup
					runs.Go(func() { _ = sched.Run(ctx) })
					runs.Go(func() {
						for wait(ctx, 100*time.Millisecond) {
							p.decide(event.Event{})
						}
					})
					rnd := rand.New(rand.NewPCG(7, 7))
					outage := func(n int, long time.Duration) map[event.Transition]int {
						p.mu.Lock()
						clear(p.told)
						p.mu.Unlock()
						for range n {
							time.Sleep(5*time.Minute + time.Duration(rnd.IntN(90_000))*time.Millisecond)
							p.breaks(true)
							time.Sleep(long)
							p.breaks(false)
						}
						time.Sleep(2 * time.Minute)
						p.mu.Lock()
						defer p.mu.Unlock()
						return p.told
					}
					if told := outage(100, 15*time.Second); len(told) > 0 {
						t.Errorf("of 100 restarts of 15 s were told: %v", told)
					}
					if told := outage(20, time.Minute); again && (told[event.Raised] != 20 || told[event.Cleared] != 20) || len(told) != 2 || told[event.Raised] != told[event.Cleared] {
						t.Errorf("of 20 outages of a minute were told: %v", told)
					}
					cancel()
					runs.Wait()
				})
			})
		}
	}
}

func (p *patient) breaks(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// wait sleeps and reports whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
