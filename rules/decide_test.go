package rules_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

var (
	t0  = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	key = event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}
)

func row(t testing.TB, k event.Key) *catalog.Row {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := c.Find(k, event.Linux)
	if r == nil {
		t.Fatalf("%s is not in the catalog", k)
	}
	return r
}

func linux() event.Facts {
	return event.Facts{
		event.OS:         {Value: event.Linux, Origin: "kernel"},
		event.Components: {Value: event.Agent, Origin: "declared"},
	}
}

// look is an observation n seconds after t0.
func look(state event.State, n int) event.Event {
	found := map[event.State]int{event.Up: 2, event.Degraded: 1}[state]
	return event.NewState("web01", event.Change, event.Observation{
		Key: key, State: state, Found: found, Want: 2, At: t0.Add(time.Duration(n) * time.Second),
	})
}

// slotCase is one way a slot may stand before a decision.
type slotCase struct {
	name  string
	slot  rules.Slot
	due   bool        // its deadline has passed
	state event.State // told, when firing
	mute  bool
}

// stored is the slot as a status of its own has it.
func (c slotCase) stored() *rules.Slot {
	if c.slot.Phase == rules.Quiet {
		return nil
	}
	slot := c.slot
	return &slot
}

// memory is what st remembers of a rule.
func memory(st rules.Status, rule string) (found rules.Slot) {
	st.Slots(func(name string, s rules.Slot) {
		if name == rule {
			found = s
		}
	})
	return found
}

func slotCases(rule string, bad []event.State) []slotCase {
	id := event.AlertID(key, rule, "earlier")
	cases := []slotCase{{name: "quiet"}}
	for _, due := range []bool{false, true} {
		at := t0.Add(time.Minute)
		if due {
			at = t0
		}
		cases = append(cases, slotCase{name: fmt.Sprintf("held due=%v", due), due: due,
			slot: rules.Slot{Phase: rules.Held, Due: at, Since: t0.Add(-time.Minute), First: "first"}})
		for _, s := range bad {
			cases = append(cases, slotCase{name: fmt.Sprintf("firing %s due=%v", s, due), due: due, state: s,
				slot: rules.Slot{Phase: rules.Firing, Due: at, Since: t0.Add(-time.Minute), First: "first", ID: id, Seq: 3,
					Transition: event.Repeated, State: s, Severity: event.Warning, Impact: event.ManagementLost, Sinks: []string{"old"},
					Round: &rules.Round{All: 3, Last: []string{"old"}, Next: []rules.Again{{Sink: "old", At: t0.Add(-time.Hour)}}}}})
		}
	}
	for _, c := range cases[1:] {
		for _, id := range []string{"quiet", "over"} {
			c := c
			c.name, c.slot.Silence = c.name+" silence="+id, id
			cases = append(cases, c)
		}
		if c.slot.Phase == rules.Firing {
			c.name, c.mute, c.slot.Ack = c.name+" acked", true, &event.Ack{At: t0, Author: "kim"}
			c.slot.Round = &rules.Round{All: 3, Last: []string{"old"}, Next: []rules.Again{{Sink: "old", At: t0.Add(-time.Hour)}, {Sink: "new", At: t0.Add(-time.Hour)}}}
			cases = append(cases, c)
		}
	}
	return append(cases, slotCase{name: "settled", slot: rules.Slot{Phase: rules.Settled, ID: id, Seq: 4, Transition: event.Cleared, State: event.Up, Sinks: []string{"old"}}})
}

// want is the oracle: the outcome of one rule in one situation, written from
// the promises and not from the code.
func want(c slotCase, knownGood, knownBad bool, now event.State, wait time.Duration, silenced bool) rules.Outcome {
	switch c.slot.Phase {
	case rules.Quiet, rules.Settled:
		switch {
		case knownBad && wait > 0:
			return rules.Holding
		case knownBad && silenced:
			return rules.Silenced
		case knownBad:
			return rules.Raised
		}
	case rules.Held:
		waited := c.due || c.slot.Silence != "" // a silence takes over once the hold has ended
		switch {
		case knownBad && waited && silenced && c.slot.Silence == "quiet":
			return "" // said before
		case knownBad && waited && silenced:
			return rules.Silenced
		case knownBad && waited:
			return rules.Raised
		case knownGood: // what is not seen says nothing
			return rules.Recovered
		}
	case rules.Firing:
		if knownGood {
			return rules.Cleared
		}
		changed := knownBad && now != c.state
		switch {
		case changed && silenced && c.slot.Silence != "quiet":
			return rules.Silenced // and told when that is over
		case changed && !silenced:
			return rules.Changed
		case silenced && c.slot.Silence != "quiet" && (c.due || c.slot.Silence != ""):
			return rules.Silenced
		case silenced:
		case (c.due || c.slot.Silence != "") && !c.mute: // whether or not it can be seen
			return rules.Repeated
		}
	}
	return ""
}

// TestDecideEverySituation walks through every combination of both slots,
// of what is expected and of what is seen, and asks the oracle.
func TestDecideEverySituation(t *testing.T) {
	r := row(t, key)
	n, stride := 0, 23 // prime, so that every pair of conditions meets
	if os.Getenv("DSWATCH_SOAK") != "" {
		stride = 1
	}
	elsewhere := []rules.Route{{Match: matchers(t, "host!=web01"), Sinks: []string{"new"}}}
	for _, wait := range []time.Duration{0, 20 * time.Second} {
		sets := map[string]*rules.Set{}
		for routed, routes := range map[string][]rules.Route{"everybody": nil, "nobody": elsewhere} {
			sets[routed] = &rules.Set{Settings: rules.Settings{Hold: wait, Patience: wait, Repeat: time.Hour}, Routes: routes, Language: "en"}
		}
		for _, loss := range slotCases(rules.Loss, []event.State{event.Degraded, event.Down}) {
			for _, unseen := range slotCases(rules.Unseen, []event.State{event.Unknown}) {
				for _, expected := range []catalog.Tri{catalog.Yes, catalog.No, catalog.Unknown} {
					for _, gone := range []bool{false, true} {
						for _, state := range []event.State{event.Up, event.Degraded, event.Down, event.Unknown} {
							for _, fresh := range []bool{true, false} {
								for routed, set := range sets {
									for _, silenced := range []bool{false, true} {
										if n++; n%stride > 0 {
											continue
										}
										s := situation{loss, unseen, expected, gone, state, fresh, wait, r, silenced, routed}
										checkOne(t, set, s)
									}
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d situations", n)
}

type situation struct {
	loss, unseen slotCase
	expected     catalog.Tri
	gone         bool // the row left the list
	state        event.State
	fresh        bool // an event came; else only facts changed or time passed
	wait         time.Duration
	row          *catalog.Row
	silenced     bool
	routed       string
}

func (s situation) String() string {
	return fmt.Sprintf("wait=%s loss=%s unseen=%s expected=%v gone=%v state=%s fresh=%v silenced=%v routed=%s",
		s.wait, s.loss.name, s.unseen.name, s.expected, s.gone, s.state, s.fresh, s.silenced, s.routed)
}

func checkOne(t *testing.T, set *rules.Set, s situation) {
	t.Helper()
	name := s
	now := t0.Add(10 * time.Second)
	prev := rules.Status{Key: key, Seen: look(event.Up, -100).Observation, Event: "before", Loss: s.loss.stored(), Unseen: s.unseen.stored()}
	var e event.Event
	if s.fresh {
		e = look(s.state, 5)
	} else {
		prev.Seen = look(s.state, -100).Observation
	}
	snap := rules.Snapshot{Row: s.row, Verdict: catalog.Verdict{Expected: s.expected, Reason: event.Prose("because")}, Facts: linux(), Sinks: []string{"new"}}
	expected := s.expected
	if s.gone {
		snap.Row, expected = nil, catalog.No
	}
	snap.Silences = []rules.Silence{{ID: "before", Ends: t0}}
	if s.silenced {
		snap.Silences = append(snap.Silences, rules.Silence{ID: "quiet", Ends: t0.Add(time.Hour)})
	}
	before := prev
	before.Loss, before.Unseen = s.loss.stored(), s.unseen.stored() // prev shares its slots with those it goes on as
	st, ds := set.Decide(now, prev, snap, e)
	st2, ds2 := set.Decide(now, prev, snap, e)
	if !reflect.DeepEqual(st, st2) || !reflect.DeepEqual(ds, ds2) {
		t.Fatalf("%s: decided differently the second time:\n%s%s", name, cmp.Diff(st, st2), cmp.Diff(ds, ds2))
	}
	if !reflect.DeepEqual(before, prev) {
		t.Fatalf("%s: prev was modified:\n%s", name, cmp.Diff(before, prev))
	}
	got := map[string]rules.Decision{}
	for _, d := range ds {
		if _, twice := got[d.Rule]; twice {
			t.Fatalf("%s: two decisions of rule %s", name, d.Rule)
		}
		got[d.Rule] = d
		if words.English(d.Why) == "" {
			t.Errorf("%s: %s without a why", name, d.Outcome)
		}
	}
	lost := s.state == event.Down || s.state == event.Degraded
	after := memory(st, rules.Loss)
	speaks := after.Phase == rules.Firing || lost && (after.Phase != rules.Held || after.Silence != "") // the loss is told, or would be
	for _, c := range []struct {
		rule string
		slotCase
		good, bad bool
		after     rules.Slot
	}{
		{rules.Loss, s.loss, s.state == event.Up, lost, after},
		{rules.Unseen, s.unseen, s.state == event.Up || speaks, s.state == event.Unknown && !speaks, memory(st, rules.Unseen)},
	} {
		wait := s.wait
		if c.rule == rules.Unseen && s.fresh && s.loss.slot.Phase == rules.Held {
			wait = 0 // its patience began when it was first seen lost, silenced or not
		}
		c.mute = c.mute || s.routed == "nobody" // nobody is told again
		w := want(c.slotCase, c.good || expected == catalog.No, c.bad && expected == catalog.Yes, s.state, wait, s.silenced)
		d := got[c.rule]
		if d.Outcome != w {
			t.Fatalf("%s: rule %s decided %q, want %q", name, c.rule, d.Outcome, w)
		}
		var routed []string
		if len(set.Routes) == 0 {
			routed = snap.Sinks
		}
		checkAlert(t, name, c.slot, c.after, d, routed)
	}
}

func checkAlert(t *testing.T, name situation, before, after rules.Slot, d rules.Decision, routed []string) {
	t.Helper()
	if d.Alert != nil && d.Outcome != rules.Cleared {
		want := slices.Concat(before.Sinks, routed)
		switch {
		case name.silenced:
			want = before.Sinks
		case d.Outcome == rules.Repeated: // nobody whom no route names
			want = routed
		}
		if before.Phase == rules.Firing && !slices.Equal(d.Sinks, want) {
			t.Fatalf("%s: %s to %v, want %v", name, d.Outcome, d.Sinks, want)
		}
	}
	a := d.Alert
	switch d.Outcome {
	case rules.Raised:
		if a.ID == before.ID || a.Seq != 1 || a.Transition != event.Raised || after.Phase != rules.Firing || after.Due.IsZero() == (len(routed) > 0) {
			t.Fatalf("%s: raised %+v, slot %+v", name, a, after)
		}
		if !slices.Equal(d.Sinks, routed) {
			t.Fatalf("%s: raised to %v", name, d.Sinks)
		}
	case rules.Changed, rules.Repeated:
		if a.ID != before.ID || a.Seq != before.Seq+1 || after.Phase != rules.Firing {
			t.Fatalf("%s: %s %+v to %v, slot %+v", name, d.Outcome, a, d.Sinks, after)
		}
	case rules.Cleared:
		if a.ID != before.ID || a.Seq != before.Seq+1 || a.Transition != event.Cleared || after.Phase != rules.Settled || !after.Due.IsZero() || a.EndedAt.IsZero() {
			t.Fatalf("%s: cleared %+v, slot %+v", name, a, after)
		}
		if len(d.Sinks) != 1 || d.Sinks[0] != "old" {
			t.Fatalf("%s: the resolve goes to %v, not to who was told", name, d.Sinks)
		}
	default:
		if a != nil {
			t.Fatalf("%s: outcome %q tells %+v", name, d.Outcome, a)
		}
		return
	}
	if a.Title == "" || a.Language != "en" || a.StartedAt.IsZero() && before.Phase != rules.Firing {
		t.Fatalf("%s: alert is incomplete: %+v", name, a)
	}
}

// TestDecideTellsDegradedDownAndUp follows two processes that die one after
// the other and come back.
func TestDecideTellsDegradedDownAndUp(t *testing.T) {
	for _, lang := range []string{"en", "ja"} {
		set := &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Repeat: time.Hour, Patience: time.Minute}, Language: lang}
		snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes, Reason: words.InBoth.With(words.Both{EN: "always", JA: "常に"})}, Facts: linux(), Sinks: []string{"nms"}}
		var st rules.Status
		var titles []string
		step := func(n int, e event.Event) {
			var ds []rules.Decision
			st, ds = set.Decide(t0.Add(time.Duration(n)*time.Second), st, snap, e)
			for _, d := range ds {
				if d.Alert != nil {
					titles = append(titles, fmt.Sprintf("%s %s", d.Alert.Transition, d.Alert.Title))
				}
			}
		}
		step(0, look(event.Up, 0))
		step(10, look(event.Degraded, 10))
		step(29, event.Event{})
		step(30, event.Event{})
		step(40, look(event.Down, 40))
		step(3630, event.Event{})
		step(3640, event.Event{})
		step(3700, look(event.Unknown, 3700))
		step(3760, event.Event{})
		step(3800, look(event.Up, 3800))
		wantTitles := map[string][]string{
			"en": {
				"raised web01: process ds_agent is degraded (1 of 2)",
				"changed web01: process ds_agent is down",
				"repeated web01: process ds_agent is still down",
				"cleared web01: process ds_agent is back",
			},
			"ja": {
				"raised web01: プロセス ds_agent が一部しか動作していません (1/2)",
				"changed web01: プロセス ds_agent が停止しています",
				"repeated web01: プロセス ds_agent が引き続き停止しています",
				"cleared web01: プロセス ds_agent が復旧しました",
			},
		}[lang]
		if d := cmp.Diff(wantTitles, titles); d != "" {
			t.Errorf("%s (-want +got):\n%s", lang, d)
		}
	}
}

// TestDecideAfterFactsToggle raises twice from one observation: the second
// alert must not have the id of the first.
func TestDecideAfterFactsToggle(t *testing.T) {
	set := &rules.Set{Language: "en"}
	yes := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}
	no := yes
	no.Verdict = catalog.Verdict{Expected: catalog.No, Reason: event.Prose("relay is off")}
	var st rules.Status
	st, ds := set.Decide(t0, st, yes, look(event.Down, 0))
	first := ds[0].Alert
	st, _ = set.Decide(t0, st, no, event.Event{})
	_, ds = set.Decide(t0, st, yes, event.Event{})
	if second := ds[0].Alert; second == nil || second.ID == first.ID {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

// TestDecideAllocatesNothing where there is nothing to decide: a fleet does so
// thousands of times a second.
func TestDecideAllocatesNothing(t *testing.T) {
	set := &rules.Set{Settings: rules.Defaults(), Language: "en"}
	for name, c := range map[string]struct {
		expected catalog.Tri
		state    event.State
	}{
		"well":         {catalog.Yes, event.Up},
		"not expected": {catalog.No, event.Down},
		"nobody knows": {catalog.Unknown, event.Down},
	} {
		snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: c.expected}, Facts: linux(), Sinks: []string{"nms"}}
		e := look(c.state, 0)
		st, _ := set.Decide(t0, rules.Status{}, snap, e)
		if n := testing.AllocsPerRun(100, func() { st, _ = set.Decide(t0, st, snap, e) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestTellingAllocatesLittle: a loss that is told and its end take 23 allocations
// together, no more than before what is said was data.
func TestTellingAllocatesLittle(t *testing.T) {
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour}, Language: "en"}
	snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}
	down, up := look(event.Down, 0), look(event.Up, 1)
	var st rules.Status
	tell := func() {
		var raised, cleared []rules.Decision
		st, raised = set.Decide(t0, st, snap, down)
		if st, cleared = set.Decide(t0, st, snap, up); len(raised) != 1 || len(cleared) != 1 || raised[0].Alert == nil || cleared[0].Alert == nil {
			t.Fatalf("%+v, then %+v", raised, cleared)
		}
	}
	least := 100.0
	for range 50 { // the race detector makes a sync.Pool forget now and then
		least = min(least, testing.AllocsPerRun(2, tell))
	}
	if least > 23 {
		t.Errorf("%v allocations", least)
	}
}

func BenchmarkDecideNoChange(b *testing.B) {
	set := &rules.Set{Settings: rules.Defaults(), Language: "en"}
	snap := rules.Snapshot{Row: row(b, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}
	e := look(event.Up, 0)
	st, _ := set.Decide(t0, rules.Status{}, snap, e)
	b.ReportAllocs()
	for b.Loop() {
		st, _ = set.Decide(t0, st, snap, e)
	}
}

func BenchmarkDecideFlip(b *testing.B) {
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour}, Language: "en"}
	snap := rules.Snapshot{Row: row(b, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}
	events := []event.Event{look(event.Down, 0), look(event.Up, 1)}
	var st rules.Status
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		st, _ = set.Decide(t0, st, snap, events[i%2])
	}
}
