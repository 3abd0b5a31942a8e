package engine

import (
	"context"

	"dswatch/rules"
)

// Leave ends what is open at a sink that is told no more: what it owes to the
// resolve contract is put into its outbox, and no status names it any more. It
// returns once that is stored.
func (e *Engine) Leave(ctx context.Context, sink string) error {
	return e.ask(ctx, func(context.Context) error { return e.leave(sink) })
}

func (e *Engine) leave(sink string) error {
	for _, it := range e.items {
		for _, rule := range rules.RuleNames() {
			after, a := e.Set.Leave(e.now(), it.status, e.sight(it), rule, sink)
			if a == nil {
				continue
			}
			e.roomFor(it)
			it.status = after
			if err := e.put(*a, sink); err != nil {
				return err
			}
			it.inRound = true
			e.touch(it)
		}
	}
	for _, d := range e.digests() {
		if a := e.Set.LeaveDigest(e.now(), d.Digest, e.spokenFor(d), sink); a != nil {
			d.dirty = true
			if err := e.put(*a, sink); err != nil {
				return err
			}
		}
	}
	e.closeRound()
	return nil
}
