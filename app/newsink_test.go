package app

import (
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/web"
)

// TestNewSink: a sink that was not there hears at once of what is open, but
// for what somebody looks after, whatever else is set; one that was there does
// not hear of it again.
func TestNewSink(t *testing.T) {
	for name, more := range map[string]string{
		"never repeated": "rules: {hold: 0s, repeat: 0s}\n",
		"repeated":       "rules: {hold: 0s, repeat: 4h}\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			both := f.sinks
			f.sinks = both[:strings.Index(both, "  - {name: other")]
			f.start(strings.ReplaceAll(more, ", other", ""))
			f.agent("20.0.0-7119")
			for _, p := range []string{"ds_nuagent.exe", "dsa.exe"} {
				f.tell(event.Process, p, event.Up)
				f.tell(event.Process, p, event.Down)
			}
			got := f.hook.Await(t, 2)
			if err := f.a.Ack(t.Context(), got[0].Alert.ID, web.Ack{Author: "kim"}); err != nil {
				t.Fatal(err)
			}
			f.hook.Await(t, 3)
			f.sinks = both
			f.restart(more)
			f.other.Await(t, 1)
			time.Sleep(300 * time.Millisecond)
			if n := len(f.hook.Received()); n != 3 {
				t.Errorf("the sink that was there was told %d times, want 3", n)
			}
			if now := f.other.Received(); len(now) != 1 || now[0].Alert.Transition != event.Raised || now[0].Alert.ID != got[1].Alert.ID {
				t.Errorf("the new sink was told %+v, want the alert that nobody looks after", now)
			}
		})
	}
}
