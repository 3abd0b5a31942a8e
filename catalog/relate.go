package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
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
		return words.Bad(key, words.NotARow.With(words.Inner(setting.Clip(id))))
	case id == r.ID():
		return words.Bad(key, words.RowItself.With(id))
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
			return words.Bad(key, words.MatchesNoRow.With(words.Inner(setting.Clip(id)), c.meantRow(id)))
		}
		if path := c.way(id, r.ID(), nil); path != nil {
			return words.Bad(key, words.RowWaitsForItself.With(r.ID(), r.ID(), strings.Join(path, " -> ")))
		}
	}
	for i, l := range r.Loss {
		for _, id := range slices.Sorted(maps.Keys(l.With)) {
			if !known(id) {
				return words.Bad(fmt.Sprintf("loss[%d].with", i), words.MatchesNoRow.With(words.Inner(setting.Clip(id)), c.meantRow(id)))
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
