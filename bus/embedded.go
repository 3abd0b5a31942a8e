package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/setting"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

const (
	// reserve is the free space below which nothing is accepted. The server
	// gives up on a stream whose write failed; before that happens, dswatch
	// stops by itself and goes on when there is space again. Where it happens
	// all the same, the server is replaced, see renew.
	reserve = 64 << 20
	// spaceEvery is how often the free space is looked at. In a storm of
	// 6,000 changes a second about 40 MB are written in that time.
	spaceEvery = time.Second
)

// embedded is the server inside this process. One that gave up a stream is
// replaced by a new one in the same directory, see renew.
type embedded struct {
	dir  string
	cfg  Config
	said *complaints

	mu      sync.Mutex // guards what follows, which changes with the server
	srv     *server.Server
	lock    *os.File
	had     []string // streams that were on disk before the server started
	home    *home
	corrupt map[string]bool // streams with damaged bytes, see rewrite

	rebuilt map[string]bool // streams, see Bus.rebuild; only prepare looks at it

	full atomic.Pointer[error]
	quit chan struct{}
	gone sync.WaitGroup
}

// startEmbedded opens the directory and starts a server that nobody but this
// process can reach.
func startEmbedded(ctx context.Context, cfg Config, said *complaints) (*embedded, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make bus.dir: %w; make it for the user that runs dswatch, or set bus.dir to a directory of that user's", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	e := &embedded{dir: cfg.Dir, cfg: cfg, said: said, lock: lock, quit: make(chan struct{}), rebuilt: map[string]bool{}}
	e.look()
	if err := e.room(); err != nil {
		unlockDir(lock)
		return nil, err
	}
	if err := e.start(ctx); err != nil {
		unlockDir(lock)
		return nil, err
	}
	e.gone.Go(e.watchSpace)
	return e, nil
}

func (e *embedded) start(ctx context.Context) error {
	cfg := e.cfg
	had, err := e.onDisk()
	if err != nil {
		return fmt.Errorf("read bus.dir: %w; give it and everything in it to the user that runs dswatch", err)
	}
	if err := e.setUnknownAside(had); err != nil {
		return fmt.Errorf("read bus.dir: %w; give it and everything in it to the user that runs dswatch", err)
	}
	o := &server.Options{
		ServerName: "dswatch", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: e.dir, DisableJetStreamBanner: true,
		SyncAlways: cfg.Sync == Always, SyncInterval: time.Duration(cfg.Sync),
		// The streams bound themselves, and watchSpace looks at the disk. The
		// server's own limit would be a share of what is free at start, which
		// refuses the streams on a small disk.
		JetStreamMaxStore: 1 << 50, JetStreamMaxMemory: 64 << 20,
	}
	if cfg.Sync == Always {
		o.SyncInterval = time.Minute
	}
	srv, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("start the message store: %w", err)
	}
	srv.SetLoggerV2(e.said, false, false, false)
	started := make(chan struct{})
	go func() {
		defer close(started)
		srv.Start()
	}()
	select {
	case <-started:
	case <-ctx.Done():
		srv.Shutdown()
		<-started
		return fmt.Errorf("start the message store: %w", ctx.Err())
	}
	if !srv.JetStreamEnabled() || !srv.ReadyForConnections(10*time.Second) {
		srv.Shutdown()
		srv.WaitForShutdown()
		return fmt.Errorf("start the message store in %s: it did not come up%s; see that the directory can be written, or move it away and start again", e.dir, e.said.last())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.srv, e.had = srv, had
	return nil
}

// InProcessConn connects to the server of the moment. It is what the client
// library asks for at each connect.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	srv := e.srv
	e.mu.Unlock()
	if srv == nil {
		return nil, ErrNotConnected
	}
	return srv.InProcessConn()
}

// storage is where the server keeps its streams.
func (e *embedded) storage() string { return filepath.Join(e.dir, "jetstream", "$G", "streams") }

// onDisk names the streams that have a directory.
func (e *embedded) onDisk() ([]string, error) {
	list, err := os.ReadDir(e.storage())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, d := range list {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			out = append(out, d.Name())
		}
	}
	return out, err
}

// recoverLost finds the streams that are on disk but that the server did not
// take up, because the file with their settings is torn. It puts that file
// aside; a stream made anew under the same name takes over the messages.
func (e *embedded) recoverLost(ctx context.Context, js jetstream.JetStream) error {
	up := map[string]bool{}
	names := js.StreamNames(ctx)
	for n := range names.Name() {
		up[n] = true
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("list streams: %w", err)
	}
	e.mu.Lock()
	had := e.had
	e.mu.Unlock()
	for _, name := range had {
		if up[name] {
			continue
		}
		dir := filepath.Join(e.storage(), name)
		for _, f := range []string{server.JetStreamMetaFile, server.JetStreamMetaFileSum} {
			if err := putAside(filepath.Join(dir, f)); err != nil {
				return fmt.Errorf("recover stream %s%s: %w; move %s away and start again, what it holds is lost then", name, e.said.last(), err, dir)
			}
		}
		e.said.Warnf("the settings of stream %s were unreadable; they are made anew, its messages are kept", name)
	}
	return nil
}

// setUnknownAside puts the settings of streams and consumers aside that this
// version of the server would refuse together with all that the stream holds:
// those with a field it does not know, as after a downgrade. They are made anew,
// and what they hold, and where they were, stays.
func (e *embedded) setUnknownAside(streams []string) error {
	for _, name := range streams {
		dir := filepath.Join(e.storage(), name)
		why := unknown[server.FileStreamInfo](filepath.Join(dir, server.JetStreamMetaFile), func(i *server.FileStreamInfo) map[string]string { return i.Metadata })
		if err := e.refuse(dir, why); err != nil {
			return err
		}
		consumers, err := os.ReadDir(filepath.Join(dir, "obs"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, c := range consumers {
			dir := filepath.Join(dir, "obs", c.Name())
			why := unknown[server.FileConsumerInfo](filepath.Join(dir, server.JetStreamMetaFile), func(i *server.FileConsumerInfo) map[string]string { return i.Metadata })
			if err := e.refuse(dir, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknown says why this version of the server refuses a file of settings, nil
// if it does not, or if the file is no JSON at all, which it passes over.
func unknown[T any](name string, metadata func(*T) map[string]string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	var info T
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	err = strict.Decode(&info)
	if level, lerr := strconv.Atoi(metadata(&info)[server.JSRequiredLevelMetadataKey]); err == nil && lerr == nil && level > server.JSApiLevel {
		err = fmt.Errorf("it needs level %d of the server's interface, and this one has %d", level, server.JSApiLevel)
	}
	if err != nil && json.Unmarshal(text, new(T)) != nil {
		return nil
	}
	return err
}

// refuse puts the settings in a directory aside; nil: they are good.
func (e *embedded) refuse(dir string, why error) error {
	if why == nil {
		return nil
	}
	e.said.log.Error("settings in the message store were not written by this version and are made anew; what they belong to is kept",
		"file", filepath.Join(dir, server.JetStreamMetaFile)+".broken", "error", why)
	return errors.Join(putAside(filepath.Join(dir, server.JetStreamMetaFile)), putAside(filepath.Join(dir, server.JetStreamMetaFileSum)))
}

// dropConsumer puts files of a durable consumer aside that the server could
// not read, and reports whether there were any. What cannot be moved shows
// when the consumer is made.
func (e *embedded) dropConsumer(stream, durable string, files ...string) bool {
	moved := false
	for _, f := range files {
		name := filepath.Join(e.storage(), stream, "obs", durable, f)
		if _, err := os.Stat(name); err == nil && putAside(name) == nil {
			moved = true
		}
	}
	return moved
}

func putAside(name string) error {
	err := os.Rename(name, name+".broken")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// watchSpace looks at the free space until the server stops.
func (e *embedded) watchSpace() {
	t := time.NewTicker(spaceEvery)
	defer t.Stop()
	for {
		select {
		case <-e.quit:
			return
		case <-t.C:
			e.look()
		}
	}
}

// look asks how much space is free. A file system that does not tell has
// enough.
func (e *embedded) look() {
	if free, err := freeBytes(e.dir); err == nil {
		e.note(free)
	}
}

// note turns publishing off or on.
func (e *embedded) note(free uint64) {
	if free >= reserve {
		if e.full.Swap(nil) != nil {
			e.said.log.Info("there is space for the message store again", "dir", e.dir, "free", setting.Size(free))
			e.said.mended()
		}
		return
	}
	err := fmt.Errorf("%w: %s has %s left and %s are kept free; make room there, or set bus.dir to a larger file system",
		ErrNoSpace, e.dir, setting.Size(free)/1024*1024, setting.Size(reserve))
	if e.full.Swap(&err) == nil {
		e.said.log.Error("too little space for the message store; nothing is accepted until there is more", "dir", e.dir, "free", setting.Size(free))
	}
}

// room is the error of note, if any.
func (e *embedded) room() error {
	if err := e.full.Load(); err != nil {
		return *err
	}
	return nil
}

// stop ends the server and forces what it wrote to disk, which the server
// itself leaves to the operating system.
func (e *embedded) stop(ctx context.Context) error {
	close(e.quit)
	e.gone.Wait()
	done := make(chan error, 1)
	go func() {
		e.shut()
		err := e.flush()
		unlockDir(e.lock)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("stop the message store: %w", ctx.Err())
	}
}

// shut ends the server and leaves none.
func (e *embedded) shut() {
	e.mu.Lock()
	srv := e.srv
	e.srv = nil
	e.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

// flush forces every file of the store to disk, then the directories. Several
// at once let the file system write its journal once for all of them.
func (e *embedded) flush() error {
	const atOnce = 8
	var dirs []string
	var files, list errgroup.Group
	files.SetLimit(atOnce)
	list.SetLimit(atOnce)
	walk := filepath.WalkDir(filepath.Join(e.dir, "jetstream"), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return present(err)
		case d.IsDir():
			dirs = append(dirs, name)
		case d.Type().IsRegular():
			files.Go(func() error { return present(syncFile(name)) })
		}
		return nil
	})
	err := errors.Join(walk, files.Wait())
	for _, name := range dirs {
		list.Go(func() error { return present(syncFile(name)) })
	}
	if err := errors.Join(err, list.Wait()); err != nil {
		return fmt.Errorf("force the message store to disk: %w", err)
	}
	return nil
}

// present passes over what is not there: the server removes a deleted stream
// beside everything else.
func present(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
