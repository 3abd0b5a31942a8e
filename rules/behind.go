package rules

import (
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/event"
)

// A power loss may take the last writes of each store by itself, so a sink
// can know more of an alert than what is stored. What it knows is the truth:
// it cannot be taken back. An alert of which too little is stored ends, and
// what still lasts is raised anew.

// orphans are alerts that sinks hold open and of whose items nothing is
// stored: slot -> sink -> what it knows. An item that appears takes its own.
type orphans map[string]map[string]known

func (o orphans) add(slot, sink string, k known) {
	if o[slot] == nil {
		o[slot] = map[string]known{}
	}
	o[slot][sink] = k
}

// firing returns whether the sink holds any alert of the slot open.
func (k known) firing() bool {
	for _, t := range k {
		if t.firing {
			return true
		}
	}
	return false
}

// latest returns the alert that came last.
func (k known) latest() (id string, last told) {
	for i, t := range k {
		if id == "" || t.turn > last.turn {
			id, last = i, t
		}
	}
	return id, last
}

// catchUp moves the slot to where a sink says that it was, and reports
// whether it was behind. Of an alert of which nothing else is known the
// audience may have heard, too: what other sinks know may be lost as well.
func (slot *Slot) catchUp(now time.Time, sink string, k known, audience []string) (behind bool) {
	id, newest := slot.ID, told{seq: slot.Seq, at: slot.At}
	if t := k[slot.ID]; t.seq > newest.seq && slot.Transition != event.Cleared {
		newest = t
	}
	if last, t := k.latest(); slot.ID == "" || t.turn > slot.Turn {
		id, newest = last, t
	}
	switch {
	case id == slot.ID && newest.seq == slot.Seq:
		// Whoever holds it open is owed its end.
		if slot.ID == "" || !k[id].firing || slices.Contains(slot.Sinks, sink) {
			return false
		}
		slot.Sinks = append(slices.Clone(slot.Sinks), sink)
		return true
	case id == slot.ID && newest.firing && slot.Phase == Firing:
		slot.Seq = newest.seq
		if !slices.Contains(slot.Sinks, sink) {
			slot.Sinks = append(slices.Clone(slot.Sinks), sink)
		}
		slot.Round = nil // who heard of it is not known any more
		return true
	case id != slot.ID:
		slot.ID, slot.Turn, slot.Sinks = id, newest.turn, append([]string{sink}, late(audience, []string{sink})...)
		if slot.Severity == "" {
			slot.Severity, slot.Impact = event.Warning, event.VisibilityLost
		}
		slot.Started, slot.Raised = newest.at, newest.at
	}
	slot.Seq, slot.At = newest.seq, newest.at
	if newest.firing {
		slot.Seq = newest.end()
		if newest.at.Before(now) { // else the clock was set back; what is newest stays so
			slot.At = now
		}
	}
	slot.Transition, slot.Previous, slot.State = event.Cleared, slot.State, event.Up
	if slot.Previous == "" || slot.Previous == event.Up {
		slot.Previous = event.Unknown
	}
	slot.Round, slot.Ack, slot.Withdrawn, slot.Spoke, slot.Early = nil, nil, nil, nil, len(slot.Sinks)
	if slot.Phase != Held {
		slot.Phase, slot.Due, slot.Well, slot.Silence = Settled, time.Time{}, time.Time{}, ""
	}
	return true
}

// catchUp moves what is stored to where a sink says that it was. What it
// knows of items that are not stored is noted.
func (e *Engine) catchUp(now time.Time, sink string, slots map[string]known) (behind bool) {
	left := maps.Clone(slots)
	for _, it := range e.items {
		for _, rule := range ruleNames() {
			if it.status.slot(rule).ID != "" {
				behind = e.follows(now, it, rule, sink, left) || behind
			}
		}
	}
	for _, d := range e.digests() {
		behind = e.digestFollows(now, d, sink, left) || behind
	}
	for name, k := range left {
		if !k.firing() {
			delete(left, name)
		}
	}
	if len(left) == 0 {
		return behind
	}
	for _, it := range e.items {
		for _, rule := range ruleNames() {
			if it.status.slot(rule).ID == "" {
				behind = e.follows(now, it, rule, sink, left) || behind
			}
		}
	}
	for name, k := range left {
		e.orphans.add(name, sink, k)
	}
	return behind
}

// follows moves one slot of an item, and takes what concerns it from left.
func (e *Engine) follows(now time.Time, it *item, rule, sink string, left map[string]known) bool {
	name := event.Alert{Key: it.status.Key, Rule: rule}.Slot()
	k, ok := left[name]
	delete(left, name)
	if !ok {
		return false
	}
	slot := *it.status.slot(rule)
	if !slot.catchUp(now, sink, k, e.Set.Told(now, subject(&it.status, e.sight(it), rule), it.snapshot().Sinks)) {
		return false
	}
	if rule == FlapRule {
		f := Flap{}
		if it.status.Flap != nil {
			f = *it.status.Flap
		}
		if f.Slot = slot; slot.Phase != Firing {
			f.Until, f.Flips = time.Time{}, nil
		}
		it.status.Flap = &f
	} else {
		it.status.keep(rule, &slot)
	}
	e.touch(it)
	e.schedule(it)
	return true
}

// digestFollows is follows for a digest. Its members get another one, where it
// is over, once everybody is told its end; see reconcile.
func (e *Engine) digestFollows(now time.Time, d *digest, sink string, left map[string]known) bool {
	name := event.Alert{Key: d.Key, Rule: event.RuleStorm}.Slot()
	k, ok := left[name]
	delete(left, name)
	if t, used := k[d.Slot.ID]; d.Slot.Phase == Held { // it was opened anew with an id that nothing stored had told
		if !used {
			return false
		}
		d.Slot.Phase, d.Slot.Started, d.Slot.Raised = Settled, t.at, t.at
	}
	if !ok || !d.Slot.catchUp(now, sink, k, d.Slot.Sinks) {
		return false
	}
	d.dirty = true
	return true
}

// regroup gives the members of digests that are over another one.
func (e *Engine) regroup(now time.Time) {
	for _, d := range e.digests() {
		if d.Slot.Phase == Held || d.Slot.Phase == Firing {
			continue
		}
		members := d.members
		d.members = map[*item]bool{}
		for it := range members {
			it.status.own(d.Rule).Digest = d.Slot.ID
			e.touch(it)
			e.adopt(now, it, d.Rule)
		}
	}
}

// adoptOrphans gives a new item the alerts that sinks still hold open of it,
// and ends them.
func (e *Engine) adoptOrphans(it *item) {
	for _, rule := range ruleNames() {
		name := event.Alert{Key: it.status.Key, Rule: rule}.Slot()
		of := e.orphans[name]
		delete(e.orphans, name)
		for again := len(of) > 0; again; {
			again = false
			for _, sink := range slices.Sorted(maps.Keys(of)) {
				again = again || e.follows(e.now(), it, rule, sink, map[string]known{name: of[sink]})
			}
		}
		if len(of) == 0 {
			continue
		}
		if err := e.owe(it, rule, of); err != nil {
			e.Log.Error("an alert cannot be encoded", "item", it.status.Key, "error", err)
		}
		it.told = true
	}
}

// owe puts what each sink misses of an item's slot.
func (e *Engine) owe(it *item, rule string, of map[string]known) error {
	slot := it.status.slot(rule)
	last := e.Set.alert(&it.status, it.snapshot(), rule)
	for _, sink := range slot.Sinks {
		for _, a := range e.Set.missing(last, slot.needed(sink), it.snapshot(), of[sink]) {
			if err := e.put(a, sink); err != nil {
				return err
			}
		}
	}
	for sink, k := range of {
		if slices.Contains(slot.Sinks, sink) {
			continue
		}
		for _, a := range e.Set.over(last, it.snapshot(), k) {
			if err := e.put(a, sink); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxAudience bounds how many audiences are tried for a digest that was lost.
const maxAudience = 8

// lostDigests ends digests that sinks hold open and of which nothing is
// stored, and reports whether there were any. Their names follow from a rule
// and an audience.
func (e *Engine) lostDigests(now time.Time, all []string) (found bool) {
	any := false
	for name := range e.orphans {
		any = any || strings.HasSuffix(name, "."+event.RuleStorm)
	}
	if !any {
		return false
	}
	all = all[:min(len(all), maxAudience)]
	for set := range 1 << len(all) {
		var audience []string
		for i, name := range all {
			if set>>i&1 == 1 {
				audience = append(audience, name)
			}
		}
		for _, rule := range ruleNames() {
			key := e.storm.group(rule, audience)
			name := event.Alert{Key: key, Rule: event.RuleStorm}.Slot()
			sinks := e.orphans[name]
			delete(e.orphans, name)
			for sink, k := range sinks {
				d := e.storm.groups[key]
				if d == nil {
					d = &digest{Key: key, Rule: rule, members: map[*item]bool{}}
					e.storm.groups[key] = d
				}
				if d.Slot.catchUp(now, sink, k, audience) {
					d.dirty, found = true, true
				}
			}
		}
	}
	return found
}
