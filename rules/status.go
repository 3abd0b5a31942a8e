package rules

import (
	"fmt"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/wire"
)

// The rules that watch every item. Their names are in alerts.
const (
	Loss   = event.RuleLoss    // the item is expected and down or degraded
	Unseen = event.RuleUnknown // the item is expected and cannot be observed

	FlapRule = event.RuleFlapping // the item comes and goes
)

// Phase is where a rule stands with one item.
type Phase string

// Phases in the order in which an alert passes them.
const (
	Quiet   Phase = ""        // nothing wrong
	Held    Phase = "held"    // wrong, but not for long enough
	Firing  Phase = "firing"  // the sinks were told
	Settled Phase = "settled" // the sinks were told that it is over
)

// Slot is the memory of one rule about one item. At most one alert is open
// in it. Copies of a Status share it, so it is replaced, not changed.
type Slot struct {
	Phase Phase `json:"phase,omitempty"`
	// Due is when the slot wants to be looked at again without an event: the
	// end of the hold, or the next repetition. Zero means never.
	Due   time.Time `json:"due,omitzero"`
	Well  time.Time `json:"well,omitzero"`  // when an item that is well again is taken to be; see Settings.HoldUp
	Since time.Time `json:"since,omitzero"` // first look that saw the trouble since the last one that saw none, by the observer's clock
	First string    `json:"first,omitempty"`
	Look  time.Time `json:"look,omitzero"` // by when the observer has looked again, as it promised (Held); see ripe

	// The last transition told. Kept after the alert is over, so that a
	// restart can compare it with what the sinks confirmed.
	ID         string           `json:"id,omitempty"`
	Turn       int              `json:"turn,omitempty"`   // which alert of the slot it is, from 1
	Started    time.Time        `json:"started,omitzero"` // Since, of this alert
	Raised     time.Time        `json:"raised,omitzero"`  // when it was raised
	Rated      time.Time        `json:"rated,omitzero"`   // when its severity last rose; zero: it has not
	Seq        int              `json:"seq,omitempty"`
	Left       int              `json:"left,omitempty"` // of an open alert: the last number that its end had at a sink which went
	Transition event.Transition `json:"transition,omitempty"`
	At         time.Time        `json:"at,omitzero"`
	State      event.State      `json:"state,omitempty"`
	Previous   event.State      `json:"previous,omitempty"`
	Severity   event.Severity   `json:"severity,omitempty"`
	Impact     event.Impact     `json:"impact,omitempty"`
	Sinks      []string         `json:"sinks,omitempty"`     // who was told, and so is owed the resolve
	Early      int              `json:"early,omitempty"`     // how many of them were told when it was raised: the first ones
	Round      *Round           `json:"round,omitempty"`     // of an open alert
	Ack        *event.Ack       `json:"ack,omitempty"`       // who looks after it
	Withdrawn  *event.Ack       `json:"withdrawn,omitempty"` // who took that back, while it is the last transition told
	Spoke      *Spoke           `json:"spoke,omitempty"`     // of the last transition told

	// Through are the sinks that a digest tells of the open alert: see Set.Unheard.
	Through []Through `json:"through,omitempty"`

	// Silence is the id of what keeps the trouble from being told (Held: it
	// would be told otherwise) or from being repeated (Firing).
	Silence string `json:"silence,omitempty"`
	// Cause is the item that explains the trouble (Held). With a Due it is
	// not certain yet that the cause is one.
	Cause string `json:"cause,omitempty"`
	// Outlived says that a cause was well again while the trouble was not
	// (Held): one that comes and goes does not explain it any more.
	Outlived bool `json:"outlived,omitempty"`
	// Digest is the id of the digest that speaks for the trouble (Held), or
	// spoke for the last one.
	Digest string `json:"digest,omitempty"`
}

// Spoke is what a transition spoke for besides its own item. It is kept,
// because what a cause explained has changed when the transition has to be
// made again after a crash. It is replaced, not changed.
type Spoke struct {
	Affected []event.Affected `json:"affected"`
	Count    int              `json:"count"`
}

// spoke notes what snap says that the slot's transition speaks for.
func (slot *Slot) spoke(snap Snapshot) {
	slot.Spoke = nil
	if r := snap.Related; r != nil && r.AffectedCount > 0 {
		slot.Spoke = &Spoke{r.Affected, r.AffectedCount}
	}
}

// Status is everything remembered about one item. It is stored as one
// record, because two records could not be changed together.
type Status struct {
	Key      event.Key         `json:"key"`
	Seen     event.Observation `json:"seen"`
	Event    string            `json:"event"`           // id of the event that brought Seen
	Observer string            `json:"observer"`        // who saw it
	Job      string            `json:"job,omitempty"`   // event.Event.Job
	Position uint64            `json:"position"`        // of that event in the stream; older ones are copies
	Changed  time.Time         `json:"changed"`         // when Seen's state began
	Gone     bool              `json:"gone,omitempty"`  // there is no such item any more
	Known    event.State       `json:"known,omitempty"` // the last state that was seen; only while it cannot be
	Loss     *Slot             `json:"loss,omitzero"`   // nil: there is nothing to remember
	Unseen   *Slot             `json:"unseen,omitzero"`
	Flap     *Flap             `json:"flap,omitempty"` // of an item that has changed lately; it is replaced, not changed
	Trail    Trail             `json:"trail,omitempty"`
}

// Told reports whether sinks were told of an alert of the item, or a digest
// speaks for it: what a store that began anew must know.
func (s *Status) Told() (told bool) {
	s.Slots(func(_ string, slot Slot) { told = told || slot.ID != "" || slot.Digest != "" })
	return told
}

// LookFirst lets nothing become due before until: what is known of the item may
// be old, and it is looked at before that.
func (s *Status) LookFirst(until time.Time) {
	for _, name := range RuleNames() {
		if slot := s.slot(name); !slot.Due.IsZero() && slot.Due.Before(until) {
			s.own(name).Due = until
		}
	}
}

// Merge takes the slots of other that have gone on further, which is the same
// item as another record has it, and reports whether there were any.
func (s *Status) Merge(other *Status) (merged bool) {
	for _, name := range RuleNames() {
		if its := *other.slot(name); s.slot(name).Behind(its) {
			*s.own(name), merged = its, true
		}
	}
	return merged
}

// Behind reports whether other, which is the same slot as another record has it,
// has gone on further.
func (slot *Slot) Behind(other Slot) bool {
	return other.Turn > slot.Turn || other.Turn == slot.Turn && (slot.ID == "" || slot.ID == other.ID) && other.Seq > slot.Seq
}

// Due returns the earliest moment at which the status wants to be decided
// again without an event; zero means never.
func (s *Status) Due() time.Time {
	due := earlier(s.slot(Loss).Due, s.slot(Unseen).Due)
	if s.Flap != nil {
		due = earlier(due, earlier(s.Flap.Until, s.Flap.Slot.Due))
	}
	return due
}

// earlier returns the earlier of two deadlines; zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Earlier returns the earlier of two deadlines; zero is never.
func Earlier(a, b time.Time) time.Time { return earlier(a, b) }

// Moved reports whether the named rule waits for something else than before.
func (s *Status) Moved(before *Status, name string) bool {
	a, b := s.slot(name), before.slot(name)
	return !a.Due.Equal(b.Due) || a.Silence != b.Silence
}

// Behind returns s as it is while the item cannot be seen since then, because
// of another one; see event.Observation.Veils.
func (s Status) Behind(o event.Observation, since time.Time) Status {
	s.Known = s.known(o.State)
	s.Seen, s.Changed = o, since
	return s
}

// Slots calls each with the memory of every rule, in the order of the rules.
func (s *Status) Slots(each func(rule string, slot Slot)) {
	for _, name := range RuleNames() {
		each(name, *s.slot(name))
	}
}

// Slot returns the memory of the named rule, which is for reading only.
func (s *Status) Slot(rule string) *Slot { return s.slot(rule) }

// Alerting reports whether an alert of the item is open.
func (s *Status) Alerting() (open bool) {
	s.Slots(func(_ string, slot Slot) { open = open || slot.Phase == Firing })
	return open
}

// RuleNames lists the rules.
func RuleNames() [3]string { return [3]string{Loss, Unseen, FlapRule} }

// none is the slot of a rule that has nothing to remember. Nobody changes it.
var none Slot

// slot returns the memory of the named rule, which is for reading only.
func (s *Status) slot(name string) *Slot {
	switch {
	case name == Loss && s.Loss != nil:
		return s.Loss
	case name == Unseen && s.Unseen != nil:
		return s.Unseen
	case name == FlapRule && s.Flap != nil:
		return &s.Flap.Slot
	}
	return &none
}

// own returns the memory of the named rule for changing: a copy that no other
// Status shares.
func (s *Status) own(name string) *Slot {
	if name == FlapRule {
		f := Flap{}
		if s.Flap != nil {
			f = *s.Flap
		}
		s.Flap = &f
		return &f.Slot
	}
	slot := *s.slot(name)
	s.keep(name, &slot)
	return &slot
}

// Join notes that a digest speaks for the rule's trouble.
func (s *Status) Join(rule, digest string) { s.own(rule).Digest = digest }

// keep puts slot in the place of what is remembered of a rule that watches
// losses.
func (s *Status) keep(name string, slot *Slot) {
	if name == Unseen {
		s.Unseen = slot
	} else {
		s.Loss = slot
	}
}

// trim forgets a slot in which nothing is left that counts: Since and First
// are those of a trouble that is over and was never told.
func (s *Status) trim(name string) {
	if slot := s.slot(name); name != FlapRule && slot.Phase == Quiet && slot.ID == "" && slot.Digest == "" {
		s.keep(name, nil)
	}
}

var statusForm = wire.Of[Status]()

// Encode returns s as JSON. Its key is there once: a restart reads 200,000.
func (s *Status) Encode() ([]byte, error) {
	short := *s
	short.Seen.Key = event.Key{}
	b, err := statusForm.Encode(&short)
	if err != nil {
		return nil, fmt.Errorf("encode status of %s: %w", s.Key, err)
	}
	return b, nil
}

// DecodeStatus reads what Encode wrote and refuses what cannot be acted on.
func DecodeStatus(b []byte) (s Status, err error) {
	err = s.Decode(b)
	return s, err
}

// Decode is DecodeStatus for a status that is empty.
func (s *Status) Decode(b []byte) error {
	if err := statusForm.DecodeInto(b, s); err != nil {
		return fmt.Errorf("decode status: %w", err)
	}
	if err := s.Key.Validate(); err != nil {
		return fmt.Errorf("decode status: %w", err)
	}
	s.Seen.Key = s.Key
	if s.Flap != nil && len(s.Flap.Flips) > maxFlips {
		return fmt.Errorf("decode status of %s: %d changes, at most %d are kept", s.Key, len(s.Flap.Flips), maxFlips)
	}
	for _, name := range RuleNames() {
		slot := s.slot(name)
		if !slices.Contains([]Phase{Quiet, Held, Firing, Settled}, slot.Phase) {
			return fmt.Errorf("decode status of %s: phase %q is none of ours", s.Key, slot.Phase)
		}
		if (slot.Phase == Firing || slot.Phase == Settled) && (slot.ID == "" || slot.Seq < 1) {
			return fmt.Errorf("decode status of %s: phase %s without an alert", s.Key, slot.Phase)
		}
		if slot.Spoke != nil && len(slot.Spoke.Affected) > event.MaxAffected {
			return fmt.Errorf("decode status of %s: an alert speaks for %d items, at most %d are listed", s.Key, len(slot.Spoke.Affected), event.MaxAffected)
		}
		s.trim(name)
	}
	return nil
}
