package rules

import (
	"fmt"
	"slices"
	"strings"

	"dswatch/catalog"
	"dswatch/event"
)

// What several observers know about one host stands side by side: its own
// dswatch, and a manager that another one asks. Facts decided from are put
// together of them, by the weight of each fact's origin.

// reported is what one observer last told about a host.
type reported struct {
	observer string
	facts    event.Facts
	revision uint64
}

// take keeps a report in place of the observer's last.
func (h *host) take(r event.FactsReport, revision uint64) {
	if h.reports == nil {
		h.reports = map[string]reported{}
	}
	for n, f := range r.Facts {
		f.Value, f.Origin = shared(f.Value), shared(f.Origin)
		r.Facts[event.Name(shared(string(n)))] = f
	}
	h.reports[event.Token(r.Observer)] = reported{r.Observer, r.Facts, revision}
}

// factsKey is the record of what observer told about host. What a host tells
// of itself has the host's name alone.
func factsKey(host, observer string) string {
	h, o := event.Token(host), event.Token(observer)
	if h == o {
		return h
	}
	return h + "." + o
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
// that somebody denies. Host and observers are tokens. Of two of one weight
// the later counts.
func together(host string, all map[string]reported) (event.Facts, []string) {
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		for _, r := range all {
			return r.facts, nil
		}
	}
	observers := make([]string, 0, len(all))
	for o := range all {
		observers = append(observers, o)
	}
	slices.Sort(observers)
	facts, teller := event.Facts{}, map[event.Name]string{}
	for _, o := range observers {
		for n, f := range all[o].facts {
			have, known := facts.Get(n)
			w, h := weight(f, o == host), weight(have, teller[n] == host)
			if !known || w > h || w == h && f.At.After(have.At) {
				facts[n], teller[n] = f, o
			}
		}
	}
	var denied []string
	for _, n := range event.Names() {
		have, known := facts.Get(n)
		for _, o := range observers {
			f, ok := all[o].facts.Get(n)
			if !known || !ok || agree(n, have.Value, f.Value) {
				continue
			}
			denied = append(denied, fmt.Sprintf("%s is %s [%s, told by %s], but %s [%s, told by %s]; the first is used: correct watch.facts where one of them is declared",
				n, have.Value, have.Origin, all[teller[n]].observer, f.Value, f.Origin, all[o].observer))
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
		a, err := catalog.ParseVersion(have)
		b, berr := catalog.ParseVersion(other)
		return err != nil || berr != nil || a == b
	}
	return have == other
}
