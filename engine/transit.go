package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

const TransitSuffix = ".T"

// transitKey is the record of a host's Transit among the facts: no token of a
// host has an upper-case letter.
func transitKey(host string) string { return event.Token(host) + TransitSuffix }

// past is what was last known of a host that shows an upgrade or a reboot.
type past struct {
	version, installing string
	boot                event.Facts // time and id
}

// learn takes what is known now and returns what has happened; empty: nothing.
func (p *past) learn(f event.Facts) (why event.Said) {
	if v, ok := f.Get(event.AgentVersion); ok {
		if p.version != "" && !agree(event.AgentVersion, p.version, v.Value) {
			why = words.AgentWent.With(p.version, v.Value)
		}
		p.version = v.Value
	}
	if v, ok := f.Get(event.BootTime); ok {
		now := event.Facts{event.BootTime: v}
		if id, ok := f.Get(event.BootID); ok {
			now[event.BootID] = id
		}
		if p.boot != nil && !p.boot.SameBoot(now) {
			at, _ := time.Parse(time.RFC3339, v.Value)
			why = why.And(words.HostStarted.With(at))
		}
		p.boot = now
	}
	v, _ := f.Get(event.Installing)
	if v.Value != "" && p.installing == "" {
		why = why.And(words.PackageChanging.With(v.Value))
	}
	p.installing = v.Value
	return why
}

// passing opens the host's transit where the facts show a reason.
func (e *Engine) passing(name string, h *host) {
	why := h.past.learn(h.facts)
	if why.Empty() || e.Set.Transition == 0 {
		return
	}
	h.transit.Host = name
	h.transit = h.transit.Begin(e.now(), e.Set.Transition, words.Spell(why))
	e.saveTransit(h)
	t := h.transit
	e.Log.Info("a host is in transition; what is lost on it is told at its end", "host", name, "until", t.Until, "why", words.English(why))
}

func (e *Engine) saveTransit(h *host) {
	value, err := json.Marshal(h.transit)
	if err != nil {
		e.broken = fmt.Errorf("encode the transition of %s: %w", h.transit.Host, err)
	}
	if slices.ContainsFunc(e.round.Transits, func(w write) bool { return w.revision == &h.transitRevision }) {
		e.closeRound() // no record may be stored twice at once
	}
	e.round.Transits = append(e.round.Transits, write{key: transitKey(h.transit.Host), value: value, revision: &h.transitRevision})
}

// loadTransit reads what passing stored and returns the key that the record has
// now; empty: it is unreadable. It counts if it has that key.
func (e *Engine) loadTransit(r Record) (key string) {
	var t rules.Transit
	if err := json.Unmarshal(r.Value, &t); err != nil || t.Host == "" {
		e.Log.Warn("a stored transition is unreadable and does not count", "key", r.Key)
		return ""
	}
	if key = transitKey(t.Host); key != r.Key {
		return key
	}
	if latest := e.now().Add(2 * e.Set.Transition); t.Until.After(latest) {
		t.Until = latest // the clock was set back, or the setting shortened
	}
	h := e.host(t.Host)
	h.transit, h.transitRevision = t, r.Revision
	return key
}
