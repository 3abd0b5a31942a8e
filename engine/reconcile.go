package engine

import (
	"context"
	"fmt"
	"slices"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

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
	for late, rounds := true, 0; late; rounds++ {
		if rounds > maxRounds {
			return fmt.Errorf("what is stored does not catch up with the sinks in %d rounds", rounds)
		}
		late = false
		e.round.Send, e.orphans = nil, orphans{}
		for _, name := range all {
			slots, err := e.knownBy(ctx, name, used)
			if err != nil {
				return err
			}
			if rounds == 0 {
				e.sayLost(name, slots)
			}
			if late = e.catchUp(e.now(), name, slots); late {
				break
			}
			if err := e.repair(name, slots); err != nil {
				return err
			}
		}
		late = late || e.lostDigests(e.now(), all)
	}
	e.regroup(e.now())
	if n := len(e.round.Send); n > 0 {
		e.Log.Info("telling the sinks what they had not been told when the program stopped", "deliveries", n)
	}
	e.meetTurned(e.now())
	for _, it := range e.items {
		e.redecide(it)
	}
	for _, it := range e.oneSpelling() {
		e.gone(it, words.Spell(words.HostRenamed.With(it.home.name)))
	}
	e.revise()
	e.ending = true
	e.sayLeft(all)
	return e.do(ctx, e.duties())
}

// sayLost says what of the stored records is missing, where the others tell so:
// what comes of it would else look like a fault. It is no warning, because a stop
// before the first confirmation of a sink leaves the same behind.
func (e *Engine) sayLost(sink string, standings map[string]rules.Standings) {
	open := 0
	for _, all := range standings {
		for _, s := range all {
			if s.Open {
				open++
			}
		}
	}
	switch held := e.countOpen(sink); {
	case len(standings) == 0 && held > 0 && !slices.Contains(e.fresh, sink):
		e.Log.Info("nothing is stored of what a sink was told; it is told of what is open again, under the same ids", "sink", sink, "alerts", held)
	case len(e.items) == 0 && open > 0:
		e.Log.Info("nothing is stored of what was known of items; what a sink holds open is compared with what is seen next", "sink", sink, "alerts", open)
	}
}

// sayLeft says which sinks hold alerts open that nobody will tell them the end
// of.
func (e *Engine) sayLeft(all []string) {
	for _, name := range all {
		if n := e.countOpen(name); n > 0 && !slices.Contains(e.Sinks, name) {
			e.Log.Warn("a sink that is no longer configured holds alerts open; if it has another name now: dswatch sinks rename OLD NEW", "sink", name, "alerts", n)
		}
	}
}

// maxRounds bounds how often all sinks are read again because one knew more
// than was stored: a few times each, after a power loss.
const maxRounds = 100

// repair puts what the sink misses.
func (e *Engine) repair(name string, slots map[string]rules.Standings) error {
	for _, it := range e.items {
		order := [3]string{rules.Loss, rules.Unseen, rules.FlapRule}
		if it.status.Slot(rules.FlapRule).Transition == event.Cleared { // before what is told because the item has settled
			order = [3]string{rules.FlapRule, rules.Loss, rules.Unseen}
		}
		for _, rule := range order {
			if it.status.Slot(rule).ID == "" {
				continue
			}
			snap := it.snapshot()
			e.relate(it, event.Event{}, &snap)
			for _, a := range e.Set.Owed(&it.status, snap, rule, name, slots[event.Alert{Key: it.status.Key, Rule: rule}.Slot()]) {
				if err := e.put(a, name); err != nil {
					return err
				}
			}
		}
	}
	for _, d := range e.digests() {
		for _, a := range e.Set.OwedDigest(d.Digest, e.spokenFor(d), name, slots[event.Alert{Key: d.Key, Rule: event.RuleStorm}.Slot()]) {
			if err := e.put(a, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// knownBy collects what one sink knows, by slot. Used is what numbers
// returned.
func (e *Engine) knownBy(ctx context.Context, sink string, used map[string]int) (map[string]rules.Standings, error) {
	slots := map[string]rules.Standings{}
	err := e.recall(ctx, sink, func(slot, id string, t rules.Standing) {
		if slots[slot] == nil {
			slots[slot] = rules.Standings{}
		}
		if t.Seq > slots[slot][id].Seq { // the later of two transitions
			t.Used = used[id]
			slots[slot][id] = t
		}
	})
	return slots, err
}

// numbers returns Standing.Used by alert; 1 is left out.
func (e *Engine) numbers(ctx context.Context, sinks []string) (map[string]int, error) {
	used := map[string]int{}
	for _, name := range sinks {
		err := e.recall(ctx, name, func(_, id string, t rules.Standing) {
			if !t.Firing {
				t.Seq--
			}
			if t.Seq > max(used[id], 1) {
				used[id] = t.Seq
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return used, nil
}

// waiting is a delivery that lies in an outbox.
type waiting struct {
	slot     string
	standing rules.Standing
	event.Queued
}

// recall calls each with the transitions that wait for a sink and those it
// was told last. The outbox is read first: a delivery that leaves it meanwhile
// has its receipt before it leaves. One that lies there although it was told
// does not wait: it shares its message with others that do, and its alert may
// long be over. What went to the dead letters has been handled, but left the far
// end as it was.
func (e *Engine) recall(ctx context.Context, sink string, each func(slot, id string, t rules.Standing)) error {
	var lies []waiting
	settled := map[string]event.Receipt{} // by slot of what lies there
	err := e.Outbox.Pending(ctx, sink, func(data []byte, position uint64) {
		if a, err := event.DecodeAlert(data); err == nil {
			firing := a.Transition.Firing()
			lies = append(lies, waiting{a.Slot(), rules.Standing{Turn: a.Turn, Seq: a.Seq, At: a.At, Firing: firing, Open: firing, Waits: true}, a.Queued(position)})
			settled[a.Slot()] = event.Receipt{}
		}
	})
	if err != nil {
		return fmt.Errorf("read what waits for sink %s: %w", sink, err)
	}
	err = e.Receipts.Load(ctx, sink, func(r event.Receipt) {
		if _, ok := settled[r.Slot]; ok {
			settled[r.Slot] = r
		}
		firing := r.Transition.Firing()
		each(r.Slot, r.AlertID, rules.Standing{Turn: r.Turn, Seq: r.Seq, At: r.At, Firing: firing, Open: firing && !r.Dead || r.Dead && r.Reached})
	})
	if err != nil {
		return fmt.Errorf("load receipts of sink %s: %w", sink, err)
	}
	for _, q := range lies {
		if r := settled[q.slot]; r.AlertID == "" || !r.Covers(q.Queued) {
			each(q.slot, q.AlertID, q.standing)
		}
	}
	return nil
}
