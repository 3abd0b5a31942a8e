package web

import (
	"fmt"
	"net/http"
	"time"

	"dswatch/event"
)

// Health is what a running dswatch has proven of itself.
type Health struct {
	Role    string    `json:"role"`           // standalone or agent
	Current bool      `json:"current"`        // a change would be decided and handed to every sink now
	Since   time.Time `json:"since,omitzero"` // if not current: when that was proven last; zero: never since the start
	Why     string    `json:"why,omitempty"`  // if not current: the stage and the reason
	Stages  []Stage   `json:"stages"`         // in the order in which a change goes through them
	// Unreadable are stored records that could not be read since the start, as
	// bucket/key: they do not count, and stop nothing else.
	Unreadable []string `json:"unreadable,omitempty"`
	// WhyStatements is Why as data.
	WhyStatements event.Said `json:"why_statements,omitzero"`
}

// Stage is one of them.
type Stage struct {
	Name   string    `json:"name"`
	Proven time.Time `json:"proven,omitzero"` // last; zero: never since the start
	Why    string    `json:"why,omitempty"`   // why it is not current
	// WhyStatements is Why as data.
	WhyStatements event.Said `json:"why_statements,omitzero"`
}

// Healthy says how the program is. Both answer at once, whatever the store does.
type Healthy interface {
	Health() Health
	Live() error // nil: every loop of the program turns
}

// handleHealth answers without a token: it tells nothing about what is watched.
func (s *Server) handleHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Healthy.Live(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		h := s.Healthy.Health()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if h.Current {
			fmt.Fprintf(w, "ok\nrole: %s\n", h.Role)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "not ready: %s\nrole: %s\n", h.Why, h.Role)
		for _, st := range h.Stages {
			why := st.Why
			if why == "" {
				why = "ok"
			}
			fmt.Fprintf(w, "%s: %s\n", st.Name, why)
		}
	})
}
