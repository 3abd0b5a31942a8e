package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

func TestAcknowledge(t *testing.T) {
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour}, Language: "en"}
	snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms", "hook"}}
	st, ds := set.Decide(t0, rules.Status{}, snap, look(event.Degraded, 0))
	raised := *ds[0].Alert
	kim := event.Ack{Author: "kim", Comment: "restarting it", At: t0.Add(time.Minute)}
	st, ds = set.Acknowledge(t0.Add(time.Minute), st, snap, rules.Loss, kim)
	if len(ds) != 1 || ds[0].Outcome != rules.Acknowledged || !slices.Equal(ds[0].Sinks, snap.Sinks) {
		t.Fatalf("acknowledged: %+v", ds)
	}
	a := ds[0].Alert
	if a.ID != raised.ID || a.Seq != 2 || a.Transition != event.Acknowledged || a.Ack == nil || *a.Ack != kim || a.State != event.Degraded || a.Severity != raised.Severity {
		t.Errorf("told %+v", a)
	}
	if want := "web01: process ds_agent is still degraded (1 of 2)"; a.Title != want {
		t.Errorf("title %q, want %q", a.Title, want)
	}
	if due := st.Due(); !due.IsZero() {
		t.Errorf("would be repeated at %s", due)
	}
	if _, ds := set.Acknowledge(t0.Add(2*time.Minute), st, snap, rules.Loss, kim); len(ds) > 0 {
		t.Errorf("the same words again tell %+v", ds)
	}
	if _, ds := set.Decide(t0.Add(5*time.Hour), st, snap, look(event.Degraded, 18000)); len(ds) > 0 {
		t.Errorf("repeated in spite of it: %+v", ds)
	}
	st, ds = set.Decide(t0.Add(6*time.Hour), st, snap, look(event.Down, 21600))
	if len(ds) != 1 || ds[0].Outcome != rules.Changed || ds[0].Alert.Seq != 3 || ds[0].Alert.Ack == nil {
		t.Errorf("a change to worse: %+v", ds)
	}
	st, ds = set.Decide(t0.Add(7*time.Hour), st, snap, look(event.Up, 25200))
	if len(ds) != 1 || ds[0].Outcome != rules.Cleared || ds[0].Alert.Ack == nil {
		t.Errorf("its end: %+v", ds)
	}
	if _, ds := set.Acknowledge(t0, st, snap, rules.Loss, kim); len(ds) > 0 {
		t.Errorf("what is over was acknowledged: %+v", ds)
	}
}

// TestAcknowledgeWhileWell: the all-clear of an item that is well again waits
// for rules.hold_up, and for nothing else.
func TestAcknowledgeWhileWell(t *testing.T) {
	set := &rules.Set{Settings: rules.Settings{HoldUp: time.Minute}, Language: "en"}
	snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}
	st, _ := set.Decide(t0, rules.Status{}, snap, look(event.Down, 0))
	st, _ = set.Decide(t0.Add(time.Second), st, snap, look(event.Up, 1))
	st, ds := set.Acknowledge(t0.Add(2*time.Second), st, snap, rules.Loss, event.Ack{Author: "kim"})
	if len(ds) != 1 || !st.Due().Equal(t0.Add(61*time.Second)) {
		t.Fatalf("acknowledged: %+v, due at %s", ds, st.Due())
	}
	if _, ds = set.Decide(st.Due(), st, snap, event.Event{}); len(ds) != 1 || ds[0].Outcome != rules.Cleared {
		t.Errorf("its end: %+v", ds)
	}
}

// TestWithdraw: the acknowledgement is taken back, which is told to whoever
// was told of it, and the alert is repeated again.
func TestWithdraw(t *testing.T) {
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour}, Language: "en"}
	snap := rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms", "hook"}}
	st, _ := set.Decide(t0, rules.Status{}, snap, look(event.Degraded, 0))
	lee := event.Ack{Author: "lee", Comment: "kim is ill", At: t0.Add(2 * time.Minute)}
	if _, ds := set.Withdraw(t0, st, snap, rules.Loss, lee); len(ds) > 0 {
		t.Errorf("what nobody said was taken back: %+v", ds)
	}
	st, _ = set.Acknowledge(t0.Add(time.Minute), st, snap, rules.Loss, event.Ack{Author: "kim", At: t0.Add(time.Minute)})
	st, ds := set.Withdraw(t0.Add(2*time.Minute), st, snap, rules.Loss, lee)
	if len(ds) != 1 || ds[0].Outcome != rules.Unacknowledged || !slices.Equal(ds[0].Sinks, snap.Sinks) || words.English(ds[0].Why) != "lee withdrew the acknowledgement: kim is ill" {
		t.Fatalf("withdrawn: %+v", ds)
	}
	a := ds[0].Alert
	if a.Seq != 3 || a.Transition != event.Unacknowledged || a.Ack != nil || a.Withdrawn == nil || *a.Withdrawn != lee {
		t.Errorf("told %+v", a)
	}
	if want := "Nobody looks after it any more; lee withdrew the acknowledgement (kim is ill)."; !strings.HasPrefix(a.Text, want) {
		t.Errorf("text %q, want %q at its beginning", a.Text, want)
	}
	if _, ds := set.Withdraw(t0.Add(3*time.Minute), st, snap, rules.Loss, lee); len(ds) > 0 {
		t.Errorf("taken back twice: %+v", ds)
	}
	for range 3 { // it may want to look again before anything is to be told
		if st, ds = set.Decide(st.Due(), st, snap, event.Event{}); len(ds) > 0 {
			break
		}
	}
	if len(ds) != 1 || ds[0].Outcome != rules.Repeated || !ds[0].Alert.At.Equal(t0.Add(62*time.Minute)) || ds[0].Alert.Withdrawn != nil {
		t.Errorf("repeated an hour after it was last told: %+v", ds)
	}
	st, _ = set.Acknowledge(t0.Add(63*time.Minute), st, snap, rules.Loss, event.Ack{Author: "kim"})
	st, _ = set.Decide(t0.Add(64*time.Minute), st, snap, look(event.Up, 3840))
	if _, ds := set.Withdraw(t0.Add(65*time.Minute), st, snap, rules.Loss, lee); len(ds) > 0 {
		t.Errorf("of what is over: %+v", ds)
	}
}
