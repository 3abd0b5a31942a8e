package detector_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/detector"
	"dswatch/event"
)

// woken is a detector that the test wakes.
type woken struct {
	mu      sync.Mutex
	looks   []time.Time
	takes   time.Duration
	wake    func()
	armed   atomic.Int64
	fails   atomic.Bool
	glances atomic.Int64
	changed atomic.Bool
}

func (w *woken) Detect(context.Context) ([]event.Observation, error) {
	w.mu.Lock()
	w.looks = append(w.looks, time.Now())
	takes := w.takes
	w.mu.Unlock()
	time.Sleep(takes)
	return []event.Observation{{Key: watchedKey, State: event.Up, Found: 1, Want: 1, At: time.Now()}}, nil
}

func (w *woken) Watch(ctx context.Context, wake func()) error {
	if w.fails.Load() {
		return errors.New("the kernel is too old")
	}
	w.mu.Lock()
	w.wake = wake
	w.mu.Unlock()
	w.armed.Add(1)
	<-ctx.Done()
	return nil
}

func (w *woken) Glance() bool { w.glances.Add(1); return w.changed.Swap(false) }

func (w *woken) call() { w.mu.Lock(); f := w.wake; w.mu.Unlock(); f() }

func (w *woken) times() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Time{}, w.looks...)
}

var watchedKey = event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}

type taker struct{}

func (taker) Publish(context.Context, []event.Event) error { return nil }

// watching runs w by a schedule of an hour.
func watching(t *testing.T, w *woken) (*detector.Scheduler, func()) {
	t.Helper()
	s, err := detector.NewScheduler(detector.Options{Observer: "web01", Publisher: taker{}, Jobs: []detector.Job{
		{Name: "process", Schedule: "@every 1h", Timeout: time.Minute, Keys: []event.Key{watchedKey}, Detector: w},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestWakeLooksSoonAndSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &woken{}
		s, stop := watching(t, w)
		defer stop()
		time.Sleep(time.Second)
		if n := len(w.times()); n != 1 || w.armed.Load() != 1 {
			t.Fatalf("%d looks, armed %d times", n, w.armed.Load())
		}
		if j := s.Stats().Jobs[0]; j.Told != detector.Notified || j.TellErr != "" {
			t.Errorf("%+v", j)
		}
		began := time.Now()
		w.call()
		w.call()
		time.Sleep(time.Second)
		if got := w.times(); len(got) != 2 || got[1].Sub(began) > 25*time.Millisecond {
			t.Errorf("two calls made %d looks, %v", len(got)-1, got)
		}
		// 5,000 calls within a second are at most ten looks, and one after the last.
		before := len(w.times())
		for range 5000 {
			w.call()
			time.Sleep(200 * time.Microsecond)
		}
		last := time.Now()
		time.Sleep(time.Second)
		got := w.times()[before:]
		if len(got) < 9 || len(got) > 11 || got[len(got)-1].Before(last) {
			t.Errorf("%d looks, the last %v after the last call", len(got), got[len(got)-1].Sub(last))
		}
		armed := w.armed.Load()
		if armed > int64(len(w.times())) {
			t.Errorf("armed %d times after %d looks", armed, len(w.times()))
		}
		w.call()
		time.Sleep(time.Second)
		if w.armed.Load() != armed+1 {
			t.Error("not armed again after the last look")
		}
	})
}

// TestWakeDuringALook: it may have seen what was before, so there is another.
func TestWakeDuringALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &woken{}
		_, stop := watching(t, w)
		defer stop()
		time.Sleep(time.Second)
		w.mu.Lock()
		w.takes = 500 * time.Millisecond
		w.mu.Unlock()
		w.call()
		time.Sleep(100 * time.Millisecond) // the look is under way
		w.call()
		time.Sleep(3 * time.Second)
		if got := w.times(); len(got) != 3 {
			t.Errorf("%d looks, want the first and two", len(got))
		}
	})
}

// TestWatchFails: it is told once, a glance takes its place, and what works again
// is noticed.
func TestWatchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &woken{}
		w.fails.Store(true)
		s, stop := watching(t, w)
		defer stop()
		time.Sleep(10*time.Second + time.Millisecond)
		if j := s.Stats().Jobs[0]; j.Told != detector.Polled || j.TellErr != "the kernel is too old" || len(w.times()) != 1 || w.glances.Load() != 40 {
			t.Errorf("%+v, %d looks, %d glances", j, len(w.times()), w.glances.Load())
		}
		w.changed.Store(true)
		time.Sleep(300 * time.Millisecond)
		if n := len(w.times()); n != 2 {
			t.Errorf("%d looks after a change", n)
		}
		w.fails.Store(false)
		w.changed.Store(true)
		time.Sleep(time.Second)
		if j := s.Stats().Jobs[0]; j.Told != detector.Notified || j.TellErr != "" {
			t.Errorf("%+v", j)
		}
	})
}
