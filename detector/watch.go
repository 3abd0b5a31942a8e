package detector

import (
	"context"
	"sync"
	"time"
)

// Watcher is a Detector that the system can tell when a look is worth it.
type Watcher interface {
	// Watch calls wake as soon as something may have changed since the last look,
	// until ctx ends; it then returns nil. It reports no state: what is true only
	// the look says. An error says why the system does not tell.
	Watch(ctx context.Context, wake func()) error
}

// Glancer is a Watcher that has a cheap way to see that a look is worth it, for
// where Watch fails.
type Glancer interface {
	Glance() bool
}

// Told says how a job learns that a look is worth it, beside its schedule.
type Told string

// The ways.
const (
	Notified Told = "notified" // by the system
	Polled   Told = "polled"   // Watch fails; by a glance, where there is one
)

const (
	// coalescing is how long what follows a first call of wake joins it.
	coalescing = 20 * time.Millisecond
	// wokenEvery is the least time between two looks that wake began.
	wokenEvery = 100 * time.Millisecond
	// glanceEvery is how often a Glancer is asked.
	glanceEvery = 250 * time.Millisecond
	// settled is how long a Watch must last to count as one that works.
	settled = 100 * time.Millisecond
)

// watch looks when the system says that it is worth it: soon, seldom enough, and
// once more when a look was under way, which may have seen what was before. After
// each look Watch begins anew, because what is to be watched may be another.
func (s *Scheduler) watch(ctx context.Context, j *job, w Watcher) {
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default: // it is known already
		}
	}
	disarm := func() {}
	defer func() { disarm() }()
	rearm := func() {
		disarm()
		disarm = s.arm(ctx, j, w, wake)
	}
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.looked:
			rearm()
			continue
		case <-woken:
		}
		if !wait(ctx, max(coalescing, time.Until(last.Add(wokenEvery)))) {
			return
		}
		select {
		case <-woken: // has joined
		default:
		}
		last = time.Now()
		if s.busy(j) {
			select {
			case <-ctx.Done():
				return
			case <-j.looked:
				rearm()
				wake()
			}
			continue
		}
		s.pass(ctx, j)
	}
}

func (s *Scheduler) busy(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.busy
}

// arm lets w watch until it is disarmed.
func (s *Scheduler) arm(ctx context.Context, j *job, w Watcher, wake func()) (disarm func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		works := time.AfterFunc(settled, func() { s.told(j, nil) })
		err := w.Watch(ctx, wake)
		works.Stop()
		if err == nil || ctx.Err() != nil {
			return
		}
		s.told(j, err)
		if g, ok := w.(Glancer); ok {
			for wait(ctx, glanceEvery) {
				if g.Glance() {
					wake()
					return
				}
			}
		}
	})
	return func() { cancel(); watching.Wait() }
}

// told notes whether the system tells; what has changed is logged.
func (s *Scheduler) told(j *job, err error) {
	s.mu.Lock()
	before := j.stats.Told
	j.stats.Told, j.stats.TellErr = Notified, ""
	if err != nil {
		j.stats.Told, j.stats.TellErr = Polled, plain(err.Error())
	}
	why := j.stats.TellErr
	s.mu.Unlock()
	switch {
	case err != nil && before != Polled:
		s.opts.Log.Warn("the system does not tell when something ends; it is looked at by schedule, and where that is cheap four times a second", "job", j.Name, "error", why)
	case err == nil && before == Polled:
		s.opts.Log.Info("the system tells again when something ends", "job", j.Name)
	}
}
