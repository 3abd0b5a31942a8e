package engine

import (
	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// An observer that sees many items through one tells once that it sees none of
// them (event.Observation.Veils). That is kept once, too, in the status of that
// one item: what is behind it is worked out whenever it is asked for, so that
// nothing is stored or decided for each of 100,000 items, and all of it is over
// with one event. Only items that are in trouble are decided, because their
// trouble waits from now on, and those of which nobody whom they concern is told
// why they cannot be seen: that one item is no more, or its alert is for others.

// watch is what looks at many items through one.
type watch struct{ observer, job string }

// veil is what all its items are behind of which nothing was heard since.
type veil struct {
	way      *item
	position uint64 // in the event stream, of the last event that told of it
}

// veilOf returns what the item is behind; nil: nothing.
func (e *Engine) veilOf(it *item) *veil {
	st := &it.status
	if len(e.veils) == 0 || st.Job == "" || st.Gone {
		return nil
	}
	v := e.veils[watch{st.Observer, st.Job}]
	if v == nil || v.way == it || st.Position > v.position {
		return nil
	}
	return v
}

// hidden is what is to be said of the item behind v.
func (v *veil) hidden(it *item) event.Observation {
	way := &v.way.status
	return event.Observation{Key: it.status.Key, State: event.Unknown, Want: it.status.Seen.Want, Detail: way.Seen.Detail, At: way.Seen.At, Behind: way.Key}
}

// asSeen is the item's status as it is known now.
func (e *Engine) asSeen(it *item) rules.Status {
	v := e.veilOf(it)
	if v == nil {
		return it.status
	}
	return it.status.Behind(v.hidden(it), v.way.status.Changed)
}

// unseen is the event that says of an item in trouble that it cannot be seen;
// a zero one where it can, or where there is nothing to decide.
func (e *Engine) unseen(it *item) event.Event {
	v := e.veilOf(it)
	st := &it.status
	if v == nil || st.Seen.Behind == v.way.status.Key || st.Calm() && st.Seen.State == event.Up && e.accounted(it, v.way.status.Key, 0) {
		return event.Event{}
	}
	ev := event.NewState(st.Observer, event.Change, v.hidden(it))
	ev.Job = st.Job
	return ev
}

// behind is what the item cannot be seen because of; zero: nothing.
func (e *Engine) behind(it *item) event.Key {
	if v := e.veilOf(it); v != nil {
		return v.way.status.Key
	}
	return it.status.Seen.Behind
}

// accounted reports whether those whom the item concerns are told, or would be,
// why it cannot be seen behind another one. What that one is behind in its turn
// tells it, if that is told to those whom it concerns.
func (e *Engine) accounted(it *item, behind event.Key, depth int) bool {
	way := e.items[behind]
	if way == nil || way.status.Gone || way.row.row == nil || way.row.verdict.Expected != catalog.Yes {
		return false
	}
	if further := e.behind(way); further != (event.Key{}) && depth < maxChain && e.accounted(way, further, depth+1) {
		return e.accounted(it, further, depth+1)
	}
	rule := rules.Unseen
	if way.status.Seen.State.Lost() {
		rule = rules.Loss
	}
	if c, _ := e.root(way, rule, 0); c != nil {
		way = c
	}
	return e.reaches(way, it, rules.Unseen)
}

// veilBy notes what the item, of which an event at this position was decided,
// hides from now on. What is no more hides on, but accounts for nothing.
func (e *Engine) veilBy(it *item, position uint64) {
	st := &it.status
	now := watch{st.Observer, st.Seen.Veils}
	for w, v := range e.veils {
		if v.way == it && w != now {
			delete(e.veils, w)
		}
	}
	if now.job == "" {
		return
	}
	if v := e.veils[now]; v != nil {
		v.way, v.position = it, position
		return
	}
	e.veils[now] = &veil{way: it, position: position}
	e.stirred = append(e.stirred, it)
}

// loadVeils finds again what is hidden, in a stream of which the last event is
// at this position.
func (e *Engine) loadVeils(last uint64) {
	for _, it := range e.items {
		st := &it.status
		if st.Seen.Veils == "" {
			continue
		}
		v := &veil{way: it, position: st.Position}
		if v.position == 0 { // the stream began anew: the items' positions did, too
			v.position = last
		}
		w := watch{st.Observer, st.Seen.Veils}
		if have := e.veils[w]; have == nil || have.way.status.Gone && !st.Gone || have.way.status.Gone == st.Gone && have.position < v.position {
			e.veils[w] = v // of two, that of a host's new name
		}
	}
}

// hides reports whether anything is behind the item.
func (e *Engine) hides(it *item) bool {
	if e.hiding[it.status.Key] > 0 {
		return true
	}
	for _, v := range e.veils {
		if v.way == it {
			return true
		}
	}
	return false
}

// forgetVeil drops what an item hides that is forgotten.
func (e *Engine) forgetVeil(it *item) {
	for w, v := range e.veils {
		if v.way == it {
			delete(e.veils, w)
		}
	}
}
