package engine

import (
	"context"
	"fmt"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// Steps is an Engine that whoever holds it drives, one step at a time, in his
// own goroutine and by the clock of Parts.Now. It takes the steps that Run
// takes and never waits, so that a story of an hour is told at once. After an
// error it is worth nothing any more: what is stored counts, and a new Engine
// goes on from there.
type Steps struct{ e *Engine }

// Start loads what is stored and repairs what a crash left undone. The engine
// must not be running.
func (e *Engine) Start(ctx context.Context, silences []rules.Silence) (*Steps, error) {
	e.mu.Lock()
	e.silences = silences
	e.mu.Unlock()
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	if err := e.reconcile(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.tellWhole()
	e.mu.Unlock()
	return &Steps{e}, nil
}

// Take decides what the source hands out now and acknowledges it. It reports
// whether there was anything.
func (s *Steps) Take(ctx context.Context) (bool, error) {
	batch, err := s.e.Source.Next(ctx)
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.e.take(batch)
	return len(batch) > 0, s.e.do(ctx, s.e.duties())
}

// Tick decides what is due by now.
func (s *Steps) Tick(ctx context.Context) error {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.e.tick()
	if err := s.e.do(ctx, s.e.duties()); err != nil {
		return err
	}
	return s.e.tidy(ctx)
}

// Hear takes the silences as they are now.
func (s *Steps) Hear(ctx context.Context, all []rules.Silence) error {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.e.hear(all)
	return s.e.do(ctx, s.e.duties())
}

// Acknowledge notes that somebody looks after the open alert whose id begins
// with id. refused says why it could not; err is an error of a store.
func (s *Steps) Acknowledge(ctx context.Context, id string, by event.Ack) (refused, err error) {
	return s.ask(ctx, ack{id: id, ack: by})
}

// Withdraw takes that back.
func (s *Steps) Withdraw(ctx context.Context, id string, by event.Ack) (refused, err error) {
	return s.ask(ctx, ack{id: id, ack: by, withdraw: true})
}

// RemoveHost ends what is remembered of a host.
func (s *Steps) RemoveHost(ctx context.Context, name string, why event.Said) (refused, err error) {
	return s.serve(ctx, func() error { _, err := s.e.removeHost(name, why); return err })
}

// RenameHost does so for one that has another name now.
func (s *Steps) RenameHost(ctx context.Context, old, name string, why event.Said) (refused, err error) {
	return s.serve(ctx, func() error { _, err := s.e.renameHost(old, name, why); return err })
}

func (s *Steps) ask(ctx context.Context, q ack) (refused, err error) {
	return s.serve(ctx, func() error { return s.e.lookAfter(q) })
}

func (s *Steps) serve(ctx context.Context, what func() error) (refused, err error) {
	done := make(chan error, 1)
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.e.serve(ctx, request{func(context.Context) error { return what() }, done})
	if err := s.e.do(ctx, s.e.duties()); err != nil {
		return nil, err
	}
	return <-done, nil
}

// Until is how long no Tick is needed, at most a minute.
func (s *Steps) Until() time.Duration { return max(0, s.e.wake().Sub(s.e.now())) }
