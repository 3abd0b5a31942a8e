package app

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/ledger"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/words"
)

// letters reads what is selected, in the order in which it was given up.
func (a *App) letters(ctx context.Context, s web.Selection, selects func(ledger.Letter) bool) ([]ledger.Letter, error) {
	if s.Sink != "" && !slices.Contains(a.sinkNames(), s.Sink) {
		return nil, a.noSuchSink(s.Sink)
	}
	return a.ledger.Letters(ctx, s.Sink, selects)
}

// chosen is what s says of one letter.
func chosen(s web.Selection, now time.Time) func(ledger.Letter) bool {
	return func(l ledger.Letter) bool {
		return (len(s.IDs) == 0 || slices.Contains(s.IDs, l.ID())) && (s.Sink == "" || s.Sink == l.Sink) && now.Sub(l.At) >= s.OlderThan
	}
}

// choose is letters for what is to be changed: it must say which.
func (a *App) choose(ctx context.Context, s web.Selection) ([]ledger.Letter, error) {
	if len(s.IDs) == 0 && s.Sink == "" && s.OlderThan == 0 && !s.All {
		return nil, words.Fail(words.NothingSelected.With())
	}
	found, err := a.letters(ctx, s, chosen(s, time.Now()))
	for _, id := range s.IDs {
		if err == nil && !slices.ContainsFunc(found, func(l ledger.Letter) bool { return l.ID() == id }) {
			err = words.Fail(words.NoDeadLetter.With(words.Inner(sinks.Line(id, 40))))
		}
	}
	return found, err
}

// maxListed bounds a list of dead letters, each of which can be shown in full.
const maxListed = 10_000

// Letters lists dead letters, the oldest first.
func (a *App) Letters(ctx context.Context, s web.Selection) ([]web.Letter, error) {
	found, err := a.letters(ctx, s, chosen(s, time.Now()))
	if err != nil {
		return nil, err
	}
	out := make([]web.Letter, 0, len(found))
	for _, l := range found[:min(len(found), maxListed)] {
		out = append(out, letterShown(l))
	}
	return out, nil
}

// Letter shows one dead letter with its alert.
func (a *App) Letter(ctx context.Context, id string) (web.Letter, error) {
	found, err := a.choose(ctx, web.Selection{IDs: []string{id}})
	if err != nil {
		return web.Letter{}, err
	}
	out := letterShown(found[0])
	if out.DeliveryID != "" {
		out.Alert, err = json.Marshal(sinks.Tidy(found[0].Alert))
	}
	return out, err
}

func letterShown(l ledger.Letter) web.Letter {
	w := web.Letter{
		ID: l.ID(), Sink: l.Sink, DeliveryID: l.DeliveryID, Reason: l.Reason, ReasonStatements: words.Spell(l.ReasonStatements), Class: string(l.Class),
		Attempts: l.Attempts, First: l.First, At: l.At,
	}
	if l.DeliveryID != "" {
		a := sinks.Tidy(l.Alert)
		w.AlertID, w.Transition, w.Key, w.Title = a.ID, a.Transition, a.Key, a.Title
	}
	return w
}

// Drop removes dead letters for good.
func (a *App) Drop(ctx context.Context, s web.Selection) (int, error) {
	found, err := a.choose(ctx, s)
	if err != nil {
		return 0, err
	}
	for i, l := range found {
		if err := a.ledger.Drop(ctx, l); err != nil {
			return i, err
		}
	}
	a.Log.Info("dead letters were dropped on request", "letters", len(found))
	return len(found), nil
}

// Replay puts dead letters back into the outbox. What belongs to one alert of
// one sink goes together and in order, also when only a part was selected: a
// raise alone would stay open at the far end, an all-clear alone would end
// what never began.
func (a *App) Replay(ctx context.Context, s web.Selection) (web.Replayed, error) {
	out := web.Replayed{Kept: []web.NotSent{}}
	selected, err := a.choose(ctx, s)
	if err != nil {
		return out, err
	}
	type firing struct{ sink, alert string }
	wanted := map[firing]bool{}
	for _, l := range selected {
		if l.DeliveryID == "" {
			out.Kept = append(out.Kept, notSent(l, words.NoAlert.With()))
			continue
		}
		wanted[firing{l.Sink, l.Alert.ID}] = true
	}
	whole, err := a.letters(ctx, web.Selection{Sink: s.Sink}, func(l ledger.Letter) bool { return l.DeliveryID != "" && wanted[firing{l.Sink, l.Alert.ID}] })
	if err != nil {
		return out, err
	}
	open, err := a.openAlerts(ctx)
	if err != nil {
		return out, err
	}
	paired := map[firing]bool{}
	for _, l := range whole {
		if l.Alert.Transition == event.Cleared {
			paired[firing{l.Sink, l.Alert.ID}] = true
		}
	}
	ending, err := a.ending(ctx, whole)
	if err != nil {
		return out, err
	}
	var again []ledger.Repeat
	var sent []ledger.Letter
	for _, l := range whole {
		var why event.Said
		switch {
		case !slices.Contains(a.sinkNames(), l.Sink):
			why = words.NoSink.With(l.Sink)
		case !open[l.Alert.ID] && !paired[firing{l.Sink, l.Alert.ID}]:
			why = words.NothingEnds.With()
		case a.outdated(l, ending[l.Sink]):
			why = words.Of(sinks.ErrOutdated)
		}
		if !why.Empty() {
			out.Kept = append(out.Kept, notSent(l, why))
			continue
		}
		// The same mark when this replay is repeated after a crash.
		again = append(again, ledger.Repeat{Sink: l.Sink, Alert: l.Alert, Mark: "replay." + l.ID()})
		sent = append(sent, l)
	}
	if err := a.ledger.Outbox().Again(ctx, again); err != nil {
		return out, err
	}
	for _, l := range sent {
		if err := a.ledger.Drop(ctx, l); err != nil {
			return out, err
		}
		out.Replayed++
	}
	a.Log.Info("dead letters were replayed on request", "letters", out.Replayed, "kept", len(out.Kept))
	return out, nil
}

// Spoken returns a dead letter's alert in the voice of its reader, without what
// the texts say as data.
func Spoken(a event.Alert, v words.Voice) event.Alert {
	a = sinks.Speak(a, v)
	a.ReasonStatements, a.DetailStatements = event.Said{}, event.Said{}
	return a
}

func notSent(l ledger.Letter, why event.Said) web.NotSent {
	return web.NotSent{ID: l.ID(), Why: words.English(why), WhyStatements: words.Spell(why)}
}

// ending are, for each sink of ls that tells alerts apart by their item, the
// ids of those whose all-clear is in its outbox. It is there until its receipt
// is stored, so who reads the receipts afterwards misses no end: the far end
// has it, or gets it before what is put into the outbox now.
func (a *App) ending(ctx context.Context, ls []ledger.Letter) (map[string]map[string]bool, error) {
	all := map[string]map[string]bool{}
	for _, l := range ls {
		if all[l.Sink] != nil || !a.byItem(l.Sink) {
			continue
		}
		ids := map[string]bool{}
		all[l.Sink] = ids
		err := a.ledger.Outbox().Pending(ctx, l.Sink, func(data []byte, _ uint64) {
			if one, err := event.DecodeAlert(data); err == nil && one.Transition == event.Cleared {
				ids[one.ID] = true
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// outdated reports whether the far end would mistake the alert of l for one
// that came after it and does not end before.
func (a *App) outdated(l ledger.Letter, ending map[string]bool) bool {
	if !a.byItem(l.Sink) {
		return false
	}
	r := a.worker(l.Sink).place.Book.Told(l.Alert.Slot())
	return r.Outdates(l.Alert) && !ending[r.AlertID]
}

// byItem reports whether there is such a sink and it tells alerts apart by
// their item alone.
func (a *App) byItem(sink string) bool {
	w := a.worker(sink)
	return w != nil && sinks.ByItem(w.sink)
}

// worker is the one of a sink, or nil.
func (a *App) worker(sink string) *worker {
	i := slices.IndexFunc(a.workers(), func(w *worker) bool { return w.name == sink })
	if i < 0 {
		return nil
	}
	return a.workers()[i]
}

// openAlerts are the ids of the alerts that are open.
func (a *App) openAlerts(ctx context.Context) (map[string]bool, error) {
	list, err := a.Alerts(ctx)
	open := map[string]bool{}
	for _, one := range list {
		if one.ID != "" {
			open[one.ID] = true
		}
	}
	return open, err
}
