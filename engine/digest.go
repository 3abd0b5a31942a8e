package engine

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// digest is one digest with who its members are.
type digest struct {
	*rules.Digest
	revision uint64
	settled  bool // the stored record names nobody in Joining
	members  map[*item]bool
	dirty    bool
}

// DigestPrefix marks the records of digests among those of items.
const DigestPrefix = "storm."

// loadDigest takes a stored digest.
func (e *Engine) loadDigest(now time.Time, r Record) {
	stored, err := rules.DecodeDigest(r.Value)
	if err != nil {
		e.Log.Error("a stored digest is unreadable; its members get a new one", "key", r.Key, "error", err)
		return
	}
	stored.Bound(now, e.Set.Storm)
	e.keepDigest(stored).revision = r.Revision
}

// keepDigest takes up a digest that has no members yet.
func (e *Engine) keepDigest(d *rules.Digest) *digest {
	e.storm.Add(d)
	e.groups[d.Key] = &digest{Digest: d, members: map[*item]bool{}}
	return e.groups[d.Key]
}

// spokenFor are the members of a digest.
func (e *Engine) spokenFor(d *digest) rules.Members {
	now, hushed, first := e.now(), map[*item]bool{}, time.Time{}
	if len(e.silences)+len(e.Set.Windows) > 0 || d.For != "" {
		for it := range d.members {
			if d.For != "" && it.status.Slot(d.Rule).Ack != nil { // what somebody looks after is not told to who comes
				hushed[it] = true
				continue
			}
			snap := e.sight(it)
			snap.Silences = e.silences
			if id, until := e.Set.QuietedBy(now, &it.status, snap, d.Rule); id != "" {
				hushed[it], first = true, rules.Earlier(first, until)
			}
		}
	}
	return rules.Members{Count: len(d.members) - len(hushed), Silenced: len(hushed), Until: first, Observer: cmp.Or(e.Host, "fleet"),
		Each: func(yield func(*rules.Status, rules.Snapshot) bool) {
			for it := range d.members {
				if !hushed[it] && !yield(&it.status, e.sight(it)) {
					return
				}
			}
		},
		Explained: func() (out []event.Affected) {
			for it := range d.members {
				if !hushed[it] {
					list, _ := e.affected(it)
					out = append(out, list...)
				}
			}
			return out
		},
	}
}

// gatherMembers finds, among the items just loaded, who belongs to which
// digest, and how many alerts rose lately.
func (e *Engine) gatherMembers(now time.Time) {
	var rose []rising
	for _, it := range e.items {
		for _, name := range rules.RuleNames() {
			slot := it.status.Slot(name)
			if slot.Gathered() {
				e.adopt(now, it, name)
			}
			e.adoptFor(now, it, name)
			if (slot.Gathered() || slot.Phase == rules.Firing) && now.Sub(slot.Raised) <= e.Set.Storm.Window {
				rose = append(rose, rising{slot.Raised, name})
			}
		}
	}
	slices.SortFunc(rose, func(a, b rising) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.rule, b.rule)) })
	for _, r := range rose {
		e.storm.Count(r.at, r.rule, e.Set.Storm.Alerts)
	}
	e.recount()
	for _, d := range e.groups {
		e.Set.Resumed(now, d.Digest, e.spokenFor(d), e.fresh)
	}
	e.meetNewcomers(now)
}

// recount takes back those that were about to join when the program stopped.
func (e *Engine) recount() {
	joined := map[[2]string]bool{} // alert and digest
	for _, it := range e.items {
		for _, name := range rules.RuleNames() {
			slot := it.status.Slot(name)
			if slot.Digest != "" {
				joined[[2]string{it.status.AlertID(name), slot.Digest}] = true
			}
			for _, t := range slot.Through {
				joined[[2]string{it.status.AlertID(name), t.Digest}] = true
			}
		}
	}
	for _, d := range e.groups {
		for _, id := range d.Joining {
			if !joined[[2]string{id, d.Slot.ID}] {
				d.Total--
			}
		}
		d.Joining = nil
	}
}

type rising struct {
	at   time.Time
	rule string
}

// adopt gives a stored member to its digest. There should be one; where a
// power loss took it away, or another id has taken its place, the group's
// digest speaks for it.
func (e *Engine) adopt(now time.Time, it *item, rule string) {
	slot := it.status.Slot(rule)
	for _, d := range e.groups {
		if d.Slot.ID == slot.Digest && d.Open() {
			d.members[it] = true
			return
		}
	}
	sinks := e.Set.Audience(now, &it.status, e.sight(it), rule)
	d := e.open(now, rule, slot.Digest, sinks)
	d.members[it] = true
	d.Total++
	if slot.Digest != d.Slot.ID {
		it.status.Join(rule, d.Slot.ID)
		e.touch(it)
	}
}

// open returns the open digest of a rule and audience, or opens one with id.
func (e *Engine) open(now time.Time, rule, id string, sinks []string) *digest {
	key := e.storm.Group(rule, sinks)
	d := e.groups[key]
	if d == nil {
		d = e.keepDigest(&rules.Digest{Key: key, Rule: rule})
	}
	if !d.Open() {
		d.Begin(now, id, sinks)
		d.members = map[*item]bool{}
	}
	d.dirty = true
	return d
}

// touch notes that an item has to be stored.
func (e *Engine) touch(it *item) {
	e.changes.Add(1)
	if !it.dirty {
		it.dirty = true
		e.dirty = append(e.dirty, it)
	}
}

// follow keeps digests and counts in step with what was decided about an
// item. Its status is still the old one.
func (e *Engine) follow(it *item, after *rules.Status, decisions []rules.Decision) {
	if len(decisions) == 0 && it.status.Seen.State == after.Seen.State {
		return
	}
	now := e.now()
	for _, name := range rules.RuleNames() {
		before, slot := it.status.Slot(name), after.Slot(name)
		was, is := before.Gathered(), slot.Gathered()
		if was && (!is || before.Digest != slot.Digest) {
			for _, d := range e.groups {
				if d.Slot.ID == before.Digest {
					e.dismiss(d, it)
				}
			}
		}
		e.parted(it, name, slot)
		switch i := slices.IndexFunc(decisions, func(d rules.Decision) bool {
			return d.Rule == name && (d.Outcome == rules.Raised || d.Outcome == rules.Gathered)
		}); {
		case i >= 0 && e.releasing == nil:
			e.storm.Count(now, name, e.Set.Storm.Alerts)
			fallthrough
		case i >= 0:
			if is {
				d := e.open(now, name, slot.Digest, decisions[i].Sinks)
				d.members[it], d.Joined, d.News = true, now, true
				d.Total++
				d.Joining = append(d.Joining, after.AlertID(name))
				e.joining++
				it.inRound = true // it has joined before anything else becomes of it
			}
		default:
			for _, d := range e.groups {
				seen := d.For == "" && it.status.Seen.State != after.Seen.State || d.For != "" && before.State != slot.State
				d.News = d.News || seen && d.Rule == name && d.members[it]
			}
		}
	}
}

// rising lets a digest look at once whether it has to say more than it said,
// where one of its members has become worse than that.
func (e *Engine) rising(it *item) {
	for _, d := range e.groups {
		if d.Slot.Phase != rules.Firing || !d.members[it] {
			continue
		}
		snap := it.snapshot()
		peers, unsure := e.peersOf(it)
		snap.Related = &rules.Related{Peers: peers}
		if !unsure && rules.SeverityOf(rules.Impact(&it.status, snap, d.Rule)).Rank() > d.Slot.Severity.Rank() {
			d.Risen = true
		}
	}
}

// nextDigest is when the first of them has something to tell.
func (e *Engine) nextDigest() (due time.Time) {
	for _, d := range e.groups {
		due = rules.Earlier(due, d.Due(e.Set.Storm, len(d.members)))
	}
	return due
}

// tellDigests tells what is due, and releases what has lasted longer than its
// storm.
func (e *Engine) tellDigests() {
	now := e.now()
	var ripe []*digest
	for _, d := range e.digests() {
		if due := d.Due(e.Set.Storm, len(d.members)); !due.IsZero() && !due.After(now) {
			ripe = append(ripe, d)
		}
	}
	for _, d := range ripe {
		// Before its end everybody is told what goes on: no moment is silent.
		e.release(now, d)
		decisions, changed := e.Set.Advance(now, d.Digest, e.spokenFor(d))
		d.dirty = d.dirty || changed
		e.said(d, decisions)
		e.closeRound()
		e.seen(d, decisions)
	}
}

// seen ends what was told of members that could not be seen, once their digest
// has told that they are lost.
func (e *Engine) seen(d *digest, decisions []rules.Decision) {
	if len(decisions) == 0 || d.Rule != rules.Loss {
		return
	}
	for _, it := range d.sorted() {
		if it.status.Slot(rules.Unseen).Phase == rules.Firing {
			e.redecide(it)
		}
	}
	e.revise()
	e.closeRound()
}

// sorted are the members in the order of their keys.
func (d *digest) sorted() []*item {
	return slices.SortedFunc(maps.Keys(d.members), func(a, b *item) int { return compareKeys(a.status.Key, b.status.Key) })
}

// release raises the members of a digest one by one once its storm is over.
func (e *Engine) release(now time.Time, d *digest) {
	if !d.Releases(now, e.Set.Storm, len(d.members)) {
		return
	}
	e.closeRound()
	left := d.sorted()
	e.releasing = d
	defer func() { e.releasing = nil }()
	for _, it := range left {
		if d.For != "" {
			e.alone(d, it)
		}
		e.redecide(it)
	}
	e.releasing = nil
	e.revise()
	d.Kept(now)
	e.closeRound()
}

// said notes what has to be told of what was decided about a digest. Nothing
// else of it may be waiting to be stored.
func (e *Engine) said(d *digest, decisions []rules.Decision) {
	for _, one := range decisions {
		d.dirty = true
		e.tell(one, e.replays(one, d.Slot.Told(), func() (routed []string) {
			for it := range d.members {
				routed = append(routed, e.Set.Audience(e.now(), &it.status, e.sight(it), d.Rule)...)
			}
			return routed
		}))
		if e.OnDecision != nil {
			e.OnDecision(d.Key, one)
		}
	}
}

// sight is what is known about an item, and about those on which the meaning
// of its loss depends.
func (e *Engine) sight(it *item) rules.Snapshot {
	snap := it.snapshot()
	if len(it.row.peers) > 0 {
		peers, _ := e.peersOf(it)
		snap.Related = &rules.Related{Peers: peers}
	}
	return snap
}

// mostJoining bounds how many alerts join digests between two stores, so that
// a digest stays far below the largest message of the bus.
const mostJoining = 1024

// changedDigests adds what is to be stored of digests to all.
func (e *Engine) changedDigests(all []write) []write {
	e.joining = 0
	for _, d := range e.groups {
		if !d.dirty {
			continue
		}
		value, err := d.Encode()
		if err != nil {
			e.broken = err
		}
		all = append(all, write{DigestPrefix + d.Key.Hash(), value, &d.revision, true})
		d.dirty, d.settled = false, len(d.Joining) == 0
		d.Joining = nil
	}
	return all
}

// Digest is an alert that stands for many.
type Digest struct {
	Key     event.Key
	Rule    string // of the alerts it stands for
	Slot    rules.Slot
	Members int // that are open
	Total   int // that it has stood for
	Trail   rules.Trail
	Names   []event.Affected // of members, with their alerts; only from FindDigest
}

// FindDigest returns the digest whose id begins with id. One that is over is
// found until its audience has another one.
func (e *Engine) FindDigest(id string) (Digest, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.digests() {
		if id == "" || d.Slot.Seq == 0 || !strings.HasPrefix(d.Slot.ID, id) {
			continue
		}
		found := Digest{Key: d.Key, Rule: d.Rule, Slot: d.Slot, Members: len(d.members), Total: d.Total, Trail: d.Trail}
		if d.Slot.Phase == rules.Firing {
			found.Names = e.Set.DigestAlert(d.Digest, e.spokenFor(d)).Affected
		}
		return found, true
	}
	return Digest{}, false
}

// Digests calls each with every open digest, in the order of keys. It must
// return quickly.
func (e *Engine) Digests(each func(Digest)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.digests() {
		if d.Slot.Phase == rules.Firing {
			each(Digest{Key: d.Key, Rule: d.Rule, Slot: d.Slot, Members: len(d.members), Total: d.Total})
		}
	}
}

// digests are all that there are or were, in the order of keys.
func (e *Engine) digests() []*digest {
	all := make([]*digest, 0, len(e.groups))
	for _, d := range e.groups {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *digest) int { return compareKeys(a.Key, b.Key) })
	return all
}

// openDigest returns the open digest whose id begins with id, or nil.
func (e *Engine) openDigest(id string) *digest {
	for _, d := range e.groups {
		if id != "" && d.Slot.Phase == rules.Firing && strings.HasPrefix(d.Slot.ID, id) {
			return d
		}
	}
	return nil
}

// acknowledgeDigest notes that somebody looks after all that it stands for,
// or does not any more.
func (e *Engine) acknowledgeDigest(d *digest, q ack) {
	e.closeRound()
	if q.withdraw {
		e.ackMembers(d, q)
		e.said(d, e.Set.WithdrawDigest(e.now(), d.Digest, e.spokenFor(d), q.ack))
		return
	}
	e.said(d, e.Set.AcknowledgeDigest(e.now(), d.Digest, e.spokenFor(d), q.ack))
	e.ackMembers(d, q)
}

// ackMembers does the same for the alerts of the digest that others were told one by one.
func (e *Engine) ackMembers(d *digest, q ack) {
	for _, it := range d.sorted() {
		if slot := it.status.Slot(d.Rule); slot.Phase == rules.Firing && q.withdraw == (slot.Ack != nil) {
			e.acked(it, d.Rule, q)
		}
	}
	e.closeRound()
}
