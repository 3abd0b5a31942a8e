package ledger

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
	"dswatch/event"
	"dswatch/wire"
)

// page is one record of receipts. A sink's pages together say what it was
// told: of a slot that is in several, the page that was written last counts.
// One message for many receipts costs a tenth of one for each.
type page struct {
	Writes   uint64          `json:"turn"` // counts the pages that were written, this one too
	At       time.Time       `json:"at"`   // written
	Receipts []event.Receipt `json:"receipts"`
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

// setAside keeps a record that cannot be read, where the bucket can.
func setAside(bucket any, key string, value []byte, why error) {
	if a, ok := bucket.(interface {
		Aside(key string, value []byte, why error)
	}); ok {
		a.Aside(key, value, why)
	}
}

// readPages returns the pages of one sink in the order of their turns.
func readPages(ctx context.Context, bucket shelf, sink string) ([]stored, error) {
	last := map[int]stored{} // one that is overwritten meanwhile may come twice
	err := bucket.LoadPrefix(ctx, sink+".", func(key string, value []byte, revision uint64) error {
		number, err := strconv.Atoi(key[len(sink)+1:])
		if err != nil || number < 0 {
			setAside(bucket, key, value, fmt.Errorf("receipts have the key %s, want %s and a number", key, sink))
			return nil
		}
		p, err := pageForm.Decode(value)
		if err != nil {
			// Without it, what it says was told is told once more at most: the
			// far end has its ids. The page is blank and will be written over.
			setAside(bucket, key, value, fmt.Errorf("decode receipts %s: %w", key, err))
			p = page{}
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
	slices.SortFunc(out, func(a, b stored) int { return cmp.Compare(a.Writes, b.Writes) })
	return out, nil
}

// Books are the receipts of every sink. They implement engine.Receipts.
type Books struct {
	bucket shelf
	open   func(sink string) *Book // nil where the place of the sink is not open
	all    func() []*Book          // that are open
	second *Second                 // nil: there is none
}

// Forget implements engine.Receipts.
func (r Books) Forget(ctx context.Context, sink string, slots []string) error {
	if l := r.open(sink); l != nil {
		return l.forget(ctx, slots)
	}
	return nil // another process writes them, or nobody does any more
}

// PutBack implements engine.PutBacker.
func (r Books) PutBack(ctx context.Context) error {
	for _, b := range r.all() {
		if err := b.putBack(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Load implements engine.Receipts.
func (r Books) Load(ctx context.Context, sink string, each func(event.Receipt)) error {
	pages, err := readPages(ctx, r.bucket, sink)
	if err != nil {
		return err
	}
	last := map[string]event.Receipt{}
	for _, p := range pages {
		for _, got := range p.Receipts {
			last[got.Slot] = got
		}
	}
	for _, got := range last {
		each(got)
	}
	return nil
}

// Book keeps the receipts of one sink. It implements sinks.Receipts.
//
// What is on disk for long must not be at stake when a page is written: a
// power loss may take the new page, and the old one with it if they share a
// key. So a page is not overwritten before everything in it has been in
// younger pages for as long as those may take to reach the disk. The receipts
// that count in pages with few of them move to the page that is written, so
// the number of pages follows the number of slots.
type Book struct {
	bucket shelf
	sink   string
	second *Second       // nil: there is none
	flush  time.Duration // the longest that the server takes to force a page to disk
	now    func() time.Time

	mu     sync.Mutex
	writes uint64
	slots  map[string]entry
	pages  []sheet // by number
}

// entry is the receipt of a slot and the page it counts in.
type entry struct {
	receipt event.Receipt
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

// newBook returns the receipts of a sink.
func newBook(b *bus.Bus, c bus.Config, sink string) *Book {
	// A NATS server flushes every two minutes unless its configuration says otherwise.
	flush := 5 * time.Minute
	if c.URL == "" {
		flush = max(10*time.Second, 3*time.Duration(c.Sync))
	}
	return &Book{bucket: b.Bucket(bus.Receipts), sink: sink, flush: flush, now: time.Now}
}

// fewest is how many receipts may move, however few are stored.
const fewest = 16

// Load implements sinks.Receipts.
func (b *Book) Load(ctx context.Context) ([]event.Receipt, error) {
	pages, err := readPages(ctx, b.bucket, b.sink)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes, b.slots, b.pages = 0, map[string]entry{}, nil
	for _, p := range pages {
		for len(b.pages) <= p.number {
			b.pages = append(b.pages, sheet{})
		}
		b.pages[p.number].revision = p.revision
		b.count(p.number, p.page)
		b.writes = p.Writes
	}
	out := make([]event.Receipt, 0, len(b.slots))
	for _, e := range b.slots {
		out = append(out, e.receipt)
	}
	return out, nil
}

// Store implements sinks.Receipts. The end of an alert that comes late, because
// its sink was renamed, leaves the receipt of the slot's later one as it is.
func (b *Book) Store(ctx context.Context, rs []event.Receipt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	rs = slices.DeleteFunc(slices.Clone(rs), func(r event.Receipt) bool {
		return r.Transition == event.Cleared && !r.Dead && r.Turn > 0 && r.Turn < b.slots[r.Slot].receipt.Turn
	})
	if len(rs) == 0 {
		return nil
	}
	err := b.store(ctx, rs)
	if err == nil {
		b.second.told(b.sink, rs)
	}
	return err
}

// putBack stores every receipt again where a page of them is lost.
func (b *Book) putBack(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	pages, err := readPages(ctx, b.bucket, b.sink)
	if err != nil {
		return err
	}
	stored := map[string]uint64{} // by key
	for _, p := range pages {
		stored[b.key(p.number)] = p.revision
	}
	whole := true
	for n, s := range b.pages {
		whole = whole && (s.live == 0 || stored[b.key(n)] == s.revision)
	}
	if whole {
		return nil
	}
	all := make([]event.Receipt, 0, len(b.slots))
	for _, e := range b.slots {
		all = append(all, e.receipt)
	}
	b.slots, b.pages = map[string]entry{}, nil
	for _, p := range pages {
		for len(b.pages) <= p.number {
			b.pages = append(b.pages, sheet{})
		}
		b.pages[p.number] = sheet{revision: p.revision, written: p.At, changed: p.At}
	}
	for some := range slices.Chunk(all, mostMoved) {
		if err := b.store(ctx, some); err != nil {
			for _, r := range all { // none may be forgotten: the next try has them
				if _, ok := b.slots[r.Slot]; !ok {
					if len(b.pages) == 0 {
						b.pages = append(b.pages, sheet{})
					}
					b.slots[r.Slot] = entry{r, 0}
				}
			}
			b.pages[0].foreign = true
			return err
		}
	}
	return nil
}

func (b *Book) store(ctx context.Context, rs []event.Receipt) error {
	p := page{Receipts: b.gather(rs)}
	for {
		n := b.blank()
		b.writes++
		p.Writes, p.At = b.writes, b.now()
		value, err := pageForm.Encode(&p)
		if err != nil {
			return fmt.Errorf("encode receipts: %w", err)
		}
		revision, err := b.bucket.Update(ctx, b.key(n), value, b.pages[n].revision)
		if errors.Is(err, bus.ErrConflict) {
			// An attempt that was not confirmed has come through after all.
			b.pages[n].foreign = true
			continue
		}
		if err != nil {
			return err
		}
		b.pages[n].revision = revision
		b.count(n, p)
		return nil
	}
}

func (b *Book) key(n int) string { return b.sink + "." + strconv.Itoa(n) }

// gather adds to rs what counts in those pages that have the fewest, at most
// as many as rs has itself.
func (b *Book) gather(rs []event.Receipt) []event.Receipt {
	room, now := max(len(rs), fewest), b.now()
	var old []int
	for n := range b.pages {
		if s := &b.pages[n]; s.live > 0 && s.live <= room && now.Sub(s.written) >= b.flush {
			old = append(old, n)
		}
	}
	slices.SortFunc(old, func(m, n int) int { return cmp.Compare(b.pages[m].live, b.pages[n].live) })
	fresh := make(map[string]bool, len(rs))
	for _, r := range rs {
		fresh[r.Slot] = true
	}
	out := slices.Clone(rs)
	for _, n := range old {
		if room -= b.pages[n].live; room < 0 {
			break
		}
		for _, slot := range b.pages[n].slots {
			if e, ok := b.slots[slot]; ok && e.page == n && !fresh[slot] {
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
func (b *Book) blank() int {
	now, found := b.now(), -1
	for n := range b.pages {
		s := &b.pages[n]
		if s.live > 0 || s.foreign || now.Sub(s.changed) < b.flush {
			continue
		}
		if found < 0 || cmp.Or(s.changed.Compare(b.pages[found].changed), s.written.Compare(b.pages[found].written)) < 0 {
			found = n
		}
	}
	if found >= 0 {
		return found
	}
	b.pages = append(b.pages, sheet{})
	return len(b.pages) - 1
}

// count notes that the receipts of p count in page n, since p was written.
func (b *Book) count(n int, p page) {
	s := &b.pages[n]
	s.slots, s.live, s.written, s.changed = s.slots[:0], 0, p.At, p.At
	for _, r := range p.Receipts {
		if before, ok := b.slots[r.Slot]; ok {
			old := &b.pages[before.page]
			old.live--
			old.changed = p.At
		}
		b.slots[r.Slot] = entry{r, n}
		s.slots = append(s.slots, r.Slot)
		s.live++
	}
}

// forget drops the receipts of slots. The pages that have them, also those in
// which they do not count any more, are left blank: what else counts in these
// moves. They are overwritten in the order in which they were written, or the
// beginning of an alert would be left without its end.
func (b *Book) forget(ctx context.Context, slots []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	gone := map[string]entry{}
	for _, slot := range slots {
		e, ok := b.slots[slot]
		if !ok || e.receipt.Transition.Firing() {
			continue // told anew meanwhile
		}
		delete(b.slots, slot)
		gone[slot] = e
	}
	var with []int // pages
	var move []event.Receipt
	for n, s := range b.pages {
		if !slices.ContainsFunc(s.slots, func(slot string) bool { _, ok := gone[slot]; return ok }) {
			continue
		}
		with = append(with, n)
		for _, slot := range s.slots {
			if e, ok := b.slots[slot]; ok && e.page == n {
				move = append(move, e.receipt)
			}
		}
	}
	for some := range slices.Chunk(move, mostMoved) {
		if err := b.store(ctx, some); err != nil {
			maps.Copy(b.slots, gone)
			return err
		}
	}
	for _, e := range gone {
		b.pages[e.page].live--
	}
	now := b.now()
	for _, n := range with {
		b.pages[n].changed = now
	}
	b.second.untold(b.sink, maps.Keys(gone))
	return nil
}

// mostMoved is how many receipts move to one page.
const mostMoved = 256

// Told returns the receipt of one slot.
func (b *Book) Told(slot string) event.Receipt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slots[slot].receipt
}

// All returns the receipts of every slot.
func (b *Book) All() (all []event.Receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.slots {
		all = append(all, e.receipt)
	}
	return all
}
