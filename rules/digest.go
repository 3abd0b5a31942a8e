package rules

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Digest is one alert that stands for many of one rule and one audience. Its
// record comes before those of its members, and who the members are is in
// theirs: so whatever a crash left undone, nobody's trouble is without a
// digest that knows of it.
type Digest struct {
	Key    event.Key `json:"key"`
	Rule   string    `json:"rule"`          // of the members
	For    string    `json:"for,omitempty"` // the sink that came when they were open already; empty: they rose together
	Slot   Slot      `json:"slot"`
	Total  int       `json:"total,omitempty"` // how many alerts it has stood for
	Told   int       `json:"told,omitempty"`  // how many it stood for when it was told last
	Last   time.Time `json:"last,omitzero"`   // when that was
	Joined time.Time `json:"joined,omitzero"` // when the last one joined
	// Joining are the ids of those alerts in Total whose own records are
	// stored after this one. What a crash kept from being stored joins again,
	// and must not count twice.
	Joining []string `json:"joining,omitempty"`
	Trail   Trail    `json:"trail,omitempty"`

	News  bool      `json:"-"` // something that has not been told
	Risen bool      `json:"-"` // a member may be more severe than the digest was told as
	Stuck time.Time `json:"-"` // members could not be released before this: nothing is known about them
	Ask   time.Time `json:"-"` // some members are silenced; whether they still are is asked again then
	Mute  bool      `json:"-"` // all are
}

// Members are those for whom a digest speaks, as they are now: those that no
// silence or window keeps quiet.
type Members struct {
	Count    int
	Silenced int       // the others
	Until    time.Time // when the first of them may not be any more; zero: not known
	Each     iter.Seq2[*Status, Snapshot]
	// Explained returns what their alerts explain; nobody else tells of it.
	Explained func() []event.Affected
	Observer  string // who tells of them: this dswatch
}

// Encode returns d as JSON.
func (d *Digest) Encode() ([]byte, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode digest %s: %w", d.Key, err)
	}
	return b, nil
}

// DecodeDigest reads what Encode wrote and refuses what cannot be acted on.
func DecodeDigest(b []byte) (*Digest, error) {
	d := &Digest{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("decode digest: %w", err)
	}
	if err := d.Key.Validate(); err != nil {
		return nil, fmt.Errorf("decode digest: %w", err)
	}
	switch p := d.Slot.Phase; {
	case !slices.Contains([]Phase{Quiet, Held, Firing, Settled}, p):
		return nil, fmt.Errorf("decode digest %s: phase %q is none of ours", d.Key, p)
	case d.Slot.ID == "":
		return nil, fmt.Errorf("decode digest %s: no id", d.Key)
	case (p == Firing || p == Settled) && d.Slot.Seq < 1:
		return nil, fmt.Errorf("decode digest %s: phase %s without an alert", d.Key, p)
	case d.Rule == "":
		return nil, fmt.Errorf("decode digest %s: no rule", d.Key)
	}
	return d, nil
}

// Open reports whether the digest speaks for somebody, or is about to.
func (d *Digest) Open() bool { return d.Slot.Phase == Held || d.Slot.Phase == Firing }

// Begin opens a digest that is not open, for another alert of the same group.
func (d *Digest) Begin(now time.Time, id string, sinks []string) {
	if d.Slot.ID == id { // its end was stored, that of a member was not
		id = event.AlertID(d.Key, event.RuleStorm, "again/"+id)
	}
	d.Total, d.Told, d.Joined, d.Last, d.Joining = 0, 0, now, now, nil
	d.Slot = Slot{Phase: Held, Since: now, Due: now.Add(gathering), ID: id, Turn: d.Slot.Turn + 1, Sinks: sinks, Severity: event.Warning, Impact: event.VisibilityLost}
}

// Bound moves what lies further away than the settings allow.
func (d *Digest) Bound(now time.Time, set StormSettings) {
	if d.Joined.After(now) {
		d.Joined = now
	}
	if d.Last.After(now) {
		d.Last = now
	}
	if latest := now.Add(max(set.Every, gathering)); d.Slot.Due.After(latest) {
		d.Slot.Due = latest
	}
}

// Resumed brings a stored digest into step with its members. Sinks that are
// fresh hear of it at once.
func (s *Set) Resumed(now time.Time, d *Digest, m Members, fresh []string) {
	d.Total = max(d.Total, m.Count+m.Silenced)
	d.News = d.Slot.Phase == Firing && (m.Count+m.Silenced < d.Told || d.changed(m))
	d.ask(now, m)
	d.Slot.boundRound(now)
	if d.Slot.Phase != Firing || m.Count == 0 {
		return
	}
	// Who is told, and how often, may have been changed meanwhile.
	all := s.hearers(now, d, m)
	if d.Slot.Due = s.digestWake(now, d, m, all); d.Slot.concerns(now, all, fresh, s.timed()) {
		d.Slot.Due = now
	}
}

// changed reports whether a member is in another state than when the digest was
// told last.
func (d *Digest) changed(m Members) bool {
	for st := range m.Each {
		at, news := st.Changed, true
		if d.For != "" {
			at, news = st.slot(d.Rule).At, st.slot(d.Rule).Transition == event.Changed
		}
		if news && at.After(d.Last) {
			return true
		}
	}
	return false
}

// AskNow asks at once whether members that were silenced still are.
func (d *Digest) AskNow(now time.Time) {
	if !d.Ask.IsZero() {
		d.Ask = now
	}
}

// ask notes whether members are silenced. Of those that are not any more, and
// were not told, the digest has to tell.
func (d *Digest) ask(now time.Time, m Members) {
	d.Ask, d.Mute = time.Time{}, m.Count == 0 && m.Silenced > 0
	if m.Silenced > 0 {
		if d.Ask = m.Until; !d.Ask.After(now) {
			d.Ask = now.Add(blindly)
		}
	}
	d.News = d.News || d.Slot.Phase == Firing && m.Count > d.Told
}

// Shift moves every deadline by step.
func (d *Digest) Shift(now time.Time, step time.Duration) {
	d.Slot.shift(now, step)
	d.Joined, d.Last, d.Stuck = d.Joined.Add(step), d.Last.Add(step), d.Stuck.Add(step)
}

// Due returns when a digest of so many members has something to tell; zero:
// never, unless something happens.
func (d *Digest) Due(set StormSettings, members int) time.Time {
	due := d.Slot.Due
	if d.Slot.Phase == Firing && members == 0 {
		return earlier(due, d.Joined.Add(set.Window))
	}
	if d.Slot.Phase == Firing && d.News {
		due = earlier(due, d.Last.Add(set.Every))
	}
	if d.Slot.Phase == Firing && d.Risen {
		due = earlier(due, d.Last) // at once
	}
	switch {
	case members == 0:
	case d.Mute:
		due = d.Ask
	default:
		due = earlier(due, d.Ask)
	}
	if d.Slot.Phase == Firing && members <= d.leftovers(set) {
		release := d.Joined.Add(set.Settle)
		if release.Before(d.Stuck) {
			release = d.Stuck
		}
		due = earlier(due, release)
	}
	return due
}

// Releases reports whether the members become alerts of their own now,
// because their storm is over.
func (d *Digest) Releases(now time.Time, set StormSettings, members int) bool {
	return d.Slot.Phase == Firing && members > 0 && members <= d.leftovers(set) &&
		!now.Before(d.Joined.Add(set.Settle)) && !now.Before(d.Stuck)
}

// Kept notes that some members could not be released now.
func (d *Digest) Kept(now time.Time) { d.Stuck = now.Add(blindly) }

func (d *Digest) leftovers(set StormSettings) int {
	if d.For != "" {
		return set.Few()
	}
	return set.leftovers()
}

// leftovers is how many members of a digest may become alerts of their own.
func (s StormSettings) leftovers() int {
	if s.Alerts == 0 {
		return mostSingle // switched off while a digest was open; the default of the documentation
	}
	return s.Alerts
}

// Advance moves a digest to its next transition, if there is one, and reports
// whether anything of it has changed.
func (s *Set) Advance(now time.Time, d *Digest, m Members) (decisions []Decision, changed bool) {
	slot := &d.Slot
	d.Risen = false
	switch d.ask(now, m); {
	case d.Mute:
		return nil, false
	case slot.Phase == Held && m.Count == 0:
		slot.Phase, slot.Due = Quiet, time.Time{} // over before anybody was told
		return nil, true
	case slot.Phase == Held && !now.Before(slot.Due):
		return s.tellDigest(now, d, m, event.Raised), true
	case slot.Phase != Firing:
	case m.Count == 0 && !now.Before(d.Joined.Add(s.Storm.Window)):
		return s.tellDigest(now, d, m, event.Cleared), true
	case m.Count > 0 && (d.rises(m) || d.News && !now.Before(d.Last.Add(s.Storm.Every))):
		return s.tellDigest(now, d, m, event.Changed), true
	case !slot.Due.IsZero() && !now.Before(slot.Due):
		all := s.hearers(now, d, m)
		if m.Count > 0 && len(slot.pick(now, all)) > 0 {
			return s.tellDigest(now, d, m, event.Repeated), true
		}
		slot.Due = s.digestWake(now, d, m, all)
	}
	return nil, false
}

// AcknowledgeDigest notes that somebody looks after all that an open digest
// stands for. The same words of the same person again change nothing.
func (s *Set) AcknowledgeDigest(now time.Time, d *Digest, m Members, ack event.Ack) []Decision {
	if repeats(d.Slot.Ack, ack) {
		return nil
	}
	d.Slot.Ack = &ack
	return s.tellDigest(now, d, m, event.Acknowledged)
}

// WithdrawDigest takes that back.
func (s *Set) WithdrawDigest(now time.Time, d *Digest, m Members, by event.Ack) []Decision {
	d.Slot.Ack, d.Slot.Withdrawn = nil, &by
	return s.tellDigest(now, d, m, event.Unacknowledged)
}

// tellDigest records one transition.
func (s *Set) tellDigest(now time.Time, d *Digest, m Members, t event.Transition) []Decision {
	slot := &d.Slot
	slot.count()
	slot.Transition, slot.At, slot.Previous = t, now, slot.State
	if t != event.Unacknowledged {
		slot.Withdrawn = nil
	}
	why := words.StandsFor.With(m.Count)
	to, before := slot.Sinks, slot.Sinks
	switch t {
	case event.Cleared:
		slot.Phase, slot.State, slot.Due, slot.Round = Settled, event.Up, time.Time{}, nil
	case event.Acknowledged, event.Unacknowledged:
		why = slot.keeper()
		all := s.audience(slot, nil)
		slot.plan(now, all, to)
		if slot.Due = s.digestWake(now, d, m, all); t == event.Unacknowledged {
			slot.resume() // an escalation may be overdue
		}
	default:
		if t == event.Raised {
			slot.Phase, slot.Started, slot.Raised, slot.Sinks = Firing, slot.Since, now, nil // the routes may be others now
		}
		slot.State, slot.Severity, slot.Impact = d.worst(m)
		all := s.hearers(now, d, m)
		to = names(all)
		if t == event.Repeated {
			to = slot.pick(now, all)
		}
		if t == event.Raised {
			slot.Early = len(all)
		}
		slot.plan(now, all, to)
		slot.Sinks = names(all)
		slot.Due = s.digestWake(now, d, m, all)
	}
	d.Told, d.Last, d.News = m.Count, now, false
	a := s.DigestAlert(d, m)
	said := Decision{Rule: event.RuleStorm, Outcome: Outcome(t), Why: why, Alert: &a, Sinks: to}
	if t != event.Raised {
		if said.Late = late(to, before); said.Late != nil {
			f := s.first(a, Snapshot{})
			f.Replay = d.For != ""
			said.First = &f
		}
	}
	out := []Decision{said}
	d.Trail = d.Trail.Add(now, slot.State, out)
	return out
}

// hearers is everybody who hears of the digest from now on: who was told, and
// who would be told of its members if they were told one by one. One for a sink
// that came is for that sink alone.
func (s *Set) hearers(now time.Time, d *Digest, m Members) []target {
	var routed []target
	for st, snap := range m.Each {
		for _, t := range s.targets(now, subject(st, snap, d.Rule), snap.Sinks, d.asMember(st)) {
			if (d.For == "" || d.For == t.sink) && !slices.ContainsFunc(routed, func(r target) bool { return r.sink == t.sink }) {
				routed = append(routed, t)
			}
		}
	}
	slices.SortFunc(routed, func(a, b target) int { return strings.Compare(a.sink, b.sink) })
	return s.audience(&d.Slot, routed)
}

// digestWake is when the digest is told again, or somebody else hears of it.
func (s *Set) digestWake(now time.Time, d *Digest, m Members, all []target) time.Time {
	due := s.wake(now, &d.Slot, all, Subject{})
	if !s.timed() {
		return due
	}
	for st, snap := range m.Each {
		due = earlier(due, s.turns(now, &d.Slot, subject(st, snap, d.Rule)))
	}
	if !due.IsZero() && !due.After(now) {
		due = now.Add(blindly)
	}
	return due
}

// rises reports whether a member is more severe than all were when they were
// told last.
func (d *Digest) rises(m Members) bool {
	_, severity, _ := d.worst(m)
	return severity.Rank() > d.Slot.Severity.Rank()
}

// worst is what a digest says of its members as a whole.
func (d *Digest) worst(m Members) (state event.State, severity event.Severity, lost event.Impact) {
	impacts := event.Impacts()
	worst := len(impacts)
	for st, snap := range m.Each {
		if s := d.stateOf(st); state == "" || s == event.Down || s == event.Degraded && state != event.Down {
			state = s
		}
		i := impact(st, snap, d.Rule)
		if n := slices.Index(impacts, i); n >= 0 {
			worst = min(worst, n)
		}
		if s := SeverityOf(i); s.Rank() > severity.Rank() {
			severity = s
		}
	}
	return state, severity, impacts[min(worst, len(impacts)-1)]
}

// DigestAlert writes the digest's last transition as the sinks are told it.
func (s *Set) DigestAlert(d *Digest, m Members) event.Alert {
	slot := &d.Slot
	a := event.Alert{
		ID: slot.ID, Seq: slot.Seq, Turn: slot.Turn, Transition: slot.Transition, Rule: event.RuleStorm, Key: d.Key,
		State: slot.State, Previous: slot.Previous, Severity: slot.Severity, Impact: slot.Impact,
		Language: s.Language, Observer: m.Observer, StartedAt: slot.Started, At: slot.At, Ack: slot.Ack, Withdrawn: slot.Withdrawn, AffectedCount: m.Count,
		Replay: d.For != "" && slot.Transition == event.Raised,
	}
	if slot.Transition == event.Cleared {
		a.EndedAt, a.AffectedCount = slot.At, 0
		s.writeStorm(&a, nil, d.Total, event.Said{})
		return a
	}
	members := make([]symptom, 0, m.Count)
	statuses := make(map[event.Key]*Status, m.Count)
	for st, snap := range m.Each {
		members = append(members, symptom{st.Key, d.Rule, d.stateOf(st), SeverityOf(impact(st, snap, d.Rule)), st.slot(d.Rule).Since})
		statuses[st.Key] = st
	}
	for _, x := range affected(members) {
		a.Affected = append(a.Affected, event.Affected{Key: x.key, State: x.state, Severity: x.severity, Since: x.since, AlertID: statuses[x.key].AlertID(d.Rule)})
	}
	var explained []symptom
	for _, x := range m.Explained() {
		explained = append(explained, symptom{x.Key, d.Rule, x.State, x.Severity, x.Since})
	}
	a.AffectedCount += len(explained)
	if len(a.Affected) == len(members) {
		size := 0
		for _, x := range a.Affected {
			size += sizeOf(x.Key)
		}
		for _, x := range affected(explained) {
			if size += sizeOf(x.key); len(a.Affected) == event.MaxAffected || size > event.MaxEvent/2 {
				break
			}
			a.Affected = append(a.Affected, event.Affected{Key: x.key, State: x.state, Severity: x.severity, Since: x.since})
		}
	}
	why := words.DigestWhy.With()
	if d.For != "" {
		why = words.DigestOpen.With()
	}
	s.writeStorm(&a, members, d.Total-m.Silenced, why)
	if n := len(explained); n > 0 {
		a.TextStatements = a.TextStatements.And(words.TheyExplain.With(n))
		words.In(s.Language, s.Zone).Tell(&a)
	}
	return a
}
