package rules

import (
	"slices"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

// Settings are the keys below `rules:`.
type Settings struct {
	Hold       time.Duration `yaml:"hold" doc:"how long an item must be lost before an alert rises; a restart of the agent takes about 15s"`
	Repeat     time.Duration `yaml:"repeat" doc:"how often an open alert is told again; 0s: never"`
	Patience   time.Duration `yaml:"patience" doc:"how long an item may be unobservable before that is an alert of its own"`
	HoldUp     time.Duration `yaml:"hold_up" doc:"how long an item must be well again before the all-clear; 0s: at once"`
	Transition time.Duration `yaml:"transition" doc:"how long no loss is raised on a host after its agent was upgraded or it was restarted; a second change makes it twice that at most; 0s: never"`
	Silent     time.Duration `yaml:"silent" doc:"how long a host may report nothing before that is an alert; for a hub of several hosts, such as 15m; 0s: never"`
	Flap       FlapSettings  `yaml:"flap" doc:"when an item that comes and goes is told once instead of each time"`
	Storm      StormSettings `yaml:"storm" doc:"when many alerts at once are told as one digest"`
}

// Defaults returns the settings of an empty `rules:`. Hold outlasts the gap
// of about 15 seconds that a module reload or an agent restart leaves.
func Defaults() Settings {
	return Settings{
		Hold: 20 * time.Second, Repeat: 4 * time.Hour, Patience: 5 * time.Minute,
		Transition: 5 * time.Minute,
		Flap:       FlapSettings{Changes: 6, Window: 10 * time.Minute, Settle: 10 * time.Minute},
		Storm:      DefaultStorm(),
	}
}

// Validate refuses negative durations, and repetitions that would flood.
func (s Settings) Validate() error {
	switch {
	case s.Hold < 0:
		return words.Bad("hold", words.Negative20s.With(s.Hold.String()))
	case s.Patience < 0:
		return words.Bad("patience", words.Negative5m.With(s.Patience.String()))
	case s.HoldUp < 0:
		return words.Bad("hold_up", words.Negative30s.With(s.HoldUp.String()))
	case s.Transition < 0:
		return words.Bad("transition", words.NegativeNever.With(s.Transition.String()))
	case s.Silent != 0 && s.Silent < leastSilent:
		return words.Bad("silent", words.SilentTooShort.With(s.Silent.String(), leastSilent.String()))
	case s.Repeat != 0 && s.Repeat < time.Minute:
		return words.Bad("repeat", words.RepeatFloods.With(s.Repeat.String()))
	}
	return nil
}

// leastSilent outlasts the 5 minutes between two snapshots of a healthy host,
// with a minute to deliver one.
const leastSilent = 6 * time.Minute

// Set is the rules of one configuration. It is immutable.
type Set struct {
	Settings
	Routes   []Route // none: everybody is told everything
	Windows  []*Span
	Language string         // en or ja: of Title, Text and Reason
	Zone     *time.Location // of the times in Detail; nil: UTC
}

// Snapshot is what is known about an item's host and row at the moment of a
// decision.
type Snapshot struct {
	Row     *catalog.Row // nil: the item is not, or no longer, on the list
	Verdict catalog.Verdict
	Facts   event.Facts
	Sinks   []string // who is told where there are no routes
	// Silences are those of the whole fleet.
	Silences []Silence
	Transit  *Transit // nil: the host was neither upgraded nor restarted lately
	Related  *Related // nil: no other item has to do with it
	Storm    *Storm   // what other items do; nil: nothing
	Single   bool     // no digest speaks for the item any more
	Gathered *Digest  // Single: the digest that did
	// Unaccounted says of an item behind another one (event.Observation.Behind)
	// that nobody whom it concerns is told why it cannot be seen.
	Unaccounted bool
}

// Outcome is what Decide did about one rule.
type Outcome string

// Outcomes. The first four come with an Alert.
const (
	Raised    Outcome = "raised"
	Changed   Outcome = "changed"
	Repeated  Outcome = "repeated"
	Cleared   Outcome = "cleared"
	Holding   Outcome = "holding"       // lost, waiting for the hold to end
	Settling  Outcome = "settling"      // well again, waiting for the all-clear
	Recovered Outcome = "recovered"     // came back before anybody was told
	Flapping  Outcome = "flapping"      // comes and goes, which is an alert of its own
	InTransit Outcome = "in_transition" // lost after an upgrade or a restart, which is given time
	Explained Outcome = "explained"     // the alert of its cause names it
	Silenced  Outcome = "silenced"      // a silence keeps it from being told or repeated
	Gathered  Outcome = "gathered"      // told as a part of a digest

	Acknowledged   Outcome = "acknowledged"   // somebody looks after it; comes with an Alert
	Unacknowledged Outcome = "unacknowledged" // nobody does any more; comes with an Alert
)

// Decision is one thing that Decide decided, and why.
type Decision struct {
	Rule    string
	Outcome Outcome
	Why     event.Said   // which rule or footnote
	Alert   *event.Alert // nil: nobody is told
	Sinks   []string     // who is told
	Late    []string     // those of Sinks that hear of the alert for the first time, after others: they are told First
	First   *event.Alert // Alert as the first of its transitions
}

// late returns who is told First, having heard nothing before.
func late(to, before []string) (out []string) {
	for _, name := range to {
		if !slices.Contains(before, name) {
			out = append(out, name)
		}
	}
	return out
}

// Deliveries calls each with what is told to whom.
func (d Decision) Deliveries(each func(a *event.Alert, sinks []string) error) error {
	if err := each(d.Alert, late(d.Sinks, d.Late)); err != nil || d.First == nil {
		return err
	}
	return each(d.First, d.Late)
}

// first returns the transition as it is told to a sink that has heard nothing
// of the alert: it is raised there. The number, and so the delivery's id, is
// that of the others, because all transitions of an alert have one count.
func (s *Set) first(a event.Alert, snap Snapshot) event.Alert {
	a.Transition, a.Previous, a.Withdrawn = event.Raised, "", nil
	if a.Rule != event.RuleStorm { // which says the same in both
		s.write(&a, snap)
	}
	return a
}

// Again returns what a far end that has forgotten an open alert is told: that it
// is raised, as it stands now, and then that somebody looks after it.
func (s *Set) Again(a event.Alert, snap Snapshot) []event.Alert {
	if a.Transition == event.Raised && a.Ack == nil {
		return []event.Alert{a}
	}
	raised := a
	raised.Ack = nil
	raised = s.first(raised, snap)
	if a.Ack == nil {
		return []event.Alert{raised}
	}
	if a.Transition != event.Acknowledged {
		a.Transition = event.Acknowledged
		if a.Rule != event.RuleStorm {
			s.write(&a, snap)
		}
	}
	raised.Apart, a.Apart = true, true // a receiver that drops copies by their key must drop neither
	return []event.Alert{raised, a}
}

// Decide takes what was remembered about an item (prev), what is known about
// its host (snap) and an event about it, and returns what to remember and
// what to tell. An event with an empty ID means that no event came: facts
// changed or a deadline passed.
//
// It has no clock and does no I/O: the same inputs always give the same
// decisions and the same alert ids. When nothing changes it allocates
// nothing. prev is not modified.
func (s *Set) Decide(now time.Time, prev Status, snap Snapshot, e event.Event) (Status, []Decision) {
	st := prev
	if e.ID != "" {
		if st.Event == "" || st.Seen.State != e.Observation.State {
			st.Changed = e.Observation.At
		}
		st.Known = st.known(e.Observation.State)
		st.Key, st.Seen, st.Event, st.Observer, st.Job = e.Key(), e.Observation, e.ID, e.Observer, e.Job
		st.Gone = e.Reason == event.Gone
	}
	if st.Event == "" {
		return st, nil
	}
	expected := catalog.No
	if snap.Row != nil && !st.Gone {
		expected = snap.Verdict.Expected
	}
	t := flip{prev: &prev, fresh: e.ID != "" && !snap.Transit.Lasts(now), expected: expected}
	if s.nothing(&st, &snap, t) {
		return st, nil
	}
	return s.ask(asked{now: now, fresh: e.ID != ""}, st, snap, t)
}

// nothing reports whether no rule has anything to decide: nothing is wrong or
// was, and nothing flaps. It stands apart so that a decision like this, of
// which there are the most by far, allocates nothing.
func (s *Set) nothing(st *Status, snap *Snapshot, t flip) bool {
	return st.Calm() && (st.Flap == nil || st.Flap.Until.IsZero()) && (s.Flap.Changes == 0 || !t.flipped(st)) &&
		lossSign(st.Seen.State, t.expected) != bad && unseenSign(st, t.expected, snap) != bad
}

// ask asks every rule.
func (s *Set) ask(now asked, st Status, snap Snapshot, t flip) (Status, []Decision) {
	q := question{asked: &now, st: &st, snap: &snap}
	var out []Decision
	if s.Flap.Changes > 0 || st.Flap != nil {
		out = s.flap(q.about(FlapRule, good), t, out)
	}
	if st.Flapping() {
		out = st.freeze(out)
	} else {
		out = s.step(q.about(Loss, lossSign(st.Seen.State, t.expected)), out)
	}
	return st, s.step(q.about(Unseen, unseenSign(&st, t.expected, &snap)), out)
}

// question is what one rule is asked about one item at one moment. What it
// asks is answered in one place each: is it bad (sign), since when (ripe), may
// be told (Set.rise), to whom (Set.targets), when again (Set.wake). What a
// decision keeps of it stands behind pointers, so that to ask takes no memory.
type question struct {
	*asked
	st   *Status
	snap *Snapshot
	sign sign
	late bool // told is the last state that was seen: it cannot be now, and a silence kept it back
}

// asked is which rule is asked, and when.
type asked struct {
	now   time.Time
	fresh bool // a look has come
	rule  string
}

// state is the state that is told.
func (q question) state() event.State {
	if q.late {
		return q.st.Known
	}
	return q.st.Seen.State
}

// sees reports whether there is a state to be told.
func (q question) sees() bool { return q.sign != blind || q.late }

// about is the question for one of the rules.
func (q question) about(rule string, sg sign) question {
	q.asked, q.sign = &asked{q.now, q.fresh, rule}, sg
	return q
}

func (q question) slot() *Slot { return q.st.slot(q.rule) }

// own is the slot for changing.
func (q question) own() *Slot { return q.st.own(q.rule) }

// sign is what an observation says to a rule.
type sign int

const (
	good  sign = iota // not the rule's trouble
	bad               // the rule's trouble
	blind             // says nothing: whatever waits goes on waiting, and what is open stays open
)

// lossSign answers whether the item is lost.
func lossSign(state event.State, expected catalog.Tri) sign {
	switch {
	case expected == catalog.No, state == event.Up:
		return good
	case expected == catalog.Yes && state.Lost():
		return bad
	}
	return blind
}

// unseenSign answers whether nobody knows how the item is. While it is seen
// lost, or was and that was told, its loss speaks for it; while that is in its
// hold, or still because the item comes and goes, nothing can be said yet. What
// the item is behind speaks for it, as long as that is told to somebody. An
// open alert stays until whoever is to speak for the loss has spoken.
func unseenSign(st *Status, expected catalog.Tri, snap *Snapshot) sign {
	loss := st.slot(Loss)
	open := st.slot(Unseen).Phase == Firing
	switch {
	case expected == catalog.No, st.Seen.State == event.Up, loss.Phase == Firing:
		return good
	case open && (loss.Gathered() && !snap.Storm.told(loss) || loss.awaited()):
		return blind
	case loss.Gathered(), st.Seen.State.Lost() && !loss.Holding() && !st.Flapping():
		return good
	case expected == catalog.Yes && st.Seen.State == event.Unknown && (st.Seen.Behind == event.Key{} || snap.Unaccounted):
		return bad
	}
	return blind
}

// Holding reports whether nothing but time, or a look, keeps the trouble from
// being told.
func (slot *Slot) Holding() bool {
	return slot.Phase == Held && slot.Silence == "" && slot.Cause == "" && slot.Digest == ""
}

// step moves one rule's slot and appends what was decided to out. Before the
// slot is changed, here or in what step calls, it is made the status's own.
func (s *Set) step(q question, out []Decision) []Decision {
	switch q.slot().Phase {
	case Held:
		return s.stepHeld(q, out)
	case Firing:
		return s.stepOpen(q, out)
	}
	if q.sign != bad {
		return out
	}
	return s.begin(q, out)
}

// begin notes the first look that saw the trouble since all was well.
func (s *Set) begin(q question, out []Decision) []Decision {
	slot := q.own()
	slot.Since, slot.First, slot.Digest, slot.Look, slot.Outlived = q.st.Seen.At, q.st.Event, "", time.Time{}, false
	wait := s.wait(q.rule) - q.already()
	if wait <= 0 || q.st.Key.Kind == event.Host {
		return s.rise(q, out)
	}
	slot.Phase, slot.Due = Held, q.now.Add(wait)
	if again := q.st.Seen.Again; q.rule == Loss && q.fresh && !again.IsZero() {
		slot.Look = q.now.Add(min(max(wait, again.Sub(q.st.Seen.At)), Longest) + lookLate)
	}
	return append(out, Decision{Rule: q.rule, Outcome: Holding, Why: words.WaitsBefore.With(wait)})
}

// lookLate is how late a look may be heard of that was promised: it has to get
// through the event stream.
const lookLate = 5 * time.Second

// lookMost is how long a promised look is waited for after a restart, which may
// come with a clock that was set back: whoever observes has started anew, too.
const lookMost = 15 * time.Minute

// already is for how long nothing good was seen when the trouble was first
// seen: an item that cannot be seen may have been lost before, also where that is
// silenced.
func (q question) already() time.Duration {
	if loss := q.st.slot(Loss); q.rule == Unseen && (loss.Holding() || loss.Phase == Held && loss.Silence != "") {
		return max(0, q.st.Seen.At.Sub(loss.Since))
	}
	return 0
}

// ripe answers since when the trouble is there: for long enough to be told, or
// when to ask again. Two looks at least wait apart must have seen it, with no
// good one between. An observer that tells only what changes has looked as long
// as it tells nothing; one that has promised to look again is waited for.
func (slot *Slot) ripe(now, seen time.Time, wait time.Duration) (yes bool, ask time.Time) {
	lasted := seen.Sub(slot.Since) >= wait
	switch awaited := slot.Due.Equal(slot.Look); { // the hold is over, only the look was not there
	case now.Before(slot.Due) && !(awaited && lasted):
		return false, slot.Due
	case !lasted && now.Before(slot.Look):
		return false, slot.Look
	}
	return true, time.Time{}
}

// stepHeld waits with trouble of which nobody was told.
func (s *Set) stepHeld(q question, out []Decision) []Decision {
	slot := q.slot()
	switch {
	case q.sign == good:
		// An alert told earlier stays on record for reconciliation.
		q.st.drop(q.rule)
		return append(out, Decision{Rule: q.rule, Outcome: Recovered, Why: words.OverBefore.With()})
	case slot.Digest != "" && !(q.sign == bad && q.snap.Single):
		return out // its digest speaks for it
	case q.confirmed():
		if h := s.hushed(q.now, q.st, *q.snap, q.rule); h.id != "" {
			return q.st.hush(h, q.rule, out)
		}
		q.late = true
		q.own()
		return s.rise(q, out)
	case q.sign == blind:
		if !slot.Due.IsZero() && (!slot.Holding() || !q.now.Before(slot.Due)) {
			q.own().Due = time.Time{} // until there is a look that sees something
		}
		return out
	}
	if slot.Holding() {
		if yes, ask := slot.ripe(q.now, q.st.Seen.At, s.wait(q.rule)); !yes {
			if !ask.Equal(slot.Due) {
				q.own().Due = ask
			}
			return out
		}
	}
	q.own()
	return s.rise(q, out)
}

// confirmed reports whether a loss was seen for long enough to be told, was kept
// back by a silence, and cannot be seen any more.
func (q question) confirmed() bool {
	return q.rule == Loss && q.sign == blind && q.slot().Silence != "" && q.st.lostUnseen() && q.snap.Verdict.Expected == catalog.Yes
}

// stepOpen goes on with an alert that is open.
func (s *Set) stepOpen(q question, out []Decision) []Decision {
	slot := q.slot()
	if q.sign == good {
		return s.end(q, out)
	}
	switch {
	case q.sign == bad && !slot.Well.IsZero():
		slot = q.own()
		slot.Well = time.Time{} // not well after all
		slot.resume()
	case slot.settles() && q.now.Before(slot.Well):
		return out
	case slot.settles(): // open until there is a look that sees it well
		slot = q.own()
		slot.resume()
	}
	q.late = q.rose()
	why := q.news()
	if why.Empty() && slot.Silence == "" && (slot.Due.IsZero() || q.now.Before(slot.Due)) {
		return out
	}
	if h := s.hushed(q.now, q.st, *q.snap, q.rule); h.id != "" {
		return q.st.hush(h, q.rule, out) // what is left of a change is told at the end of the silence
	}
	if !why.Empty() {
		q.own()
		return s.tell(q, event.Changed, why, out)
	}
	return s.again(q, out)
}

// news says what is told although nobody's time has come: the item is in
// another state, or what that takes away is something else. Of an item that
// comes and goes only what is worse than all before is news.
func (q question) news() event.Said {
	slot, st := q.slot(), q.st
	switch {
	case q.late:
		return words.StateWas.With(slot.State, st.Known)
	case q.sign != bad:
	case q.rule == FlapRule:
		if now := SeverityOf(impact(st, *q.snap, q.rule)); now.Rank() > slot.Severity.Rank() {
			return words.SeverityWas.With(slot.Severity, now)
		}
	case st.Seen.State != slot.State:
		return words.StateWas.With(slot.State, st.Seen.State)
	case q.rule == Loss && !q.snap.unsure() && impact(st, *q.snap, q.rule) != slot.Impact:
		return words.MeansOther.With()
	}
	return event.Said{}
}

// rose reports whether a loss was seen to be worse than was told, and cannot be
// seen any more.
func (q question) rose() bool {
	slot, st := q.slot(), q.st
	return q.rule == Loss && q.sign == blind && st.lostUnseen() && st.Known != slot.State &&
		q.snap.Verdict.Expected == catalog.Yes && !q.snap.unsure() && SeverityOf(impact(st, *q.snap, q.rule)).Rank() > slot.Severity.Rank()
}

// end clears an open alert, at once or after Settings.HoldUp.
func (s *Set) end(q question, out []Decision) []Decision {
	slot, st, snap := q.slot(), q.st, q.snap
	listed := !st.Gone && snap.Row != nil && snap.Verdict.Expected != catalog.No
	if s.settling(q.now, slot, q.rule != FlapRule && listed && st.Seen.State == event.Up) {
		if slot.settles() {
			return out
		}
		if slot = q.own(); slot.Well.IsZero() {
			slot.Well = q.now.Add(s.HoldUp)
		}
		slot.Due = slot.Well
		return append(out, Decision{Rule: q.rule, Outcome: Settling, Why: words.WellAgain.With(s.HoldUp)})
	}
	why := words.Observed.With(st.Seen.State)
	switch {
	case st.Gone:
		why = st.Seen.Detail
	case snap.Row == nil:
		why = words.OffTheList.With()
	case snap.Verdict.Expected == catalog.No:
		why = words.NoLonger.With().And(snap.Verdict.Reason)
	}
	slot = q.own()
	slot.Phase, slot.Due, slot.Well, slot.Silence = Settled, time.Time{}, time.Time{}, ""
	return s.tell(q, event.Cleared, why, out)
}

// again repeats an open alert to those whose time has come: that nobody can
// see the item any more is no reason to stop.
func (s *Set) again(q question, out []Decision) []Decision {
	slot := q.own()
	slot.Silence = ""
	sub := q.st.asTold(q.rule)
	all := s.audience(slot, s.targets(q.now, sub, q.snap.Sinks, slot))
	if len(slot.pick(q.now, all)) > 0 {
		return s.tell(q, event.Repeated, words.StillSince.With(slot.State, slot.Started), out)
	}
	slot.Due = s.wake(q.now, slot, all, sub)
	return out
}

// subject is the rule's trouble with the item as it stands now.
func subject(st *Status, snap Snapshot, name string) Subject {
	return Subject{Key: st.Key, Rule: name, Severity: SeverityOf(impact(st, snap, name))}
}

// wait is how long the named rule holds an alert back.
func (s *Set) wait(name string) time.Duration {
	switch name {
	case Unseen:
		return s.Patience
	case FlapRule:
		return 0
	}
	return s.Hold
}

// settling reports whether the all-clear of an item that is well again must
// wait. What left the list is not waited for: it will not be seen again.
func (s *Set) settling(now time.Time, slot *Slot, listed bool) bool {
	return s.HoldUp > 0 && listed && (slot.Well.IsZero() || now.Before(slot.Well))
}

// settles reports whether nothing but time keeps the all-clear from being told.
func (slot *Slot) settles() bool { return !slot.Well.IsZero() && slot.Due.Equal(slot.Well) }

// resume makes an open alert look anew, at once, at when it is repeated, and to
// whom: also where the clock was set back behind all that is stored of it.
func (slot *Slot) resume() { slot.Due = time.Unix(0, 0).UTC() }

// rise raises an alert, unless something keeps it from being told: the host is
// in transition, its cause tells of it, it is silenced, or a digest does.
func (s *Set) rise(q question, out []Decision) []Decision {
	slot := q.slot()
	out, waits := q.passes(out)
	if !waits {
		out, waits = s.explained(q, out)
	}
	if waits {
		slot.Digest = ""
		return out
	}
	if h := s.hushed(q.now, q.st, *q.snap, q.rule); h.id != "" {
		slot.Phase, slot.Digest = Held, ""
		return slot.keep(h, q.rule, out)
	}
	if id, sinks := s.joins(q.now, q.st, *q.snap, q.rule); id != "" {
		slot.Phase, slot.Due, slot.Silence, slot.Digest, slot.Raised = Held, time.Time{}, "", id, q.now
		return append(out, Decision{Rule: q.rule, Outcome: Gathered, Why: words.OneOfMany.With(id), Sinks: sinks})
	}
	return s.raise(q, out)
}

// raise opens a new alert. Its id is computed from the event that began the
// trouble and from the slot's last alert: the same after a replay, and new
// even where one observation becomes a loss twice, as when facts toggle.
func (s *Set) raise(q question, out []Decision) []Decision {
	slot := q.slot()
	id := event.AlertID(q.st.Key, q.rule, slot.First+"/"+slot.ID)
	slot.Phase, slot.ID, slot.Turn, slot.Started, slot.Seq, slot.Left, slot.State = Firing, id, slot.Turn+1, slot.Since, 0, 0, ""
	slot.Sinks, slot.Round, slot.Silence, slot.Ack, slot.Cause = nil, nil, "", nil, ""
	joined := slot.Raised
	if slot.Through, slot.Raised = nil, q.now; slot.Digest != "" && q.snap.Gathered != nil {
		slot.Through = q.snap.Gathered.through(joined)
	}
	slot.Severity, slot.Rated = "", time.Time{}
	out = s.tell(q, event.Raised, q.snap.Verdict.Reason, out)
	if d := &out[len(out)-1]; q.rule == FlapRule && q.st.Flap != nil {
		d.Why = words.ChangedTimes.With(len(q.st.Flap.Flips), s.Flap.Window)
	}
	return out
}

// tell records one transition in the slot and appends the alert.
func (s *Set) tell(q question, t event.Transition, why event.Said, out []Decision) []Decision {
	now, st, slot := q.now, q.st, q.slot()
	slot.count()
	slot.Transition, slot.At, slot.Previous, slot.Withdrawn = t, now, slot.State, nil
	if q.sees() {
		slot.State = q.state()
	}
	to, before := slot.Sinks, slot.Sinks
	if t.Firing() {
		sub := q.subject()
		if t == event.Repeated {
			sub = q.st.asTold(q.rule)
		}
		if slot.Severity != "" && sub.Severity.Rank() > slot.Severity.Rank() {
			slot.Rated = now
		}
		if slot.Severity = sub.Severity; q.sees() && t != event.Repeated {
			slot.Impact = impact(st, *q.snap, q.rule)
		}
		all := s.audience(slot, s.targets(now, sub, q.snap.Sinks, slot))
		h := s.hushed(now, st, *q.snap, q.rule)
		if h.id != "" {
			all = all[:len(slot.Sinks)] // nobody new hears of it while it is silenced
		}
		sinks := names(all)
		if to = sinks; t == event.Repeated {
			to = slot.pick(now, all)
		}
		if t == event.Raised {
			slot.Early = len(all)
		}
		slot.plan(now, all, to) // before they are its sinks: who is new was not told
		slot.Sinks = sinks
		slot.Due = s.wake(now, slot, all, sub)
		if slot.Silence = h.id; h.id != "" {
			slot.Due = h.until
		}
	} else {
		slot.Round, slot.Through = nil, nil
	}
	slot.spoke(*q.snap)
	a := s.Alert(st, *q.snap, q.rule)
	d := Decision{Rule: q.rule, Outcome: Outcome(t), Why: why, Alert: a, Sinks: to}
	if t != event.Raised {
		if d.Late = late(to, before); d.Late != nil {
			f := s.first(*a, *q.snap)
			d.First = &f
		}
	}
	return append(out, d)
}

// lost is the state that the item was last seen in, if it cannot be seen now.
func (s *Status) lost() event.State {
	if s.lostUnseen() {
		return s.Known
	}
	return s.Seen.State
}

// lostUnseen reports whether the item was lost when it was seen last, and cannot
// be seen now.
func (s *Status) lostUnseen() bool { return s.Seen.State == event.Unknown && s.Known.Lost() }

// subject is the rule's trouble with the item: as it was told, where nothing
// can be said of how it stands now.
func (q question) subject() Subject {
	sub := subject(q.st, *q.snap, q.rule)
	if slot := q.slot(); !q.sees() && slot.Phase == Firing {
		sub.Severity = slot.Severity
	}
	return sub
}

// asTold is the rule's trouble as it was told last: a repetition goes to some,
// so it must not say what the others have not heard.
func (s *Status) asTold(rule string) Subject {
	return Subject{Key: s.Key, Rule: rule, Severity: s.slot(rule).Severity}
}

func names(ts []target) []string {
	var out []string
	for _, t := range ts {
		out = append(out, t.sink)
	}
	return out
}

// impact is what the loss takes away from the host.
func impact(st *Status, snap Snapshot, name string) event.Impact {
	if name == Unseen || snap.Row == nil {
		return event.VisibilityLost
	}
	if name == FlapRule && st.Flap != nil {
		return st.Flap.impact(snap)
	}
	lost := st.lost()
	if slot := st.slot(Loss); slot.Phase == Firing && slot.Impact != "" && !lost.Lost() {
		return slot.Impact // as it was told
	}
	return snap.Row.ImpactIn(snap.sight(), lost)
}

// Impact is what the rule's trouble takes away from the host.
func Impact(st *Status, snap Snapshot, rule string) event.Impact { return impact(st, snap, rule) }

// SeverityOf follows from the impact alone.
func SeverityOf(i event.Impact) event.Severity {
	switch i {
	case event.ProtectionLost:
		return event.Critical
	case event.NoticeLost, event.Noted:
		return event.Info
	}
	return event.Warning
}

// Alert writes the slot's last transition as the sinks are told it.
func (s *Set) Alert(st *Status, snap Snapshot, name string) *event.Alert {
	slot := st.slot(name)
	os, _ := snap.Facts.Get(event.OS)
	version, _ := snap.Facts.Get(event.AgentVersion)
	id, _ := snap.Facts.Get(event.HostID)
	a := &event.Alert{
		ID: slot.ID, Seq: slot.Seq, Turn: slot.Turn, Transition: slot.Transition, Rule: name, Key: st.Key, Class: st.Key.Kind.Class(), Techniques: st.Key.Techniques(),
		State: slot.State, Previous: slot.Previous, Severity: slot.Severity, Impact: slot.Impact,
		Found: st.Seen.Found, Want: st.Seen.Want, Language: s.Language, DetailStatements: st.Seen.Detail,
		OS: os.Value, AgentVersion: version.Value, HostID: id.Value, Observer: st.Observer,
		StartedAt: slot.Started, At: slot.At, Ack: slot.Ack, Withdrawn: slot.Withdrawn,
	}
	if slot.Spoke != nil {
		a.Affected, a.AffectedCount = slot.Spoke.Affected, slot.Spoke.Count
	}
	if slot.Transition == event.Cleared {
		a.EndedAt = slot.At
	} else if name == Loss && st.lostUnseen() {
		a.DetailStatements = words.LastSeen.With().And(a.DetailStatements).Clip(event.MaxDetail)
	}
	if st.Gone { // what the list says of it does not count any more
		snap.Verdict.Expected = catalog.No
	}
	s.write(a, snap)
	return a
}
