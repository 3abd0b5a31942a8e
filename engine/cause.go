package engine

import (
	"slices"
	"strings"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// explains reports whether the item's trouble explains that of the named
// rule with what depends on it, and whether its alert is open. What is not
// told, or would not be told again, explains nothing: a silenced item, and
// one of which it is not known any more that it is lost.
func (it *item) explains(rule string) (yes, sure bool) {
	st := &it.status
	if it.row.row == nil || it.row.verdict.Expected != catalog.Yes {
		return false, false
	}
	lost, loss := st.Seen.State.Lost(), st.Slot(rules.Loss)
	switch {
	case lost && (loss.Phase == rules.Firing || st.Flapping()),
		!lost && st.Slot(rules.Unseen).Phase == rules.Firing && (rule == rules.Unseen || st.Key.Kind == event.Host):
		return true, true
	case lost && loss.Phase == rules.Held && loss.Silence == "":
		return true, loss.Digest != ""
	}
	return false, false
}

// inherit notes on the host that other items may concern this one.
func (e *Engine) inherit(it *item) {
	row, h := it.row.row, it.home
	if row != nil && (len(row.DependsOn) > 0 || len(it.row.peers) > 0) && !slices.Contains(h.heirs, it) {
		h.heirs = append(h.heirs, it)
	}
}

// relate adds to snap what other items have to do with one that is, or is
// about to be, in trouble.
func (e *Engine) relate(it *item, ev event.Event, snap *rules.Snapshot) {
	if it.status.Calm() && (ev.ID == "" || ev.Observation.State == event.Up) {
		return
	}
	r := rules.Related{Cause: e.cause(it, rules.Loss), Veil: e.cause(it, rules.Unseen)}
	r.Peers, r.Unsure = e.peersOf(it)
	r.Affected, r.AffectedCount = e.affected(it)
	if r.Cause.Key != (event.Key{}) || r.Veil.Key != (event.Key{}) || r.Peers != nil || r.AffectedCount > 0 {
		snap.Related = &r
	}
}

// kin calls each with the items of the host that the row kind/name stands
// for: that of the same component, or where there is none, all of them.
func (e *Engine) kin(it *item, id string, each func(*item)) {
	kind, name, _ := strings.Cut(id, "/")
	k := it.status.Key
	k.Kind, k.Name = event.Kind(kind), name
	if own := e.items[k]; own != nil {
		each(own)
		return
	}
	for _, other := range it.home.items {
		if o := other.status.Key; o.Kind == k.Kind && o.Name == name {
			each(other)
		}
	}
}

func (e *Engine) peersOf(it *item) (peers []catalog.Peer, unsure bool) {
	for _, id := range it.row.peers {
		e.kin(it, id, func(p *item) {
			peers = append(peers, catalog.Peer{ID: id, State: e.asSeen(p).Seen.State})
			loss := p.status.Slot(rules.Loss)
			unsure = unsure || loss.Holding() && p.status.Seen.State.Lost()
		})
	}
	return peers, unsure
}

// maxChain bounds how far causes are followed. The catalog has no cycles, so
// this bounds only the work.
const maxChain = 8

// root returns the item at the far end of the chain that explains the rule's
// trouble with it, and whether its alert is open; nil: nothing explains it.
func (e *Engine) root(it *item, rule string, depth int) (found *item, sure bool) {
	if depth >= maxChain || it.row.row == nil {
		return nil, false
	}
	try := func(c *item) {
		yes, certain := c.explains(rule)
		if c == it || !yes || sure || !e.reaches(c, it, rule) {
			return
		}
		if further, certainly := e.root(c, rule, depth+1); further != nil {
			c, certain = further, certainly
		}
		found, sure = c, certain
	}
	for _, id := range it.row.row.DependsOn {
		e.kin(it, id, try)
	}
	if h := it.home; h.self != nil {
		try(h.self)
	}
	return found, sure
}

func (e *Engine) cause(it *item, rule string) rules.Cause {
	c, sure := e.root(it, rule, 0)
	if c == nil {
		return rules.Cause{}
	}
	return rules.Cause{Key: c.status.Key, Severity: e.severity(c), Sure: sure, Flaps: c.status.Flapping(), Due: c.status.Slot(rules.Loss).Due}
}

// asCause is the item's trouble as a cause: as it was told, or as it will be.
func (e *Engine) asCause(c *item) rules.Subject {
	for _, name := range [...]string{rules.Loss, rules.FlapRule, rules.Unseen} {
		if slot := c.status.Slot(name); slot.Phase == rules.Firing {
			return rules.Subject{Key: c.status.Key, Rule: name, Severity: slot.Severity}
		}
	}
	rule := rules.Loss
	if !c.status.Seen.State.Lost() {
		rule = rules.Unseen
	}
	return rules.Subject{Key: c.status.Key, Rule: rule, Severity: e.severityNow(c, rule)}
}

func (e *Engine) severity(c *item) event.Severity { return e.asCause(c).Severity }

// reaches reports whether c's alert is told to those whom the rule's trouble
// with the item concerns.
func (e *Engine) reaches(c, it *item, rule string) bool {
	return len(e.Set.Routes) == 0 || e.Set.Reaches(e.asCause(c), rules.Subject{Key: it.status.Key, Rule: rule})
}

func (e *Engine) severityNow(it *item, rule string) event.Severity {
	snap := it.snapshot()
	peers, _ := e.peersOf(it)
	snap.Related = &rules.Related{Peers: peers}
	return rules.SeverityOf(rules.Impact(&it.status, snap, rule))
}

// maxAffectedBytes bounds the keys in one alert, so that it stays far below
// event.MaxEvent whatever the names are.
const maxAffectedBytes = 32 << 10

// affected lists what the item explains, and what is behind it.
func (e *Engine) affected(it *item) (list []event.Affected, count int) {
	if yes, _ := it.explains(rules.Unseen); yes {
		list = e.explained(it)
	}
	count = len(list)
	slices.SortFunc(list, compareAffected)
	if e.hides(it) { // else all items would be gone through for every heartbeat that is lost
		for _, x := range e.items {
			if st := e.asSeen(x); st.Seen.Behind == it.status.Key && !st.Gone {
				list = first(list, event.Affected{Key: st.Key, State: st.Seen.State, Since: st.Seen.At})
				count++
			}
		}
	}
	size := 0
	for i, a := range list {
		size += len(a.Key.Host) + len(a.Key.Component) + len(a.Key.Name)
		if i == event.MaxAffected || size > maxAffectedBytes {
			list = list[:i:i]
			break
		}
	}
	return list, count
}

// explained lists the troubles that are not told because the item's is.
func (e *Engine) explained(it *item) (list []event.Affected) {
	h := it.home
	scope := h.heirs
	if it == h.self {
		scope = h.items
	}
	rank := e.severity(it).Rank()
	for _, x := range scope {
		for _, name := range [...]string{rules.Loss, rules.Unseen} {
			slot := x.status.Slot(name)
			if x == it || slot.Phase != rules.Held || slot.Silence != "" || slot.Gathered() {
				continue
			}
			severity := e.severityNow(x, name)
			if c, _ := e.root(x, name, 0); c != it || severity.Rank() > rank {
				continue
			}
			list = append(list, event.Affected{Key: x.status.Key, State: x.status.Seen.State, Severity: severity, Since: slot.Since})
			break
		}
	}
	return list
}

func compareAffected(a, b event.Affected) int { return compareKeys(a.Key, b.Key) }

// first adds a to what is listed in order, as far as it will be told.
func first(list []event.Affected, a event.Affected) []event.Affected {
	if n := len(list); n >= event.MaxAffected && compareAffected(list[n-1], a) <= 0 {
		return list
	}
	i, _ := slices.BinarySearchFunc(list, a, compareAffected)
	list = slices.Insert(list, i, a)
	return list[:min(len(list), event.MaxAffected)]
}

// hide notes that an item is behind another one than before; a zero key: none.
func (e *Engine) hide(before, after event.Key) {
	if before == after {
		return
	}
	if before != (event.Key{}) {
		if e.hiding[before]--; e.hiding[before] == 0 {
			delete(e.hiding, before)
		}
	}
	if after != (event.Key{}) {
		e.hiding[after]++
	}
}

// stir notes that what became of the item may concern others: their answers
// must not depend on which of two that are due at once is asked first.
func (e *Engine) stir(it *item, after *rules.Status) {
	before := &it.status
	if before.Seen.State == after.Seen.State && before.Gone == after.Gone && before.Seen.Behind == after.Seen.Behind && seems(before.Slot(rules.Loss)) == seems(after.Slot(rules.Loss)) &&
		seems(before.Slot(rules.Unseen)) == seems(after.Slot(rules.Unseen)) && before.Flapping() == after.Flapping() {
		return
	}
	if h := it.home; len(h.heirs) > 0 || h.self == it || e.hides(it) {
		e.stirred = append(e.stirred, it)
	}
}

// looks is what other items go by in a slot: see explains and peersOf.
type looks struct {
	phase                      rules.Phase
	silenced, caused, gathered bool
}

func seems(slot *rules.Slot) looks {
	if slot.Phase != rules.Held {
		return looks{phase: slot.Phase}
	}
	return looks{rules.Held, slot.Silence != "", slot.Cause != "", slot.Gathered()}
}
