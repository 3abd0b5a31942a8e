package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// TestSecondFiringIsNew: whoever looked after the first firing, was told of it
// late, or withdrew, has nothing to do with the second one, which is told,
// escalated once and repeated like the first.
func TestSecondFiringIsNew(t *testing.T) {
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour}, Language: "en", Routes: routes(t, rules.Route{
		Sinks: []string{"chat"}, Escalate: &rules.Escalation{After: 15 * time.Minute, Sinks: []string{"phone"}},
	})}
	second := []string{"10:00 raised to chat", "10:15 repeated to phone", "11:00 repeated to chat", "11:20 cleared to chat phone"}
	for name, c := range map[string]struct {
		first func(n *night)
		told  []string
	}{
		"acknowledged": {func(n *night) { n.play(5); n.ack(); n.play(80) }, []string{"08:00 raised to chat", "08:05 acknowledged to chat"}},
		"escalated, acknowledged": {func(n *night) { n.play(20); n.ack(); n.play(65) },
			[]string{"08:00 raised to chat", "08:15 repeated to phone", "08:20 acknowledged to chat phone"}},
		"withdrawn": {func(n *night) { n.play(5); n.ack(); n.play(5); n.withdraw() },
			[]string{"08:00 raised to chat", "08:05 acknowledged to chat", "08:10 unacknowledged to chat"}},
		"escalated, repeated": {func(n *night) { n.play(85) },
			[]string{"08:00 raised to chat", "08:15 repeated to phone", "09:00 repeated to chat"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t, set, "2026-11-22 08:00")
			at := func(clock string) { // idle until then
				to, _ := time.Parse("2006-01-02 15:04", "2026-11-22 "+clock)
				n.play(int(to.Sub(n.from) / time.Minute))
			}
			n.see(event.Down)
			c.first(n)
			n.see(event.Up)
			before := memory(n.st, rules.Loss)
			if len(n.told) != len(c.told)+1 || !slices.Equal(n.told[:len(c.told)], c.told) {
				t.Errorf("the first firing: %v, want %v and its end", n.told, c.told)
			}
			n.told = nil
			at("10:00")
			n.see(event.Down)
			slot := memory(n.st, rules.Loss)
			if slot.ID == before.ID || slot.Turn != before.Turn+1 || slot.Seq != 1 || slot.Ack != nil || slot.Withdrawn != nil || !slot.Started.Equal(n.from) {
				t.Errorf("the second firing begins with %+v", slot)
			}
			at("11:20")
			n.see(event.Up)
			at("14:00")
			if d := cmp.Diff(second, n.told); d != "" {
				t.Errorf("the second firing (-want +got):\n%s", d)
			}
		})
	}
}

// TestTransit: what changes again lasts longer, twice as long in all at most;
// what changes after its end begins anew.
func TestTransit(t *testing.T) {
	const long = 10 * time.Minute
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	var tr rules.Transit
	tr.Host = "web01"
	for _, x := range []struct {
		now, started, until int
		why                 string
	}{
		{0, 0, 10, "a"},
		{4, 0, 14, "a; b"},
		{9, 0, 19, "a; b; c"},
		{10, 0, 20, "a; b; c; d"},
		{15, 0, 20, "a; b; c; d; e"},
		{19, 0, 20, "a; b; c; d; e; f"},
		{20, 20, 30, "g"}, // over at that moment
		{29, 20, 39, "g; h"},
		{50, 50, 60, "i"},
	} {
		before := tr
		if lasts := !before.Until.IsZero() && x.now < int(before.Until.Sub(t0)/time.Minute); before.Lasts(at(x.now)) != lasts {
			t.Errorf("minute %d: lasts %v, want %v", x.now, before.Lasts(at(x.now)), lasts)
		}
		tr = tr.Begin(at(x.now), long, event.Prose(x.why[len(x.why)-1:]))
		if want := (rules.Transit{Host: "web01", Started: at(x.started), Until: at(x.until), Why: tr.Why}); tr != want || words.English(tr.Why) != x.why {
			t.Errorf("minute %d: %+v, want %+v", x.now, tr, want)
		}
	}
	if (*rules.Transit)(nil).Lasts(t0) {
		t.Error("none lasts")
	}
}
