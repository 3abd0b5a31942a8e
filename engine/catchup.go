package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// A power loss may take the last writes of each store by itself, so a sink
// can know more of an alert than what is stored. What it knows is the truth:
// it cannot be taken back. An alert of which too little is stored ends, and
// what still lasts is raised anew.

// orphans are alerts that sinks hold open and of whose items nothing is
// stored: slot -> sink -> what it knows. An item that appears takes its own.
type orphans map[string]map[string]rules.Standings

func (o orphans) add(slot, sink string, k rules.Standings) {
	if o[slot] == nil {
		o[slot] = map[string]rules.Standings{}
	}
	o[slot][sink] = k
}

// catchUp moves what is stored to where a sink says that it was. What it
// knows of items that are not stored is noted.
func (e *Engine) catchUp(now time.Time, sink string, slots map[string]rules.Standings) (late bool) {
	left := maps.Clone(slots)
	for _, it := range e.items {
		for _, rule := range rules.RuleNames() {
			if it.status.Slot(rule).ID != "" {
				late = e.follows(now, it, rule, sink, left) || late
			}
		}
	}
	for _, d := range e.digests() {
		late = e.digestFollows(now, d, sink, left) || late
	}
	for name, k := range left {
		if !k.Firing() {
			delete(left, name)
		}
	}
	if len(left) == 0 {
		return late
	}
	for _, it := range e.items {
		for _, rule := range rules.RuleNames() {
			if it.status.Slot(rule).ID == "" {
				late = e.follows(now, it, rule, sink, left) || late
			}
		}
	}
	for name, k := range left {
		e.orphans.add(name, sink, k)
	}
	return late
}

// follows moves one slot of an item, and takes what concerns it from left.
func (e *Engine) follows(now time.Time, it *item, rule, sink string, left map[string]rules.Standings) bool {
	name := event.Alert{Key: it.status.Key, Rule: rule}.Slot()
	k, ok := left[name]
	delete(left, name)
	if !ok {
		return false
	}
	audience := e.Set.Audience(now, &it.status, e.sight(it), rule)
	if !it.status.CatchUp(now, rule, sink, k, audience) {
		return false
	}
	e.parted(it, rule, it.status.Slot(rule))
	e.touch(it)
	e.schedule(it)
	return true
}

// digestFollows is follows for a digest. Its members get another one, where it
// is over, once everybody is told its end; see reconcile.
func (e *Engine) digestFollows(now time.Time, d *digest, sink string, left map[string]rules.Standings) bool {
	name := event.Alert{Key: d.Key, Rule: event.RuleStorm}.Slot()
	k, ok := left[name]
	delete(left, name)
	if !ok || !d.CatchUp(now, sink, k, d.Slot.Sinks) {
		return false
	}
	d.dirty = true
	return true
}

// regroup gives the members of digests that are over another one.
func (e *Engine) regroup(now time.Time) {
	for _, d := range e.digests() {
		if d.Open() {
			continue
		}
		members := d.members
		d.members = map[*item]bool{}
		for it := range members {
			if d.For != "" {
				e.adoptFor(now, it, d.Rule)
				continue
			}
			it.status.Join(d.Rule, d.Slot.ID)
			e.touch(it)
			e.adopt(now, it, d.Rule)
		}
	}
}

// adoptOrphans gives a new item the alerts that sinks still hold open of it,
// and ends them.
func (e *Engine) adoptOrphans(it *item) {
	for _, rule := range rules.RuleNames() {
		name := event.Alert{Key: it.status.Key, Rule: rule}.Slot()
		of := e.orphans[name]
		delete(e.orphans, name)
		for again := len(of) > 0; again; {
			again = false
			for _, sink := range slices.Sorted(maps.Keys(of)) {
				again = again || e.follows(e.now(), it, rule, sink, map[string]rules.Standings{name: of[sink]})
			}
		}
		if len(of) == 0 {
			continue
		}
		if err := e.owe(it, rule, of); err != nil {
			e.Log.Error("an alert cannot be encoded", "item", it.status.Key, "error", err)
		}
		it.inRound = true
	}
}

// owe puts what each sink misses of an item's slot.
func (e *Engine) owe(it *item, rule string, of map[string]rules.Standings) error {
	sinks := slices.Clone(it.status.Slot(rule).Sinks)
	for sink := range of {
		if !slices.Contains(sinks, sink) {
			sinks = append(sinks, sink)
		}
	}
	for _, sink := range sinks {
		for _, a := range e.Set.Owed(&it.status, it.snapshot(), rule, sink, of[sink]) {
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
		for _, rule := range rules.RuleNames() {
			found = e.lostDigest(now, rules.Digest{Key: e.storm.Group(rule, audience), Rule: rule}, audience) || found
		}
	}
	for _, sink := range all {
		for _, rule := range rules.RuleNames() {
			found = e.lostDigest(now, rules.Digest{Key: e.storm.Opening(rule, sink), Rule: rule, For: sink}, []string{sink}) || found
		}
	}
	return found
}

// lostDigest takes up a digest that sinks hold open, as it must have been.
func (e *Engine) lostDigest(now time.Time, lost rules.Digest, audience []string) (found bool) {
	name := event.Alert{Key: lost.Key, Rule: event.RuleStorm}.Slot()
	sinks := e.orphans[name]
	delete(e.orphans, name)
	for sink, k := range sinks {
		d := e.groups[lost.Key]
		if d == nil {
			d = e.keepDigest(&lost)
		}
		if d.CatchUp(now, sink, k, audience) {
			d.dirty, found = true, true
		}
	}
	return found
}
