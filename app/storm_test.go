package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/table"
	"dswatch/test/receive"
	"dswatch/words"
)

// TestStormThroughRestart: on the real bus a digest outlives the program, is
// listed with those it speaks for, and ends once.
func TestStormThroughRestart(t *testing.T) {
	const hosts, single = 40, 5
	const config = "rules: {hold: 0s, storm: {alerts: 5, window: 2s, every: 5s, settle: 10s}}\nwatch: {items: [{kind: process, name: own.exe}]}\n"
	f := newFleet(t)
	f.start(config)
	tell := func(s event.State) {
		t.Helper()
		var events []event.Event
		for i := range hosts {
			k := event.Key{Host: fmt.Sprintf("h%02d", i), Component: "custom", Kind: event.Process, Name: "own.exe"}
			events = append(events, event.NewState("hub", event.Change, event.Observation{Key: k, State: s, Want: 1, At: time.Now()}))
		}
		if err := f.a.ledger.Publish(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}
	told := func(w *receive.Webhook) (digests []string, singles int) {
		for _, d := range w.Received() {
			switch {
			case d.Alert.Rule == event.RuleStorm:
				digests = append(digests, fmt.Sprint(d.Alert.Transition, " ", d.Alert.AffectedCount))
			case d.Alert.Key.Host != "hub":
				singles++
			}
		}
		return digests, singles
	}
	tell(event.Down)
	eventually(t, "all members are there", func() bool {
		list, err := f.a.Alerts(t.Context())
		n := 0
		for _, a := range list {
			if a.Digest != "" && a.ID != "" {
				n++
			}
		}
		return err == nil && n >= hosts-single
	})
	f.restart(config)
	eventually(t, "the digest is told", func() bool { d, _ := told(f.hook); return len(d) == 1 })
	// A heartbeat counts, and a resync tells, the digest once and not its members.
	if e := f.a.engine.Load(); e.CountOpen("hook") != len(e.Open("hook")) || e.CountOpen("hook") < 1 || e.CountOpen("hook") > single+1 {
		t.Errorf("%d open alerts are counted, %d are there", e.CountOpen("hook"), len(e.Open("hook")))
	}
	f.restart(config)
	list, err := f.a.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	digest := ""
	for _, a := range list {
		if a.Rule == event.RuleStorm {
			digest = a.ID
		}
	}
	eventually(t, "the digest is explained", func() bool {
		y, err := f.a.Why(t.Context(), digest[:12], "ja")
		return err == nil && len(y) == 1 && y[0].Digest != nil && y[0].Digest.Open >= hosts-single && len(y[0].Digest.Members) == y[0].Digest.Open &&
			len(y[0].Trail) > 0 && y[0].Trail[0].Outcome == "raised" && len(y[0].Told) == 2 && y[0].Told[0].Progress == "confirmed"
	})
	y, err := f.a.Why(t.Context(), digest, "ja")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := WriteWhy(&text, y, words.In("ja", time.Local), table.Form{}); err != nil || !strings.Contains(text.String(), "件を集約しています") || !strings.Contains(text.String(), "h39/custom/process/own.exe") {
		t.Errorf("%v\n%s", err, text.String())
	}
	member, err := f.a.Why(t.Context(), y[0].Digest.Members[0].AlertID, "en")
	if err != nil || len(member) != 1 || len(member[0].Told) != 2 || member[0].Told[0].Alert != digest {
		t.Errorf("the alert in the digest is explained as %+v, %v", member, err)
	}
	tell(event.Up)
	eventually(t, "the digest is over", func() bool { d, _ := told(f.hook); return len(d) > 0 && d[len(d)-1] == "cleared 0" })
	eventually(t, "the other sink knows, too", func() bool { d, _ := told(f.other); return len(d) > 0 && d[len(d)-1] == "cleared 0" })
	eventually(t, "nothing is unpaired", func() bool { return f.unpaired("hook") == "0" && f.unpaired("other") == "0" })
	f.stop()
	for _, w := range []*receive.Webhook{f.hook, f.other} {
		digests, singles := told(w)
		if i := slices.IndexFunc(digests, func(s string) bool { return s == "cleared 0" }); i != len(digests)-1 || digests[0][:6] != "raised" || len(digests) > 3 {
			t.Errorf("the digest went %q", digests)
		}
		if singles < 2*(single-1) || singles > 2*single { // the hub's own item may be one of the first five
			t.Errorf("%d messages about single hosts", singles)
		}
	}
}
