package detector

import (
	"cmp"
	"math"
	"strings"
	"time"
	"unique"

	"dswatch/event"
)

// id is an event.Key in less than half the space: half a million are kept of
// the computers of one manager, and they have few rows.
type id struct {
	host string
	row  unique.Handle[row]
}

// row is what a key says beside the host.
type row struct {
	component string
	kind      event.Kind
	name      string
}

func idOf(k event.Key) id { return id{k.Host, unique.Make(row{k.Component, k.Kind, k.Name})} }

func (i id) key() event.Key {
	r := i.row.Value()
	return event.Key{Host: i.host, Component: r.component, Kind: r.kind, Name: r.name}
}

// compare orders by host, then by what people read of a key next.
func (i id) compare(j id) int {
	if c := strings.Compare(i.host, j.host); c != 0 || i.row == j.row {
		return c
	}
	a, b := i.row.Value(), j.row.Value()
	return cmp.Or(strings.Compare(a.component, b.component), strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.name, b.name))
}

// item is what is kept of one item. Its fields are guarded by the Scheduler's
// mu.
type item struct {
	id
	job     *job // nil: it is gone, and events of it wait
	last    glance
	first   *event.Observation // the first look, if it waits and last is another one
	unsaid  bool               // the first look waits
	waiting int32              // how many unpublished events are about it
	pass    uint32             // of its job, in which it was answered for last
	hidden  bool               // it was not seen by the last look, and job.veil says why; last is older
	veils   bool               // it is the one that says why the others are hidden
	lasts   bool               // it was told that it was lost for the hold
	lost    int64              // the first look that saw it lost since it was last up, in nanoseconds since 1970; 0: none
}

// glance is an event.Observation without what an item has already; without a
// state there was no look.
type glance struct {
	state       event.State
	found, want int32
	detail      event.Said
	at          int64 // in nanoseconds since 1970
	behind      *event.Key
}

// observation is what was last seen of the item.
func (it *item) observation() event.Observation {
	g := &it.last
	o := event.Observation{Key: it.key(), State: g.state, Found: int(g.found), Want: int(g.want), Detail: g.detail, At: time.Unix(0, g.at)}
	if g.behind != nil {
		o.Behind = *g.behind
	}
	if it.veils && it.job != nil {
		o.Veils = it.job.Name
	}
	o.Again = it.promise()
	return o
}

// event is what the observer tells of the item.
func (it *item) event(observer string, reason event.Reason, o event.Observation) event.Event {
	e := event.NewState(observer, reason, o)
	if it.job != nil && it.job.veils(o.Key) {
		e.Job = it.job.Name
	}
	return e
}

// glance is what is kept of o. What many items are behind is kept once.
func (s *Scheduler) glance(o event.Observation) glance {
	g := glance{o.State, int32(min(o.Found, math.MaxInt32)), int32(min(o.Want, math.MaxInt32)), o.Detail, o.At.UnixNano(), nil}
	if o.Behind != (event.Key{}) {
		if s.behind == nil || *s.behind != o.Behind {
			k := o.Behind
			s.behind = &k
		}
		g.behind = s.behind
	}
	return g
}

// unpublished is one event that waits.
type unpublished struct {
	number uint64       // counting up
	event  *event.Event // nil: the first look at the item, which is not held twice
	*item
}

// told is the event.
func (u unpublished) told(observer string) event.Event {
	switch {
	case u.event != nil:
		return *u.event
	case u.first != nil:
		return u.item.event(observer, event.Snapshot, *u.first)
	}
	return u.item.event(observer, event.Snapshot, u.observation())
}

// settled notes that u does not wait any more. The caller holds mu.
func (s *Scheduler) settled(u unpublished) {
	u.waiting--
	if u.event == nil {
		u.unsaid, u.first = false, nil
	}
	if u.waiting == 0 && u.job == nil {
		delete(s.items, u.id)
	}
}
