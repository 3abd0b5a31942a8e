package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"dswatch/bus"
	"dswatch/rules"
	"dswatch/sinks"
	"dswatch/wire"
)

// page is one record of receipts. A sink's pages together say what it was
// told: of a slot that is in several, the page with the highest turn counts.
// One message for many receipts costs a tenth of one for each.
type page struct {
	Turn     uint64          `json:"turn"` // counts the pages that were written
	At       time.Time       `json:"at"`   // written
	Receipts []sinks.Receipt `json:"receipts"`
}

var pageForm = wire.Of[page]()

// shelf is where pages are: a bucket.
type shelf interface {
	LoadPrefix(ctx context.Context, prefix string, fn func(key string, value []byte, revision uint64) error) error
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
}

// stored is a page as it lies in the bucket.
type stored struct {
	page
	number   int // its key is the sink's name and this
	revision uint64
}

// readPages returns the pages of one sink in the order of their turns.
func readPages(ctx context.Context, bucket shelf, sink string) ([]stored, error) {
	last := map[int]stored{} // one that is overwritten meanwhile may come twice
	err := bucket.LoadPrefix(ctx, sink+".", func(key string, value []byte, revision uint64) error {
		number, err := strconv.Atoi(key[len(sink)+1:])
		if err != nil || number < 0 {
			return fmt.Errorf("receipts have the key %s, want %s and a number", key, sink)
		}
		p, err := pageForm.Decode(value)
		if err != nil {
			return fmt.Errorf("decode receipts %s: %w", key, err)
		}
		last[number] = stored{p, number, revision}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]stored, 0, len(last))
	for _, p := range last {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b stored) int { return cmp.Compare(a.Turn, b.Turn) })
	return out, nil
}

// receipts implements rules.Receipts.
type receipts struct {
	bucket  shelf
	ledgers map[string]*ledger // by sink
}

func (r receipts) Forget(ctx context.Context, sink string, slots []string) error {
	if l := r.ledgers[sink]; l != nil {
		return l.forget(ctx, slots)
	}
	return nil // another process writes them, or nobody does any more
}

func (r receipts) Load(ctx context.Context, sink string, each func(rules.Receipt)) error {
	pages, err := readPages(ctx, r.bucket, sink)
	if err != nil {
		return err
	}
	last := map[string]sinks.Receipt{}
	for _, p := range pages {
		for _, got := range p.Receipts {
			last[got.Slot] = got
		}
	}
	for _, got := range last {
		each(rules.Receipt{
			Slot: got.Slot, AlertID: got.AlertID, Turn: got.Turn, Seq: got.Seq, Transition: got.Transition, At: got.At, Dead: got.Dead, Reached: got.Reached,
		})
	}
	return nil
}

// ledger keeps the receipts of one sink. It implements sinks.Receipts.
//
// What is on disk for long must not be at stake when a page is written: a
// power loss may take the new page, and the old one with it if they share a
// key. So a page is not overwritten before everything in it has been in
// younger pages for as long as those may take to reach the disk. The receipts
// that count in pages with few of them move to the page that is written, so
// the number of pages follows the number of slots.
type ledger struct {
	bucket shelf
	sink   string
	flush  time.Duration // the longest that the server takes to force a page to disk
	now    func() time.Time

	mu    sync.Mutex
	turn  uint64
	slots map[string]entry
	pages []sheet // by number
}

// entry is the receipt of a slot and the page it counts in.
type entry struct {
	receipt sinks.Receipt
	page    int
}

// sheet is what is known about a page.
type sheet struct {
	slots    []string // that were written in it
	live     int      // how many of them count
	written  time.Time
	changed  time.Time // last: written, or one of them has come to count elsewhere
	revision uint64
	foreign  bool // somebody else has written it
}

// newLedger returns the ledger of a sink.
func newLedger(b *bus.Bus, c bus.Config, sink string) *ledger {
	// A NATS server flushes every two minutes unless its configuration says otherwise.
	flush := 5 * time.Minute
	if c.URL == "" {
		flush = max(10*time.Second, 3*time.Duration(c.Sync))
	}
	return &ledger{bucket: b.Bucket(bus.Receipts), sink: sink, flush: flush, now: time.Now}
}

// fewest is how many receipts may move, however few are stored.
const fewest = 16

func (l *ledger) Load(ctx context.Context) ([]sinks.Receipt, error) {
	pages, err := readPages(ctx, l.bucket, l.sink)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn, l.slots, l.pages = 0, map[string]entry{}, nil
	for _, p := range pages {
		for len(l.pages) <= p.number {
			l.pages = append(l.pages, sheet{})
		}
		l.pages[p.number].revision = p.revision
		l.count(p.number, p.page)
		l.turn = p.Turn
	}
	out := make([]sinks.Receipt, 0, len(l.slots))
	for _, e := range l.slots {
		out = append(out, e.receipt)
	}
	return out, nil
}

func (l *ledger) Store(ctx context.Context, rs []sinks.Receipt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store(ctx, rs)
}

func (l *ledger) store(ctx context.Context, rs []sinks.Receipt) error {
	p := page{Receipts: l.gather(rs)}
	for {
		n := l.blank()
		l.turn++
		p.Turn, p.At = l.turn, l.now()
		value, err := pageForm.Encode(&p)
		if err != nil {
			return fmt.Errorf("encode receipts: %w", err)
		}
		revision, err := l.bucket.Update(ctx, l.key(n), value, l.pages[n].revision)
		if errors.Is(err, bus.ErrConflict) {
			// An attempt that was not confirmed has come through after all.
			l.pages[n].foreign = true
			continue
		}
		if err != nil {
			return err
		}
		l.pages[n].revision = revision
		l.count(n, p)
		return nil
	}
}

func (l *ledger) key(n int) string { return l.sink + "." + strconv.Itoa(n) }

// gather adds to rs what counts in those pages that have the fewest, at most
// as many as rs has itself.
func (l *ledger) gather(rs []sinks.Receipt) []sinks.Receipt {
	room, now := max(len(rs), fewest), l.now()
	var old []int
	for n := range l.pages {
		if s := &l.pages[n]; s.live > 0 && s.live <= room && now.Sub(s.written) >= l.flush {
			old = append(old, n)
		}
	}
	slices.SortFunc(old, func(a, b int) int { return cmp.Compare(l.pages[a].live, l.pages[b].live) })
	fresh := make(map[string]bool, len(rs))
	for _, r := range rs {
		fresh[r.Slot] = true
	}
	out := slices.Clone(rs)
	for _, n := range old {
		if room -= l.pages[n].live; room < 0 {
			break
		}
		for _, slot := range l.pages[n].slots {
			if e, ok := l.slots[slot]; ok && e.page == n && !fresh[slot] {
				out = append(out, e.receipt)
				fresh[slot] = true
			}
		}
	}
	return out
}

// blank returns the number of a page that may be written: the one that has
// been blank for longest, so that in time all of them are, and of several the
// oldest: a later one may end what that one began.
func (l *ledger) blank() int {
	now, found := l.now(), -1
	for n := range l.pages {
		s := &l.pages[n]
		if s.live > 0 || s.foreign || now.Sub(s.changed) < l.flush {
			continue
		}
		if found < 0 || cmp.Or(s.changed.Compare(l.pages[found].changed), s.written.Compare(l.pages[found].written)) < 0 {
			found = n
		}
	}
	if found >= 0 {
		return found
	}
	l.pages = append(l.pages, sheet{})
	return len(l.pages) - 1
}

// count notes that the receipts of p count in page n, since p was written.
func (l *ledger) count(n int, p page) {
	s := &l.pages[n]
	s.slots, s.live, s.written, s.changed = s.slots[:0], 0, p.At, p.At
	for _, r := range p.Receipts {
		if before, ok := l.slots[r.Slot]; ok {
			b := &l.pages[before.page]
			b.live--
			b.changed = p.At
		}
		l.slots[r.Slot] = entry{r, n}
		s.slots = append(s.slots, r.Slot)
		s.live++
	}
}

// forget drops the receipts of slots. The pages that have them, also those in
// which they do not count any more, are left blank: what else counts in these
// moves. They are overwritten in the order in which they were written, or the
// beginning of an alert would be left without its end.
func (l *ledger) forget(ctx context.Context, slots []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := map[string]entry{}
	for _, slot := range slots {
		e, ok := l.slots[slot]
		if !ok || e.receipt.Transition.Firing() {
			continue // told anew meanwhile
		}
		delete(l.slots, slot)
		gone[slot] = e
	}
	var with []int // pages
	var move []sinks.Receipt
	for n, s := range l.pages {
		if !slices.ContainsFunc(s.slots, func(slot string) bool { _, ok := gone[slot]; return ok }) {
			continue
		}
		with = append(with, n)
		for _, slot := range s.slots {
			if e, ok := l.slots[slot]; ok && e.page == n {
				move = append(move, e.receipt)
			}
		}
	}
	for some := range slices.Chunk(move, mostMoved) {
		if err := l.store(ctx, some); err != nil {
			maps.Copy(l.slots, gone)
			return err
		}
	}
	for _, e := range gone {
		l.pages[e.page].live--
	}
	now := l.now()
	for _, n := range with {
		l.pages[n].changed = now
	}
	return nil
}

// mostMoved is how many receipts move to one page.
const mostMoved = 256

// told returns the receipt of one slot.
func (l *ledger) told(slot string) sinks.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slots[slot].receipt
}
