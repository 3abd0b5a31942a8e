package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"dswatch/setting"
	"dswatch/wire"
)

// Types of events on the bus, as CloudEvents type attributes.
const (
	TypeState = "dswatch.state.v1" // data is an Observation
	TypeFacts = "dswatch.facts.v1" // data is a FactsReport
)

// Reason says why a state event was published.
type Reason string

const (
	Change   Reason = "change"   // the state or the count differs from the last look
	Snapshot Reason = "snapshot" // nothing changed; sent so that lost events are repaired
	Gone     Reason = "gone"     // the item is no longer there to be observed, on purpose: nothing was lost
)

// Event is one thing a detector tells: an observation, and who saw it.
type Event struct {
	ID          string // see NewState; also the Nats-Msg-Id
	Observer    string // the host whose dswatch looked
	Reason      Reason
	Observation Observation
	// Job is the part of the observer that looks at the item together with many
	// others through one thing; see Observation.Veils. Empty: no such one.
	Job string
}

// NewState returns the event for o as seen by observer. The id depends on
// the observer, the key, the state, the counts and the time of the look, so
// publishing the same look again is the same event, and the same state at a
// later time is another.
func NewState(observer string, reason Reason, o Observation) Event {
	o.At = o.At.UTC()
	return Event{
		ID: digest("state", observer, o.Key.Host, o.Key.Component, string(o.Key.Kind), o.Key.Name, string(o.State),
			fmt.Sprint(o.Found, "/", o.Want), o.At.Format(time.RFC3339Nano)),
		Observer: observer, Reason: reason, Observation: o,
	}
}

// Key returns the item the event is about.
func (e Event) Key() Key { return e.Observation.Key }

// FactsReport is everything one dswatch knows about one host. It replaces
// what was known before.
type FactsReport struct {
	Host     string    `json:"host"`
	Observer string    `json:"observer"`
	Facts    Facts     `json:"facts"`
	At       time.Time `json:"at"`
}

// MaxEvent is the largest encoded event in bytes that is decoded. A state
// event of ours is under 7 KB even with the longest key and detail.
const MaxEvent = 64 << 10

// envelope is the JSON form of CloudEvents 1.0 with data of one type.
type envelope[T any] struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject,omitempty"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Reason          Reason    `json:"dswatchreason,omitempty"` // extension attribute
	Job             string    `json:"dswatchjob,omitempty"`    // extension attribute
	Data            *T        `json:"data"`
}

var (
	stateForm = wire.Of[envelope[Observation]]()
	factsForm = wire.Of[envelope[FactsReport]]()
)

const sourcePrefix = "dswatch/"

// Encode returns e as CloudEvents 1.0 JSON.
func (e Event) Encode() ([]byte, error) {
	b, err := stateForm.Encode(&envelope[Observation]{
		SpecVersion: "1.0", ID: e.ID, Source: sourcePrefix + url.PathEscape(e.Observer), Type: TypeState,
		Subject: e.Key().String(), Time: e.Observation.At, DataContentType: "application/json",
		Reason: e.Reason, Job: e.Job, Data: &e.Observation,
	})
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return b, nil
}

// Decode reads what Encode wrote. Anything else is an error that names what
// is wrong with it; unknown attributes are ignored, as CloudEvents asks.
func Decode(b []byte) (Event, error) {
	env, err := open(stateForm, b, TypeState)
	if err != nil {
		return Event{}, err
	}
	o := *env.Data
	if err := o.Validate(); err != nil {
		return Event{}, fmt.Errorf("decode event %s: %w", setting.Clip(env.ID), err)
	}
	reason := env.Reason
	if reason != Snapshot && reason != Gone {
		reason = Change
	}
	observer, err := url.PathUnescape(env.Source[len(sourcePrefix):])
	if err != nil {
		return Event{}, fmt.Errorf("decode event %s: source: %w", setting.Clip(env.ID), err)
	}
	return Event{ID: env.ID, Observer: observer, Reason: reason, Observation: o, Job: env.Job}, nil
}

// EncodeFacts returns r as CloudEvents 1.0 JSON, and its id.
func EncodeFacts(r FactsReport) (id string, b []byte, err error) {
	r.At = r.At.UTC()
	data, err := json.Marshal(r)
	if err != nil {
		return "", nil, fmt.Errorf("encode facts: %w", err)
	}
	id = digest("facts", r.Observer, string(data))
	b, err = json.Marshal(envelope[FactsReport]{
		SpecVersion: "1.0", ID: id, Source: sourcePrefix + url.PathEscape(r.Observer), Type: TypeFacts,
		Subject: r.Host, Time: r.At, DataContentType: "application/json", Data: &r,
	})
	if err != nil {
		return "", nil, fmt.Errorf("encode facts: %w", err)
	}
	return id, b, nil
}

// DecodeFacts reads what EncodeFacts wrote.
func DecodeFacts(b []byte) (FactsReport, error) {
	env, err := open(factsForm, b, TypeFacts)
	if err != nil {
		return FactsReport{}, err
	}
	r := *env.Data
	if r.Host == "" || len(r.Host) > MaxName {
		return FactsReport{}, fmt.Errorf("decode facts %s: host is empty or too long", setting.Clip(env.ID))
	}
	if err := r.Facts.Validate(); err != nil {
		return FactsReport{}, fmt.Errorf("decode facts %s: %w", setting.Clip(env.ID), err)
	}
	return r, nil
}

// ErrType says that a message is well formed and of another type than the one
// that was asked for.
var ErrType = errors.New("a message of another type")

func open[T any](form *wire.Form[envelope[T]], b []byte, typ string) (envelope[T], error) {
	if len(b) > MaxEvent {
		return envelope[T]{}, fmt.Errorf("decode event: %d bytes, at most %d are allowed", len(b), MaxEvent)
	}
	env, err := form.Decode(b)
	if err != nil {
		return env, fmt.Errorf("decode event: %w", err)
	}
	switch {
	case env.SpecVersion != "1.0":
		return env, fmt.Errorf("decode event: specversion %q, want 1.0", setting.Clip(env.SpecVersion))
	case env.ID == "" || len(env.ID) > 128:
		return env, fmt.Errorf("decode event: id is empty or longer than 128 bytes")
	case env.Type != typ:
		return env, fmt.Errorf("decode event %s: type %q, want %s: %w", setting.Clip(env.ID), setting.Clip(env.Type), typ, ErrType)
	case !strings.HasPrefix(env.Source, sourcePrefix) || len(env.Source) == len(sourcePrefix) || len(env.Source) > MaxName:
		return env, fmt.Errorf("decode event %s: source %q, want %sHOST", setting.Clip(env.ID), setting.Clip(env.Source), sourcePrefix)
	case len(env.Job) > MaxName:
		return env, fmt.Errorf("decode event %s: the name of its job is too long", setting.Clip(env.ID))
	case env.Data == nil:
		return env, fmt.Errorf("decode event %s: has no data", setting.Clip(env.ID))
	}
	return env, nil
}
