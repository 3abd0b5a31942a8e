package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// routes returns the routes with UTC as the zone of their hours.
func routes(t testing.TB, list ...rules.Route) (out []rules.Route) {
	t.Helper()
	for _, r := range list {
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		at, err := r.At(time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, at)
	}
	return out
}

// night plays one item for hours, minute by minute, and notes who is told.
type night struct {
	t    *testing.T
	set  *rules.Set
	snap rules.Snapshot
	st   rules.Status
	from time.Time
	told []string
}

func newNight(t *testing.T, set *rules.Set, from string) *night {
	at, err := time.Parse("2006-01-02 15:04", from)
	if err != nil {
		t.Fatal(err)
	}
	return &night{t: t, set: set, from: at, snap: rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"unused"}}}
}

func (n *night) note(at time.Time, ds []rules.Decision) {
	for _, d := range ds {
		if d.Alert != nil {
			n.told = append(n.told, fmt.Sprintf("%s %s to %s", at.Format("15:04"), d.Alert.Transition, strings.Join(d.Sinks, " ")))
		}
	}
}

// play runs the clock for minutes and decides when the status asks for it.
func (n *night) play(minutes int) {
	for range minutes {
		n.from = n.from.Add(time.Minute)
		if due := n.st.Due(); due.IsZero() || n.from.Before(due) {
			continue
		}
		st, ds := n.set.Decide(n.from, n.st, n.snap, event.Event{})
		n.st = st
		n.note(n.from, ds)
		if due := st.Due(); !due.IsZero() && !due.After(n.from) {
			n.t.Fatalf("at %s it asks to be decided at %s, again and again", n.from, due)
		}
	}
}

func (n *night) see(s event.State) {
	o := event.Observation{Key: key, State: s, Want: 2, At: n.from}
	st, ds := n.set.Decide(n.from, n.st, n.snap, event.NewState("web01", event.Change, o))
	n.st = st
	n.note(n.from, ds)
}

func (n *night) ack() {
	st, ds := n.set.Acknowledge(n.from, n.st, n.snap, rules.Loss, event.Ack{Author: "kim", At: n.from})
	n.st = st
	n.note(n.from, ds)
}

func (n *night) withdraw() {
	st, ds := n.set.Withdraw(n.from, n.st, n.snap, rules.Loss, event.Ack{Author: "kim", At: n.from})
	n.st = st
	n.note(n.from, ds)
}

func (n *night) want(want ...string) {
	n.t.Helper()
	if d := cmp.Diff(want, n.told); d != "" {
		n.t.Errorf("-want +got:\n%s", d)
	}
}

func minutes(n int) *time.Duration { d := time.Duration(n) * time.Minute; return &d }

// TestHoursOfARoute: an alert that rises at night goes to the night shift; the
// office hears of it in the morning, is not told again after hours, and both
// are told the end.
func TestHoursOfARoute(t *testing.T) {
	office := rules.Route{Sinks: []string{"office"}, Hours: []rules.Hours{{Days: "mon-fri", From: "09:00", To: "18:00"}}, Repeat: minutes(240)}
	rest := rules.Route{Sinks: []string{"night"}, Repeat: minutes(0)}
	n := newNight(t, &rules.Set{Language: "en", Routes: routes(t, office, rest)}, "2026-11-16 20:00")
	n.see(event.Down)
	n.play(24 * 60)
	n.want("20:00 raised to night", "09:00 repeated to office", "13:00 repeated to office", "17:00 repeated to office")
	n.told = nil
	n.play(14 * 60) // the whole night until 10:00
	n.want("09:00 repeated to office")
	n.told = nil
	n.play(9 * 60)
	n.see(event.Up)
	n.want("13:00 repeated to office", "17:00 repeated to office", "19:00 cleared to night office")
}

// TestHoursThatEnd: who takes over when the hours of a route end is told of
// what is still open.
func TestHoursThatEnd(t *testing.T) {
	day := rules.Route{Sinks: []string{"day"}, Hours: []rules.Hours{{From: "09:00", To: "18:00"}}}
	late := rules.Route{Sinks: []string{"late"}}
	n := newNight(t, &rules.Set{Language: "en", Routes: routes(t, day, late)}, "2026-11-16 17:00")
	n.see(event.Down)
	n.play(3 * 60)
	n.see(event.Degraded)
	n.see(event.Up)
	n.want("17:00 raised to day", "18:00 repeated to late", "20:00 changed to day late", "20:00 cleared to day late")
}

// TestHoursWithoutAnybody: what nobody is told of at night is told in the
// morning, and not at all when it is over by then.
func TestHoursWithoutAnybody(t *testing.T) {
	set := &rules.Set{Language: "en", Routes: routes(t, rules.Route{Sinks: []string{"day"}, Hours: []rules.Hours{{From: "09:00", To: "18:00"}}})}
	n := newNight(t, set, "2026-11-16 20:00")
	n.see(event.Down)
	n.play(60)
	n.see(event.Up)
	n.play(60)
	n.see(event.Down)
	n.play(12 * 60)
	n.want("20:00 raised to ", "21:00 cleared to ", "22:00 raised to ", "09:00 repeated to day")
}

// TestHoursWhileAcknowledged: the shift that begins is told of what somebody
// looks after, once.
func TestHoursWhileAcknowledged(t *testing.T) {
	day := rules.Route{Sinks: []string{"day"}, Hours: []rules.Hours{{From: "09:00", To: "18:00"}}, Continue: true, Repeat: minutes(60)}
	n := newNight(t, &rules.Set{Language: "en", Routes: routes(t, day, rules.Route{Sinks: []string{"all"}, Repeat: minutes(60)})}, "2026-11-16 08:30")
	n.see(event.Down)
	n.ack()
	n.play(30 * 60)
	n.see(event.Up)
	n.want("08:30 raised to all", "08:30 acknowledged to all", "09:00 repeated to day", "14:30 cleared to all day")
}

// TestEscalation: who is told later is told once, only while nobody looks
// after the alert, and always told the end.
func TestEscalation(t *testing.T) {
	set := &rules.Set{Language: "en", Settings: rules.Settings{Repeat: 20 * time.Minute}, Routes: routes(t, rules.Route{
		Sinks: []string{"nms"}, Escalate: &rules.Escalation{After: 15 * time.Minute, Sinks: []string{"boss", "nms"}},
	})}
	for name, c := range map[string]struct {
		play func(n *night)
		want []string
	}{
		"nobody comes": {func(n *night) { n.play(45); n.see(event.Up) },
			[]string{"00:00 raised to nms", "00:15 repeated to boss", "00:20 repeated to nms", "00:40 repeated to nms", "00:45 cleared to nms boss"}},
		"over in time": {func(n *night) { n.play(14); n.see(event.Up); n.play(60) },
			[]string{"00:00 raised to nms", "00:14 cleared to nms"}},
		"acknowledged in time": {func(n *night) { n.play(14); n.ack(); n.play(60); n.see(event.Up) },
			[]string{"00:00 raised to nms", "00:14 acknowledged to nms", "01:14 cleared to nms"}},
		"withdrawn in time": {func(n *night) {
			n.play(5)
			n.ack()
			n.play(5)
			n.withdraw()
			n.play(25)
			n.see(event.Up)
		},
			[]string{"00:00 raised to nms", "00:05 acknowledged to nms", "00:10 unacknowledged to nms", "00:15 repeated to boss", "00:30 repeated to nms", "00:35 cleared to nms boss"}},
		"withdrawn when it is overdue": {func(n *night) {
			n.play(5)
			n.ack()
			n.play(55)
			n.withdraw()
			n.play(19)
			n.see(event.Up)
		},
			[]string{"00:00 raised to nms", "00:05 acknowledged to nms", "01:00 unacknowledged to nms", "01:01 repeated to boss", "01:19 cleared to nms boss"}},
		"acknowledged later": {func(n *night) { n.play(16); n.ack(); n.play(60); n.see(event.Degraded); n.see(event.Up) },
			[]string{"00:00 raised to nms", "00:15 repeated to boss", "00:16 acknowledged to nms boss", "01:16 changed to nms boss", "01:16 cleared to nms boss"}},
		"cannot be seen meanwhile": {func(n *night) {
			n.play(10)
			n.see(event.Unknown)
			n.play(20)
			n.see(event.Down)
			n.play(1)
			n.see(event.Up)
		},
			[]string{"00:00 raised to nms", "00:15 repeated to boss", "00:20 repeated to nms", "00:31 cleared to nms boss"}},
		"silenced meanwhile": {func(n *night) {
			n.snap.Silences = []rules.Silence{{ID: "s", Match: matchers(t, "host=web01"), Starts: n.from, Ends: n.from.Add(30 * time.Minute)}}
			n.play(29)
			n.told = append(n.told, "silent")
			n.play(2)
			n.see(event.Up)
		}, []string{"00:00 raised to nms", "silent", "00:30 repeated to nms boss", "00:31 cleared to nms boss"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t, set, "2026-11-16 00:00")
			n.see(event.Down)
			c.play(n)
			n.want(c.want...)
		})
	}
}
