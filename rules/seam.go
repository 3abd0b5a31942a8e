package rules

import (
	"time"

	"dswatch/event"
)

// Audience returns the sinks that hear of the rule's alert if it is raised at now.
func (s *Set) Audience(now time.Time, st *Status, snap Snapshot, rule string) []string {
	return s.Told(now, subject(st, snap, rule), snap.Sinks)
}

// QuietedBy returns the id of what keeps the rule's trouble quiet at now, and
// until when, if that is known; "": nothing does.
func (s *Set) QuietedBy(now time.Time, st *Status, snap Snapshot, rule string) (id string, until time.Time) {
	h := s.hushed(now, st, snap, rule)
	return h.id, h.until
}

// Window returns the window with the id as a silence while it is open, or nil.
func (s *Set) Window(now time.Time, id string) *Silence {
	for _, w := range s.Windows {
		if from, until, open := w.Opening(now); w.id == id && open {
			return &Silence{ID: id, Match: w.match, Starts: from, Ends: until}
		}
	}
	return nil
}

// Admit reports whether the matchers may concern the item, whatever becomes
// of it.
func (ms Matchers) Admit(k event.Key) bool {
	return ms.admits("host", k.Host) && ms.admits("component", k.Component) && ms.admits("kind", string(k.Kind)) && ms.admits("name", k.Name)
}

// Join notes that a digest speaks for the rule's trouble.
func (s *Status) Join(rule, digest string) { s.own(rule).Digest = digest }

// Deliveries calls each with what is told to whom.
func (d Decision) Deliveries(each func(a *event.Alert, sinks []string) error) error {
	if err := each(d.Alert, late(d.Sinks, d.Late)); err != nil || d.First == nil {
		return err
	}
	return each(d.First, d.Late)
}

// Impact is what the rule's trouble takes away from the host.
func Impact(st *Status, snap Snapshot, rule string) event.Impact { return impact(st, snap, rule) }

// Earlier returns the earlier of two deadlines; zero is never.
func Earlier(a, b time.Time) time.Time { return earlier(a, b) }
