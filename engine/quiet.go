package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// ErrNoAlert says that no open alert has the id, ErrNoAck that there is
// nothing to take back.
var (
	ErrNoAlert = errors.New("no open alert has this id; dswatch alerts lists them")
	ErrNoAck   = errors.New("nobody has acknowledged this alert, so there is nothing to withdraw; dswatch alerts shows who looks after which")
)

// ack is a request to the loop.
type ack struct {
	id       string // or its beginning
	ack      event.Ack
	withdraw bool // ack takes back what was said before
	done     chan error
}

// Acknowledge notes that somebody looks after the open alert whose id begins
// with id, and tells the sinks. It returns once that is stored.
func (e *Engine) Acknowledge(ctx context.Context, id string, a event.Ack) error {
	return e.ask(ctx, ack{id: id, ack: a})
}

// Withdraw takes back that somebody looks after the open alert whose id
// begins with id, and tells the sinks. It returns once that is stored.
func (e *Engine) Withdraw(ctx context.Context, id string, by event.Ack) error {
	return e.ask(ctx, ack{id: id, ack: by, withdraw: true})
}

// ask hands a request to the loop and waits until it is served.
func (e *Engine) ask(ctx context.Context, q ack) error {
	if len(q.ack.Author) > rules.MaxComment || len(q.ack.Comment) > rules.MaxComment {
		return fmt.Errorf("author or comment is longer than %d bytes; shorten it", rules.MaxComment)
	}
	q.done = make(chan error, 1)
	select {
	case e.acks <- q:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-q.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// acknowledge serves one request. Only an error of a store is returned.
func (e *Engine) acknowledge(ctx context.Context, q ack) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found *item
	var rule string
	for _, it := range e.items {
		for _, name := range rules.RuleNames() {
			slot := it.status.Slot(name)
			if slot.Phase != rules.Firing || q.id == "" || !strings.HasPrefix(slot.ID, q.id) {
				continue
			}
			if found != nil {
				q.done <- fmt.Errorf("more than one open alert has an id that begins with %q; write more of it", q.id)
				return nil
			}
			found, rule = it, name
		}
	}
	if found == nil {
		if d := e.openDigest(q.id); d != nil {
			if q.withdraw && d.Slot.Ack == nil {
				q.done <- ErrNoAck
				return nil
			}
			err := e.acknowledgeDigest(ctx, d, q)
			q.done <- err
			return err
		}
		q.done <- e.noAlert(q.id)
		return nil
	}
	if q.withdraw && found.status.Slot(rule).Ack == nil {
		q.done <- ErrNoAck
		return nil
	}
	if found.told {
		if err := e.flush(ctx); err != nil {
			q.done <- err
			return err
		}
	}
	snap := found.snapshot()
	e.relate(found, event.Event{}, &snap)
	decide := e.Set.Acknowledge
	if q.withdraw {
		decide = e.Set.Withdraw
	}
	after, decisions := decide(e.now(), found.status, snap, rule, q.ack)
	e.apply(found, after, decisions)
	err := e.flush(ctx)
	q.done <- err
	return err
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
				return fmt.Errorf("it is told as a part of digest %s; dswatch ack %s is for all of them", slot.Digest, slot.Digest)
			}
		}
	}
	return ErrNoAlert
}

// hear takes the silences as they are now, and decides anew what one of them
// kept quiet.
func (e *Engine) hear(ctx context.Context, all []rules.Silence) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.keepTime(ctx); err != nil {
		return err
	}
	e.silences, e.ending = all, true
	for _, it := range e.items {
		if !it.status.Silenced() {
			continue
		}
		if err := e.redecide(ctx, it); err != nil {
			return err
		}
	}
	if err := e.revise(ctx); err != nil {
		return err
	}
	return e.flush(ctx)
}

// endSilences ends those that last until all is well again, once it is, and
// those whose first alert did not come.
func (e *Engine) endSilences(ctx context.Context) error {
	if !e.ending {
		return nil
	}
	e.ending = false
	now := e.now()
	for i := range e.silences {
		s := &e.silences[i]
		if !s.Ends.IsZero() || s.Every != "" || now.Before(s.Starts) {
			continue
		}
		trouble, alert := e.troubled(s)
		after := *s
		switch waits := s.WaitsUntil(); {
		case s.Began.IsZero() && alert:
			after.Began = now
			after.Note(now, "dswatch", "its first alert has come; it ends when all that it matches is well again")
		case s.Began.IsZero() && !now.Before(waits):
			after = s.End(now, "dswatch", "ended: no alert that it matches came until "+waits.UTC().Format(time.RFC3339))
		case !s.Began.IsZero() && !trouble:
			after = s.End(now, "dswatch", "ended: everything it matches is well again")
		default:
			continue
		}
		if err := e.Silences.Save(ctx, after); err != nil {
			return fmt.Errorf("store silence %s: %w", s.ID, err)
		}
		e.silences = slices.Clone(e.silences)
		e.silences[i] = after
	}
	return nil
}

func (e *Engine) troubled(s *rules.Silence) (trouble, alert bool) {
	for _, it := range e.items {
		if it.status.Calm() {
			continue
		}
		t, a := s.Troubled(&it.status, e.sight(it))
		trouble, alert = trouble || t, alert || a
	}
	return trouble, alert
}

// nextWait is when the first silence that waits for an alert ends; zero: none
// waits.
func (e *Engine) nextWait() (due time.Time) {
	for i := range e.silences {
		due = rules.Earlier(due, e.silences[i].WaitsUntil())
	}
	return due
}
