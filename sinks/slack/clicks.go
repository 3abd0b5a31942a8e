package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dswatch/guard"
	"dswatch/sinks"
)

// click is one press of a button, as it is kept.
type click struct {
	ID       string       `json:"id"`       // of what was pressed, when and by whom
	Envelope string       `json:"envelope"` // in which Slack delivered it
	Action   sinks.Action `json:"action"`
	Alert    string       `json:"alert"`
	User     string       `json:"user"` // Slack's id
	Name     string       `json:"name"`
	Channel  string       `json:"channel"`
	TS       string       `json:"ts"` // of the message
	At       time.Time    `json:"at"` // when it was stored
	Done     bool         `json:"done,omitempty"`
}

// author is who pressed: a name that changes, and an id that does not.
func (c click) author() string { return c.Name + " (Slack " + c.User + ")" }

// clicks remembers, across restarts, what was pressed: until it is done, and
// then as long as Slack may deliver it again. It is on the disk before it is
// known here.
type clicks struct {
	path string
	mu   sync.Mutex
	all  []click // oldest first
}

const (
	clicksFile = "clicks.json"
	// keepDone is how long a click that is done is known. Slack delivers again
	// within minutes.
	keepDone = 24 * time.Hour
	// maxClicks bounds what is kept; those that are done go first.
	maxClicks = 2000
)

var errManyClicks = errors.New("too many clicks wait to be done")

// openClicks reads what an earlier run has left. A file that cannot be read is
// an error: what waits in it was promised.
func openClicks(dir string) (*clicks, error) {
	c := &clicks{path: filepath.Join(dir, clicksFile)}
	if err := readStored(c.path, "slack clicks", &c.all); err != nil {
		return nil, err
	}
	return c, nil
}

// take keeps a click, unless it is known, and reports whether it is new. Once
// it has returned without an error the click is on the disk.
func (c *clicks) take(one click) (fresh bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.all, func(k click) bool { return k.ID == one.ID || k.Envelope == one.Envelope }) {
		return false, nil
	}
	next := slices.DeleteFunc(slices.Clone(c.all), func(k click) bool { return k.Done && one.At.Sub(k.At) > keepDone })
	for len(next) >= maxClicks {
		i := slices.IndexFunc(next, func(k click) bool { return k.Done })
		if i < 0 {
			return false, errManyClicks
		}
		next = slices.Delete(next, i, i+1)
	}
	return true, c.replace(append(next, one))
}

// done notes that a click is done.
func (c *clicks) done(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := slices.Clone(c.all)
	for i := range next {
		next[i].Done = next[i].Done || next[i].ID == id
	}
	err := c.replace(next)
	c.all = next // also where it could not be written: it acts once in this run, and a click that is done again changes nothing
	return err
}

// next is the oldest click that is not done.
func (c *clicks) next() (click, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.all, func(k click) bool { return !k.Done }); i >= 0 {
		return c.all[i], true
	}
	return click{}, false
}

func (c *clicks) replace(next []click) error {
	data, err := json.Marshal(next)
	if err == nil {
		err = guard.Replace(c.path, data)
	}
	if err != nil {
		return fmt.Errorf("store slack click: %w", err)
	}
	c.all = next
	return nil
}

// clickID names a click by what Slack says of it, which is the same in every
// delivery.
func clickID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
