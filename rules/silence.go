package rules

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/words"
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
	Waits time.Time `json:"waits,omitzero"`
	Began time.Time `json:"began,omitzero"`
	// Forever says that it has no end at all: only a person takes it back.
	Forever bool `json:"forever,omitempty"`
	// Every makes it one that comes again and again from Starts to Ends (zero:
	// for good), as a Window does: a schedule, how long it lasts each time, and
	// the time zone of the schedule.
	Every    string        `json:"every,omitempty"`
	Lasts    time.Duration `json:"lasts,omitempty"` // nanoseconds
	TimeZone string        `json:"time_zone,omitempty"`
	Author   string        `json:"author"`
	Comment  string        `json:"comment"`
	History  []Entry       `json:"history"` // oldest first

	span *Span // of Every; nil although there is one: it cannot be read, and silences nothing
}

// Entry is something that somebody did to a silence.
type Entry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"` // in English
	// Said is What as data; empty in what 64fc8e6 stored.
	Said event.Said `json:"what_statements,omitzero"`
}

// SilenceWait is how long a silence without an end waits for the first alert
// that it matches: work is silenced the evening before at the latest.
const SilenceWait = 24 * time.Hour

// WaitsUntil is when a silence ends that still waits for the first alert that
// it matches; zero: it does not wait.
func (s *Silence) WaitsUntil() time.Time {
	switch {
	case !s.Ends.IsZero() || !s.Began.IsZero() || s.Every != "" || s.Forever:
		return time.Time{}
	case s.Waits.IsZero():
		return s.Starts.Add(SilenceWait)
	}
	return s.Waits
}

// MaxComment is the longest author or comment in bytes.
const MaxComment = 1024

// maxMatchers is the longest text of a silence's matchers in bytes: all of them
// are tried for each trouble while it lasts.
const maxMatchers = 4096

// Validate refuses a silence that silences everything by accident, never
// begins, or names nobody.
func (s Silence) Validate() error {
	switch {
	case len(s.Match) == 0:
		return words.Fail(words.SilenceAll.With())
	case !s.Match.possible():
		return words.Fail(words.NoSuchCombination.With())
	case len(s.Match.String()) > maxMatchers:
		return words.Fail(words.MatchersTooLong.With(maxMatchers))
	case strings.TrimSpace(s.Author) == "" || strings.TrimSpace(s.Comment) == "":
		return words.Fail(words.SilenceNeedsAuthor.With())
	case len(s.Author) > MaxComment || len(s.Comment) > MaxComment:
		return words.Fail(words.AuthorOrComment.With(MaxComment))
	case !s.Ends.IsZero() && !s.Ends.After(s.Starts):
		return words.Fail(words.SilenceEndsEarly.With(s.Ends.Format(time.RFC3339)))
	case !s.Ends.IsZero() && !s.Waits.IsZero():
		return words.Fail(words.SilenceEndAndWait.With())
	case !s.Waits.IsZero() && !s.Waits.After(s.Starts):
		return words.Fail(words.SilenceWaitsEarly.With(s.Waits.Format(time.RFC3339)))
	case s.Forever && (!s.Ends.IsZero() || !s.Waits.IsZero() || s.Every != ""):
		return words.Fail(words.SilenceForeverAndEnd.With())
	case s.Every == "" && (s.Lasts != 0 || s.TimeZone != ""):
		return words.Fail(words.SilenceNoSchedule.With())
	case s.Every != "" && (!s.Waits.IsZero() || !s.Began.IsZero()):
		return words.Fail(words.SilenceScheduleAndWait.With())
	case s.Every != "":
		return s.window().Validate()
	}
	return nil
}

// window is Every as a window.
func (s *Silence) window() Window {
	return Window{Name: "silence", Match: s.Match, Schedule: s.Every, Duration: s.Lasts, TimeZone: s.TimeZone}
}

// UnmarshalJSON reads a stored silence.
func (s *Silence) UnmarshalJSON(b []byte) error {
	type plain Silence
	if err := json.Unmarshal(b, (*plain)(s)); err != nil {
		return err
	}
	s.bound()
	*s = s.Scheduled()
	return nil
}

// Scheduled returns s so that Active can ask its schedule.
func (s Silence) Scheduled() Silence {
	if s.span = nil; s.Every != "" {
		s.span, _ = s.window().Span(time.Local) // of one that cannot be read there is none
	}
	return s
}

// Opening returns when one that comes again and again is in force at now, or
// will be next; from is zero where it does not come again.
func (s *Silence) Opening(now time.Time) (from, until time.Time) {
	if s.span == nil {
		return from, until
	}
	if now.Before(s.Starts) {
		now = s.Starts
	}
	if from, until, _ = s.span.Opening(now); from.IsZero() {
		return from, until
	}
	if from.Before(s.Starts) {
		from = s.Starts
	}
	switch {
	case s.Ends.IsZero():
	case !now.Before(s.Ends) || !from.Before(s.Ends):
		return time.Time{}, time.Time{}
	case s.Ends.Before(until):
		until = s.Ends
	}
	return from, until
}

// Active reports whether the silence is in force at now.
func (s *Silence) Active(now time.Time) bool {
	end := s.Ends
	if s.Every != "" {
		from, until := s.Opening(now)
		return !from.IsZero() && !now.Before(from) && now.Before(until)
	}
	if end.IsZero() {
		end = s.WaitsUntil()
	}
	return !now.Before(s.Starts) && (end.IsZero() || now.Before(end))
}

// Ended reports whether the silence is over at now. One that only waits for
// its first alert is not, until the rules have noted its end.
func (s *Silence) Ended(now time.Time) bool { return !s.Ends.IsZero() && !now.Before(s.Ends) }

// End returns s as ended at now, with the reason in its history.
func (s Silence) End(now time.Time, by string, why event.Said) Silence {
	s.Ends, s.Forever = now, false
	if now.Before(s.Starts) {
		s.Starts = now
	}
	s.Note(now, by, why)
	return s
}

// Note adds to the history, which copies of s may share.
func (s *Silence) Note(now time.Time, by string, what event.Said) {
	s.History = append(slices.Clip(s.History), Entry{At: now, By: by, What: words.English(what), Said: what})
}

// Edit is what somebody changes of a silence. What is zero stays as it is.
type Edit struct {
	Match   Matchers
	Ends    time.Time
	Cleared bool      // from now on it ends when all that it matches is well again,
	Waits   time.Time // and waits until then for the first alert that it matches; zero: SilenceWait
	Forever bool      // from now on it has no end
	Comment string
	// Of one that comes again and again. Without Every a length is that of
	// each time, and Ends does not count.
	Every    string
	Lasts    time.Duration
	TimeZone string
}

// Edit returns s as somebody changed it at now, with what it was before in its
// history.
func (s Silence) Edit(now time.Time, by string, e Edit) (Silence, error) {
	if s.Ended(now) {
		return s, words.Fail(words.SilenceEnded.With(s.ID))
	}
	was, changes := s, event.Said{}
	if e.Match != nil {
		s.Match = e.Match
		changes = changes.And(words.SilenceMatchers.With(was.Match.String(), s.Match.String()))
	}
	switch {
	case s.Every == "" && (e.Every != "" || e.TimeZone != ""):
		return s, words.Fail(words.SilenceNotAgain.With(s.ID))
	case s.Every != "" && (e.Cleared || !e.Waits.IsZero()):
		return s, words.Fail(words.SilenceAgainNoWait.With(s.ID))
	case s.Every != "" && e.Forever:
		return s, words.Fail(words.SilenceAgainForever.With(s.ID))
	case e.Cleared && !e.Ends.IsZero() || e.Forever && (e.Cleared || !e.Ends.IsZero()):
		return s, words.Fail(words.SilenceOneEnd.With())
	case e.Forever:
		s.Ends, s.Began, s.Waits, s.Forever = time.Time{}, time.Time{}, time.Time{}, true
	case e.Cleared:
		s.Ends, s.Began, s.Waits, s.Forever = time.Time{}, time.Time{}, e.Waits, false
		if s.Waits.IsZero() {
			s.Waits = now.Add(SilenceWait)
		}
	case !e.Waits.IsZero():
		return s, words.Fail(words.SilenceWaitAlone.With())
	case s.Every != "" && e.Every == "" && e.Lasts != 0:
		s.Lasts = e.Lasts
	case !e.Ends.IsZero():
		s.Ends, s.Began, s.Waits, s.Forever = e.Ends, time.Time{}, time.Time{}, false
		s.bound()
	}
	if e.Every != "" {
		s.Every, s.Lasts = e.Every, cmp.Or(e.Lasts, s.Lasts)
	}
	if e.TimeZone != "" {
		s.TimeZone = e.TimeZone
	}
	if s.again() != was.again() {
		s = s.Scheduled()
		changes = changes.And(words.SilenceTimes.With(was.again(), s.again()))
	}
	if !s.Ends.Equal(was.Ends) || s.Forever != was.Forever || e.Cleared || s.Every == "" && !e.Ends.IsZero() {
		changes = changes.And(words.SilenceEnd.With(was.end(), s.end()))
	}
	if e.Comment != "" {
		s.Comment = e.Comment
		changes = changes.And(words.SilenceComment.With(strconv.Quote(was.Comment), strconv.Quote(s.Comment)))
	}
	switch {
	case changes.Empty():
		return s, words.Fail(words.SilenceUnchanged.With())
	case s.Ended(now):
		return s, words.Fail(words.SilenceEditPast.With(s.Ends.Format(time.RFC3339)))
	case len(s.History) >= maxChanges:
		return s, words.Fail(words.SilenceManyChanges.With(maxChanges))
	}
	s.Note(now, by, changes)
	size := 0
	for _, h := range s.History {
		size += len(h.By) + len(h.What) + h.Said.Len()
	}
	if size > maxHistory {
		return s, words.Fail(words.SilenceLongHistory.With(maxHistory))
	}
	return s, s.Validate()
}

// A silence's record stays far below the 128 KiB that the bus takes for sure.
const (
	maxChanges = 100      // entries of the history
	maxHistory = 32 << 10 // bytes of all their texts
)

// again is when the silence comes again, in words.
func (s *Silence) again() string {
	if s.Every == "" {
		return ""
	}
	return s.Every + " for " + s.Lasts.String() + " " + s.TimeZone
}

// end is when the silence ends, in words.
func (s *Silence) end() words.Both {
	switch {
	case s.Ends.IsZero() && (s.Every != "" || s.Forever):
		return words.SilenceNever
	case s.Ends.IsZero():
		return words.SilenceUntilCleared
	}
	at := s.Ends.UTC().Format(time.RFC3339)
	return words.Both{EN: at, JA: at}
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
		until := q.Ends
		if q.Every != "" {
			_, until = q.Opening(now)
		}
		if h.id == "" || !h.until.IsZero() && (until.IsZero() || until.After(h.until)) {
			h = hush{q.ID, until}
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

// QuietedBy returns the id of what keeps the rule's trouble quiet at now, and
// until when, if that is known; "": nothing does.
func (s *Set) QuietedBy(now time.Time, st *Status, snap Snapshot, rule string) (id string, until time.Time) {
	h := s.hushed(now, st, snap, rule)
	return h.id, h.until
}

// hush keeps an open alert quiet.
func (s *Status) hush(h hush, name string, out []Decision) []Decision {
	if slot := s.slot(name); slot.Silence == h.id && slot.Due.Equal(h.until) {
		return out // nothing new
	}
	return s.own(name).keep(h, name, out)
}

// keep holds the slot quiet and says so when that is news.
func (slot *Slot) keep(h hush, name string, out []Decision) []Decision {
	slot.Due = h.until
	if slot.Silence == h.id {
		return out
	}
	slot.Silence = h.id
	return append(out, Decision{Rule: name, Outcome: Silenced, Why: words.SilencedBy.With(h.id)})
}

// Troubled reports whether the silence matches trouble of st, and whether that
// is an alert: one that is open, or that would be if nothing kept it quiet.
func (s *Silence) Troubled(st *Status, snap Snapshot) (trouble, alert bool) {
	for _, name := range RuleNames() {
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

// Silenced reports whether anything is kept quiet.
func (s *Status) Silenced() bool {
	return s.slot(Loss).Silence != "" || s.slot(Unseen).Silence != "" || s.slot(FlapRule).Silence != ""
}
