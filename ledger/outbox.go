package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/sinks"
)

const (
	// packed is how many alerts share a message of the outbox at most, and
	// packedSize how many bytes. A message costs the store many times what an
	// alert in it does; more than this saves little, and what is fetched and
	// waits in the memory of this process is bounded in messages.
	packed     = 32
	packedSize = 32 << 10
	// fetched is how many messages of each sink are in this process at most.
	fetched = 256
)

// newline stands between the alerts of a message. JSON escapes it.
var newline = []byte{'\n'}

func outboxSubject(sink string) string { return "dswatch.outbox." + sink }

// Outbox puts alerts where the workers find them. It implements engine.Outbox.
type Outbox struct {
	bus   *bus.Bus
	sizes *sizes
}

// Put implements engine.Outbox.
func (o Outbox) Put(ctx context.Context, out []engine.Outgoing) error {
	msgs, names := pack(out)
	at, err := o.bus.Store(ctx, msgs...)
	for i, seq := range at {
		if seq > 0 {
			o.sizes.of(names[i]).put(seq, alertsIn(msgs[i].Data))
		}
	}
	return err
}

// Pending implements engine.Outbox.
func (o Outbox) Pending(ctx context.Context, sink string, each func(data []byte, position uint64)) error {
	of := o.sizes.of(sink)
	return o.bus.Scan(ctx, bus.Outbox, outboxSubject(sink), func(m bus.Stored) error {
		of.put(m.Sequence, alertsIn(m.Data))
		n := 0
		for alert := range bytes.SplitSeq(m.Data, newline) {
			each(alert, position(m.Sequence, n))
			n++
		}
		return nil
	})
}

// Waiting is how many alerts wait in the outbox of a sink or are on their way, all
// that Put has stored among them: what is settled leaves the outbox.
func (o Outbox) Waiting(ctx context.Context, sink string) (int, error) {
	lying, err := o.bus.Lying(ctx, bus.Outbox, outboxSubject(sink))
	if err != nil || lying == 0 {
		return 0, err
	}
	left, err := o.bus.Pending(ctx, bus.Outbox, sink)
	if err != nil {
		return 0, err
	}
	return int(lying) + o.sizes.of(sink).more(left.Floor), nil
}

// errFirst ends a scan at the first message.
var errFirst = errors.New("the first one is enough")

// Oldest is when what waits longest for a sink was put into its outbox; zero:
// nothing waits.
func (o Outbox) Oldest(ctx context.Context, sink string) (at time.Time, err error) {
	err = o.bus.Scan(ctx, bus.Outbox, outboxSubject(sink), func(m bus.Stored) error {
		at = m.Time
		return errFirst
	})
	if errors.Is(err, errFirst) {
		err = nil
	}
	return at, err
}

// Repeat is an alert that a sink is told again on request.
type Repeat struct {
	Sink  string
	Alert event.Alert
	Mark  string // what tells this request from others; the same when it is made again
}

// Again puts alerts into the outbox again, marked as replay. Each has another
// id than that of the first time, which the stream may still remember.
func (o Outbox) Again(ctx context.Context, all []Repeat) error {
	msgs := make([]bus.Message, len(all))
	for i, r := range all {
		r.Alert.Replay = true
		data, err := r.Alert.Encode()
		if err != nil {
			return err
		}
		msgs[i] = bus.Message{Subject: outboxSubject(r.Sink), ID: r.Sink + "." + r.Alert.DeliveryID() + "." + r.Mark, Data: data}
	}
	return o.bus.Publish(ctx, msgs...)
}

// position is that of an alert in a message: alerts of one slot may share one,
// so each has its own.
func position(sequence uint64, n int) uint64 { return sequence*packed + uint64(min(n, packed-1)) }

func alertsIn(data []byte) int { return bytes.Count(data, newline) + 1 }

// pack makes messages of what the sinks are told, in the order of each, and
// says whose each message is.
func pack(out []engine.Outgoing) ([]bus.Message, []string) {
	var parcels [][]engine.Outgoing
	type open struct{ at, size int }
	last := map[string]open{} // by sink
	for _, m := range out {
		o, ok := last[m.Sink]
		if o.size += len(m.Data) + 1; ok && len(parcels[o.at]) < packed && o.size <= packedSize {
			parcels[o.at] = append(parcels[o.at], m)
		} else {
			o = open{len(parcels), len(m.Data)}
			parcels = append(parcels, append(make([]engine.Outgoing, 0, min(packed, len(out))), m))
		}
		last[m.Sink] = o
	}
	msgs, names := make([]bus.Message, len(parcels)), make([]string, len(parcels))
	for i, p := range parcels {
		// The window of ids belongs to the stream, which all sinks share.
		sink := p[0].Sink
		msg := bus.Message{Subject: outboxSubject(sink), ID: sink + "." + p[0].ID, Data: p[0].Data}
		if len(p) > 1 {
			msg.ID, msg.Data = sink+"."+parcelID(p), join(p)
		}
		msgs[i], names[i] = msg, sink
	}
	return msgs, names
}

// parcelID is the same for the same alerts only: the stream drops what has an
// id that it knows. Alerts that are put again in other company are stored
// twice, and their receipts keep them from being sent twice.
func parcelID(p []engine.Outgoing) string {
	h := sha256.New()
	for _, m := range p {
		h.Write([]byte(m.ID))
		h.Write(newline)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func join(p []engine.Outgoing) []byte {
	size := len(p)
	for _, m := range p {
		size += len(m.Data)
	}
	data := make([]byte, 0, size)
	for i, m := range p {
		if i > 0 {
			data = append(data, '\n')
		}
		data = append(data, m.Data...)
	}
	return data
}

// Queue is one sink's part of the outbox. It implements sinks.Outbox.
type Queue struct {
	consumer *bus.Consumer
	sizes    *sizesOf
	rest     []sinks.Delivery // not handed out yet
}

// Next implements sinks.Outbox.
func (q *Queue) Next(ctx context.Context, most int) ([]sinks.Delivery, error) {
	if len(q.rest) == 0 {
		got, err := q.consumer.Next(ctx, max(1, most/packed))
		if err != nil {
			return nil, err
		}
		q.rest = nil // its memory belongs to the worker
		for _, d := range got {
			q.rest = q.unpack(q.rest, d)
		}
	}
	n := min(most, len(q.rest))
	out := q.rest[:n:n]
	q.rest = q.rest[n:]
	return out, nil
}

// Nudge makes a waiting Next return nothing.
func (q *Queue) Nudge() { q.consumer.Nudge() }

// Backlog is what of the outbox waits for the sink, in messages.
func (q *Queue) Backlog(ctx context.Context) (bus.Backlog, error) { return q.consumer.Backlog(ctx) }

// parcel is one message of the outbox.
type parcel struct {
	*bus.Incoming
	sizes *sizesOf
	left  atomic.Int32 // alerts that are not settled
}

// delivery is one alert of a parcel.
type delivery struct {
	parcel   *parcel
	data     []byte
	position uint64
}

func (q *Queue) unpack(to []sinks.Delivery, d *bus.Incoming) []sinks.Delivery {
	parts := make([]delivery, alertsIn(d.Data))
	q.sizes.taken(d.Sequence, len(parts))
	p := &parcel{Incoming: d, sizes: q.sizes}
	p.left.Store(int32(len(parts)))
	rest := d.Data
	for i := range parts {
		var alert []byte
		alert, rest, _ = bytes.Cut(rest, newline)
		parts[i] = delivery{p, alert, position(d.Sequence, i)}
		to = append(to, &parts[i])
	}
	return to
}

func (d *delivery) Data() []byte     { return d.data }
func (d *delivery) Position() uint64 { return d.position }

// Ack settles the message when its last alert is done. Until then all of them
// would come again after a crash; those that are done have a receipt.
func (d *delivery) Ack() error {
	if p := d.parcel; p.left.Add(-1) == 0 {
		p.sizes.settled(p.Sequence)
		p.Incoming.Ack()
	}
	return nil
}

// InProgress does nothing: the bus keeps what is held alive by itself.
func (d *delivery) InProgress() error { return nil }

// sizes knows how many alerts are in the messages that wait, which the server
// can only count.
type sizes struct{ by sync.Map } // sink -> *sizesOf

func (s *sizes) of(sink string) *sizesOf {
	v, ok := s.by.Load(sink)
	if !ok {
		v, _ = s.by.LoadOrStore(sink, &sizesOf{extra: map[uint64]int{}})
	}
	return v.(*sizesOf)
}

type sizesOf struct {
	mu    sync.Mutex
	last  uint64         // taken; what is up to here and not in extra is settled
	extra map[uint64]int // by sequence: alerts beyond the first
}

// put notes a message that lies in the outbox.
func (s *sizesOf) put(seq uint64, alerts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if alerts > 1 && seq > s.last {
		s.extra[seq] = alerts - 1
	}
}

// taken notes a message that is on its way to the sink.
func (s *sizesOf) taken(seq uint64, alerts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, seq)
	if alerts > 1 {
		s.extra[seq] = alerts - 1
	}
}

func (s *sizesOf) settled(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.extra, seq)
}

// more is how many alerts there are beyond one for each message. Nothing up to
// floor is left: what was not settled has made room in a full outbox.
func (s *sizesOf) more(floor uint64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for seq, extra := range s.extra {
		if seq <= floor {
			delete(s.extra, seq)
			continue
		}
		n += extra
	}
	return n
}
