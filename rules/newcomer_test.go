package rules

import (
	"slices"
	"testing"
	"time"

	"dswatch/event"
)

// TestWhoHearsOfWhatIsOpen: what a sink that comes is to be told.
func TestWhoHearsOfWhatIsOpen(t *testing.T) {
	open := func(change func(*Slot)) *Slot {
		s := &Slot{Phase: Firing, ID: "a", Seq: 1, Severity: event.Warning, Raised: began, At: began, Sinks: []string{"nms"}, Round: &Round{All: 1, Next: []Again{{Sink: "nms"}}}}
		change(s)
		return s
	}
	night := Route{Sinks: []string{"nms", "new"}, Hours: []Hours{{From: "22:00", To: "23:00"}}}
	night, err := night.At(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		slot   *Slot
		flaps  bool
		routes []Route
		want   bool
	}{
		"it is open":                  {slot: open(func(*Slot) {}), want: true},
		"it is silenced":              {slot: open(func(s *Slot) { s.Silence = "s" }), want: true}, // the digest waits for the end of that
		"somebody looks after it":     {slot: open(func(s *Slot) { s.Ack = &event.Ack{} })},
		"it is well again":            {slot: open(func(s *Slot) { s.Well, s.Due = after(10), after(10) })},
		"it is over":                  {slot: open(func(s *Slot) { s.Phase = Settled })},
		"it is not told yet":          {slot: open(func(s *Slot) { s.Phase = Held })},
		"it comes and goes":           {slot: open(func(*Slot) {}), flaps: true},
		"it was told":                 {slot: open(func(s *Slot) { s.Round = &Round{All: 1, Next: []Again{{Sink: "new"}}} })},
		"its far end holds it open":   {slot: open(func(s *Slot) { s.Sinks = append(s.Sinks, "new") })}, // and nobody knows since when
		"a digest tells of it":        {slot: open(func(s *Slot) { s.Through = []Through{{Sink: "new", Digest: "d"}} })},
		"a digest tells another sink": {slot: open(func(s *Slot) { s.Through = []Through{{Sink: "old", Digest: "d"}} }), want: true},
		"no route names it":           {slot: open(func(*Slot) {}), routes: []Route{{Sinks: []string{"nms"}}}},
		"it is not severe enough":     {slot: open(func(*Slot) {}), routes: []Route{{Sinks: []string{"new"}, MinSeverity: event.Critical}}},
		"not at this hour":            {slot: open(func(*Slot) {}), routes: []Route{night}},
	} {
		set := &Set{Settings: Defaults(), Routes: c.routes}
		st := &Status{Key: event.Key{Host: "web01", Kind: event.Process, Name: "p"}, Event: "e", Seen: event.Observation{State: event.Down}, Loss: c.slot}
		if c.flaps {
			st.Flap = &Flap{Slot: Slot{Phase: Firing}}
		}
		if got := set.Unheard(after(60), st, Snapshot{Sinks: []string{"nms", "new"}}, Loss, "new"); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestSpokenForBySink: whom a digest tells of an alert is not told by itself, until
// it is told so; the others are, and an escalation does not wait for the digest.
func TestSpokenForBySink(t *testing.T) {
	set := &Set{Settings: Defaults(), Routes: []Route{{Sinks: []string{"new"}, Escalate: &Escalation{After: time.Minute, Sinks: []string{"boss"}}}}}
	st := &Status{Key: event.Key{Host: "web01", Kind: event.Process, Name: "p"}, Event: "e", Seen: event.Observation{State: event.Down},
		Loss: &Slot{Phase: Firing, ID: "a", Seq: 1, Severity: event.Warning, Raised: began, Round: &Round{}}}
	st.Tell(Loss, Through{Sink: "new", Digest: "d", At: after(10)})
	told := func(sec int) []string {
		return names(set.targets(after(sec), st.asTold(Loss), nil, st.Loss))
	}
	for sec, want := range map[int][]string{10: nil, 69: nil, 70: {"boss"}} {
		if got := told(sec); !slices.Equal(got, want) {
			t.Errorf("after %d s %v are told, want %v", sec, got, want)
		}
	}
	if st.Part(Loss, "other"); !st.Loss.Speaks("d") {
		t.Error("it parts from a digest that it was not in")
	}
	if st.Part(Loss, "d"); !slices.Equal(told(69), []string{"new"}) || !slices.Equal(told(70), []string{"new", "boss"}) || st.Loss.Due.After(began) || st.Loss.Speaks("d") {
		t.Errorf("apart from its digest %v are told, then %v, due %s", told(69), told(70), st.Loss.Due)
	}
	slot := st.own(Loss)
	slot.plan(after(65), []target{{sink: "new"}}, []string{"new"})
	if a, known := slot.heard("new"); !known || !a.First.Equal(after(10)) || slot.Through != nil {
		t.Errorf("told by itself it was told first at %s, and still %v", a.First, slot.Through)
	}
}

// TestThroughUnderAnotherName: a sink that is renamed goes on with what its old name
// was told, by itself or by a digest.
func TestThroughUnderAnotherName(t *testing.T) {
	for name, c := range map[string]struct {
		sinks   []string
		through []Through
		want    []Through
	}{
		"the digest goes on":               {through: []Through{{Sink: "old", Digest: "1"}}, want: []Through{{Sink: "new", Digest: "1"}}},
		"the old one does, not the second": {through: []Through{{Sink: "new", Digest: "2"}, {Sink: "old", Digest: "1"}}, want: []Through{{Sink: "new", Digest: "1"}}},
		"it was told by itself":            {sinks: []string{"old"}, through: []Through{{Sink: "new", Digest: "2"}}},
		"others are not concerned":         {sinks: []string{"old"}, through: []Through{{Sink: "chat", Digest: "3"}}, want: []Through{{Sink: "chat", Digest: "3"}}},
	} {
		st := Status{Loss: &Slot{Phase: Firing, Sinks: c.sinks, Through: c.through}}
		if st.RenameSink("old", "new"); !slices.Equal(st.Loss.Through, c.want) {
			t.Errorf("%s: %v, want %v", name, st.Loss.Through, c.want)
		}
	}
}
