package engine

import (
	"cmp"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/spelling"
)

type host struct {
	facts           event.Facts // what counts, of all reports together
	reports         []reported  // in the order of the observers' tokens
	denied          []string    // contradictions that were logged
	called          string      // the name by which it came up first, in lower case
	name            string      // as its items spell it; see spelled
	items           []*item
	past            past
	transit         rules.Transit
	heard           time.Time // when its dswatch told something last; only if silence is watched
	self            *item     // the item of kind host, if silence of the host is watched
	transitRevision uint64
	heirs           []*item // those that another item of the host may concern
}

func (e *Engine) host(name string) *host {
	if h := e.named[name]; h != nil {
		return h
	}
	token := event.Token(name) // as its records are named: whoever else writes the name counts as the same
	h := e.hosts[token]
	if h == nil {
		h = &host{}
		e.hosts[token] = h
	}
	if h.called == "" { // of other spellings of one name there may be any number
		h.called = strings.ToLower(name)
		e.named[name] = h
	} else if len(e.named) < 2*e.Limits.Hosts {
		e.named[name] = h
	}
	return h
}

// spelled returns the name of a host as its items have it: names of hosts have
// no case, and one that is written otherwise is no other host.
func (e *Engine) spelled(name string) string {
	if h := e.host(name); h.name != "" && strings.EqualFold(h.name, name) {
		return h.name
	}
	return name
}

// Called returns the name of the host that people mean by a name: that itself
// if it is known, else the known one that is spelling.Alike.
func (e *Engine) Called(name string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.itemsOf(name)) > 0 {
		return name
	}
	best := ""
	for _, h := range e.hosts {
		for _, it := range h.items {
			if host := it.status.Key.Host; !it.status.Gone && spelling.Alike(host, name) && (best == "" || host < best) {
				best = host
			}
		}
	}
	return cmp.Or(best, name)
}

// oneSpelling chooses, of the spellings under which items of one host were
// stored, the one that was seen last, and returns the items of the others:
// nothing will be heard of them again.
func (e *Engine) oneSpelling() (ghosts []*item) {
	for _, h := range e.hosts {
		var last *item
		for _, it := range h.items {
			if s := &it.status; !s.Gone && (last == nil || s.Seen.At.After(last.status.Seen.At)) {
				last = it
			}
		}
		if last == nil {
			continue
		}
		h.name = last.status.Key.Host
		for _, it := range h.items {
			if !it.status.Gone && it.status.Key.Host != h.name {
				ghosts = append(ghosts, it)
			}
		}
	}
	return ghosts
}
