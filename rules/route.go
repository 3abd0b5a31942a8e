package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Route says who is told about some of the alerts.
type Route struct {
	Match       Matchers       `yaml:"match" doc:"Matchers that must all accept the alert, such as host=~\"web.*\"; fields host, component, kind, name, severity, rule, class; operators =, !=, =~, !~; default: every alert."`
	MinSeverity event.Severity `yaml:"min_severity" doc:"Least severity: info, warning or critical; default info."`
	Sinks       []string       `yaml:"sinks" doc:"Names of the sinks that are told."`
	Continue    bool           `yaml:"continue" doc:"Whether later routes are tried too; default false: the first route that matches is the last."`
	Repeat      *time.Duration `yaml:"repeat" doc:"How often an open alert is told again to these sinks; 0s: never; default rules.repeat."`
	Hours       []Hours        `yaml:"hours" doc:"When the route takes alerts; default always. What is still open when they begin is told then; who was told is always told the end."`
	Escalate    *Escalation    `yaml:"escalate" doc:"Who is told as well when an alert is still open and nobody has acknowledged it; default nobody."`

	shifts []shift // Hours, see At
}

// Validate refuses a route that tells nobody, and repetitions that flood.
func (r Route) Validate() error {
	switch {
	case len(r.Sinks) == 0:
		return words.Bad("sinks", words.RouteNobody.With())
	case r.MinSeverity != "" && r.MinSeverity.Rank() == 0:
		return words.Bad("min_severity", words.NotASeverity.With(words.Inner(string(r.MinSeverity)), closed("severity")))
	case r.Repeat != nil && *r.Repeat != 0 && *r.Repeat < time.Minute:
		return words.Bad("repeat", words.RepeatFloods.With(r.Repeat.String()))
	case r.Escalate != nil && len(r.Escalate.Sinks) > 0 && !slices.ContainsFunc(r.Escalate.Sinks, func(name string) bool { return !slices.Contains(r.Sinks, name) }):
		return words.Bad("escalate", words.EscalateSame.With())
	case !r.reach().possible():
		return words.Bad("match", words.NoSuchCombination.With())
	}
	return nil
}

// matches reports whether the route is for s.
func (r *Route) matches(s *Subject) bool {
	return s.Severity.Rank() >= r.MinSeverity.Rank() && r.Match.Match(s)
}

// reach is Match with the least severity written as matchers.
func (r *Route) reach() Matchers {
	out := slices.Clone(r.Match)
	for _, s := range event.Severities() {
		if s.Rank() < r.MinSeverity.Rank() {
			out = append(out, Matcher{field: "severity", op: "!=", value: string(s)})
		}
	}
	return out
}

// target is one sink with how often it is told about an open alert.
type target struct {
	sink   string
	repeat time.Duration // 0: never
	opens  time.Time     // was told before, and is not told again before this: its route's hours are over; zero: at any time
}

// targets returns who is told about sub at now: all of everyone where there
// are no routes, else the sinks of the routes that match, each with the
// settings of the first one that names it. slot is the open alert, or nil: whom
// a digest tells of it is not told by itself.
func (s *Set) targets(now time.Time, sub Subject, everyone []string, slot *Slot) []target {
	var out []target
	add := func(sinks []string, repeat time.Duration, opens time.Time) {
		for _, name := range sinks {
			if slot != nil {
				if _, spoken := slot.through(name); spoken {
					continue
				}
			}
			if !slices.ContainsFunc(out, func(t target) bool { return t.sink == name }) {
				out = append(out, target{name, repeat, opens})
			}
		}
	}
	if len(s.Routes) == 0 {
		add(everyone, s.Repeat, time.Time{})
		return out
	}
	var later, closed []*Route // that have more to say once all the sinks told at once are known
	for i := range s.Routes {
		r := &s.Routes[i]
		if !r.matches(&sub) {
			continue
		}
		if !r.open(now) {
			closed = append(closed, r)
			continue
		}
		add(r.Sinks, s.repeat(r), time.Time{})
		if r.Escalate != nil {
			later = append(later, r)
		}
		if !r.Continue {
			break
		}
	}
	for _, r := range later {
		add(r.escalated(now, slot, sub), 0, time.Time{})
	}
	for _, r := range closed {
		if slot != nil {
			add(slices.DeleteFunc(slices.Clone(r.Sinks), func(name string) bool { return !slices.Contains(slot.Sinks, name) }), s.repeat(r), r.turns(now))
			add(slices.DeleteFunc(r.escalated(now, slot, sub), func(name string) bool { return !slices.Contains(slot.Sinks, name) }), 0, time.Time{})
		}
	}
	return out
}

// Reaches reports whether a cause is told to everybody who would hear of its
// symptom if that were as severe: else it does not explain it to them.
func (s *Set) Reaches(cause, symptom Subject) bool {
	symptom.Severity = cause.Severity
	told := s.ever(cause)
	return !slices.ContainsFunc(s.ever(symptom), func(name string) bool { return !slices.Contains(told, name) })
}

// ever returns to whom the routes lead at one time or another.
func (s *Set) ever(sub Subject) (sinks []string) {
	for i := range s.Routes {
		if r := &s.Routes[i]; r.matches(&sub) {
			sinks = with(sinks, r.Sinks...)
			if !r.Continue && len(r.Hours) == 0 {
				break
			}
		}
	}
	return sinks
}

// repeat is how often the route's sinks are told again.
func (s *Set) repeat(r *Route) time.Duration {
	if r.Repeat != nil {
		return *r.Repeat
	}
	return s.Repeat
}

// Round is how the repetitions of one open alert stand: who was told when. When
// each is told again follows from what the routes say at that moment. It is
// replaced, not changed: a Status that was handed out stays as it was.
type Round struct {
	All  int      `json:"all"`            // seq of the last transition that every sink of the slot was told
	Last []string `json:"last,omitempty"` // who was told the last transition
	Next []Again  `json:"next,omitempty"` // of every sink that was told
}

// Again is when one sink was told of an alert, whether or not it could be
// reached then.
type Again struct {
	Sink  string    `json:"sink"`
	First time.Time `json:"first,omitzero"`
	At    time.Time `json:"at,omitzero"` // last
}

// heard returns when a sink was told; false: it never was, or nobody knows. What
// a version stored that did not note it counts from when the alert was told.
func (slot *Slot) heard(sink string) (a Again, known bool) {
	if slot.Round != nil {
		for _, a := range slot.Round.Next {
			if a.Sink == sink {
				if a.At.IsZero() {
					a.At = slot.At
				}
				if a.First.IsZero() {
					a.First = slot.Told()
				}
				return a, true
			}
		}
	}
	// Of an alert that a power loss took a part of, it is not known when.
	return Again{Sink: sink, First: slot.Told(), At: slot.At}, slot.Round == nil && slot.Phase == Firing && slot.Seq > 0 && slices.Contains(slot.Sinks, sink)
}

// next answers when a sink that was told is told again; zero: never.
func (slot *Slot) next(t target) (at time.Time) {
	a, has := slot.heard(t.sink)
	if !has || slot.Ack != nil || t.repeat == 0 {
		return time.Time{}
	}
	if at = a.At.Add(t.repeat); at.Before(t.opens) {
		return t.opens
	}
	return at
}

// pick returns the sinks among all that are to be told again at now: those
// that never heard of the alert, and while nobody looks after it, those whose
// time has come.
func (slot *Slot) pick(now time.Time, all []target) (sinks []string) {
	for _, t := range all {
		_, has := slot.heard(t.sink)
		at := slot.next(t)
		if !has && !now.Before(t.opens) || !at.IsZero() && !now.Before(at) {
			sinks = append(sinks, t.sink)
		}
	}
	return sinks
}

// audience is everybody who hears of a firing alert from now on: who was told
// before, and who is routed now. Nobody is told again and again whom no route
// names any more.
func (s *Set) audience(slot *Slot, routed []target) []target {
	if len(slot.Sinks) == 0 {
		return routed
	}
	out := make([]target, 0, len(slot.Sinks)+len(routed))
	for _, name := range slot.Sinks {
		i := slices.IndexFunc(routed, func(t target) bool { return t.sink == name })
		if i < 0 {
			out = append(out, target{sink: name})
		} else {
			out = append(out, routed[i])
		}
	}
	for _, t := range routed {
		if !slices.Contains(slot.Sinks, t.sink) {
			out = append(out, t)
		}
	}
	return out
}

// plan notes that `told`, of the audience, heard of the slot's last transition
// at now.
func (slot *Slot) plan(now time.Time, audience []target, told []string) {
	r := &Round{All: slot.Seq, Last: told}
	if len(told) < len(audience) && slot.Round != nil {
		r.All = slot.Round.All
	}
	for _, t := range audience {
		a, known := slot.heard(t.sink)
		if !known {
			a.First = now
		}
		a.First = earlier(a.First, slot.before(t.sink)) // a digest may have told it
		if !known || slices.Contains(told, t.sink) {
			a.At = now
		}
		r.Next = append(r.Next, a)
		slot.part(func(old Through) bool { return old.Sink == t.sink && old.Digest == "" })
	}
	slot.Round = r
}

// Bound moves deadlines that lie further away than the settings allow: the
// clock was set back, or a setting was shortened. Sinks that are fresh hear of
// an open alert at once. st has just been read, so that nobody shares its slots.
func (s *Set) Bound(now time.Time, st *Status, snap Snapshot, fresh []string) {
	if latest := now.Add(s.Flap.Settle); st.Flap != nil && st.Flap.Until.After(latest) {
		st.Flap.Until = latest
	}
	for _, name := range RuleNames() {
		slot := st.slot(name)
		if slot.Phase != Firing {
			due, look := now.Add(s.wait(name)), now.Add(lookMost)
			if !slot.Look.IsZero() && slot.Due.Equal(slot.Look) {
				due = look
			}
			if slot.Due.After(due) {
				slot.Due = due
			}
			if slot.Look.After(look) {
				slot.Look = look
			}
			continue
		}
		settles := slot.settles()
		if latest := now.Add(s.HoldUp); slot.Well.After(latest) {
			slot.Well = latest
		}
		if settles {
			slot.Due = slot.Well
			continue
		}
		slot.boundRound(now)
		if slot.Silence == "" {
			// Who is told, and how often, may have been changed meanwhile.
			sub := st.asTold(name)
			all := s.audience(slot, s.targets(now, sub, snap.Sinks, slot))
			if slot.Due = s.wake(now, slot, all, sub); slot.concerns(now, all, fresh, s.timed()) {
				slot.Due = now
			}
		}
	}
}

// concerns reports whether somebody is to be told of the open alert at once
// after a start: who is told again by now, and a fresh sink, unless somebody
// looks after the alert. Any other sink that never heard of it does so with the
// next telling, or an upgrade would tell every sink what an earlier version did
// not tell it; where time changes who is told, its time may have come.
func (slot *Slot) concerns(now time.Time, all []target, fresh []string, timed bool) bool {
	return slices.ContainsFunc(slot.pick(now, all), func(name string) bool {
		if slices.Contains(fresh, name) {
			return slot.Ack == nil
		}
		_, has := slot.heard(name)
		return has || timed
	})
}

// boundRound takes what somebody was told to have been told by now.
func (slot *Slot) boundRound(now time.Time) {
	slot.Through = slices.Clone(slot.Through)
	for i := range slot.Through {
		if at := &slot.Through[i].At; at.After(now) {
			*at = now
		}
	}
	if slot.Round == nil {
		return
	}
	r := *slot.Round
	r.Next = slices.Clone(r.Next)
	for i := range r.Next {
		for _, at := range [...]*time.Time{&r.Next[i].First, &r.Next[i].At} {
			if at.After(now) {
				*at = now
			}
		}
	}
	slot.Round = &r
}

// Routing names who hears of what, time apart: it is another one once a route
// is changed so that somebody else may. It is stored and compared with what a
// later version makes of the same routes, so a field that this version does not
// know must leave it as it is where nobody writes it.
func (s *Set) Routing() string {
	type route struct {
		Match    string
		Least    event.Severity
		Sinks    []string
		Continue bool
	}
	all := make([]route, len(s.Routes))
	for i, r := range s.Routes {
		all[i] = route{r.Match.String(), r.MinSeverity, r.Sinks, r.Continue}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // strings and bools
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Told returns the sinks that hear of a new alert at now: for lints and for
// people who ask. everyone counts where there are no routes.
func (s *Set) Told(now time.Time, sub Subject, everyone []string) []string {
	return names(s.targets(now, sub, everyone, nil))
}

// Audience returns the sinks that hear of the rule's alert if it is raised at now.
func (s *Set) Audience(now time.Time, st *Status, snap Snapshot, rule string) []string {
	return s.Told(now, subject(st, snap, rule), snap.Sinks)
}
