package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/guard"
)

// What goes wrong with a store or a connection is often gone a moment later: a
// full disk, a volume that was read-only, a password that was changed in two
// places. This file mends it in the process, so that what waits in memory is
// stored after all.
const (
	// healEvery is the pause between two tries to mend.
	healEvery = 250 * time.Millisecond
	// lookEvery is how often the embedded server is asked whether it is well.
	lookEvery = time.Second
	// remindEvery is how often the log repeats what is still waited for.
	remindEvery = time.Minute
	// away is how long a directory that was renamed may stay away before
	// another one is made in its place.
	away = 10 * time.Second
)

// worry asks the keeper to look. A name is that of a stream that seems to be
// missing.
func (b *Bus) worry(stream string) {
	b.mu.Lock()
	if stream != "" && !slices.Contains(b.worries, stream) {
		b.worries = append(b.worries, stream)
	}
	b.mu.Unlock()
	select {
	case b.worried <- struct{}{}:
	default:
	}
}

// breaks notes why nothing can be stored, and fails what is on its way: the
// answers will not come.
func (b *Bus) breaks(err error) {
	b.mu.Lock()
	b.broken = err
	pub := b.pub
	b.mu.Unlock()
	if pub != nil {
		pub.failAll(err)
	}
}

func (b *Bus) mended() {
	b.mu.Lock()
	b.broken = nil
	b.mu.Unlock()
}

func (b *Bus) tellMended() {
	if b.o.Mended != nil {
		b.o.Mended()
	}
}

// madeAnew is closed when the stream is lost and made again.
func (b *Bus) madeAnew(stream string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched[stream] == nil {
		b.watched[stream] = make(chan struct{})
	}
	return b.watched[stream]
}

// gone hears that a connection is closed for good.
func (b *Bus) gone(nc *nats.Conn) {
	if b.nc() == nc {
		b.worry("")
	}
}

// keep looks after the store until the bus is closed.
func (b *Bus) keep() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-b.quit
		cancel()
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.worried:
		case <-tick.C:
			if b.server == nil && b.well() {
				continue // a server that is asked by thousands is not asked every second
			}
		}
		if err := b.ails(); err != nil {
			b.heal(ctx, err)
		}
	}
}

// well reports whether nothing is known to be wrong.
func (b *Bus) well() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil || len(b.worries) > 0 {
		return false
	}
	for c := range b.consumers {
		if c.down() {
			return false
		}
	}
	return true
}

// ails says what has to be mended, if anything.
func (b *Bus) ails() error {
	if b.server != nil {
		if err := b.server.ails(); err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
	}
	if b.nc().IsClosed() {
		return b.notConnected()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if len(b.worries) > 0 {
		return fmt.Errorf("%w: missing: %s", ErrNotReady, strings.Join(b.worries, ", "))
	}
	for c := range b.consumers {
		if c.down() {
			return errConsumer
		}
	}
	return nil
}

// errConsumer says that only a consumer has to be opened.
var errConsumer = errors.New("a consumer is not open")

// heal mends until it is done or ctx ends.
func (b *Bus) heal(ctx context.Context, why error) {
	began, logged := time.Now(), time.Time{}
	for {
		if !errors.Is(why, errConsumer) {
			b.breaks(why)
		}
		err := b.mend(ctx)
		if err == nil {
			b.mended()
			b.tellMended()
			if !logged.IsZero() {
				b.log.Info("the message store works again", "after", time.Since(began).Round(time.Millisecond))
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if logged.IsZero() || time.Since(logged) > remindEvery {
			b.log.Error("the message store does not work; what has to be stored waits in memory until it does", "error", why, "waits_for", err, "since", began)
			logged = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(healEvery):
		}
		if now := b.ails(); now != nil {
			why = now
		}
	}
}

// mend tries once.
func (b *Bus) mend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, electionTime)
	defer cancel()
	if b.server != nil {
		nc := b.nc()
		before := nc.Stats().Reconnects
		replaced, err := b.server.mend(ctx)
		if err != nil {
			return err
		}
		if replaced {
			if err := awaitConnection(ctx, nc, before); err != nil {
				return err
			}
		}
	}
	if b.nc().IsClosed() {
		if err := b.connect(ctx); err != nil {
			return err
		}
	}
	if !b.nc().IsConnected() {
		return b.notConnected()
	}
	b.mu.Lock()
	b.worries = nil
	before := maps.Clone(b.streams)
	consumers := slices.Collect(maps.Keys(b.consumers))
	b.mu.Unlock()
	if err := b.prepare(ctx, 0); err != nil {
		return err
	}
	b.mended() // the consumers need the streams
	for _, c := range consumers {
		anew := b.isAnew(c.cfg.Stream, before)
		if err := patiently(ctx, 0, func(ctx context.Context) error { return c.open(ctx, anew) }); err != nil {
			return err
		}
	}
	return nil
}

// isAnew reports whether a stream is another one than it was in before.
func (b *Bus) isAnew(name string, before map[string]jetstream.Stream) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, is := before[name], b.streams[name]
	return was != nil && is != nil && (!was.CachedInfo().Created.Equal(is.CachedInfo().Created) ||
		is.CachedInfo().State.LastSeq < was.CachedInfo().State.LastSeq)
}

// awaitConnection waits until the library has connected again by itself, more
// often than before: it does not notice at once that the old server is gone.
func awaitConnection(ctx context.Context, nc *nats.Conn, before uint64) error {
	for (nc.Stats().Reconnects == before || !nc.IsConnected()) && !nc.IsClosed() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("connect to the embedded message store: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// missing notes what an error says about a stream that is not there.
func (b *Bus) missing(stream string, err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		b.worry(stream)
	}
	return err
}

// home is where the store was at the start: an open directory, which tells a
// renamed one from one that was removed, and what its path led to.
type home struct {
	dir   *os.File
	parts map[string]fs.FileInfo // by path
	since time.Time              // since when it is not there; zero: it is
}

// settle remembers the directories of the store as they are now.
func (e *embedded) settle() error {
	dir, err := os.Open(e.dir)
	if err != nil {
		return err
	}
	h := &home{dir: dir, parts: map[string]fs.FileInfo{}}
	paths := []string{e.dir, e.storage(), filepath.Join(e.dir, lockName)}
	list, err := os.ReadDir(e.storage())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		dir.Close()
		return err
	}
	for _, d := range list {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			paths = append(paths, filepath.Join(e.storage(), d.Name()), filepath.Join(e.storage(), d.Name(), "msgs"))
		}
	}
	for _, p := range paths {
		if i, err := os.Stat(p); err == nil {
			h.parts[p] = i
		}
	}
	e.mu.Lock()
	old := e.home
	e.home = h
	e.mu.Unlock()
	if old != nil {
		old.dir.Close()
	}
	return nil
}

// ails says why the server has to be replaced, if it has to.
func (e *embedded) ails() error {
	e.mu.Lock()
	srv, h := e.srv, e.home
	e.mu.Unlock()
	if srv == nil {
		return errors.New("it is stopped" + e.said.last())
	}
	if !srv.JetStreamEnabled() {
		return errors.New("it has given up" + e.said.last())
	}
	if h == nil {
		return nil // it is being opened
	}
	for p, was := range h.parts {
		if is, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(was, is) {
			return fmt.Errorf("%s was removed, renamed or replaced under the running program", p)
		}
	}
	if s := health(func() *server.HealthStatus { return srv.Healthz(&server.HealthzOptions{}) }); s.StatusCode != 200 {
		if strings.Contains(s.Error, "malformed or corrupt message") {
			e.noteCorrupt(srv)
		}
		return fmt.Errorf("%s%s", s.Error, e.said.last())
	}
	return nil
}

// health asks the server how it is. It gives itself one millisecond to see that
// it listens, which on a busy machine can pass before it looks; so that answer
// counts only when it comes again and again.
func health(ask func() *server.HealthStatus) *server.HealthStatus {
	s := ask()
	for wait := time.Millisecond; wait < time.Second && strings.HasPrefix(s.Error, notListening); wait *= 2 {
		time.Sleep(wait)
		s = ask()
	}
	return s
}

// notListening begins what the server says then.
const notListening = "failed to be ready for connections"

// noteCorrupt remembers the streams that the server gave up because of damaged
// bytes.
func (e *embedded) noteCorrupt(srv *server.Server) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.corrupt == nil {
		e.corrupt = map[string]bool{}
	}
	for _, one := range srv.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if strings.Contains(one.Error, "malformed or corrupt message") {
			e.corrupt[one.Stream] = true
		}
	}
}

// isCorrupt reports whether a stream was noted and is not taken yet.
func (e *embedded) isCorrupt(stream string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.corrupt[stream]
}

// takeCorrupt reports whether a stream was noted, once.
func (e *embedded) takeCorrupt(stream string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.corrupt[stream]
	delete(e.corrupt, stream)
	return was
}

// mend replaces a server that ails, once the directory can be written. It
// keeps one that is well.
func (e *embedded) mend(ctx context.Context) (replaced bool, err error) {
	if err := e.room(); err != nil {
		return false, err
	}
	why := e.ails()
	if why == nil {
		return false, nil
	}
	if err := e.moveIn(); err != nil {
		return false, err
	}
	if err := e.tryWrite(); err != nil {
		return false, err
	}
	e.shut()
	if err := e.start(ctx); err != nil {
		return false, err
	}
	return true, nil
}

// moveIn makes the directory again where it is not there, and locks it.
func (e *embedded) moveIn() error {
	e.mu.Lock()
	h := e.home
	e.mu.Unlock()
	is, err := os.Stat(e.dir)
	if err == nil && h != nil && os.SameFile(is, h.parts[e.dir]) {
		if lock, err := os.Stat(filepath.Join(e.dir, lockName)); err == nil && os.SameFile(lock, h.parts[filepath.Join(e.dir, lockName)]) {
			h.since = time.Time{}
			return nil
		}
	} else if _, serr := os.Stat(e.storage()); h != nil && serr != nil && !removed(h.dir) {
		// It was renamed, or another file system is mounted over it. Who did
		// that may have it back in a moment. A store that is at its place, is
		// taken at once: a volume that was mounted again.
		if h.since.IsZero() {
			h.since = time.Now()
		}
		if left := away - time.Since(h.since); left > 0 {
			return fmt.Errorf("bus.dir %s was renamed or covered; bring it back, or another one is made in its place in %s", e.dir, left.Round(time.Second))
		}
	}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return fmt.Errorf("make bus.dir: %w; make it for the user that runs dswatch", err)
	}
	e.shut() // it holds what is not here any more
	lock, err := lockDir(e.dir)
	if err != nil {
		return err
	}
	e.mu.Lock()
	old := e.lock
	e.lock, e.home = lock, nil
	e.mu.Unlock()
	unlockDir(old)
	if h != nil {
		h.dir.Close()
	}
	return nil
}

// tryWrite reports whether the directory takes a new file of some size, which
// needs space, an inode and a file system that may be written.
func (e *embedded) tryWrite() error {
	name := filepath.Join(e.dir, ".probe")
	f, err := guard.Open(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.Write(make([]byte, 64<<10))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if rerr := os.Remove(name); err == nil && rerr != nil {
		err = rerr
	}
	if err != nil {
		return fmt.Errorf("write to bus.dir: %w; see that the file system may be written and has room", err)
	}
	return nil
}
