package engine

import (
	"container/heap"
	"math"
	"time"

	"dswatch/rules"
)

// wake returns when something needs to be done at the latest.
func (e *Engine) wake() time.Time {
	due := rules.Earlier(rules.Earlier(e.nextDigest(), e.nextWait()), e.refused.due)
	if !e.met { // see tidy
		due = rules.Earlier(due, e.now().Add(max(0, e.meetAt.Sub(e.Now()))))
	}
	if len(e.due) > 0 {
		due = rules.Earlier(due, time.Unix(0, e.due[0].due))
	}
	return rules.Earlier(due, e.now().Add(mostAsleep))
}

// schedule keeps the heap in step with the item's deadline.
func (e *Engine) schedule(it *item) {
	at := it.status.Due()
	due := nanoseconds(at)
	switch {
	case at.IsZero() && it.index >= 0:
		heap.Remove(&e.due, it.index)
	case at.IsZero():
	case it.index < 0:
		it.due = due
		heap.Push(&e.due, it)
	case it.due != due:
		it.due = due
		heap.Fix(&e.due, it.index)
	}
}

// nanoseconds are those since 1970, or as many as there can be: a time beyond
// April 2262 has more, and would come first of all.
func nanoseconds(t time.Time) int64 {
	switch first, last := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64); {
	case t.After(last):
		return math.MaxInt64
	case t.Before(first):
		return math.MinInt64
	}
	return t.UnixNano()
}

// dueHeap orders items by deadline.
type dueHeap []*item

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool { return h[i].due < h[j].due }

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// until are those that are due at t.
func (h dueHeap) until(t time.Time) (out []*item) {
	var walk func(i int)
	walk = func(i int) {
		if i < len(h) && h[i].due <= nanoseconds(t) {
			out = append(out, h[i])
			walk(2*i + 1)
			walk(2*i + 2)
		}
	}
	walk(0)
	return out
}

func (h *dueHeap) Push(x any) {
	it := x.(*item)
	it.index = len(*h)
	*h = append(*h, it)
}

func (h *dueHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	it.index = -1
	*h = old[:len(old)-1]
	return it
}
