package app

import (
	"context"
	"crypto/rand"
	"slices"

	"dswatch/event"
	"dswatch/ledger"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/words"
)

func (a *App) noSuchSink(name string) error {
	return words.Fail(words.NoSinkConfigured.With(words.Inner(sinks.Line(name, 40)), a.sinkNames()))
}

// Resync tells one sink again of every open alert that it was told of, for a
// far end that has lost its memory. What waits in the outbox comes anyway. An
// all-clear that is decided meanwhile has a later number than what is told
// again, and the worker lets nothing pass that the far end is past.
func (a *App) Resync(ctx context.Context, sink string) (web.Resynced, error) {
	out := web.Resynced{Sink: sink}
	e, err := a.decider()
	switch {
	case err != nil:
		return out, err
	case !slices.Contains(a.sinkNames(), sink):
		return out, a.noSuchSink(sink)
	}
	type number struct {
		alert string
		seq   int
	}
	waiting := map[number]bool{}
	err = a.ledger.Outbox().Pending(ctx, sink, func(data []byte, _ uint64) {
		if one, err := event.DecodeAlert(data); err == nil {
			waiting[number{one.ID, one.Seq}] = true
		}
	})
	if err != nil {
		return out, err
	}
	nonce := rand.Text()
	var again []ledger.Repeat
	for _, steps := range e.Open(sink) {
		if waiting[number{steps[0].ID, steps[0].Seq}] {
			out.Waiting++
			continue
		}
		out.Alerts++
		for _, one := range steps {
			again = append(again, ledger.Repeat{Sink: sink, Alert: one, Mark: "resync." + nonce})
		}
	}
	if err := a.ledger.Outbox().Again(ctx, again); err != nil {
		return out, err
	}
	a.Log.Info("open alerts are told again on request", "sink", sink, "alerts", out.Alerts, "waiting", out.Waiting)
	return out, nil
}
