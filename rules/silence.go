package rules

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Silence keeps alerts from being created and repeated for a while. It never
// keeps anything from being watched, and never withholds the end of an alert
// that was told.
type Silence struct {
	ID     string    `json:"id"`
	Match  Matchers  `json:"match"`
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends,omitzero"` // zero: when all that it matches is well again
	// Waits and Began are of one without Ends: until when it waits for the
	// first alert that it matches (zero: SilenceWait after Starts), and when
	// that came.
	Waits   time.Time `json:"waits,omitzero"`
	Began   time.Time `json:"began,omitzero"`
	Author  string    `json:"author"`
	Comment string    `json:"comment"`
	History []Entry   `json:"history"` // oldest first
}

// Entry is something that somebody did to a silence.
type Entry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
}

// SilenceWait is how long a silence without an end waits for the first alert
// that it matches: work is silenced the evening before at the latest.
const SilenceWait = 24 * time.Hour

// WaitsUntil is when a silence ends that still waits for the first alert that
// it matches; zero: it does not wait.
func (s *Silence) WaitsUntil() time.Time {
	switch {
	case !s.Ends.IsZero() || !s.Began.IsZero():
		return time.Time{}
	case s.Waits.IsZero():
		return s.Starts.Add(SilenceWait)
	}
	return s.Waits
}

// maxComment is the longest author or comment in bytes.
const maxComment = 1024

// Validate refuses a silence that silences everything by accident, never
// begins, or names nobody.
func (s Silence) Validate() error {
	switch {
	case len(s.Match) == 0:
		return fmt.Errorf(`a silence without matchers would silence everything; write at least one, such as host=web01`)
	case !s.Match.possible():
		return fmt.Errorf("no alert has such a combination; remove a matcher")
	case strings.TrimSpace(s.Author) == "" || strings.TrimSpace(s.Comment) == "":
		return fmt.Errorf("a silence needs an author and a comment; say who and why, for those on the next shift")
	case len(s.Author) > maxComment || len(s.Comment) > maxComment:
		return fmt.Errorf("author or comment is longer than %d bytes; shorten it", maxComment)
	case !s.Ends.IsZero() && !s.Ends.After(s.Starts):
		return fmt.Errorf("the silence ends at %s, which is not after its start; give a later end", s.Ends.Format(time.RFC3339))
	case !s.Ends.IsZero() && !s.Waits.IsZero():
		return fmt.Errorf("the silence has an end, so it waits for nothing; leave out one of them")
	case !s.Waits.IsZero() && !s.Waits.After(s.Starts):
		return fmt.Errorf("the silence waits for its first alert until %s, which is not after its start; give a later time", s.Waits.Format(time.RFC3339))
	}
	return nil
}

// Active reports whether the silence is in force at now.
func (s *Silence) Active(now time.Time) bool {
	end := s.Ends
	if end.IsZero() {
		end = s.WaitsUntil()
	}
	return !now.Before(s.Starts) && (end.IsZero() || now.Before(end))
}

// End returns s as ended at now, with the reason in its history.
func (s Silence) End(now time.Time, by, why string) Silence {
	s.Ends = now
	if now.Before(s.Starts) {
		s.Starts = now
	}
	s.History = append(s.History[:len(s.History):len(s.History)], Entry{At: now, By: by, What: why})
	return s
}

// SilenceStore keeps the silences.
type SilenceStore interface {
	// Watch calls tell with all silences, at once and again after each
	// change, until ctx ends.
	Watch(ctx context.Context, tell func([]Silence)) error
	Save(ctx context.Context, s Silence) error
}

// hush is what keeps an alert quiet at a moment.
type hush struct {
	id    string    // "": nothing does
	until time.Time // zero: not known yet
}

// hushed returns what keeps the rule's trouble quiet. Where several do, it is
// the one that lasts longest.
func (s *Set) hushed(now time.Time, st *Status, snap Snapshot, name string) (h hush) {
	if len(snap.Silences) == 0 && len(s.Windows) == 0 {
		return h
	}
	sub := Subject{Key: st.Key, Rule: name, Severity: SeverityOf(impact(st, snap, name))}
	for i := range snap.Silences {
		q := &snap.Silences[i]
		if !q.Active(now) || !q.Match.Match(&sub) {
			continue
		}
		if h.id == "" || !h.until.IsZero() && (q.Ends.IsZero() || q.Ends.After(h.until)) {
			h = hush{q.ID, q.Ends}
		}
	}
	for _, w := range s.Windows {
		if !w.match.Match(&sub) {
			continue
		}
		until, open := w.Until(now)
		if open && (h.id == "" || !h.until.IsZero() && until.After(h.until)) {
			h = hush{w.id, until}
		}
	}
	return h
}

// keep holds the slot quiet and says so when that is news.
func (slot *Slot) keep(h hush, name string, out []Decision) []Decision {
	slot.Due = h.until
	if slot.Silence == h.id {
		return out
	}
	slot.Silence = h.id
	return append(out, Decision{Rule: name, Outcome: Silenced, Why: "silence " + h.id})
}

// troubled reports whether the silence matches trouble of st, and whether that
// is an alert: one that is open, or that would be if nothing kept it quiet.
func (s *Silence) troubled(st *Status, snap Snapshot) (trouble, alert bool) {
	for _, name := range ruleNames() {
		slot := st.slot(name)
		if slot.Phase != Held && slot.Phase != Firing {
			continue
		}
		if sub := subject(st, snap, name); s.Match.Match(&sub) {
			trouble = true
			alert = alert || slot.Phase == Firing || slot.Silence != ""
		}
	}
	return trouble, alert
}

// silenced reports whether anything is kept quiet.
func (s *Status) silenced() bool {
	return s.slot(Loss).Silence != "" || s.slot(Unseen).Silence != "" || s.slot(FlapRule).Silence != ""
}
