package rules

import (
	"fmt"
	"slices"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/setting"
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
		return setting.Bad("hold", "%s is negative; write 0s or more, such as 20s", s.Hold)
	case s.Patience < 0:
		return setting.Bad("patience", "%s is negative; write 0s or more, such as 5m", s.Patience)
	case s.HoldUp < 0:
		return setting.Bad("hold_up", "%s is negative; write 0s or more, such as 30s", s.HoldUp)
	case s.Transition < 0:
		return setting.Bad("transition", "%s is negative; write 0s for never, or a time such as 5m", s.Transition)
	case s.Silent != 0 && s.Silent < leastSilent:
		return setting.Bad("silent", "%s is too short: hosts report every 5m; write 0s for never, or %s or more", s.Silent, leastSilent)
	case s.Repeat != 0 && s.Repeat < time.Minute:
		return setting.Bad("repeat", "%s would flood the sinks; write 0s for never, or 1m or more", s.Repeat)
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
	Language string // en or ja: of Title, Text and Reason
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
}

// noLonger begins the reason of a resolve that facts brought about.
const noLonger = "no longer expected: "

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
	Why     string       // English; which rule or footnote
	WhyJA   string       // the same in Japanese, where Why quotes what has both
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

// first returns the transition as it is told to a sink that has heard nothing
// of the alert: it is raised there. The number, and so the delivery's id, is
// that of the others, because all transitions of an alert have one count.
func (s *Set) first(a event.Alert, snap Snapshot) event.Alert {
	a.Transition, a.Previous = event.Raised, ""
	if a.Rule != event.RuleStorm { // which says the same in both
		s.write(&a, snap)
	}
	return a
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
		st.Key, st.Seen, st.Event, st.Observer = e.Key(), e.Observation, e.ID, e.Observer
		st.Gone = e.Reason == event.Gone
	}
	if st.Event == "" {
		return st, nil
	}
	expected := catalog.No
	if snap.Row != nil && !st.Gone {
		expected = snap.Verdict.Expected
	}
	var out []Decision
	if s.Flap.Changes > 0 || st.Flap != nil {
		out = s.flap(now, &st, snap, turn{prev: &prev, fresh: e.ID != "" && !snap.Transit.Lasts(now), expected: expected}, out)
	}
	if st.Flapping() {
		out = st.freeze(out)
	} else {
		out = s.step(now, &st, snap, Loss, lossSign(st.Seen.State, expected), out)
	}
	out = s.step(now, &st, snap, Unseen, unseenSign(st.Seen, expected), out)
	return st, out
}

// sign is what an observation says to a rule.
type sign int

const (
	good  sign = iota // not the rule's trouble
	bad               // the rule's trouble
	blind             // says nothing: an open alert stays, a held one is dropped
)

func lossSign(state event.State, expected catalog.Tri) sign {
	switch {
	case expected == catalog.No, state == event.Up:
		return good
	case expected == catalog.Yes && state.Lost():
		return bad
	}
	return blind
}

func unseenSign(seen event.Observation, expected catalog.Tri) sign {
	switch {
	case expected == catalog.No, seen.State != event.Unknown:
		return good
	case expected == catalog.Yes && seen.Behind == event.Key{}:
		return bad
	}
	return blind
}

// step moves one rule's slot and appends what was decided to out. Before the
// slot is changed, here or in what step calls, it is made the status's own.
func (s *Set) step(now time.Time, st *Status, snap Snapshot, name string, sg sign, out []Decision) []Decision {
	slot := st.slot(name)
	switch slot.Phase {
	case Quiet, Settled:
		if sg != bad {
			return out
		}
		slot = st.own(name)
		slot.Since, slot.First, slot.Digest = st.Seen.At, st.Event, ""
		if wait := s.wait(name); wait > 0 && st.Key.Kind != event.Host {
			slot.Phase, slot.Due = Held, now.Add(wait)
			return append(out, Decision{Rule: name, Outcome: Holding, Why: "waits " + wait.String() + " before anybody is told"})
		}
		return s.rise(now, st, snap, name, out)

	case Held:
		switch {
		case slot.Digest != "" && (sg == blind || sg == bad && !snap.Single):
			return out // its digest speaks for it
		case sg == blind && (slot.Silence != "" || slot.Cause != ""):
			// As with an open alert, being blind does not end it.
			if !slot.Due.IsZero() {
				st.own(name).Due = time.Time{}
			}
			return out
		case sg != bad:
			// An alert told earlier stays on record for reconciliation.
			st.drop(name)
			return append(out, Decision{Rule: name, Outcome: Recovered, Why: "over before anybody was told"})
		case slot.Silence == "" && slot.Cause == "" && now.Before(slot.Due):
			return out
		}
		st.own(name)
		return s.rise(now, st, snap, name, out)
	}

	// Firing.
	if sg != good && !slot.Well.IsZero() {
		slot = st.own(name)
		slot.Well = time.Time{} // not well after all
		slot.resume()
	}
	switch {
	case sg == good && s.settling(now, slot, name != FlapRule && !st.Gone && snap.Row != nil && snap.Verdict.Expected != catalog.No):
		if !slot.Well.IsZero() && slot.Due.Equal(slot.Well) {
			return out
		}
		if slot = st.own(name); slot.Well.IsZero() {
			slot.Well = now.Add(s.HoldUp)
		}
		slot.Due = slot.Well
		return append(out, Decision{Rule: name, Outcome: Settling, Why: "well again; waits " + s.HoldUp.String() + " before the all-clear"})
	case sg == good:
		why := "observed " + string(st.Seen.State)
		switch {
		case st.Gone:
			why = st.Seen.Detail
		case snap.Row == nil:
			why = "the row is no longer on the list"
		case snap.Verdict.Expected == catalog.No:
			why = noLonger + snap.Verdict.Reason
		}
		slot = st.own(name)
		slot.Phase, slot.Due, slot.Well, slot.Silence = Settled, time.Time{}, time.Time{}, ""
		out = s.tell(now, st, snap, name, event.Cleared, why, out)
		if why == noLonger+snap.Verdict.Reason {
			out[len(out)-1].WhyJA = "稼働すべきではなくなった: " + snap.Verdict.ReasonJA
		}
		return out
	case sg == bad && name != FlapRule && st.Seen.State != slot.State, sg == bad && name == Loss && !snap.unsure() && impact(st, snap, name) != slot.Impact:
		if h := s.hushed(now, st, snap, name); h.id != "" {
			return st.hush(h, name, out) // what is left of the change is told at the end of the silence
		}
		why := "what it means has changed with what else is known of the host"
		if st.Seen.State != slot.State {
			why = "was " + string(slot.State) + ", is " + string(st.Seen.State)
		}
		st.own(name)
		return s.tell(now, st, snap, name, event.Changed, why, out)
	case slot.Silence != "" || !slot.Due.IsZero() && !now.Before(slot.Due):
		return s.again(now, st, snap, name, sg, out)
	}
	return out
}

// again repeats an open alert to those whose time has come.
func (s *Set) again(now time.Time, st *Status, snap Snapshot, name string, sg sign, out []Decision) []Decision {
	if h := s.hushed(now, st, snap, name); h.id != "" {
		return st.hush(h, name, out)
	}
	slot := st.own(name)
	slot.Silence = ""
	sub := subject(st, snap, name)
	all := s.audience(slot, s.targets(now, sub, snap.Sinks, slot))
	if sg == bad && len(slot.pick(now, all)) > 0 {
		return s.tell(now, st, snap, name, event.Repeated, "still "+string(st.Seen.State)+" since "+slot.Started.UTC().Format(time.RFC3339), out)
	}
	// Where nothing is known, nothing is repeated; it asks again later.
	slot.Due = s.wake(now, slot, all, sub)
	return out
}

// subject is the rule's trouble with the item as it stands now.
func subject(st *Status, snap Snapshot, name string) Subject {
	return Subject{Key: st.Key, Rule: name, Severity: SeverityOf(impact(st, snap, name))}
}

// routed is who the routes name for the rule's alert as it stands now.
func (s *Set) routed(now time.Time, st *Status, snap Snapshot, name string) []target {
	return s.targets(now, subject(st, snap, name), snap.Sinks, st.slot(name))
}

// shortest is the shortest interval at which any of them is told again; 0:
// nobody ever.
func shortest(ts []target) (least time.Duration) {
	for _, t := range ts {
		if t.repeat > 0 && (least == 0 || t.repeat < least) {
			least = t.repeat
		}
	}
	return least
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

// resume makes an open alert look anew at when it is repeated, and to whom.
func (slot *Slot) resume() { slot.Due = slot.At }

// rise raises an alert, or notes that its cause explains it or that a silence
// keeps it from being told.
func (s *Set) rise(now time.Time, st *Status, snap Snapshot, name string, out []Decision) []Decision {
	out, waits := st.slot(name).passes(now, snap.Transit, name, out)
	if waits {
		st.slot(name).Digest = ""
		return out
	}
	out, waits = s.explained(now, st, snap, name, out)
	if waits {
		st.slot(name).Digest = ""
		return out
	}
	if h := s.hushed(now, st, snap, name); h.id != "" {
		slot := st.slot(name)
		slot.Phase, slot.Digest = Held, ""
		return slot.keep(h, name, out)
	}
	if id, sinks := s.joins(now, st, snap, name); id != "" {
		slot := st.slot(name)
		slot.Phase, slot.Due, slot.Silence, slot.Digest, slot.Raised = Held, time.Time{}, "", id, now
		return append(out, Decision{Rule: name, Outcome: Gathered, Why: "one of many at once; digest " + id, Sinks: sinks})
	}
	return s.raise(now, st, snap, name, out)
}

// raise opens a new alert. Its id is computed from the event that began the
// trouble and from the slot's last alert: the same after a replay, and new
// even where one observation becomes a loss twice, as when facts toggle.
func (s *Set) raise(now time.Time, st *Status, snap Snapshot, name string, out []Decision) []Decision {
	slot := st.slot(name)
	id := event.AlertID(st.Key, name, slot.First+"/"+slot.ID)
	slot.Phase, slot.ID, slot.Turn, slot.Started, slot.Seq, slot.State = Firing, id, slot.Turn+1, slot.Since, 0, ""
	slot.Sinks, slot.Round, slot.Silence, slot.Ack, slot.Cause, slot.Raised = nil, nil, "", nil, "", now
	out = s.tell(now, st, snap, name, event.Raised, snap.Verdict.Reason, out)
	if d := &out[len(out)-1]; name == FlapRule && st.Flap != nil {
		d.Why = fmt.Sprintf("changed %d times within %s", len(st.Flap.Flips), s.Flap.Window)
	} else {
		d.WhyJA = snap.Verdict.ReasonJA
	}
	return out
}

// tell records one transition in the slot and appends the alert.
func (s *Set) tell(now time.Time, st *Status, snap Snapshot, name string, t event.Transition, why string, out []Decision) []Decision {
	slot := st.slot(name)
	slot.Seq++
	slot.Transition, slot.At, slot.Previous, slot.Withdrawn = t, now, slot.State, nil
	slot.State = st.Seen.State
	to, before := slot.Sinks, slot.Sinks
	if t.Firing() {
		slot.Impact = impact(st, snap, name)
		slot.Severity = SeverityOf(slot.Impact)
		all := s.audience(slot, s.routed(now, st, snap, name))
		h := s.hushed(now, st, snap, name)
		if h.id != "" {
			all = all[:len(slot.Sinks)] // nobody new hears of it while it is silenced
		}
		to = names(all)
		if t == event.Repeated {
			to = slot.pick(now, all)
		}
		slot.Sinks = names(all)
		if t == event.Raised {
			slot.Early = len(all)
		}
		slot.plan(now, all, to)
		slot.Due = s.wake(now, slot, all, subject(st, snap, name))
		if slot.Silence = h.id; h.id != "" {
			slot.Due = h.until
		}
	} else {
		slot.Round = nil
	}
	slot.spoke(snap)
	a := s.Alert(st, snap, name)
	d := Decision{Rule: name, Outcome: Outcome(t), Why: why, Alert: &a, Sinks: to}
	if t != event.Raised {
		if d.Late = late(to, before); d.Late != nil {
			f := s.first(a, snap)
			d.First = &f
		}
	}
	return append(out, d)
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
	state := st.Seen.State
	if name == FlapRule && st.Flap != nil {
		state = st.Flap.Worst
	}
	return snap.Row.ImpactIn(snap.sight(), state)
}

// SeverityOf follows from the impact alone.
func SeverityOf(i event.Impact) event.Severity {
	switch i {
	case event.ProtectionLost:
		return event.Critical
	case event.NoticeLost:
		return event.Info
	}
	return event.Warning
}

// Alert writes the slot's last transition as the sinks are told it.
func (s *Set) Alert(st *Status, snap Snapshot, name string) event.Alert {
	slot := st.slot(name)
	os, _ := snap.Facts.Get(event.OS)
	version, _ := snap.Facts.Get(event.AgentVersion)
	id, _ := snap.Facts.Get(event.HostID)
	a := event.Alert{
		ID: slot.ID, Seq: slot.Seq, Turn: slot.Turn, Transition: slot.Transition, Rule: name, Key: st.Key,
		State: slot.State, Previous: slot.Previous, Severity: slot.Severity, Impact: slot.Impact,
		Found: st.Seen.Found, Want: st.Seen.Want, Language: s.Language, Detail: st.Seen.Detail,
		OS: os.Value, AgentVersion: version.Value, HostID: id.Value, Observer: st.Observer,
		StartedAt: slot.Started, At: slot.At, Ack: slot.Ack, Withdrawn: slot.Withdrawn,
	}
	if slot.Spoke != nil {
		a.Affected, a.AffectedCount = slot.Spoke.Affected, slot.Spoke.Count
	}
	if slot.Transition == event.Cleared {
		a.EndedAt = slot.At
	}
	s.write(&a, snap)
	return a
}
