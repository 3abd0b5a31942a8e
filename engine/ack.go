package engine

import (
	"context"
	"strings"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// ErrNoAlert says that no open alert has the id, ErrNoAck that there is
// nothing to take back.
var (
	ErrNoAlert = words.Fail(words.NoOpenAlert.With())
	ErrNoAck   = words.Fail(words.NothingToWithdraw.With())
)

// ack is what somebody says of an open alert.
type ack struct {
	id       string // or its beginning
	ack      event.Ack
	withdraw bool // ack takes back what was said before
}

// known reports whether the same was said before: by the same person, at the same
// time.
func (q ack) repeats(a *event.Ack) bool { return !q.withdraw && a != nil && a.Same(q.ack) }

// Acknowledge notes that somebody looks after the open alert whose id begins
// with id, and tells the sinks. It returns once that is stored. Said again, with
// the same time and author, it changes nothing.
func (e *Engine) Acknowledge(ctx context.Context, id string, a event.Ack) error {
	return e.acknowledge(ctx, ack{id: id, ack: a})
}

// Withdraw takes back that somebody looks after the open alert whose id
// begins with id, and tells the sinks. It returns once that is stored.
func (e *Engine) Withdraw(ctx context.Context, id string, by event.Ack) error {
	return e.acknowledge(ctx, ack{id: id, ack: by, withdraw: true})
}

func (e *Engine) acknowledge(ctx context.Context, q ack) error {
	if len(q.ack.Author) > rules.MaxComment || len(q.ack.Comment) > rules.MaxComment {
		return words.Fail(words.AuthorOrComment.With(rules.MaxComment))
	}
	return e.ask(ctx, func(context.Context) error { return e.lookAfter(q) })
}

// lookAfter says why a request is refused; nil: it is served.
func (e *Engine) lookAfter(q ack) error {
	var found *item
	var rule string
	for _, it := range e.items {
		for _, name := range rules.RuleNames() {
			slot := it.status.Slot(name)
			if slot.Phase != rules.Firing || q.id == "" || !strings.HasPrefix(slot.ID, q.id) {
				continue
			}
			if found != nil {
				return words.Fail(words.ManyAlerts.With(words.Inner(q.id)))
			}
			found, rule = it, name
		}
	}
	if found == nil {
		d := e.openDigest(q.id)
		switch {
		case d == nil:
			return e.noAlert(q.id)
		case q.withdraw && d.Slot.Ack == nil:
			return ErrNoAck
		case q.repeats(d.Slot.Ack):
			return nil
		}
		e.acknowledgeDigest(d, q)
		return nil
	}
	switch has := found.status.Slot(rule).Ack; {
	case q.withdraw && has == nil:
		return ErrNoAck
	case q.repeats(has):
		return nil
	}
	e.acked(found, rule, q)
	return nil
}

func (e *Engine) acked(it *item, rule string, q ack) {
	e.roomFor(it)
	snap := it.snapshot()
	e.relate(it, event.Event{}, &snap)
	decide := e.Set.Acknowledge
	if q.withdraw {
		decide = e.Set.Withdraw
	}
	after, decisions := decide(e.now(), it.status, snap, rule, q.ack)
	e.apply(it, after, decisions)
}

// noAlert says why no alert can be acknowledged by id. One that a digest tells
// is listed, but is nobody's on its own.
func (e *Engine) noAlert(id string) error {
	if id == "" {
		return ErrNoAlert
	}
	for _, it := range e.items {
		for _, name := range rules.RuleNames() {
			if slot := it.status.Slot(name); slot.Phase == rules.Held && slot.Digest != "" && strings.HasPrefix(it.status.AlertID(name), id) {
				return words.Fail(words.PartOfDigest.With(slot.Digest, slot.Digest))
			}
		}
	}
	return ErrNoAlert
}
