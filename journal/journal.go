package journal

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dswatch/guard"
)

// spare is how much a file may grow beyond twice what is live before it is
// written anew.
const spare = 4 << 20

// Journal is one that is open. It is safe for concurrent use.
type Journal struct {
	dir  string
	head Header
	told func(error) // of a new error, and of nil when it is over

	mu   sync.Mutex
	file *os.File // nil: not open
	size int64
	live int64 // its size when it was written anew
	err  error // why it lacks what was appended; nil: it lacks nothing

	text []byte // where lines grow before they are written
}

// New returns a journal that lacks everything until the first Whole. Told is
// called when it cannot be written, and with nil when it can again.
func New(dir string, h Header, told func(error)) *Journal {
	h.Format = format
	return &Journal{dir: dir, head: h, told: told, err: errors.New("it was not written yet")}
}

// SetAside keeps a journal that is not to be read, until the next one.
func SetAside(dir string) error {
	return os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".aside"))
}

// Err says why what was appended is not there; nil: all of it is.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// mostText is the largest memory that is kept for the next lines.
const mostText = 1 << 20

// Append writes entries behind the others; durable: they are on the disk when
// it returns. After an error nothing is appended before the next Whole.
func (j *Journal) Append(entries []Entry, durable bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	text, err := lines(j.text[:0], slices.Values(entries))
	if err == nil && len(text) > 0 {
		_, err = j.file.Write(text)
		j.size += int64(len(text))
	}
	if cap(text) <= mostText {
		j.text = text
	}
	if err == nil && durable {
		err = errors.Join(j.file.Sync(), j.there())
	}
	if err == nil && j.size > 2*j.live+spare {
		err = j.compact()
	}
	j.note(err)
}

// Whole writes the journal anew with all that it is to hold.
func (j *Journal) Whole(all iter.Seq[Entry]) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.note(j.write(all))
}

// note remembers an error, and tells of one that is new.
func (j *Journal) note(err error) {
	before := j.err
	j.err = err
	if (err == nil) != (before == nil) || err != nil && err.Error() != before.Error() {
		j.told(err)
	}
}

// compact writes the journal anew from what it holds.
func (j *Journal) compact() error {
	c, err := Read(j.dir)
	if err != nil {
		return err
	}
	return j.write(func(yield func(Entry) bool) {
		for _, key := range slices.Sorted(maps.Keys(c.Values)) {
			if !yield(Entry{key, c.Values[key]}) {
				return
			}
		}
	})
}

// write puts a new file in the place of the old one. The caller holds mu.
func (j *Journal) write(all iter.Seq[Entry]) error {
	fail := func(err error) error { return fmt.Errorf("write into bus.open_dir: %w", err) }
	j.closeFile() // Windows renames no open file
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return fail(err)
	}
	fresh := j.path() + ".new"
	f, err := guard.Open(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fail(err)
	}
	size, err := fill(f, j.head, all)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(fresh, j.path())
	}
	if err == nil {
		err = guard.SyncDir(j.dir)
	}
	if err == nil {
		j.file, err = guard.Open(j.path(), os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		return fail(err)
	}
	j.size, j.live = size, size
	return nil
}

func (j *Journal) path() string { return filepath.Join(j.dir, name) }

// there fails when the open file is no longer the one that a start would read.
func (j *Journal) there() error {
	now, err := os.Stat(j.path())
	if err != nil {
		return err
	}
	if open, err := j.file.Stat(); err != nil || !os.SameFile(open, now) {
		return fmt.Errorf("%s was replaced by another file", j.path())
	}
	return nil
}

// fill writes a whole journal and forces it to the disk.
func fill(f *os.File, h Header, all iter.Seq[Entry]) (size int64, err error) {
	text, err := spellHead(h)
	now := time.Now().Unix()
	for e := range all {
		if err != nil {
			return 0, err
		}
		if text, err = spelled(text, e, now); err == nil && len(text) > 256<<10 {
			_, err = f.Write(text)
			size, text = size+int64(len(text)), text[:0]
		}
	}
	if err == nil {
		_, err = f.Write(text)
	}
	return size + int64(len(text)), errors.Join(err, f.Sync())
}

func lines(to []byte, entries iter.Seq[Entry]) (text []byte, err error) {
	now := time.Now().Unix()
	for e := range entries {
		if to, err = spelled(to, e, now); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// spelled is spell, with the key in its error.
func spelled(to []byte, e Entry, now int64) ([]byte, error) {
	text, err := spell(to, e, now)
	if err != nil {
		return nil, fmt.Errorf("write %s into the journal: %w", e.Key, err)
	}
	return text, nil
}

// Close closes the file.
func (j *Journal) Close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closeFile()
	j.err = os.ErrClosed
}

func (j *Journal) closeFile() {
	if j.file != nil {
		_ = j.file.Close() // all that counts was forced to the disk
		j.file = nil
	}
}
