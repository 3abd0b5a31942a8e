package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
)

// checkSpokenFor: everything is down, so each sink holds an alert of each
// item open, or a digest that lists it.
func (w *world) checkSpokenFor(t *testing.T, names []string) {
	t.Helper()
	for _, sink := range w.sinks {
		last := map[string]event.Alert{}
		for _, a := range w.got[sink] {
			last[a.ID] = a
		}
		spoken := map[string]int{}
		for _, a := range last {
			switch {
			case !a.Transition.Firing():
			case a.Rule == rules.Loss, a.Rule == event.RuleFlapping:
				spoken[a.Key.Name]++
			case a.Rule == event.RuleStorm:
				for _, m := range a.Affected {
					spoken[m.Key.Name]++
				}
			}
		}
		for _, n := range names {
			if spoken[n] == 0 {
				t.Errorf("%s: nothing speaks for the loss of %s", sink, n)
			}
		}
	}
}

// TestEngineGathersThroughCrashes makes storms of a few alerts, with crashes,
// power losses, routes that change and clocks that are set.
func TestEngineGathersThroughCrashes(t *testing.T) {
	storm := rules.StormSettings{Alerts: 2, Window: 30 * time.Second, Every: 5 * time.Second, Settle: 2 * time.Minute}
	for name, p := range map[string]plot{
		"at once":    {sets: []*rules.Set{{Settings: rules.Settings{Storm: storm}, Language: "en"}}},
		"power loss": {powerLoss: true, sets: []*rules.Set{{Settings: rules.Settings{Storm: storm, Hold: 5 * time.Second, Repeat: 2 * time.Minute}, Language: "ja"}}},
		"switched":   {acks: true, sets: []*rules.Set{{Settings: rules.Settings{Storm: storm, Flap: rules.Defaults().Flap}, Language: "en"}, {Language: "en", Settings: rules.Settings{Storm: rules.DefaultStorm(), HoldUp: 5 * time.Second}}}},
		"clocks":     {clocks: true, acks: true, sets: []*rules.Set{{Settings: rules.Settings{Storm: storm, Hold: 5 * time.Second, Repeat: 2 * time.Minute}, Language: "en"}}},
	} {
		p.storms = true
		t.Run(name, func(t *testing.T) {
			for seed := range seeds() {
				if story(t, seed, p); t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
	t.Run("routes", func(t *testing.T) {
		p := plot{acks: true}
		for _, r := range someRoutes(t) {
			p.sets = append(p.sets, &rules.Set{Settings: rules.Settings{Storm: storm, Repeat: 3 * time.Minute}, Routes: r, Language: "en"})
		}
		for seed := range 3 * seeds() {
			if story(t, seed, p); t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	})
}

// gale plays many hosts at once.
type gale struct {
	*clockPlay
	stop func()
	l    *list
	set  *rules.Set
}

func newGale(t *testing.T, set *rules.Set) *gale {
	w := newWorld(1)
	g := &gale{clockPlay: &clockPlay{t: t, w: w, begun: time.Now()}, l: &list{row: row(t, key)}, set: set}
	g.restart()
	return g
}

func (g *gale) restart() {
	if g.stop != nil {
		g.stop()
	}
	g.stop = startEngine(g.w, g.l, g.set)
	synctest.Wait()
}

// hosts reports the state of ds_agent on hosts from..to.
func (g *gale) hosts(from, to int, s event.State) {
	for i := from; i < to; i++ {
		g.one(fmt.Sprintf("h%03d", i), "ds_agent", s)
	}
	synctest.Wait()
}

func (g *gale) one(host, name string, s event.State) {
	g.t.Helper()
	k := event.Key{Host: host, Component: "agent", Kind: event.Process, Name: name}
	b, err := event.NewState(host, event.Change, event.Observation{Key: k, State: s, Want: 2, At: time.Now()}).Encode()
	if err != nil {
		g.t.Fatal(err)
	}
	g.w.publish(b)
}

// digests lists what a sink was told of digests, and how many other alerts
// were raised and cleared there.
func (g *gale) digests(sink string) (told []string, raised, cleared int) {
	g.w.deliver()
	for _, a := range g.w.got[sink] {
		switch {
		case a.Rule == event.RuleStorm:
			told = append(told, fmt.Sprintf("%s %d: %s", a.Transition, a.AffectedCount, a.Title))
		case a.Transition == event.Raised:
			raised++
		case a.Transition == event.Cleared:
			cleared++
		}
	}
	return told, raised, cleared
}

func (g *gale) want(sink string, raised, cleared int, want ...string) {
	g.t.Helper()
	told, r, c := g.digests(sink)
	if d := cmp.Diff(want, told); d != "" {
		g.t.Errorf("%s (-want +got):\n%s", sink, d)
	}
	if r != raised || c != cleared {
		g.t.Errorf("%s: %d single alerts were raised and %d cleared, want %d and %d", sink, r, c, raised, cleared)
	}
}

func stormSet(lang string) *rules.Set {
	s := rules.DefaultStorm()
	s.Alerts = 20
	return &rules.Set{Settings: rules.Settings{Storm: s, Repeat: 4 * time.Hour}, Language: lang}
}

// TestStorm: 500 hosts lose their agent. Twenty are told one by one, the rest
// as one; the digest counts down and ends once; kill -9 changes nothing.
func TestStorm(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {
			"raised 480: 480 hosts: process ds_agent is down",
			"changed 180: 180 hosts: process ds_agent is down",
			"cleared 0: fleet: the digest of 480 alerts is over",
		},
		"ja": {
			"raised 480: ホスト 480 台: プロセス ds_agent が停止しています",
			"changed 180: ホスト 180 台: プロセス ds_agent が停止しています",
			"cleared 0: fleet: アラート 480 件の集約を終了しました",
		},
	} {
		for _, killed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				g := newGale(t, stormSet(lang))
				again := func() {
					if killed {
						g.restart()
					}
				}
				g.hosts(0, 500, event.Down)
				again()
				g.pass(10)
				again()
				g.hosts(0, 320, event.Up)
				again()
				g.pass(45)
				again()
				g.pass(20)
				g.hosts(320, 500, event.Up)
				again()
				g.pass(90)
				g.stop()
				for _, sink := range g.w.sinks {
					g.want(sink, 20, 20, want...)
				}
				g.w.checkPairs(t)
			})
		}
	}
}

// TestStormLeftovers: what lasts longer than the storm becomes an alert of
// its own before the digest ends, and stays in it when it is too much.
func TestStormLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGale(t, stormSet("en"))
		g.hosts(0, 100, event.Down)
		g.pass(10)
		g.hosts(0, 50, event.Up)
		g.pass(15 * 60) // 50 are left, too many to be told one by one
		g.want("nms", 20, 20,
			"raised 80: 80 hosts: process ds_agent is down",
			"changed 50: 50 hosts: process ds_agent is down")
		g.hosts(50, 97, event.Up)
		g.pass(60)
		g.want("nms", 23, 20,
			"raised 80: 80 hosts: process ds_agent is down",
			"changed 50: 50 hosts: process ds_agent is down",
			"cleared 0: fleet: the digest of 80 alerts is over")
		at := func(find func(event.Alert) bool) int { return slices.IndexFunc(g.w.got["nms"], find) }
		if own, end := at(func(a event.Alert) bool { return a.Key.Host == "h099" }), at(func(a event.Alert) bool {
			return a.Rule == event.RuleStorm && a.Transition == event.Cleared
		}); own < 0 || end < own {
			t.Errorf("the digest ended (%d) before its leftovers were told (%d)", end, own)
		}
		g.hosts(97, 100, event.Up)
		g.pass(10)
		g.stop()
		g.w.checkPairs(t)
	})
}

// TestStormMembers: the members know their digest, each under the id that its
// own alert would have, and the list is bounded.
func TestStormMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGale(t, stormSet("en"))
		g.hosts(0, 300, event.Down)
		g.pass(10)
		var digest engine.Digest
		g.w.engine.Digests(func(d engine.Digest) { digest = d })
		if digest.Members != 280 || digest.Total != 280 {
			t.Fatalf("digest %+v", digest)
		}
		ids := map[string]bool{}
		g.w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
			loss := memory(st, rules.Loss)
			if loss.Phase != rules.Held {
				return
			}
			if loss.Digest != digest.Slot.ID {
				t.Errorf("%s is in digest %q, want %q", st.Key, loss.Digest, digest.Slot.ID)
			}
			ids[st.AlertID(rules.Loss)] = true
		})
		g.w.deliver()
		last := g.w.got["nms"][len(g.w.got["nms"])-1]
		if len(last.Affected) != event.MaxAffected || last.AffectedCount != 280 {
			t.Errorf("lists %d of %d", len(last.Affected), last.AffectedCount)
		}
		for _, m := range last.Affected {
			if !ids[m.AlertID] || m.State != event.Down || m.Severity == "" || m.Since.IsZero() {
				t.Errorf("affected %+v", m)
			}
		}
		if data, err := last.Encode(); err != nil || len(data) > event.MaxEvent {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		if err := g.w.engine.Acknowledge(t.Context(), digest.Slot.ID[:8], event.Ack{Author: "kim", At: time.Now()}); err != nil {
			t.Error(err)
		}
		g.pass(5 * 3600) // no repetition
		for id := range ids {
			if err := g.w.engine.Acknowledge(t.Context(), id, event.Ack{Author: "kim"}); err == nil || !strings.Contains(err.Error(), "dswatch ack "+digest.Slot.ID+" is for all") {
				t.Errorf("acknowledged a member: %v", err)
			}
			break
		}
		lee := event.Ack{Author: "lee", At: time.Now()}
		if err := g.w.engine.Withdraw(t.Context(), digest.Slot.ID[:8], lee); err != nil {
			t.Error(err)
		}
		if err := g.w.engine.Withdraw(t.Context(), digest.Slot.ID[:8], lee); !errors.Is(err, engine.ErrNoAck) {
			t.Errorf("withdrawn twice: %v", err)
		}
		g.pass(5 * 3600)
		g.stop()
		g.want("hook", 20, 0, "raised 280: 280 hosts: process ds_agent is down", "acknowledged 280: 280 hosts: process ds_agent is down",
			"unacknowledged 280: 280 hosts: process ds_agent is down", "repeated 280: 280 hosts: process ds_agent is down")
	})
}

// TestStormAudiences: each sink is told of what concerns it.
func TestStormAudiences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := stormSet("en")
		set.Routes = routes(t, rules.Route{Match: matchers(t, `host=~"h0.*"`), Sinks: []string{"nms"}}, rules.Route{Sinks: []string{"hook"}})
		g := newGale(t, set)
		g.hosts(80, 150, event.Down)
		g.one("h149", "ds_am", event.Degraded)
		g.pass(10)
		g.hosts(80, 150, event.Up)
		g.one("h149", "ds_am", event.Up)
		g.pass(90)
		g.stop()
		// The first 20 of h080 to h099 are told one by one.
		g.want("nms", 20, 20)
		g.want("hook", 0, 0, "raised 51: 50 hosts: 51 alerts, most of them: process ds_agent is down", "cleared 0: fleet: the digest of 51 alerts is over")
		for _, a := range g.w.got["hook"] {
			if want := "process ds_agent is down (50 hosts); process ds_am is degraded (1 host)."; a.Transition == event.Raised && !strings.HasPrefix(a.Text, want) {
				t.Errorf("text %q, want %q", a.Text, want)
			}
		}
	})
}

// TestStormNewSink: a sink that was not there hears of an open digest when the
// program starts with it, and of its end.
func TestStormNewSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := stormSet("en")
		set.Repeat = 0
		g := newGale(t, set)
		both := g.w.sinks
		g.w.sinks = []string{"nms"}
		g.restart()
		g.hosts(0, 100, event.Down)
		g.pass(60)
		g.w.sinks = both
		g.restart()
		g.pass(60)
		if told, _, _ := g.digests("hook"); len(told) != 1 || !strings.HasPrefix(told[0], "raised 80: ") {
			t.Errorf("the new sink was told %q of the digest", told)
		}
		for _, a := range g.w.got["hook"] {
			if !a.Replay {
				t.Errorf("%s is not marked as a replay", a.DeliveryID())
			}
		}
		g.hosts(0, 100, event.Up)
		g.pass(120)
		g.stop()
		if told, _, _ := g.digests("nms"); len(told) != 2 {
			t.Errorf("the sink that was there was told %q", told)
		}
		g.w.checkPairs(t)
	})
}

// TestStormRate: a digest that changes all the time is told every 30 s, and
// one that ends before its first message is not told at all.
func TestStormRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGale(t, stormSet("en"))
		for n := range 5 * 60 {
			g.hosts(n, n+1, event.Down)
			g.pass(1)
		}
		told, raised, _ := g.digests("nms")
		if raised != 20 || len(told) < 9 || len(told) > 11 {
			t.Errorf("%d single alerts; %d messages of the digest in 5 minutes: %q", raised, len(told), told)
		}
		g.hosts(0, 300, event.Up)
		g.pass(120)
		before, _, _ := g.digests("nms")
		g.hosts(0, 40, event.Down)
		g.pass(2)
		g.hosts(20, 40, event.Up)
		g.pass(60)
		if told, _, _ := g.digests("nms"); len(told) != len(before) {
			t.Errorf("told of what was over before its time: %q", told[len(before):])
		}
		g.hosts(0, 20, event.Up)
		g.pass(60)
		g.stop()
		g.w.checkPairs(t)
	})
}

// TestARiseInADigest: what becomes worse than the digest that speaks for it is
// told at once, also to who hears of such trouble only, and once; under a
// silence it is told at its end.
func TestARiseInADigest(t *testing.T) {
	for name, silenced := range map[string]bool{"at once": false, "at the end of a silence": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := &rules.Set{Language: "en", Settings: rules.Settings{Storm: rules.StormSettings{Alerts: 2, Window: time.Minute, Every: time.Hour, Settle: 3 * time.Hour}},
					Routes: []rules.Route{{MinSeverity: event.Critical, Sinks: []string{"hook"}, Continue: true}, {Sinks: []string{"nms"}}}}
				s := newStage(t, set)
				defer func() { s.stop() }()
				s.w.sinks = []string{"nms", "hook"}
				s.restart()
				s.facts("os=windows", "components=agent", "agent_version=20.0.2-1", "features.anti_malware=on", "features.firewall=on")
				s.see("process/coreServiceShell.exe=up", "process/coreFrameworkHost.exe=up", "process/Notifier.exe=up", "driver/tmcomm=up", "driver/tmactmon=up")
				digest := func() (last event.Alert, n int) {
					s.w.deliver()
					for _, a := range s.w.got["nms"] {
						if a.Rule == event.RuleStorm {
							last, n = a, n+1
						}
					}
					return last, n
				}
				lost := func(n string) { // warnings of another host, so that it storms
					s.tell("web09", "os=windows", "components=agent", "agent_version=20.0.2-1", "features.anti_malware=on", "features.firewall=on")
					k := event.Key{Host: "web09", Component: event.Agent, Kind: event.Process, Name: n}
					s.observe(k, event.Down)
					synctest.Wait()
				}
				lost("coreFrameworkHost.exe")
				s.see("process/coreFrameworkHost.exe=down")
				s.tell("web08", "os=windows", "components=agent", "agent_version=20.0.2-1", "features.anti_malware=on", "features.firewall=on")
				for _, n := range []string{"coreServiceShell.exe", "coreFrameworkHost.exe"} {
					state := event.Up
					if n == "coreFrameworkHost.exe" {
						state = event.Down
					}
					s.observe(event.Key{Host: "web08", Component: event.Agent, Kind: event.Process, Name: n}, state)
				}
				s.wait(10 * time.Second)
				first, n := digest()
				if n != 1 || first.Severity != event.Warning || first.AffectedCount != 1 {
					t.Fatalf("%d digests, the last %s of %d", n, first.Severity, first.AffectedCount)
				}
				if silenced {
					s.w.mu.Lock()
					s.w.quiet(rules.Silence{ID: "s", Match: matchers(t, "host=web08"), Starts: s.w.wall(), Ends: s.w.wall().Add(20 * time.Minute)})
					s.w.mu.Unlock()
					synctest.Wait()
				}
				s.observe(event.Key{Host: "web08", Component: event.Agent, Kind: event.Process, Name: "coreServiceShell.exe"}, event.Degraded)
				s.wait(time.Minute)
				told, n := digest()
				if silenced {
					if n != 1 {
						t.Errorf("told %d times although all is silenced: %+v", n, told)
					}
					s.wait(20 * time.Minute)
					told, n = digest()
				}
				if n != 2 || told.Transition != event.Changed || told.Severity != event.Critical {
					t.Errorf("after the rise: %d messages, the last %s %s", n, told.Transition, told.Severity)
				}
				paged := 0
				for _, a := range s.w.got["hook"] {
					if a.Rule == event.RuleStorm && a.Transition == event.Raised {
						paged++
					}
				}
				if paged != 1 {
					t.Errorf("who hears of critical alerts only was told of the digest %d times", paged)
				}
				s.wait(10 * time.Minute)
				if _, again := digest(); again != n {
					t.Errorf("told %d times more", again-n)
				}
			})
		})
	}
}
