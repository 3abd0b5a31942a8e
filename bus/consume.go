package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/setting"
)

// ConsumerConfig names a durable consumer: a place in a stream that the server
// remembers, and that several processes may share.
type ConsumerConfig struct {
	Stream  string
	Durable string // letters, digits, - and _
	Filter  string // subject, also with * and >; empty: the whole stream
	// MaxPending is how many messages may be handed out or queued here
	// without being settled. Those that wait after a Nak count too. 0 means 256.
	MaxPending int
	// AckWait is how long after the death of this process its unsettled
	// messages come to the next. 0 means 5s; at least 1s.
	AckWait time.Duration
	// Renew takes the place over from a holder that is closed or dead:
	// everything that is not settled comes now, in order and before anything
	// newer, with Attempt 1 again. It is for a durable that one process at a
	// time consumes. In a stream that keeps what was settled, messages that
	// were settled out of order come again too.
	Renew bool
}

const (
	// pullHeartbeat is how often the server says that it still knows of a
	// request for messages. After two that did not come the library asks anew:
	// with its own default of 15s a request that was lost is half a minute of
	// silence.
	pullHeartbeat     = 5 * time.Second
	defaultMaxPending = 256
	defaultAckWait    = 5 * time.Second
)

// Consumer hands out the messages of one durable consumer.
type Consumer struct {
	b    *Bus
	cfg  ConsumerConfig
	quit chan struct{}
	gone sync.WaitGroup
	wake chan struct{} // has an element when queue or err may have changed

	mu     sync.Mutex
	queue  []*Incoming
	held   map[uint64]*Incoming // by sequence: queued or handed out, not settled
	done   recent               // what was acknowledged last
	last   string               // where the last settlement went
	stop   func()               // ends the subscription; nil: there is none, and the keeper makes it
	nudged bool                 // the next Next returns nothing
	ever   bool                 // it was open before
	anew   bool                 // the stream was made anew, which Next has not told yet
	err    error                // why there is nothing more
}

// Incoming is one message that is to be settled: by Ack when its work is done,
// by Nak to get it again later, by Term to never see it again. What is settled
// twice counts once. An Incoming that is never settled is kept by its holder
// until the consumer is closed. Its methods are safe for concurrent use.
type Incoming struct {
	Subject  string
	Data     []byte
	Sequence uint64    // in the stream
	Time     time.Time // when the stream stored it
	// Attempt is how often the message was delivered, 1 the first time. A
	// delivery to a process that died counts too.
	Attempt int

	c     *Consumer
	reply string
	since time.Time // when the server last heard that somebody holds it
}

// Consumer makes the durable consumer if it does not exist, brings its settings
// up to date, and begins to fetch.
func (b *Bus) Consumer(ctx context.Context, cfg ConsumerConfig) (*Consumer, error) {
	if cfg.MaxPending == 0 {
		cfg.MaxPending = defaultMaxPending
	}
	if cfg.AckWait == 0 {
		cfg.AckWait = defaultAckWait
	}
	switch {
	case !isDurable(cfg.Durable):
		return nil, fmt.Errorf("consumer %q of %s: the name must be letters, digits, - and _", setting.Clip(cfg.Durable), cfg.Stream)
	case cfg.AckWait < time.Second || cfg.MaxPending < 0:
		return nil, fmt.Errorf("consumer %s of %s: AckWait is under 1s or MaxPending negative", cfg.Durable, cfg.Stream)
	}
	c := &Consumer{
		b: b, cfg: cfg, quit: make(chan struct{}), wake: make(chan struct{}, 1),
		held: map[uint64]*Incoming{}, done: newRecent(2 * cfg.MaxPending),
	}
	err := patiently(ctx, firstTry, func(ctx context.Context) error { return c.open(ctx, false) })
	if err != nil && !b.waits(ctx, err) {
		return nil, err
	}
	if !b.enlist(c) {
		c.halt()
		return nil, ErrClosed
	}
	c.gone.Go(c.keepAlive)
	return c, nil
}

// open makes the durable consumer and subscribes, unless it has. Anew says that
// its stream is another one than the one it was in: what came from that one is
// forgotten.
func (c *Consumer) open(ctx context.Context, anew bool) error {
	c.mu.Lock()
	if anew {
		c.queue, c.last, c.anew = nil, "", true
		clear(c.held)
		c.done = newRecent(2 * c.cfg.MaxPending)
	}
	renew := c.cfg.Renew && !c.ever
	first := !c.ever
	ended := c.err != nil
	c.mu.Unlock()
	if ended {
		return nil
	}
	c.halt()
	s, err := c.b.stream(c.cfg.Stream)
	if err != nil {
		return err
	}
	jc, err := c.b.ensureConsumer(ctx, s, c.cfg)
	if last, ok := c.b.endAtOpen(c.cfg, first && !anew); ok && err == nil {
		jc, err = c.b.notAhead(ctx, s, jc, last)
	} else if err == nil && anew {
		jc, err = c.b.notAhead(ctx, s, jc, s.CachedInfo().State.LastSeq)
	}
	if err == nil && renew {
		jc, err = c.b.renew(ctx, s, jc)
	}
	if err != nil {
		return c.b.missing(c.cfg.Stream, err)
	}
	cc, err := jc.Consume(c.receive, jetstream.PullMaxMessages(c.cfg.MaxPending), jetstream.PullHeartbeat(pullHeartbeat), jetstream.ConsumeErrHandler(c.trouble))
	if err != nil {
		return fmt.Errorf("consume %s from %s: %w", c.cfg.Durable, c.cfg.Stream, err)
	}
	c.mu.Lock()
	if c.err != nil { // closed meanwhile
		c.mu.Unlock()
		cc.Stop()
		return nil
	}
	c.stop, c.ever = func() { stopped(cc) }, true
	c.mu.Unlock()
	c.signal()
	return nil
}

// endAtOpen is where the stream ended when the bus was opened, for the first
// opening of a durable consumer in this process: nothing that came since can
// have come to it. Of an external server nothing is known: others store there.
func (b *Bus) endAtOpen(cfg ConsumerConfig, first bool) (last uint64, ok bool) {
	if !first || b.server == nil {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := cfg.Stream + " " + cfg.Durable
	if b.opened[key] {
		return 0, false
	}
	b.opened[key] = true
	last, ok = b.ends[cfg.Stream]
	return last, ok
}

// notAhead makes a durable consumer again that is past the end of its stream,
// of which a fault has taken the end away: what comes now would have places
// that it believes to be settled.
func (b *Bus) notAhead(ctx context.Context, s jetstream.Stream, c jetstream.Consumer, last uint64) (jetstream.Consumer, error) {
	info := c.CachedInfo()
	if max(info.AckFloor.Stream, info.Delivered.Stream) <= last {
		return c, nil
	}
	cfg := info.Config
	cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverAllPolicy, 0
	if s.CachedInfo().Config.Retention != jetstream.WorkQueuePolicy && last > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, last+1
	}
	err := s.DeleteConsumer(ctx, info.Name)
	if err == nil {
		c, err = s.CreateConsumer(ctx, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("set consumer %s of %s back to the end of its stream: %w", info.Name, info.Stream, err)
	}
	return c, nil
}

// stopped ends a subscription and waits until the server has been told. Until
// then it answers the requests of the ended one, and what it sends there is
// delivered again only after AckWait, behind what came later.
func stopped(cc jetstream.ConsumeContext) {
	cc.Stop()
	select {
	case <-cc.Closed():
	case <-time.After(time.Second):
	}
}

// halt ends the subscription.
func (c *Consumer) halt() {
	c.mu.Lock()
	stop := c.stop
	c.stop = nil
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// down reports whether there is no subscription where there should be one.
func (c *Consumer) down() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stop == nil && c.err == nil
}

// ensureConsumer makes or updates the durable consumer on the server.
func (b *Bus) ensureConsumer(ctx context.Context, s jetstream.Stream, cfg ConsumerConfig) (jetstream.Consumer, error) {
	want := jetstream.ConsumerConfig{
		Durable: cfg.Durable, FilterSubject: cfg.Filter, DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: cfg.AckWait, MaxAckPending: cfg.MaxPending, MaxDeliver: -1,
	}
	old, err := s.Consumer(ctx, cfg.Durable)
	if err == nil {
		// Where it started cannot be changed and does not matter any more.
		h := old.CachedInfo().Config
		want.DeliverPolicy, want.OptStartSeq = h.DeliverPolicy, h.OptStartSeq
	} else if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("look up consumer %s of %s: %w", cfg.Durable, cfg.Stream, err)
	} else if b.server != nil {
		b.server.dropConsumer(cfg.Stream, cfg.Durable, server.JetStreamMetaFile, server.JetStreamMetaFileSum)
	}
	c, err := s.CreateOrUpdateConsumer(ctx, want)
	var api *jetstream.APIError
	unusable := old == nil && b.server != nil && errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeConsumerCreate
	if unusable && b.server.dropConsumer(cfg.Stream, cfg.Durable, "o.dat") {
		b.said.Warnf("the state of consumer %s of %s was unreadable; it starts again at the oldest message", cfg.Durable, cfg.Stream)
		c, err = s.CreateOrUpdateConsumer(ctx, want)
	}
	if err == nil {
		return c, nil
	}
	if old == nil {
		return nil, fmt.Errorf("make consumer %s of %s: %w; see that the account may create consumers", cfg.Durable, cfg.Stream, err)
	}
	h := old.CachedInfo().Config
	return nil, fmt.Errorf("update consumer %s of %s (filter is %q, wanted %q; ack policy is %s, wanted %s): %w; remove it with `nats consumer rm %s %s` and start again",
		cfg.Durable, cfg.Stream, h.FilterSubject, want.FilterSubject, h.AckPolicy, want.AckPolicy, err, cfg.Stream, cfg.Durable)
}

// renew sets a durable consumer back to the first message that is not settled.
func (b *Bus) renew(ctx context.Context, s jetstream.Stream, c jetstream.Consumer) (jetstream.Consumer, error) {
	info := c.CachedInfo()
	fail := func(err error) error { return fmt.Errorf("renew consumer %s of %s: %w", info.Name, info.Stream, err) }
	if info.Delivered.Consumer == 0 && info.NumAckPending == 0 {
		return c, nil // new
	}
	if b.renews.Load() {
		if _, err := s.ResetConsumer(ctx, info.Name); err != nil {
			return nil, fail(err)
		}
		return c, nil
	}
	// An older server: remove it and make it anew behind what is settled. If
	// the process dies in between, the next one starts at the oldest message.
	cfg := info.Config
	if err := s.DeleteConsumer(ctx, info.Name); err != nil {
		return nil, fail(err)
	}
	if s.CachedInfo().Config.Retention != jetstream.WorkQueuePolicy { // there, what is settled is gone anyway
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, info.AckFloor.Stream+1
	}
	c, err := s.CreateConsumer(ctx, cfg)
	if err != nil {
		return nil, fail(err)
	}
	return c, nil
}

// Next returns between one and most messages as soon as there is one, or none
// after Nudge. After the
// stream was lost and made again it fails once with ErrMadeAnew. It is safe for
// concurrent use. After Close or when the durable was removed it
// returns an error; after ctx has ended, that of ctx.
func (c *Consumer) Next(ctx context.Context, most int) ([]*Incoming, error) {
	for {
		c.mu.Lock()
		if c.anew {
			c.anew = false
			c.mu.Unlock()
			c.signal()
			return nil, fmt.Errorf("consume %s from %s: %w", c.cfg.Durable, c.cfg.Stream, ErrMadeAnew)
		}
		if n := min(most, len(c.queue)); n > 0 {
			out := slices.Clone(c.queue[:n])
			clear(c.queue[:n])
			c.queue = c.queue[n:]
			more := len(c.queue) > 0
			c.mu.Unlock()
			if more {
				c.signal()
			}
			return out, nil
		}
		err, nudged := c.err, c.nudged
		c.nudged = false
		c.mu.Unlock()
		if err != nil {
			c.signal() // for the next caller
			return nil, err
		}
		if nudged {
			return nil, nil
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Consumer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// receive takes one message from the server. It never blocks: MaxPending
// bounds what can be queued.
func (c *Consumer) receive(m jetstream.Msg) {
	md, err := m.Metadata()
	if err != nil {
		return // not a message of a stream
	}
	d := &Incoming{
		Subject: m.Subject(), Data: m.Data(), Sequence: md.Sequence.Stream, Time: md.Timestamp,
		Attempt: int(md.NumDelivered), c: c, reply: m.Reply(), since: time.Now(),
	}
	c.mu.Lock()
	// The server may think that nobody holds the message, after a pause of this
	// process, a step of the clock or a fault of its store. It is wrong.
	if h, ok := c.held[d.Sequence]; ok && h.Time.Equal(d.Time) {
		h.reply, h.since = d.reply, d.since
		c.mu.Unlock()
		return
	}
	if d.Attempt > 1 && c.done.has(d.Sequence) {
		c.mu.Unlock()
		c.b.say(d.reply, "")
		return
	}
	c.held[d.Sequence] = d
	c.queue = append(c.queue, d)
	c.mu.Unlock()
	c.signal()
}

// trouble hears what went wrong with fetching. The library repairs what it
// can; a consumer that is gone, the keeper opens again.
func (c *Consumer) trouble(cc jetstream.ConsumeContext, err error) {
	if !errors.Is(err, jetstream.ErrConsumerDeleted) && !errors.Is(err, jetstream.ErrConsumerNotFound) &&
		!errors.Is(err, jetstream.ErrStreamNotFound) && !errors.Is(err, nats.ErrConnectionClosed) {
		c.b.log.Debug("fetch messages", "stream", c.cfg.Stream, "consumer", c.cfg.Durable, "error", err)
		return
	}
	c.mu.Lock()
	lost := c.stop != nil && c.err == nil
	if lost {
		c.stop = nil
	}
	c.mu.Unlock()
	if lost {
		c.b.log.Warn("a consumer is gone from the message server; it is made again", "stream", c.cfg.Stream, "consumer", c.cfg.Durable, "error", err)
		cc.Stop()
		c.b.worry("")
	}
}

// end makes Next fail from now on.
func (c *Consumer) end(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = fmt.Errorf("consume %s from %s: %w", c.cfg.Durable, c.cfg.Stream, err)
	}
	c.mu.Unlock()
	c.halt()
	c.signal()
}

// keepAlive tells the server about every message that is held for long, so
// that it is not given to somebody else.
func (c *Consumer) keepAlive() {
	t := time.NewTicker(c.cfg.AckWait / 5)
	defer t.Stop()
	for {
		select {
		case <-c.quit:
			return
		case now := <-t.C:
			for _, reply := range c.longHeld(now) {
				c.b.say(reply, ackProgress)
			}
		}
	}
}

func (c *Consumer) longHeld(now time.Time) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, d := range c.held {
		if now.Sub(d.since) >= c.cfg.AckWait/4 {
			d.since = now
			out = append(out, d.reply)
		}
	}
	return out
}

// What is said on a message's reply subject; nothing at all means done.
const (
	ackProgress = "+WPI"
	ackNak      = "-NAK"
	ackTerm     = "+TERM"
)

// Ack settles the message as done. It does not wait for the server.
func (d *Incoming) Ack() { d.settle("", true) }

// Nak gives the message back; it is delivered again after delay.
func (d *Incoming) Nak(delay time.Duration) {
	text := ackNak
	if delay > 0 {
		text += ` {"delay":` + strconv.FormatInt(int64(delay), 10) + `}`
	}
	d.settle(text, false)
}

// Term settles the message as never to be delivered again.
func (d *Incoming) Term() { d.settle(ackTerm, true) }

func (d *Incoming) settle(text string, final bool) {
	c := d.c
	c.mu.Lock()
	if c.held[d.Sequence] != d {
		c.mu.Unlock()
		return
	}
	delete(c.held, d.Sequence)
	if final {
		c.done.add(d.Sequence)
	}
	c.last = d.reply
	reply := d.reply
	c.mu.Unlock()
	c.b.say(reply, text)
}

// Close stops fetching and returns when the server has taken in what was
// settled. What is unsettled is delivered again after AckWait, to whoever
// consumes then. Settling after Close does nothing.
func (c *Consumer) Close(ctx context.Context) error {
	c.mu.Lock()
	if errors.Is(c.err, ErrClosed) {
		c.mu.Unlock()
		return nil
	}
	gone := c.err != nil
	c.err = ErrClosed
	c.queue = nil
	clear(c.held)
	last := c.last
	c.mu.Unlock()
	c.signal()
	c.halt()
	close(c.quit)
	c.gone.Wait()
	c.b.forget(c)
	if last == "" || gone {
		return nil
	}
	// The server works through settlements in order and answers this one,
	// which changes nothing.
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := c.b.nc().RequestWithContext(ctx, last, []byte(ackProgress)); err != nil {
		return fmt.Errorf("close consumer %s of %s: wait for the server to take in what was settled: %w", c.cfg.Durable, c.cfg.Stream, err)
	}
	return nil
}

// say sends one settlement. An error means that the connection is closed or
// its buffer full; the message then comes again, which is what Ack promises.
func (b *Bus) say(reply, text string) {
	if err := b.nc().Publish(reply, []byte(text)); err != nil {
		b.log.Debug("settle message", "error", err)
	}
}

// Backlog is what a durable consumer has before it.
type Backlog struct {
	Waiting uint64 // not delivered yet
	Held    int    // delivered and not settled, also after a Nak
	Floor   uint64 // the sequence up to which everything is settled or gone
}

// Pending returns the backlog of a durable consumer; one that does not exist
// has jetstream's error in the chain.
func (b *Bus) Pending(ctx context.Context, stream, durable string) (Backlog, error) {
	s, err := b.stream(stream)
	if err != nil {
		return Backlog{}, err
	}
	if b.server == nil && !b.nc().IsConnected() { // an answer would be waited for in vain
		return Backlog{}, fmt.Errorf("%w; see that it runs at bus.url", ErrNotConnected)
	}
	c, err := s.Consumer(ctx, durable)
	if err != nil {
		return Backlog{}, fmt.Errorf("look up consumer %s of %s: %w", durable, stream, b.missing(stream, err))
	}
	i := c.CachedInfo()
	return Backlog{Waiting: i.NumPending, Held: i.NumAckPending, Floor: i.AckFloor.Stream}, nil
}

// Lying is how many messages of a subject lie in a stream. Unlike the backlog of a
// consumer, which learns of a message a moment after it was confirmed, it counts
// all that was.
func (b *Bus) Lying(ctx context.Context, stream, subject string) (uint64, error) {
	s, err := b.stream(stream)
	if err != nil {
		return 0, err
	}
	if b.server == nil && !b.nc().IsConnected() { // an answer would be waited for in vain
		return 0, fmt.Errorf("%w; see that it runs at bus.url", ErrNotConnected)
	}
	i, err := s.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return 0, fmt.Errorf("count what lies in %s: %w", stream, b.missing(stream, err))
	}
	return i.State.Subjects[subject], nil
}

// Durables returns the names of the durable consumers of a stream.
func (b *Bus) Durables(ctx context.Context, stream string) ([]string, error) {
	s, err := b.stream(stream)
	if err != nil {
		return nil, err
	}
	l := s.ListConsumers(ctx)
	var out []string
	for i := range l.Info() {
		if i.Config.Durable != "" {
			out = append(out, i.Config.Durable)
		}
	}
	if err := l.Err(); err != nil {
		return nil, fmt.Errorf("list consumers of %s: %w", stream, err)
	}
	slices.Sort(out)
	return out, nil
}

// RemoveDurable removes a durable consumer and, from the outbox, the messages
// that waited for it. One that does not exist is no error.
func (b *Bus) RemoveDurable(ctx context.Context, stream, durable string) error {
	s, err := b.stream(stream)
	if err != nil {
		return err
	}
	c, err := s.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove consumer %s of %s: %w", durable, stream, err)
	}
	filter := c.CachedInfo().Config.FilterSubject
	b.mu.Lock()
	consumers := slices.Collect(maps.Keys(b.consumers))
	b.mu.Unlock()
	for _, held := range consumers {
		if held.cfg.Stream == stream && held.cfg.Durable == durable {
			held.end(jetstream.ErrConsumerDeleted)
		}
	}
	if err := s.DeleteConsumer(ctx, durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("remove consumer %s of %s: %w", durable, stream, err)
	}
	if stream != Outbox || filter == "" {
		return nil
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(filter)); err != nil {
		return fmt.Errorf("purge %s from %s: %w", filter, stream, err)
	}
	return nil
}

func isDurable(name string) bool {
	return name != "" && len(name) <= 200 && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}

// recent remembers the last few sequences that were added.
type recent struct {
	ring []uint64
	at   int
	set  map[uint64]struct{}
}

func newRecent(n int) recent {
	return recent{ring: make([]uint64, n), set: make(map[uint64]struct{}, n)}
}

func (r *recent) add(seq uint64) {
	delete(r.set, r.ring[r.at])
	r.ring[r.at] = seq
	r.set[seq] = struct{}{}
	r.at = (r.at + 1) % len(r.ring)
}

func (r *recent) has(seq uint64) bool {
	_, ok := r.set[seq]
	return ok
}
