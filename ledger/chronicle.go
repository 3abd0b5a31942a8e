package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/history"
)

// Chronicle keeps what happened in a stream of its own, in batches, and by
// months, so that a report need not read all of it. Unlike all else here, it may be
// missing: the server may not let it be made.
type Chronicle struct{ bus *bus.Bus }

// Chronicle is where history is kept.
func (l *Ledger) Chronicle() Chronicle { return Chronicle{l.bus} }

const historySubject = "dswatch.history."

// Batch is what is stored together, of entries that were noted at about that time.
type Batch struct {
	At   time.Time
	ID   string // the same one is stored once, where it is tried again soon
	Data []byte // history.Encode
}

// Append stores batches in their order.
func (c Chronicle) Append(ctx context.Context, all []Batch) error {
	msgs := make([]bus.Message, len(all))
	for i, b := range all {
		msgs[i] = bus.Message{Subject: historySubject + history.Month(b.At), ID: b.ID, Data: b.Data}
	}
	return c.bus.Publish(ctx, msgs...)
}

// Mend tries again to have a place for history, after an error that is
// bus.ErrNoHistory.
func (c Chronicle) Mend(ctx context.Context) error { return c.bus.MakeHistory(ctx) }

// Kept is one batch as it is kept.
type Kept struct {
	Position uint64 // in the stream, ascending
	At       time.Time
	Batch    []byte
}

// Months are those of which something is kept, ascending.
func (c Chronicle) Months(ctx context.Context) (all []string, err error) {
	subjects, err := c.bus.Subjects(ctx, bus.History)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	for s := range subjects {
		all = append(all, s[len(historySubject):])
	}
	slices.Sort(all)
	return all, nil
}

// Read calls each with the batches of the months, in the order in which they were
// stored.
func (c Chronicle) Read(ctx context.Context, months []string, each func(Kept) error) error {
	have, err := c.Months(ctx)
	if err != nil {
		return err
	}
	var all []Kept
	for _, m := range have {
		if !slices.Contains(months, m) {
			continue
		}
		err := c.bus.Scan(ctx, bus.History, historySubject+m, func(s bus.Stored) error {
			all = append(all, Kept{s.Sequence, s.Time, s.Data})
			return nil
		})
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
	}
	slices.SortFunc(all, func(a, b Kept) int { return cmp.Compare(a.Position, b.Position) }) // a clock that went back has mixed the months
	for _, k := range all {
		if err := each(k); err != nil {
			return err
		}
	}
	return nil
}

// Last is when the sinks' outbox or the history took something last, which only a
// dswatch that decides puts there; zero: never.
func (c Chronicle) Last(ctx context.Context) (time.Time, error) {
	return c.bus.LastStored(ctx, bus.Outbox, bus.History)
}

// inHistory is the place of an export that has what happened: a batch for each
// record, as a list of entries, in order. Its key is MONTH.NUMBER.
const inHistory = "history"

// exportHistory returns all batches. A server that keeps none has none.
func (l *Ledger) exportHistory(ctx context.Context) (out []Exported, odd int, err error) {
	c := l.Chronicle()
	months, err := c.Months(ctx)
	if err != nil {
		return nil, 0, nil // there is no such stream
	}
	err = c.Read(ctx, months, func(k Kept) error {
		one := []history.Entry{}
		bad, _ := history.Decode(k.Batch, func(e *history.Entry) error { one = append(one, *e); return nil })
		odd += bad
		if len(one) == 0 {
			return nil
		}
		value, err := json.Marshal(one)
		out = append(out, Exported{inHistory, fmt.Sprintf("%s.%d", history.Month(one[0].At), k.Position), value})
		return err
	})
	return out, odd, err
}

func (l *Ledger) importHistory(ctx context.Context, e Exported) error {
	var all []history.Entry
	if err := json.Unmarshal(e.Value, &all); err != nil {
		return fmt.Errorf("record %s: %w", clip(e.Key), err)
	}
	month, _, _ := strings.Cut(e.Key, ".")
	for _, one := range all {
		if one.At.IsZero() || one.What == "" || history.Month(all[0].At) != month {
			return fmt.Errorf("record %s: it is no history of that month", clip(e.Key))
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("record %s: it is empty", clip(e.Key))
	}
	data, err := history.Encode(all)
	if err != nil {
		return err
	}
	return l.Chronicle().Append(ctx, []Batch{{At: all[0].At, Data: data}})
}
