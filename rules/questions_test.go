package rules

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

var began = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func after(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }

// TestIsItBad: what a look says to each of the rules.
func TestIsItBad(t *testing.T) {
	holding, gathered := &Slot{Phase: Held}, &Slot{Phase: Held, Digest: "d", Raised: after(10)}
	for name, c := range map[string]struct {
		state        event.State
		expected     catalog.Tri
		loss         *Slot
		flap         *Flap
		behind       event.Key
		open         *Slot  // the alert that says that it cannot be seen
		digest       Digest // of the loss
		unaccounted  bool
		lost, unseen sign
	}{
		"well":                                   {state: event.Up, expected: catalog.Yes, lost: good, unseen: good},
		"lost, in its hold":                      {state: event.Down, expected: catalog.Yes, loss: holding, lost: bad, unseen: blind},
		"lost and told":                          {state: event.Down, expected: catalog.Yes, loss: &Slot{Phase: Firing}, lost: bad, unseen: good},
		"lost and silenced":                      {state: event.Down, expected: catalog.Yes, loss: &Slot{Phase: Held, Silence: "s"}, lost: bad, unseen: good},
		"lost while it comes and goes":           {state: event.Down, expected: catalog.Yes, flap: &Flap{Slot: Slot{Phase: Firing}}, lost: bad, unseen: blind},
		"not seen":                               {state: event.Unknown, expected: catalog.Yes, lost: blind, unseen: bad},
		"not seen, in its hold":                  {state: event.Unknown, expected: catalog.Yes, loss: holding, lost: blind, unseen: bad},
		"not seen, its loss is told":             {state: event.Unknown, expected: catalog.Yes, loss: &Slot{Phase: Firing}, lost: blind, unseen: good},
		"not seen, in a digest":                  {state: event.Unknown, expected: catalog.Yes, loss: &Slot{Phase: Held, Digest: "d"}, lost: blind, unseen: good},
		"not seen, behind another":               {state: event.Unknown, expected: catalog.Yes, behind: event.Key{Host: "dsm"}, lost: blind, unseen: blind},
		"not seen, what it is behind is no more": {state: event.Unknown, expected: catalog.Yes, behind: event.Key{Host: "dsm"}, unaccounted: true, lost: blind, unseen: bad},
		"not expected":                           {state: event.Down, expected: catalog.No, lost: good, unseen: good},
		"nobody knows if it is needed":           {state: event.Degraded, expected: catalog.Unknown, lost: blind, unseen: good},
		"told as unseen, its loss holds":         {state: event.Down, expected: catalog.Yes, loss: holding, open: &Slot{Phase: Firing}, lost: bad, unseen: blind},
		"told as unseen, its cause is not told":  {state: event.Down, expected: catalog.Yes, loss: &Slot{Phase: Held, Cause: "c", Due: after(20)}, open: &Slot{Phase: Firing}, lost: bad, unseen: blind},
		"told as unseen, its cause is told":      {state: event.Down, expected: catalog.Yes, loss: &Slot{Phase: Held, Cause: "c"}, open: &Slot{Phase: Firing}, lost: bad, unseen: good},
		"told as unseen, its digest gathers":     {state: event.Down, expected: catalog.Yes, loss: gathered, open: &Slot{Phase: Firing}, digest: Digest{Slot: Slot{ID: "d", Phase: Held}}, lost: bad, unseen: blind},
		"told as unseen, its digest told before": {state: event.Down, expected: catalog.Yes, loss: gathered, open: &Slot{Phase: Firing}, digest: Digest{Slot: Slot{ID: "d", Phase: Firing}, Last: after(9)}, lost: bad, unseen: blind},
		"told as unseen, its digest told of it":  {state: event.Down, expected: catalog.Yes, loss: gathered, open: &Slot{Phase: Firing}, digest: Digest{Slot: Slot{ID: "d", Phase: Firing}, Last: after(11)}, lost: bad, unseen: good},
		"told as unseen, its digest is silenced": {state: event.Down, expected: catalog.Yes, loss: gathered, open: &Slot{Phase: Firing}, digest: Digest{Slot: Slot{ID: "d", Phase: Held}, Mute: true}, lost: bad, unseen: good},

		"neither seen nor known needed": {state: event.Unknown, expected: catalog.Unknown, lost: blind, unseen: blind},
	} {
		st := &Status{Seen: event.Observation{State: c.state, Behind: c.behind}, Loss: c.loss, Unseen: c.open, Flap: c.flap}
		storm := NewStorm("")
		storm.Add(&c.digest)
		if got := lossSign(c.state, c.expected); got != c.lost {
			t.Errorf("%s: loss %d, want %d", name, got, c.lost)
		}
		if got := unseenSign(st, c.expected, &Snapshot{Storm: storm, Unaccounted: c.unaccounted}); got != c.unseen {
			t.Errorf("%s: unknown %d, want %d", name, got, c.unseen)
		}
	}
}

// TestSinceWhen: a hold of 20 s that began at 0.
func TestSinceWhen(t *testing.T) {
	for name, c := range map[string]struct {
		now, seen, look int // 0: no look was promised
		due             int // 0: the end of the hold
		want            bool
		ask             int
	}{
		"too early":                             {now: 19, ask: 20},
		"who tells only changes has looked":     {now: 20, want: true},
		"a look at the end shows it":            {now: 20, seen: 20, look: 30, want: true},
		"a look that was promised is awaited":   {now: 20, seen: 10, look: 30, ask: 30},
		"a look that was awaited has come":      {now: 21, seen: 20, look: 30, due: 30, want: true},
		"one that was awaited is still not it":  {now: 22, seen: 15, look: 30, due: 30, ask: 30},
		"and no longer than it was promised":    {now: 30, seen: 10, look: 30, want: true},
		"a second look before the end does not": {now: 25, seen: 19, look: 30, ask: 30},
		"the clock of the observer went ahead":  {now: 5, seen: 3600, ask: 20},
	} {
		slot := &Slot{Phase: Held, Since: began, Due: after(cmp.Or(c.due, 20))}
		if c.look > 0 {
			slot.Look = after(c.look)
		}
		got, ask := slot.ripe(after(c.now), after(c.seen), 20*time.Second)
		if got != c.want || !got && !ask.Equal(after(c.ask)) {
			t.Errorf("%s: %v, ask at %s", name, got, ask)
		}
	}
}

// TestWhenAgain: an alert of which the sink was told at 0 and lately at 600.
func TestWhenAgain(t *testing.T) {
	told := &Slot{Phase: Firing, At: after(600), Raised: began, Round: &Round{Next: []Again{{Sink: "nms", First: began, At: after(600)}}}}
	old := &Slot{Phase: Firing, At: after(900), Raised: began, Round: &Round{Next: []Again{{Sink: "nms"}}}}
	acked := *told
	acked.Ack = &event.Ack{Author: "kim"}
	for name, c := range map[string]struct {
		slot *Slot
		t    target
		want time.Time
	}{
		"after its interval":               {told, target{sink: "nms", repeat: time.Minute}, after(660)},
		"the interval counts as it is now": {told, target{sink: "nms", repeat: time.Hour}, after(600 + 3600)},
		"not before its route opens":       {told, target{sink: "nms", repeat: time.Minute, opens: after(5000)}, after(5000)},
		"never":                            {told, target{sink: "nms"}, time.Time{}},
		"somebody looks after it":          {&acked, target{sink: "nms", repeat: time.Minute}, time.Time{}},
		"it has not heard of it":           {told, target{sink: "chat", repeat: time.Minute}, time.Time{}},
		"as an earlier version stored it":  {old, target{sink: "nms", repeat: time.Minute}, after(960)},
	} {
		if got := c.slot.next(c.t); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestFromWhenItEscalates: 15 minutes after the first sink of the route heard of
// it, and not before it was so severe that the route is for it.
func TestFromWhenItEscalates(t *testing.T) {
	heard := func(sinks ...Again) *Slot { return &Slot{Phase: Firing, Raised: began, Round: &Round{Next: sinks}} }
	worse := heard(Again{Sink: "chat", First: after(60)})
	worse.Rated = after(3600)
	for name, c := range map[string]struct {
		slot  *Slot
		least event.Severity
		want  time.Time
	}{
		"from the first that was told":        {heard(Again{Sink: "pager", First: after(120)}, Again{Sink: "chat", First: after(60)}), "", after(60 + 900)},
		"nobody of the route was told yet":    {heard(Again{Sink: "other", First: after(60)}), "", time.Time{}},
		"not from before it was for it":       {worse, event.Critical, after(3600 + 900)},
		"it was for it before it got worse":   {worse, "", after(60 + 900)},
		"told by a version that did not note": {heard(Again{Sink: "chat"}), "", after(900)},
	} {
		r := &Route{Sinks: []string{"chat", "pager"}, MinSeverity: c.least, Escalate: &Escalation{After: 15 * time.Minute, Sinks: []string{"boss"}}}
		if got := r.escalates(c.slot, Subject{Severity: event.Critical}); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestShorten: what would last for ever is bounded and said, what does not is not.
func TestShorten(t *testing.T) {
	var said []string
	note := func(key string, s event.Said) { said = append(said, key+": "+words.English(s)) }
	s := Defaults()
	s.Repeat = 2_500_000 * time.Hour
	s.Shorten(note)
	far, near := 2_500_000*time.Hour, time.Hour
	r, q := Route{Repeat: &far}, Route{Repeat: &near}
	r.Shorten(note)
	q.Shorten(note)
	if s.Repeat != Longest || *r.Repeat != Longest || far == Longest || *q.Repeat != near || len(said) != 2 {
		t.Errorf("%s, %s, %s: %q", s.Repeat, *r.Repeat, *q.Repeat, said)
	}
	long := Silence{Starts: began, Ends: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}.Bounded()
	if !long.Forever || !long.Ends.IsZero() || !long.Active(after(1)) || !long.WaitsUntil().IsZero() {
		t.Errorf("a silence until 9999 is %+v", long)
	}
	if short := (Silence{Starts: began, Ends: after(60)}).Bounded(); short.Forever || short.Active(after(61)) {
		t.Errorf("a silence of a minute is %+v", short)
	}
}

// TestMayItBeTold: what keeps trouble of 20 s from being told, and until when.
func TestMayItBeTold(t *testing.T) {
	name, other := event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}, event.Key{Host: "web01", Component: "agent", Kind: event.Service, Name: "ds_agent"}
	for what, c := range map[string]struct {
		rule     string
		transit  *Transit
		cause    *Cause
		silence  *Silence
		single   bool
		outlived bool
		want     Outcome
		due      time.Time // zero: what keeps it says when that is over
	}{
		"nothing does":                          {want: Raised},
		"its host is in transition":             {transit: &Transit{Until: after(90)}, want: InTransit, due: after(90)},
		"the transition is over":                {transit: &Transit{Until: after(10)}, want: Raised},
		"nobody can see it in a transition":     {rule: Unseen, transit: &Transit{Until: after(90)}, want: Raised},
		"its cause is told":                     {cause: &Cause{Key: other, Severity: event.Critical, Sure: true}, want: Explained},
		"its cause may be told":                 {cause: &Cause{Key: other, Severity: event.Critical, Due: after(40)}, want: Holding, due: after(40).Add(recheck)},
		"it is worse than its cause":            {cause: &Cause{Key: other, Severity: event.Info, Sure: true}, want: Raised},
		"its cause comes and goes":              {cause: &Cause{Key: other, Severity: event.Critical, Sure: true, Flaps: true}, want: Explained},
		"and it has outlived that before":       {cause: &Cause{Key: other, Severity: event.Critical, Sure: true, Flaps: true}, outlived: true, want: Raised},
		"it comes and goes, whatever the cause": {rule: FlapRule, cause: &Cause{Key: other, Severity: event.Critical, Sure: true}, want: Raised},
		"a silence":                             {silence: &Silence{ID: "s", Starts: began, Ends: after(60)}, want: Silenced, due: after(60)},
		"a silence for ever":                    {silence: &Silence{ID: "s", Starts: began, Forever: true}, want: Silenced},
		"a silence that is over":                {silence: &Silence{ID: "s", Starts: began, Ends: after(10)}, want: Raised},
		"so many rise that one digest tells":    {single: true, want: Gathered},
		"a cause comes before a silence":        {cause: &Cause{Key: other, Severity: event.Critical, Sure: true}, silence: &Silence{ID: "s", Starts: began, Ends: after(60)}, want: Explained},
		"a silence comes before a digest":       {silence: &Silence{ID: "s", Starts: began, Ends: after(60)}, single: true, want: Silenced, due: after(60)},
	} {
		set := &Set{Settings: Settings{Hold: 20 * time.Second, Storm: StormSettings{Alerts: 2, Window: time.Minute}}, Language: "en"}
		rule := c.rule
		if rule == "" {
			rule = Loss
		}
		st := &Status{Key: name, Event: "e", Seen: event.Observation{Key: name, State: event.Down, At: after(20)}}
		if rule == FlapRule {
			st.Flap = &Flap{Until: after(600), Worst: event.Down, Impact: event.ProtectionReduced}
		}
		slot := st.own(rule)
		slot.Phase, slot.Since, slot.First, slot.Outlived = Held, began, "e", c.outlived
		snap := &Snapshot{Row: &catalog.Row{Kind: event.Process, Name: "ds_agent"}, Verdict: catalog.Verdict{Expected: catalog.Yes}, Sinks: []string{"nms"}, Transit: c.transit}
		if c.cause != nil {
			snap.Related = &Related{Cause: *c.cause, Veil: *c.cause}
		}
		if c.silence != nil {
			snap.Silences = []Silence{*c.silence}
		}
		if c.single {
			snap.Storm = NewStorm("hub")
			for range 2 {
				snap.Storm.Count(after(20), rule, 2)
			}
		}
		out := set.rise(question{asked: &asked{now: after(20), fresh: true, rule: rule}, st: st, snap: snap, sign: bad}, nil)
		if len(out) != 1 || out[0].Outcome != c.want || out[0].Why.Empty() && c.want != Raised {
			t.Errorf("%s: %+v, want %s", what, out, c.want)
			continue
		}
		if c.want != Raised && !st.slot(rule).Due.Equal(c.due) {
			t.Errorf("%s: asked again at %s, want %s", what, st.slot(rule).Due, c.due)
		}
		if (st.slot(rule).Phase == Firing) != (c.want == Raised) || (out[0].Alert != nil) != (c.want == Raised) {
			t.Errorf("%s: the slot is %s, alert %v", what, st.slot(rule).Phase, out[0].Alert)
		}
	}
}

// TestToWhom: who is told, how often, and not before when, of one alert at noon.
func TestToWhom(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday
	hour, never := time.Hour, time.Duration(0)
	at := func(r Route) Route {
		t.Helper()
		r, err := r.At(time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	night := []Hours{{From: "20:00", To: "08:00"}}
	evening := time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
	told := func(sinks ...string) *Slot {
		s := &Slot{Phase: Firing, Sinks: sinks, Raised: noon.Add(-time.Hour), Round: &Round{}}
		for _, name := range sinks {
			s.Round.Next = append(s.Round.Next, Again{Sink: name, First: noon.Add(-time.Hour), At: noon.Add(-time.Hour)})
		}
		return s
	}
	acked := told("chat")
	acked.Ack = &event.Ack{Author: "kim"}
	escalates := at(Route{Sinks: []string{"chat"}, Escalate: &Escalation{After: 30 * time.Minute, Sinks: []string{"boss"}}})
	for what, c := range map[string]struct {
		routes []Route
		slot   *Slot // nil: it is raised
		want   []target
	}{
		"no routes":                             {nil, nil, []target{{"nms", 4 * hour, time.Time{}}, {"chat", 4 * hour, time.Time{}}}},
		"the first that matches":                {[]Route{{Sinks: []string{"chat"}}, {Sinks: []string{"nms"}}}, nil, []target{{"chat", 4 * hour, time.Time{}}}},
		"and the next where it says so":         {[]Route{{Sinks: []string{"chat"}, Continue: true, Repeat: &hour}, {Sinks: []string{"nms", "chat"}}}, nil, []target{{"chat", hour, time.Time{}}, {"nms", 4 * hour, time.Time{}}}},
		"never again":                           {[]Route{{Sinks: []string{"chat"}, Repeat: &never}}, nil, []target{{"chat", 0, time.Time{}}}},
		"not so severe":                         {[]Route{{MinSeverity: event.Critical, Sinks: []string{"pager"}}, {Sinks: []string{"chat"}}}, nil, []target{{"chat", 4 * hour, time.Time{}}}},
		"nobody at this hour":                   {[]Route{at(Route{Sinks: []string{"chat"}, Hours: night})}, nil, nil},
		"the next where one is closed":          {[]Route{at(Route{Sinks: []string{"chat"}, Hours: night}), {Sinks: []string{"nms"}}}, nil, []target{{"nms", 4 * hour, time.Time{}}}},
		"who was told, once its hours begin":    {[]Route{at(Route{Sinks: []string{"chat", "nms"}, Hours: night})}, told("chat"), []target{{"chat", 4 * hour, evening}}},
		"others when nobody looks after it":     {[]Route{escalates}, told("chat"), []target{{"chat", 4 * hour, time.Time{}}, {"boss", 0, time.Time{}}}},
		"not when somebody does":                {[]Route{escalates}, acked, []target{{"chat", 4 * hour, time.Time{}}}},
		"not before the route was told":         {[]Route{escalates}, told("other"), []target{{"chat", 4 * hour, time.Time{}}}},
		"nobody whom no route names any longer": {[]Route{{Sinks: []string{"nms"}}}, told("chat"), []target{{"nms", 4 * hour, time.Time{}}}},
	} {
		set := &Set{Settings: Settings{Repeat: 4 * hour}, Routes: c.routes}
		got := set.targets(noon, Subject{Rule: Loss, Severity: event.Warning}, []string{"nms", "chat"}, c.slot)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// TestRouting: it is another one once somebody else may hear of something, and the
// same whatever else of a route is changed.
func TestRouting(t *testing.T) {
	far := time.Hour
	match := func(s string) Matchers {
		m, err := ParseMatcher(s)
		if err != nil {
			t.Fatal(err)
		}
		return Matchers{m}
	}
	of := func(r ...Route) string { return (&Set{Routes: r}).Routing() }
	base := Route{Sinks: []string{"chat"}}
	for what, c := range map[string]struct {
		r    Route
		same bool
	}{
		"as it was":     {base, true},
		"its interval":  {Route{Sinks: base.Sinks, Repeat: &far}, true},
		"one more sink": {Route{Sinks: []string{"chat", "nms"}}, false},
		"its severity":  {Route{Sinks: base.Sinks, MinSeverity: event.Critical}, false},
		"its matchers":  {Route{Sinks: base.Sinks, Match: match("host=web01")}, false},
		"it goes on":    {Route{Sinks: base.Sinks, Continue: true}, false},
	} {
		if got := of(c.r) == of(base); got != c.same {
			t.Errorf("%s: the same %v, want %v", what, got, c.same)
		}
	}
	if of() == of(base) || of() == "" {
		t.Errorf("no routes are %q", of())
	}
	// An upgrade must find what an earlier version stored.
	if got := of(); got != "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945" {
		t.Errorf("no routes are stored as %s", got)
	}
}
