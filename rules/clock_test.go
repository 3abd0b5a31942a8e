package rules_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/event"
	"dswatch/rules"
)

// TestClockIsSet: whatever happens to the wall clock, deadlines go by the time
// that passes and calendars by the clock.
func TestClockIsSet(t *testing.T) {
	const hook, nms = "hook", "nms"
	settings := rules.Settings{Hold: 20 * time.Second, Repeat: 4 * time.Hour, Patience: 5 * time.Minute}
	escalating := routes(t, rules.Route{Sinks: []string{hook}, Escalate: &rules.Escalation{After: 15 * time.Minute, Sinks: []string{nms}}})
	shifts := routes(t, rules.Route{Sinks: []string{hook}, Hours: []rules.Hours{{From: "09:00", To: "18:00", TimeZone: "Europe/Berlin"}}, Continue: true}, rules.Route{Sinks: []string{nms}})
	for name, c := range map[string]struct {
		start  string // of the wall clock
		routes []rules.Route
		window *rules.Span
		play   func(p *clockPlay)
		hook   []string // by the time that has passed
		nms    []string // nil: the same
	}{
		"back an hour while held": {play: func(p *clockPlay) { p.see(event.Down); p.pass(10); p.set(-time.Hour); p.pass(60); p.see(event.Up) },
			hook: []string{"20s raised", "1m10s cleared"}},
		"forward a day while held": {play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(10)
			p.set(24 * time.Hour)
			p.pass(5)
			p.see(event.Up)
			p.pass(60)
		}, hook: nil},
		"forward a day while firing": {play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(60)
			p.set(24 * time.Hour)
			p.pass(3 * 3600)
			p.see(event.Up)
		}, hook: []string{"20s raised", "3h1m0s cleared"}},
		"back a day while firing": {play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(60)
			p.set(-24 * time.Hour)
			p.pass(5 * 3600)
			p.see(event.Up)
		}, hook: []string{"20s raised", "4h0m20s repeated", "5h1m0s cleared"}},
		"to and fro": {play: func(p *clockPlay) {
			p.see(event.Down)
			for range 10 {
				p.pass(60)
				p.set(time.Hour)
				p.pass(60)
				p.set(-time.Hour)
			}
			p.see(event.Up)
		}, hook: []string{"20s raised", "20m0s cleared"}},
		"forward a day before an escalation": {routes: escalating, play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(60)
			p.set(24 * time.Hour)
			p.pass(20 * 60)
			p.see(event.Up)
		}, hook: []string{"20s raised", "21m0s cleared"}, nms: []string{"15m20s raised", "21m0s cleared"}},
		"into a window and out of it": {start: "2026-11-16 12:00", window: span(t, "0 2 * * *", 3*time.Hour, "UTC"), play: func(p *clockPlay) {
			p.pass(10)
			p.set(14*time.Hour + 30*time.Minute) // 02:30
			p.see(event.Down)
			p.pass(600)
			p.set(6 * time.Hour) // 08:40
			p.pass(120)
			p.see(event.Up)
		}, hook: []string{"10m30s raised", "12m10s cleared"}},
		"a window opens while it fires": {start: "2026-11-16 01:59", window: span(t, "0 2 * * *", 3*time.Hour, "UTC"), play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(3600)
			p.set(-time.Hour) // 01:59, and again it opens
			p.pass(3600)
			p.see(event.Up)
		}, hook: []string{"20s raised", "2h0m0s cleared"}},
		"summer time ends inside a window": {start: "2026-10-24 23:30", window: span(t, "0 1 25 10 *", 4*time.Hour, "Europe/Berlin"), play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(4 * 3600) // 01:30 to 04:30 by the wall, which goes back an hour at 03:00
			p.see(event.Up)
		}, hook: []string{"3h30m0s raised", "4h0m0s cleared"}},
		"summer time ends inside hours": {start: "2026-10-25 07:30", routes: shifts, play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(3600) // 08:30 to 09:30
			p.see(event.Up)
		}, hook: []string{"30m0s raised", "1h0m0s cleared"}, nms: []string{"20s raised", "1h0m0s cleared"}},
		"forward into hours": {start: "2026-11-16 03:00", routes: shifts, play: func(p *clockPlay) {
			p.see(event.Down)
			p.pass(600)
			p.set(6 * time.Hour)
			p.pass(600)
			p.see(event.Up)
		}, hook: []string{"10m20s raised", "20m0s cleared"}, nms: []string{"20s raised", "20m0s cleared"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				p := &clockPlay{t: t, w: w, begun: time.Now()}
				if c.start != "" {
					at, err := time.Parse("2006-01-02 15:04", c.start)
					if err != nil {
						t.Fatal(err)
					}
					w.ahead.Store(int64(at.Sub(p.begun)))
				}
				set := &rules.Set{Settings: settings, Routes: c.routes, Language: "en"}
				if c.window != nil {
					set.Windows = []*rules.Span{c.window}
				}
				stop := startEngine(w, &list{row: row(t, key)}, set)
				c.play(p)
				p.pass(1)
				stop()
				w.checkPairs(t)
				want := map[string][]string{hook: c.hook, nms: c.nms}
				if c.nms == nil {
					want[nms] = c.hook
				}
				for sink, list := range want {
					if d := cmp.Diff(list, p.told(sink)); d != "" {
						t.Errorf("%s (-want +got):\n%s", sink, d)
					}
				}
			})
		})
	}
}

// clockPlay acts in a world whose wall clock is set.
type clockPlay struct {
	t     *testing.T
	w     *world
	begun time.Time
	got   map[string][]string
}

func (p *clockPlay) see(s event.State) {
	b, err := event.NewState("h", event.Change, event.Observation{Key: key, State: s, Want: 2, At: p.w.wall()}).Encode()
	if err != nil {
		p.t.Fatal(err)
	}
	p.w.publish(b)
	synctest.Wait()
	p.note()
}

func (p *clockPlay) set(d time.Duration) { p.w.ahead.Add(int64(d)) }

// pass lets seconds pass, and the sinks take what there is in each.
func (p *clockPlay) pass(seconds int) {
	step := 1
	if seconds > 1200 {
		step = 5
	}
	for n := 0; n < seconds; n += step {
		time.Sleep(time.Duration(step) * time.Second)
		synctest.Wait()
		p.note()
	}
}

func (p *clockPlay) note() {
	if p.got == nil {
		p.got = map[string][]string{}
	}
	p.w.deliver()
	for _, sink := range p.w.sinks {
		for _, a := range p.w.got[sink][len(p.got[sink]):] {
			p.got[sink] = append(p.got[sink], fmt.Sprint(time.Since(p.begun).Truncate(10*time.Second), " ", a.Transition))
		}
	}
}

func (p *clockPlay) told(sink string) []string { return p.got[sink] }

// TestEnginePairsWhileTheClockIsSet sets the wall clock all the time, in
// stories with crashes, holds, routes and hours.
func TestEnginePairsWhileTheClockIsSet(t *testing.T) {
	var sets []*rules.Set
	for _, r := range someRoutes(t) {
		sets = append(sets, &rules.Set{Settings: rules.Settings{Hold: 5 * time.Second, Repeat: 10 * time.Minute, HoldUp: 3 * time.Second}, Routes: r, Language: "en"})
	}
	for seed := range 2 * seeds() {
		if story(t, seed, plot{sets: sets, clocks: true, acks: true}); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
