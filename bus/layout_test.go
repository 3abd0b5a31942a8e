package bus_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// TestLayout holds what the streams promise to whom: how long events are
// kept, that a process that was killed and does the last events again doubles
// nothing in the outbox, that a full outbox drops the oldest, and that a
// bucket has one value for each key and refuses rather than drops.
func TestLayout(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, nil)
	c := bustest.Config(t)
	c.URL, c.MaxEvents, c.MaxOutbox, c.MaxDead = s.URL, 11<<20, 12<<20, 13<<20
	c.History = bus.HistoryConfig{Keep: bus.Age(400 * 24 * time.Hour), MaxBytes: 14 << 20}
	bustest.Open(t, c)
	js := directly(t, s.URL)

	type layout struct {
		retention  jetstream.RetentionPolicy
		discard    jetstream.DiscardPolicy
		age        time.Duration
		bytes      int64
		ofSubject  int64
		duplicates time.Duration
		direct     bool
	}
	bucket := layout{jetstream.LimitsPolicy, jetstream.DiscardNew, 0, -1, 1, 2 * time.Minute, false}
	for name, want := range map[string]layout{
		bus.Events:           {jetstream.LimitsPolicy, jetstream.DiscardOld, 72 * time.Hour, 11 << 20, -1, 2 * time.Minute, false},
		bus.Outbox:           {jetstream.WorkQueuePolicy, jetstream.DiscardOld, 0, 12 << 20, -1, 10 * time.Minute, true},
		bus.Dead:             {jetstream.LimitsPolicy, jetstream.DiscardOld, 0, 13 << 20, -1, 10 * time.Minute, false},
		bus.History:          {jetstream.LimitsPolicy, jetstream.DiscardOld, 400 * 24 * time.Hour, 14 << 20, -1, 2 * time.Minute, false},
		"KV_" + bus.Items:    bucket,
		"KV_" + bus.Alerts:   bucket,
		"KV_" + bus.Silences: bucket,
		"KV_" + bus.Facts:    bucket,
		"KV_" + bus.Receipts: bucket,
	} {
		st, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c := st.CachedInfo().Config
		got := layout{c.Retention, c.Discard, c.MaxAge, c.MaxBytes, c.MaxMsgsPerSubject, c.Duplicates, c.AllowDirect}
		if got != want {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
		if c.Storage != jetstream.FileStorage || c.Replicas != 1 || c.MaxMsgs != -1 || c.MaxMsgSize != -1 {
			t.Errorf("%s: %+v", name, c)
		}
		// The events and the outbox roll up their pulses.
		if kv := want == bucket; c.AllowMsgTTL != kv || c.AllowRollup != (kv || name != bus.Dead && name != bus.History) || c.DenyDelete != kv {
			t.Errorf("%s: markers %v, roll-up %v, no delete %v", name, c.AllowMsgTTL, c.AllowRollup, c.DenyDelete)
		}
	}
}
