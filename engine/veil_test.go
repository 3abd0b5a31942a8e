package engine_test

import (
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

// seer observes some items through one, as a scheduler does: with a veil, or
// with an event for each item.
type seer struct {
	t       *testing.T
	w       *world
	set     *rules.Set
	list    *list
	stop    func()
	veils   bool
	crashes bool
	rnd     *rand.Rand

	state  map[event.Key]event.State // as it is
	said   map[event.Key]event.State // as it was told last
	hidden bool
}

var sight = event.Key{Host: "hub", Component: rules.Component, Kind: event.Heartbeat, Name: "api"}

func through(n int) event.Key {
	return event.Key{Host: fmt.Sprintf("h%d", n), Component: event.Agent, Kind: event.Heartbeat, Name: event.Agent}
}

func newSeer(t *testing.T, seed uint64, veils, crashes bool) *seer {
	s := &seer{t: t, w: newWorld(seed), list: &list{row: row(t, key)}, veils: veils, crashes: crashes, rnd: rand.New(rand.NewPCG(seed, 7)),
		set:   &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Patience: 66 * time.Second, Repeat: time.Hour}, Language: "en"},
		state: map[event.Key]event.State{}, said: map[event.Key]event.State{}}
	s.stop = startEngine(s.w, s.list, s.set)
	return s
}

func (s *seer) publish(o event.Observation, reason event.Reason, job string) {
	e := event.NewState("hub", reason, o)
	e.Job = job
	b, err := e.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	s.w.publish(b)
}

// look tells what a look sees that is new; again: all.
func (s *seer) look(again bool) {
	now := s.w.wall()
	way := event.Observation{Key: sight, State: event.Up, Found: 1, Want: 1, At: now}
	if s.hidden {
		way.State, way.Found = event.Unknown, 0
		if s.veils {
			way.Veils = "job"
		}
	}
	back := s.said[sight] == event.Unknown && !s.hidden
	if again || s.said[sight] != way.State {
		s.said[sight] = way.State
		s.publish(way, event.Change, "")
	}
	for n := range len(s.state) {
		k := through(n)
		o := event.Observation{Key: k, State: s.state[k], Want: 1, At: now}
		switch {
		case s.hidden && s.veils:
			continue
		case s.hidden:
			o.State, o.Behind = event.Unknown, sight
		case o.State == event.Up:
			o.Found = 1
		}
		if again || s.said[k] != o.State || s.veils && back && o.State != event.Up {
			s.said[k] = o.State
			s.publish(o, event.Change, "job")
		}
	}
	synctest.Wait()
}

func (s *seer) wait(d time.Duration) {
	if s.crashes && s.rnd.IntN(2) == 0 {
		s.w.mu.Lock()
		s.w.fuse = s.rnd.IntN(12)
		s.w.mu.Unlock()
	}
	time.Sleep(d)
	synctest.Wait()
	s.w.mu.Lock()
	s.w.fuse = -1
	crashed := s.w.life != s.w.running
	s.w.mu.Unlock()
	if crashed {
		s.restart()
	}
}

func (s *seer) restart() {
	s.stop()
	s.stop = startEngine(s.w, s.list, s.set)
	synctest.Wait()
}

// rows are the items as whoever asks sees them.
func (s *seer) rows() (out []string) {
	s.w.engine.Items(func(st rules.Status, _ rules.Snapshot) {
		out = append(out, fmt.Sprint(st.Key, " ", st.Seen.State, " behind ", st.Seen.Behind, " alerting ", st.Alerting()))
	})
	return out
}

// told is what the sink was told of each item, in order.
func (s *seer) told() map[event.Key][]string {
	s.w.deliver()
	out := map[event.Key][]string{}
	for _, a := range s.w.got["nms"] {
		if line := fmt.Sprint(a.Transition, " ", a.Rule, " ", a.State); a.Transition != event.Repeated {
			out[a.Key] = append(out[a.Key], line)
		}
	}
	return out
}

// TestVeilIsAnEventForEach lives the same random lives twice: with one event
// for all items that are hidden, and with one for each of them. The same is
// told and shown, also when the engine is killed between any two operations and
// when it starts anew while they are hidden.
func TestVeilIsAnEventForEach(t *testing.T) {
	const items, steps = 6, 40
	for seed := range uint64(60) {
		crashes := seed%2 == 1
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var rows [2][][]string
			var told [2]map[event.Key][]string
			for i, veils := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					s := newSeer(t, seed, veils, veils && crashes)
					defer func() { s.stop() }()
					rnd := rand.New(rand.NewPCG(seed, 1))
					for n := range items {
						s.state[through(n)] = event.Up
					}
					s.look(true)
					for range steps {
						switch n := rnd.IntN(10); {
						case n < 4:
							s.state[through(rnd.IntN(items))] = []event.State{event.Up, event.Down}[rnd.IntN(2)]
						case n < 7:
							s.hidden = !s.hidden
						case n == 7:
							s.look(true)
						case n == 8:
							s.restart()
						}
						s.look(false)
						s.wait([]time.Duration{7 * time.Second, 31 * time.Second, 97 * time.Second}[rnd.IntN(3)])
						rows[i] = append(rows[i], s.rows())
					}
					s.hidden = false
					for n := range items {
						s.state[through(n)] = event.Up
					}
					s.look(false)
					s.wait(2 * time.Minute)
					told[i] = s.told()
					if i == 0 {
						return
					}
					s.w.checkPairs(t)
				})
			}
			for n := range rows[0] {
				if !slices.Equal(rows[0][n], rows[1][n]) {
					t.Fatalf("after step %d with an event for each\n%q\nand with one for all\n%q", n+1, rows[0][n], rows[1][n])
				}
			}
			for k, want := range told[0] {
				if !slices.Equal(want, told[1][k]) {
					t.Errorf("of %s was told\n%q, with one for all\n%q", k, want, told[1][k])
				}
			}
			if len(told[0]) != len(told[1]) {
				t.Errorf("told %v and %v", told[0], told[1])
			}
		})
	}
}

// TestVeilCostsNothing: that 5,000 items are hidden, and are not any more, is
// one status stored each time, and the alert that tells of it counts them all.
func TestVeilCostsNothing(t *testing.T) {
	const items = 5000
	synctest.Test(t, func(t *testing.T) {
		s := newSeer(t, 1, true, false)
		defer func() { s.stop() }()
		for n := range items {
			s.state[through(n)] = event.Up
		}
		s.look(true)
		stored := func() (n int) {
			s.w.mu.Lock()
			defer s.w.mu.Unlock()
			for _, r := range s.w.statuses {
				n += int(r.Revision)
			}
			return n
		}
		before, events := stored(), len(s.w.stream)
		s.hidden = true
		s.look(false)
		s.wait(2 * time.Minute)
		s.w.deliver()
		got := s.w.got["nms"]
		if len(got) != 1 || got[0].Key != sight || got[0].AffectedCount != items || len(got[0].Affected) != event.MaxAffected || got[0].Affected[0].Key != through(0) {
			t.Errorf("told %d, of %d: %+v", len(got), got[0].AffectedCount, got[0].Key)
		}
		s.hidden = false
		s.look(false)
		s.wait(time.Minute)
		if n := stored() - before; n > 4 || len(s.w.stream)-events != 2 {
			t.Errorf("%d statuses were stored for %d events", n, len(s.w.stream)-events)
		}
	})
}

// TestSeenBehindAVeil: what comes of one item counts, also after a restart,
// while the others stay hidden.
func TestSeenBehindAVeil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeer(t, 1, true, false)
		defer func() { s.stop() }()
		for n := range 2 {
			s.state[through(n)] = event.Up
		}
		s.look(true)
		s.hidden = true
		s.look(false)
		s.publish(event.Observation{Key: through(1), State: event.Up, Found: 1, Want: 1, At: s.w.wall()}, event.Snapshot, "job")
		synctest.Wait()
		for _, when := range []string{"at once", "after a restart"} {
			rows := s.rows()
			if !strings.Contains(rows[0], "unknown behind "+sight.String()) || !strings.Contains(rows[1], " up behind") {
				t.Errorf("%s: %q", when, rows)
			}
			s.restart()
		}
		// Who removes what is seen through, such as a reload without the job, ends it.
		s.publish(event.Observation{Key: sight, State: event.Unknown, Want: 1, At: s.w.wall()}, event.Gone, "")
		synctest.Wait()
		if rows := s.rows(); !strings.Contains(rows[0], " up behind") {
			t.Errorf("afterwards: %q", rows)
		}
	})
}

// TestHiddenCauseExplainsNothing: of a cause that cannot be seen any more it is
// not known that it is lost.
func TestHiddenCauseExplainsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, quick)
		defer func() { s.stop() }()
		s.facts("os=windows", "components=agent", "communication=bidirectional")
		tell := func(o event.Observation, job string) {
			o.At = s.w.wall()
			e := event.NewState("web01", event.Change, o)
			e.Job = job
			b, err := e.Encode()
			if err != nil {
				t.Fatal(err)
			}
			s.w.publish(b)
			synctest.Wait()
		}
		tell(event.Observation{Key: event.Key{Host: "web01", Component: event.Agent, Kind: event.Process, Name: "dsa.exe"}, State: event.Down, Want: 1}, "job")
		s.wait(time.Minute)
		s.want("raised loss process/dsa.exe down protection_lost")
		tell(event.Observation{Key: sight, State: event.Unknown, Want: 1, Veils: "job"}, "")
		s.see("port/4118/tcp=down")
		s.wait(time.Minute)
		s.want("raised loss port/4118/tcp down management_lost")
	})
}

// TestWayThatGoes: what was hidden behind an item that is no more is told by itself
// once its patience is over, also after a restart, and once again nothing is told
// of it when it is seen.
func TestWayThatGoes(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSeer(t, 1, true, false)
			defer func() { s.stop() }()
			for n := range 2 {
				s.state[through(n)] = event.Up
			}
			s.look(true)
			s.hidden = true
			s.look(false)
			s.wait(2 * time.Minute)
			if _, err := s.w.engine.RemoveHost(t.Context(), sight.Host, event.Prose("removed")); err != nil {
				t.Fatal(err)
			}
			if restart {
				s.restart()
			}
			if rows := s.rows(); len(rows) != 2 || !strings.Contains(rows[0], "unknown behind "+sight.String()) {
				t.Errorf("while nobody looks: %q", rows)
			}
			s.wait(2 * time.Minute)
			s.hidden = false
			s.look(true)
			s.wait(2 * time.Minute)
			told := s.told()
			for n := range 2 {
				if want := []string{"raised unknown unknown", "cleared unknown up"}; !slices.Equal(told[through(n)], want) {
					t.Errorf("restart %v: of %s was told %q", restart, through(n), told[through(n)])
				}
			}
			s.w.checkPairs(t)
		})
	}
}

// TestWayIsNotExpectedAnyMore: nor does one account for anything that is off the
// list since a reload.
func TestWayIsNotExpectedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeer(t, 1, true, false)
		defer func() { s.stop() }()
		s.state[through(0)] = event.Up
		s.look(true)
		s.hidden = true
		s.look(false)
		s.wait(2 * time.Minute)
		s.stop()
		s.stop = startEngine(s.w, without{s.list, sight}, s.set)
		s.wait(2 * time.Minute)
		if told := s.told()[through(0)]; !slices.Equal(told, []string{"raised unknown unknown"}) {
			t.Errorf("told %q", told)
		}
	})
}

// without is a list that lacks an item.
type without struct {
	*list
	gone event.Key
}

func (w without) Find(k event.Key, f event.Facts) (*catalog.Row, catalog.Verdict) {
	if k == w.gone {
		return nil, catalog.Verdict{}
	}
	return w.list.Find(k, f)
}
