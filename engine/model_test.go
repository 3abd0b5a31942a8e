package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// The model plays random lives of two Windows hosts with the vendor's list
// and holds what the sinks got against the promises. A life is a list of
// moves, so that one that breaks a promise can be shortened. One that ever
// did is kept in testdata/lives and played again by every test.

// move is one thing that happens.
type move struct {
	// What is see, turns (down and unknown, B times), sampled (an outage of B s
	// that begins C s after a look), flaps (a cause, B times, while C is lost), worsens (what comes and goes B times),
	// wait, facts, crash, restart, deliver, outage (of a far end), ack (B: taken
	// back), silence, forever (a silence), routes, repeat, rename (of a sink),
	// leave and join (of a sink), case and moved (of a host), power, clock.
	What    string
	A, B, C int
	Host    int
}

func (m move) String() string {
	host := fmt.Sprint("host ", m.Host+1)
	switch m.What {
	case "see":
		return host + " " + modelItems[m.A] + "=" + string(modelStates[m.B])
	case "turns":
		return fmt.Sprintf("%s %s=down and unknown in turns, %d times", host, modelItems[m.A], m.B)
	case "sampled":
		return fmt.Sprintf("%s %s=down for %ds, %ds after a look", host, modelItems[m.A], m.B, m.C)
	case "worsens":
		return fmt.Sprintf("%s %s is degraded and back %d times, then down", host, modelItems[m.A], m.B)
	case "flaps":
		return fmt.Sprintf("%s %s comes and goes %d times while %s=down", host, modelItems[m.A], m.B, modelItems[m.C])
	case "wait":
		return fmt.Sprintf("wait %ds", m.A)
	case "repeat":
		return fmt.Sprintf("repeat: %s", modelRepeats[m.A])
	case "forever":
		return fmt.Sprintf("silence %s until 9999-12-31", modelItems[m.A])
	case "outage", "rename":
		return fmt.Sprintf("%s of far end %d", m.What, m.A+1)
	case "case", "moved":
		return host + " has another name: " + m.What
	case "facts":
		return host + " facts " + strings.Join(modelFacts[m.A], " ")
	case "silence":
		if m.B < 0 {
			return fmt.Sprintf("silence %s for %ds, again and again", modelItems[m.A], 60-m.B)
		}
		return fmt.Sprintf("silence %s for %ds", modelItems[m.A], m.B)
	case "clock":
		return fmt.Sprintf("clock %+dm", m.A)
	case "ack":
		return fmt.Sprintf("ack %d, taken back: %v", m.A, m.B == 1)
	}
	return fmt.Sprint(m.What, " ", m.A)
}

// modelRoutes are what a life may be restarted with; sinks are the names of the
// far ends. But for the hours of 4 all have an audience for every alert.
func modelRoutes(t *testing.T, n int, sinks [3]string) []rules.Route {
	minute, far := time.Minute, 2_500_000*time.Hour
	nms, hook, chat := sinks[0], sinks[1], sinks[2]
	switch n {
	case 1:
		return []rules.Route{{MinSeverity: event.Critical, Sinks: []string{nms}, Continue: true, Repeat: &minute}, {Sinks: []string{hook}}}
	case 2:
		return []rules.Route{{Match: matchers(t, "name=dsa.exe"), Sinks: []string{hook}}, {Sinks: []string{nms}}}
	case 3:
		return routes(t, rules.Route{Sinks: []string{nms}, Escalate: &rules.Escalation{After: modelEscalate, Sinks: []string{hook}}})
	case 4:
		return routes(t, rules.Route{Sinks: []string{nms}, Hours: []rules.Hours{{From: "00:15"}}, Escalate: &rules.Escalation{After: modelEscalate, Sinks: []string{hook}}})
	case 5:
		r := rules.Route{Sinks: []string{hook}, Repeat: &far, Continue: true}
		r.Shorten(func(string, event.Said) {})
		return []rules.Route{r, {Sinks: []string{chat, nms}}}
	}
	return nil
}

const (
	modelRouteSets = 6
	modelEscalate  = 2 * time.Minute
)

// modelRepeats are what rules.repeat may be changed to.
var modelRepeats = []time.Duration{10 * time.Minute, 0, 3 * time.Minute, 2_500_000 * time.Hour}

// powerFails reports whether the lives of a seed have power losses.
func powerFails(seed uint64) bool { return seed%4 == 3 }

// clockIsSet reports whether somebody sets the clock in the lives of a seed:
// half of those with power losses are among them.
func clockIsSet(seed uint64) bool { return seed%4 == 1 || seed%8 == 7 }

// modelSteps are what the clock is set by, in minutes.
var modelSteps = []int{-60, 60, -24 * 60, 24 * 60, -1, 3}

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

// modelLife makes the moves of one seed. Moves of one item come in runs, because
// what is interesting is what happens to it next.
func modelLife(seed uint64) []move {
	rnd := rand.New(rand.NewPCG(seed, 7))
	moves := []move{{What: "facts"}, {What: "facts", Host: 1}}
	item, host := 0, 0
	for range 40 + rnd.IntN(60) {
		n := rnd.IntN(28)
		if n == 21 && !clockIsSet(seed) {
			n = 20
		}
		switch n {
		case 23:
			moves = append(moves, move{What: "outage", A: rnd.IntN(3)})
		case 24:
			moves = append(moves, move{What: "repeat", A: rnd.IntN(len(modelRepeats))})
		case 25:
			m := move{What: []string{"rename", "leave", "join", "case", "moved", "forever"}[rnd.IntN(6)], A: rnd.IntN(2), Host: rnd.IntN(2)}
			if powerFails(seed) && (m.What == "rename" || m.What == "case" || m.What == "moved" || m.What == "leave") {
				continue // what a power loss takes of a command has to be done again by whoever gave it
			}
			if m.What == "forever" {
				m.A = rnd.IntN(len(modelItems))
			}
			moves = append(moves, m)
		case 26:
			moves = append(moves, move{What: "sampled", A: item, B: []int{5, 12, 15, 15, 40, 60}[rnd.IntN(6)], C: rnd.IntN(10), Host: host})
		case 27:
			switch rnd.IntN(4) {
			case 0:
				c := rnd.IntN(len(modelCauses))
				moves = append(moves, move{What: "flaps", A: modelCauses[c][0], B: 20 + rnd.IntN(10), C: modelCauses[c][1], Host: host})
			case 1:
				moves = append(moves, move{What: "worsens", A: slices.Index(modelItems, "process/coreServiceShell.exe"), B: 4, Host: host})
			}
		case 0:
			moves = append(moves, move{What: "facts", A: rnd.IntN(len(modelFacts)), Host: rnd.IntN(2)})
		case 1:
			moves = append(moves, move{What: "crash", A: rnd.IntN(8)})
		case 2:
			switch what := rnd.IntN(3); {
			case what == 0:
				moves = append(moves, move{What: "routes", A: rnd.IntN(modelRouteSets)})
			case what == 1 && powerFails(seed):
				moves = append(moves, move{What: "power", A: rnd.IntN(1000)})
			default:
				moves = append(moves, move{What: "restart"})
			}
		case 3, 4:
			moves = append(moves, move{What: "deliver"})
		case 5:
			moves = append(moves, move{What: "ack", A: rnd.IntN(4), B: rnd.IntN(2)})
		case 6:
			m := move{What: "silence", A: rnd.IntN(len(modelItems)), B: 1 + rnd.IntN(300)}
			switch rnd.IntN(8) {
			case 0, 1:
				m.B = 0 // until cleared
			case 2:
				m.B = -m.B // that long again and again
			}
			moves = append(moves, m)
		case 22:
			moves = append(moves, move{What: "turns", A: item, B: 1 + rnd.IntN(25), Host: host})
		case 21:
			moves = append(moves, move{What: "clock", A: modelSteps[rnd.IntN(len(modelSteps))]})
		case 7, 8, 9, 10, 11:
			moves = append(moves, move{What: "wait", A: 1 + rnd.IntN([]int{10, 40, 200}[rnd.IntN(3)])})
		default:
			if rnd.IntN(2) == 0 {
				item, host = rnd.IntN(len(modelItems)), rnd.IntN(2)
			}
			moves = append(moves, move{What: "see", A: item, B: rnd.IntN(len(modelStates)), Host: host})
		}
	}
	return moves
}

// modelCauses are items that explain others, and these.
var modelCauses = [][2]int{{0, 1}, {0, 2}, {1, 7}, {4, 5}}

// modelSet are the settings of a life, by its seed.
func modelSet(t *testing.T, seed uint64) *rules.Set {
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
	switch seed % 11 {
	case 3:
		s.Repeat = 2_500_000 * time.Hour
		s.Shorten(func(string, event.Said) {})
	case 5:
		s.Repeat = 0
	}
	if seed%3 > 0 {
		s.Storm = rules.StormSettings{Alerts: 2, Window: 30 * time.Second, Every: 5 * time.Second, Settle: 2 * time.Minute}
	}
	set := &rules.Set{Settings: s, Language: []string{"en", "ja"}[seed%2]}
	for _, w := range modelWindows[seed%uint64(len(modelWindows))] {
		span, err := w.Span(time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		set.Windows = append(set.Windows, span)
	}
	return set
}

// modelWindows are the maintenance windows of a life, by its seed.
var modelWindows = [7][]rules.Window{
	2: {{Name: "scans", Schedule: "*/15 * * * *", Duration: 3 * time.Minute}},
	4: {{Name: "patches", Schedule: "7 * * * *", Duration: 4 * time.Minute}, {Name: "again", Schedule: "10 * * * *", Duration: 2 * time.Minute}},
}

// modelWorld is a life while it is played.
type modelWorld struct {
	every time.Duration // longest that a digest waits before it tells of who joined; no reload changes it
	*stage
	seed   uint64
	hosts  [2]string // their names
	loud   [2]bool   // a name is spelled in capitals now
	names  [3]string // of the far ends
	routed int       // which of modelRoutes
	states map[event.Key]event.State
	facts  [2]int                  // -1: none were told
	before [2]int                  // facts before the last move
	since  map[event.Key]time.Time // from when on it should be told: what it depends on, and who may not be told, has not changed
	ill    map[event.Key]time.Time // from when on it has not been seen well, with nothing else happening to it than looks
	alone  map[event.Key]time.Time // the same whatever happens to what explains it
	healed map[event.Key]time.Time // when it was well again after more than a moment
	first  map[string]event.Alert  // by far end and alert: as it was told first
	digest map[string]time.Time    // the same, when a digest told of it first
	known  map[string]bool         // alerts that were raised
	put1   map[string]time.Time    // by delivery: when it was put first, by a clock that nobody sets
	wrong  []string                // seen when it was told
	begun  time.Time               // when the program was started last
	read   int                     // of world.raised
}

// report tells what is known about a host, and all that was ever seen on it.
func (m *modelWorld) report(host int, items bool) {
	m.facts[host] = max(m.facts[host], 0)
	m.tell(m.spell(host), append(slices.Clone(modelFacts[m.facts[host]]), modelHost...)...)
	if !items {
		synctest.Wait()
		return
	}
	for _, id := range modelItems { // in the same order every time
		if k := m.key(host, id); m.states[k] != "" {
			m.look(host, k, m.states[k], time.Time{})
		}
	}
	synctest.Wait()
}

// spell is how a host writes its name now.
func (m *modelWorld) spell(host int) string {
	if m.loud[host] {
		return strings.ToUpper(m.hosts[host])
	}
	return m.hosts[host]
}

// look tells one look at an item, and by when there will be another.
func (m *modelWorld) look(host int, k event.Key, state event.State, again time.Time) {
	k.Host = m.spell(host)
	b, err := event.NewState(k.Host, event.Change, event.Observation{Key: k, State: state, Want: 1, At: m.w.wall(), Again: again}).Encode()
	if err != nil {
		m.t.Fatal(err)
	}
	m.w.publish(b)
}

// host is the number of the host that an item is on; negative: none.
func (m *modelWorld) host(k event.Key) int { return slices.Index(m.hosts[:], k.Host) }

// key is an item of the vendor's list, or of the operator's.
func (m *modelWorld) key(host int, id string) event.Key {
	k := event.Key{Host: m.hosts[host], Component: event.Agent}
	kind, name, _ := strings.Cut(id, "/")
	k.Kind, k.Name = event.Kind(kind), name
	if slices.ContainsFunc(modelOwn, func(r catalog.Row) bool { return r.Kind == k.Kind && r.Name == name }) {
		k.Component = catalog.Own
	}
	return k
}

// do plays one move.
func (m *modelWorld) do(n int, mv move) {
	w := m.w
	time.Sleep(time.Millisecond) // no two things happen in the same instant
	switch mv.What {
	case "see":
		m.see(mv.Host, mv.A, modelStates[mv.B])
	case "turns":
		for range mv.B {
			m.see(mv.Host, mv.A, event.Down)
			m.wait(7 * time.Second)
			m.see(mv.Host, mv.A, event.Unknown)
			m.wait(6 * time.Second)
			m.quieted(false)
		}
	case "sampled":
		m.sampled(mv)
	case "flaps":
		m.see(mv.Host, mv.C, event.Down)
		for range mv.B {
			m.see(mv.Host, mv.A, event.Down)
			m.wait(8 * time.Second)
			m.see(mv.Host, mv.A, event.Up)
			m.wait(30 * time.Second)
			m.quieted(false)
		}
	case "worsens":
		for range mv.B {
			m.see(mv.Host, mv.A, event.Degraded)
			m.wait(6 * time.Second)
			m.see(mv.Host, mv.A, event.Up)
			m.wait(6 * time.Second)
		}
		m.see(mv.Host, mv.A, event.Down)
		m.wait(m.set.Hold + m.set.HoldUp + 20*time.Second)
	case "outage":
		w.mu.Lock()
		w.down[m.names[mv.A]] = !w.down[m.names[mv.A]]
		w.mu.Unlock()
	case "rename":
		m.rename(mv.A)
	case "leave":
		m.leave()
	case "join":
		m.join()
	case "case": // the first spelling is the one that stays
		for k := range m.states {
			if k.Host == m.hosts[mv.Host] {
				m.loud[mv.Host] = !m.loud[mv.Host]
				break
			}
		}
	case "moved":
		m.moved(mv.Host)
	case "wait":
		m.wait(time.Duration(mv.A) * time.Second)
	case "facts":
		m.facts[mv.Host] = mv.A
		m.report(mv.Host, false)
		for n := range modelItems {
			m.calm(mv.Host, n, m.set.Transition)
		}
	case "crash":
		w.mu.Lock()
		w.fuse = mv.A
		w.mu.Unlock()
	case "restart":
		m.restart()
	case "routes":
		m.routed = mv.A
		m.reload()
	case "repeat":
		set := *m.set
		set.Repeat = modelRepeats[mv.A]
		set.Shorten(func(string, event.Said) {})
		m.set = &set
		m.reload()
	case "power":
		m.stop()
		w.blackout(rand.New(rand.NewPCG(uint64(mv.A), 3)))
		m.stop = startEngine(w, m.rows, m.set)
		synctest.Wait()
		for host := range m.hosts { // as detectors do at a start
			m.report(host, true)
			for n := range modelItems {
				m.calm(host, n, m.set.Transition)
			}
		}
	case "clock":
		w.ahead.Add(int64(time.Duration(mv.A) * time.Minute))
	case "deliver":
		w.deliver()
	case "ack":
		ackSome(w, mv.A, mv.B == 1)
	case "silence", "forever":
		_, name, _ := strings.Cut(modelItems[mv.A], "/")
		s := rules.Silence{ID: fmt.Sprint("s", n), Match: matchers(m.t, "name="+name), Starts: w.wall()}
		switch {
		case mv.What == "forever":
			s.Ends = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
			s = s.Bounded()
		case mv.B > 0:
			s.Ends = s.Starts.Add(time.Duration(mv.B) * time.Second)
		case mv.B < 0:
			s.Every, s.Lasts = "*/7 * * * *", time.Minute-time.Duration(mv.B)*time.Second
			s = s.Scheduled()
		}
		w.mu.Lock()
		w.quiet(s)
		w.mu.Unlock()
	}
	synctest.Wait()
	w.mu.Lock()
	crashed := w.life != w.running
	w.mu.Unlock()
	if crashed {
		m.restart()
	}
	m.quieted(crashed)
}

// quieted notes of what may not be told now, or of everything, that its time
// begins anew.
func (m *modelWorld) quieted(all bool) {
	for host := range m.hosts {
		for n, id := range modelItems {
			if all || m.hushed(m.key(host, id)) {
				m.calm(host, n, 0)
			}
		}
	}
}

// see is one look at an item. One that sees no more than that it is not well
// is nothing that happens to it.
func (m *modelWorld) see(host, n int, state event.State) {
	k := m.key(host, modelItems[n])
	m.turned(host, n, state)
	m.look(host, k, state, time.Time{})
}

// turned notes what an item is like now.
func (m *modelWorld) turned(host, n int, state event.State) {
	k := m.key(host, modelItems[n])
	was, ill := m.states[k], m.ill[k]
	if state == event.Up && was != "" && was != event.Up && time.Since(m.alone[k]) > 30*time.Second {
		m.healed[k] = time.Now()
	}
	if was != state {
		m.stir(host, n, 0)
		if was != "" && was != event.Up && state != event.Up {
			m.ill[k] = ill
		} else {
			m.alone[k] = time.Now()
		}
	}
	m.states[k] = state
}

// sampled is an outage as an observer sees it that looks every 10 s, and once
// more at the end of the hold. One of 15 s is told to nobody.
func (m *modelWorld) sampled(mv move) {
	k := m.key(mv.Host, modelItems[mv.A])
	m.w.mu.Lock()
	before := len(m.w.raised)
	m.w.mu.Unlock()
	was, seen, again, slept := m.states[k], m.states[k], -1, 0
	for sec := range mv.C + mv.B + 20 {
		if sec%10 != 0 && sec != again {
			continue
		}
		m.wait(time.Duration(sec-slept) * time.Second)
		m.quieted(false)
		slept = sec
		state := event.Up
		if sec >= mv.C && sec < mv.C+mv.B {
			state = event.Down
		}
		if sec%10 == 0 && state != seen || sec == again {
			var promise time.Time
			if again = -1; state == event.Down && seen != event.Down {
				again = sec + int(m.set.Hold/time.Second)
				promise = m.w.wall().Add(m.set.Hold)
			}
			m.turned(mv.Host, mv.A, state)
			m.look(mv.Host, k, state, promise)
			seen = state
		}
	}
	synctest.Wait()
	if was != event.Up || mv.B > 15 || m.set.Hold == 0 || clockIsSet(m.seed) {
		return
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, a := range m.w.raised[before:] {
		if a.Key == k && a.Rule == rules.Loss && !a.Replay && a.StartedAt.After(m.w.wall().Add(-time.Duration(mv.C+mv.B+20)*time.Second)) {
			m.wrong = append(m.wrong, fmt.Sprintf("%s was lost for %d s, which was told", k, mv.B))
		}
	}
}

// reload begins another engine with what is configured now, as it is reloaded.
func (m *modelWorld) reload() {
	set := *m.set
	set.Routes = modelRoutes(m.t, m.routed, m.names)
	for i := range set.Routes { // a route to a sink that is not there is refused
		r := &set.Routes[i]
		r.Sinks = slices.DeleteFunc(slices.Clone(r.Sinks), func(name string) bool { return !slices.Contains(m.w.sinks, name) })
	}
	m.set = &set
	m.restart()
	for host := range m.hosts {
		for n := range modelItems {
			m.calm(host, n, 0)
		}
	}
}

// sure gives a command, again where a crash came first.
func (m *modelWorld) sure(command func(context.Context) error) (err error) {
	for range 5 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = command(ctx)
		cancel()
		synctest.Wait()
		m.w.mu.Lock()
		crashed := m.w.life != m.w.running
		m.w.mu.Unlock()
		if !crashed {
			return err
		}
		m.restart()
	}
	return err
}

// rename gives a far end's sink another name, and hands over.
func (m *modelWorld) rename(n int) {
	w, old := m.w, m.names[n]
	name := old + "2"
	if len(old) > len("hook") || old == "nms2" {
		name = strings.TrimSuffix(old, "2")
	}
	m.stop()
	w.mu.Lock()
	w.sinks = slices.Clone(w.sinks)
	w.sinks[slices.Index(w.sinks, old)] = name
	w.got[name], w.down[name] = w.got[old], w.down[old]
	delete(w.got, old)
	delete(w.outbox, old) // what waited there is dropped
	if w.receipts[name] == nil {
		w.receipts[name] = map[string]event.Receipt{}
	}
	m.names[n] = name
	w.mu.Unlock()
	m.stop = startEngine(w, m.rows, m.set) // which is ended at once
	m.reload()
	_ = m.sure(func(ctx context.Context) error {
		w.mu.Lock()
		for slot, r := range w.receipts[old] {
			if own := w.receipts[name][slot]; own.AlertID == "" || r.Turn > own.Turn || r.Turn == own.Turn && r.Seq > own.Seq {
				w.receipts[name][slot] = r
			}
		}
		w.mu.Unlock()
		_, err := w.engine.RenameSink(ctx, old, name)
		if err == nil {
			w.mu.Lock()
			w.receipts[old], w.outbox[old] = map[string]event.Receipt{}, nil
			w.mu.Unlock()
		}
		return err
	})
}

// leave takes the third sink out of the configuration.
func (m *modelWorld) leave() {
	w, name := m.w, m.names[2]
	if !slices.Contains(w.sinks, name) {
		return
	}
	if m.sure(func(ctx context.Context) error { return w.engine.Leave(ctx, name) }) != nil {
		return
	}
	w.deliver()
	m.stop()
	w.mu.Lock()
	w.sinks = slices.DeleteFunc(slices.Clone(w.sinks), func(s string) bool { return s == name })
	w.outbox[name] = nil
	open := false
	for _, r := range w.receipts[name] {
		open = open || r.Transition.Firing()
	}
	if !open {
		w.receipts[name] = map[string]event.Receipt{}
	}
	w.mu.Unlock()
	m.stop = startEngine(w, m.rows, m.set)
	m.reload()
}

// join puts it back, or in.
func (m *modelWorld) join() {
	w, name := m.w, m.names[2]
	if slices.Contains(w.sinks, name) {
		return
	}
	m.stop()
	w.mu.Lock()
	w.sinks = append(slices.Clone(w.sinks), name)
	if w.receipts[name] == nil {
		w.receipts[name] = map[string]event.Receipt{}
	}
	w.mu.Unlock()
	m.stop = startEngine(w, m.rows, m.set)
	m.reload()
}

// moved gives a host another name: it reports under that, and the old one is
// ended.
func (m *modelWorld) moved(host int) {
	old := m.hosts[host]
	name := old + "b"
	if strings.HasSuffix(old, "b") {
		name = strings.TrimSuffix(old, "b")
	}
	was := map[event.Key]event.State{}
	for k, s := range m.states {
		if k.Host == old {
			delete(m.states, k)
			k.Host = name
			was[k] = s
		}
	}
	m.hosts[host], m.loud[host] = name, false
	for k, s := range was {
		m.states[k] = s
	}
	m.report(host, true)
	for n := range modelItems {
		m.calm(host, n, m.set.Transition)
	}
	_ = m.sure(func(ctx context.Context) error {
		_, err := m.w.engine.RenameHost(ctx, old, name, event.Prose("renamed"))
		return err // nothing may ever have been seen on it
	})
}

// restart ends the engine and begins another. Where the clock was set back
// meanwhile, what was to last until some time may last as long again as it
// ever does.
func (m *modelWorld) restart() {
	m.stage.restart()
	m.begun = time.Now()
	if !clockIsSet(m.seed) {
		return
	}
	for host := range m.hosts {
		for n := range modelItems {
			m.calm(host, n, 2*m.set.Transition)
		}
	}
}

// modelParts number what may explain each other, in the order of modelItems.
var modelParts = []int{0, 0, 0, 1, 2, 2, 2, 0, 0}

// stir notes that something happened to an item, and so to all that explain it
// or are explained by it. They are told when they would be, after wait.
func (m *modelWorld) stir(host, n int, wait time.Duration) {
	for i, id := range modelItems {
		if k := m.key(host, id); modelParts[i] == modelParts[n] && m.since[k].Before(time.Now().Add(wait)) {
			m.since[k] = time.Now().Add(wait)
		}
		if k := m.key(host, id); modelParts[i] == modelParts[n] && m.ill[k].Before(time.Now().Add(wait)) {
			m.ill[k] = time.Now().Add(wait)
		}
	}
}

// calm is stir for what happens to the item whatever explains it.
func (m *modelWorld) calm(host, n int, wait time.Duration) {
	m.stir(host, n, wait)
	if k := m.key(host, modelItems[n]); m.alone[k].Before(time.Now().Add(wait)) {
		m.alone[k] = time.Now().Add(wait)
	}
}

// hushed reports whether a silence or a window keeps an item's alerts back, or
// whether there is nobody to be told now.
func (m *modelWorld) hushed(k event.Key) bool {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	now := m.w.wall()
	return m.silenced(k, now) || len(m.set.Told(now, rules.Subject{Key: k, Rule: rules.Loss, Severity: event.Warning}, m.w.sinks)) == 0
}

// silenced reports whether a silence or a window did so at a time. w.mu is held.
func (m *modelWorld) silenced(k event.Key, at time.Time) bool {
	for _, w := range m.set.Windows {
		if _, open := w.Until(at); open {
			return true
		}
	}
	for _, s := range m.w.silences {
		sub := rules.Subject{Key: k, Rule: rules.Loss, Severity: event.Warning}
		if s.Active(at) && s.Match.Match(&sub) {
			return true
		}
	}
	return false
}

// put looks at what a sink is to be told when it is put. w.mu is held.
func (m *modelWorld) put(sink string, a event.Alert) {
	if _, before := m.put1[a.DeliveryID()]; !before {
		m.put1[a.DeliveryID()] = time.Now()
	}
	if a.Transition.Firing() {
		far := fmt.Sprint(slices.Index(m.names[:], sink), a.ID)
		if _, before := m.first[far]; !before {
			m.first[far] = a
			m.early(sink, a)
		}
	}
	for _, x := range a.Affected {
		if far := fmt.Sprint(slices.Index(m.names[:], sink), x.AlertID); x.AlertID != "" && m.digest[far].IsZero() {
			m.digest[far] = a.At
		}
	}
	if a.Rule != event.RuleStorm || a.Transition != event.Raised && a.Transition != event.Changed && a.Transition != event.Repeated {
		return
	}
	now := m.w.wall()
	for _, x := range a.Affected { // a symptom of a member has no alert
		if x.AlertID != "" && !clockIsSet(m.seed) && a.At.Equal(now) && m.silenced(x.Key, now) && m.silenced(x.Key, now.Add(-2*time.Second)) {
			m.wrong = append(m.wrong, fmt.Sprintf("%s: a digest was %s for %s, which is silenced", sink, a.Transition, x.Key))
		}
	}
}

// early notes an escalation that comes before the one who is asked first had
// the time for it.
func (m *modelWorld) early(sink string, a event.Alert) {
	if a.Rule == event.RuleStorm && a.Replay { // to who came once it was escalated; its members are looked at
		return
	}
	if m.routed != 3 && m.routed != 4 || sink != m.names[1] || clockIsSet(m.seed) || powerFails(m.seed) {
		return
	}
	asked, told := m.first[fmt.Sprint(0, a.ID)]
	at := asked.At
	if d := m.digest[fmt.Sprint(0, a.ID)]; !d.IsZero() && d.Before(at) { // what joined it was due to be told, and told some seconds later
		at = d.Add(-m.every)
	}
	if !told || a.At.Sub(at) < modelEscalate-time.Second {
		m.wrong = append(m.wrong, fmt.Sprintf("%s: %s %s was escalated at %s, and %s was told at %s", sink, a.Key, a.Rule, a.At, m.names[0], at))
	}
}

// uncalled names alerts that the last move raised of rows that were not
// expected before it nor after it. After a power loss one may be raised and
// cleared once more.
func (m *modelWorld) uncalled() (broken []string) {
	m.w.mu.Lock()
	raised := m.w.raised[m.read:]
	m.read += len(raised)
	m.w.mu.Unlock()
	last := m.w.latest()
	for _, a := range raised {
		if m.w.power && !slices.ContainsFunc(m.w.sinks, func(sink string) bool { l := last[sink][a.Slot()]; return l.ID != "" && l.Transition.Firing() }) {
			continue
		}
		host := m.host(a.Key)
		if host < 0 || a.Rule == event.RuleStorm || m.known[a.ID] {
			continue
		}
		m.known[a.ID] = true
		if m.expected(a.Key, m.before[host]) == catalog.No && m.expected(a.Key, m.facts[host]) == catalog.No {
			broken = append(broken, a.Key.String()+" "+a.Rule+" was raised although the row is not expected")
		}
	}
	m.before = m.facts
	return broken
}

// expected is the list's verdict of an item under the nth facts.
func (m *modelWorld) expected(k event.Key, n int) catalog.Tri {
	if n < 0 {
		return catalog.Unknown
	}
	facts := event.Facts{}
	for _, p := range append(slices.Clone(modelFacts[n]), modelHost...) {
		name, value, _ := strings.Cut(p, "=")
		facts[event.Name(name)] = event.Fact{Value: value, Origin: "declared"}
	}
	row, verdict := m.rows.Find(k, facts)
	if row == nil {
		return catalog.Unknown
	}
	return verdict.Expected
}

// late names what was lost for longer than anything may hold it back, and is
// not explained either: a cause that was told names it when it is told again.
func (m *modelWorld) late() []string {
	s := m.set
	most := max(s.Hold, s.Patience, s.Flap.Settle+s.Hold) + s.HoldUp + s.Storm.Window + 10*time.Second
	lost := map[[2]int]int{} // by host and part
	part := func(k event.Key) [2]int {
		return [2]int{m.host(k), modelParts[slices.IndexFunc(modelItems, func(id string) bool { return strings.HasSuffix(id, k.Row()) })]}
	}
	for k, state := range m.states {
		if state != event.Up {
			lost[part(k)]++
		}
	}
	broken := m.stands(func(k event.Key) bool { return lost[part(k)] <= 1 && time.Since(m.since[k]) > most })
	broken = append(broken, m.hidden()...)
	broken = append(broken, m.doubled()...)
	broken = append(broken, m.mild(s.Hold+s.HoldUp+10*time.Second)...)
	return append(broken, m.untold(func(k event.Key) bool { return lost[part(k)] <= 1 && time.Since(m.ill[k]) > most })...)
}

// doubled names alerts that a sink was told of by themselves and by a digest of what
// was open when it came.
func (m *modelWorld) doubled() (broken []string) {
	if time.Since(m.begun) < time.Minute { // it was dead, and has not ended what is over
		return nil
	}
	if powerFails(m.seed) { // which may tell by itself what nobody knows any more
		return nil
	}
	settled := func(a event.Alert) bool {
		return a.Transition.Firing() && time.Since(m.put1[a.DeliveryID()]) > time.Minute
	}
	for sink, slots := range m.w.latest() {
		for _, d := range slots {
			rule, _, of := strings.Cut(d.Key.Name, " open for ")
			if !of || !settled(d) {
				continue
			}
			for _, x := range d.Affected {
				if a := slots[event.Alert{Key: x.Key, Rule: rule}.Slot()]; x.AlertID != "" && a.ID == x.AlertID && settled(a) {
					broken = append(broken, fmt.Sprintf("%s: %s %s was told by itself and by a digest", sink, x.Key, rule))
				}
			}
		}
	}
	return broken
}

// hidden names what has been lost for long without anybody being told of it, or
// of what explains it now: what comes and goes explains nothing that lasts.
func (m *modelWorld) hidden() []string {
	const long = 12 * time.Minute
	return m.untold(func(k event.Key) bool {
		host, n := m.host(k), slices.IndexFunc(modelItems, func(id string) bool { return strings.HasSuffix(id, k.Row()) })
		for i, id := range modelItems {
			other := m.key(host, id)
			if state := m.states[other]; i != n && modelParts[i] == modelParts[n] && state != "" && (state != event.Up || time.Since(m.healed[other]) < 2*time.Minute) {
				return false // it may explain it, or has until now
			}
		}
		return m.states[k].Lost() && time.Since(m.alone[k]) > long
	})
}

// minded are the items that somebody looks after: he may have seen it where
// nobody was to be told.
func (m *modelWorld) minded() map[event.Key]bool {
	out := map[event.Key]bool{}
	m.w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
		st.Slots(func(_ string, slot rules.Slot) {
			out[st.Key] = out[st.Key] || slot.Phase == rules.Firing && slot.Ack != nil
		})
	})
	return out
}

// untold names what nobody has seen well for long, whatever the single looks
// saw, and of which nobody was told.
func (m *modelWorld) untold(long func(event.Key) bool) (broken []string) {
	last, told := m.w.latest(), m.minded()
	for _, slots := range last {
		for _, a := range slots {
			told[a.Key] = told[a.Key] || a.Transition.Firing()
			for _, x := range a.Affected {
				told[x.Key] = told[x.Key] || a.Transition.Firing()
			}
		}
	}
	for k, state := range m.states {
		if state != event.Up && long(k) && !told[k] && m.expected(k, m.facts[m.host(k)]) == catalog.Yes {
			broken = append(broken, fmt.Sprintf("%s has not been well for long (%s) and nobody was told", k, time.Since(m.alone[k])))
		}
	}
	return broken
}

// mild names open alerts of what is lost that are less severe than the loss,
// on hosts where nothing has happened for as long as a meaning may be unsure.
func (m *modelWorld) mild(still time.Duration) (broken []string) {
	for sink, slots := range m.w.latest() {
		for _, a := range slots {
			host := m.host(a.Key)
			if host < 0 || a.Rule != rules.Loss && a.Rule != rules.FlapRule || !a.Transition.Firing() || !m.states[a.Key].Lost() ||
				slices.ContainsFunc(modelItems, func(id string) bool { return time.Since(m.since[m.key(host, id)]) < still }) ||
				m.expected(a.Key, m.facts[host]) != catalog.Yes {
				continue
			}
			if is := m.severity(host, a.Key); is.Rank() > a.Severity.Rank() && !m.flaps(sink, a) {
				broken = append(broken, fmt.Sprintf("%s: %s %s is told as %s and is %s", sink, a.Key, a.Rule, a.Severity, is))
			}
		}
	}
	return broken
}

// flaps reports whether a loss is still because its coming and going is told: to
// the sink, or to others where no route names that one any more.
func (m *modelWorld) flaps(sink string, a event.Alert) bool {
	slot := event.Alert{Key: a.Key, Rule: rules.FlapRule}.Slot()
	for other, last := range m.w.latest() {
		flap := last[slot]
		if a.Rule != rules.Loss || flap.ID == "" || !flap.Transition.Firing() {
			continue
		}
		told := m.set.Told(m.w.wall(), rules.Subject{Key: a.Key, Rule: rules.FlapRule, Severity: flap.Severity}, m.w.sinks)
		if other == sink || !slices.Contains(told, sink) {
			return true
		}
	}
	return false
}

// severity is what the item's loss takes away now, by the list.
func (m *modelWorld) severity(host int, k event.Key) event.Severity {
	facts := event.Facts{}
	for _, p := range append(slices.Clone(modelFacts[m.facts[host]]), modelHost...) {
		name, value, _ := strings.Cut(p, "=")
		facts[event.Name(name)] = event.Fact{Value: value, Origin: "declared"}
	}
	row, _ := m.rows.Find(k, facts)
	on := catalog.Sight{OS: event.Windows, Facts: facts}
	for _, id := range row.Peers() {
		if s := m.states[m.key(host, id)]; s != "" {
			on.Peers = append(on.Peers, catalog.Peer{ID: id, State: s})
		}
	}
	return rules.SeverityOf(row.ImpactIn(on, m.states[k]))
}

// unrepeated names open alerts that nobody looks after and that a sink was not
// told again in time although a route names it, or was told although none does,
// and those of which nobody else was told although it was time for that.
func (m *modelWorld) unrepeated() (broken []string) {
	if clockIsSet(m.seed) {
		return nil // the times in alerts are no measure then
	}
	now, last := m.w.wall(), m.w.latest()
	digested := digested(last)
	for sink, slots := range last {
		for slot, a := range slots {
			if !a.Transition.Firing() || a.Ack != nil || a.Rule == event.RuleStorm || a.Key.Kind == event.Host {
				continue
			}
			sub := rules.Subject{Key: a.Key, Rule: a.Rule, Severity: a.Severity}
			repeat, named := m.repeated(sink, now, sub)
			ago := now.Sub(a.At)
			switch {
			case named && repeat > 0 && ago > repeat+6*time.Minute: // a window may be open for 4
				broken = append(broken, fmt.Sprintf("%s: %s %s was not repeated for %s", sink, a.Key, a.Rule, ago))
			case (!named || repeat == 0) && a.Transition == event.Repeated && ago < 20*time.Minute:
				broken = append(broken, fmt.Sprintf("%s: %s %s was repeated though no route says so", sink, a.Key, a.Rule))
			}
			if to := last[m.names[1]][slot]; (m.routed == 3 || m.routed == 4) && sink == m.names[0] && now.Sub(a.StartedAt) > 30*time.Minute && !digested[m.names[1]+a.ID] && (to.ID != a.ID || !to.Transition.Firing()) {
				broken = append(broken, fmt.Sprintf("%s: %s %s was not escalated", m.names[1], a.Key, a.Rule))
			}
		}
	}
	return broken
}

// repeated is how often a route tells the sink again, and whether one names it.
func (m *modelWorld) repeated(sink string, now time.Time, sub rules.Subject) (every time.Duration, named bool) {
	if len(m.set.Routes) == 0 {
		return m.set.Repeat, slices.Contains(m.w.sinks, sink)
	}
	one := *m.set
	for i, r := range m.set.Routes {
		one.Routes = m.set.Routes[i : i+1]
		taken := one.Told(now, sub, nil)
		if slices.Contains(taken, sink) {
			if r.Repeat != nil {
				return *r.Repeat, true
			}
			return m.set.Repeat, true
		}
		if len(taken) > 0 && !r.Continue {
			break
		}
	}
	return 0, false
}

// latest is the last that each sink was told, or is certain to be told, by slot.
func (w *world) latest() map[string]map[string]event.Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := map[string]map[string]event.Alert{}
	for _, sink := range w.sinks {
		last[sink] = map[string]event.Alert{}
		for _, a := range w.got[sink] {
			last[sink][a.Slot()] = a
		}
		for _, d := range w.outbox[sink] {
			a, known := w.alerts[&d.data[0]]
			if !known {
				a, _ = event.DecodeAlert(d.data)
				w.alerts[&d.data[0]] = a
			}
			if r := w.receipts[sink][a.Slot()]; r.AlertID != "" && r.Covers(a.Queued(d.position)) {
				continue
			}
			last[sink][a.Slot()] = a
		}
	}
	return last
}

// live plays the moves and returns which promises were broken.
func live(t *testing.T, list *catalog.Catalog, seed uint64, moves []move) (broken []string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(seed)
		w.power = powerFails(seed)
		if seed%5 == 4 {
			w.parcels = rand.New(rand.NewPCG(seed, 3))
		}
		m := &modelWorld{stage: &stage{t: t, w: w, rows: vendor{list}, set: modelSet(t, seed)}, seed: seed,
			hosts: [2]string{"web01", "web02"}, names: [3]string{"nms", "hook", "chat"}, facts: [2]int{-1, -1}, before: [2]int{-1, -1},
			states: map[event.Key]event.State{}, ill: map[event.Key]time.Time{}, since: map[event.Key]time.Time{}, alone: map[event.Key]time.Time{}, healed: map[event.Key]time.Time{}, first: map[string]event.Alert{}, digest: map[string]time.Time{}, known: map[string]bool{}, put1: map[string]time.Time{}}
		m.every = max(5*time.Second, m.set.Storm.Every)
		w.onPut = m.put
		m.stop = startEngine(w, m.rows, m.set)
		defer func() { m.stop() }()
		for n, mv := range moves {
			m.do(n, mv)
			broken = append(append(append(broken, m.uncalled()...), m.late()...), m.wrong...)
			if broken != nil {
				return
			}
		}
		// Nothing changes any more, and nothing crashes.
		w.mu.Lock()
		w.fuse, w.power, w.down = -1, false, map[string]bool{}
		w.mu.Unlock()
		w.expireAll()
		m.join()
		m.restart()
		m.wait(9 * time.Minute)
		for range 10 { // hosts that are watched for silence report
			for host := range m.hosts {
				m.report(host, true)
			}
			m.wait(5 * time.Minute)
		}
		w.deliver()
		broken = append(broken, m.stands(func(event.Key) bool { return true })...)
		broken = append(append(append(broken, m.unrepeated()...), m.mild(0)...), m.wrong...)
		for k := range m.states {
			m.states[k] = event.Up
		}
		m.facts = [2]int{}
		for range 2 {
			for host := range m.hosts {
				m.report(host, true)
			}
			m.wait(5 * time.Minute)
		}
		w.deliver()
		for _, sink := range w.sinks {
			for _, b := range pairs(w.got[sink], powerFails(seed), sink == m.names[2], m.later) {
				broken = append(broken, sink+": "+b)
			}
		}
	})
	return broken
}

// later reports whether a was decided after b. Where somebody sets the clock the
// times in alerts do not say it: a sink is told what it missed with the time at
// which that was decided.
func (m *modelWorld) later(a, b event.Alert) bool {
	if clockIsSet(m.seed) {
		return m.put1[a.DeliveryID()].After(m.put1[b.DeliveryID()])
	}
	return a.At.After(b.At)
}

// ackSome looks after the nth open alert, or stops doing so.
func ackSome(w *world, n int, withdraw bool) {
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
	switch {
	case n >= len(open):
	case withdraw:
		_ = w.engine.Withdraw(ctx, open[n], event.Ack{At: time.Now(), Author: "kim"})
	default:
		_ = w.engine.Acknowledge(ctx, open[n], event.Ack{At: time.Now(), Author: "kim"}) // a crash may come first
	}
}

// stands holds what is open against what is lost, of those items to which
// nothing has happened for long: everything lost that is expected is told to
// everybody whom the routes name, or named by what explains it, and nothing
// else is open.
func (m *modelWorld) stands(still func(event.Key) bool) (broken []string) {
	last, named, minded := m.w.latest(), map[string]map[event.Key]bool{}, m.minded()
	digested := digested(last)
	mum := false // one is not repeated, so it does not name what came later
	for _, sink := range m.w.sinks {
		named[sink] = map[event.Key]bool{}
		for _, a := range last[sink] {
			if a.Transition.Firing() {
				for _, x := range a.Affected {
					named[sink][x.Key] = true
				}
				every, _ := m.repeated(sink, m.w.wall(), rules.Subject{Key: a.Key, Rule: a.Rule, Severity: a.Severity})
				mum = mum || a.Ack != nil || every == 0 || every > time.Hour
			}
		}
	}
	for k, state := range m.states {
		if !still(k) || minded[k] {
			continue
		}
		expected := m.expected(k, m.facts[m.host(k)])
		lost, blind, spoken := 0, 0, false
		say := func(sink, format string, args ...any) {
			broken = append(broken, sink+": "+k.String()+" "+fmt.Sprintf(format, args...))
		}
		for _, sink := range m.w.sinks {
			of := func(rule string) (a event.Alert, open bool) {
				a = last[sink][event.Alert{Key: k, Rule: rule}.Slot()]
				return a, a.ID != "" && a.Transition.Firing()
			}
			spoken = spoken || named[sink][k]
			loss, open := of(rules.Loss)
			if open {
				lost++
			}
			if _, open := of(rules.Unseen); open {
				blind++
			}
			if _, open := of(rules.FlapRule); open {
				say(sink, "is still said to flap")
			}
			switch {
			case open && (expected == catalog.No || state == event.Up):
				say(sink, "is %s, expected %v, and its loss stays open", state, expected)
			case open && expected == catalog.Yes && state.Lost() && loss.State != state:
				say(sink, "is %s and was told as %s", state, loss.State)
			}
		}
		told := len(m.set.Routes) > 0 && lost+blind > 0 || lost == len(m.w.sinks) || blind == len(m.w.sinks)
		if expected == catalog.Yes && state != event.Up && !told && !spoken && !mum {
			say("", "is %s and not everybody was told", state)
		}
		if mum || m.hushed(k) {
			continue
		}
		for _, sink := range m.w.sinks { // who knows, and who has to
			for _, rule := range []string{rules.Loss, rules.Unseen} {
				slot := event.Alert{Key: k, Rule: rule}.Slot()
				a := last[sink][slot]
				if a.ID == "" || !a.Transition.Firing() || m.flaps(sink, a) {
					continue
				}
				for _, other := range m.set.Told(m.w.wall(), rules.Subject{Key: k, Rule: rule, Severity: a.Severity}, m.w.sinks) {
					if b := last[other][slot]; (b.ID != a.ID || !b.Transition.Firing()) && !digested[other+a.ID] {
						say(other, "was not told of the %s that %s knows", rule, sink)
					}
				}
			}
		}
	}
	return broken
}

// digested are the alerts, by sink, that an open digest tells the sink of.
func digested(last map[string]map[string]event.Alert) map[string]bool {
	out := map[string]bool{}
	for sink, slots := range last {
		for _, a := range slots {
			for _, x := range a.Affected {
				out[sink+x.AlertID] = out[sink+x.AlertID] || a.Rule == event.RuleStorm && a.Transition.Firing()
			}
		}
	}
	return out
}

// pairs holds one sink's alerts against the promises, all of them being over.
// After a power loss a copy of what was told is allowed, and so is an alert
// that is raised and cleared once more, or cleared by another number. A sink that
// went was told the end, and hears of the same alert again once it is back.
func pairs(got []event.Alert, copies, went bool, later func(a, b event.Alert) bool) (broken []string) {
	seen, last := map[string]bool{}, map[string]event.Alert{}
	flapping, ended := map[event.Key]event.Alert{}, map[string]bool{} // what said first that it flaps
	stale := map[string]bool{}                                        // alerts that end once the sink's old name has handed over
	for _, a := range got {
		if stale[a.ID] && a.Transition == event.Cleared {
			delete(stale, a.ID)
			seen[a.DeliveryID()] = true
			continue
		}
		if l := last[a.Slot()]; a.Replay && l.ID != "" && l.ID != a.ID && l.Transition.Firing() {
			stale[l.ID] = true
			delete(last, a.Slot())
		}
		if a.Replay && a.Transition.Firing() && last[a.Slot()].ID == a.ID && last[a.Slot()].Transition.Firing() {
			continue // by another name of the sink it was told before
		}
		if copies && (seen[a.DeliveryID()] || ended[a.ID] && a.Transition == event.Cleared) {
			continue
		}
		ended[a.ID] = a.Transition == event.Cleared
		slot := a.Slot()
		name := a.Key.String() + " " + a.Rule
		prev, told := last[slot]
		fresh := !told || prev.ID != a.ID
		switch {
		case seen[a.DeliveryID()]:
			broken = append(broken, name+": "+a.DeliveryID()+" came twice")
		case fresh && told && prev.Transition.Firing():
			broken = append(broken, name+" raised while another is open")
		case fresh && a.Transition != event.Raised:
			broken = append(broken, name+" begins with "+string(a.Transition))
		case !fresh && prev.Transition == event.Cleared && !((copies || went) && a.Transition == event.Raised):
			broken = append(broken, fmt.Sprintf("%s goes on after its end: %s %s", name, a.DeliveryID(), a.Transition))
		case !fresh && a.Seq <= prev.Seq:
			broken = append(broken, fmt.Sprintf("%s goes from %d to %d", name, prev.Seq, a.Seq))
		case a.Rule == rules.Loss && !went && flapping[a.Key].ID != "" && later(a, flapping[a.Key]) && (a.Transition == event.Changed || a.Transition == event.Cleared):
			broken = append(broken, name+" was told while the item flaps")
		case len(a.Affected) != a.AffectedCount:
			broken = append(broken, fmt.Sprintf("%s names %d of %d", name, len(a.Affected), a.AffectedCount))
		}
		if a.Rule == rules.FlapRule {
			switch {
			case !a.Transition.Firing() && flapping[a.Key].ID == a.ID:
				delete(flapping, a.Key)
			case a.Transition.Firing() && flapping[a.Key].ID != a.ID: // of the one before only the end is missing
				flapping[a.Key] = a
			}
		}
		seen[a.DeliveryID()], last[slot] = true, a
	}
	for id := range stale {
		broken = append(broken, id+" was never cleared after the sink was renamed")
	}
	for _, a := range last {
		if a.Transition.Firing() {
			broken = append(broken, a.Key.String()+" "+a.Rule+" was never cleared")
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

// keptLife is a life that once broke a promise.
type keptLife struct {
	Seed   uint64
	Broke  []string // then
	Moves  []move
	Events []string // Moves, for people
}

const keptLives = "testdata/lives"

// keep writes a broken life down, so that it is played again from now on.
func keep(dir string, l keptLife) (string, error) {
	for _, m := range l.Moves {
		l.Events = append(l.Events, m.String())
	}
	b, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := filepath.Join(dir, fmt.Sprintf("seed%d.json", l.Seed))
	return name, os.WriteFile(name, append(b, '\n'), 0o644)
}

// modelList is the vendor's list with rows of the operator's own.
func modelList(t *testing.T) *catalog.Catalog {
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if list, err = list.With(modelOwn, nil); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestModel plays new lives; make soak plays thousands.
func TestModel(t *testing.T) {
	list := modelList(t)
	from, to := modelSeeds(t)
	for seed := from; seed < to; seed++ {
		moves := modelLife(seed)
		broken := live(t, list, seed, moves)
		if broken == nil {
			continue
		}
		moves = shorten(moves, func(m []move) bool { return live(t, list, seed, m) != nil })
		short := live(t, list, seed, moves)
		name, err := keep(keptLives, keptLife{Seed: seed, Broke: short, Moves: moves})
		t.Fatalf("seed %d: %s\nshortened to:\n%v\nwhich breaks: %s\nkept in %s (%v); commit it with what mends it",
			seed, strings.Join(broken, "; "), moves, strings.Join(short, "; "), name, err)
	}
}

// modelSeeds are the lives that are played. Those of the short form are enough
// for every combination of settings once.
func modelSeeds(t *testing.T) (from, to uint64) {
	if some := os.Getenv("DSWATCH_LIVES"); some != "" {
		if _, err := fmt.Sscanf(some, "%d-%d", &from, &to); err != nil {
			t.Fatalf("DSWATCH_LIVES=%s: %v; write the first and the one after the last, such as 200-300", some, err)
		}
		return from, to
	}
	if os.Getenv("DSWATCH_SOAK") != "" {
		return 0, 20_000
	}
	return 0, 24
}

// TestKeptLives plays the lives that once broke a promise.
func TestKeptLives(t *testing.T) {
	list := modelList(t)
	files, err := filepath.Glob(keptLives + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			var l keptLife
			if err == nil {
				err = json.Unmarshal(b, &l)
			}
			if err != nil {
				t.Fatal(err)
			}
			if broken := live(t, list, l.Seed, l.Moves); broken != nil {
				t.Errorf("%s", strings.Join(broken, "; "))
			}
		})
	}
}
