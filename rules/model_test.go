package rules_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// The model plays random lives of one Windows host with the vendor's list
// and holds what the sinks got against the promises. A life is a list of
// moves, so that one that breaks a promise can be shortened.

// move is one thing that happens.
type move struct {
	what string // see, wait, facts, crash, restart, deliver, ack, silence
	a, b int
}

func (m move) String() string {
	switch m.what {
	case "see":
		return modelItems[m.a] + "=" + string(modelStates[m.b])
	case "wait":
		return fmt.Sprintf("wait %ds", m.a)
	case "facts":
		return "facts " + strings.Join(modelFacts[m.a], " ")
	case "silence":
		return fmt.Sprintf("silence %s for %ds", modelItems[m.a], m.b)
	}
	return fmt.Sprint(m.what, " ", m.a)
}

var (
	modelItems = []string{"service/ds_agent", "process/dsa.exe", "port/4118/tcp", "driver/tbimdsa", "service/Amsp", "process/coreServiceShell.exe",
		"process/coreFrameworkHost.exe", "process/own", "process/last"}
	modelStates = []event.State{event.Up, event.Up, event.Down, event.Down, event.Degraded, event.Unknown}
	modelOwn    = []catalog.Row{
		{Kind: event.Process, Name: "own", DependsOn: []string{"process/dsa.exe"}},
		{Kind: event.Process, Name: "last", DependsOn: []string{"process/own", "port/4118/tcp"}},
	}
	modelHost  = []string{"os=windows", "components=agent", "communication=bidirectional"}
	modelFacts = [][]string{
		{"agent_version=20.0.1-1", "features.firewall=on", "features.anti_malware=on", "boot_time=2026-11-01T00:00:00Z"},
		{"agent_version=20.0.1-1", "features.firewall=off", "features.intrusion_prevention=off", "features.anti_malware=on", "boot_time=2026-11-01T00:00:01Z"},
		{"agent_version=20.0.2-1", "features.firewall=on", "features.anti_malware=off", "boot_time=2026-11-01T00:00:00Z"},
		{"agent_version=20.0.2-1", "features.firewall=on", "features.anti_malware=on", "boot_time=2026-11-02T00:00:00Z"},
		{"agent_version=20.0.2-1"},
	}
)

// life makes the moves of one seed. Moves of one item come in runs, because
// what is interesting is what happens to it next.
func modelLife(seed uint64) []move {
	rnd := rand.New(rand.NewPCG(seed, 7))
	moves := []move{{what: "facts", a: 0}}
	item := 0
	for range 40 + rnd.IntN(60) {
		switch rnd.IntN(20) {
		case 0:
			moves = append(moves, move{what: "facts", a: rnd.IntN(len(modelFacts))})
		case 1:
			moves = append(moves, move{what: "crash", a: rnd.IntN(8)})
		case 2:
			moves = append(moves, move{what: "restart"})
		case 3, 4:
			moves = append(moves, move{what: "deliver"})
		case 5:
			moves = append(moves, move{what: "ack", a: rnd.IntN(4)})
		case 6:
			moves = append(moves, move{what: "silence", a: rnd.IntN(len(modelItems)), b: 1 + rnd.IntN(300)})
		case 7, 8, 9, 10, 11:
			moves = append(moves, move{what: "wait", a: 1 + rnd.IntN([]int{10, 40, 200}[rnd.IntN(3)])})
		default:
			if rnd.IntN(2) == 0 {
				item = rnd.IntN(len(modelItems))
			}
			moves = append(moves, move{what: "see", a: item, b: rnd.IntN(len(modelStates))})
		}
	}
	return moves
}

// modelSets are the settings of a life, by its seed.
func modelSet(seed uint64) *rules.Set {
	s := rules.Settings{Hold: 20 * time.Second, Patience: 2 * time.Minute, Repeat: 10 * time.Minute, Transition: 2 * time.Minute,
		Flap: rules.FlapSettings{Changes: 4, Window: 5 * time.Minute, Settle: 2 * time.Minute}}
	if seed%2 == 0 {
		s.HoldUp = 15 * time.Second
	}
	switch seed % 5 {
	case 1:
		s.Flap.Changes = 0
	case 2:
		s.Silent = 10 * time.Minute
	case 3:
		s.Hold = 0
	}
	return &rules.Set{Settings: s, Language: []string{"en", "ja"}[seed%2]}
}

// live plays the moves and returns which promises were broken.
func live(t *testing.T, list *catalog.Catalog, seed uint64, moves []move) (broken []string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(seed)
		w.sinks = []string{"nms"}
		s := &stage{t: t, w: w, rows: vendor{list, w.sinks}, set: modelSet(seed)}
		s.stop = startEngine(w, s.rows, s.set)
		defer func() { s.stop() }()
		wants := map[string][]time.Time{} // when a row that needs a feature could be expected
		states := map[string]event.State{}
		facts := 0
		for n, m := range moves {
			switch m.what {
			case "see":
				states[modelItems[m.a]] = modelStates[m.b]
				s.see(modelItems[m.a] + "=" + string(modelStates[m.b]))
			case "wait":
				s.wait(time.Duration(m.a) * time.Second)
			case "facts":
				facts = m.a
				s.facts(append(slices.Clone(modelFacts[m.a]), modelHost...)...)
			case "crash":
				w.mu.Lock()
				w.fuse = m.a
				w.mu.Unlock()
			case "restart":
				s.restart()
			case "deliver":
				w.deliver()
			case "ack":
				ackSome(w, m.a)
			case "silence":
				k := strings.SplitN(modelItems[m.a], "/", 2)
				w.mu.Lock()
				w.quiet(rules.Silence{ID: fmt.Sprint("s", n), Match: matchers(t, "name="+k[1]), Starts: time.Now(), Ends: time.Now().Add(time.Duration(m.b) * time.Second)})
				w.mu.Unlock()
			}
			synctest.Wait()
			w.mu.Lock()
			crashed := w.life != w.running
			w.mu.Unlock()
			if crashed {
				s.restart()
			}
			if slices.Contains(modelFacts[facts], "features.firewall=on") {
				wants["driver/tbimdsa"] = append(wants["driver/tbimdsa"], time.Now())
			}
		}
		// Nothing changes any more, and nothing crashes.
		w.mu.Lock()
		w.fuse = -1
		w.mu.Unlock()
		s.restart()
		s.wait(9 * time.Minute)
		for range 10 { // hosts that are watched for silence report
			s.facts(append(slices.Clone(modelFacts[facts]), modelHost...)...)
			for id, state := range states {
				s.see(id + "=" + string(state))
			}
			s.wait(5 * time.Minute)
		}
		w.deliver()
		broken = append(broken, stands(s, states, facts)...)
		for id := range states {
			s.see(id + "=up")
		}
		s.facts(append(slices.Clone(modelFacts[0]), modelHost...)...)
		s.wait(5 * time.Minute)
		w.deliver()
		broken = append(broken, pairs(w.got["nms"])...)
		for _, a := range w.got["nms"] {
			if a.Transition == event.Raised && a.Rule == rules.Loss && a.Key.Row() == "driver/tbimdsa" && len(wants["driver/tbimdsa"]) == 0 {
				broken = append(broken, "tbimdsa was told although no feature needs it")
			}
		}
	})
	return broken
}

// ackSome looks after the nth open alert.
func ackSome(w *world, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var open []string
	w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
		st.Slots(func(_ string, slot rules.Slot) {
			if slot.Phase == rules.Firing {
				open = append(open, slot.ID)
			}
		})
	})
	if n < len(open) {
		_ = w.engine.Acknowledge(ctx, open[n], event.Ack{At: time.Now(), Author: "kim"}) // a crash may come first
	}
}

// stands holds what is open after a long quiet time against what is lost:
// everything lost that is expected is told, or named by what explains it,
// and nothing else is open.
func stands(s *stage, states map[string]event.State, facts int) (broken []string) {
	known := event.Facts{}
	for _, p := range append(slices.Clone(modelFacts[facts]), modelHost...) {
		name, value, _ := strings.Cut(p, "=")
		known[event.Name(name)] = event.Fact{Value: value, Origin: "declared"}
	}
	last := map[string]event.Alert{} // of each slot
	for _, a := range s.w.got["nms"] {
		last[a.Key.Row()+" "+a.Rule] = a
	}
	named := map[string]bool{}
	acked := false
	for _, a := range last {
		if a.Transition.Firing() {
			for _, x := range a.Affected {
				named[x.Key.Row()] = true
			}
			acked = acked || a.Ack != nil // is not repeated, so it does not name what came later
		}
	}
	for id, state := range states {
		k := event.Key{Host: "web01", Component: event.Agent}
		kind, name, _ := strings.Cut(id, "/")
		k.Kind, k.Name = event.Kind(kind), name
		row, verdict := s.rows.Find(k, known)
		if row == nil {
			k.Component = catalog.Own
			_, verdict = s.rows.Find(k, known)
		}
		loss, seen := last[id+" loss"], last[id+" unknown"]
		open := loss.ID != "" && loss.Transition.Firing()
		switch {
		case verdict.Expected == catalog.Yes && state.Lost() && !open && !named[id] && !acked:
			broken = append(broken, fmt.Sprintf("%s is %s and nobody was told", id, state))
		case verdict.Expected == catalog.Yes && state == event.Unknown && !(seen.ID != "" && seen.Transition.Firing()) && !named[id] && !acked:
			broken = append(broken, fmt.Sprintf("%s cannot be observed and nobody was told", id))
		case open && (verdict.Expected == catalog.No || state == event.Up):
			broken = append(broken, fmt.Sprintf("%s is %s, expected %v, and its loss stays open", id, state, verdict.Expected))
		case open && verdict.Expected == catalog.Yes && state.Lost() && loss.State != state:
			broken = append(broken, fmt.Sprintf("%s is %s and was told as %s", id, state, loss.State))
		}
		if f := last[id+" flapping"]; f.ID != "" && f.Transition.Firing() {
			broken = append(broken, id+" is still said to flap")
		}
	}
	return broken
}

// pairs holds one sink's alerts against the promises, all of them being over.
func pairs(got []event.Alert) (broken []string) {
	seen, last := map[string]bool{}, map[string]event.Alert{}
	flapping := map[string]bool{}
	for _, a := range got {
		name := a.Key.Row() + " " + a.Rule
		prev, told := last[name]
		fresh := !told || prev.ID != a.ID
		switch {
		case seen[a.DeliveryID()]:
			broken = append(broken, name+": "+a.DeliveryID()+" came twice")
		case fresh && told && prev.Transition.Firing():
			broken = append(broken, name+" raised while another is open")
		case fresh && a.Transition != event.Raised:
			broken = append(broken, name+" begins with "+string(a.Transition))
		case !fresh && a.Seq != prev.Seq+1:
			broken = append(broken, fmt.Sprintf("%s goes from %d to %d", name, prev.Seq, a.Seq))
		case !fresh && prev.Transition == event.Cleared:
			broken = append(broken, name+" goes on after its end")
		case a.Rule == rules.Loss && flapping[a.Key.Row()] && a.Transition != event.Acknowledged:
			broken = append(broken, name+" was told while the item flaps")
		case len(a.Affected) != a.AffectedCount:
			broken = append(broken, fmt.Sprintf("%s names %d of %d", name, len(a.Affected), a.AffectedCount))
		}
		if a.Rule == rules.FlapRule {
			flapping[a.Key.Row()] = a.Transition.Firing()
		}
		seen[a.DeliveryID()], last[name] = true, a
	}
	for name, a := range last {
		if a.Transition.Firing() {
			broken = append(broken, name+" was never cleared")
		}
	}
	return broken
}

// shorten takes away moves as long as the life stays broken.
func shorten(moves []move, isBroken func([]move) bool) []move {
	for size := len(moves) / 2; size > 0; {
		cut := false
		for i := 0; i+size <= len(moves); {
			if fewer := slices.Concat(moves[:i], moves[i+size:]); isBroken(fewer) {
				moves, cut = fewer, true
				continue
			}
			i += size
		}
		if !cut || size > 1 {
			size /= 2
		}
	}
	return moves
}

func TestModel(t *testing.T) {
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if list, err = list.With(modelOwn, nil); err != nil {
		t.Fatal(err)
	}
	for seed := range 2 * seeds() {
		moves := modelLife(seed)
		broken := live(t, list, seed, moves)
		if broken == nil {
			continue
		}
		moves = shorten(moves, func(m []move) bool { return live(t, list, seed, m) != nil })
		t.Fatalf("seed %d: %s\nshortened to:\n%v\nwhich breaks: %s", seed, strings.Join(broken, "; "), moves, strings.Join(live(t, list, seed, moves), "; "))
	}
}
