package engine

import (
	"slices"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// hostKey is the item that stands for the host.
func hostKey(name string) event.Key {
	return event.Key{Host: name, Component: rules.Component, Kind: event.Host, Name: name}
}

// silentEvery is how often the engine looks who is silent.
const silentEvery = 15 * time.Second

// hostRow is what is known about the item of a host.
func (e *Engine) hostRow(k event.Key) (*catalog.Row, catalog.Verdict) {
	row := &catalog.Row{Component: k.Component, Kind: k.Kind, Name: k.Name, Confirm: map[string]string{
		event.Windows: "ping " + k.Name + "; sc.exe query dswatch", event.Linux: "ping " + k.Name + "; systemctl status dswatch",
	}}
	return row, catalog.Verdict{
		Expected: catalog.Yes,
		Reason:   words.MustReport.With(e.Set.Silent),
	}
}

// listen notes that something was heard from an observer.
func (e *Engine) listen(observer string) {
	k := hostKey(observer)
	if e.Set.Silent == 0 || k.Validate() != nil || e.admit(observer) != nil {
		return
	}
	h := e.host(observer)
	h.heard = e.now()
	if h.self == nil {
		if e.admitItem(k) != nil {
			return
		}
		e.item(k)
	}
	if st := &h.self.status; st.Event != "" && st.Seen.State == event.Up {
		return
	}
	e.observeHost(h.self, event.Observation{State: event.Up, Found: 1, Detail: words.Spell(words.Reports.With())})
}

func (e *Engine) observeHost(it *item, o event.Observation) {
	e.roomFor(it)
	o.Key, o.Want, o.At = it.status.Key, 1, e.now()
	e.decide(it, event.NewState(o.Key.Host, event.Change, o))
	e.revise()
}

// overdue finds the hosts that have been silent for too long.
func (e *Engine) overdue() {
	now := e.now()
	if e.Set.Silent == 0 || now.Before(e.overdueAt) && e.overdueAt.Sub(now) <= silentEvery {
		return
	}
	e.overdueAt = now.Add(silentEvery)
	var silent []*host
	for _, h := range e.hosts {
		if h.self != nil && h.self.status.Event != "" && h.self.status.Seen.State != event.Unknown && now.Sub(h.heard) >= e.Set.Silent {
			silent = append(silent, h)
		}
	}
	// In an order: of many at once the first ones are told by themselves.
	slices.SortFunc(silent, func(a, b *host) int { return compareKeys(a.self.status.Key, b.self.status.Key) })
	for _, h := range silent {
		e.observeHost(h.self, event.Observation{State: event.Unknown, Detail: words.Spell(words.NotHeardSince.With(h.heard))})
	}
}

// expectHosts makes every host that has reported before report again: from
// now on, because nobody listened meanwhile.
func (e *Engine) expectHosts(now time.Time) {
	if e.Set.Silent == 0 {
		return
	}
	for _, it := range e.items {
		if o := it.status.Observer; o != "" && it.status.Key.Kind != event.Host {
			e.host(o).heard = now
		}
	}
	for _, h := range e.hosts {
		if h.self != nil {
			h.heard = now
		}
	}
}
