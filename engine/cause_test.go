package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// vendor answers from the vendor's list. It implements engine.Rows.
type vendor struct {
	list *catalog.Catalog
}

func (v vendor) Find(k event.Key, f event.Facts) (*catalog.Row, catalog.Verdict) {
	os, _ := f.Get(event.OS)
	row := v.list.Find(k, os.Value)
	if row == nil {
		return nil, catalog.Verdict{}
	}
	return row, row.Evaluate(f)
}

// stage is an engine with the vendor's list, and one host.
type stage struct {
	t    *testing.T
	w    *world
	rows vendor
	set  *rules.Set
	stop func()
}

func newStage(t *testing.T, set *rules.Set, items ...catalog.Row) *stage {
	t.Helper()
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if list, err = list.With(items, nil); err != nil {
		t.Fatal(err)
	}
	w := newWorld(1)
	w.sinks = []string{"nms"}
	s := &stage{t: t, w: w, rows: vendor{list}, set: set}
	s.stop = startEngine(w, s.rows, set)
	return s
}

// restart ends the engine as a crash would, and begins another.
func (s *stage) restart() {
	s.stop()
	s.stop = startEngine(s.w, s.rows, s.set)
	synctest.Wait()
}

func (s *stage) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// facts are written name=value.
func (s *stage) facts(pairs ...string) {
	s.tell("web01", pairs...)
	synctest.Wait()
}

// tell reports facts of a host.
func (s *stage) tell(host string, pairs ...string) {
	s.t.Helper()
	f := event.Facts{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		f[event.Name(name)] = event.Fact{Value: value, Origin: "declared"}
	}
	_, b, err := event.EncodeFacts(event.FactsReport{Host: host, Observer: host, At: s.w.wall(), Facts: f})
	if err != nil {
		s.t.Fatal(err)
	}
	s.w.publish(b)
}

// see tells states as kind/name=state. The component is the agent, or that of
// the operator's own rows.
func (s *stage) see(pairs ...string) {
	for _, p := range pairs {
		i := strings.LastIndex(p, "=")
		kind, name, _ := strings.Cut(p[:i], "/")
		k := event.Key{Host: "web01", Component: event.Agent, Kind: event.Kind(kind), Name: name}
		if r, _ := s.rows.Find(k, nil); r == nil {
			k.Component = catalog.Own
		}
		s.observe(k, event.State(p[i+1:]))
	}
	synctest.Wait()
}

func (s *stage) observe(k event.Key, state event.State) {
	b, err := event.NewState(k.Host, event.Change, event.Observation{Key: k, State: state, Want: 1, At: s.w.wall()}).Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	s.w.publish(b)
}

// told returns what arrived since the last call, with the items that each
// alert speaks for.
func (s *stage) told() []string {
	s.w.deliver()
	var out []string
	for _, a := range s.w.got["nms"] {
		line := fmt.Sprintf("%s %s %s %s %s", a.Transition, a.Rule, a.Key.Row(), a.State, a.Impact)
		for _, x := range a.Affected {
			line += " +" + x.Key.Row()
		}
		if len(a.Affected) != a.AffectedCount {
			s.t.Errorf("%s: %d of %d", line, len(a.Affected), a.AffectedCount)
		}
		out = append(out, line)
	}
	s.w.got["nms"] = nil
	return out
}

func (s *stage) want(lines ...string) {
	s.t.Helper()
	if d := cmp.Diff(lines, s.told()); d != "" {
		s.t.Errorf("told (-want +got):\n%s", d)
	}
}

var quick = &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Minute}, Language: "en"}

// TestMeaningFollowsCombination: what the loss of the agent means on Linux
// depends on its drivers, and is told again when that changes.
func TestMeaningFollowsCombination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, quick)
		defer func() { s.stop() }()
		s.facts("os=linux", "components=agent", "features.firewall=on")
		s.see("driver/dsa_filter=up", "driver/dsa_filter_hook=up", "process/ds_agent=up")
		s.see("process/ds_agent=down")
		s.wait(time.Minute)
		s.w.deliver()
		if got := s.w.got["nms"]; len(got) != 1 || !strings.Contains(got[0].Text, "Protection is kept") || !strings.Contains(got[0].Text, "lsmod") || got[0].Severity != event.Warning {
			t.Errorf("told %+v", got)
		}
		s.want("raised loss process/ds_agent down management_lost")
		s.see("driver/dsa_filter=down") // a reload takes about 15 s
		s.wait(15 * time.Second)
		s.see("driver/dsa_filter=up")
		s.wait(time.Minute)
		s.want()
		s.see("driver/dsa_filter=down")
		s.wait(time.Minute)
		s.want("raised loss driver/dsa_filter down protection_lost", "changed loss process/ds_agent down protection_lost")
		s.restart()
		s.want()
		s.see("driver/dsa_filter=up")
		s.want("cleared loss driver/dsa_filter up protection_lost", "changed loss process/ds_agent down management_lost")
		s.see("process/ds_agent=up")
		s.want("cleared loss process/ds_agent up management_lost")
	})
}

// TestMeaningTable holds the severities of the promises in one place.
func TestMeaningTable(t *testing.T) {
	on := []string{"features.firewall=on", "features.anti_malware=on"}
	off := []string{"features.firewall=off", "features.web_reputation=off", "features.intrusion_prevention=off"}
	for name, c := range map[string]struct {
		os    string
		facts []string
		see   []string
		item  string
		want  event.Impact
	}{
		"linux, drivers loaded":         {"linux", on, []string{"driver/dsa_filter=up", "driver/dsa_filter_hook=up", "process/ds_agent=down"}, "process/ds_agent", event.ManagementLost},
		"linux, driver lost":            {"linux", on, []string{"driver/dsa_filter=down", "driver/dsa_filter_hook=up", "process/ds_agent=down"}, "process/ds_agent", event.ProtectionLost},
		"linux, hook lost":              {"linux", on, []string{"driver/dsa_filter=up", "driver/dsa_filter_hook=down", "process/ds_agent=down"}, "process/ds_agent", event.ProtectionLost},
		"linux, driver not needed":      {"linux", off, []string{"driver/dsa_filter=down", "driver/dsa_filter_hook=up", "process/ds_agent=down"}, "process/ds_agent", event.ManagementLost},
		"linux, nothing known":          {"linux", nil, []string{"process/ds_agent=down"}, "process/ds_agent", event.ManagementLost},
		"linux, one of two":             {"linux", on, []string{"driver/dsa_filter=up", "driver/dsa_filter_hook=up", "process/ds_agent=degraded"}, "process/ds_agent", event.ManagementLost},
		"linux, anti-malware, one":      {"linux", on, []string{"process/ds_am=degraded"}, "process/ds_am", event.ProtectionReduced},
		"linux, anti-malware, none":     {"linux", on, []string{"process/ds_am=down"}, "process/ds_am", event.ProtectionLost},
		"linux, hook, features on":      {"linux", on, []string{"driver/dsa_filter_hook=down"}, "driver/dsa_filter_hook", event.ProtectionLost},
		"linux, hook, features off":     {"linux", off, []string{"driver/dsa_filter_hook=down"}, "driver/dsa_filter_hook", event.ProtectionReduced},
		"linux, hook, features unknown": {"linux", nil, []string{"driver/dsa_filter_hook=down"}, "driver/dsa_filter_hook", event.ProtectionLost},
		"windows, main process":         {"windows", on, []string{"process/dsa.exe=down"}, "process/dsa.exe", event.ProtectionLost},
		"windows, notifier":             {"windows", on, []string{"process/Notifier.exe=down"}, "process/Notifier.exe", event.NoticeLost},
		"windows, anti-malware, one":    {"windows", on, []string{"process/coreServiceShell.exe=up", "process/coreFrameworkHost.exe=down"}, "process/coreFrameworkHost.exe", event.ProtectionReduced},
		"windows, anti-malware, none":   {"windows", on, []string{"process/coreServiceShell.exe=down", "process/coreFrameworkHost.exe=down"}, "process/coreFrameworkHost.exe", event.ProtectionLost},
	} {
		t.Run(name, func(t *testing.T) {
			for _, lang := range []string{"en", "ja"} {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t, &rules.Set{Settings: quick.Settings, Language: lang})
					defer func() { s.stop() }()
					s.facts(append([]string{"os=" + c.os, "components=agent"}, c.facts...)...)
					s.see(c.see...)
					s.wait(time.Minute)
					s.w.deliver()
					for _, a := range s.w.got["nms"] {
						if a.Key.Row() == c.item {
							if a.Impact != c.want || a.Severity != rules.SeverityOf(c.want) || a.Text == "" || a.Confirm == "" {
								t.Errorf("%s %s, want %s: %q, confirm %q", a.Severity, a.Impact, c.want, a.Text, a.Confirm)
							}
							return
						}
					}
					t.Error("nothing was told")
				})
			}
		})
	}
}

// TestCauseNotSymptoms follows the agent's service on Windows with what
// hangs on it.
func TestCauseNotSymptoms(t *testing.T) {
	type step func(s *stage)
	see := func(pairs ...string) step { return func(s *stage) { s.see(pairs...) } }
	wait := func(d time.Duration) step { return func(s *stage) { s.wait(d) } }
	want := func(lines ...string) step { return func(s *stage) { s.t.Helper(); s.want(lines...) } }
	restart := step(func(s *stage) { s.restart() })
	down := see("port/4118/tcp=down", "process/dsa.exe=down", "service/ds_agent=down")
	const told = "raised loss service/ds_agent down protection_lost +port/4118/tcp +process/dsa.exe"
	for name, steps := range map[string][]step{
		"all at once": {down, wait(time.Minute), want(told),
			see("service/ds_agent=up", "process/dsa.exe=up", "port/4118/tcp=up"), wait(time.Minute), want("cleared loss service/ds_agent up protection_lost +port/4118/tcp +process/dsa.exe")},
		"a symptom outlives its cause": {down, wait(time.Minute), want(told),
			see("process/dsa.exe=up", "service/ds_agent=up"), wait(19 * time.Second), want("cleared loss service/ds_agent up protection_lost +port/4118/tcp"),
			wait(2 * time.Second), want("raised loss port/4118/tcp down management_lost"), see("port/4118/tcp=up"), want("cleared loss port/4118/tcp up management_lost")},
		"through a restart": {down, wait(10 * time.Second), restart, wait(time.Minute), want(told), restart, restart, wait(time.Minute), want(),
			see("service/ds_agent=up"), restart, wait(time.Minute), want("cleared loss service/ds_agent up protection_lost +port/4118/tcp +process/dsa.exe",
				"raised loss process/dsa.exe down protection_lost +port/4118/tcp")},
		"symptoms first": {see("port/4118/tcp=down"), wait(15 * time.Second), see("process/dsa.exe=down"), wait(15 * time.Second), want(),
			wait(time.Minute), want("raised loss process/dsa.exe down protection_lost +port/4118/tcp")},
		"a cause that comes back in time": {see("port/4118/tcp=down"), wait(15 * time.Second), see("process/dsa.exe=down"), wait(15 * time.Second), see("process/dsa.exe=up"),
			want("raised loss port/4118/tcp down management_lost")},
		"a symptom that was told stays": {see("port/4118/tcp=down"), wait(time.Minute), want("raised loss port/4118/tcp down management_lost"),
			see("process/dsa.exe=down"), wait(time.Minute), want("raised loss process/dsa.exe down protection_lost"),
			see("port/4118/tcp=up"), want("cleared loss port/4118/tcp up management_lost")},
		"a later symptom is in the next transition": {see("process/dsa.exe=down"), wait(time.Minute), want("raised loss process/dsa.exe down protection_lost"),
			see("port/4118/tcp=down"), wait(time.Minute), want(), see("process/dsa.exe=up"), want("cleared loss process/dsa.exe up protection_lost +port/4118/tcp")},
		"worse than its cause": {see("service/ds_notifier=down"), wait(time.Second), see("process/own=down"), wait(time.Minute),
			want("raised loss service/ds_notifier down notice_lost", "raised loss process/own down protection_lost")},
		"a row of the operator's": {see("process/dsa.exe=down", "process/other=down"), wait(time.Minute), want("raised loss process/dsa.exe down protection_lost +process/other")},
		"a symptom that cannot be seen": {see("process/dsa.exe=down", "port/4118/tcp=unknown"), wait(5 * time.Minute), want("raised loss process/dsa.exe down protection_lost +port/4118/tcp"),
			see("process/dsa.exe=up"), wait(2 * time.Minute), want("cleared loss process/dsa.exe up protection_lost +port/4118/tcp", "raised unknown port/4118/tcp unknown visibility_lost")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, quick,
					catalog.Row{Kind: event.Process, Name: "own", DependsOn: []string{"service/ds_notifier"}, Loss: []catalog.Loss{{Down: catalog.Effect{Impact: event.ProtectionLost}}}},
					catalog.Row{Kind: event.Process, Name: "other", DependsOn: []string{"process/dsa.exe"}})
				defer func() { s.stop() }()
				s.facts("os=windows", "components=agent", "communication=bidirectional")
				s.see("port/4118/tcp=up", "process/dsa.exe=up", "service/ds_agent=up")
				for _, do := range steps {
					do(s)
				}
			})
		})
	}
}

// TestSilencedCauseExplainsNothing: nobody is told of the cause, so its
// symptoms are.
func TestSilencedCauseExplainsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, quick)
		defer func() { s.stop() }()
		s.facts("os=windows", "components=agent", "communication=bidirectional")
		s.silenceHour("name=dsa.exe")
		s.see("process/dsa.exe=down", "port/4118/tcp=down")
		s.wait(2 * time.Minute)
		s.want("raised loss port/4118/tcp down management_lost")
	})
}

// silenceHour silences for an hour what the matcher accepts.
func (s *stage) silenceHour(matcher string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	now := time.Now()
	s.w.quiet(rules.Silence{ID: "q", Match: matchers(s.t, matcher), Starts: now, Ends: now.Add(time.Hour), Author: "kim", Comment: "c"})
}

// TestSilencedCauseInAnyOrder: a cause and its symptom are due in the same
// instant, and whichever is asked first, also after a restart, the symptom is
// told in that instant and not when it would ask again.
func TestSilencedCauseInAnyOrder(t *testing.T) {
	for _, first := range []string{"process/dsa.exe=down", "port/4118/tcp=down"} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprint(first, again), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t, quick)
					defer func() { s.stop() }()
					s.facts("os=windows", "components=agent", "communication=bidirectional")
					s.silenceHour("name=dsa.exe")
					s.see(first)
					s.see("process/dsa.exe=down", "port/4118/tcp=down")
					if again {
						s.restart()
					}
					s.wait(20 * time.Second)
					s.want("raised loss port/4118/tcp down management_lost")
				})
			})
		}
	}
}

// TestLostViewNamesWhatItHides: repetitions of the alert of what others are seen through names
// those that are not seen, also after a restart, and not those that were seen
// again or have gone meanwhile.
func TestLostViewNamesWhatItHides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Minute, Repeat: time.Hour}, Language: "en"})
		defer func() { s.stop() }()
		api := event.Key{Host: "dsm", Component: event.Manager, Kind: event.Heartbeat, Name: "api"}
		tell := func(k event.Key, state event.State, reason event.Reason, behind event.Key) {
			b, err := event.NewState("hub", reason, event.Observation{Key: k, State: state, Want: 1, At: s.w.wall(), Behind: behind}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			s.w.publish(b)
			synctest.Wait()
		}
		agent := func(host string) event.Key {
			return event.Key{Host: host, Component: event.Agent, Kind: event.Heartbeat, Name: event.Agent}
		}
		for _, host := range []string{"a", "b", "c"} {
			s.tell(host, "components=agent")
			tell(agent(host), event.Up, event.Change, event.Key{})
		}
		s.tell("dsm", "components=manager")
		tell(api, event.Unknown, event.Change, event.Key{})
		for _, host := range []string{"a", "b", "c"} {
			tell(agent(host), event.Unknown, event.Change, api)
		}
		hidden := func(want int) {
			t.Helper()
			s.w.deliver()
			got := s.w.got["nms"]
			s.w.got["nms"] = nil
			if len(got) != 1 || got[0].Key != api || got[0].AffectedCount != want {
				t.Errorf("told %v, want the api with %d", got, want)
			}
		}
		s.wait(2 * time.Minute)
		hidden(3)
		s.wait(time.Hour)
		hidden(3)
		tell(agent("a"), event.Up, event.Change, event.Key{})
		tell(agent("b"), event.Unknown, event.Gone, event.Key{})
		s.restart()
		s.wait(time.Hour)
		hidden(1)
		tell(agent("c"), event.Up, event.Change, event.Key{})
		s.wait(time.Hour)
		hidden(0)
	})
}

// TestLongNamesBoundTheList: of what an alert speaks for, as much is named as
// fits into 32 KiB, and all of it is counted.
func TestLongNamesBoundTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long, many = 500, 90
		var rows []catalog.Row
		name := func(i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("x", long-3) }
		for i := range many {
			rows = append(rows, catalog.Row{Component: catalog.Own, Kind: event.Service, Name: name(i)})
		}
		s := newStage(t, &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Minute, Repeat: time.Hour}, Language: "en"}, rows...)
		defer func() { s.stop() }()
		api := event.Key{Host: "dsm", Component: event.Manager, Kind: event.Heartbeat, Name: "api"}
		s.tell("dsm", "components=manager")
		s.observe(api, event.Unknown)
		for i := range many {
			k := event.Key{Host: "web01", Component: catalog.Own, Kind: event.Service, Name: name(i)}
			b, err := event.NewState("hub", event.Change, event.Observation{Key: k, State: event.Unknown, Want: 1, At: s.w.wall(), Behind: api}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			s.w.publish(b)
		}
		s.wait(2 * time.Hour)
		s.w.deliver()
		got := s.w.got["nms"]
		last := got[len(got)-1]
		named := (32 << 10) / (len("web01") + len(catalog.Own) + long)
		if last.Key != api || last.AffectedCount != many || len(last.Affected) != named {
			t.Errorf("%s names %d of %d, want %d of %d", last.Key, len(last.Affected), last.AffectedCount, named, many)
		}
	})
}
