package engine

import (
	"time"

	"dswatch/event"
	"dswatch/rules"
)

type host struct {
	facts           event.Facts // what counts, of all reports together
	reports         []reported  // in the order of the observers' tokens
	denied          []string    // contradictions that were logged
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
	e.named[name] = h
	return h
}
