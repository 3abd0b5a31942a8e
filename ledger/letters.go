package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

const deadPrefix = "dswatch.dead."

// Dead keeps dead letters. It implements sinks.Dead.
type Dead struct{ bus *bus.Bus }

// Bury implements sinks.Dead.
func (g Dead) Bury(ctx context.Context, l sinks.Letter) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode dead letter: %w", err)
	}
	// Once for each place in the outbox: a replay that is refused again is
	// another letter.
	id := fmt.Sprintf("dead.%s.%s.%d", l.Sink, l.DeliveryID, l.Position)
	return g.bus.Publish(ctx, bus.Message{Subject: deadPrefix + l.Sink, ID: id, Data: data})
}

// Letter is one dead letter as it lies in its stream.
type Letter struct {
	sinks.Letter
	Alert event.Alert // of a letter with a DeliveryID; without one it holds no alert

	position uint64
}

// ID is what people call it by.
func (l Letter) ID() string { return strconv.FormatUint(l.position, 10) }

// Letters reads what is selected of one sink, or of all for an empty name, in
// the order in which it was given up.
func (l *Ledger) Letters(ctx context.Context, sink string, selects func(Letter) bool) ([]Letter, error) {
	filter := deadPrefix + ">"
	if sink != "" {
		filter = deadPrefix + sink
	}
	var out []Letter
	err := l.bus.Scan(ctx, bus.Dead, filter, func(m bus.Stored) error {
		one := Letter{position: m.Sequence}
		if err := json.Unmarshal(m.Data, &one.Letter); err != nil {
			one.Letter = sinks.Letter{Sink: m.Subject[len(deadPrefix):], Reason: words.English(words.LetterUnreadable.With()), ReasonStatements: words.LetterUnreadable.With(), At: m.Time}
		}
		if one.DeliveryID != "" {
			var err error
			if one.Alert, err = event.DecodeAlert(one.Data); err != nil {
				one.DeliveryID = ""
			}
		}
		if selects(one) {
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// Drop removes a dead letter for good.
func (l *Ledger) Drop(ctx context.Context, one Letter) error {
	return l.bus.Drop(ctx, bus.Dead, one.position)
}

// CountLetters returns how many dead letters each sink has.
func (l *Ledger) CountLetters(ctx context.Context) (map[string]uint64, error) {
	by, err := l.bus.Subjects(ctx, bus.Dead)
	out := make(map[string]uint64, len(by))
	for subject, n := range by {
		out[subject[len(deadPrefix):]] = n
	}
	return out, err
}
