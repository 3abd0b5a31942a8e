package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Silence is one silence as people see it.
type Silence struct {
	ID     string    `json:"id"`
	Match  []string  `json:"match"` // such as host=~"web.*"
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends,omitzero"` // zero: when all that it matches is well again
	// Forever says that it has no end; one that would last longer than ten years
	// is kept as one for ever.
	Forever bool `json:"forever,omitempty"`
	// Waits is until when one without Ends waits for the first alert that it
	// matches; zero when it is asked for: a day; zero when it is shown: it does
	// not wait.
	Waits time.Time `json:"waits_until,omitzero"`
	// Every makes it one that comes again and again between Starts and Ends
	// (zero: for good), for Lasts seconds each time. Opens and Closes are when
	// it is in force now, or next; those of a window of the configuration, too.
	Every    string    `json:"every,omitempty"` // a cron expression
	Lasts    int       `json:"lasts,omitempty"`
	TimeZone string    `json:"time_zone,omitempty"` // of Every; empty when it is asked for: as configured
	Opens    time.Time `json:"opens,omitzero"`
	Closes   time.Time `json:"closes,omitzero"`
	Author   string    `json:"author"`
	Comment  string    `json:"comment"`
	State    string    `json:"state"` // pending, active, ended, or unreadable: stored by another version
	History  []Entry   `json:"history"`
	// Items and Lost are how many items the matchers may concern and how many
	// of their losses, of those that the process knows; only of one that was
	// just added or changed by a process that decides.
	Items *int `json:"items,omitempty"`
	Lost  *int `json:"lost,omitempty"`
}

// SilenceEdit is what somebody changes of a silence. What is empty stays.
type SilenceEdit struct {
	Match   []string  `json:"match,omitempty"`
	Ends    time.Time `json:"ends,omitzero"`
	Forever bool      `json:"forever,omitempty"`       // has no end, from now on
	Cleared bool      `json:"until_cleared,omitempty"` // ends when all is well again, from now on
	Waits   time.Time `json:"waits_until,omitzero"`    // of Cleared
	// Of one that comes again and again. Where there is Lasts and no Every, it
	// is the length that changes, and not Ends.
	Every    string `json:"every,omitempty"`
	Lasts    int    `json:"lasts,omitempty"` // seconds
	TimeZone string `json:"time_zone,omitempty"`
	Author   string `json:"author"` // who changes it
	Comment  string `json:"comment,omitempty"`
}

// Entry is something that somebody did to a silence.
type Entry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
	// Statements are What as data.
	Statements event.Said `json:"what_statements,omitzero"`
}

// Alert is one alert that is open, or kept quiet by a silence.
type Alert struct {
	ID       string         `json:"id,omitempty"` // empty while nobody was told
	Key      event.Key      `json:"key"`
	Rule     string         `json:"rule"`
	State    event.State    `json:"state"`
	Severity event.Severity `json:"severity"`
	Since    time.Time      `json:"since"`
	Sinks    []string       `json:"sinks,omitempty"`    // who is told: each is in one of the three below, unless another process serves it
	Told     []string       `json:"told,omitempty"`     // who has accepted the alert
	Waiting  []string       `json:"waiting,omitempty"`  // for whom it still waits, or is tried again
	Refused  []string       `json:"refused,omitempty"`  // who has accepted nothing of it, and it was given up
	Silence  string         `json:"silence,omitempty"`  // the id of the silence or window that keeps it quiet now
	Silenced *Silence       `json:"silenced,omitempty"` // the same, with why and until when
	Ack      *Ack           `json:"ack,omitempty"`
	Digest   string         `json:"digest,omitempty"`   // the id of the digest that speaks for it
	Affected int            `json:"affected,omitempty"` // of a digest: how many alerts it speaks for
}

// Ack says who looks after an alert.
type Ack struct {
	At      time.Time `json:"at,omitzero"`
	Author  string    `json:"author"`
	Comment string    `json:"comment,omitempty"`
}

// Unpaired is an alert that a sink holds open although it is over.
type Unpaired struct {
	Sink  string    `json:"sink"`
	Alert string    `json:"alert"`
	Key   event.Key `json:"key"`
	Rule  string    `json:"rule"`
}

// Silencer keeps the silences.
type Silencer interface {
	Silences(ctx context.Context) ([]Silence, error)
	AddSilence(ctx context.Context, s Silence) (Silence, error)
	EditSilence(ctx context.Context, id string, e SilenceEdit) (Silence, error)
	ExpireSilence(ctx context.Context, id, author string) error
}

// Alerts shows alerts and takes acknowledgements.
type Alerts interface {
	Alerts(ctx context.Context) ([]Alert, error)
	Unpaired(ctx context.Context) ([]Unpaired, error)
	Ack(ctx context.Context, id string, a Ack) error
	// Withdraw takes the acknowledgement back.
	Withdraw(ctx context.Context, id string, by Ack) error
	Explainer
}

// done is the answer to a request that has no other.
type done struct {
	Done bool `json:"done"`
}

func (s *Server) handleSilences(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/silences", s.guarded(func(r *http.Request) (any, error) { return s.Silencer.Silences(r.Context()) }))
	mux.HandleFunc("POST /api/v1/silences", s.guarded(func(r *http.Request) (any, error) {
		var in Silence
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return s.Silencer.AddSilence(r.Context(), in)
	}))
	mux.HandleFunc("POST /api/v1/silences/{id}", s.guarded(func(r *http.Request) (any, error) {
		var in SilenceEdit
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return s.Silencer.EditSilence(r.Context(), r.PathValue("id"), in)
	}))
	mux.HandleFunc("POST /api/v1/silences/{id}/expire", s.guarded(func(r *http.Request) (any, error) {
		var in Ack
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return done{true}, s.Silencer.ExpireSilence(r.Context(), r.PathValue("id"), in.Author)
	}))
	s.handleWhy(mux)
	mux.HandleFunc("GET /api/v1/alerts", s.guarded(func(r *http.Request) (any, error) { return s.Alerts.Alerts(r.Context()) }))
	mux.HandleFunc("GET /api/v1/alerts/unpaired", s.guarded(func(r *http.Request) (any, error) { return s.Alerts.Unpaired(r.Context()) }))
	mux.HandleFunc("POST /api/v1/alerts/{id}/ack", s.guarded(func(r *http.Request) (any, error) {
		var in Ack
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return done{true}, s.Alerts.Ack(r.Context(), r.PathValue("id"), in)
	}))
	mux.HandleFunc("POST /api/v1/alerts/{id}/ack/withdraw", s.guarded(func(r *http.Request) (any, error) {
		var in Ack
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return done{true}, s.Alerts.Withdraw(r.Context(), r.PathValue("id"), in)
	}))
}

// read decodes the body of a request.
func read(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return words.FailWith(err, words.ReadRequest.With(err))
	}
	return nil
}
