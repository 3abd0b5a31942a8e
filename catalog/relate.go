package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/setting"
)

// Sight is what the meaning of a loss depends on beside the item's state.
type Sight struct {
	OS    string // "" is unknown
	Facts event.Facts
	Peers []Peer // the items that Row.Peers names, as far as they were seen
}

// Peer is the state of an item on the same host.
type Peer struct {
	ID    string // of its row, see Row.ID
	State event.State
}

// What an entry of `loss` may ask of a row that it names in `with`.
const (
	withUp   = "up"
	withLost = "lost" // down or degraded
)

// Peers returns the rows whose state the meaning of a loss depends on, as
// kind/name in alphabetical order.
func (r Row) Peers() []string {
	var ids []string
	for _, l := range r.Loss {
		ids = slices.AppendSeq(ids, maps.Keys(l.With))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// lossIn returns the first entry that applies.
func (r Row) lossIn(on Sight) Loss {
	for _, l := range r.Loss {
		if (on.OS == "" || len(l.OS) == 0 || slices.Contains(l.OS, on.OS)) && l.When.Eval(on.Facts) == Yes && l.seen(on.Peers) {
			return l
		}
	}
	return Loss{}
}

// seen reports whether every row of `with` was seen in the state it must
// have. What was not seen is neither up nor lost.
func (l Loss) seen(peers []Peer) bool {
	for id, want := range l.With {
		i := slices.IndexFunc(peers, func(p Peer) bool { return p.ID == id })
		if i < 0 || want == withUp && peers[i].State != event.Up || want == withLost && !peers[i].State.Lost() {
			return false
		}
	}
	return true
}

// validRelative looks at the form of a reference to another row.
func (r Row) validRelative(key, id string) error {
	kind, name, ok := strings.Cut(id, "/")
	switch {
	case !ok || name == "" || !event.Kind(kind).Valid():
		return setting.Bad(key, "%.80q is not a row; write it as kind/name, such as process/ds_agent", id)
	case id == r.ID():
		return setting.Bad(key, "%s is the row itself; remove it", id)
	}
	return nil
}

// relatives checks that what rows[i] refers to is on the list, and that no
// row waits for itself. Keys of errors are those of a row.
func (c *Catalog) relatives(r *Row) error {
	known := func(id string) bool { return slices.ContainsFunc(c.all(), func(o *Row) bool { return o.ID() == id }) }
	for i, id := range r.DependsOn {
		key := fmt.Sprintf("depends_on[%d]", i)
		if !known(id) {
			return setting.Bad(key, "%.80q matches no row; %s", id, c.meantRow(id))
		}
		if path := c.way(id, r.ID(), nil); path != nil {
			return setting.Bad(key, "%s waits for itself: %s -> %s; remove one of them", r.ID(), r.ID(), strings.Join(path, " -> "))
		}
	}
	for i, l := range r.Loss {
		for _, id := range slices.Sorted(maps.Keys(l.With)) {
			if !known(id) {
				return setting.Bad(fmt.Sprintf("loss[%d].with", i), "%.80q matches no row; %s", id, c.meantRow(id))
			}
		}
	}
	return nil
}

// way returns how `from` comes to depend on `to`, both included, or nil.
func (c *Catalog) way(from, to string, seen map[string]bool) []string {
	if from == to {
		return []string{to}
	}
	if seen[from] {
		return nil
	}
	if seen == nil {
		seen = map[string]bool{}
	}
	seen[from] = true
	for _, r := range c.all() {
		if r.ID() != from {
			continue
		}
		for _, next := range r.DependsOn {
			if rest := c.way(next, to, seen); rest != nil {
				return append([]string{from}, rest...)
			}
		}
	}
	return nil
}
