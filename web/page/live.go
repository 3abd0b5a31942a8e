package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// often is how long a change waits until it is told, and how often the
	// source is asked while somebody looks.
	often = 250 * time.Millisecond
	// alive is how long a stream is silent at most.
	alive = 2 * time.Second
	// slow is how long a browser may take to read one event.
	slow = 10 * time.Second
	// mostStreams is how many browsers have a stream; others ask.
	mostStreams = 2000
)

// moment is all that the stream tells.
type moment struct {
	Version string `json:"version"`
	Current bool   `json:"current"`
	Age     int64  `json:"age"` // milliseconds since the last proof; -1: there was none
}

func momentOf(s Source) moment {
	p := s.Pulse()
	m := moment{Version: s.Version(), Current: p.Current, Age: p.Age.Milliseconds()}
	if p.Age < 0 {
		m.Age = -1
	}
	return m
}

// streams tell everyone who listens. One loop asks the source for all, and only
// while somebody listens.
type streams struct {
	source Source
	mu     sync.Mutex
	all    map[chan moment]bool
	runs   bool // the loop
	closed bool
	done   chan struct{}
}

func newStreams(s Source) *streams {
	return &streams{source: s, all: map[chan moment]bool{}, done: make(chan struct{})}
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
}

// listen returns what hears of every moment; false: there are too many.
func (s *streams) listen() (chan moment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.all) >= mostStreams {
		return nil, false
	}
	c := make(chan moment, 1)
	s.all[c] = true
	if !s.runs {
		s.runs = true
		go s.run()
	}
	return c, true
}

func (s *streams) leave(c chan moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

// run tells changes at once and otherwise that all is as it was, until nobody
// listens.
func (s *streams) run() {
	t := time.NewTicker(often)
	defer t.Stop()
	last, told := moment{}, time.Time{}
	for {
		select {
		case <-s.done:
			return
		case now := <-t.C:
			if s.idle() {
				return
			}
			m := momentOf(s.source)
			if m.Version == last.Version && m.Current == last.Current && now.Sub(told) < alive {
				continue
			}
			last, told = m, now
			s.tell(m)
		}
	}
}

// idle ends the loop where nobody listens; who comes after that starts it anew.
func (s *streams) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = len(s.all) > 0
	return !s.runs
}

// tell replaces what somebody has not read yet: only the last moment counts.
func (s *streams) tell(m moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.all {
		select {
		case <-c:
		default:
		}
		c <- m
	}
}

// live answers who has no stream.
func (p *Page) live(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.read(r); !ok {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(momentOf(p.Source)) // the browser has gone
}

// stream tells one browser what changes until it goes.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	who, ok := p.read(r)
	if !ok {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	c, ok := p.streams.listen()
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many streams", http.StatusServiceUnavailable)
		return
	}
	defer p.streams.leave(c)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the request is read; what follows is ours alone
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	ends := time.NewTimer(time.Until(who.Ends)) // the cookie that the browser comes back with is newer
	defer ends.Stop()
	send := func(m moment) error {
		data, err := json.Marshal(m)
		if err != nil {
			return err
		}
		_ = control.SetWriteDeadline(time.Now().Add(slow))
		if _, err := fmt.Fprintf(w, "id: %s\ndata: %s\n\n", m.Version, data); err != nil {
			return err
		}
		return control.Flush()
	}
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil || send(momentOf(p.Source)) != nil {
		return
	}
	for {
		select {
		case m := <-c:
			if send(m) != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-p.streams.done:
			return
		case <-ends.C:
			return
		}
	}
}
