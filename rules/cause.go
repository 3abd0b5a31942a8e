package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/event"
)

// Related is what other items have to do with one that is in trouble.
type Related struct {
	// Peers are the items on which the meaning of its loss depends.
	Peers  []catalog.Peer
	Unsure bool  // the loss of a peer is too young to be believed
	Cause  Cause // of its loss
	Veil   Cause // of that it cannot be observed
	// Affected are the items that it explains, in the order of their keys:
	// AffectedCount of them, as many as an alert may carry.
	Affected      []event.Affected
	AffectedCount int
}

// Cause is an item whose trouble explains that of another. A zero Key: none.
type Cause struct {
	Key      event.Key
	Severity event.Severity
	Sure     bool      // its alert is open
	Due      time.Time // of one that is held: when it will be told
}

// sight is what the meaning of a loss depends on.
func (s Snapshot) sight() catalog.Sight {
	os, _ := s.Facts.Get(event.OS)
	on := catalog.Sight{OS: os.Value, Facts: s.Facts}
	if s.Related != nil {
		on.Peers = s.Related.Peers
	}
	return on
}

// unsure reports whether the meaning of a loss may be another in a moment.
func (s Snapshot) unsure() bool { return s.Related != nil && s.Related.Unsure }

// cause is what explains the rule's trouble.
func (s Snapshot) cause(rule string) Cause {
	switch {
	case s.Related == nil:
		return Cause{}
	case rule == Unseen:
		return s.Related.Veil
	}
	return s.Related.Cause
}

// recheck is how long after its deadline a cause is asked again. It is asked
// at once when it is told; this is for the case that it never is.
const recheck = time.Second

// explained reports whether the trouble waits because its cause tells of it,
// or is about to. Worse trouble than that of its cause is not explained by
// it. What outlives a cause that was told waits for a hold of its own.
func (s *Set) explained(now time.Time, st *Status, snap Snapshot, name string, out []Decision) ([]Decision, bool) {
	slot := st.slot(name)
	c := snap.cause(name)
	none := name == FlapRule || c.Key == (event.Key{}) || c.Severity.Rank() < SeverityOf(impact(st, snap, name)).Rank()
	if slot.Cause != "" && (none || slot.Due.IsZero() && !c.Sure) {
		why, told := slot.Cause+" does not explain it any more", slot.Due.IsZero()
		slot.Cause, slot.Due = "", time.Time{}
		if wait := s.wait(name); told && wait > 0 {
			slot.Due = now.Add(wait)
			return append(out, Decision{Rule: name, Outcome: Holding, Why: why + "; waits " + wait.String() + " before anybody is told"}), true
		}
	}
	if none {
		return out, false
	}
	slot.Phase, slot.Silence = Held, ""
	before, wasSure := slot.Cause, slot.Due.IsZero()
	slot.Cause = c.Key.String()
	if c.Sure {
		slot.Due = time.Time{}
	} else {
		slot.Due = now.Add(recheck)
		if c.Due.After(now) {
			slot.Due = c.Due.Add(recheck)
		}
	}
	switch {
	case before == slot.Cause && wasSure == c.Sure:
		return out, true
	case c.Sure:
		return append(out, Decision{Rule: name, Outcome: Explained, Why: "explained by " + slot.Cause + ", whose alert names it"}), true
	}
	return append(out, Decision{Rule: name, Outcome: Holding, Why: "waits for " + slot.Cause + ", which may explain it"}), true
}

// affectedText says how much an alert speaks for.
func affectedText(a *event.Alert, ja bool) string {
	switch {
	case a.Transition == event.Cleared && ja:
		return fmt.Sprintf("この障害とあわせて通知した %d 件はまだ復旧していません。続く場合はそれぞれ通知します。", a.AffectedCount)
	case a.Transition == event.Cleared:
		return fmt.Sprintf("Of what it explained, %d are not back yet; each becomes an alert of its own if that lasts.", a.AffectedCount)
	case ja:
		return fmt.Sprintf("この障害が原因とみられるものが他に %d 件あり、個別には通知しません。", a.AffectedCount)
	}
	return fmt.Sprintf("It explains %d more, which are not told on their own.", a.AffectedCount)
}

// explainedText says how much the alerts of a digest explain.
func explainedText(n int, ja bool) string {
	if ja {
		return fmt.Sprintf("これらの障害が原因とみられるものが他に %d 件あり、個別には通知しません。", n)
	}
	return fmt.Sprintf("They explain %d more, which are not told on their own.", n)
}

// calm reports whether no rule is concerned with the item.
func (s *Status) calm() bool {
	in := func(p Phase) bool { return p == Held || p == Firing }
	return !in(s.slot(Loss).Phase) && !in(s.slot(Unseen).Phase) && !in(s.slot(FlapRule).Phase)
}

// explains reports whether the item's trouble explains that of the named
// rule with what depends on it, and whether its alert is open. What is not
// told, or would not be told again, explains nothing: a silenced item, and
// one of which it is not known any more that it is lost.
func (it *item) explains(rule string) (yes, sure bool) {
	st := &it.status
	if it.row.row == nil || it.row.verdict.Expected != catalog.Yes {
		return false, false
	}
	lost, loss := st.Seen.State.Lost(), st.slot(Loss)
	switch {
	case lost && loss.Phase == Firing, st.flapping(),
		!lost && st.slot(Unseen).Phase == Firing && (rule == Unseen || st.Key.Kind == event.Host):
		return true, true
	case lost && loss.Phase == Held && loss.Silence == "":
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
func (e *Engine) relate(it *item, ev event.Event, snap *Snapshot) {
	if it.status.calm() && (ev.ID == "" || ev.Observation.State == event.Up) {
		return
	}
	r := Related{Cause: e.cause(it, Loss), Veil: e.cause(it, Unseen)}
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
			peers = append(peers, catalog.Peer{ID: id, State: p.status.Seen.State})
			loss := p.status.slot(Loss)
			unsure = unsure || loss.Phase == Held && loss.Silence == "" && loss.Cause == "" && !loss.gathered()
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
		if c == it || !yes || sure {
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

func (e *Engine) cause(it *item, rule string) Cause {
	c, sure := e.root(it, rule, 0)
	if c == nil {
		return Cause{}
	}
	return Cause{Key: c.status.Key, Severity: e.severity(c), Sure: sure, Due: c.status.slot(Loss).Due}
}

// severity is that of the item's trouble as a cause: as it was told, or as it
// will be.
func (e *Engine) severity(c *item) event.Severity {
	for _, name := range [...]string{Loss, FlapRule, Unseen} {
		if slot := c.status.slot(name); slot.Phase == Firing {
			return slot.Severity
		}
	}
	return e.severityNow(c, Loss)
}

func (e *Engine) severityNow(it *item, rule string) event.Severity {
	snap := it.snapshot()
	peers, _ := e.peersOf(it)
	snap.Related = &Related{Peers: peers}
	return SeverityOf(impact(&it.status, snap, rule))
}

// maxAffectedBytes bounds the keys in one alert, so that it stays far below
// event.MaxEvent whatever the names are.
const maxAffectedBytes = 32 << 10

// affected lists what the item explains.
func (e *Engine) affected(it *item) (list []event.Affected, count int) {
	if yes, _ := it.explains(Unseen); !yes {
		return nil, 0
	}
	h := it.home
	scope := h.heirs
	if it == h.self {
		scope = h.items
	}
	rank := e.severity(it).Rank()
	for _, x := range scope {
		for _, name := range [...]string{Loss, Unseen} {
			slot := x.status.slot(name)
			if x == it || slot.Phase != Held || slot.Silence != "" || slot.gathered() {
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
	if e.behind[it.status.Key] > 0 { // else all items would be gone through for every heartbeat that is lost
		for _, x := range e.items {
			if seen := x.status.Seen; seen.Behind == it.status.Key && !x.status.Gone {
				list = append(list, event.Affected{Key: seen.Key, State: seen.State, Since: seen.At})
			}
		}
	}
	count = len(list)
	slices.SortFunc(list, func(a, b event.Affected) int { return compareKeys(a.Key, b.Key) })
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

// hide notes that an item is behind another one than before; a zero key: none.
func (e *Engine) hide(before, after event.Key) {
	if before == after {
		return
	}
	if before != (event.Key{}) {
		if e.behind[before]--; e.behind[before] == 0 {
			delete(e.behind, before)
		}
	}
	if after != (event.Key{}) {
		e.behind[after]++
	}
}

// stir notes that what became of the item may concern others: their answers
// must not depend on which of two that are due at once is asked first.
func (e *Engine) stir(it *item, after *Status) {
	before := &it.status
	if before.Seen.State == after.Seen.State && before.slot(Loss).seems() == after.slot(Loss).seems() &&
		before.slot(Unseen).seems() == after.slot(Unseen).seems() && before.flapping() == after.flapping() {
		return
	}
	if h := it.home; len(h.heirs) > 0 || h.self == it {
		e.stirred = append(e.stirred, it)
	}
}

// looks is what other items go by in a slot: see explains and peersOf.
type looks struct {
	phase                      Phase
	silenced, caused, gathered bool
}

func (slot *Slot) seems() looks {
	if slot.Phase != Held {
		return looks{phase: slot.Phase}
	}
	return looks{Held, slot.Silence != "", slot.Cause != "", slot.gathered()}
}
