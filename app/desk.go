package app

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/sinks"
	"dswatch/table"
	"dswatch/words"
)

// listens reports whether people at far ends may be listened to: those of a hub
// that others may serve, too, would reach one of them at random.
func (l *Loaded) listens() bool { return l.Config.Bus.URL == "" }

// listenAgain is the pause after listening to a far end has ended with an error.
const listenAgain = 30 * time.Second

// listen does what people at the far end of a sink ask for.
func (r *running) listen(ctx context.Context, l sinks.Listener, w *worker) {
	for {
		err := l.Listen(ctx, r.desk(w))
		if err == nil || ctx.Err() != nil {
			return
		}
		r.Log.Warn("what people at a far end ask for is not heard; it is tried again", "sink", w.name, "error", err, "wait", listenAgain)
		select {
		case <-ctx.Done():
			return
		case <-time.After(listenAgain):
		}
	}
}

// desk does what is asked for at the far end of a sink, and answers in its
// language.
func (a *App) desk(w *worker) sinks.Desk {
	return func(ctx context.Context, q sinks.Request) (sinks.Answer, error) {
		v := a.conf().voice(w.spec)
		said, err := a.serve(ctx, q, v)
		_, no := errors.AsType[*words.Failure](err)
		switch {
		case err == nil:
			return said, nil
		case errors.Is(err, engine.ErrNoAlert):
			return sinks.Answer{Text: v.Say(words.ChatOver.With())}, nil
		case errors.Is(err, errStarting) || !no:
			return sinks.Answer{}, err // it passes
		}
		return sinks.Answer{Text: v.Say(words.ChatNot.With(err))}, nil
	}
}

func (a *App) serve(ctx context.Context, q sinks.Request, v words.Voice) (sinks.Answer, error) {
	switch q.Action {
	case sinks.Acknowledge:
		return sinks.Answer{}, a.acknowledge(ctx, q.Alert, event.Ack{At: q.At, Author: q.Author}) // the sinks are told, and so is who pressed
	case sinks.SilenceHour:
		return a.silenceHour(ctx, q, v)
	case sinks.Why:
		all, err := a.Why(ctx, q.Alert, v.Language)
		if err != nil {
			return sinks.Answer{}, err
		}
		var b strings.Builder
		err = WriteWhy(&b, all, v, table.Form{})
		return sinks.Answer{Text: b.String()}, err
	}
	return sinks.Answer{}, words.Fail(words.Quoted.With(fmt.Errorf("%q is not known here", sinks.Line(string(q.Action), 40))))
}

// silenceHour silences for an hour what an open alert is about. Its id is made of
// the request's, so that it is there once.
func (a *App) silenceHour(ctx context.Context, q sinks.Request, v words.Voice) (sinks.Answer, error) {
	key, err := a.alertOn(q.Alert)
	if err != nil {
		return sinks.Answer{}, err
	}
	s := rules.Silence{
		ID: silenceID(q.ID), Match: rules.Exactly(key), Starts: q.At, Ends: q.At.Add(time.Hour), Author: q.Author, Comment: v.Say(words.ChatSilence.With()),
	}
	if err := a.keepSilence(ctx, s); err != nil && !errors.Is(err, bus.ErrConflict) {
		return sinks.Answer{}, err
	}
	return sinks.Answer{All: true, Text: v.Say(words.ChatSilenced.With(q.Author, key.String(), s.Ends, s.ID))}, nil
}

// alertOn is what the open alert with that id is about.
func (a *App) alertOn(id string) (event.Key, error) {
	if one, open := a.deafAlert(); open && one.ID == id {
		return one.Key, nil
	}
	e, err := a.decider()
	if err != nil {
		return event.Key{}, err
	}
	if _, ok := e.FindDigest(id); ok {
		return event.Key{}, words.Fail(words.ManyItems.With())
	}
	found := e.Find(func(s *rules.Status) (yes bool) {
		s.Slots(func(_ string, slot rules.Slot) { yes = yes || slot.Phase == rules.Firing && slot.ID == id })
		return yes
	})
	if len(found) == 0 {
		return event.Key{}, engine.ErrNoAlert
	}
	return found[0].Status.Key, nil
}

// silenceID makes the id of a silence of that of a request.
func silenceID(request string) string {
	sum := sha256.Sum256([]byte(request))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:10])
}
