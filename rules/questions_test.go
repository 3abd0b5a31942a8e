package rules

import (
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
)

var began = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func after(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }

// TestIsItBad: what a look says to each of the rules.
func TestIsItBad(t *testing.T) {
	holding := &Slot{Phase: Held}
	for name, c := range map[string]struct {
		state        event.State
		expected     catalog.Tri
		loss         *Slot
		flap         *Flap
		behind       event.Key
		lost, unseen sign
	}{
		"well":                          {state: event.Up, expected: catalog.Yes, lost: good, unseen: good},
		"lost, in its hold":             {state: event.Down, expected: catalog.Yes, loss: holding, lost: bad, unseen: blind},
		"lost and told":                 {state: event.Down, expected: catalog.Yes, loss: &Slot{Phase: Firing}, lost: bad, unseen: good},
		"lost and silenced":             {state: event.Down, expected: catalog.Yes, loss: &Slot{Phase: Held, Silence: "s"}, lost: bad, unseen: good},
		"lost while it comes and goes":  {state: event.Down, expected: catalog.Yes, flap: &Flap{Slot: Slot{Phase: Firing}}, lost: bad, unseen: blind},
		"not seen":                      {state: event.Unknown, expected: catalog.Yes, lost: blind, unseen: bad},
		"not seen, in its hold":         {state: event.Unknown, expected: catalog.Yes, loss: holding, lost: blind, unseen: bad},
		"not seen, its loss is told":    {state: event.Unknown, expected: catalog.Yes, loss: &Slot{Phase: Firing}, lost: blind, unseen: good},
		"not seen, in a digest":         {state: event.Unknown, expected: catalog.Yes, loss: &Slot{Phase: Held, Digest: "d"}, lost: blind, unseen: good},
		"not seen, behind another":      {state: event.Unknown, expected: catalog.Yes, behind: event.Key{Host: "dsm"}, lost: blind, unseen: blind},
		"not expected":                  {state: event.Down, expected: catalog.No, lost: good, unseen: good},
		"nobody knows if it is needed":  {state: event.Degraded, expected: catalog.Unknown, lost: blind, unseen: good},
		"neither seen nor known needed": {state: event.Unknown, expected: catalog.Unknown, lost: blind, unseen: blind},
	} {
		st := &Status{Seen: event.Observation{State: c.state, Behind: c.behind}, Loss: c.loss, Flap: c.flap}
		if got := lossSign(c.state, c.expected); got != c.lost {
			t.Errorf("%s: loss %d, want %d", name, got, c.lost)
		}
		if got := unseenSign(st, c.expected); got != c.unseen {
			t.Errorf("%s: unknown %d, want %d", name, got, c.unseen)
		}
	}
}

// TestSinceWhen: a hold of 20 s that began at 0.
func TestSinceWhen(t *testing.T) {
	for name, c := range map[string]struct {
		now, seen, look int // 0: no look was promised
		want            bool
		ask             int
	}{
		"too early":                             {now: 19, ask: 20},
		"who tells only changes has looked":     {now: 20, want: true},
		"a look at the end shows it":            {now: 20, seen: 20, look: 30, want: true},
		"a look that was promised is awaited":   {now: 20, seen: 10, look: 30, ask: 30},
		"and no longer than it was promised":    {now: 30, seen: 10, look: 30, want: true},
		"a second look before the end does not": {now: 25, seen: 19, look: 30, ask: 30},
		"the clock of the observer went ahead":  {now: 5, seen: 3600, ask: 20},
	} {
		slot := &Slot{Phase: Held, Since: began, Due: after(20)}
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
	note := func(text string) { said = append(said, text) }
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
