package engine

import (
	"hash/crc32"
	"slices"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// Change is what is known of an item, where that differs from what was known
// before in a way that a history tells of. Behind a veil an item is in the state
// that was seen last: who reads a history works that out from Watch and Veils.
type Change struct {
	Key      event.Key
	State    event.State
	Since    time.Time // by the observer's clock
	Expected catalog.Tri
	Impact   event.Impact // of a loss of what must be there
	Gone     bool
	Observer string
	Job      string // that sees the item, see event.Event
	Veils    string // the job of whose items this one hides all
	Detail   event.Said
}

// Past hears what becomes of items. It is called under the engine's lock and must
// return at once; what it is told may not be stored yet, and comes again then.
type Past interface {
	Changed(Change)
	// Whole is told what is so of every item that there is, each time the engine
	// has read what is stored, and when somebody asks for it; and the silences.
	Whole([]Change, []rules.Silence)
}

// noted is what a Change was told of last. There is one for each of 200,000
// items, so it is small.
type noted struct {
	since int64
	what  uint64
}

// change is what there is to tell of an item.
func (e *Engine) change(it *item) (Change, noted) {
	st := &it.status
	c := Change{
		Key: st.Key, State: st.Seen.State, Since: st.Changed, Expected: catalog.No, Gone: st.Gone,
		Observer: st.Observer, Job: st.Job, Veils: st.Seen.Veils, Detail: st.Seen.Detail,
	}
	if it.row.row != nil {
		c.Expected = it.row.verdict.Expected
	}
	if c.State.Lost() && c.Expected == catalog.Yes && !st.Gone {
		c.Impact = rules.Impact(st, e.sight(it), rules.Loss)
	}
	n := noted{nanoseconds(c.Since), 1<<9 | uint64(c.Expected)&3}
	if c.Impact != "" {
		n.what |= uint64(slices.Index(event.Impacts(), c.Impact)+1) << 2 // four bits
	}
	for i, s := range [...]event.State{event.Up, event.Degraded, event.Down, event.Unknown} {
		if c.State == s {
			n.what |= uint64(i) << 6
		}
	}
	if c.Gone {
		n.what |= 1 << 8
	}
	if c.Veils != "" {
		n.what |= uint64(crc32.ChecksumIEEE([]byte(c.Veils))) << 32
	}
	return c, n
}

// note tells of an item that is not as it was told of last.
func (e *Engine) note(it *item) {
	if !e.whole {
		return // a whole will say it
	}
	if c, now := e.change(it); now != it.noted {
		it.noted = now
		e.Past.Changed(c)
	}
}

// TellWhole tells what is so of every item; false: what is stored has not been
// read yet.
func (e *Engine) TellWhole() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ready.Load() {
		return false
	}
	e.tellWhole()
	return true
}

func (e *Engine) tellWhole() {
	if e.Past == nil {
		return
	}
	all := make([]Change, 0, len(e.items))
	for _, it := range e.items {
		if it.status.Event == "" {
			continue
		}
		c, now := e.change(it)
		it.noted = now
		if c.Gone {
			continue
		}
		c.Detail = event.Said{}
		all = append(all, c)
	}
	e.Past.Whole(all, e.silences)
	e.whole = true
}
