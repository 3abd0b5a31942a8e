package ledger

import (
	"context"
	"sync"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/words"
)

// Publish keeps the detectors' events until they are decided. With it a Ledger
// is a detector.Publisher.
func (l *Ledger) Publish(ctx context.Context, events []event.Event) error {
	msgs := make([]bus.Message, len(events))
	for i, e := range events {
		e.Observation.Detail = words.Spell(e.Observation.Detail).Clip(event.MaxDetail)
		data, err := e.Encode()
		if err != nil {
			return err
		}
		msgs[i] = bus.Message{Subject: "dswatch.event." + event.Token(e.Observer) + "." + string(e.Key().Kind), ID: e.ID, Data: data}
		if e.Reason == event.Snapshot {
			// It says again what is so; the ids of a fleet's snapshots would
			// take 250 bytes of the memory each.
			msgs[i].ID, msgs[i].Again = "", true
		}
	}
	return l.bus.Publish(ctx, msgs...)
}

// PublishFacts tells the rules what by knows about hosts.
func (l *Ledger) PublishFacts(ctx context.Context, by string, reports ...event.FactsReport) error {
	msgs := make([]bus.Message, len(reports))
	for i, r := range reports {
		id, data, err := event.EncodeFacts(r)
		if err != nil {
			return err
		}
		msgs[i] = bus.Message{Subject: "dswatch.facts." + event.Token(by), ID: id, Data: data}
	}
	return l.bus.Publish(ctx, msgs...)
}

// eventsBatch is how many events are decided between two stores.
const eventsBatch = 512

// Source hands the event stream to the rules. It implements engine.Source.
type Source struct {
	bus      *bus.Bus
	mu       sync.Mutex // guards consumer for Backlog; only the engine changes it
	consumer *bus.Consumer
}

// Next implements engine.Source.
func (s *Source) Next(ctx context.Context) ([]engine.Message, error) {
	got, err := s.consumer.Next(ctx, eventsBatch)
	if err != nil {
		return nil, err
	}
	out := make([]engine.Message, 0, len(got))
	for _, d := range got {
		if bus.IsPulse(d.Subject) {
			d.Ack()
			continue
		}
		out = append(out, engine.Message{Data: d.Data, Position: d.Sequence, Ack: func() error { d.Ack(); return nil }})
	}
	return out, nil
}

// Backlog is what waits for the rules.
func (s *Source) Backlog(ctx context.Context) (bus.Backlog, error) {
	s.mu.Lock()
	c := s.consumer
	s.mu.Unlock()
	if c == nil {
		return bus.Backlog{}, nil
	}
	return c.Backlog(ctx)
}

// Last opens the consumer anew, so that everything that was not acknowledged
// comes again in order, and returns the end of the stream.
func (s *Source) Last(ctx context.Context) (uint64, error) {
	if s.consumer != nil {
		if err := s.consumer.Close(ctx); err != nil {
			return 0, err
		}
	}
	c, err := s.bus.Consumer(ctx, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules", MaxPending: 4 * eventsBatch, Renew: true})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.consumer = c
	s.mu.Unlock()
	return s.bus.LastSequence(ctx, bus.Events)
}
