package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"dswatch/history"
	"dswatch/words"
)

// HistorySelection is what somebody wants to know of the past.
type HistorySelection struct {
	Match []string  // matchers that the item must accept; entries without an item have none to accept
	What  []string  // history.What; none: all but what is repeated in wholes
	Since time.Time // noted then or later
	Until time.Time // noted before
	// Whole also returns what a whole repeats of items that have not changed.
	Whole bool
	After string // the cursor of the page before; empty: from the beginning
	Limit int    // entries of a page; 0: HistoryLimit
}

// HistoryLimit is how many entries a page has, and HistoryMost how many it has at
// most.
const (
	HistoryLimit = 1000
	HistoryMost  = 10_000
)

// HistoryPage is a part of what happened, oldest first.
type HistoryPage struct {
	Entries []history.Entry `json:"entries"`
	Next    string          `json:"next,omitempty"` // the cursor of the next page; empty: there is none
	// Odd counts what could not be read and is left out.
	Odd int `json:"unreadable,omitempty"`
}

// Past tells what happened.
type Past interface {
	History(ctx context.Context, s HistorySelection) (HistoryPage, error)
}

// Query is how a request says what it selects.
func (s HistorySelection) Query() url.Values {
	q := url.Values{"match": s.Match, "what": s.What}
	if !s.Since.IsZero() {
		q.Set("since", s.Since.Format(time.RFC3339Nano))
	}
	if !s.Until.IsZero() {
		q.Set("until", s.Until.Format(time.RFC3339Nano))
	}
	if s.Whole {
		q.Set("whole", "true")
	}
	if s.After != "" {
		q.Set("after", s.After)
	}
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	return q
}

// historySelection reads Query.
func historySelection(q url.Values) (s HistorySelection, err error) {
	s = HistorySelection{Match: q["match"], What: q["what"], After: q.Get("after"), Limit: HistoryLimit}
	for key, at := range map[string]*time.Time{"since": &s.Since, "until": &s.Until} {
		if text := q.Get(key); text != "" {
			if *at, err = time.Parse(time.RFC3339Nano, text); err != nil {
				return s, words.FailWith(err, words.BadParameter.With(key, err))
			}
		}
	}
	if text := q.Get("whole"); text != "" {
		if s.Whole, err = strconv.ParseBool(text); err != nil {
			return s, words.FailWith(err, words.BadParameter.With("whole", err))
		}
	}
	if text := q.Get("limit"); text != "" {
		if s.Limit, err = strconv.Atoi(text); err != nil || s.Limit < 1 || s.Limit > HistoryMost {
			return s, words.Fail(words.BadLimit.With(HistoryMost))
		}
	}
	return s, nil
}

func (s *Server) handleHistory(mux *http.ServeMux) {
	if s.Past == nil {
		return
	}
	mux.HandleFunc("GET /api/v1/history", s.guarded(func(r *http.Request) (any, error) {
		wanted, err := historySelection(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return s.Past.History(r.Context(), wanted)
	}))
}
