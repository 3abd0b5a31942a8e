package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"dswatch/rules"
)

// Duties are all that the engine owes after a step, in the order in which it is
// done. A step changes memory only. If one of them fails, memory is
// worth nothing any more: what is stored is the truth, and Run reads it anew.
type Duties struct {
	Rounds  []Round   // one after another
	Ack     []Message // 7. events that need not come again
	Answers []answer  // 8. to people who asked for something
	Wake    time.Time // 9. when the next step is due at the latest
}

// Round is what is stored and sent together. What 1 to 4 store must be
// durable before 5 sends, and the journal has it by then: a kill between any two
// operations is repaired from what is stored. At most one transition of an item stands in one round, else
// the last could hide the others when the sinks are compared with it.
type Round struct {
	Transits []write         // 1. before the facts that brought them about
	Facts    []learned       // 2. before what was decided by them
	Digests  []write         // 3. before the statuses that name them
	Statuses []write         // 4.
	Send     []Outgoing      // 5. to the sinks
	Silences []rules.Silence // 6. that were changed by what was decided
}

// write is a record whose revision is not known before the rounds before have
// been stored.
type write struct {
	key      string
	value    []byte
	revision *uint64 // of the record as it is stored
	told     bool    // sinks were told of it: the journal has it, too
}

// answer is what somebody is told who asked for something.
type answer struct {
	to  chan<- error
	err error // why it was refused; nil: it was done
}

// empty reports whether there is nothing to do.
func (r *Round) empty() bool {
	return len(r.Transits)+len(r.Facts)+len(r.Digests)+len(r.Statuses)+len(r.Send)+len(r.Silences) == 0
}

// closeRound puts what the step owes so far into a round of its own, because
// what comes next may not stand in the same one.
func (e *Engine) closeRound() {
	e.round.Digests = e.changedDigests(e.round.Digests)
	for _, it := range e.dirty {
		value, err := it.status.Encode()
		if err != nil {
			e.broken = err
		}
		e.round.Statuses = append(e.round.Statuses, write{it.status.Key.Hash(), value, &it.revision, it.status.Told()})
		it.dirty, it.inRound = false, false
	}
	e.dirty = e.dirty[:0]
	e.endSilences()
	if !e.round.empty() {
		e.owed.Rounds = append(e.owed.Rounds, e.round)
		e.round = Round{}
	}
}

// duties returns what the step owes. The next step begins.
func (e *Engine) duties() Duties {
	e.closeRound()
	d := e.owed
	d.Wake = e.wake()
	e.owed = Duties{}
	return d
}

// do does what is owed, in the written order.
func (e *Engine) do(ctx context.Context, d Duties) error {
	err := e.broken
	for i := range d.Rounds {
		if err == nil {
			err = e.doRound(ctx, &d.Rounds[i])
		}
	}
	for _, one := range d.Ack {
		if err == nil {
			if err = one.Ack(); err != nil {
				err = fmt.Errorf("acknowledge event at %d: %w", one.Position, err)
			}
		}
	}
	for _, a := range d.Answers {
		a.to <- cmp.Or(a.err, err)
	}
	return err
}

func (e *Engine) doRound(ctx context.Context, r *Round) error {
	if err := e.save(ctx, e.Facts, "transitions of hosts", r.Transits); err != nil {
		return err
	}
	if err := e.saveFacts(ctx, r.Facts); err != nil {
		return err
	}
	if err := e.save(ctx, e.Statuses, "digests", r.Digests); err != nil {
		return err
	}
	if err := e.save(ctx, e.Statuses, "statuses", r.Statuses); err != nil {
		return err
	}
	e.journal(r)
	if len(r.Send) > 0 {
		if err := e.Outbox.Put(ctx, r.Send); err != nil {
			return fmt.Errorf("put %d alerts into the outbox: %w", len(r.Send), err)
		}
	}
	for _, s := range r.Silences {
		if err := e.Silences.Save(ctx, s); err != nil {
			return fmt.Errorf("store silence %s: %w", s.ID, err)
		}
	}
	return nil
}

// save stores records and notes their revisions.
func (e *Engine) save(ctx context.Context, to Store, what string, all []write) error {
	if len(all) == 0 {
		return nil
	}
	records := make([]Record, len(all))
	for i, w := range all {
		records[i] = Record{Key: w.key, Value: w.value, Revision: *w.revision}
	}
	revisions, err := to.Save(ctx, records)
	if err != nil {
		return fmt.Errorf("store %d %s: %w", len(records), what, err)
	}
	for i, w := range all {
		*w.revision = revisions[i]
	}
	return nil
}
