package rules_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// play decides states at seconds after t0, each also when a deadline passes,
// and returns what was told as "second transition rule state".
type play struct {
	set  *rules.Set
	snap rules.Snapshot
	st   rules.Status
	now  int
	told []string
	all  []rules.Decision
}

func newPlay(t testing.TB, s rules.Settings) *play {
	return &play{set: &rules.Set{Settings: s, Language: "en"},
		snap: rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}}
}

func (p *play) decide(e event.Event) {
	now := t0.Add(time.Duration(p.now) * time.Second)
	var ds []rules.Decision
	p.st, ds = p.set.Decide(now, p.st, p.snap, e)
	if due := p.st.Due(); !due.IsZero() && !due.After(now) {
		panic(fmt.Sprintf("at %s the deadline %s has passed already: the engine would spin", now, due))
	}
	p.all = append(p.all, ds...)
	for _, d := range ds {
		if d.Alert != nil {
			p.told = append(p.told, fmt.Sprintf("%d %s %s %s", p.now, d.Alert.Transition, d.Rule, d.Alert.State))
		}
	}
}

// until lets time pass to second n, deciding at every deadline.
func (p *play) until(n int) {
	for {
		due := p.st.Due()
		at := int(due.Sub(t0) / time.Second)
		if due.IsZero() || at > n {
			break
		}
		p.now = at
		p.decide(event.Event{})
	}
	p.now = n
}

func (p *play) see(n int, s event.State) {
	p.until(n)
	p.decide(look(s, n))
}

func TestHoldUp(t *testing.T) {
	for name, c := range map[string]struct {
		play func(p *play)
		want []string
	}{
		"well for long enough":    {func(p *play) { p.see(100, event.Up); p.until(500) }, []string{"10 raised loss down", "130 cleared loss up"}},
		"down again meanwhile":    {func(p *play) { p.see(100, event.Up); p.see(120, event.Down); p.see(140, event.Up); p.until(500) }, []string{"10 raised loss down", "170 cleared loss up"}},
		"worse or better is told": {func(p *play) { p.see(100, event.Up); p.see(120, event.Degraded); p.until(500) }, []string{"10 raised loss down", "120 changed loss degraded"}},
		"not seen at the end":     {func(p *play) { p.see(100, event.Up); p.see(120, event.Unknown); p.see(200, event.Up); p.until(500) }, []string{"10 raised loss down", "200 cleared loss up"}},
		"not seen in between": {func(p *play) { p.see(100, event.Up); p.see(110, event.Unknown); p.see(120, event.Up); p.until(500) },
			[]string{"10 raised loss down", "130 cleared loss up"}},
		"not seen any more": {func(p *play) { p.see(3600, event.Up); p.see(3610, event.Unknown); p.until(8000) },
			[]string{"10 raised loss down", "3630 repeated loss down", "7230 repeated loss down"}},
		"not seen, then down": {func(p *play) {
			p.see(100, event.Up)
			p.see(110, event.Unknown)
			p.see(200, event.Down)
			p.see(210, event.Up)
			p.until(500)
		}, []string{"10 raised loss down", "240 cleared loss up"}},
		"off the list at once": {func(p *play) { p.see(100, event.Up); p.snap.Row = nil; p.now = 110; p.decide(event.Event{}) }, []string{"10 raised loss down", "110 cleared loss up"}},
		"repeated meanwhile, later": {func(p *play) { p.see(3600, event.Up); p.see(3620, event.Down); p.until(3700) },
			[]string{"10 raised loss down", "3620 repeated loss down"}},
	} {
		p := newPlay(t, rules.Settings{HoldUp: 30 * time.Second, Patience: time.Hour, Repeat: time.Hour})
		p.see(0, event.Up)
		p.see(10, event.Down)
		c.play(p)
		if d := cmp.Diff(c.want, p.told); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func flapping() rules.Settings {
	return rules.Settings{Hold: 5 * time.Second, Patience: time.Hour, Flap: rules.FlapSettings{Changes: 4, Window: 5 * time.Minute, Settle: 2 * time.Minute}}
}

func TestFlap(t *testing.T) {
	swing := func(p *play, from, n int) {
		for i := range n {
			p.see(from+10*i, []event.State{event.Down, event.Up}[i%2])
		}
	}
	for name, c := range map[string]struct {
		play func(p *play)
		want []string
	}{
		"settles up": {func(p *play) { swing(p, 10, 8); p.until(1000) },
			[]string{"15 raised loss down", "20 cleared loss up", "35 raised loss down", "40 raised flapping up", "200 cleared flapping up", "200 cleared loss up"}},
		"settles down": {func(p *play) { swing(p, 10, 7); p.until(1000) },
			[]string{"15 raised loss down", "20 cleared loss up", "35 raised loss down", "40 raised flapping up", "190 cleared flapping down"}},
		"a loss that was not told": {func(p *play) {
			p.see(10, event.Down)
			p.see(12, event.Up)
			p.see(14, event.Down)
			p.see(16, event.Up)
			p.see(18, event.Down)
			p.until(1000)
		}, []string{"16 raised flapping up", "138 cleared flapping down", "143 raised loss down"}},
		"too slow": {func(p *play) {
			for i := range 8 {
				p.see(200*(i+1), []event.State{event.Down, event.Up}[i%2])
			}
		}, []string{"205 raised loss down", "400 cleared loss up", "605 raised loss down", "800 cleared loss up", "1005 raised loss down", "1200 cleared loss up", "1405 raised loss down", "1600 cleared loss up"}},
		"never seen between": {func(p *play) {
			for i := range 4 {
				p.see(10+10*i, []event.State{event.Down, event.Up}[i%2])
				p.see(12+10*i, event.Unknown)
			}
		}, []string{"40 raised flapping up"}},
		"no longer expected": {func(p *play) { swing(p, 10, 5); p.snap.Row = nil; p.now = 60; p.decide(event.Event{}) },
			[]string{"15 raised loss down", "20 cleared loss up", "35 raised loss down", "40 raised flapping up", "60 cleared flapping down", "60 cleared loss down"}},
		"switched off": {func(p *play) { swing(p, 10, 5); p.set.Flap.Changes = 0; p.now = 60; p.decide(event.Event{}) },
			[]string{"15 raised loss down", "20 cleared loss up", "35 raised loss down", "40 raised flapping up", "60 cleared flapping down"}},
	} {
		p := newPlay(t, flapping())
		p.see(0, event.Up)
		c.play(p)
		if d := cmp.Diff(c.want, p.told); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestFlapTexts reads what people are told.
func TestFlapTexts(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"web01: process ds_agent comes and goes", "at least 4 times within 5m", "web01: process ds_agent has settled: it is up"},
		"ja": {"web01: プロセス ds_agent が停止と復旧を繰り返しています", "4 回以上", "web01: プロセス ds_agent の状態が安定しました (正常)"},
	} {
		p := newPlay(t, flapping())
		p.set.Language = lang
		p.see(0, event.Up)
		for i := range 4 {
			p.see(1+i, []event.State{event.Down, event.Up}[i%2])
		}
		p.until(1000)
		var got []string
		for _, d := range p.all {
			if d.Alert != nil {
				got = append(got, d.Alert.Title, d.Alert.Text)
			}
		}
		all := strings.Join(got, "\n")
		for _, w := range want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: %q is not in\n%s", lang, w, all)
			}
		}
	}
}

// TestFlapKeepsLossStill plays random states: while an item is said to come
// and go its loss tells nothing, every alert is paired, memory is bounded.
func TestFlapKeepsLossStill(t *testing.T) {
	lives := 24
	if os.Getenv("DSWATCH_SOAK") != "" {
		lives = 12_000
	}
	for seed := range uint64(lives) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		s := flapping()
		s.HoldUp, s.Repeat = time.Duration(rnd.IntN(2))*20*time.Second, time.Duration(rnd.IntN(2))*time.Minute
		p := newPlay(t, s)
		n, states := 0, []event.State{event.Up, event.Up, event.Down, event.Down, event.Degraded, event.Unknown}
		for range 100 {
			n += 1 + rnd.IntN([]int{10, 10, 200}[rnd.IntN(3)])
			p.see(n, states[rnd.IntN(len(states))])
			if p.st.Flap != nil && len(p.st.Flap.Flips) > s.Flap.Changes {
				t.Fatalf("seed %d: remembers %d changes", seed, len(p.st.Flap.Flips))
			}
		}
		p.see(n+1, event.Up)
		p.until(n + 1000)
		open, last := map[string]bool{}, map[string]string{}
		for _, d := range p.all {
			if d.Alert == nil {
				continue
			}
			if d.Rule == rules.Loss && open[rules.FlapRule] {
				t.Fatalf("seed %d: loss %s while it is said to flap\n%s", seed, d.Outcome, strings.Join(p.told, "\n"))
			}
			if last[d.Rule] == d.Alert.ID && !open[d.Rule] {
				t.Fatalf("seed %d: %s %s after its end", seed, d.Rule, d.Outcome)
			}
			open[d.Rule], last[d.Rule] = d.Alert.Transition.Firing(), d.Alert.ID
		}
		for rule, is := range open {
			if is {
				t.Fatalf("seed %d: %s stays open\n%s", seed, rule, strings.Join(p.told, "\n"))
			}
		}
		if b := slices.MaxFunc(p.all, func(a, b rules.Decision) int { return a.Why.Len() - b.Why.Len() }); words.English(b.Why) == "" {
			t.Fatal("nothing has a reason")
		}
	}
}

func TestBadFlapSettings(t *testing.T) {
	for want, change := range map[string]func(*rules.FlapSettings){
		"one restart is 2 changes": func(f *rules.FlapSettings) { f.Changes = 2 },
		"write 3 to 100":           func(f *rules.FlapSettings) { f.Changes = 101 },
		"window":                   func(f *rules.FlapSettings) { f.Window = time.Second },
		"settle":                   func(f *rules.FlapSettings) { f.Settle = 0 },
	} {
		f := rules.Defaults().Flap
		change(&f)
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
	if err := (rules.FlapSettings{}).Validate(); err != nil {
		t.Errorf("off: %v", err)
	}
	if err := (rules.Settings{HoldUp: -1}).Validate(); err == nil || !strings.Contains(err.Error(), "hold_up") {
		t.Errorf("negative hold_up: %v", err)
	}
}

// TestFlapWhy: what makes an item flap is the reason, not its footnotes.
func TestFlapWhy(t *testing.T) {
	p := newPlay(t, rules.Settings{Flap: rules.FlapSettings{Changes: 3, Window: time.Minute, Settle: time.Minute}})
	for n, state := range []event.State{event.Up, event.Down, event.Up, event.Down} {
		p.now = n
		p.decide(look(state, n))
	}
	for _, d := range p.all {
		if d.Rule == rules.FlapRule && d.Outcome == rules.Raised {
			if want := "changed 3 times within 1m"; words.English(d.Why) != want {
				t.Errorf("raised because %v, want %q", d.Why, want)
			}
			return
		}
	}
	t.Errorf("never raised: %v", p.told)
}
