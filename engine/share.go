package engine

import (
	"unique"

	"dswatch/event"
	"dswatch/rules"
)

// shared returns s as it is kept once for all items that say the same: 200,000
// items have few names, components and reasons.
func shared(s string) string { return unique.Make(s).Value() }

// mostDetails bounds what share looks a detail up in.
const mostDetails = 512

// share is the same for an event. Of the details, which can be of any number,
// those count that came lately.
func (e *Engine) share(ev *event.Event) {
	o := &ev.Observation
	ev.Observer, ev.Job, o.State = shared(ev.Observer), shared(ev.Job), event.State(shared(string(o.State)))
	if have, ok := e.details[o.Detail]; ok {
		o.Detail = have
		return
	}
	if e.details == nil || len(e.details) >= mostDetails {
		e.details = make(map[event.Said]event.Said, mostDetails)
	}
	e.details[o.Detail] = o.Detail
}

// shareStatus lets a status just decoded keep nothing of its own that others have.
func shareStatus(s *rules.Status) {
	k := &s.Key
	k.Host, k.Component, k.Kind, k.Name = shared(k.Host), shared(k.Component), event.Kind(shared(string(k.Kind))), shared(k.Name)
	s.Seen.Key = s.Key
	s.Observer, s.Job, s.Seen.State = shared(s.Observer), shared(s.Job), event.State(shared(string(s.Seen.State)))
}
