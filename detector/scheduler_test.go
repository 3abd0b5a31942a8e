package detector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/words"
)

func key(name string) event.Key {
	return event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: name}
}

// look is a detector made of one function.
type look func(ctx context.Context) ([]event.Observation, error)

func (f look) Detect(ctx context.Context) ([]event.Observation, error) { return f(ctx) }

// seen answers for one key with a state.
func seen(name string, st event.State) event.Observation {
	found := 0
	if st == event.Up {
		found = 1
	}
	return event.Observation{Key: key(name), State: st, Found: found, Want: 1}
}

// story answers with one state for each pass, then repeats the last.
func story(name string, states ...event.State) look {
	i := 0
	return func(context.Context) ([]event.Observation, error) {
		st := states[min(i, len(states)-1)]
		i++
		return []event.Observation{seen(name, st)}, nil
	}
}

// far records what was published; err decides about each call.
type far struct {
	mu     sync.Mutex
	events []event.Event
	tried  []event.Event
	calls  int
	err    func(call int) error
}

func (f *far) Publish(ctx context.Context, events []event.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.tried = append(f.tried, events...)
	if f.err != nil {
		if err := f.err(f.calls); err != nil {
			return err
		}
	}
	f.events = append(f.events, events...)
	return nil
}

// told returns "reason name state" of every event that was taken.
func (f *far) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return lines(f.events)
}

func lines(events []event.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprintf("%s %s %s", e.Reason, e.Key().Name, e.Observation.State))
	}
	return out
}

func job(name string, d detector.Detector, keys ...string) detector.Job {
	j := detector.Job{Name: name, Schedule: "@every 10s", Timeout: 5 * time.Second, Detector: d}
	for _, k := range keys {
		j.Keys = append(j.Keys, key(k))
	}
	return j
}

func newScheduler(t *testing.T, p detector.Publisher, jobs ...detector.Job) *detector.Scheduler {
	t.Helper()
	s, err := detector.NewScheduler(detector.Options{Observer: "web01", Jobs: jobs, Publisher: p, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// during runs s for d inside a bubble, then stops it and returns Run's error.
func during(t *testing.T, s *detector.Scheduler, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	time.Sleep(d)
	synctest.Wait()
	cancel()
	return <-done
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestRunTellsOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		s := newScheduler(t, f,
			job("a", story("x", event.Up, event.Up, event.Down, event.Down, event.Up), "x"),
			job("b", story("y", event.Up), "y"))
		start := time.Now()
		if err := during(t, s, time.Minute+time.Second); err != nil {
			t.Fatal(err)
		}
		got := f.told()
		slices.Sort(got[:2]) // the first passes run side by side
		equal(t, got, []string{"snapshot x up", "snapshot y up", "change x down", "change x up"})
		if at := f.events[2].Observation.At.Sub(start); at != 20*time.Second {
			t.Errorf("the loss was seen %s after the start, want 20s", at)
		}
		if st := s.Stats(); st.Jobs[0].Passes != 7 || st.Published != 4 || st.Pending != 0 {
			t.Errorf("stats %+v, want 7 passes, 4 published, 0 pending", st)
		}
	})
}

func TestSnapshotRepeatsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		s := newScheduler(t, f, job("a", story("x", event.Down), "x"))
		if err := during(t, s, 10*time.Minute+5*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot x down", "snapshot x down", "snapshot x down"})
		if f.events[1].ID == f.events[2].ID {
			t.Error("two snapshots of different looks have one id")
		}
	})
}

func TestFailuresBecomeUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		detect look
		want   string
	}{
		"an error": {func(context.Context) ([]event.Observation, error) {
			return nil, errors.New("read table: permission denied: run as root")
		}, "permission denied: run as root"},
		"a panic":  {func(context.Context) ([]event.Observation, error) { panic("boom") }, "detector panicked: boom"},
		"no news":  {func(context.Context) ([]event.Observation, error) { return nil, nil }, "did not answer for this item"},
		"too slow": {func(ctx context.Context) ([]event.Observation, error) { <-ctx.Done(); return nil, ctx.Err() }, "no answer within 5s"},
		"gives up early": {func(context.Context) ([]event.Observation, error) {
			return nil, fmt.Errorf("ask the door: %w", context.DeadlineExceeded) // a deadline of its own
		}, "ask the door"},
		"nonsense": {func(context.Context) ([]event.Observation, error) {
			return []event.Observation{{Key: key("x"), State: "fine"}}, nil
		}, "not valid"},
		"two answers": {func(context.Context) ([]event.Observation, error) {
			return []event.Observation{seen("x", event.Up), seen("x", event.Down)}, nil
		}, "twice and differently"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{}
				s := newScheduler(t, f, job("a", c.detect, "x"))
				if err := during(t, s, 6*time.Second); err != nil {
					t.Fatal(err)
				}
				equal(t, f.told(), []string{"snapshot x unknown"})
				if len(f.events) == 1 && !strings.Contains(words.English(f.events[0].Observation.Detail), c.want) {
					t.Errorf("detail %q does not say %q", words.English(f.events[0].Observation.Detail), c.want)
				}
			})
		})
	}
}

// TestPartBesideAnError: what was seen before an error counts, and of an open
// job nothing is gone that was left out.
func TestPartBesideAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		passes := 0
		j := job("a", look(func(context.Context) ([]event.Observation, error) {
			if passes++; passes == 1 {
				return []event.Observation{seen("x", event.Up), seen("y", event.Up), seen("z", event.Up)}, nil
			}
			return []event.Observation{seen("y", event.Down)}, errors.New("the rest did not come")
		}), "x", "y")
		j.Open = true
		s := newScheduler(t, f, j)
		if err := during(t, s, 11*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot x up", "snapshot y up", "snapshot z up", "change x unknown", "change y down", "change z unknown"})
		if st := s.Stats().Jobs[0]; st.Failures == 0 || !strings.Contains(st.LastErr, "the rest did not come") {
			t.Errorf("%+v", st)
		}
	})
}

// keeper keeps what is missing, as the manager's detector does.
type keeper struct {
	look
	forgot []string
}

func (k *keeper) Forget(host string) { k.forgot = append(k.forgot, host) }

func TestForgetReachesTheDetector(t *testing.T) {
	k := &keeper{look: func(context.Context) ([]event.Observation, error) { return nil, nil }}
	s := newScheduler(t, &far{}, job("a", k, "x"), job("b", story("y", event.Up), "y"))
	s.Forget("web01")
	equal(t, k.forgot, []string{"web01"})
}

func TestUnknownRemembersWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		d := look(func(context.Context) ([]event.Observation, error) {
			if first {
				first = false
				return []event.Observation{{Key: key("x"), State: event.Up, Found: 2, Want: 2}}, nil
			}
			return nil, errors.New("gone blind")
		})
		f := &far{}
		s := newScheduler(t, f, job("a", d, "x"))
		if err := during(t, s, 11*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot x up", "change x unknown"})
		if o := s.Last()[0]; o.Want != 2 || o.Found != 0 {
			t.Errorf("found %d of %d, want 0 of 2", o.Found, o.Want)
		}
	})
}

func TestKeysNobodyAskedForAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := look(func(context.Context) ([]event.Observation, error) {
			return []event.Observation{seen("x", event.Up), seen("stranger", event.Down)}, nil
		})
		f := &far{}
		s, err := detector.NewScheduler(detector.Options{Observer: "web01", Publisher: f, Jobs: []detector.Job{job("a", d, "x")},
			Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := during(t, s, 31*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot x up"})
		if n := strings.Count(log.String(), "stranger"); n != 1 {
			t.Errorf("logged %d times, want once:\n%s", n, &log)
		}
	})
}

// A detector that ignores its context for 25 seconds, then answers "up": the
// answer must not be taken, the other job must not wait, and the next look
// must not begin before the old one has ended.
func TestDetectorThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most, calls := 0, 0, 0
		d := look(func(context.Context) ([]event.Observation, error) {
			mu.Lock()
			calls++
			first := calls == 1
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() { mu.Lock(); running--; mu.Unlock() }()
			if first {
				time.Sleep(25 * time.Second)
				return []event.Observation{seen("x", event.Up)}, nil
			}
			return []event.Observation{seen("x", event.Down)}, nil
		})
		f := &far{}
		s := newScheduler(t, f, job("stuck", d, "x"), job("b", story("y", event.Up, event.Down), "y"))
		if err := during(t, s, 41*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot y up", "snapshot x unknown", "change y down", "change x down"})
		if most != 1 {
			t.Errorf("the detector ran %d times at once", most)
		}
		st := s.Stats().Jobs[0]
		if st.Skipped != 2 || st.Failures != 1 || st.Passes != 3 {
			t.Errorf("stats %+v, want 2 skipped (10s, 20s), 1 failure, 3 passes (0s, 30s, 40s)", st)
		}
	})
}

func TestSkippedPassOfAStuckDetectorStaysFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := look(func(context.Context) ([]event.Observation, error) { <-release; return nil, nil })
		s := newScheduler(t, &far{}, job("stuck", d, "x"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(31 * time.Second)
		o := s.Last()[0]
		if age := time.Since(o.At); age > 2*time.Second || !strings.Contains(words.English(o.Detail), "still not ended") {
			t.Errorf("after 31s the observation is %s old and says %q", age, words.English(o.Detail))
		}
		cancel()
		begin := time.Now()
		err := <-done
		if err == nil || !strings.Contains(err.Error(), "stuck") || time.Since(begin) != 5*time.Second {
			t.Errorf("Run ended after %s with %v; want 5s and the job's name", time.Since(begin), err)
		}
		close(release)
	})
}

func TestPassLongerThanTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := look(func(context.Context) ([]event.Observation, error) {
			time.Sleep(15 * time.Second)
			return []event.Observation{seen("x", event.Up)}, nil
		})
		j := job("slow", d, "x")
		j.Timeout = time.Minute
		f := &far{}
		s := newScheduler(t, f, j)
		if err := during(t, s, 36*time.Second); err != nil { // looks at 0, 20; skipped at 10, 30
			t.Fatal(err)
		}
		if st := s.Stats().Jobs[0]; st.Passes != 2 || st.Skipped != 2 {
			t.Errorf("stats %+v, want 2 passes and 2 skipped", st)
		}
		equal(t, f.told(), []string{"snapshot x up"})
	})
}

// The end of the program must not look like the end of what is watched.
func TestShutdownTellsNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		d := look(func(ctx context.Context) ([]event.Observation, error) {
			if n++; n > 1 {
				<-ctx.Done()
				return []event.Observation{seen("x", event.Down)}, ctx.Err()
			}
			return []event.Observation{seen("x", event.Up)}, nil
		})
		f := &far{}
		s := newScheduler(t, f, job("a", d, "x"))
		if err := during(t, s, 11*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot x up"})
	})
}

func TestRunWaitsForTheRunningPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		d := look(func(ctx context.Context) ([]event.Observation, error) {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			ended = true
			return nil, ctx.Err()
		})
		s := newScheduler(t, &far{}, job("a", d, "x"))
		if err := during(t, s, time.Second); err != nil {
			t.Fatal(err)
		}
		if !ended {
			t.Error("Run returned while a detector was still looking")
		}
	})
}

func TestFailedPublishIsRepeatedInOrderWithTheSameIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("bus is down")
		f := &far{err: func(call int) error {
			if call <= 5 { // the start, then retries 1, 3, 7 and 15 seconds later
				return down
			}
			return nil
		}}
		s := newScheduler(t, f, job("a", story("x", event.Up, event.Down, event.Up), "x"))
		if err := during(t, s, 40*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot x up", "change x down", "change x up"})
		if f.tried[0].ID != f.events[0].ID {
			t.Error("the repeated event has another id")
		}
		if st := s.Stats(); st.PublishErrors != 5 || st.Lost != 0 || st.Pending != 0 {
			t.Errorf("stats %+v, want 5 errors, nothing lost, nothing pending", st)
		}
	})
}

func TestPendingIsBoundedAndKeepsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := false
		f := &far{err: func(int) error {
			if open {
				return nil
			}
			return errors.New("bus is down")
		}}
		n := 0
		d := look(func(context.Context) ([]event.Observation, error) {
			n++
			return []event.Observation{{Key: key("x"), State: event.Degraded, Found: n, Want: 1000}, seen("y", event.Up)}, nil
		})
		s := newScheduler(t, f, job("a", d, "x", "y"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(30*10*time.Second + time.Second) // 31 looks, all different
		synctest.Wait()
		if st := s.Stats(); st.Pending != detector.MaxPending+1 || st.Lost != 31-detector.MaxPending {
			t.Errorf("pending %d, lost %d; want %d and %d", st.Pending, st.Lost, detector.MaxPending+1, 31-detector.MaxPending)
		}
		open = true
		cancel()
		if err := <-done; err != nil { // the last offer, after the stop
			t.Fatal(err)
		}
		var found []int
		for _, e := range f.events {
			if e.Key() == key("x") {
				found = append(found, e.Observation.Found)
			}
		}
		if len(found) != detector.MaxPending || !slices.IsSorted(found) || found[len(found)-1] != 31 {
			t.Errorf("told counts %v, want the newest %d in order, ending with 31", found, detector.MaxPending)
		}
		if len(f.events) != detector.MaxPending+1 {
			t.Errorf("%d events, want the other item's too", len(f.events))
		}
	})
}

// TestPublishAfterALongOutage: the pause between two tries has an upper bound,
// so that an hour without the store is not followed by an hour of silence; and
// a second outage begins with short pauses again.
func TestPublishAfterALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		f := &far{err: func(int) error {
			if down.Load() {
				return errors.New("bus is down")
			}
			return nil
		}}
		s := newScheduler(t, f, job("a", story("x", event.Up, event.Down), "x"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(time.Hour + 13*time.Second)
		before := s.Stats().PublishErrors
		if before < 3600/30 || before > 3600/30+5 {
			t.Errorf("%d tries in an hour, want one in 30 s", before)
		}
		down.Store(false)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		// The snapshot that fell due in the outage comes right behind.
		equal(t, f.told(), []string{"snapshot x up", "change x down", "snapshot x down"})

		down.Store(true)
		time.Sleep(5 * time.Minute) // the next snapshot
		synctest.Wait()
		before = s.Stats().PublishErrors
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if n := s.Stats().PublishErrors - before; n < 1 || n > 5 {
			t.Errorf("%d tries in the first half minute of the second outage", n)
		}
		cancel()
		<-done
	})
}

// TestSecondOutageBeginsAnew: a short second outage costs a second, not what
// the first one had come to.
func TestSecondOutageBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		within := func(from, to time.Duration) bool { d := time.Since(begin); return d >= from && d < to }
		var at []time.Duration // when something was taken
		f := &far{err: func(int) error {
			if within(0, 2*time.Minute) || within(10*time.Minute, 10*time.Minute+time.Second/2) {
				return errors.New("bus is down")
			}
			at = append(at, time.Since(begin))
			return nil
		}}
		s := newScheduler(t, f, job("a", story("x", event.Up), "x"))
		if err := during(t, s, 11*time.Minute); err != nil {
			t.Fatal(err)
		}
		// The pending one and the snapshot after the first outage, the one of
		// five minutes is past; the second outage begins with a snapshot.
		if last := at[len(at)-1]; last != 10*time.Minute+time.Second {
			t.Errorf("taken at %v, want the last a second after the second failure", at)
		}
	})
}

// TestSnapshotHasWhatWasGivenUp: an item of which more changed than waits is
// in the next snapshots like every other one.
func TestSnapshotHasWhatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := &far{err: func(int) error {
			if time.Since(begin) < 4*time.Minute {
				return errors.New("bus is down")
			}
			return nil
		}}
		looks := 0
		d := look(func(context.Context) ([]event.Observation, error) {
			if looks++; looks > 2*detector.MaxPending {
				return []event.Observation{seen("x", event.Up)}, nil
			}
			return []event.Observation{{Key: key("x"), State: event.Degraded, Found: looks, Want: 1000}}, nil
		})
		quick := job("a", d, "x")
		quick.Schedule = "@every 5s"
		s := newScheduler(t, f, quick)
		if err := during(t, s, 12*time.Minute); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Lost == 0 || st.Pending != 0 {
			t.Fatalf("stats %+v, want some given up and none waiting", st)
		}
		got := f.told()
		equal(t, got[max(0, len(got)-3):], []string{"change x up", "snapshot x up", "snapshot x up"})
	})
}

// A publisher that hangs must not keep passes from running.
func TestSlowPublisherDelaysNoPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, hang{}, job("a", story("x", event.Up), "x"))
		if err := during(t, s, 61*time.Second); err == nil || !strings.Contains(err.Error(), "publish 1 events") {
			t.Errorf("Run ended with %v, want the events that were not published", err)
		}
		if st := s.Stats(); st.Jobs[0].Passes != 7 || st.PublishErrors < 3 {
			t.Errorf("stats %+v, want 7 passes and several failed attempts", st)
		}
	})
}

type hang struct{}

func (hang) Publish(ctx context.Context, _ []event.Event) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestManyChangesArePublishedInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 600 {
			names = append(names, fmt.Sprint("p", i))
		}
		d := look(func(context.Context) ([]event.Observation, error) {
			var out []event.Observation
			for _, n := range names {
				out = append(out, seen(n, event.Up))
			}
			return out, nil
		})
		f := &far{}
		s := newScheduler(t, f, job("a", d, names...))
		if err := during(t, s, time.Second); err != nil {
			t.Fatal(err)
		}
		if len(f.events) != 600 || f.calls != 3 {
			t.Errorf("%d events in %d calls, want 600 in 3", len(f.events), f.calls)
		}
	})
}

// paced notes how many events of each item were taken at each moment.
type paced struct {
	mu sync.Mutex
	at map[time.Time]map[string]int
}

func (p *paced) Publish(_ context.Context, events []event.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.at[now] == nil {
		p.at[now] = map[string]int{}
	}
	for _, e := range events {
		p.at[now][string(e.Reason)+" "+e.Key().Name]++
	}
	return nil
}

// TestLargeSnapshotComesInParts: each item once in the time between two, never many
// at the same moment, none that has gone meanwhile; a whole one that is asked
// for comes at once.
func TestLargeSnapshotComesInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, leave, part = 5000, 1000, 1024
		var left atomic.Bool
		d := look(func(context.Context) ([]event.Observation, error) {
			var out []event.Observation
			for i := range many {
				if i >= leave || !left.Load() {
					out = append(out, seen(fmt.Sprintf("p%04d", i), event.Up))
				}
			}
			return out, nil
		})
		p := &paced{at: map[time.Time]map[string]int{}}
		j := job("a", d)
		j.Schedule, j.Open = "@every 20s", true
		s := newScheduler(t, p, j)
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(5*time.Minute + time.Second)
		left.Store(true) // after the first part
		time.Sleep(10 * time.Minute)
		asked := time.Now()
		s.Again(true)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		gone := 0
		for round := range 2 {
			from := begin.Add(time.Duration(round+1) * 5 * time.Minute)
			all, moments := map[string]int{}, 0
			for at, names := range p.at {
				if at.Before(from) || !at.Before(from.Add(5*time.Minute)) {
					continue
				}
				moments++
				snapshots := 0
				for name, n := range names {
					reason, item, _ := strings.Cut(name, " ")
					if reason == string(event.Gone) {
						gone += n
						continue
					}
					snapshots += n
					if all[item] += n; item < fmt.Sprintf("p%04d", leave) && at.Sub(begin) > 5*time.Minute+20*time.Second {
						t.Errorf("%s %s after it had gone", name, at.Sub(begin))
					}
				}
				if snapshots > part {
					t.Errorf("%d events %s after the start", snapshots, at.Sub(begin))
				}
			}
			for i := leave; i < many; i++ {
				if n := all[fmt.Sprintf("p%04d", i)]; n != 1 {
					t.Errorf("round %d: item %d was told %d times", round, i, n)
				}
			}
			if moments < (many-leave)/part {
				t.Errorf("round %d: told at %d moments", round, moments)
			}
		}
		if gone != leave {
			t.Errorf("%d are gone, want %d", gone, leave)
		}
		if n := len(p.at[asked]); n != many-leave {
			t.Errorf("asked for the whole, %d came at once", n)
		}
	})
}

func TestJitterStaysBelowItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		d := look(func(context.Context) ([]event.Observation, error) {
			at = append(at, time.Since(start))
			return []event.Observation{seen("x", event.Up)}, nil
		})
		j := job("a", d, "x")
		j.Jitter = 4 * time.Second
		s := newScheduler(t, &far{}, j)
		if err := during(t, s, 305*time.Second); err != nil {
			t.Fatal(err)
		}
		if len(at) != 31 || at[0] != 0 {
			t.Fatalf("%d passes, first after %s; want 31, the first at once", len(at), at[0])
		}
		moved := 0
		for i, a := range at[1:] {
			late := a - time.Duration(i+1)*10*time.Second
			if late < 0 || late >= 4*time.Second {
				t.Errorf("pass %d came %s after its time", i+1, late)
			}
			if late > 0 {
				moved++
			}
		}
		if moved < 20 {
			t.Errorf("only %d of 30 passes were moved", moved)
		}
	})
}

func TestCronFieldsAndZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble begins at 2000-01-01T00:00:00Z
		count := func(expr string, loc *time.Location, d time.Duration) int {
			n := 0
			j := job("a", look(func(context.Context) ([]event.Observation, error) {
				n++
				return []event.Observation{seen("x", event.Up)}, nil
			}), "x")
			j.Schedule = expr
			s, err := detector.NewScheduler(detector.Options{Observer: "o", Jobs: []detector.Job{j}, Publisher: &far{}, Location: loc})
			if err != nil {
				t.Fatal(err)
			}
			if err := during(t, s, d); err != nil {
				t.Fatal(err)
			}
			return n - 1 // without the one at the start
		}
		tokyo := time.FixedZone("JST", 9*3600)
		if n := count("*/20 * * * * *", time.UTC, 61*time.Second); n != 3 {
			t.Errorf("every 20th second: %d passes in 61s, want 3", n)
		}
		if n := count("0 10 * * *", time.UTC, 90*time.Minute); n != 0 {
			t.Errorf("10:00 UTC came %d times before 01:31 UTC", n)
		}
		// It is 01:31 UTC, 10:31 in Tokyo.
		if n := count("0 11 * * *", tokyo, time.Hour); n != 1 {
			t.Errorf("11:00 in the configured zone came %d times, want once", n)
		}
		if n := count("CRON_TZ=Asia/Tokyo 0 12 * * *", time.UTC, time.Hour); n != 1 {
			t.Errorf("12:00 in CRON_TZ came %d times, want once", n)
		}
	})
}

func TestPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := look(func(ctx context.Context) ([]event.Observation, error) {
			time.Sleep(2 * time.Second)
			return []event.Observation{seen("z", event.Down), seen("y", event.Up)}, nil
		})
		stuck := look(func(ctx context.Context) ([]event.Observation, error) { time.Sleep(time.Hour); return nil, nil })
		s := newScheduler(t, nil, job("a", slow, "y", "z"), job("b", stuck, "w"))
		var got []string
		begin := time.Now()
		for _, o := range s.Pass(t.Context()) {
			got = append(got, o.Key.Name+" "+string(o.State))
		}
		equal(t, got, []string{"y up", "z down", "w unknown"})
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("took %s, want the 5s of the stuck job's timeout", took)
		}
		got = nil
		for _, o := range s.Pass(t.Context()) {
			got = append(got, o.Key.Name+" "+string(o.State))
		}
		equal(t, got, []string{"y up", "z down", "w unknown"})
		if err := s.Run(t.Context()); err == nil {
			t.Error("Run accepted that there is no publisher")
		}
		time.Sleep(time.Hour) // the stuck detector ends
	})
}

func TestDetailIsMadeHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hostile := "a\nb\x1b[2J\x00\u202e\xff" + strings.Repeat("監", 3000)
		d := look(func(context.Context) ([]event.Observation, error) {
			o := seen("x", event.Up)
			o.Detail = event.Prose(hostile)
			return []event.Observation{o}, nil
		})
		s := newScheduler(t, nil, job("a", d, "x"))
		got := s.Pass(t.Context())[0]
		if err := got.Validate(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(words.English(got.Detail), "a b\ufffd[2J\ufffd\ufffd\ufffd監") || !strings.HasSuffix(words.English(got.Detail), "監...") {
			t.Errorf("detail is %q", words.English(got.Detail))
		}
	})
}

func TestNewSchedulerRefuses(t *testing.T) {
	d := story("x", event.Up)
	good := job("a", d, "x")
	edit := func(f func(*detector.Job)) []detector.Job { j := good; f(&j); return []detector.Job{j} }
	for name, c := range map[string]struct {
		opts detector.Options
		want string
	}{
		"no observer":         {detector.Options{Jobs: []detector.Job{good}}, "observer"},
		"a negative rhythm":   {detector.Options{Observer: "o", SnapshotEvery: -1}, "negative"},
		"no name":             {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Name = "" })}, "no name"},
		"no detector":         {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Detector = nil })}, "no detector"},
		"no keys":             {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Keys = nil })}, "no keys"},
		"a bad key":           {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Keys = []event.Key{{}} })}, "empty"},
		"known, not open":     {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Known = j.Keys })}, "not open"},
		"no timeout":          {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Timeout = 0 })}, "timeout"},
		"a negative jitter":   {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Jitter = -1 })}, "jitter"},
		"a bad schedule":      {detector.Options{Observer: "o", Jobs: edit(func(j *detector.Job) { j.Schedule = "often" })}, "@every 10s"},
		"two of a name":       {detector.Options{Observer: "o", Jobs: []detector.Job{good, job("a", d, "y")}}, "two jobs"},
		"two owners of a key": {detector.Options{Observer: "o", Jobs: []detector.Job{good, job("b", d, "x")}}, `job "a" and again by job "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := detector.NewScheduler(c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
		})
	}
}

// TestOpenJob: items come with the answers, and go with a whole answer only.
func TestOpenJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []struct {
			seen []event.Observation
			err  error
		}{
			{seen: []event.Observation{seen("own", event.Up), seen("a", event.Up), seen("b", event.Down), seen("taken", event.Down)}},
			{err: errors.New("half an answer")},
			{seen: []event.Observation{seen("own", event.Up), seen("b", event.Up), seen("c", event.Up)}},
			{seen: []event.Observation{seen("a", event.Up), seen("b", event.Up), seen("c", event.Up)}},
		}
		i := 0
		open := job("open", look(func(context.Context) ([]event.Observation, error) {
			a := answers[min(i, len(answers)-1)]
			i++
			return a.seen, a.err
		}), "own")
		open.Open = true
		open.Known = []event.Key{key("b"), key("old"), key("taken")}
		f := &far{}
		s := newScheduler(t, f, open, job("other", story("taken", event.Up), "taken"))
		if err := during(t, s, 35*time.Second); err != nil {
			t.Fatal(err)
		}
		got := f.told()
		slices.Sort(got[:5]) // two jobs looked at the same moment
		equal(t, got, []string{
			"gone old unknown", "snapshot a up", "snapshot b down", "snapshot own up", "snapshot taken up",
			"change own unknown", "change b unknown", "change a unknown",
			"gone a unknown", "change own up", "change b up", "snapshot c up",
			"change own unknown", "snapshot a up", // its own key is never gone
		})
		if n := len(s.Last()); n != 5 {
			t.Errorf("%d items, want 5", n)
		}
		for _, e := range f.events {
			b, err := e.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := event.Decode(b); err != nil || again.Reason != e.Reason {
				t.Errorf("%s came back as %s, %v", e.Reason, again.Reason, err)
			}
		}
	})
}

func TestOpenJobWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := job("open", story("a", event.Up))
		j.Open = true
		if got := newScheduler(t, nil, j).Pass(t.Context()); len(got) != 1 || got[0].State != event.Up {
			t.Errorf("%+v", got)
		}
	})
}

func TestRunWithoutJobsOnlyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &far{})
		if err := during(t, s, time.Hour); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSnapshotPassesOverWhatWaits: a batch of items that all have changed while
// the snapshot is told does not end it: they are told as changes.
func TestSnapshotPassesOverWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const batch = 256
		begin := time.Now()
		of := func(prefix string, state func() event.State) detector.Job {
			var names []string
			for i := range batch {
				names = append(names, fmt.Sprintf("%s%03d", prefix, i))
			}
			return job(prefix, look(func(context.Context) (out []event.Observation, _ error) {
				for _, n := range names {
					out = append(out, seen(n, state()))
				}
				return out, nil
			}), names...)
		}
		up := func() event.State { return event.Up }
		slept := false
		f := &far{err: func(int) error {
			if !slept && time.Since(begin) >= 5*time.Minute {
				slept = true
				time.Sleep(15 * time.Second)
			}
			return nil
		}}
		s := newScheduler(t, f, of("a", up), of("b", func() event.State {
			if time.Since(begin) > 5*time.Minute {
				return event.Down
			}
			return event.Up
		}), of("c", up))
		if err := during(t, s, 6*time.Minute); err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, line := range f.told() {
			reason, rest, _ := strings.Cut(line, " ")
			got[reason+" "+rest[:1]]++
		}
		if got["snapshot c"] != 2*batch || got["snapshot a"] != 2*batch || got["change b"] != batch || got["snapshot b"] != batch {
			t.Errorf("told %v", got)
		}
	})
}

// TestPromise: the first look at a loss says by when another one will have
// been made at the latest: at the end of the hold where the job may look out of turn, else
// with the next look by schedule after it.
func TestPromise(t *testing.T) {
	for again, want := range map[bool]time.Duration{true: 15 * time.Second, false: 75 * time.Second} {
		t.Run(fmt.Sprint("again ", again), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				f := &far{}
				j := job("a", story("x", event.Down), "x")
				j.Schedule, j.Again = "@every 1m", again
				s, err := detector.NewScheduler(detector.Options{Observer: "web01", Jobs: []detector.Job{j}, Publisher: f, Location: time.UTC, Hold: 10 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				if err := during(t, s, time.Second); err != nil {
					t.Fatal(err)
				}
				if by := f.events[0].Observation.Again.Sub(begin); by != want {
					t.Errorf("the next look is promised %s after the loss, want %s", by, want)
				}
			})
		})
	}
}

// TestRunsOnce: a scheduler that runs cannot be run again.
func TestRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &far{}, job("a", story("x", event.Up), "x"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		short, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if err := s.Run(short); err == nil {
			t.Error("it was run twice at once")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestVeil: what is seen through one item is hidden with one event and back
// with one, but for what is not well and what has changed; who asks is told
// that it is unknown, and why.
func TestVeil(t *testing.T) {
	way := detector.Way("web01", detector.WaySSH)
	answer := func(st event.State, veils string) event.Observation {
		return event.Observation{Key: way, State: st, Want: 1, Found: 1, Veils: veils, Detail: event.Prose("no route")}
	}
	hides := answer(event.Unknown, "yes")
	answers := []struct {
		seen []event.Observation
		err  error
	}{
		{seen: []event.Observation{seen("a", event.Up), seen("b", event.Down), seen("c", event.Up), answer(event.Up, "")}},
		{seen: []event.Observation{hides}, err: errors.New("no route")},
		{seen: []event.Observation{hides}, err: errors.New("no route")},
		{seen: []event.Observation{seen("a", event.Up), seen("b", event.Down), seen("c", event.Down), answer(event.Up, "")}},
	}
	for _, open := range []bool{false, true} {
		t.Run(fmt.Sprint("open ", open), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := 0
				j := job("ssh", look(func(context.Context) ([]event.Observation, error) {
					a := answers[min(i, len(answers)-1)]
					i++
					return a.seen, a.err
				}), "a", "b", "c")
				if open {
					j.Known, j.Keys = append(j.Keys, key("old")), nil
				}
				j.Keys, j.Veils, j.Open = append(j.Keys, way), true, open
				f := &far{}
				s, err := detector.NewScheduler(detector.Options{Observer: "web01", Jobs: []detector.Job{j}, Publisher: f, SnapshotEvery: 17 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- s.Run(ctx) }()
				time.Sleep(12 * time.Second)
				synctest.Wait()
				for _, o := range s.Last() {
					if o.State != event.Unknown || o.Key != way && (o.Behind != way || words.English(o.Detail) != "no route") || o.Validate() != nil {
						t.Errorf("%+v", o)
					}
				}
				time.Sleep(20 * time.Second)
				synctest.Wait()
				cancel()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				got := f.told()
				if open {
					got = slices.DeleteFunc(got, func(line string) bool { return line == "gone old unknown" })
				}
				slices.Sort(got[:4])
				if open {
					slices.Sort(got[6:])
				} else {
					slices.Sort(got[6:9])
				}
				want := []string{"snapshot a up", "snapshot b down", "snapshot c up", "snapshot ssh up", "change ssh unknown", "snapshot ssh unknown"}
				// b is told again: that it is down may have been forgotten meanwhile.
				back := []string{"change c down", "change ssh up", "snapshot b down"}
				equal(t, got[:9], append(want, back...))
				for _, e := range f.events {
					veils := e.Key() == way && e.Observation.State == event.Unknown
					if (e.Observation.Veils == "ssh") != veils || (e.Job == "ssh") != (e.Key() != way) && e.Reason != event.Gone {
						t.Errorf("%s %s veils %q, of job %q", e.Reason, e.Key(), e.Observation.Veils, e.Job)
					}
					b, err := e.Encode()
					if err != nil {
						t.Fatal(err)
					}
					if again, err := event.Decode(b); err != nil || again.Job != e.Job || again.Observation.Veils != e.Observation.Veils {
						t.Errorf("%+v came back as %+v, %v", e, again, err)
					}
				}
			})
		})
	}
}

// TestVeiledFromTheStart: what was never seen is told once all the same, so that
// it is listed.
func TestVeiledFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := detector.Way("web01", detector.WaySSH)
		passes := 0
		j := job("ssh", look(func(context.Context) ([]event.Observation, error) {
			if passes++; passes < 3 {
				return []event.Observation{{Key: way, State: event.Unknown, Want: 1, Veils: "x"}}, errors.New("no route")
			}
			return []event.Observation{{Key: way, State: event.Up, Found: 1, Want: 1}, seen("a", event.Up)}, nil
		}), "a")
		j.Keys, j.Veils = append(j.Keys, way), true
		f := &far{}
		if err := during(t, newScheduler(t, f, j), 25*time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, f.told(), []string{"snapshot a unknown", "snapshot ssh unknown", "change a up", "change ssh up"})
		if f.events[0].Observation.Behind != way {
			t.Errorf("%+v", f.events[0])
		}
	})
}

// TestVeilInAPass: one look lists what it could not see.
func TestVeilInAPass(t *testing.T) {
	way := detector.Way("web01", detector.WaySSH)
	j := job("ssh", look(func(context.Context) ([]event.Observation, error) {
		return []event.Observation{{Key: way, State: event.Unknown, Want: 1, Veils: "x"}}, errors.New("no route")
	}), "a", "b")
	j.Keys, j.Veils = append(j.Keys, way), true
	for _, o := range newScheduler(t, nil, j).Pass(t.Context()) {
		if o.State != event.Unknown || (o.Behind == way) != (o.Key != way) {
			t.Errorf("%+v", o)
		}
	}
}
