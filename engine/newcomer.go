package engine

import (
	"maps"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// openAlert is one rule's open alert of an item.
type openAlert struct {
	it   *item
	rule string
}

// meetNewcomers lets digests tell the sinks that are fresh of what is open, where
// that is more than a few. A single alert of a rule is told by itself.
func (e *Engine) meetNewcomers(now time.Time) {
	for _, sink := range e.fresh {
		open := map[string][]openAlert{}
		for _, it := range e.items {
			e.unheard(now, it, sink, open)
		}
		e.meet(now, sink, open)
	}
}

// meetTurned does so for what was open when a sink came and concerns it only now:
// the hours of its route have begun, or nobody has looked after it for too long.
func (e *Engine) meetTurned(now time.Time) {
	if len(e.came) == 0 {
		return
	}
	due := e.due.until(now)
	for _, sink := range slices.Sorted(maps.Keys(e.came)) {
		open := map[string][]openAlert{}
		for _, it := range due {
			e.unheard(now, it, sink, open)
		}
		for rule, all := range open {
			open[rule] = slices.DeleteFunc(all, func(a openAlert) bool { return !a.it.status.Slot(rule).Told().Before(e.came[sink]) })
		}
		e.meet(now, sink, open)
	}
}

// unheard adds to open, by rule, the item's alerts that the sink is to be told of.
func (e *Engine) unheard(now time.Time, it *item, sink string, open map[string][]openAlert) {
	for _, rule := range rules.RuleNames() {
		if it.status.Slot(rule).Phase == rules.Firing && e.Set.Unheard(now, &it.status, e.sight(it), rule, sink) {
			open[rule] = append(open[rule], openAlert{it, rule})
		}
	}
}

// meet lets digests tell a sink of open alerts, by rule, if they are more than a
// few with those that digests tell it of already.
func (e *Engine) meet(now time.Time, sink string, open map[string][]openAlert) {
	count := 0
	for _, rule := range rules.RuleNames() {
		count += len(open[rule])
		if d := e.openedFor(rule, sink); d != nil {
			count += len(d.members)
		}
	}
	if count <= e.Set.Storm.Few() {
		return
	}
	for _, rule := range rules.RuleNames() {
		if all := open[rule]; len(all) > 1 || len(all) > 0 && e.openedFor(rule, sink) != nil {
			slices.SortFunc(all, func(a, b openAlert) int { return compareKeys(a.it.status.Key, b.it.status.Key) })
			e.openFor(now, sink, all)
		}
	}
}

// openFor lets one digest tell a sink of open alerts of one rule.
func (e *Engine) openFor(now time.Time, sink string, all []openAlert) {
	rule := all[0].rule
	last := ""
	if d := e.groups[e.storm.Opening(rule, sink)]; d != nil {
		last = d.Slot.ID
	}
	id := event.AlertID(e.storm.Opening(rule, sink), event.RuleStorm, all[0].it.status.AlertID(rule)+"/"+last)
	d := e.beginFor(now, rule, id, sink)
	for _, a := range all {
		if e.joining >= mostJoining {
			e.closeRound()
		}
		a.it.status.Tell(rule, rules.Through{Sink: sink, Digest: d.Slot.ID, At: now})
		e.touch(a.it)
		d.members[a.it], d.Joined, d.News, d.dirty = true, now, true, true
		d.Total++
		d.Joining = append(d.Joining, a.it.status.AlertID(rule))
		e.joining++
	}
}

// openedFor returns the open digest that tells a sink what was open when it came, or nil.
func (e *Engine) openedFor(rule, sink string) *digest {
	for _, d := range e.groups {
		if d.For == sink && d.Rule == rule && d.Open() {
			return d
		}
	}
	return nil
}

// beginFor returns it, or opens one with id.
func (e *Engine) beginFor(now time.Time, rule, id, sink string) *digest {
	if d := e.openedFor(rule, sink); d != nil {
		return d
	}
	d := e.groups[e.storm.Opening(rule, sink)]
	if d == nil {
		d = e.keepDigest(&rules.Digest{Key: e.storm.Opening(rule, sink), Rule: rule})
	}
	d.For = sink
	d.Begin(now, id, []string{sink})
	d.Slot.Due, d.members, d.dirty = now, map[*item]bool{}, true
	return d
}

// adoptFor gives a stored open alert to the digests that tell sinks of it, as
// adopt does. Of a sink that is no longer there none tells.
func (e *Engine) adoptFor(now time.Time, it *item, rule string) {
	for _, t := range it.status.Slot(rule).Through {
		switch {
		case t.Digest == "":
			continue
		case !slices.Contains(e.Sinks, t.Sink):
			it.status.Part(rule, t.Digest)
			e.touch(it)
			continue
		}
		d := e.beginFor(now, rule, t.Digest, t.Sink)
		d.members[it] = true
		if d.Slot.ID != t.Digest {
			it.status.Part(rule, t.Digest)
			it.status.Tell(rule, rules.Through{Sink: t.Sink, Digest: d.Slot.ID, At: t.At})
			e.touch(it)
		}
	}
}

// parted takes an item from the digests that told somebody of its alert and,
// by slot, do not any more.
func (e *Engine) parted(it *item, rule string, slot *rules.Slot) {
	for _, d := range e.groups {
		if d.For != "" && d.Rule == rule && d.members[it] && !slot.Speaks(d.Slot.ID) {
			e.dismiss(d, it)
		}
	}
}

// dismiss takes a member from its digest.
func (e *Engine) dismiss(d *digest, it *item) {
	delete(d.members, it)
	d.News = true
	d.dirty = d.dirty || !d.settled // before it is forgotten who it was
}

// alone lets a member's alert be told by itself from now on.
func (e *Engine) alone(d *digest, it *item) {
	it.status.Part(d.Rule, d.Slot.ID)
	e.touch(it)
	e.dismiss(d, it)
}

// closeFor ends the digests for a sink that goes and has been told so.
func (e *Engine) closeFor(now time.Time, d *digest) {
	for _, it := range d.sorted() {
		e.alone(d, it)
	}
	d.Close(now)
	d.dirty = true
}
