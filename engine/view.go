package engine

import (
	"cmp"
	"slices"

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
