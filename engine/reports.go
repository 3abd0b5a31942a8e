package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/event"
)

// What several observers know about one host stands side by side: its own
// dswatch, and a manager that another one asks. Facts decided from are put
// together of them, by the weight of each fact's origin.

// reported is what one observer last told about a host.
type reported struct {
	token    string // of the observer
	observer string
	facts    event.Facts
	at       time.Time // told last, changed or not
	revision uint64    // as stored; 0: it is not
	waits    bool      // in a round that has not been stored
}

// report returns what the observer, a token, last told about the host.
func (h *host) report(observer string) reported {
	for _, r := range h.reports {
		if r.token == observer {
			return r
		}
	}
	return reported{}
}

// take keeps a report in place of the observer's last.
func (h *host) take(r event.FactsReport, revision uint64) {
	facts := make(event.Facts, len(r.Facts)) // one of 8 takes half of what one takes that they are set anew in
	for n, f := range r.Facts {
		if n != event.HostID { // no other host has it
			f.Value = shared(f.Value)
		}
		f.Origin = shared(f.Origin)
		facts[event.Name(shared(string(n)))] = f
	}
	h.keep(reported{token: shared(event.Token(r.Observer)), observer: shared(r.Observer), facts: facts, at: r.At, revision: revision})
}

// keep puts r in place of the observer's last.
func (h *host) keep(r reported) {
	for i := range h.reports {
		if h.reports[i].token == r.token {
			h.reports[i] = r
			return
		}
	}
	h.reports = append(slices.Clip(h.reports), r)
	slices.SortFunc(h.reports, func(a, b reported) int { return strings.Compare(a.token, b.token) })
}

// loadReports reads what is known about hosts, and returns what cannot be read.
func (e *Engine) loadReports(ctx context.Context) (bad []unreadable, err error) {
	var moved []Record
	err = e.Facts.Load(ctx, func(r Record) error {
		if strings.HasSuffix(r.Key, TransitSuffix) {
			if key := e.loadTransit(r); key != "" && key != r.Key {
				moved = append(moved, r)
			}
			return nil
		}
		report, err := event.DecodeFacts(r.Value)
		switch {
		case err != nil:
			e.Log.Warn("stored facts are unreadable and are discovered again", "key", r.Key, "error", err)
			bad = append(bad, unreadable{e.Facts, r, err})
		case factsKey(report.Host, report.Observer) != r.Key:
			moved = append(moved, r)
		default:
			e.host(report.Host).take(report, r.Revision)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load facts: %w", err)
	}
	for _, r := range moved {
		if err := e.move(ctx, r); err != nil {
			return nil, err
		}
	}
	return bad, nil
}

// move stores a record of an earlier version, in which some hosts had another
// token, under the key that it has now, unless there is one.
func (e *Engine) move(ctx context.Context, old Record) error {
	now := Record{Value: old.Value}
	report, err := event.DecodeFacts(old.Value)
	if err == nil {
		now.Key = factsKey(report.Host, report.Observer)
	} else if now.Key = e.loadTransit(old); now.Key == "" {
		return nil // unreadable
	}
	fail := func(err error) error {
		return fmt.Errorf("move what is known of a host from %s to %s: %w", old.Key, now.Key, err)
	}
	gone := Record{Key: old.Key, Revision: old.Revision, Delete: true}
	changed := []Record{gone}
	switch revisions, serr := e.Facts.Save(ctx, []Record{now}); {
	case errors.Is(serr, ErrConflict): // it was moved, and a crash came before the end
	case serr != nil:
		return fail(serr)
	default:
		changed = append(changed, now)
		if now.Revision = revisions[0]; err == nil {
			e.host(report.Host).take(report, now.Revision)
		} else {
			e.loadTransit(now)
		}
	}
	if _, err := e.Facts.Save(ctx, []Record{gone}); err != nil {
		return fail(err)
	}
	if e.Journal != nil {
		e.Journal.Keep(nil, changed, false)
	}
	return nil
}

// learned is a report that is to be stored.
type learned struct {
	home       *host
	token, key string
	value      []byte
}

// saveFacts stores reports and notes their revisions.
func (e *Engine) saveFacts(ctx context.Context, all []learned) error {
	if len(all) == 0 {
		return nil
	}
	records := make([]Record, len(all))
	for i, l := range all {
		records[i] = Record{Key: l.key, Value: l.value, Revision: l.home.report(l.token).revision}
	}
	revisions, err := e.Facts.Save(ctx, records)
	if err != nil {
		return fmt.Errorf("store facts of %d hosts: %w", len(records), err)
	}
	for i, l := range all {
		r := l.home.report(l.token)
		r.revision, r.waits = revisions[i], false
		l.home.keep(r)
	}
	return nil
}

// factsKey is the record of what observer told about host. What a host tells
// of itself has the host's name alone.
func factsKey(host, observer string) string {
	return recordOf(event.Token(host), event.Token(observer))
}

// recordOf is factsKey for tokens.
func recordOf(host, observer string) string {
	if host == observer {
		return host
	}
	return host + "." + observer
}

// weight orders origins: what the operator declared counts more than what was
// found on the host itself, and that more than what others say of it.
func weight(f event.Fact, own bool) int {
	switch {
	case strings.HasPrefix(f.Origin, "declared"):
		return 2
	case own:
		return 1
	}
	return 0
}

// together returns the facts that count for a host, and a sentence for each
// that somebody denies. Of two of one weight the later counts. Host is a token;
// the reports are in the order of their observers' tokens.
func together(host string, all []reported) (event.Facts, []string) {
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0].facts, nil
	}
	facts, teller := event.Facts{}, map[event.Name]reported{}
	for _, r := range all {
		for n, f := range r.facts {
			have, known := facts.Get(n)
			w, h := weight(f, r.token == host), weight(have, teller[n].token == host)
			if !known || w > h || w == h && f.At.After(have.At) {
				facts[n], teller[n] = f, r
			}
		}
	}
	var denied []string
	for _, n := range event.Names() {
		have, known := facts.Get(n)
		for _, r := range all {
			f, ok := r.facts.Get(n)
			if !known || !ok || agree(n, have.Value, f.Value) {
				continue
			}
			denied = append(denied, fmt.Sprintf("%s is %s [%s, told by %s], but %s [%s, told by %s]; the first is used: correct watch.facts where one of them is declared",
				n, have.Value, have.Origin, teller[n].observer, f.Value, f.Origin, r.observer))
		}
	}
	return facts, denied
}

// agree reports whether two values can both be right: versions have several
// spellings, and nobody who looks from outside sees every component.
func agree(n event.Name, have, other string) bool {
	switch n {
	case event.Components:
		all := strings.Split(have, ",")
		for c := range strings.SplitSeq(other, ",") {
			if !slices.Contains(all, c) {
				return false
			}
		}
		return true
	case event.AgentVersion, event.ApplianceVersion:
		a, err := catalog.ParseRelease(have)
		b, berr := catalog.ParseRelease(other)
		return err != nil || berr != nil || a.Meets(b)
	}
	return have == other
}
