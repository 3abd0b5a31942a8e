package event

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"dswatch/setting"
	"dswatch/wire"
)

// Severity of an alert, ordered by Rank.
type Severity string

// Severities from least to most.
const (
	Info     Severity = "info"     // worth knowing; protection and management are intact
	Warning  Severity = "warning"  // management, updates, redundancy or sight lost; protection is kept
	Critical Severity = "critical" // protection lost
)

// Severities lists every Severity from least to most.
func Severities() []Severity { return []Severity{Info, Warning, Critical} }

// Rank orders severities: 1 info, 2 warning, 3 critical, 0 anything else.
func (s Severity) Rank() int {
	for i, v := range Severities() {
		if v == s {
			return i + 1
		}
	}
	return 0
}

// Impact is what the loss of an item takes away.
type Impact string

// Impacts, worst first.
const (
	ProtectionLost    Impact = "protection_lost"    // the host, or a module of it, is no longer protected
	ProtectionReduced Impact = "protection_reduced" // protection works without its monitor or a part of it
	ManagementLost    Impact = "management_lost"    // protection is kept; policy, heartbeat or console is lost
	UpdatesLost       Impact = "updates_lost"       // the relay no longer hands out updates
	VisibilityLost    Impact = "visibility_lost"    // dswatch itself can no longer see the item
	NoticeLost        Impact = "notice_lost"        // only notices to the desktop user are lost
	Noted             Impact = "noted"              // nothing is lost; somebody should know
)

// Impacts lists every Impact, worst first.
func Impacts() []Impact {
	return []Impact{ProtectionLost, ProtectionReduced, ManagementLost, UpdatesLost, VisibilityLost, NoticeLost, Noted}
}

// Transition is a step in the life of one alert. Raised comes first and
// once, Cleared last and once.
type Transition string

// The transitions of an alert.
const (
	Raised   Transition = "raised"
	Changed  Transition = "changed"  // still firing, with another state or severity
	Repeated Transition = "repeated" // still firing, told again after `rules.repeat`
	Cleared  Transition = "cleared"

	// Acknowledged: still firing, and somebody looks after it.
	Acknowledged Transition = "acknowledged"
	// Unacknowledged: still firing, and nobody looks after it any more.
	Unacknowledged Transition = "unacknowledged"
	// Beat is a sign of life from dswatch to one sink. It belongs to no
	// firing: Seq counts the beats, and nothing follows from it.
	Beat Transition = "heartbeat"
)

// Firing reports whether the alert is open after t.
func (t Transition) Firing() bool { return t != Cleared && t != Beat }

// Valid reports whether t is a known transition.
func (t Transition) Valid() bool { return slices.Contains(transitions[:], t) }

var transitions = [...]Transition{Raised, Changed, Repeated, Acknowledged, Unacknowledged, Cleared, Beat}

// constant is t without the memory that it was read from.
func (t Transition) constant() Transition {
	if i := slices.Index(transitions[:], t); i >= 0 {
		return transitions[i]
	}
	return t
}

// The rules that alerts name.
const (
	RuleLoss     = "loss"     // the item is expected and down or degraded
	RuleUnknown  = "unknown"  // the item is expected and cannot be observed
	RuleFlapping = "flapping" // raised: comes and goes; cleared: has settled
	RuleStorm    = "storm"    // a digest of many alerts of one rule; cleared: all of them are over
	RuleAlive    = "alive"    // of a Beat
)

// MaxAffected bounds the list in one alert. 100 entries of the longest
// practical names stay well under MaxEvent.
const MaxAffected = 100

// Affected is one item that an alert also speaks for.
type Affected struct {
	Key      Key       `json:"key"`
	State    State     `json:"state"`
	Severity Severity  `json:"severity,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	AlertID  string    `json:"alert_id,omitempty"` // in a digest: the alert that `dswatch why` explains
}

// Ack says who looks after an open alert, or who took that back.
type Ack struct {
	Author  string    `json:"author"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
}

// Same reports whether it is what the same person said at the same time.
func (a Ack) Same(b Ack) bool { return a.Author == b.Author && a.At.Equal(b.At) }

// Counts is what a Beat says of dswatch.
type Counts struct {
	Open    int `json:"open"`    // alerts that the sink was told and that are not over
	Waiting int `json:"waiting"` // transitions that wait for this sink
	Every   int `json:"every"`   // seconds until the next Beat
	// NotReloaded: the last reload of the configuration was refused, so the one
	// before it is in force.
	NotReloaded bool `json:"not_reloaded,omitempty"`
}

// Alert is one transition of one alert, as every far end is told.
// Title to Detail are in Language; all else is the same in any.
type Alert struct {
	ID         string      `json:"id"`             // the same for every transition of one firing
	Seq        int         `json:"seq"`            // 1 for raised, one more for each later transition; a sink that hears of it late is told raised with a later one
	Turn       int         `json:"turn,omitempty"` // counts the firings of this rule for this item, from 1; 0: of none, as a heartbeat
	Transition Transition  `json:"transition"`
	Rule       string      `json:"rule"`                 // which rule fired: see the constants Loss to Alive
	Class      string      `json:"class,omitempty"`      // family of alerts beside those of the vendor's list: memory, evidence, tamper or store
	Techniques []Technique `json:"techniques,omitempty"` // of an attacker, of which the loss may be a sign
	Key        Key         `json:"key"`
	State      State       `json:"state"`              // state of the item now
	Previous   State       `json:"previous,omitempty"` // state told before this one
	Severity   Severity    `json:"severity"`           // of the firing; a cleared alert keeps the severity it was raised with
	Impact     Impact      `json:"impact"`
	Found      int         `json:"found"`
	Want       int         `json:"want"`

	Language string `json:"language"`          // en or ja
	Title    string `json:"title"`             // one line, no host-controlled line breaks
	Text     string `json:"text"`              // what was lost and what that means, a few sentences
	Short    string `json:"short,omitempty"`   // what the loss means in a few words
	Next     string `json:"next,omitempty"`    // what whoever is on duty does first, in one sentence
	Reason   string `json:"reason,omitempty"`  // why the item is expected: footnotes, facts and their origins
	Detail   string `json:"detail,omitempty"`  // what the detector saw
	Confirm  string `json:"confirm,omitempty"` // how a person confirms it by hand

	// What is said, as data. A far end is told those of Reason and Detail, with
	// their English text; the others go as far as its sink, which puts them into
	// its own language.
	TitleStatements  Said `json:"title_statements,omitzero"`
	TextStatements   Said `json:"text_statements,omitzero"`
	ShortStatements  Said `json:"short_statements,omitzero"`
	NextStatements   Said `json:"next_statements,omitzero"`
	ReasonStatements Said `json:"reason_statements,omitzero"`
	DetailStatements Said `json:"detail_statements,omitzero"`

	OS           string `json:"os,omitempty"`
	AgentVersion string `json:"agent_version,omitempty"`
	HostID       string `json:"host_id,omitempty"` // the manager's number of the computer, as in the vendor's own events
	Observer     string `json:"observer"`          // the host whose dswatch saw it

	// Affected are the symptoms that a cause explains, or the alerts that a
	// digest stands for: at most MaxAffected of AffectedCount.
	Affected      []Affected `json:"affected,omitempty"`
	AffectedCount int        `json:"affected_count,omitempty"`
	Ack           *Ack       `json:"ack,omitempty"`       // who looks after it
	Withdrawn     *Ack       `json:"withdrawn,omitempty"` // of Unacknowledged: who took the acknowledgement back
	Heartbeat     *Counts    `json:"heartbeat,omitempty"` // of a Beat

	StartedAt time.Time `json:"started_at"`        // first observation of the loss
	At        time.Time `json:"at"`                // of this transition
	EndedAt   time.Time `json:"ended_at,omitzero"` // set once cleared

	Test   bool `json:"test,omitempty"`   // made by `sinks test`; nothing was lost
	Replay bool `json:"replay,omitempty"` // told again on an operator's request
	// Apart: another transition of the same number is told beside it, as to a far
	// end that has forgotten that an alert was raised and is acknowledged.
	Apart bool `json:"apart,omitempty"`
}

// AlertID names a firing: it is computed from the item, the rule and the
// event that began the loss, so a replay after a crash makes the same id.
func AlertID(k Key, rule, firstEvent string) string {
	return digest("alert", k.Host, k.Component, string(k.Kind), k.Name, rule, firstEvent)
}

// DeliveryID is the idempotency key of this transition: a far end that
// remembers it can drop a second copy. Replays share it on purpose; what is
// told Apart has one of its own, the same whenever it is told again.
func (a Alert) DeliveryID() string {
	var room [192]byte
	return string(a.AppendDeliveryID(room[:0]))
}

// AppendDeliveryID appends it to b.
func (a *Alert) AppendDeliveryID(b []byte) []byte {
	b = append(append(b, a.ID...), '.')
	b = strconv.AppendInt(b, int64(a.Seq), 10)
	if a.Apart {
		b = append(append(b, '.'), a.Transition...)
	}
	return b
}

// Slot names the place that at most one open alert has: item and rule.
func (a Alert) Slot() string { return a.Key.Hash() + "." + a.Rule }

var alertForm = wire.Of[Alert]()

// Encode returns a as JSON.
func (a Alert) Encode() ([]byte, error) {
	b, err := alertForm.Encode(&a)
	if err != nil {
		return nil, fmt.Errorf("encode alert: %w", err)
	}
	return b, nil
}

// DecodeAlert reads what Encode wrote and refuses what no rule makes.
func DecodeAlert(b []byte) (a Alert, err error) {
	err = a.decode(b, alertForm.DecodeInto)
	return a, err
}

// DecodeShort is DecodeAlert into memory that is there, for an alert that is
// soon forgotten: its texts are parts of one copy of b, which lives as long as
// any of them, but for that of Transition. After an error a may hold a part.
func (a *Alert) DecodeShort(b []byte) error { return a.decode(b, alertForm.DecodeSharing) }

func (a *Alert) decode(b []byte, into func([]byte, *Alert) error) error {
	if len(b) > MaxEvent {
		return fmt.Errorf("decode alert: %d bytes, at most %d are allowed", len(b), MaxEvent)
	}
	*a = Alert{}
	if err := into(b, a); err != nil {
		return fmt.Errorf("decode alert: %w", err)
	}
	a.Transition = a.Transition.constant()
	switch {
	case a.ID == "" || len(a.ID) > 128:
		return fmt.Errorf("decode alert: id is empty or longer than 128 bytes")
	case a.Seq < 1:
		return fmt.Errorf("decode alert %s: seq %d, want 1 or more", setting.Clip(a.ID), a.Seq)
	case a.Turn < 0:
		return fmt.Errorf("decode alert %s: turn %d, want 0 or more", setting.Clip(a.ID), a.Turn)
	case !a.Transition.Valid():
		return fmt.Errorf("decode alert %s: transition %q is none of raised, changed, repeated, acknowledged, unacknowledged, cleared, heartbeat", setting.Clip(a.ID), setting.Clip(string(a.Transition)))
	case a.Rule == "" || len(a.Rule) > MaxName:
		return fmt.Errorf("decode alert %s: rule is empty or too long", setting.Clip(a.ID))
	case a.Severity.Rank() == 0:
		return fmt.Errorf("decode alert %s: severity %q is none of info, warning, critical", setting.Clip(a.ID), setting.Clip(string(a.Severity)))
	case !a.State.Valid():
		return fmt.Errorf("decode alert %s: state %q is none of up, degraded, down, unknown", setting.Clip(a.ID), setting.Clip(string(a.State)))
	}
	if err := a.Key.Validate(); err != nil {
		return fmt.Errorf("decode alert %s: %w", setting.Clip(a.ID), err)
	}
	return nil
}
