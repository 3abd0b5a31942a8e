package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/journal"
)

// Ledger is everything that one bus keeps. It is safe for concurrent use.
type Ledger struct {
	bus   *bus.Bus
	conf  bus.Config
	sizes sizes

	second *Second // nil: there is none

	mu    sync.Mutex
	books map[string]*Book // of the sinks that are open
}

// On returns the ledger of a bus that was opened with c.
func On(b *bus.Bus, c bus.Config) *Ledger {
	return &Ledger{bus: b, conf: c, books: map[string]*Book{}}
}

// Keep has what is open kept a second time, in j. It is called before any place
// is open.
func (l *Ledger) Keep(j *journal.Journal) *Second {
	l.second = &Second{j, l}
	return l.second
}

// Statuses are the records of items.
func (l *Ledger) Statuses() Records { return Records{l.bus.Bucket(bus.Items)} }

// Facts are the records of hosts.
func (l *Ledger) Facts() Records { return Records{l.bus.Bucket(bus.Facts)} }

// Silences are the silences.
func (l *Ledger) Silences() Silences { return Silences{l.bus.Bucket(bus.Silences)} }

// Source returns the event stream, for one rules engine.
func (l *Ledger) Source() *Source { return &Source{bus: l.bus} }

// Outbox is where what the sinks are to be told is put.
func (l *Ledger) Outbox() Outbox { return Outbox{l.bus, &l.sizes} }

// Receipts are those of every sink, for the rules.
func (l *Ledger) Receipts() Books { return Books{l.bus.Bucket(bus.Receipts), l.book, l.all, l.second} }

// Dead takes dead letters.
func (l *Ledger) Dead() Dead { return Dead{l.bus} }

func (l *Ledger) book(sink string) *Book {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.books[sink]
}

func (l *Ledger) all() []*Book {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.books))
}

// Place is the place of one sink in the ledger.
type Place struct {
	Queue    *Queue
	Book     *Book
	Attempts Attempts

	sink   string
	ledger *Ledger
}

// Open opens the place of a sink. Only one may be open at a time.
func (l *Ledger) Open(ctx context.Context, sink string) (*Place, error) {
	c, err := l.bus.Consumer(ctx, bus.ConsumerConfig{
		Stream: bus.Outbox, Durable: sink, Filter: outboxSubject(sink), MaxPending: fetched, Renew: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open the outbox of sink %s: %w", sink, err)
	}
	p := &Place{
		Queue: &Queue{consumer: c, sizes: l.sizes.of(sink)}, Book: newBook(l.bus, l.conf, sink),
		Attempts: Attempts{l.bus.Bucket(bus.Receipts), sink}, sink: sink, ledger: l,
	}
	p.Book.second = l.second
	l.mu.Lock()
	l.books[sink] = p.Book
	l.mu.Unlock()
	return p, nil
}

// Close leaves what waits where it is: the next Open hands it out.
func (p *Place) Close(ctx context.Context) error {
	p.ledger.mu.Lock()
	if p.ledger.books[p.sink] == p.Book {
		delete(p.ledger.books, p.sink)
	}
	p.ledger.mu.Unlock()
	return p.Queue.consumer.Close(ctx)
}

// Sinks are the names of those that have a place, open or not.
func (l *Ledger) Sinks(ctx context.Context) ([]string, error) {
	return l.bus.Durables(ctx, bus.Outbox)
}

// Remove drops the outbox of a sink that is no more, and returns how many
// alerts waited there. Its place must be closed.
func (l *Ledger) Remove(ctx context.Context, sink string) (dropped int, err error) {
	if err := l.Outbox().Pending(ctx, sink, func([]byte, uint64) { dropped++ }); err != nil {
		return 0, err
	}
	return dropped, l.bus.RemoveDurable(ctx, bus.Outbox, sink)
}

// HandOver gives the receipts of a sink that is no more to another one, whose
// place must be open. Of what both were told the later counts. It may be done
// again.
func (l *Ledger) HandOver(ctx context.Context, old, sink string) (int, error) {
	book := l.book(sink)
	if book == nil {
		return 0, fmt.Errorf("the place of sink %s is not open", sink)
	}
	var all []event.Receipt
	err := l.Receipts().Load(ctx, old, func(r event.Receipt) {
		if own := book.Told(r.Slot); own.AlertID == "" || r.Turn > own.Turn || r.Turn == own.Turn && r.Seq > own.Seq {
			all = append(all, r)
		}
	})
	if err != nil {
		return 0, fmt.Errorf("load receipts of sink %s: %w", old, err)
	}
	for some := range slices.Chunk(all, mostMoved) {
		if err := book.Store(ctx, some); err != nil {
			return 0, fmt.Errorf("store receipts of sink %s: %w", sink, err)
		}
	}
	return len(all), nil
}

// Forget drops what is remembered of a sink that holds nothing open any more:
// should one of its name be configured again, it begins anew. It does nothing
// where something is open there, so that its end can still be told.
func (l *Ledger) Forget(ctx context.Context, p *Place) error {
	for _, one := range p.Book.All() {
		if one.Transition.Firing() || one.Dead {
			return nil
		}
	}
	return l.forget(ctx, p.sink)
}

// Disown drops what is remembered of a sink that another one has taken over,
// and what has been put into its outbox meanwhile.
func (l *Ledger) Disown(ctx context.Context, sink string) error {
	p, err := l.Open(ctx, sink) // what nobody has opened cannot be removed
	if err == nil {
		err = p.Close(ctx)
	}
	if err == nil {
		_, err = l.Remove(ctx, sink)
	}
	if err != nil {
		return err
	}
	return l.forget(ctx, sink)
}

func (l *Ledger) forget(ctx context.Context, sink string) error {
	bucket := l.bus.Bucket(bus.Receipts)
	var slots []string
	if err := l.Receipts().Load(ctx, sink, func(r event.Receipt) { slots = append(slots, r.Slot) }); err != nil {
		return err
	}
	var keys []string
	err := bucket.LoadPrefix(ctx, sink+".", func(key string, _ []byte, _ uint64) error { keys = append(keys, key); return nil })
	for _, key := range append(keys, Attempts{bucket, sink}.key()) {
		if err == nil {
			err = bucket.Delete(ctx, key)
		}
	}
	if err == nil {
		l.second.untold(sink, slices.Values(slots))
	}
	return err
}
