package rules

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dswatch/event"
)

// digest is one alert that stands for many of one rule and one audience. Its
// record comes before those of its members, and who the members are is in
// theirs: so whatever a crash left undone, nobody's trouble is without a
// digest that knows of it.
type digest struct {
	Key    event.Key `json:"key"`
	Rule   string    `json:"rule"` // of the members
	Slot   Slot      `json:"slot"`
	Total  int       `json:"total,omitempty"` // how many alerts it has stood for
	Told   int       `json:"told,omitempty"`  // how many it stood for when it was told last
	Last   time.Time `json:"last,omitzero"`   // when that was
	Joined time.Time `json:"joined,omitzero"` // when the last one joined
	// Joining are the ids of those alerts in Total whose own records are
	// stored after this one. What a crash kept from being stored joins again,
	// and must not count twice.
	Joining []string `json:"joining,omitempty"`
	Trail   Trail    `json:"trail,omitempty"`

	revision uint64
	settled  bool // the stored record names nobody in Joining
	members  map[*item]bool
	news     bool      // something that has not been told
	stuck    time.Time // members could not be released before this: nothing is known about them
	dirty    bool
}

// digestPrefix marks the records of digests among those of items.
const digestPrefix = "storm."

func (d *digest) record() (Record, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return Record{}, fmt.Errorf("encode digest %s: %w", d.Key, err)
	}
	return Record{Key: digestPrefix + d.Key.Hash(), Value: b, Revision: d.revision}, nil
}

// decodeDigest reads what record wrote and refuses what cannot be acted on.
func decodeDigest(b []byte) (*digest, error) {
	d := &digest{members: map[*item]bool{}}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("decode digest: %w", err)
	}
	if err := d.Key.Validate(); err != nil {
		return nil, fmt.Errorf("decode digest: %w", err)
	}
	switch p := d.Slot.Phase; {
	case !slices.Contains([]Phase{Quiet, Held, Firing, Settled}, p):
		return nil, fmt.Errorf("decode digest %s: phase %q is none of ours", d.Key, p)
	case d.Slot.ID == "":
		return nil, fmt.Errorf("decode digest %s: no id", d.Key)
	case (p == Firing || p == Settled) && d.Slot.Seq < 1:
		return nil, fmt.Errorf("decode digest %s: phase %s without an alert", d.Key, p)
	case d.Rule == "":
		return nil, fmt.Errorf("decode digest %s: no rule", d.Key)
	}
	return d, nil
}

func newStorm(host string) *Storm {
	return &Storm{host: cmp.Or(host, "fleet"), rising: map[string][]time.Time{}, groups: map[event.Key]*digest{}}
}

// loadDigest takes a stored digest.
func (e *Engine) loadDigest(now time.Time, r Record) {
	d, err := decodeDigest(r.Value)
	if err != nil {
		e.Log.Error("a stored digest is unreadable; its members get a new one", "key", r.Key, "error", err)
		return
	}
	d.revision = r.Revision
	d.bound(now, e.Set.Storm)
	e.storm.groups[d.Key] = d
}

// bound moves what lies further away than the settings allow.
func (d *digest) bound(now time.Time, set StormSettings) {
	if d.Joined.After(now) {
		d.Joined = now
	}
	if d.Last.After(now) {
		d.Last = now
	}
	if latest := now.Add(max(set.Every, gathering)); d.Slot.Due.After(latest) {
		d.Slot.Due = latest
	}
}

// gatherMembers finds, among the items just loaded, who belongs to which
// digest, and how many alerts rose lately.
func (e *Engine) gatherMembers(now time.Time) {
	var rose []rising
	for _, it := range e.items {
		for _, name := range ruleNames() {
			slot := it.status.slot(name)
			if slot.gathered() {
				e.adopt(now, it, name)
			}
			if (slot.gathered() || slot.Phase == Firing) && now.Sub(slot.Raised) <= e.Set.Storm.Window {
				rose = append(rose, rising{slot.Raised, name})
			}
		}
	}
	slices.SortFunc(rose, func(a, b rising) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.rule, b.rule)) })
	for _, r := range rose {
		e.storm.count(r.at, r.rule, e.Set.Storm.Alerts)
	}
	e.recount()
	for _, d := range e.storm.groups {
		d.Total = max(d.Total, len(d.members))
		d.news = d.Slot.Phase == Firing && len(d.members) != d.Told
		d.Slot.boundRound(now, e.hearers(now, d))
	}
}

// recount takes back those that were about to join when the program stopped.
func (e *Engine) recount() {
	joined := map[string]string{} // alert -> digest
	for _, it := range e.items {
		for _, name := range ruleNames() {
			if slot := it.status.slot(name); slot.Digest != "" {
				joined[it.status.AlertID(name)] = slot.Digest
			}
		}
	}
	for _, d := range e.storm.groups {
		for _, id := range d.Joining {
			if joined[id] != d.Slot.ID {
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
	slot := it.status.slot(rule)
	for _, d := range e.storm.groups {
		if d.Slot.ID == slot.Digest && (d.Slot.Phase == Held || d.Slot.Phase == Firing) {
			d.members[it] = true
			return
		}
	}
	sinks := names(e.Set.targets(now, subject(&it.status, e.sight(it), rule), it.row.sinks, nil))
	d := e.open(now, rule, slot.Digest, sinks)
	d.members[it] = true
	d.Total++
	if slot.Digest != d.Slot.ID {
		it.status.own(rule).Digest = d.Slot.ID
		e.touch(it)
	}
}

// open returns the open digest of a rule and audience, or opens one with id.
func (e *Engine) open(now time.Time, rule, id string, sinks []string) *digest {
	key := e.storm.group(rule, sinks)
	d := e.storm.groups[key]
	if d == nil {
		d = &digest{Key: key, Rule: rule}
		e.storm.groups[key] = d
	}
	if d.Slot.Phase != Held && d.Slot.Phase != Firing {
		if d.Slot.ID == id { // its end was stored, that of a member was not
			id = event.AlertID(key, event.RuleStorm, "again/"+id)
		}
		d.members, d.Total, d.Told, d.Joined, d.Last, d.Joining = map[*item]bool{}, 0, 0, now, now, nil
		d.Slot = Slot{Phase: Held, Since: now, Due: now.Add(gathering), ID: id, Turn: d.Slot.Turn + 1, Sinks: sinks, Severity: event.Warning, Impact: event.VisibilityLost}
	}
	d.dirty = true
	return d
}

// touch notes that an item has to be stored.
func (e *Engine) touch(it *item) {
	if !it.dirty {
		it.dirty = true
		e.dirty = append(e.dirty, it)
	}
}

// follow keeps digests and counts in step with what was decided about an
// item. Its status is still the old one.
func (e *Engine) follow(it *item, after *Status, decisions []Decision) {
	if len(decisions) == 0 && it.status.Seen.State == after.Seen.State {
		return
	}
	now := e.now()
	for _, name := range ruleNames() {
		before, slot := it.status.slot(name), after.slot(name)
		was, is := before.gathered(), slot.gathered()
		if was && (!is || before.Digest != slot.Digest) {
			for _, d := range e.storm.groups {
				if d.Slot.ID == before.Digest {
					delete(d.members, it)
					d.news = true
					d.dirty = d.dirty || !d.settled // before it is forgotten who it was
				}
			}
		}
		switch i := slices.IndexFunc(decisions, func(d Decision) bool {
			return d.Rule == name && (d.Outcome == Raised || d.Outcome == Gathered)
		}); {
		case i >= 0 && !e.releasing:
			e.storm.count(now, name, e.Set.Storm.Alerts)
			fallthrough
		case i >= 0:
			if is {
				d := e.open(now, name, slot.Digest, decisions[i].Sinks)
				d.members[it], d.Joined, d.news = true, now, true
				d.Total++
				d.Joining = append(d.Joining, after.AlertID(name))
				e.joining++
				it.told = true // it has joined before anything else becomes of it
			}
		case was && is && it.status.Seen.State != after.Seen.State:
			for _, d := range e.storm.groups {
				d.news = d.news || d.Slot.ID == slot.Digest
			}
		}
	}
}

// digestDue returns when a digest has something to tell; zero: never, unless
// something happens.
func (e *Engine) digestDue(d *digest) time.Time {
	set := e.Set.Storm
	if d.Slot.Phase != Firing {
		return d.Slot.Due
	}
	due := d.Slot.Due
	if len(d.members) == 0 {
		return earlier(due, d.Joined.Add(set.Window))
	}
	if d.news {
		due = earlier(due, d.Last.Add(set.Every))
	}
	if len(d.members) <= e.leftovers() {
		release := d.Joined.Add(set.Settle)
		if release.Before(d.stuck) {
			release = d.stuck
		}
		due = earlier(due, release)
	}
	return due
}

// leftovers is how many members of a digest may become alerts of their own.
func (e *Engine) leftovers() int {
	if e.Set.Storm.Alerts == 0 {
		return 20 // switched off while a digest was open; the default of the documentation
	}
	return e.Set.Storm.Alerts
}

// nextDigest is when the first of them has something to tell.
func (e *Engine) nextDigest() (due time.Time) {
	for _, d := range e.storm.groups {
		due = earlier(due, e.digestDue(d))
	}
	return due
}

// tellDigests tells what is due, and releases what has lasted longer than its
// storm.
func (e *Engine) tellDigests(ctx context.Context) error {
	now := e.now()
	var ripe []*digest
	for _, d := range e.digests() {
		if due := e.digestDue(d); !due.IsZero() && !due.After(now) {
			ripe = append(ripe, d)
		}
	}
	for _, d := range ripe {
		// Before its end everybody is told what goes on: no moment is silent.
		if err := e.release(ctx, now, d); err != nil {
			return err
		}
		e.advance(now, d)
		if err := e.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// release raises the members of a digest one by one once its storm is over.
func (e *Engine) release(ctx context.Context, now time.Time, d *digest) error {
	if d.Slot.Phase != Firing || len(d.members) == 0 || len(d.members) > e.leftovers() ||
		now.Before(d.Joined.Add(e.Set.Storm.Settle)) || now.Before(d.stuck) {
		return nil
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	left := make([]*item, 0, len(d.members))
	for it := range d.members {
		left = append(left, it)
	}
	slices.SortFunc(left, func(a, b *item) int { return compareKeys(a.status.Key, b.status.Key) })
	e.releasing = true
	defer func() { e.releasing = false }()
	for _, it := range left {
		if err := e.redecide(ctx, it); err != nil {
			return err
		}
	}
	e.releasing = false
	if err := e.revise(ctx); err != nil {
		return err
	}
	d.stuck = now.Add(blindly)
	return e.flush(ctx)
}

// advance moves a digest to its next transition, if there is one.
func (e *Engine) advance(now time.Time, d *digest) {
	slot, set := &d.Slot, e.Set.Storm
	switch {
	case slot.Phase == Held && len(d.members) == 0:
		slot.Phase, slot.Due, d.dirty = Quiet, time.Time{}, true // over before anybody was told
	case slot.Phase == Held && !now.Before(slot.Due):
		e.tellDigest(now, d, event.Raised)
	case slot.Phase != Firing:
	case len(d.members) == 0 && !now.Before(d.Joined.Add(set.Window)):
		e.tellDigest(now, d, event.Cleared)
	case len(d.members) > 0 && d.news && !now.Before(d.Last.Add(set.Every)):
		e.tellDigest(now, d, event.Changed)
	case !slot.Due.IsZero() && !now.Before(slot.Due):
		if all := e.hearers(now, d); len(d.members) > 0 && len(slot.pick(now, all)) > 0 {
			e.tellDigest(now, d, event.Repeated)
		} else {
			slot.Due = e.digestWake(now, d, all)
		}
	}
}

// tellDigest records one transition and puts it into the outbox. Nothing else
// of the digest may be waiting to be stored.
func (e *Engine) tellDigest(now time.Time, d *digest, t event.Transition) {
	slot := &d.Slot
	slot.Seq++
	slot.Transition, slot.At, slot.Previous = t, now, slot.State
	if t != event.Unacknowledged {
		slot.Withdrawn = nil
	}
	why := fmt.Sprintf("stands for %d alerts", len(d.members))
	to, before := slot.Sinks, slot.Sinks
	switch t {
	case event.Cleared:
		slot.Phase, slot.State, slot.Due, slot.Round = Settled, event.Up, time.Time{}, nil
	case event.Acknowledged, event.Unacknowledged:
		why = slot.keeper()
		all := e.Set.audience(slot, nil)
		slot.plan(now, all, to)
		if slot.Due = e.digestWake(now, d, all); t == event.Unacknowledged {
			slot.resume() // an escalation may be overdue
		}
	default:
		if t == event.Raised {
			slot.Phase, slot.Started, slot.Raised = Firing, slot.Since, now
		}
		slot.State, slot.Severity, slot.Impact = e.worst(d)
		all := e.hearers(now, d)
		to = names(all)
		if t == event.Repeated {
			to = slot.pick(now, all)
		}
		slot.Sinks = names(all)
		if t == event.Raised {
			slot.Early = len(all)
		}
		slot.plan(now, all, to)
		slot.Due = e.digestWake(now, d, all)
	}
	d.Told, d.Last, d.news, d.dirty = len(d.members), now, false, true
	a := e.digestAlert(d)
	told := Decision{Rule: event.RuleStorm, Outcome: Outcome(t), Why: why, Alert: &a, Sinks: to}
	if t != event.Raised {
		if told.Late = late(to, before); told.Late != nil {
			f := e.Set.first(a, Snapshot{})
			told.First = &f
		}
	}
	e.tell(told)
	d.Trail = d.Trail.add(now, slot.State, []Decision{told})
	if e.OnDecision != nil {
		e.OnDecision(d.Key, told)
	}
}

// sight is what is known about an item, and about those on which the meaning
// of its loss depends.
func (e *Engine) sight(it *item) Snapshot {
	snap := it.snapshot()
	if len(it.row.peers) > 0 {
		peers, _ := e.peersOf(it)
		snap.Related = &Related{Peers: peers}
	}
	return snap
}

// hearers is everybody who hears of the digest from now on: who was told, and
// who would be told of its members if they were told one by one.
func (e *Engine) hearers(now time.Time, d *digest) []target {
	var routed []target
	for it := range d.members {
		for _, t := range e.Set.targets(now, subject(&it.status, e.sight(it), d.Rule), it.row.sinks, &d.Slot) {
			if !slices.ContainsFunc(routed, func(r target) bool { return r.sink == t.sink }) {
				routed = append(routed, t)
			}
		}
	}
	slices.SortFunc(routed, func(a, b target) int { return strings.Compare(a.sink, b.sink) })
	return e.Set.audience(&d.Slot, routed)
}

// digestWake is when the digest is told again, or somebody else hears of it.
func (e *Engine) digestWake(now time.Time, d *digest, all []target) time.Time {
	due := e.Set.wake(now, &d.Slot, all, Subject{})
	if !e.Set.timed() {
		return due
	}
	for it := range d.members {
		due = earlier(due, e.Set.turns(now, &d.Slot, subject(&it.status, e.sight(it), d.Rule)))
	}
	if !due.IsZero() && !due.After(now) {
		due = now.Add(blindly)
	}
	return due
}

// worst is what a digest says of its members as a whole.
func (e *Engine) worst(d *digest) (state event.State, severity event.Severity, lost event.Impact) {
	impacts := event.Impacts()
	worst := len(impacts)
	for it := range d.members {
		if s := it.status.Seen.State; state == "" || s == event.Down || s == event.Degraded && state != event.Down {
			state = s
		}
		i := impact(&it.status, e.sight(it), d.Rule)
		if n := slices.Index(impacts, i); n >= 0 {
			worst = min(worst, n)
		}
		if s := SeverityOf(i); s.Rank() > severity.Rank() {
			severity = s
		}
	}
	return state, severity, impacts[min(worst, len(impacts)-1)]
}

// digestAlert writes the digest's last transition as the sinks are told it.
func (e *Engine) digestAlert(d *digest) event.Alert {
	slot := &d.Slot
	a := event.Alert{
		ID: slot.ID, Seq: slot.Seq, Turn: slot.Turn, Transition: slot.Transition, Rule: event.RuleStorm, Key: d.Key,
		State: slot.State, Previous: slot.Previous, Severity: slot.Severity, Impact: slot.Impact,
		Language: e.Set.Language, Observer: e.storm.host, StartedAt: slot.Started, At: slot.At, Ack: slot.Ack, Withdrawn: slot.Withdrawn, AffectedCount: len(d.members),
	}
	if slot.Transition == event.Cleared {
		a.EndedAt, a.AffectedCount = slot.At, 0
		e.Set.writeStorm(&a, nil, d.Total)
		return a
	}
	members := make([]symptom, 0, len(d.members))
	statuses := make(map[event.Key]*Status, len(d.members))
	for it := range d.members {
		st := &it.status
		members = append(members, symptom{st.Key, d.Rule, st.Seen.State, SeverityOf(impact(st, e.sight(it), d.Rule)), st.slot(d.Rule).Since})
		statuses[st.Key] = st
	}
	for _, m := range affected(members) {
		a.Affected = append(a.Affected, event.Affected{Key: m.key, State: m.state, Severity: m.severity, Since: m.since, AlertID: statuses[m.key].AlertID(d.Rule)})
	}
	explained := e.symptoms(d)
	a.AffectedCount += len(explained)
	if len(a.Affected) == len(members) {
		size := 0
		for _, x := range a.Affected {
			size += sizeOf(x.Key)
		}
		for _, m := range affected(explained) {
			if size += sizeOf(m.key); len(a.Affected) == event.MaxAffected || size > event.MaxEvent/2 {
				break
			}
			a.Affected = append(a.Affected, event.Affected{Key: m.key, State: m.state, Severity: m.severity, Since: m.since})
		}
	}
	e.Set.writeStorm(&a, members, d.Total)
	if n := len(explained); n > 0 {
		a.Text += " " + explainedText(n, e.Set.Language == "ja")
	}
	return a
}

// symptoms are what the members of a digest explain: nobody else tells of it.
func (e *Engine) symptoms(d *digest) (out []symptom) {
	for it := range d.members {
		list, _ := e.affected(it)
		for _, x := range list {
			out = append(out, symptom{x.Key, d.Rule, x.State, x.Severity, x.Since})
		}
	}
	return out
}

// mostJoining bounds how many alerts join digests between two stores, so that
// a digest stays far below the largest message of the bus.
const mostJoining = 1024

// flushDigests stores every changed digest. It comes before the items are
// stored and before anybody is told.
func (e *Engine) flushDigests(ctx context.Context) error {
	e.joining = 0
	var changed []*digest
	var records []Record
	for _, d := range e.storm.groups {
		if !d.dirty {
			continue
		}
		r, err := d.record()
		if err != nil {
			return err
		}
		changed, records = append(changed, d), append(records, r)
	}
	if len(records) == 0 {
		return nil
	}
	revisions, err := e.Statuses.Save(ctx, records)
	if err != nil {
		return fmt.Errorf("store %d digests: %w", len(records), err)
	}
	for i, d := range changed {
		d.revision, d.dirty, d.settled = revisions[i], false, len(d.Joining) == 0
		d.Joining = nil
	}
	return nil
}

// shift moves every deadline of the storms by step.
func (s *Storm) shift(now time.Time, step time.Duration) {
	for _, d := range s.groups {
		if d.Slot.Phase != Held && d.Slot.Phase != Firing {
			continue
		}
		d.Slot.shift(now, step)
		d.Joined, d.Last, d.stuck, d.dirty = d.Joined.Add(step), d.Last.Add(step), d.stuck.Add(step), true
	}
	for _, rose := range s.rising {
		for i := range rose {
			rose[i] = rose[i].Add(step)
		}
	}
}

// Digest is an alert that stands for many.
type Digest struct {
	Key     event.Key
	Rule    string // of the alerts it stands for
	Slot    Slot
	Members int // that are open
	Total   int // that it has stood for
	Trail   Trail
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
		if d.Slot.Phase == Firing {
			found.Names = e.digestAlert(d).Affected
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
		if d.Slot.Phase == Firing {
			each(Digest{Key: d.Key, Rule: d.Rule, Slot: d.Slot, Members: len(d.members), Total: d.Total})
		}
	}
}

// digests are all that there are or were, in the order of keys.
func (e *Engine) digests() []*digest {
	all := make([]*digest, 0, len(e.storm.groups))
	for _, d := range e.storm.groups {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *digest) int { return compareKeys(a.Key, b.Key) })
	return all
}

// openDigest returns the open digest whose id begins with id, or nil.
func (e *Engine) openDigest(id string) *digest {
	for _, d := range e.storm.groups {
		if id != "" && d.Slot.Phase == Firing && strings.HasPrefix(d.Slot.ID, id) {
			return d
		}
	}
	return nil
}

// acknowledgeDigest notes that somebody looks after all that it stands for,
// or does not any more.
func (e *Engine) acknowledgeDigest(ctx context.Context, d *digest, q ack) error {
	if !q.withdraw && repeats(d.Slot.Ack, q.ack) {
		return nil
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	if q.withdraw {
		d.Slot.Ack, d.Slot.Withdrawn = nil, &q.ack
		e.tellDigest(e.now(), d, event.Unacknowledged)
	} else {
		d.Slot.Ack = &q.ack
		e.tellDigest(e.now(), d, event.Acknowledged)
	}
	return e.flush(ctx)
}
