package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/event"
	"dswatch/rules"
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
