package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/guard"
	"dswatch/journal"
	"dswatch/ledger"
	"dswatch/machine"
	"dswatch/web"
	"dswatch/words"
)

// A store may be another one than when the program ran last: lost, moved away,
// restored from a backup, copied to another machine. Three places tell: the
// store itself, the journal of what is open in bus.open_dir, and a marker beside
// bus.dir that says that there was a store at all.

const (
	// aliveEvery is how often the marker is told that changes are stored, and
	// olderBy how much older than that a store must be to be a copy: a power loss
	// takes less.
	aliveEvery = 20 * time.Second
	olderBy    = time.Minute
	// lookFirst is how long nothing is told without a look when what is stored may
	// be older than what was told.
	lookFirst = time.Minute
	// markerSize is the size of the marker, which is written in place.
	markerSize = 1 << 10
)

// shownTime is how long status says it.
const shownTime = 7 * 24 * time.Hour

// noticeTime is how long the notice of a store stays open.
var noticeTime = 15 * time.Minute

// marker says which store there was.
type marker struct {
	Store   string           `json:"store"`
	Machine machine.Identity `json:"machine"`
	Started uint64           `json:"started"`        // of the journal that was written last
	Alive   time.Time        `json:"alive,omitzero"` // when changes were last known to be stored
}

// found is what a start finds.
type found struct {
	meta    ledger.Meta
	has     bool // there is a meta
	empty   bool // the store remembers nothing
	last    time.Time
	journal journal.Contents
	bad     error // why there is no journal
	marker  marker
	here    machine.Identity
	host    string
}

// verdict is what follows from that.
type verdict struct {
	take bool   // the journal counts
	why  string // why it does not, where there is one
	anew bool   // there was a store, and nobody knows what was open
	back bool   // the store is an older copy
}

func (f found) judge() (v verdict) {
	mine := f.marker.Store != "" && !f.marker.Machine.Differs(f.here)
	v.why = f.notMine(mine)
	v.take = f.bad == nil && v.why == ""
	elsewhere := f.bad == nil && f.journal.Machine.Differs(f.here)
	v.anew = f.empty && !v.take && (mine || v.why != "" && !elsewhere)
	if f.empty || !f.has {
		return v
	}
	alive := f.journal.Last
	if !v.take {
		alive = time.Time{}
	}
	if mine && f.marker.Store == f.meta.ID && f.marker.Alive.After(alive) {
		alive = f.marker.Alive
	}
	v.back = v.take && f.journal.Store == f.meta.ID && f.journal.Started > f.meta.Started || alive.Sub(f.last) > olderBy
	return v
}

// notMine says why a journal that is there does not count.
func (f found) notMine(marked bool) string {
	j := f.journal
	switch {
	case errors.Is(f.bad, fs.ErrNotExist):
		return ""
	case f.bad != nil:
		return f.bad.Error()
	case j.Machine.Differs(f.here):
		return "it was written on another machine"
	case j.Host != f.host:
		return "it was written for host " + j.Host
	case f.has && !f.meta.Imported && j.Store != f.meta.ID && j.Store != f.meta.Took:
		return "it belongs to another store"
	case marked && f.marker.Store == j.Store && j.Started < f.marker.Started:
		return "it is an older copy"
	}
	return ""
}

// beginning is what a start has found of the store, and keeps of it.
type beginning struct {
	meta   ledger.Meta
	second *ledger.Second
	looks  time.Duration // see engine.Parts.LookFirst
	marker marker
	path   string // of the marker
}

// takeUp finds out which store this is, and brings it to where it was.
func (a *App) takeUp(ctx context.Context) error {
	c := a.conf().Config
	b := &beginning{path: filepath.Clean(c.Bus.Dir) + ".known"}
	dir := c.Bus.OpenPath()
	f := found{here: machine.Here(), host: c.Host, marker: readMarker(b.path)}
	var err error
	if f.meta, f.has, err = a.ledger.Meta(ctx); err != nil {
		return err
	}
	if err := f.meta.Readable(c.Bus.Dir); err != nil {
		return err
	}
	if f.empty, err = a.ledger.Empty(ctx); err != nil {
		return err
	}
	if f.last, err = a.bus.LastStored(ctx); err != nil {
		return err
	}
	f.journal, f.bad = journal.Read(dir)
	v := f.judge()
	meta := f.meta
	if !f.has {
		meta = ledger.Meta{ID: rand.Text(), Made: time.Now()}
		if f.empty {
			meta.Format = ledger.Format
		}
	}
	if v.take {
		if err := a.takeJournal(ctx, f, b); err != nil {
			return err
		}
		meta.Took = f.journal.Store
	} else if v.why != "" {
		a.Log.Warn("the journal of what is open is set aside and ends nothing", "dir", dir, "why", v.why)
		if err := journal.SetAside(dir); err != nil {
			a.Log.Debug("set the journal aside", "error", err)
		}
	}
	if v.anew {
		meta.Anew = time.Now()
		a.Log.Error("the store is empty though there was one before, and what was open is not known; every sink is told so", "dir", c.Bus.Dir)
	}
	if v.back {
		meta.Back, meta.Last, b.looks = time.Now(), f.last, lookFirst
		a.Log.Error("the store is an older copy; every item is looked at before anything is told, and every sink is told so", "dir", c.Bus.Dir, "last_written", f.last)
	}
	if meta, err = a.ledger.Migrate(ctx, meta, ledger.Format-1); err != nil {
		return err
	}
	meta.Machine, meta.Version, meta.Imported = f.here.Adopt(meta.Machine), a.Version, false
	meta.Started = max(meta.Started, f.journal.Started, f.marker.Started) + 1
	if err := a.ledger.SetMeta(ctx, meta); err != nil {
		return err
	}
	b.meta, b.marker = meta, marker{Store: meta.ID, Machine: meta.Machine}
	head := journal.Header{Store: meta.ID, Machine: meta.Machine, Host: c.Host, Started: meta.Started}
	said := false
	b.second = a.ledger.Keep(journal.New(dir, head, func(err error) {
		switch {
		case err != nil:
			a.Log.Warn("what is open at the sinks cannot be kept a second time; make bus.open_dir writable for the user that runs dswatch", "dir", dir, "error", err)
		case said:
			a.Log.Info("what is open at the sinks is kept a second time again", "dir", dir)
		}
		said = true
	}))
	a.began = b
	return nil
}

// takeJournal brings the store to where the journal says that it was.
func (a *App) takeJournal(ctx context.Context, f found, b *beginning) error {
	t, err := a.ledger.TakeUp(ctx, f.journal.Values)
	if err != nil {
		return err
	}
	if t.Bad+f.journal.Torn > 0 {
		a.Log.Warn("the journal of what is open cannot be read as a whole", "records", t.Bad, "lines", f.journal.Torn)
	}
	if t.Records == 0 {
		return nil
	}
	b.looks = lookFirst
	text := "the journal of what is open knew more than the store, which has it now"
	if f.empty {
		text = "the store is empty; what is open at the sinks was taken from the journal and goes on under the same ids"
	}
	a.Log.Warn(text, "alerts", t.Open, "records", t.Records)
	return nil
}

func readMarker(path string) (m marker) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) > markerSize || json.Unmarshal(bytes.TrimRight(text, "\x00 \n"), &m) != nil {
		return marker{}
	}
	return m
}

// keepAlive notes again and again that the store takes changes, until ctx ends.
func (a *App) keepAlive(ctx context.Context) {
	if a.began == nil {
		return
	}
	f, err := guard.Open(a.began.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		a.Log.Debug("no file that says that there was a store", "error", err)
		return
	}
	defer f.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := (time.Time{}); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if now.Sub(last) < aliveEvery || !a.verdict().Current {
				continue
			}
			last = now
			if err := a.began.mark(f, now); err != nil {
				a.Log.Debug("note that there is a store", "error", err)
			}
		}
	}
}

// mark writes the marker in place.
func (b *beginning) mark(f *os.File, now time.Time) error {
	b.marker.Alive = now.Round(0)
	if !b.second.Behind() {
		b.marker.Started = b.meta.Started
	}
	text, err := json.Marshal(b.marker)
	if err != nil {
		return err
	}
	page := bytes.Repeat([]byte{' '}, markerSize)
	copy(page, text)
	_, err = f.WriteAt(page, 0)
	return err
}

// storeState is what is said of the store in status; nil: nothing.
func (a *App) storeState() *web.Store {
	var s web.Store
	if err := a.past.Err(); err != nil {
		s.NoHistory = err.Error()
	}
	if a.began != nil {
		a.began.state(&s)
	}
	if s == (web.Store{}) {
		return nil
	}
	return &s
}

// state says what is to be said of it.
func (b *beginning) state(s *web.Store) {
	if time.Since(b.meta.Anew) < shownTime {
		s.Anew = b.meta.Anew
	}
	if time.Since(b.meta.Back) < shownTime {
		s.Back, s.Last = b.meta.Back, b.meta.Last
	}
	if err := b.second.Err(); err != nil {
		s.NotKept = err.Error()
	}
}

// The rows of kind event.Store.
const (
	rowAnew = "began_anew"
	rowBack = "went_back"
)

// storeNotices tells of the store as items. Each is open for a while after it
// happened, so that every sink hears of it and of its end.
type storeNotices struct {
	meta  ledger.Meta
	host  string
	dir   string
	lasts time.Duration
}

// notices is the job that tells of the store; nil: there is nothing to tell.
func (a *App) notices(l *Loaded) *detector.Job {
	if a.began == nil || a.began.meta.Anew.IsZero() && a.began.meta.Back.IsZero() {
		return nil
	}
	n := storeNotices{a.began.meta, l.Config.Host, l.Config.Bus.Dir, max(noticeTime, 2*l.Config.Rules.Hold)}
	s := detector.DefaultSettings()
	s.Schedule = "@every 10s"
	j := s.Job(string(event.Store), n)
	j.Keys = []event.Key{n.key(rowAnew), n.key(rowBack)}
	return &j
}

func (n storeNotices) key(name string) event.Key {
	return event.Key{Host: n.host, Component: "dswatch", Kind: event.Store, Name: name}
}

// Detect implements detector.Detector.
func (n storeNotices) Detect(context.Context) ([]event.Observation, error) {
	anew := n.observe(rowAnew, n.meta.Anew)
	anew.Detail = words.StoreEmptySince.With(n.dir, n.meta.Anew)
	back := n.observe(rowBack, n.meta.Back)
	back.Detail = words.StoreWentBack.With(n.dir, n.meta.Last, n.meta.Back)
	out := []event.Observation{anew, back}
	for i := range out {
		if out[i].State == event.Up {
			out[i].Detail = event.Said{}
		}
	}
	return out, nil
}

func (n storeNotices) observe(name string, since time.Time) event.Observation {
	now := time.Now()
	o := event.Observation{Key: n.key(name), State: event.Up, Found: 1, Want: 1, At: now}
	if past := now.Sub(since); !since.IsZero() && past < n.lasts {
		o.State, o.Found = event.Down, 0
	}
	return o
}
