package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"dswatch/event"
)

// known is what one sink has been told, or is certain to be told, about the
// alerts of one slot: alert id -> last transition.
type known map[string]told

type told struct {
	turn   int // of the alert
	seq    int
	at     time.Time
	firing bool
	open   bool // the far end holds it open until it is told something later
	waits  bool // in the outbox
	used   int  // the highest number that a transition of the alert before its end can have at any sink
}

// end is the number of the alert's end. None before it had it, also at a sink
// of whose receipts a power loss took the last: one that drops copies would
// take the end for a copy.
func (t told) end() int { return max(t.seq, t.used) + 1 }

// reconcile compares every alert with what each sink confirmed or has
// waiting in the outbox, and puts what is missing. Something is missing when
// the program was killed between storing a status and filling the outbox, or
// when a power loss took the end of the outbox away. Where a power loss took a
// status, and not what a sink knows, the sink is right. Then it decides every
// item once, so that a row that left the configuration, or a deadline that
// passed meanwhile, has its consequence.
func (e *Engine) reconcile(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.everySink()
	used, err := e.numbers(ctx, all)
	if err != nil {
		return err
	}
	for behind, rounds := true, 0; behind; rounds++ {
		if rounds > maxRounds {
			return fmt.Errorf("what is stored does not catch up with the sinks in %d rounds", rounds)
		}
		behind = false
		e.pending, e.orphans = nil, orphans{}
		for _, name := range all {
			slots, err := e.knownBy(ctx, name, used)
			if err != nil {
				return err
			}
			if behind = e.catchUp(e.now(), name, slots); behind {
				break
			}
			if err := e.repair(name, slots); err != nil {
				return err
			}
		}
		behind = behind || e.lostDigests(e.now(), all)
	}
	e.regroup(e.now())
	if n := len(e.pending); n > 0 {
		e.Log.Info("telling the sinks what they had not been told when the program stopped", "deliveries", n)
	}
	for _, it := range e.items {
		if err := e.redecide(ctx, it); err != nil {
			return err
		}
	}
	if err := e.revise(ctx); err != nil {
		return err
	}
	e.ending = true
	return e.flush(ctx)
}

// maxRounds bounds how often all sinks are read again because one knew more
// than was stored: a few times each, after a power loss.
const maxRounds = 100

// repair puts what the sink misses.
func (e *Engine) repair(name string, slots map[string]known) error {
	for _, it := range e.items {
		order := [3]string{Loss, Unseen, FlapRule}
		if it.status.slot(FlapRule).Transition == event.Cleared { // before what is told because the item has settled
			order = [3]string{FlapRule, Loss, Unseen}
		}
		for _, rule := range order {
			slot := it.status.slot(rule)
			if slot.ID == "" {
				continue
			}
			snap := it.snapshot()
			e.relate(it, event.Event{}, &snap)
			last := e.Set.alert(&it.status, snap, rule)
			out := e.Set.missing(last, slot.needed(name), snap, slots[last.Slot()])
			if !slices.Contains(slot.Sinks, name) {
				out = e.Set.over(last, snap, slots[last.Slot()])
			}
			for _, a := range out {
				if err := e.put(a, name); err != nil {
					return err
				}
			}
		}
	}
	for _, d := range e.digests() {
		last := e.digestAlert(d)
		out := e.Set.missing(last, d.Slot.needed(name), Snapshot{}, slots[last.Slot()])
		if !slices.Contains(d.Slot.Sinks, name) {
			out = e.Set.over(last, Snapshot{}, slots[last.Slot()])
		}
		for _, a := range out {
			if err := e.put(a, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// knownBy collects what one sink knows, by slot. Used is what numbers
// returned.
func (e *Engine) knownBy(ctx context.Context, sink string, used map[string]int) (map[string]known, error) {
	slots := map[string]known{}
	err := e.recall(ctx, sink, func(slot, id string, t told) {
		if slots[slot] == nil {
			slots[slot] = known{}
		}
		if t.seq > slots[slot][id].seq { // the later of two transitions
			t.used = used[id]
			slots[slot][id] = t
		}
	})
	return slots, err
}

// numbers returns told.used by alert; 1 is left out.
func (e *Engine) numbers(ctx context.Context, sinks []string) (map[string]int, error) {
	used := map[string]int{}
	for _, name := range sinks {
		err := e.recall(ctx, name, func(_, id string, t told) {
			if !t.firing {
				t.seq--
			}
			if t.seq > max(used[id], 1) {
				used[id] = t.seq
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return used, nil
}

// recall calls each with the transitions that wait for a sink and those it
// was told last. The outbox is read first: a delivery that leaves it meanwhile
// has its receipt before it leaves. What went to the dead letters has been
// handled, but left the far end as it was.
func (e *Engine) recall(ctx context.Context, sink string, each func(slot, id string, t told)) error {
	err := e.Outbox.Pending(ctx, sink, func(data []byte) {
		if a, err := event.DecodeAlert(data); err == nil {
			firing := a.Transition.Firing()
			each(a.Slot(), a.ID, told{turn: a.Turn, seq: a.Seq, at: a.At, firing: firing, open: firing, waits: true})
		}
	})
	if err != nil {
		return fmt.Errorf("read what waits for sink %s: %w", sink, err)
	}
	err = e.Receipts.Load(ctx, sink, func(r Receipt) {
		firing := r.Transition.Firing()
		each(r.Slot, r.AlertID, told{turn: r.Turn, seq: r.Seq, at: r.At, firing: firing, open: firing && !r.Dead || r.Dead && r.Reached})
	})
	if err != nil {
		return fmt.Errorf("load receipts of sink %s: %w", sink, err)
	}
	return nil
}

// need is what a sink must have been told of an alert.
type need struct {
	seq  int  // of the least transition that it must know
	late bool // the first it heard of it had a later number than 1
}

// needed is the last transition, or the last that went to every sink where
// that was a repetition for others.
func (slot *Slot) needed(sink string) need {
	n := need{slot.Seq, slices.Index(slot.Sinks, sink) >= slot.Early && slot.Early > 0}
	if slot.Round != nil && !slices.Contains(slot.Round.Last, sink) {
		n.seq = slot.Round.All
	}
	return n
}

// missing returns what a sink must still be told so that it knows last, or at
// least what it needs, and has no other alert of the slot open, in order.
//
// An alert that is over, and of which nothing says that the sink was told, is
// raised and cleared: a far end that knows both drops the copies. Where it
// cannot be said which copies these are, it gets new ones.
func (s *Set) missing(last event.Alert, n need, snap Snapshot, k known) []event.Alert {
	out := s.over(last, snap, k)
	has, any := k[last.ID]
	if last.Transition == event.Cleared && has.firing {
		last.Seq = max(last.Seq, has.end())
	}
	switch {
	case last.Transition == event.Cleared && has.firing && has.seq >= n.seq:
		return append(out, last)
	case has.seq >= n.seq:
		return out
	}
	switch {
	case any && last.Transition == event.Repeated && n.seq < last.Seq: // for others; this one misses what came before
		last.Transition, last.Seq = event.Changed, n.seq // as what it misses: it may have come, and only its receipt be lost
		s.write(&last, snap)
	case any:
	case last.Transition == event.Cleared:
		first := last
		first.Seq, first.Transition = 1, event.Raised
		if n.late {
			first.Seq, last.Seq = last.Seq+1, last.Seq+2
		}
		first.State, first.Previous = last.Previous, ""
		first.At, first.EndedAt, first.Ack = last.StartedAt, time.Time{}, nil
		s.write(&first, snap)
		out = append(out, first)
	default:
		last = s.first(last, snap)
	}
	return append(out, last)
}

// over returns what ends the alerts that a sink still holds open although
// the slot has gone on to another one, which need not concern that sink.
func (s *Set) over(last event.Alert, snap Snapshot, k known) []event.Alert {
	var out []event.Alert
	for _, id := range slices.Sorted(maps.Keys(k)) {
		if id == last.ID || !k[id].firing {
			continue
		}
		over := last
		over.ID, over.Turn, over.Seq, over.Transition = id, k[id].turn, k[id].end(), event.Cleared
		over.State, over.Previous = event.Up, event.Unknown
		over.Ack, over.Withdrawn, over.Affected, over.AffectedCount = nil, nil, nil, 0 // forgotten
		if over.At = last.StartedAt; over.At.Before(k[id].at) {
			over.At = k[id].at // or the clock was set back
		}
		over.EndedAt = over.At
		s.write(&over, snap)
		out = append(out, over)
	}
	return out
}
