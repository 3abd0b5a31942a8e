package engine

import (
	"dswatch/event"
	"dswatch/rules"
)

type item struct {
	status   rules.Status
	row      *footing
	home     *host
	revision uint64
	inRound  bool // has a transition in the open round, or has joined a digest in it
	dirty    bool
	index    int   // in the heap, -1 when not in it
	due      int64 // as it is in the heap, in nanoseconds since 1970
	noted    noted // see note
}

func (e *Engine) item(k event.Key) *item {
	it := e.items[k]
	if it == nil {
		own := k == hostKey(k.Host)
		if k.Host = e.spelled(k.Host); own {
			k = hostKey(k.Host)
		}
		it = e.items[k]
	}
	if it == nil {
		it = &item{status: rules.Status{Key: k}, index: -1}
		shareStatus(&it.status)
		e.place(it)
		if len(e.orphans) > 0 {
			e.adoptOrphans(it)
		}
	}
	return it
}

// place takes up an item that is new.
func (e *Engine) place(it *item) {
	it.home = e.host(it.status.Key.Host)
	e.hide(event.Key{}, it.status.Seen.Behind)
	e.items[it.status.Key] = it
	it.home.items = append(it.home.items, it)
	if it.home.name == "" {
		it.home.name = it.status.Key.Host
	}
	e.look(it)
}

// look renews what is known about an item's row.
func (e *Engine) look(it *item) {
	k := it.status.Key
	row, verdict := e.Rows.Find(k, it.home.facts)
	f := footing{row: row, verdict: verdict, sinks: e.Sinks}
	if k == hostKey(k.Host) {
		f.row = nil
		if e.Set.Silent != 0 {
			it.home.self = it
			f.row, f.verdict = e.hostRow(k)
		}
	}
	it.row = e.footing(k, f)
	e.inherit(it)
}

func compareKeys(a, b event.Key) int {
	switch as, bs := a.String(), b.String(); {
	case as < bs:
		return -1
	case as > bs:
		return 1
	}
	return 0
}

// snapshot is what is known about the item but for what other items, and the
// moment, have to do with it.
func (it *item) snapshot() rules.Snapshot {
	return rules.Snapshot{Row: it.row.row, Verdict: it.row.verdict, Facts: it.home.facts, Sinks: it.row.sinks}
}
