package report

import (
	"encoding/json"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/history"
	"dswatch/rules"
)

// point is what is known of an item from a moment on.
type point struct {
	at       int64
	order    int // of the entry, in the history
	state    event.State
	since    int64 // as it was told
	expected string
	impact   event.Impact
	gone     bool
}

// item is what the history tells of one.
type item struct {
	points []point // ascending
	watch  string
	veils  string // of which watch it hides all
}

// hiding is when nothing could be seen of all that a watch sees.
type hiding struct {
	span
	order int // of the entry that told of it
}

// tale is what becomes of one alert.
type tale struct {
	key                           event.Key
	severity                      event.Severity
	began, raised, acked, cleared int64 // 0: not, or not known
	rule                          string
	who                           string
}

// setup is what counts from a moment on.
type setup struct {
	at      int64
	windows []rules.Window
	looks   []string
}

// Replay reads a history, entry by entry in the order in which they were noted.
type Replay struct {
	items    map[event.Key]*item
	veils    map[string][]hiding
	tales    map[string]*tale
	silences map[string]rules.Silence
	setups   []setup
	blind    []span
	order    int

	first, last   int64 // the first and the last entry
	deaf, stopped int64 // since when; 0: not
	deafs, stops  int
	missing       int // entries that could not be stored
	odd           int // silences and windows that cannot be read
}

// NewReplay returns one that has read nothing.
func NewReplay() *Replay {
	return &Replay{items: map[event.Key]*item{}, veils: map[string][]hiding{}, tales: map[string]*tale{}, silences: map[string]rules.Silence{}}
}

// Add takes the next entry.
func (r *Replay) Add(e *history.Entry) {
	r.order++
	at := e.At.UnixNano()
	if r.first == 0 || at < r.first {
		r.first = at
	}
	r.last = max(r.last, at)
	switch e.What {
	case history.State:
		r.state(e, at)
	case history.Alert, history.Ack:
		r.alert(e, at)
	case history.Silenced:
		var s rules.Silence
		if err := json.Unmarshal(e.Silence, &s); err != nil {
			r.odd++
			return
		}
		r.silences[s.ID] = s
	case history.Deaf:
		if r.deaf == 0 {
			r.deaf = min(e.From.UnixNano(), at)
			r.deafs++
		}
	case history.Hearing:
		r.hears(at)
	case history.Stopped:
		r.hears(at)
		r.stopped = at
	case history.Started:
		r.started(e, at)
	case history.Reloaded:
		if !e.Failed {
			r.setUp(e, at)
		}
	case history.Gap:
		r.missing += e.Count
		r.dark(e.From.UnixNano(), at)
	}
}

// dark notes that nothing is known of that time.
func (r *Replay) dark(from, to int64) {
	if from < to {
		r.blind = append(r.blind, span{from, to})
	}
}

func (r *Replay) hears(at int64) {
	if r.deaf != 0 {
		r.dark(r.deaf, at)
		r.deaf = 0
	}
}

// started ends a time without dswatch: since it ended, or was last known to run.
func (r *Replay) started(e *history.Entry, at int64) {
	r.hears(at)
	from := r.stopped
	if from == 0 && !e.From.IsZero() {
		from = e.From.UnixNano()
	}
	if from != 0 {
		r.dark(from, at)
		r.stops++
	}
	r.stopped = 0
	r.setUp(e, at)
}

func (r *Replay) setUp(e *history.Entry, at int64) {
	s := setup{at: at, looks: e.Looks}
	if len(e.Windows) > 0 && json.Unmarshal(e.Windows, &s.windows) != nil {
		r.odd++
	}
	r.setups = append(r.setups, s)
}

func (r *Replay) state(e *history.Entry, at int64) {
	it := r.items[e.Key]
	if it == nil {
		it = &item{}
		r.items[e.Key] = it
	}
	it.watch = e.Watch
	p := point{at: min(e.Since.UnixNano(), at), order: r.order, state: e.State, since: e.Since.UnixNano(), expected: e.Expected, impact: e.Impact, gone: e.Gone}
	if e.Since.IsZero() || e.Gone {
		p.at = at
	}
	if n := len(it.points); n > 0 {
		last := it.points[n-1]
		if same := last.state == p.state && last.since == p.since && last.gone == p.gone; same && last.expected == p.expected && last.impact == p.impact {
			return // it is said again
		} else if same {
			p.at = at // what it means has changed, and not what was seen
		}
	} else if e.Carried {
		p.at = at // nothing is known of before
	}
	for len(it.points) > 0 && it.points[len(it.points)-1].at >= p.at {
		it.points = it.points[:len(it.points)-1] // what was noted later counts
	}
	it.points = append(it.points, p)
	if it.veils != e.Veils {
		r.unveil(it.veils, p.at)
		if it.veils = e.Veils; e.Veils != "" && !e.Gone {
			r.veils[e.Veils] = append(r.veils[e.Veils], hiding{span{p.at, 0}, r.order})
		}
	}
}

// unveil ends that a watch is hidden.
func (r *Replay) unveil(watch string, at int64) {
	if all := r.veils[watch]; len(all) > 0 && all[len(all)-1].to == 0 {
		all[len(all)-1].to = max(at, all[len(all)-1].from)
	}
}

func (r *Replay) alert(e *history.Entry, at int64) {
	t := r.tales[e.Alert]
	if t == nil {
		t = &tale{key: e.Key, severity: e.Severity, rule: e.Rule}
		r.tales[e.Alert] = t
	}
	if !e.Began.IsZero() {
		t.began = e.Began.UnixNano()
	}
	if e.Severity.Rank() > t.severity.Rank() {
		t.severity = e.Severity
	}
	switch e.Transition {
	case event.Raised:
		if t.raised == 0 {
			t.raised = at
		}
	case event.Cleared:
		t.cleared = at
	case event.Acknowledged:
		if t.acked == 0 {
			t.acked, t.who = at, e.By
		}
	}
}

// within are the openings of something that comes again and again, from one
// moment to another.
func within(w span, opening func(time.Time) (from, until time.Time)) (out []span) {
	for at := w.from; at < w.to; {
		from, until := opening(time.Unix(0, at))
		if from.IsZero() || !until.After(time.Unix(0, at)) {
			break
		}
		if from.UnixNano() >= w.to {
			break
		}
		out = append(out, span{max(from.UnixNano(), w.from), min(until.UnixNano(), w.to)})
		at = until.UnixNano()
	}
	return out
}

// hush is one silence or window, and when it was in force.
type hush struct {
	match rules.Matchers
	when  spans
}

// hushes are all of them within w.
func (r *Replay) hushes(w span, zone *time.Location) (out []hush) {
	var ids []string
	for id := range r.silences {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		s := r.silences[id]
		var all []span
		if s.Every != "" {
			all = within(w, func(t time.Time) (time.Time, time.Time) { return s.Opening(t) })
		} else {
			end := s.Ends
			if end.IsZero() {
				end = s.WaitsUntil()
			}
			to := w.to
			if !end.IsZero() {
				to = min(to, end.UnixNano())
			}
			all = []span{{max(s.Starts.UnixNano(), w.from), to}}
		}
		if when := join(all); len(when) > 0 {
			out = append(out, hush{s.Match, when})
		}
	}
	for i, s := range r.setups {
		part := span{max(s.at, w.from), w.to}
		if i == 0 {
			part.from = w.from // what counted before is not known: the same
		}
		if i+1 < len(r.setups) {
			part.to = min(part.to, r.setups[i+1].at)
		}
		for _, win := range s.windows {
			one, err := win.Span(zone)
			if err != nil {
				continue // it was refused then, too
			}
			if when := join(within(part, func(t time.Time) (time.Time, time.Time) { from, until, _ := one.Opening(t); return from, until })); len(when) > 0 {
				out = append(out, hush{win.Match, when})
			}
		}
	}
	return out
}
