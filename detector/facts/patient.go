package facts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dswatch/event"
)

const (
	// patience is how long all sources together may take before none of them is
	// waited for any more: longer than the commands that they run may take.
	patience = 25 * time.Second
	// leastPatience is how long each is waited for all the same.
	leastPatience = time.Second
)

// ErrHangs is met where a source does not answer: a file system that it looks at
// does not. What it told before stands in the meantime.
var ErrHangs = errors.New("a file system that it looks at does not answer")

// Bounded asks what may hang for ever, as for a folder whose server is gone. It
// is ready as it is, and safe for concurrent use.
type Bounded[T any] struct {
	mu     sync.Mutex
	asking chan struct{} // closed when the question is answered; nil: none is open
	answer T             // the last one
	err    error
}

// Ask puts the question and waits for its answer as long as patience says. It is
// not put again while it is open: whoever asks then waits for the same answer.
// With ErrHangs comes the answer before.
func (b *Bounded[T]) Ask(patience time.Duration, question func() (T, error)) (T, error) {
	b.mu.Lock()
	if b.asking == nil {
		asking := make(chan struct{})
		b.asking = asking
		go func() {
			answer, err := question()
			b.mu.Lock()
			defer b.mu.Unlock()
			b.answer, b.err, b.asking = answer, err, nil
			close(asking)
		}()
	}
	asking := b.asking
	b.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	hangs := false
	select {
	case <-asking:
	case <-late.C:
		hangs = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if hangs {
		return b.answer, ErrHangs
	}
	return b.answer, b.err
}

// patient is a source that is not waited for without end.
type patient struct {
	Source
	facts Bounded[event.Facts]
}

// Patient lets Discover go on without a source that hangs.
func Patient(sources ...Source) (all []Source) {
	for _, s := range sources {
		all = append(all, &patient{Source: s})
	}
	return all
}

// ask asks s, at most until end if it is a patient one.
func ask(ctx context.Context, s Source, end time.Time) (event.Facts, error) {
	p, ok := s.(*patient)
	if !ok {
		return s.Facts(ctx)
	}
	found, err := p.facts.Ask(max(time.Until(end), leastPatience), func() (event.Facts, error) { return p.Source.Facts(ctx) })
	if errors.Is(err, ErrHangs) {
		err = fmt.Errorf("%T does not answer: %w; what it told before stands", p.Source, err)
	}
	return found, err
}
