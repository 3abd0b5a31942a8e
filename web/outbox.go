package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"dswatch/event"
)

// Letter is one delivery that was given up, as people see it.
type Letter struct {
	ID         string           `json:"id"` // for show, replay and drop
	Sink       string           `json:"sink"`
	DeliveryID string           `json:"delivery_id,omitempty"` // empty: it is no alert and cannot be replayed
	AlertID    string           `json:"alert_id,omitempty"`
	Transition event.Transition `json:"transition,omitempty"`
	Key        event.Key        `json:"key,omitzero"`
	Title      string           `json:"title,omitempty"`
	Reason     string           `json:"reason"` // without secrets
	// ReasonStatements is Reason as data, as far as it is not somebody else's text.
	ReasonStatements event.Said `json:"reason_statements,omitzero"`

	Class    string          `json:"class"`
	Attempts int             `json:"attempts"`
	First    time.Time       `json:"first,omitzero"` // first attempt
	At       time.Time       `json:"at"`             // given up
	Alert    json.RawMessage `json:"alert,omitempty"`
}

// Selection chooses dead letters: those that fulfil everything it says. One
// that says nothing chooses nothing but for All.
type Selection struct {
	IDs       []string      `json:"ids,omitempty"`
	Sink      string        `json:"sink,omitempty"`
	OlderThan time.Duration `json:"older_than,omitempty"` // nanoseconds since it was given up
	All       bool          `json:"all,omitempty"`
}

// Replayed is what became of the letters of a replay.
type Replayed struct {
	Replayed int       `json:"replayed"`
	Kept     []NotSent `json:"kept"`
}

// NotSent is a letter that was not replayed.
type NotSent struct {
	ID  string `json:"id"`
	Why string `json:"why"`
	// WhyStatements is Why as data.
	WhyStatements event.Said `json:"why_statements,omitzero"`
}

// Resynced is what was put into the outbox of a sink again.
type Resynced struct {
	Sink    string `json:"sink"`
	Alerts  int    `json:"alerts"`  // told again
	Waiting int    `json:"waiting"` // not told again, because they wait in the outbox anyway
}

// Renamed is what was handed over to another name.
type Renamed struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Alerts int    `json:"alerts"`
}

// Removed is what was ended of a host.
type Removed struct {
	Host  string `json:"host"`
	To    string `json:"to,omitempty"` // its new name
	Items int    `json:"items"`
}

// Outbox shows and does what has to do with deliveries.
type Outbox interface {
	Letters(ctx context.Context, s Selection) ([]Letter, error)
	Letter(ctx context.Context, id string) (Letter, error)
	Replay(ctx context.Context, s Selection) (Replayed, error)
	Drop(ctx context.Context, s Selection) (int, error)
	Resync(ctx context.Context, sink string) (Resynced, error)
	RenameSink(ctx context.Context, from, to string) (Renamed, error)
	RenameHost(ctx context.Context, from, to string) (Removed, error)
	RemoveHost(ctx context.Context, host string) (Removed, error)
}

// target is the body of a request that names something anew.
type target struct {
	To string `json:"to"`
}

// dropped is the answer to a drop.
type dropped struct {
	Dropped int `json:"dropped"`
}

func (s *Server) handleOutbox(mux *http.ServeMux) {
	selected := func(do func(context.Context, Selection) (any, error)) http.HandlerFunc {
		return s.guarded(func(r *http.Request) (any, error) {
			var in Selection
			if err := read(r, &in); err != nil {
				return nil, err
			}
			return do(r.Context(), in)
		})
	}
	mux.HandleFunc("POST /api/v1/deadletters", selected(func(ctx context.Context, in Selection) (any, error) { return s.Outbox.Letters(ctx, in) }))
	mux.HandleFunc("GET /api/v1/deadletters/{id}", s.guarded(func(r *http.Request) (any, error) { return s.Outbox.Letter(r.Context(), r.PathValue("id")) }))
	mux.HandleFunc("POST /api/v1/deadletters/replay", selected(func(ctx context.Context, in Selection) (any, error) { return s.Outbox.Replay(ctx, in) }))
	mux.HandleFunc("POST /api/v1/deadletters/drop", selected(func(ctx context.Context, in Selection) (any, error) {
		n, err := s.Outbox.Drop(ctx, in)
		return dropped{n}, err
	}))
	mux.HandleFunc("POST /api/v1/sinks/{name}/resync", s.guarded(func(r *http.Request) (any, error) { return s.Outbox.Resync(r.Context(), r.PathValue("name")) }))
	renamed := func(do func(ctx context.Context, from, to string) (any, error)) http.HandlerFunc {
		return s.guarded(func(r *http.Request) (any, error) {
			var in target
			if err := read(r, &in); err != nil {
				return nil, err
			}
			return do(r.Context(), r.PathValue("name"), in.To)
		})
	}
	mux.HandleFunc("POST /api/v1/sinks/{name}/rename", renamed(func(ctx context.Context, from, to string) (any, error) { return s.Outbox.RenameSink(ctx, from, to) }))
	mux.HandleFunc("POST /api/v1/hosts/{name}/rename", renamed(func(ctx context.Context, from, to string) (any, error) { return s.Outbox.RenameHost(ctx, from, to) }))
	mux.HandleFunc("POST /api/v1/hosts/{name}/remove", s.guarded(func(r *http.Request) (any, error) { return s.Outbox.RemoveHost(r.Context(), r.PathValue("name")) }))
}
