package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dswatch/guard"
	"dswatch/sinks"
)

// messages remembers, across restarts, which message tells of which alert.
// Losing it costs no alert: what follows becomes a message of its own.
type messages struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	known   map[string]posted // by the alert's ID
	failing bool              // the last write failed, which was logged
}

const (
	messagesFile = "messages.json"
	// maxMessages bounds what is remembered; an entry takes about 130 bytes.
	// Slack takes one message a second, so more open alerts than this would
	// have taken an hour and a half to tell.
	maxMessages = 5000
	// keepOver is how long the message of an alert that is over is known: a
	// resolve that is delivered again after a crash changes the same message.
	keepOver = 24 * time.Hour
	// maxStored bounds the file that is read, in bytes.
	maxStored = 8 << 20
)

// stored is the form of the file.
type stored struct {
	Messages map[string]posted `json:"messages"`
}

// openMessages reads what an earlier run has left. A file that cannot be read
// is as good as none.
func openMessages(env sinks.Env) *messages {
	m := &messages{path: filepath.Join(env.StateDir, messagesFile), log: env.Log}
	s, err := readMessages(m.path)
	if err != nil {
		m.log.Warn("the messages of earlier alerts are not known any more; what follows on open alerts becomes a message of its own", "error", err)
	}
	if m.known = s.Messages; m.known == nil {
		m.known = map[string]posted{}
	}
	return m
}

func readMessages(path string) (stored, error) {
	var s stored
	if err := readStored(path, "slack messages", &s); err != nil {
		return stored{}, err
	}
	maps.DeleteFunc(s.Messages, func(_ string, t posted) bool { return t.Channel == "" || t.TS == "" })
	return s, nil
}

// readStored reads JSON that an earlier run has left, into a value that stays as
// it is where there is none. what is what the file holds, for errors.
func readStored(path, what string, into any) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxStored+1))
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", what, err)
	case len(data) > maxStored:
		return fmt.Errorf("read %s: %s is larger than %d bytes; remove it", what, path, maxStored)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %s is damaged: %w; remove it", what, path, err)
	}
	return nil
}

func (m *messages) get(id string) (posted, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.known[id]
	return t, ok
}

// put remembers t, on the disk once it has returned. A disk that does not
// take it is logged once: the alert itself has been delivered.
func (m *messages) put(id string, t posted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.At = time.Now().UTC().Truncate(time.Second)
	m.known[id] = t
	m.prune(t.At)
	err := m.write()
	if err != nil && !m.failing {
		m.log.Warn("cannot remember which slack message tells of which alert; after a restart, what follows on open alerts becomes a message of its own; make the state directory writable", "error", err)
	}
	m.failing = err != nil
}

// write stores what is known. m.mu is held.
func (m *messages) write() error {
	data, err := json.Marshal(stored{m.known})
	if err != nil {
		return err
	}
	return guard.Replace(m.path, append(data, '\n'))
}

// inherit takes over the messages of another sink that it does not know itself.
func (m *messages) inherit(dir string) error {
	of, err := readMessages(filepath.Join(dir, messagesFile))
	if err != nil {
		m.log.Warn("the messages of earlier alerts are not known any more; what follows on open alerts becomes a message of its own", "error", err)
	}
	if len(of.Messages) == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, t := range of.Messages {
		if _, own := m.known[id]; !own {
			m.known[id] = t
		}
	}
	m.prune(time.Now())
	if err := m.write(); err != nil {
		return fmt.Errorf("write slack messages: %w", err)
	}
	return nil
}

// prune forgets what is over for long, and of too many those that are over
// and those longest without news.
func (m *messages) prune(now time.Time) {
	maps.DeleteFunc(m.known, func(_ string, t posted) bool { return t.Over && now.Sub(t.At) > keepOver })
	if len(m.known) <= maxMessages {
		return
	}
	ids := slices.SortedFunc(maps.Keys(m.known), func(x, y string) int {
		a, b := m.known[x], m.known[y]
		if a.Over != b.Over {
			if a.Over {
				return -1
			}
			return 1
		}
		return a.At.Compare(b.At)
	})
	for _, id := range ids[:len(ids)-maxMessages] {
		delete(m.known, id)
	}
}
