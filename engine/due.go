package engine

import (
	"container/heap"
	"time"

	"dswatch/rules"
)

// wake returns when something needs to be done at the latest.
func (e *Engine) wake() time.Time {
	due := rules.Earlier(e.nextDigest(), e.nextWait())
	if len(e.due) > 0 {
		due = rules.Earlier(due, time.Unix(0, e.due[0].due))
	}
	return rules.Earlier(due, e.now().Add(mostAsleep))
}

// schedule keeps the heap in step with the item's deadline.
func (e *Engine) schedule(it *item) {
	due := it.status.Due()
	switch {
	case due.IsZero() && it.index >= 0:
		heap.Remove(&e.due, it.index)
	case due.IsZero():
	case it.index < 0:
		it.due = due.UnixNano()
		heap.Push(&e.due, it)
	case it.due != due.UnixNano():
		it.due = due.UnixNano()
		heap.Fix(&e.due, it.index)
	}
}

// dueHeap orders items by deadline.
type dueHeap []*item

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool { return h[i].due < h[j].due }

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
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
