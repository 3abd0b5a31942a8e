package engine

import (
	"cmp"
	"slices"

	"dswatch/event"
	"dswatch/rules"
)

// View is one item with what is known about its row.
type View struct {
	Status   rules.Status
	Snapshot rules.Snapshot
}

// Find returns the items that match accepts, in the order of keys. It is for
// people who ask, and match must return quickly.
func (e *Engine) Find(match func(*rules.Status) bool) (out []View) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range e.items {
		if st := e.asSeen(it); match(&st) {
			out = append(out, View{st, it.snapshot()})
		}
	}
	slices.SortFunc(out, func(a, b View) int { return cmp.Compare(a.Status.Key.String(), b.Status.Key.String()) })
	return out
}

// Silenced returns what has kept something quiet under the id: a silence, or a
// window while it is open.
func (e *Engine) Silenced(id string) rules.Silence {
	e.mu.Lock()
	defer e.mu.Unlock()
	return *e.silence(id)
}

// Each calls each with every item that there is, in no order. What it is given
// is for reading, and only until it returns, which must be quickly. The snapshot
// of an item in trouble knows the items on which the meaning depends.
func (e *Engine) Each(each func(*rules.Status, rules.Snapshot)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range e.items {
		if it.status.Gone {
			continue
		}
		st, snap := &it.status, it.snapshot()
		if e.veilOf(it) != nil {
			seen := e.asSeen(it)
			st = &seen
		}
		if !st.Calm() {
			snap = e.sight(it)
		}
		each(st, snap)
	}
}

// Describe says what the named rule's trouble with an item is, told or not; false:
// there is none. By is what keeps it quiet now, if anything does.
func (e *Engine) Describe(k event.Key, rule string) (a event.Alert, by string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	it := e.items[k]
	if it == nil || it.status.Gone {
		return a, "", false
	}
	st := e.asSeen(it)
	slot := st.Slot(rule)
	if slot.Phase != rules.Firing && slot.Phase != rules.Held {
		return a, "", false
	}
	snap := e.sight(it)
	snap.Silences = e.silences
	by = slot.Silence
	if slot.Phase == rules.Firing {
		by, _ = e.Set.QuietedBy(e.now(), &st, snap, rule)
	}
	return *e.Set.Describe(&st, snap, rule), by, true
}

// Changes counts what has changed that people may look at: items, silences.
func (e *Engine) Changes() uint64 { return e.changes.Load() }
