package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/words"
)

func TestTrail(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	k := event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: "ds_agent"}
	alert := event.Alert{ID: "abc", Seq: 1, Key: k, Transition: event.Raised}
	var tr Trail
	if tr.Steps() != nil {
		t.Error("an empty trail has steps")
	}
	tr = tr.Add(at, event.Down, []Decision{{Rule: Loss, Outcome: Holding, Why: event.Prose("waits\n20s\t")}})
	tr = tr.Add(at.Add(20*time.Second), event.Down, []Decision{{Rule: Loss, Outcome: Raised, Why: event.Prose("always"), Alert: &alert, Sinks: []string{"nms", "chat"}}})
	got := tr.Steps()
	if len(got) != 2 || words.English(got[0].Why) != "waits 20s " || !got[0].At.Equal(at) || got[0].Alert != "" {
		t.Fatalf("%+v", got)
	}
	if r := got[1]; r.Alert != "abc" || r.Seq != 1 || len(r.Sinks) != 2 || r.Outcome != Raised || r.State != event.Down {
		t.Fatalf("%+v", r)
	}
	// Repetitions take each other's place, others push the oldest out.
	for n := range 5 {
		tr = tr.Add(at.Add(time.Duration(n)*time.Hour), event.Down, []Decision{{Rule: Loss, Outcome: Repeated, Alert: &alert, Sinks: []string{"nms"}}})
	}
	if got = tr.Steps(); len(got) != 3 || !got[2].At.Equal(at.Add(4*time.Hour)) {
		t.Fatalf("%+v", got)
	}
	for n := range 40 {
		tr = tr.Add(at, event.Down, []Decision{{Rule: Loss, Outcome: Changed, Why: event.Prose(fmt.Sprint(n, strings.Repeat("語", 200)))}})
	}
	if got = tr.Steps(); len(got) != maxTrail || !strings.HasPrefix(words.English(got[maxTrail-1].Why), "39") || len(tr) > maxTrail*(maxWhy+100) {
		t.Fatalf("%d steps, %d bytes", len(got), len(tr))
	}
}

// FuzzTrail: whatever a decision says and whatever is stored, the trail can
// be read and stays bounded.
func FuzzTrail(f *testing.F) {
	f.Add("waits", "nms", "1\tloss\n")
	f.Fuzz(func(t *testing.T, why, sink, stored string) {
		if strings.ContainsAny(sink, "\t\n,") {
			return // validated names
		}
		tr := Trail(stored)
		for range 20 {
			tr = tr.Add(time.Now(), event.Down, []Decision{{Rule: Loss, Outcome: Holding, Why: event.Prose(why), Sinks: []string{sink}}})
		}
		if n := len(tr.Steps()); n != maxTrail {
			t.Fatalf("%d steps of %q", n, tr)
		}
	})
}

// BenchmarkTrail adds to a full trail, which is what a decision costs at most.
func BenchmarkTrail(b *testing.B) {
	d := []Decision{{Rule: Loss, Outcome: Changed, Why: event.Prose("was degraded, is down"), Sinks: []string{"nms", "chat"},
		Alert: &event.Alert{ID: "785f4f184fd8b4fa785f4f18", Seq: 3}}}
	var t Trail
	for range maxTrail {
		t = t.Add(time.Now(), event.Down, d)
	}
	b.ReportAllocs()
	for b.Loop() {
		t.Add(time.Now(), event.Down, d)
	}
	b.ReportMetric(float64(len(t)), "bytes/trail")
}
