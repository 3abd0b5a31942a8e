package engine_test

import (
	"log/slog"
	"testing"
	"time"

	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
)

// TestFarAwayIsNotDue: what waits for a year that does not fit into
// nanoseconds since 1970 does not keep the engine busy.
func TestFarAwayIsNotDue(t *testing.T) {
	for name, c := range map[string]struct {
		set    rules.Settings
		hushed time.Time
	}{
		"silenced until the year 9999": {hushed: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)},
		"told again in 285 years":      {set: rules.Settings{Repeat: 2_500_000 * time.Hour}},
		"held for 285 years":           {set: rules.Settings{Hold: 2_500_000 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1)
			w.life, w.running = 1, 1
			li := &life{w: w, id: 1}
			e := engine.NewEngine(engine.Parts{
				Set: &rules.Set{Settings: c.set, Language: "en"}, Rows: &list{row: row(t, key)}, Sinks: w.sinks, Source: li,
				Statuses: store{li, "statuses", w.statuses}, Facts: store{li, "facts", w.facts}, Outbox: li, Receipts: receipts{li}, Silences: hushes{li},
				Log: slog.New(slog.DiscardHandler), Wall: w.wall,
			})
			var silences []rules.Silence
			if !c.hushed.IsZero() {
				silences = []rules.Silence{{ID: "s", Match: matchers(t, "name=ds_agent"), Starts: time.Now(), Ends: c.hushed}}
			}
			steps, err := e.Start(t.Context(), silences)
			if err != nil {
				t.Fatal(err)
			}
			b, err := event.NewState("web01", event.Change, event.Observation{Key: key, State: event.Down, Want: 2, At: time.Now()}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b)
			if _, err := steps.Take(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := steps.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			if wait := steps.Until(); wait < 10*time.Second {
				t.Errorf("the next step is due in %s", wait)
			}
		})
	}
}
