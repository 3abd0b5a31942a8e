package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/guard"
	"dswatch/ledger"
	"dswatch/machine"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// inFiles is the place of an export that has the files which sinks keep below
// bus.dir: the numbers of heartbeats, the messages of a chat.
const inFiles = "files"

// largestFile is the most bytes of such a file.
const largestFile = 1 << 20

// Moved is what an export or an import did.
type Moved struct {
	Head       ledger.Head
	Records    int
	Unreadable int
	Kept       string // where an empty store that was there is now
}

// ExportStore writes what a stopped store holds to a new file.
func ExportStore(ctx context.Context, l *Loaded, o Options, path string) (m Moved, err error) {
	if l.Config.Bus.URL == "" {
		if _, err := os.Stat(filepath.Join(l.Config.Bus.Dir, "jetstream")); err != nil {
			return m, fmt.Errorf("read the message store: %w; see that bus.dir is right", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, fmt.Errorf("write the export: %w; name a file that is not there yet", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(path)
		}
	}()
	if err := guard.Become(l.Config.Bus.Dir); err != nil {
		return m, err
	}
	err = onStore(ctx, l, o.Log, func(led *ledger.Ledger) error {
		meta, _, err := led.Meta(ctx)
		if err == nil {
			err = meta.Readable(l.Config.Bus.Dir)
		}
		if err != nil {
			return err
		}
		files, err := sinkFiles(l.Config.Bus.Dir)
		if err != nil {
			return err
		}
		m.Head = ledger.Head{Format: meta.Format, Version: o.Version, Host: l.Config.Host, Machine: machine.Here(), At: time.Now()}
		m.Records, m.Unreadable, err = led.Export(ctx, f, m.Head, files)
		return err
	})
	return m, errors.Join(err, f.Sync())
}

// onStore opens the store that no process has open.
func onStore(ctx context.Context, l *Loaded, log *slog.Logger, do func(*ledger.Ledger) error) error {
	b, err := bus.Open(ctx, l.Config.Bus, bus.Options{Log: log, Name: "dswatch store"})
	if err != nil {
		return err
	}
	return errors.Join(do(ledger.On(b, l.Config.Bus)), b.Close(context.WithoutCancel(ctx)))
}

// sinkFiles are the files that sinks keep.
func sinkFiles(dir string) (out []ledger.Exported, err error) {
	root := filepath.Join(dir, "sinks")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if info, err := d.Info(); err != nil || info.Size() > largestFile || !fileName(filepath.ToSlash(name)) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		value, err := json.Marshal(text)
		out = append(out, ledger.Exported{In: inFiles, Key: filepath.ToSlash(name), Value: value})
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return out, err
}

// fileName reports whether a name is SINK/FILE and leads nowhere else.
func fileName(name string) bool {
	sink, file, ok := strings.Cut(name, "/")
	return ok && filepath.IsLocal(filepath.FromSlash(name)) && sinks.ValidName(sink) && file != "" && !strings.ContainsAny(file, `/\:`) && file[0] != '.'
}

// ImportStore puts what an export holds in the place of an empty store.
func ImportStore(ctx context.Context, l *Loaded, o Options, path string) (m Moved, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, fmt.Errorf("read the export: %w", err)
	}
	defer f.Close()
	dir := l.Config.Bus.Dir
	if err := guard.Become(dir); err != nil {
		return m, err
	}
	if _, err := os.Stat(filepath.Join(dir, "jetstream")); err == nil {
		err := onStore(ctx, l, o.Log, func(led *ledger.Ledger) error {
			empty, err := led.Empty(ctx)
			if err == nil && !empty {
				err = words.Fail(words.StoreNotEmpty.With(dir))
			}
			return err
		})
		if err != nil {
			return m, err
		}
	}
	files := map[string][]byte{}
	m.Kept, err = bus.FillStore(ctx, l.Config.Bus, o.Log, func(b *bus.Bus) (err error) {
		led := ledger.On(b, l.Config.Bus)
		m.Head, m.Records, err = led.Import(ctx, bufio.NewReader(f), func(e ledger.Exported) error { return takeFile(files, e) })
		if err != nil {
			return err
		}
		// It has its files before it has its id, without which it is as that of an
		// earlier version.
		for name, text := range files {
			if err := guard.Replace(filepath.Join(dir, "sinks", filepath.FromSlash(name)), text); err != nil {
				return fmt.Errorf("write what a sink keeps: %w", err)
			}
		}
		return led.SetMeta(ctx, ledger.Meta{ID: rand.Text(), Made: time.Now(), Format: m.Head.Format, Version: o.Version, Imported: true})
	})
	return m, err
}

func takeFile(files map[string][]byte, e ledger.Exported) error {
	var text []byte
	if e.In != inFiles || !fileName(e.Key) {
		return fmt.Errorf("there is no place %s for %s", setting.Clip(sinks.Line(e.In, 80)), setting.Clip(sinks.Line(e.Key, 80)))
	}
	if err := json.Unmarshal(e.Value, &text); err != nil || len(text) > largestFile {
		return fmt.Errorf("file %s is not as it was written", setting.Clip(e.Key))
	}
	files[e.Key] = text
	return nil
}

// UpgradeStore brings a stopped store to the format of this version, and says
// which it had.
func UpgradeStore(ctx context.Context, l *Loaded, o Options) (before, now int, err error) {
	if err := guard.Become(l.Config.Bus.Dir); err != nil {
		return 0, 0, err
	}
	err = onStore(ctx, l, o.Log, func(led *ledger.Ledger) error {
		meta, found, err := led.Meta(ctx)
		if err == nil {
			err = meta.Readable(l.Config.Bus.Dir)
		}
		if err != nil {
			return err
		}
		if !found {
			meta = ledger.Meta{ID: rand.Text(), Made: time.Now(), Imported: true}
		}
		before = meta.Format
		meta, err = led.Migrate(ctx, meta, ledger.Format)
		now = meta.Format
		return err
	})
	return before, now, err
}
