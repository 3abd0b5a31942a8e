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
			after, end, left := e.Set.Leave(e.now(), it.status, e.sight(it), rule, sink)
			if !left {
				continue
			}
			if end != nil {
				e.roomFor(it)
				if err := e.put(*end, sink); err != nil {
					return err
				}
				it.inRound = true
			}
			it.status = after
			e.touch(it)
		}
	}
	e.closeRound()
	for _, d := range e.digests() {
		end, left := e.Set.LeaveDigest(e.now(), d.Digest, e.spokenFor(d), sink)
		d.dirty = d.dirty || left
		if end != nil {
			if err := e.put(*end, sink); err != nil {
				return err
			}
		}
		if d.For == sink {
			e.closeFor(e.now(), d)
		}
	}
	e.closeRound()
	return nil
}
