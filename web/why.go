package web

import (
	"context"
	"net/http"
	"time"

	"dswatch/event"
)

// Why explains what is told, or not told, of one item.
type Why struct {
	Key    event.Key   `json:"key"`
	State  event.State `json:"state"`
	Found  int         `json:"found"`
	Want   int         `json:"want"`
	Detail string      `json:"detail,omitempty"`
	// DetailStatements is Detail as data.
	DetailStatements event.Said `json:"detail_statements,omitzero"`
	Observer         string     `json:"observer"`
	Since            time.Time  `json:"since"` // when the state began
	Seen             time.Time  `json:"seen"`  // when it was last looked at and something was new

	Expected string `json:"expected"` // yes, no or unknown
	Reason   string `json:"reason,omitempty"`
	// ReasonStatements is Reason as data.
	ReasonStatements event.Said `json:"reason_statements,omitzero"`
	Footnotes        []Footnote `json:"footnotes,omitempty"`
	Facts            []Fact     `json:"facts,omitempty"`
	Confirm          string     `json:"confirm,omitempty"` // how a person confirms it by hand

	Rules []RuleState `json:"rules"`
	Trail []Step      `json:"trail"` // the last decisions, the oldest first
	Told  []Told      `json:"told"`  // by alert and sink

	Digest *Digest `json:"digest,omitempty"` // what a digest stands for, where it is one that is explained
}

// Digest is an alert that stands for many.
type Digest struct {
	Rule    string           `json:"rule"`    // of the alerts
	Open    int              `json:"open"`    // how many of them are
	Total   int              `json:"total"`   // how many it has stood for
	Members []event.Affected `json:"members"` // as it names them; those with an alert_id are alerts, the others are explained by them
}

// Footnote is one footnote of the item's row.
type Footnote struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Fact is one thing that is known about the item's host.
type Fact struct {
	Name   event.Name `json:"name"`
	Value  string     `json:"value"`
	Origin string     `json:"origin"`
	At     time.Time  `json:"at,omitzero"`
}

// RuleState is how one rule stands with the item.
type RuleState struct {
	Rule     string         `json:"rule"`
	Phase    string         `json:"phase"` // quiet, held, firing or settled
	Alert    string         `json:"alert,omitempty"`
	Severity event.Severity `json:"severity,omitempty"`
	Since    time.Time      `json:"since,omitzero"`
	Due      time.Time      `json:"due,omitzero"` // when it is decided again without an event
	Silence  *Silence       `json:"silence,omitempty"`
	Cause    string         `json:"cause,omitempty"`  // the item whose alert names this one
	Digest   string         `json:"digest,omitempty"` // the alert that stands for this one
	Ack      *Ack           `json:"ack,omitempty"`
}

// Step is one decision.
type Step struct {
	At      time.Time   `json:"at"`
	Rule    string      `json:"rule"`
	Outcome string      `json:"outcome"`
	State   event.State `json:"state"`
	Alert   string      `json:"alert,omitempty"`
	Seq     int         `json:"seq,omitempty"`
	Sinks   []string    `json:"sinks,omitempty"`
	Why     string      `json:"why,omitempty"`
	// WhyStatements is Why as data.
	WhyStatements event.Said `json:"why_statements,omitzero"`
}

// Told says how far one transition of one alert has come at one sink.
type Told struct {
	Sink       string           `json:"sink"`
	Alert      string           `json:"alert"`
	Seq        int              `json:"seq"`
	Transition event.Transition `json:"transition"`
	At         time.Time        `json:"at"`       // of the transition
	Progress   string           `json:"progress"` // confirmed, waiting or dead
	Attempts   int              `json:"attempts,omitempty"`
	Confirmed  time.Time        `json:"confirmed_at,omitzero"`
	Error      string           `json:"error,omitempty"` // why it is dead; of the last attempt while it waits, or of the sink's where it was not tried yet
	// ErrorStatements is Error as data, as far as it is not somebody else's text.
	ErrorStatements event.Said `json:"error_statements,omitzero"`

	Letter string    `json:"letter,omitempty"`
	GaveUp time.Time `json:"gave_up_at,omitzero"` // of a dead letter
	Tried  []Attempt `json:"tried,omitempty"`     // the first attempt and the last ones, the oldest first
}

// Attempt is how one try to tell a sink ended.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`          // delivered, duplicate (a copy that was not sent again), cut off, or permanent, throttled, timeout, temporary, panic
	Status  int       `json:"status,omitempty"` // of a refusal over HTTP
	Error   string    `json:"error,omitempty"`
	// ErrorStatements is Error as data, as far as it is not somebody else's text.
	ErrorStatements event.Said `json:"error_statements,omitzero"`

	More int `json:"more,omitempty"` // attempts between this one and the next that are not kept
}

// Explainer explains an item or an alert; of is an id or its beginning, an
// item or its ending.
type Explainer interface {
	Why(ctx context.Context, of, language string) ([]Why, error)
}

func (s *Server) handleWhy(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/why", s.guarded(func(r *http.Request) (any, error) {
		q := r.URL.Query()
		return s.Alerts.Why(r.Context(), q.Get("of"), q.Get("language"))
	}))
}
