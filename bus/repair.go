package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Count is how many messages a stream or bucket has, and the sequence of the
// newest that it has or had.
type Count struct {
	Messages uint64 `json:"messages"`
	Last     uint64 `json:"last_sequence"`
}

// Checked is what a check of a stopped store found of one stream or bucket.
type Checked struct {
	Name   string `json:"name"`
	Before *Count `json:"before,omitempty"` // as the server finds it; nil: it cannot open it as it is
	After  Count  `json:"after"`            // what can be read once it is repaired
	Lost   uint64 `json:"lost"`             // messages that were there and cannot be read
}

// work is the folder below bus.dir with the copy that is repaired.
const work = "repair"

// CheckStore repairs a copy of a stopped store by the server's own recovery and
// that of Open, and says what it holds before and after. The store stays as it
// is.
func CheckStore(ctx context.Context, cfg Config, log *slog.Logger) ([]Checked, error) {
	return onCopy(ctx, cfg, log, func(string) error { return nil })
}

// RepairStore is CheckStore, and puts the repaired copy in the store's place.
// What was there is kept in the folder that it returns.
func RepairStore(ctx context.Context, cfg Config, log *slog.Logger) (found []Checked, kept string, err error) {
	kept = filepath.Join(cfg.Dir, "jetstream."+time.Now().UTC().Format("20060102T150405Z"))
	found, err = onCopy(ctx, cfg, log, func(repaired string) error {
		store := filepath.Join(cfg.Dir, "jetstream")
		if err := errors.Join(ownAs(repaired, store), os.Rename(store, kept)); err != nil {
			return err
		}
		if err := os.Rename(repaired, store); err != nil {
			return errors.Join(err, os.Rename(kept, store))
		}
		return syncFile(cfg.Dir)
	})
	return found, kept, err
}

// filling is the folder below bus.dir in which a store is filled.
const filling = "import"

// FillStore makes a new store of a stopped dswatch, has it filled, and puts it in
// the place of the one that there is: all of it or nothing. What was there is
// kept in the folder that it returns; "": nothing was there.
func FillStore(ctx context.Context, cfg Config, log *slog.Logger, fill func(*Bus) error) (kept string, err error) {
	if cfg.URL != "" {
		return "", errors.New("the message store is that of the NATS server at bus.url, which only a backup of the server fills")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return "", fmt.Errorf("make bus.dir: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return "", fmt.Errorf("%w; only a stopped store can be filled", err)
	}
	defer unlockDir(lock)
	store, dir := filepath.Join(cfg.Dir, "jetstream"), filepath.Join(cfg.Dir, filling)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.RemoveAll(dir); err != nil { // of one that was killed
		return "", err
	}
	whole := cfg
	cfg.Dir = dir
	b, err := Open(ctx, cfg, Options{Log: log, Name: "dswatch store"})
	if err != nil {
		return "", err
	}
	if err := errors.Join(fill(b), b.Close(ctx)); err != nil {
		return "", err
	}
	filled := filepath.Join(dir, "jetstream")
	if err := ownAs(filled, whole.Dir); err != nil { // who fills may be root
		return "", err
	}
	if _, err := os.Stat(store); err == nil {
		kept = filepath.Join(whole.Dir, "jetstream."+time.Now().UTC().Format("20060102T150405Z"))
		if err := os.Rename(store, kept); err != nil {
			return "", err
		}
	}
	return kept, errors.Join(os.Rename(filled, store), syncFile(whole.Dir))
}

// onCopy checks a copy and hands it to then.
func onCopy(ctx context.Context, cfg Config, log *slog.Logger, then func(repaired string) error) (found []Checked, err error) {
	if cfg.URL != "" {
		return nil, errors.New("the message store is that of the NATS server at bus.url; check it there")
	}
	store := filepath.Join(cfg.Dir, "jetstream")
	if _, err := os.Stat(store); err != nil {
		return nil, fmt.Errorf("read the message store: %w; see that bus.dir is right", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w; only a stopped store can be checked", err)
	}
	defer unlockDir(lock)
	dir := filepath.Join(cfg.Dir, work)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.RemoveAll(dir); err != nil { // of a check that was killed
		return nil, err
	}
	copied := filepath.Join(dir, "jetstream")
	if err := os.CopyFS(copied, os.DirFS(store)); err != nil {
		return nil, fmt.Errorf("copy the message store: %w; bus.dir needs room for it a second time", err)
	}
	cfg.Dir = dir
	before, err := holds(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	after, err := repaired(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	for _, s := range streams(cfg) {
		one := Checked{Name: strings.TrimPrefix(s.Name, "KV_"), After: after[s.Name]}
		if c, ok := before[s.Name]; ok {
			one.Before = &c
			one.Lost = c.Messages - min(c.Messages, one.After.Messages)
			if !strings.HasPrefix(s.Name, "KV_") { // a bucket that is written anew counts anew
				// What a consumer was given and the stream has lost the memory of.
				one.Lost = max(one.Lost, c.Last-min(c.Last, one.After.Last))
			}
		}
		found = append(found, one)
	}
	return found, then(copied)
}

// holds is what the server finds in a store, before anything is repaired.
func holds(ctx context.Context, cfg Config, log *slog.Logger) (map[string]Count, error) {
	b, err := halfOpen(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	out := map[string]Count{}
	list := b.js().ListStreams(ctx)
	for i := range list.Info() {
		c := Count{i.State.Msgs, i.State.LastSeq}
		if s, err := b.js().Stream(ctx, i.Config.Name); err == nil {
			consumers := s.ListConsumers(ctx)
			for one := range consumers.Info() {
				c.Last = max(c.Last, one.Delivered.Stream)
			}
		}
		out[i.Config.Name] = c
	}
	return out, errors.Join(list.Err(), b.Close(ctx))
}

// halfOpen opens the server without making anything what it has to be.
func halfOpen(ctx context.Context, cfg Config, log *slog.Logger) (*Bus, error) {
	b := newBus(cfg, Options{Log: log, Name: "dswatch store"})
	var err error
	if b.server, err = startEmbedded(ctx, cfg, b.said); err == nil {
		err = b.connect(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// repaired opens a store as a start does, takes out what cannot be read, and
// returns what is left.
func repaired(ctx context.Context, cfg Config, log *slog.Logger) (out map[string]Count, err error) {
	b, err := Open(ctx, cfg, Options{Log: log, Name: "dswatch store"})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	out = map[string]Count{}
	for _, want := range streams(cfg) {
		s, err := b.js().Stream(ctx, want.Name)
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", want.Name, err)
		}
		readable, bad, err := readAll(ctx, s)
		if err != nil {
			return nil, err
		}
		// The server does not delete a message that it cannot read, and a
		// running dswatch passes over it. A damaged record would be in the way
		// of its successor.
		if bad > 0 && strings.HasPrefix(want.Name, "KV_") {
			if err := b.rewrite(ctx, want); err != nil {
				return nil, err
			}
		}
		i, err := b.js().Stream(ctx, want.Name)
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", want.Name, err)
		}
		out[want.Name] = Count{readable, i.CachedInfo().State.LastSeq}
	}
	return out, nil
}

// readAll counts the messages of a stream that can be read, and those that are
// there and cannot, which the server passes over without a word.
func readAll(ctx context.Context, s jetstream.Stream) (readable, bad uint64, err error) {
	info, err := s.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look up: %w", err)
	}
	state := info.State
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; {
		m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
		switch {
		case err == nil:
			readable++
			seq = m.Sequence + 1
		case ctx.Err() != nil:
			return 0, 0, fmt.Errorf("read %s: %w", info.Config.Name, ctx.Err())
		case errors.Is(err, jetstream.ErrMsgNotFound): // nothing is left
			seq = state.LastSeq + 1
		default:
			seq++
		}
	}
	return readable, state.Msgs - min(state.Msgs, readable), nil
}

// ownAs gives everything below root to whom the file at like belongs to: who
// repairs may be root.
func ownAs(root, like string) error {
	return filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return sameOwner(name, like)
	})
}
