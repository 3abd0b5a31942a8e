package sinks

import (
	"context"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Spoken returns s told in one voice: what an alert says in its language, and
// every time in its zone.
func Spoken(s Sink, v words.Voice) Sink { return spoken{wrapped{s}, v} }

type spoken struct {
	wrapped
	voice words.Voice
}

func (s spoken) Send(ctx context.Context, a event.Alert) error {
	return s.Sink.Send(ctx, Speak(a, s.voice))
}

// Speak returns a in a voice, for its reader. Of its statements those stay
// that the reader is told beside a text.
func Speak(a event.Alert, v words.Voice) event.Alert {
	v.Screen = true // one form of time in a whole message
	v.Tell(&a)
	a.TitleStatements, a.TextStatements, a.ShortStatements, a.NextStatements = event.Said{}, event.Said{}, event.Said{}, event.Said{}
	return At(a, v.Location())
}

// At returns a with every time in a zone.
func At(a event.Alert, zone *time.Location) event.Alert {
	in := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.In(zone)
	}
	a.StartedAt, a.At, a.EndedAt = in(a.StartedAt), in(a.At), in(a.EndedAt)
	for _, ack := range []**event.Ack{&a.Ack, &a.Withdrawn} {
		if *ack != nil {
			of := **ack
			of.At = in(of.At)
			*ack = &of
		}
	}
	if len(a.Affected) > 0 {
		a.Affected = append([]event.Affected{}, a.Affected...)
		for i := range a.Affected {
			a.Affected[i].Since = in(a.Affected[i].Since)
		}
	}
	return a
}
