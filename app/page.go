package app

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/web"
	"dswatch/web/page"
	"dswatch/words"
)

// looker is what people look at in a browser. It adds to App what only they need.
type looker struct {
	*App
	mu   sync.Mutex
	last *page.Look
	of   string // the version that last is of
}

// lookAge is how old a look may be that somebody is shown: reading 200,000 items
// for each browser would hold up the rules.
const lookAge = 2 * time.Second

// Look reads all items once for everyone who looks, and not all the time.
func (l *looker) Look(context.Context) (*page.Look, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, of := time.Now(), l.Version()
	if l.last == nil || of != l.of && now.Sub(l.last.At) >= min(lookAge, l.last.Took*10) || now.Sub(l.last.At) > time.Minute {
		l.last, l.of = l.look(now), of
		l.last.Took = time.Since(now)
	}
	return l.last, nil
}

func (l *looker) look(now time.Time) *page.Look {
	out := &page.Look{At: now}
	e := l.engine.Load()
	if e == nil {
		return out
	}
	out.Deciding = e.Ready()
	hosts := map[string]*page.Host{}
	e.Each(func(st *rules.Status, snap rules.Snapshot) {
		h := hosts[st.Key.Host]
		if h == nil {
			h = &page.Host{Name: st.Key.Host}
			hosts[st.Key.Host] = h
		}
		count(h, st, snap)
		eachTrouble(st, snap, func(t page.Trouble) {
			out.Troubles = append(out.Troubles, t)
			if h.Troubles++; h.Impact == "" || impactRank(t.Impact) < impactRank(h.Impact) {
				h.Impact, h.Since = t.Impact, t.Since
			}
		})
	})
	for _, h := range hosts {
		out.Hosts = append(out.Hosts, *h)
	}
	slices.SortFunc(out.Hosts, func(a, b page.Host) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Troubles, func(a, b page.Trouble) int {
		return cmp.Or(cmp.Compare(impactRank(a.Impact), impactRank(b.Impact)), b.Since.Compare(a.Since), cmp.Compare(a.Key.String(), b.Key.String()), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}

func impactRank(i event.Impact) int { return slices.Index(event.Impacts(), i) }

// count counts an item for its host. The state of one that need not be there
// says nothing of the host.
func count(h *page.Host, st *rules.Status, snap rules.Snapshot) {
	if snap.Row == nil {
		h.Not++
		return
	}
	switch snap.Verdict.Expected {
	case catalog.Yes:
		h.Expected++
		if st.Seen.State == event.Up {
			h.Up++
		}
		if h.State == "" || stateRank(st.Seen.State) < stateRank(h.State) {
			h.State = st.Seen.State
		}
	case catalog.No:
		h.Not++
	default:
		h.Undecided++
	}
}

// stateRank orders states, the worst first.
func stateRank(s event.State) int {
	return slices.Index([]event.State{event.Down, event.Unknown, event.Degraded, event.Up}, s)
}

// eachTrouble calls each with all that is wrong with an item.
func eachTrouble(st *rules.Status, snap rules.Snapshot, each func(page.Trouble)) {
	if st.Calm() {
		return
	}
	st.Slots(func(rule string, s rules.Slot) {
		if s.Phase != rules.Firing && s.Phase != rules.Held {
			return
		}
		t := page.Trouble{
			Key: st.Key, Rule: rule, State: st.Seen.State, Found: st.Seen.Found, Want: st.Seen.Want,
			Since: s.Since, Due: s.Due, Cause: s.Cause,
		}
		if s.Phase == rules.Firing {
			t.Alert, t.Since, t.Impact, t.Severity, t.Acked, t.Due = s.ID, s.Started, s.Impact, s.Severity, s.Ack != nil, time.Time{}
		} else {
			t.Digest, t.Impact = s.Digest, rules.Impact(st, snap, rule)
			t.Severity = rules.SeverityOf(t.Impact)
		}
		if t.Since.IsZero() {
			t.Since = st.Changed
		}
		each(t)
	})
}

// Tell says what a trouble is, in the reader's language.
func (l *looker) Tell(t page.Trouble, v words.Voice) (event.Alert, *web.Silence, bool) {
	e := l.engine.Load()
	if e == nil {
		return event.Alert{}, nil, false
	}
	a, by, ok := e.Describe(t.Key, t.Rule)
	if !ok {
		return a, nil, false
	}
	v.Tell(&a)
	if by == "" {
		return a, nil, true
	}
	silence := shown(e.Silenced(by))
	return a, &silence, true
}

// HostView is all that is known of one host.
func (l *looker) HostView(name string, v words.Voice) (out page.HostView, ok bool) {
	e := l.engine.Load()
	if e == nil {
		return out, false
	}
	out.Host.Name = name
	notes := map[string]bool{}
	e.Each(func(st *rules.Status, snap rules.Snapshot) {
		if st.Key.Host != name {
			return
		}
		count(&out.Host, st, snap)
		row := page.Row{
			Key: st.Key, State: st.Seen.State, Found: st.Seen.Found, Want: st.Seen.Want, Since: st.Changed, Detail: st.Seen.Detail,
			Observer: st.Observer, Expected: catalog.No.String(),
		}
		if snap.Row != nil {
			row.Expected, row.Reason, row.Footnotes = snap.Verdict.Expected.String(), snap.Verdict.Reason, snap.Verdict.Footnotes
			for _, id := range row.Footnotes {
				notes[id] = true
			}
		}
		eachTrouble(st, snap, func(t page.Trouble) {
			out.Host.Troubles++
			if row.Trouble == nil {
				row.Trouble = &t
			}
		})
		out.Rows = append(out.Rows, row)
	})
	slices.SortFunc(out.Rows, func(a, b page.Row) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	for id := range notes {
		if n, ok := l.conf().Catalog.Footnote(id); ok {
			out.Footnotes = append(out.Footnotes, web.Footnote{ID: id, Text: n.In(v.Language)})
		}
	}
	slices.SortFunc(out.Footnotes, func(a, b web.Footnote) int { return strings.Compare(a.ID, b.ID) })
	out.Facts = shownFacts(e.FactsOf(name))
	return out, len(out.Rows) > 0
}

func shownFacts(known event.Facts) (out []web.Fact) {
	for _, n := range event.Names() {
		if f, ok := known.Get(n); ok {
			out = append(out, web.Fact{Name: n, Value: f.Value, Origin: f.Origin, At: f.At})
		}
	}
	return out
}

// mostMatching is how many losses a silence is shown with before it is saved.
const mostMatching = 20

// Matching checks a silence that somebody would add, and says what it matches now.
func (l *looker) Matching(ctx context.Context, in web.Silence) (items int, lost []page.Trouble, all int, err error) {
	s, err := l.newSilence(time.Now().UTC(), in)
	if err != nil {
		return 0, nil, 0, err
	}
	e, err := l.decider()
	if err != nil {
		return 0, nil, 0, err
	}
	items, all = e.Matching(s.Match)
	look, err := l.Look(ctx)
	if err != nil {
		return 0, nil, 0, err
	}
	for _, t := range look.Troubles {
		if len(lost) < mostMatching && s.Match.Match(&rules.Subject{Key: t.Key, Rule: t.Rule, Severity: t.Severity}) {
			lost = append(lost, t)
		}
	}
	return items, lost, all, nil
}

// SinkStatus says how every sink is.
func (l *looker) SinkStatus(ctx context.Context) ([]web.SinkStatus, error) {
	return l.sinkStatus(ctx, !l.verdict().Current)
}

// ConfigStatus says which configuration is in force.
func (l *looker) ConfigStatus() web.ConfigState { return l.reloads.status() }

// Voice is that of the configuration.
func (l *looker) Voice() words.Voice { return l.conf().Config.voice() }

// About says which dswatch this is.
func (l *looker) About() page.About {
	return page.About{Host: l.conf().Config.Host, Version: l.App.Options.Version, Started: l.started}
}

// Pulse is what was proven of dswatch itself.
func (l *looker) Pulse() page.Pulse {
	v := l.verdict()
	p := page.Pulse{Current: v.Current, Since: v.Since}
	for _, s := range v.Stages {
		switch {
		case s.Proven.IsZero():
			p.Age = -1
		case p.Age >= 0:
			p.Age = max(p.Age, s.Age)
		}
	}
	if why := notCurrent(v); !why.Empty() {
		p.Why = words.Spell(why)
	}
	return p
}

// Version changes with what a page shows: what the rules know, how the sinks
// are, which configuration is in force. It asks no store.
func (l *looker) Version() string {
	h := fnv.New64a()
	if e := l.engine.Load(); e != nil {
		fmt.Fprintf(h, "%p %d %t ", e, e.Changes(), e.Ready())
	}
	for _, w := range l.workers() {
		s := w.worker.Health()
		fmt.Fprint(h, w.name, s.Circuit, s.FailingSince, s.LastError, s.Delivered, s.Dead, w.drilled.Load() != nil)
	}
	state := l.reloads.status()
	v := l.verdict()
	stage, _ := v.Why()
	fmt.Fprint(h, state.Loaded, state.Failed, v.Current, stage)
	return fmt.Sprintf("%x", h.Sum64())
}
