package app

import (
	"context"
	"encoding/json"
	"fmt"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/sinks"
)

// The types of this file carry between the bus, which knows bytes and
// subjects, and the components, which know neither.

// publisher gives the detectors' events to the bus. It implements
// detector.Publisher.
type publisher struct{ bus *bus.Bus }

func (p publisher) Publish(ctx context.Context, events []event.Event) error {
	msgs := make([]bus.Message, len(events))
	for i, e := range events {
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
	return p.bus.Publish(ctx, msgs...)
}

// publishFacts tells the rules what by knows about hosts.
func publishFacts(ctx context.Context, b *bus.Bus, by string, reports ...event.FactsReport) error {
	msgs := make([]bus.Message, len(reports))
	for i, r := range reports {
		id, data, err := event.EncodeFacts(r)
		if err != nil {
			return err
		}
		msgs[i] = bus.Message{Subject: "dswatch.facts." + event.Token(by), ID: id, Data: data}
	}
	return b.Publish(ctx, msgs...)
}

// eventsBatch is how many events are decided between two stores.
const eventsBatch = 512

// source hands the event stream to the rules. It implements rules.Source.
type source struct {
	bus      *bus.Bus
	consumer *bus.Consumer
}

func (s *source) Next(ctx context.Context) ([]rules.Delivery, error) {
	got, err := s.consumer.Next(ctx, eventsBatch)
	if err != nil {
		return nil, err
	}
	out := make([]rules.Delivery, len(got))
	for i, d := range got {
		out[i] = rules.Delivery{Data: d.Data, Position: d.Sequence, Ack: func() error { d.Ack(); return nil }}
	}
	return out, nil
}

// Last opens the consumer anew, so that everything that was not acknowledged
// comes again in order, and returns the end of the stream.
func (s *source) Last(ctx context.Context) (uint64, error) {
	if s.consumer != nil {
		if err := s.consumer.Close(ctx); err != nil {
			return 0, err
		}
	}
	c, err := s.bus.Consumer(ctx, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules", MaxPending: 4 * eventsBatch, Renew: true})
	if err != nil {
		return 0, err
	}
	s.consumer = c
	return s.bus.LastSequence(ctx, bus.Events)
}

// store keeps records in a bucket. It implements rules.Store.
type store struct{ bucket *bus.Bucket }

func (s store) Load(ctx context.Context, each func(rules.Record) error) error {
	return s.bucket.Load(ctx, func(key string, value []byte, revision uint64) error {
		return each(rules.Record{Key: key, Value: value, Revision: revision})
	})
}

func (s store) Save(ctx context.Context, records []rules.Record) ([]uint64, error) {
	changes := make([]bus.Change, len(records))
	for i, r := range records {
		changes[i] = bus.Change{Key: r.Key, Value: r.Value, Expect: r.Revision, Delete: r.Delete}
		if r.Revision == 0 {
			changes[i].Expect = bus.Absent
		}
	}
	results, err := s.bucket.PutAll(ctx, changes)
	if err != nil {
		return nil, err
	}
	revisions := make([]uint64, len(results))
	for i, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("%w: %w", rules.ErrConflict, r.Err)
		}
		revisions[i] = r.Revision
	}
	return revisions, nil
}

// graveyard keeps dead letters. It implements sinks.Dead.
type graveyard struct{ bus *bus.Bus }

func (g graveyard) Bury(ctx context.Context, l sinks.Letter) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode dead letter: %w", err)
	}
	// Once for each place in the outbox: a replay that is refused again is
	// another letter.
	id := fmt.Sprintf("dead.%s.%s.%d", l.Sink, l.DeliveryID, l.Position)
	return g.bus.Publish(ctx, bus.Message{Subject: "dswatch.dead." + l.Sink, ID: id, Data: data})
}
