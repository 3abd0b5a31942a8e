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

// TestLostWhenSeenLast: a loss that a silence kept back is told at its end as what
// it was when it was seen last, and that it cannot be seen now, and says so as long
// as that is so. What was not confirmed by then is not told as lost.
func TestLostWhenSeenLast(t *testing.T) {
	quiet := rules.Silence{ID: "s", Match: matchers(t, "host=web01"), Starts: t0, Ends: t0.Add(10 * time.Minute)}
	hour := rules.Settings{Hold: 20 * time.Second, Patience: 5 * time.Minute, Repeat: time.Hour}
	for name, c := range map[string]struct {
		down, unknown int // when it was seen so; down 0: never
		expected      catalog.Tri
		transit       *rules.Transit
		want          []string
	}{
		"confirmed":               {down: 60, unknown: 120, expected: catalog.Yes, want: []string{"600 raised loss down", "4200 repeated loss down"}},
		"in its hold":             {down: 590, unknown: 595, expected: catalog.Yes, want: []string{"890 raised unknown unknown", "4490 repeated unknown unknown"}},
		"never seen lost":         {unknown: 120, expected: catalog.Yes, want: []string{"600 raised unknown unknown", "4200 repeated unknown unknown"}},
		"nobody knows if it must": {down: 60, unknown: 120, expected: catalog.Unknown},
		"its host is in transition": {down: 60, unknown: 120, expected: catalog.Yes, transit: &rules.Transit{Started: t0.Add(9 * time.Minute), Until: t0.Add(12 * time.Minute)},
			want: []string{"600 raised unknown unknown", "720 raised loss down", "720 cleared unknown unknown", "4320 repeated loss down"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, hour)
			p.snap.Silences = []rules.Silence{quiet}
			p.see(0, event.Up)
			if c.down > 0 {
				p.see(c.down, event.Down)
			}
			p.until(c.unknown)
			p.snap.Verdict.Expected = c.expected
			p.see(c.unknown, event.Unknown)
			p.snap.Transit = c.transit
			p.until(5000)
			if !slices.Equal(p.told, c.want) {
				t.Errorf("told %q, want %q", p.told, c.want)
			}
			for _, d := range p.all {
				if d.Alert == nil || !d.Alert.Transition.Firing() {
					continue
				}
				last := words.English(words.LastSeen.With())
				if says := strings.Contains(d.Alert.Detail, last); says != (d.Rule == rules.Loss) {
					t.Errorf("%s of %s says how it was seen last: %v, %q", d.Alert.Transition, d.Rule, says, d.Alert.Detail)
				}
				if want := p.snap.Row.ImpactIn(catalog.Sight{OS: event.Linux, Facts: linux()}, event.Down); d.Rule == rules.Loss && (d.Alert.Impact != want || d.Alert.Severity != rules.SeverityOf(want)) {
					t.Errorf("told as %s, %s; want %s", d.Alert.Severity, d.Alert.Impact, want)
				}
			}
		})
	}
}
