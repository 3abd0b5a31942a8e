package detector

import (
	"slices"
	"time"

	"dswatch/event"
)

// Many items may be seen through one: the computers of a manager through its
// API, the modules of ESXi hosts through vCenter. When that one fails, nothing
// is known of any of them, and saying so for each would be half a million
// events. So a detector of a job that Veils answers with an observation of that
// one item which has Observation.Veils set, and leaves out what it did not see.
// One event tells of it, and of its end; whoever reads the events takes it from
// there (package engine). Each look of an item of its own counts more.

// hidden is the reason of what is behind the job's veil: it is known here, and
// not published.
const hidden event.Reason = "hidden"

// veils reports whether the item is one that may be behind the veil of j: not
// one of those through which it looks.
func (j *job) veils(k event.Key) bool {
	return j.Veils && !IsWay(k) && !(j.Open && slices.Contains(j.Keys, k))
}

// veil notes whether o, which was answered, hides what is not answered.
func (s *Scheduler) veil(j *job, o *event.Observation) (veiled bool) {
	if !j.Veils || o.Veils == "" {
		o.Veils = ""
		return false
	}
	o.Veils = j.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	way := *o
	j.veil = &way
	return true
}

// behind is what is known of an item that is hidden. The caller holds mu.
func (it *item) behind() event.Observation {
	o := event.Observation{Key: it.key(), State: event.Unknown, Want: int(it.last.want), At: time.Now()}
	if it.job != nil && it.job.veil != nil {
		o.Detail, o.At, o.Behind = it.job.veil.Detail, it.job.veil.At, it.job.veil.Key
	}
	return o
}

// unanswered is said of an item that a veiled answer leaves out.
func (s *Scheduler) unanswered(it *item) event.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return it.behind()
}
