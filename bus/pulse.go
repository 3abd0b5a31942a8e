package bus

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A pulse is a message that says nothing, of which the
// stream keeps the last one only.
const (
	eventPulse  = ".pulse"           // dswatch.event.HOST.pulse, which a host may publish that may publish its events
	outboxPulse = "dswatch.outbox.$" // with the name of a sink, which has no $
)

// EventPulse is the subject of a host's pulse among its events.
func EventPulse(host string) string { return "dswatch.event." + host + eventPulse }

// OutboxPulse is the subject of a sink's pulse in the outbox.
func OutboxPulse(sink string) string { return outboxPulse + sink }

// IsPulse reports whether a message is a pulse, which means nothing.
func IsPulse(subject string) bool {
	return strings.HasSuffix(subject, eventPulse) || strings.HasPrefix(subject, outboxPulse)
}

// Pulse stores a pulse under each subject in place of the one before, and reads
// it back. It proves that their stream can be written and read now, whatever
// waits in it. In a stream that keeps every message, because this account may
// not change it, pulses would pile up: there it only asks the server about the
// stream, and real messages alone prove that it can be written.
func (b *Bus) Pulse(ctx context.Context, subjects ...string) error {
	reqs := make([]request, 0, len(subjects))
	for _, s := range subjects {
		r := request{subject: s, stream: streamOf(s), expect: Any, rollup: true, data: []byte("{}")}
		kept, err := b.stream(r.stream)
		if err == nil && !kept.CachedInfo().Config.AllowRollup {
			if _, err := kept.Info(ctx); err != nil {
				return fmt.Errorf("ask about %s: %w", r.stream, err)
			}
			continue
		}
		reqs = append(reqs, r)
	}
	for i, a := range b.pub.send(ctx, reqs) {
		if a.err != nil {
			return fmt.Errorf("store in %s: %w", reqs[i].stream, a.err)
		}
		if err := b.readBack(ctx, reqs[i], a.seq); err != nil {
			return fmt.Errorf("read from %s: %w", reqs[i].stream, err)
		}
	}
	return nil
}

// readBack waits until the message can be read: another replica than the one
// that stored it may answer.
func (b *Bus) readBack(ctx context.Context, r request, seq uint64) error {
	s, err := b.stream(r.stream)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for {
		m, err := s.GetLastMsgForSubject(ctx, r.subject)
		if err == nil && m.Sequence >= seq {
			return nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("message %d is stored and does not come", seq)
			}
			return b.missing(r.stream, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Reach asks the server for a sign of life, which costs it next to nothing.
func (b *Bus) Reach(ctx context.Context) error {
	if err := b.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return b.nc().FlushWithContext(ctx)
}

// Err says why nothing can be published now, as far as it is known without
// asking.
func (b *Bus) Err() error { return b.ready() }

// Nudge makes a waiting Next return nothing, so that its caller turns once.
func (c *Consumer) Nudge() {
	c.mu.Lock()
	c.nudged = true
	c.mu.Unlock()
	c.signal()
}

// Backlog is what the consumer has before it at the server. It fails where
// nothing would come.
func (c *Consumer) Backlog(ctx context.Context) (Backlog, error) {
	if c.down() {
		return Backlog{}, fmt.Errorf("consume %s from %s: %w", c.cfg.Durable, c.cfg.Stream, errConsumer)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return c.b.Pending(ctx, c.cfg.Stream, c.cfg.Durable)
}
