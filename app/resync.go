package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/web"
)

func (a *App) noSuchSink(name string) error {
	return fmt.Errorf("there is no sink %q; the configuration has %s", sinks.Line(name, 40), strings.Join(a.sinkNames(), ", "))
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
	waiting := map[string]bool{}
	err = a.outbox().Pending(ctx, sink, func(data []byte) {
		if one, err := event.DecodeAlert(data); err == nil {
			waiting[one.DeliveryID()] = true
		}
	})
	if err != nil {
		return out, err
	}
	nonce := rand.Text()
	var msgs []bus.Message
	for _, one := range e.Open(sink) {
		if waiting[one.DeliveryID()] {
			out.Waiting++
			continue
		}
		one.Replay = true
		data, err := one.Encode()
		if err != nil {
			return out, err
		}
		msgs = append(msgs, bus.Message{Subject: outboxSubject(sink), ID: sink + "." + one.DeliveryID() + ".resync." + nonce, Data: data})
	}
	if err := a.bus.Publish(ctx, msgs...); err != nil {
		return out, err
	}
	out.Alerts = len(msgs)
	a.Log.Info("open alerts are told again on request", "sink", sink, "alerts", out.Alerts, "waiting", out.Waiting)
	return out, nil
}

// Resync asks the running process to tell a sink of every open alert again.
func (l *Loaded) Resync(ctx context.Context, sink string) (out web.Resynced, err error) {
	err = l.ask(ctx, http.MethodPost, "/api/v1/sinks/"+url.PathEscape(sink)+"/resync", struct{}{}, &out)
	return out, err
}
