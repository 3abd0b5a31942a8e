package detector

import (
	"context"
	"time"

	"dswatch/event"
)

// Whether a loss lasts is told by looks, not by time alone: two of them, at
// least Options.Hold apart, with no good one between. So of an item that is
// lost one later look is told although it saw nothing new, and its first one
// says by when that will be. Jobs that may look as often as they like look at
// the end of the hold; others tell with their next look by schedule.

// loses keeps since when the item is lost, and reports whether this look is the
// one that shows that it lasts. The caller holds mu.
func (it *item) loses(o event.Observation, hold time.Duration) (lasts bool) {
	switch {
	case o.State == event.Up:
		it.lost, it.lasts = 0, false
	case !o.State.Lost() || hold == 0:
	case it.lost == 0:
		it.lost = o.At.UnixNano()
	case !it.lasts && o.At.UnixNano()-it.lost >= int64(hold):
		it.lasts = true
		return true
	}
	return false
}

// promise is by when it is told whether the loss lasts; zero: it was, or there
// is none.
func (it *item) promise() time.Time {
	if it.lost == 0 || it.lasts || !it.last.state.Lost() || it.job == nil {
		return time.Time{}
	}
	return it.job.next(time.Unix(0, it.lost).Add(it.job.hold))
}

// next is by when the job has looked at or after at.
func (j *job) next(at time.Time) time.Time {
	by := at
	if !j.Again {
		if by = j.schedule.Next(at); by.IsZero() {
			return at
		}
	}
	return by.Add(j.Jitter + j.Timeout)
}

// lookAgain looks once more at the end of the hold of what the last look saw
// lost first. The caller has a pass of its own counted in s.passes.
func (s *Scheduler) lookAgain(ctx context.Context, j *job) {
	s.mu.Lock()
	lost := j.lost
	j.lost = 0
	s.mu.Unlock()
	if lost == 0 || !j.Again {
		return
	}
	at := time.Unix(0, lost).Add(s.opts.Hold)
	s.passes.Go(func() {
		if wait(ctx, max(time.Millisecond, time.Until(at))) {
			s.pass(ctx, j)
		}
	})
}
