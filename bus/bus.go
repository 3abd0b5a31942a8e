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
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/setting"
)

// Options is what the program gives the bus besides its configuration.
type Options struct {
	Log  *slog.Logger // nil: nothing is logged
	Name string       // how this process shows in the server's list of connections; empty: dswatch
}

// Bus is an open bus. Its methods are safe for concurrent use.
type Bus struct {
	log     *slog.Logger
	said    *complaints
	server  *embedded // nil with an external server
	nc      *nats.Conn
	js      jetstream.JetStream
	renews  bool // the server can set a durable consumer back
	streams map[string]jetstream.Stream

	mu        sync.Mutex
	pub       *publisher
	consumers map[*Consumer]struct{}
	closed    bool
}

// Open starts the embedded server or connects to the external one, and makes
// its streams and buckets what they have to be. With an external server that
// does not answer it tries until ctx ends.
func Open(ctx context.Context, cfg Config, o Options) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = "dswatch"
	}
	b := &Bus{
		log: o.Log, said: &complaints{log: o.Log},
		streams: map[string]jetstream.Stream{}, consumers: map[*Consumer]struct{}{},
	}
	err := b.open(ctx, cfg, o.Name)
	if err == nil {
		return b, nil
	}
	// What went wrong counts, not what goes wrong while cleaning up after it.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = b.Close(stop)
	return nil, err
}

func (b *Bus) open(ctx context.Context, cfg Config, name string) error {
	var err error
	if cfg.URL == "" {
		if b.server, err = startEmbedded(ctx, cfg, b.said); err != nil {
			return err
		}
		b.nc, err = nats.Connect("", append(b.connection(name), nats.InProcessServer(b.server.srv), nats.ReconnectWait(100*time.Millisecond))...)
		if err != nil {
			return fmt.Errorf("connect to the embedded message store: %w", err)
		}
	} else if b.nc, err = b.dial(ctx, cfg, name); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	pub, err := newPublisher(b.nc, b.ready, b.hint)
	if err != nil {
		return err
	}
	pub.sole = b.server != nil
	b.mu.Lock()
	b.pub = pub
	b.mu.Unlock()
	if err := b.meet(ctx); err != nil {
		return err
	}
	if b.server != nil {
		if err := b.server.recoverLost(ctx, b.js); err != nil {
			return err
		}
	}
	for _, want := range streams(cfg) {
		var s jetstream.Stream
		err := patiently(ctx, func() (err error) { s, err = ensure(ctx, b.js, want); return err })
		if err != nil {
			return err
		}
		b.streams[want.Name] = s
		pub.follow(want.Name, s.CachedInfo().State.LastSeq)
	}
	return nil
}

// minPayload is the least max_payload of a server in bytes: alerts for one sink
// travel in messages of 32 KiB, and a digest with long details is larger.
const minPayload = 128 << 10

// meet asks the server what it can do.
func (b *Bus) meet(ctx context.Context) error {
	var info *jetstream.AccountInfo
	err := patiently(ctx, func() (err error) { info, err = b.js.AccountInfo(ctx); return err })
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("use JetStream: %w; start the server with --jetstream and enable it for this account", err)
	case err != nil:
		return fmt.Errorf("use JetStream: %w", err)
	case info.API.Level < 1:
		return fmt.Errorf("use JetStream: the server is version %s; dswatch needs 2.11 or newer", b.nc.ConnectedServerVersion())
	}
	if limit := b.nc.MaxPayload(); limit < minPayload {
		return fmt.Errorf("use JetStream: the server takes messages of at most %d bytes; set its max_payload to %d or more, its default is 1MB", limit, minPayload)
	}
	b.renews = info.API.Level >= 4 // 2.14
	return nil
}

// patiently repeats f for up to half a minute while a cluster says that it is
// not ready yet, or says nothing because it elects a leader.
func patiently(ctx context.Context, f func() error) error {
	for end := time.Now().Add(30 * time.Second); ; {
		err := f()
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
func (b *Bus) connection(name string) []nats.Option {
	return []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.Timeout(5 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.lost(err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.log.Info("connected to the message server again", "url", nc.ConnectedUrlRedacted())
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
	closed := b.closed
	b.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case b.server != nil:
		return b.server.room()
	case !b.nc.IsConnected():
		return ErrNotConnected
	}
	return nil
}

// hint is the tail of an error about a server that stays silent.
func (b *Bus) hint() string {
	if b.server == nil {
		return b.said.last() + "; see the log of the NATS server"
	}
	return b.said.last() + "; see that the disk under " + b.server.dir + " works and has room, then start dswatch again"
}

// Ping reports whether the server answers and can store. With nil, a message
// published now would be accepted.
func (b *Bus) Ping(ctx context.Context) error {
	if err := b.ready(); err != nil {
		return err
	}
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("ask the message server: %w%s", err, b.hint())
	}
	return nil
}

func (b *Bus) stream(name string) (jetstream.Stream, error) {
	s, ok := b.streams[name]
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
		return 0, fmt.Errorf("look up %s: %w", stream, err)
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
		return nil, fmt.Errorf("look up %s: %w", stream, err)
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
	for _, name := range slices.Sorted(maps.Keys(b.streams)) {
		i, err := b.streams[name].Info(ctx)
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", name, err)
		}
		out = append(out, Usage{
			Name: strings.TrimPrefix(name, "KV_"), Messages: i.State.Msgs, Bytes: i.State.Bytes, MaxBytes: i.Config.MaxBytes,
		})
	}
	return out, nil
}

func (b *Bus) keep(c *Consumer) bool {
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

	var errs []error
	for _, c := range consumers {
		errs = append(errs, c.Close(ctx))
	}
	if b.pub != nil {
		if err := b.pub.idle(ctx); err != nil {
			errs = append(errs, fmt.Errorf("wait for what is being published: %w", err))
		}
	}
	if b.nc != nil {
		if b.nc.IsConnected() {
			flush, cancel := context.WithTimeout(ctx, patience)
			if err := b.nc.FlushWithContext(flush); err != nil {
				errs = append(errs, fmt.Errorf("flush the connection: %w", err))
			}
			cancel()
		}
		b.nc.Close()
	}
	if b.server != nil {
		errs = append(errs, b.server.stop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close bus: %w", err)
	}
	return nil
}
