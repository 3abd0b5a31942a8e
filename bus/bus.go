package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/setting"
)

// Options is what the program gives the bus besides its configuration.
type Options struct {
	Log  *slog.Logger // nil: nothing is logged
	Name string       // how this process shows in the server's list of connections; empty: dswatch
	// MadeAnew is told the streams and buckets that had to be made again while
	// the bus was open, and are empty: what they held is lost unless somebody
	// still has it in memory. It must not block; nil: nobody is told.
	MadeAnew func(names []string)
	// Mended is called when something can be stored again after a while. It
	// must not block; nil: nobody is told.
	Mended func()
}

// Bus is an open bus. Its methods are safe for concurrent use.
type Bus struct {
	o       Options
	cfg     Config
	log     *slog.Logger
	said    *complaints
	server  *embedded // nil with an external server
	link    atomic.Pointer[link]
	renews  atomic.Bool // the server can set a durable consumer back
	worried chan struct{}
	quit    chan struct{}
	keeping sync.WaitGroup

	aside     aside
	mu        sync.Mutex
	streams   map[string]jetstream.Stream
	watched   map[string]chan struct{} // closed when the stream is made anew
	broken    error                    // why nothing can be stored until it is mended, see keep
	noHistory error                    // why the stream History is not there
	worries   []string
	pub       *publisher
	consumers map[*Consumer]struct{}
	ends      map[string]uint64 // the last sequence of each stream when the bus was opened
	opened    map[string]bool   // durable consumers, by stream and name
	closed    bool
}

// link is a connection. One that the library has given up is replaced.
type link struct {
	nc *nats.Conn
	js jetstream.JetStream
}

func (b *Bus) nc() *nats.Conn {
	if l := b.link.Load(); l != nil {
		return l.nc
	}
	return nil
}

func (b *Bus) js() jetstream.JetStream { return b.link.Load().js }

// Open starts the embedded server or connects to the external one, and makes
// its streams and buckets what they have to be. With an external server that
// does not answer it tries until ctx ends. One that answers but cannot store
// yet, such as a cluster without a quorum, is waited for behind the open bus:
// until then everything fails with ErrNotReady, and consumers are silent.
func Open(ctx context.Context, cfg Config, o Options) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := newBus(cfg, o)
	err := b.open(ctx)
	if err == nil {
		b.keeping.Go(b.keep)
		return b, nil
	}
	// What went wrong counts, not what goes wrong while cleaning up after it.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = b.Close(stop)
	return nil, err
}

// newBus is a bus of which nothing is open yet.
func newBus(cfg Config, o Options) *Bus {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = "dswatch"
	}
	b := &Bus{
		o: o, cfg: cfg, log: o.Log, said: &complaints{log: o.Log}, worried: make(chan struct{}, 1), quit: make(chan struct{}),
		streams: map[string]jetstream.Stream{}, watched: map[string]chan struct{}{}, consumers: map[*Consumer]struct{}{},
		ends: map[string]uint64{}, opened: map[string]bool{},
	}
	b.said.mended = b.tellMended
	b.said.alarm = func() { b.worry("") }
	return b
}

func (b *Bus) open(ctx context.Context) error {
	var err error
	if b.cfg.URL == "" {
		if b.server, err = startEmbedded(ctx, b.cfg, b.said); err != nil {
			return err
		}
	}
	if err := b.connect(ctx); err != nil {
		return err
	}
	first := ctx
	if b.server == nil {
		var cancel context.CancelFunc
		first, cancel = context.WithTimeout(ctx, firstTry)
		defer cancel()
	}
	err = b.prepare(first, electionTime)
	if err != nil && b.waits(ctx, err) {
		b.log.Warn("the message server cannot store yet; it is waited for, and what is seen meanwhile is kept in memory", "url", b.cfg.URL, "error", err)
		b.breaks(fmt.Errorf("%w: %w", ErrNotReady, err))
		return nil
	}
	return err
}

// firstTry is how long an external server may have no leader before it is
// waited for behind the open bus.
const firstTry = 10 * time.Second

// connect makes the connection, in place of one that is closed.
func (b *Bus) connect(ctx context.Context) error {
	var nc *nats.Conn
	var err error
	if b.server != nil {
		nc, err = nats.Connect("", append(b.connection(), nats.InProcessServer(b.server), nats.ReconnectWait(100*time.Millisecond))...)
		if err != nil {
			return fmt.Errorf("connect to the embedded message store: %w", err)
		}
	} else if nc, err = b.dial(ctx); err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.pub == nil {
			b.pub = newPublisher(b.ready, b.hint, b.worry)
			b.pub.sole = b.server != nil
		}
		err = b.pub.attach(nc)
	}
	if err != nil {
		nc.Close()
		return fmt.Errorf("use JetStream: %w", err)
	}
	b.link.Store(&link{nc, js})
	return nil
}

// prepare makes the streams and buckets what they have to be, and keeps asking
// for the time of wait while the server has no leader for them. It returns the
// names of those that are not the ones of before.
func (b *Bus) prepare(ctx context.Context, wait time.Duration) error {
	if err := b.meet(ctx, wait); err != nil {
		return err
	}
	if b.server != nil {
		if err := b.server.recoverLost(ctx, b.js()); err != nil {
			return err
		}
		if again, err := b.rebuild(ctx); err != nil {
			return err
		} else if again { // before any stream is compared with the one of before
			return b.prepare(ctx, wait)
		}
	}
	var anew []string
	for _, want := range streams(b.cfg) {
		if b.server != nil && strings.HasPrefix(want.Name, "KV_") && b.server.takeCorrupt(want.Name) {
			if err := b.rewrite(ctx, want); err != nil {
				return err
			}
		}
		var s jetstream.Stream
		if want.Name == History {
			if err := b.makeHistory(ctx); err != nil && ctx.Err() == nil {
				b.log.Warn("the message server does not keep history; all else works", "error", err)
			}
			continue
		}
		err := patiently(ctx, wait, func(ctx context.Context) (err error) { s, err = ensure(ctx, b.js(), want); return err })
		if err != nil {
			return err
		}
		if b.adopt(want.Name, s) {
			anew = append(anew, want.Name)
		}
	}
	if b.server != nil {
		if err := b.server.settle(); err != nil {
			return fmt.Errorf("look at bus.dir: %w", err)
		}
	}
	if len(anew) > 0 {
		b.mu.Lock()
		for _, name := range anew {
			if c := b.watched[name]; c != nil {
				close(c)
				delete(b.watched, name)
			}
		}
		b.mu.Unlock()
		b.log.Error("streams were lost and are made anew; what is still in memory is stored again", "streams", anew)
		if b.o.MadeAnew != nil {
			for i, name := range anew {
				anew[i] = strings.TrimPrefix(name, "KV_")
			}
			b.o.MadeAnew(anew)
		}
	}
	return nil
}

// makeHistory makes the stream History what it has to be. That it cannot be
// keeps nothing else from working: an account may have what an earlier version
// needed, and a server no room for more streams.
func (b *Bus) makeHistory(ctx context.Context) error {
	all := streams(b.cfg)
	var s jetstream.Stream
	err := patiently(ctx, 0, func(ctx context.Context) (err error) { s, err = ensure(ctx, b.js(), all[len(all)-1]); return err })
	if err == nil {
		b.adopt(History, s)
	} else {
		err = fmt.Errorf("%w: %w", ErrNoHistory, err)
	}
	b.mu.Lock()
	b.noHistory = err
	b.mu.Unlock()
	return err
}

// MakeHistory tries again what failed with ErrNoHistory.
func (b *Bus) MakeHistory(ctx context.Context) error {
	if err := b.ready(); err != nil {
		return err
	}
	return b.makeHistory(ctx)
}

// adopt takes s as the stream of that name, and reports whether it is another
// one than before, or lacks messages that were stored.
func (b *Bus) adopt(name string, s jetstream.Stream) (anew bool) {
	info := s.CachedInfo()
	b.mu.Lock()
	before := b.streams[name]
	b.streams[name] = s
	if before == nil {
		b.ends[name] = info.State.LastSeq
	}
	b.mu.Unlock()
	last := b.pub.follow(name, info.State.LastSeq)
	return before != nil && (!info.Created.Equal(before.CachedInfo().Created) || info.State.LastSeq < last)
}

// minPayload is the least max_payload of a server in bytes: alerts for one sink
// travel in messages of 32 KiB, and a digest with long details is larger.
const minPayload = 128 << 10

// meet asks the server what it can do.
func (b *Bus) meet(ctx context.Context, wait time.Duration) error {
	var info *jetstream.AccountInfo
	err := patiently(ctx, wait, func(ctx context.Context) (err error) { info, err = b.js().AccountInfo(ctx); return err })
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("use JetStream: %w; start the server with --jetstream and enable it for this account", err)
	case err != nil:
		return fmt.Errorf("use JetStream: %w", err)
	case info.API.Level < 1:
		return fmt.Errorf("use JetStream: the server is version %s; dswatch needs 2.11 or newer", b.nc().ConnectedServerVersion())
	}
	if limit := b.nc().MaxPayload(); limit < minPayload {
		return fmt.Errorf("use JetStream: the server takes messages of at most %d bytes; set its max_payload to %d or more, its default is 1MB", limit, minPayload)
	}
	b.renews.Store(info.API.Level >= 4) // 2.14
	return nil
}

const (
	// electionTime is how long a cluster may take to elect a leader.
	electionTime = 30 * time.Second
	// askTime is how long a server is waited for that may have no leader to
	// answer: it will not answer later what it was asked now.
	askTime = 5 * time.Second
)

// patiently repeats f for the time of wait while a cluster says that it is not
// ready yet, or says nothing because it elects a leader.
func patiently(ctx context.Context, wait time.Duration, f func(context.Context) error) error {
	for end := time.Now().Add(wait); ; {
		try, cancel := context.WithTimeout(ctx, askTime)
		err := f(try)
		cancel()
		if err == nil || !electing(err) || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return err
		}
	}
}

// electing reports whether err, which is not of the caller's own context, may
// be gone in a moment.
func electing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == 503 && api.ErrorCode != jetstream.JSErrCodeJetStreamNotEnabled &&
			api.ErrorCode != jetstream.JSErrCodeJetStreamNotEnabledForAccount
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// connection is how every connection is made.
func (b *Bus) connection() []nats.Option {
	return []nats.Option{
		nats.Name(b.o.Name), nats.MaxReconnects(-1), nats.Timeout(5 * time.Second),
		// Without it, a login that is refused twice closes for good. The
		// credentials are read anew at each connect, and may be right then.
		nats.IgnoreAuthErrorAbort(),
		nats.ClosedHandler(func(nc *nats.Conn) { b.gone(nc) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.lost(err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.log.Info("connected to the message server again", "url", nc.ConnectedUrlRedacted())
			b.tellMended()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.said.Warnf("%v", err) }),
	}
}

// lost fails what waits for answers that went with the connection.
func (b *Bus) lost(err error) {
	b.mu.Lock()
	pub, closed := b.pub, b.closed
	b.mu.Unlock()
	if closed {
		return
	}
	b.log.Warn("lost the connection to the message server; trying again until it is back", "error", err)
	if pub != nil {
		pub.failAll(ErrNotConnected)
	}
}

// ready says why nothing can be published now.
func (b *Bus) ready() error {
	b.mu.Lock()
	closed, broken := b.closed, b.broken
	b.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case b.server != nil && b.server.room() != nil:
		return b.server.room()
	case broken != nil:
		return broken
	case b.server == nil && !b.nc().IsConnected():
		return b.notConnected()
	}
	return nil
}

// notConnected says what the server or the network said last.
func (b *Bus) notConnected() error {
	if err := b.nc().LastError(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return ErrNotConnected
}

// hint is the tail of an error about a server that stays silent.
func (b *Bus) hint() string {
	if b.server == nil {
		return b.said.last() + "; see the log of the NATS server"
	}
	return b.said.last() + "; see that the disk under " + b.server.dir + " works and has room"
}

// Ping reports whether the server answers and can store. With nil, a message
// published now would be accepted.
func (b *Bus) Ping(ctx context.Context) error {
	if err := b.ready(); err != nil {
		return err
	}
	if _, err := b.js().AccountInfo(ctx); err != nil {
		return fmt.Errorf("ask the message server: %w%s", err, b.hint())
	}
	return nil
}

func (b *Bus) stream(name string) (jetstream.Stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.streams[name]
	if !ok && b.broken != nil {
		return nil, b.broken
	}
	if !ok {
		return nil, fmt.Errorf("no stream or bucket is called %q", setting.Clip(strings.TrimPrefix(name, "KV_")))
	}
	return s, nil
}

// LastSequence returns the sequence of the newest message that the stream has
// or had, 0 if it never had one.
func (b *Bus) LastSequence(ctx context.Context, stream string) (uint64, error) {
	s, err := b.stream(stream)
	if err != nil {
		return 0, err
	}
	i, err := s.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("look up %s: %w", stream, b.missing(stream, err))
	}
	return i.State.LastSeq, nil
}

// Subjects counts the messages that a stream has now, by their subjects.
func (b *Bus) Subjects(ctx context.Context, stream string) (map[string]uint64, error) {
	s, err := b.stream(stream)
	if err != nil {
		return nil, err
	}
	i, err := s.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", stream, b.missing(stream, err))
	}
	return i.State.Subjects, nil
}

// Usage is how full a stream or bucket is.
type Usage struct {
	Name     string
	Messages uint64
	Bytes    uint64
	MaxBytes int64 // -1: no limit
}

// Usage returns how full each stream and bucket is.
func (b *Bus) Usage(ctx context.Context) ([]Usage, error) {
	var out []Usage
	b.mu.Lock()
	streams := maps.Clone(b.streams)
	b.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		i, err := streams[name].Info(ctx)
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", name, err)
		}
		out = append(out, Usage{
			Name: strings.TrimPrefix(name, "KV_"), Messages: i.State.Msgs, Bytes: i.State.Bytes, MaxBytes: i.Config.MaxBytes,
		})
	}
	return out, nil
}

// LastStored is when the last message was stored in any stream or bucket, or in
// one of those that are named; zero: there is none.
func (b *Bus) LastStored(ctx context.Context, names ...string) (last time.Time, err error) {
	b.mu.Lock()
	streams := maps.Clone(b.streams)
	b.mu.Unlock()
	for name, s := range streams {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		i, err := s.Info(ctx)
		if err != nil {
			return last, fmt.Errorf("look up %s: %w", name, err)
		}
		if i.State.LastTime.After(last) {
			last = i.State.LastTime
		}
	}
	return last, nil
}

// waits reports whether err may be gone by itself, so that what failed is left
// to the keeper.
func (b *Bus) waits(ctx context.Context, err error) bool {
	if b.server == nil && electing(err) && ctx.Err() == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken != nil && errors.Is(err, b.broken)
}

// enlist notes an open consumer; there are none after Close.
func (b *Bus) enlist(c *Consumer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.consumers[c] = struct{}{}
	return true
}

func (b *Bus) forget(c *Consumer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.consumers, c)
}

// Close closes the consumers, waits for what is being published, and stops the
// embedded server with everything on disk. When ctx ends first it returns an
// error; nothing that was confirmed is lost then either.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	consumers := slices.Collect(maps.Keys(b.consumers))
	b.mu.Unlock()
	close(b.quit)
	b.keeping.Wait()

	var errs []error
	for _, c := range consumers {
		errs = append(errs, c.Close(ctx))
	}
	if b.pub != nil {
		if err := b.pub.idle(ctx); err != nil {
			errs = append(errs, fmt.Errorf("wait for what is being published: %w", err))
		}
	}
	if nc := b.nc(); nc != nil {
		if nc.IsConnected() {
			flush, cancel := context.WithTimeout(ctx, patience)
			if err := nc.FlushWithContext(flush); err != nil {
				errs = append(errs, fmt.Errorf("flush the connection: %w", err))
			}
			cancel()
		}
		nc.Close()
	}
	if b.server != nil {
		errs = append(errs, b.server.stop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close bus: %w", err)
	}
	return nil
}
