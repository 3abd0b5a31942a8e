package bus

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/guard"
)

// Damage is a record that could not be read. It stops nothing else.
type Damage struct {
	Bucket string
	Key    string
	Why    string
	File   string // with its bytes; empty: they could not be read either, or there is no room for more
}

const (
	// mostAside bounds the files with the bytes of records that were set
	// aside, biggestAside what is kept of one.
	mostAside    = 256
	biggestAside = 1 << 20
)

// aside remembers what could not be read.
type aside struct {
	mu  sync.Mutex
	all []Damage
}

// Aside sets a record aside that its reader cannot make sense of: its bytes are
// kept below bus.dir, and it is named in the log once, and by Damages.
func (k *Bucket) Aside(key string, value []byte, why error) {
	d := Damage{Bucket: k.name, Key: key, Why: why.Error()}
	b := k.b
	b.aside.mu.Lock()
	defer b.aside.mu.Unlock()
	if slices.ContainsFunc(b.aside.all, func(o Damage) bool { return o.Bucket == d.Bucket && o.Key == d.Key }) || len(b.aside.all) >= mostAside {
		return
	}
	if value != nil {
		dir := filepath.Join(b.cfg.Dir, "aside")
		name := filepath.Join(dir, k.name+"."+base64.RawURLEncoding.EncodeToString([]byte(key)))
		if len(name) < 250 && guard.Replace(name, value[:min(len(value), biggestAside)]) == nil {
			d.File = name
		}
	}
	b.aside.all = append(b.aside.all, d)
	b.log.Error("a record cannot be read and does not count; the others do", "bucket", d.Bucket, "key", d.Key, "error", d.Why, "bytes_in", d.File)
}

// Damages are the records that could not be read since the bus was opened.
func (b *Bus) Damages() []Damage {
	b.aside.mu.Lock()
	defer b.aside.mu.Unlock()
	return slices.Clone(b.aside.all)
}

// unread names the keys that the server has and cannot read: it leaves them out
// without a word.
func (k *Bucket) unread(ctx context.Context, s jetstream.Stream, prefix string, seen map[string]bool) error {
	i, err := s.Info(ctx, jetstream.WithSubjectFilter(k.subject("")+prefix+">"))
	if err != nil {
		return fmt.Errorf("look up %s: %w", k.name, err)
	}
	for subject := range i.State.Subjects {
		key := strings.TrimPrefix(subject, k.subject(""))
		if seen[key] {
			continue
		}
		// It may have been written since.
		if _, err := s.GetLastMsgForSubject(ctx, subject); errors.Is(err, jetstream.ErrMsgNotFound) {
			k.Aside(key, nil, errors.New("the server cannot read it: its bytes on the disk are damaged"))
		}
	}
	return nil
}

// rewrite makes a bucket anew of the records that can be read. A later value
// cannot take the place of one whose bytes on the disk are damaged: the server
// gives up the stream each time. What was there, is kept below bus.dir.
func (b *Bus) rewrite(ctx context.Context, want jetstream.StreamConfig) error {
	fail := func(err error) error {
		return fmt.Errorf("write %s anew without its damaged records: %w", want.Name, err)
	}
	s, err := b.js().Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fail(err)
	}
	var good []*nats.Msg
	err = scan(ctx, s, "", func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		if !isMarker(m.Headers().Get(kvOperation)) {
			good = append(good, &nats.Msg{Subject: m.Subject(), Data: m.Data()})
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	had := s.CachedInfo().State.Msgs
	kept := filepath.Join(b.cfg.Dir, "aside", fmt.Sprintf("%s.%d", want.Name, time.Now().Unix()))
	if err := os.CopyFS(kept, os.DirFS(filepath.Join(b.server.storage(), want.Name))); err != nil {
		return fail(err)
	}
	if err := b.js().DeleteStream(ctx, want.Name); err != nil {
		return fail(err)
	}
	if _, err := ensure(ctx, b.js(), want); err != nil {
		return fail(err)
	}
	for _, m := range good {
		if _, err := b.js().PublishMsg(ctx, m); err != nil {
			return fail(err)
		}
	}
	b.log.Error("a bucket had damaged records and was written anew without them", "bucket", want.Name, "had", had, "kept", len(good), "before_in", kept)
	return nil
}

// misses reports whether the server cannot find what its own index of the stream
// has. Asked for the newest message of all, it finds none either when that was
// settled and older ones wait; so the subjects are asked for, some of them.
func misses(ctx context.Context, s jetstream.Stream) bool {
	if _, err := s.GetLastMsgForSubject(ctx, ">"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		return false
	}
	i, err := s.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return false
	}
	asked := 0
	for subject := range i.State.Subjects {
		if _, err := s.GetLastMsgForSubject(ctx, subject); errors.Is(err, jetstream.ErrMsgNotFound) {
			return true
		}
		if asked++; asked == mostAsked {
			break
		}
	}
	return false
}

// mostAsked bounds the subjects of a stream that misses asks for: a block of
// messages that cannot be read has all of its subjects.
const mostAsked = 64

// rebuild lets the server go through the messages of those streams once more of
// which it cannot find some: it has an index of them that says where they
// are, and they are not there, so that whatever it stores behind them cannot be
// read either. What was there, is kept below bus.dir.
func (b *Bus) rebuild(ctx context.Context) (done bool, err error) {
	var names []string
	for _, want := range streams(b.cfg) {
		s, err := b.js().Stream(ctx, want.Name)
		if err != nil {
			continue // it is made anew
		}
		if s.CachedInfo().State.NumSubjects == 0 || b.server.rebuilt[want.Name] || b.server.isCorrupt(want.Name) {
			continue // nothing is wrong with it, or it is written anew, which loses less
		}
		if misses(ctx, s) {
			names = append(names, want.Name)
		}
	}
	if len(names) == 0 {
		return false, nil
	}
	nc := b.nc()
	before := nc.Stats().Reconnects
	b.server.shut()
	for _, name := range names {
		b.server.rebuilt[name] = true
		dir := filepath.Join(b.server.storage(), name)
		kept := filepath.Join(b.cfg.Dir, "aside", fmt.Sprintf("%s.%d", name, time.Now().Unix()))
		if err := os.CopyFS(kept, os.DirFS(dir)); err != nil { // there may be no room, and healing counts more
			b.log.Warn("the damaged messages cannot be kept", "stream", name, "error", err)
			_ = os.RemoveAll(kept)
			kept = ""
		}
		if err := os.Remove(filepath.Join(dir, "msgs", "index.db")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("remove the index of %s: %w", name, err)
		}
		b.log.Error("messages on the disk are damaged; what the server can still read of them counts", "stream", name, "before_in", kept)
	}
	if err := b.server.start(ctx); err != nil {
		return false, err
	}
	return true, awaitConnection(ctx, nc, before)
}
