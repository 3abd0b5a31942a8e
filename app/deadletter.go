package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/web"
)

// Selection chooses dead letters.
type Selection = web.Selection

// Letter is one delivery that was given up.
type Letter = web.Letter

// letter is one dead letter as it lies in its stream.
type letter struct {
	sinks.Letter
	position uint64
	alert    event.Alert // of a letter with a DeliveryID
}

func (l letter) id() string { return strconv.FormatUint(l.position, 10) }

// letters reads what is selected, in the order in which it was given up.
func (a *App) letters(ctx context.Context, s Selection, selects func(letter) bool) ([]letter, error) {
	filter := "dswatch.dead.>"
	if s.Sink != "" {
		if !slices.Contains(a.sinkNames(), s.Sink) {
			return nil, a.noSuchSink(s.Sink)
		}
		filter = "dswatch.dead." + s.Sink
	}
	var out []letter
	err := a.bus.Scan(ctx, bus.Dead, filter, func(m bus.Stored) error {
		l := letter{position: m.Sequence}
		if err := json.Unmarshal(m.Data, &l.Letter); err != nil {
			l.Letter = sinks.Letter{Sink: m.Subject[len("dswatch.dead."):], Reason: "this dead letter cannot be read", At: m.Time}
		}
		if l.DeliveryID != "" {
			var err error
			if l.alert, err = event.DecodeAlert(l.Data); err != nil {
				l.DeliveryID = ""
			}
		}
		if selects(l) {
			out = append(out, l)
		}
		return nil
	})
	return out, err
}

// chosen is what s says of one letter.
func chosen(s Selection, now time.Time) func(letter) bool {
	return func(l letter) bool {
		return (len(s.IDs) == 0 || slices.Contains(s.IDs, l.id())) && (s.Sink == "" || s.Sink == l.Sink) && now.Sub(l.At) >= s.OlderThan
	}
}

// choose is letters for what is to be changed: it must say which.
func (a *App) choose(ctx context.Context, s Selection) ([]letter, error) {
	if len(s.IDs) == 0 && s.Sink == "" && s.OlderThan == 0 && !s.All {
		return nil, errors.New("nothing is selected; give ids, a sink, an age, or --all")
	}
	found, err := a.letters(ctx, s, chosen(s, time.Now()))
	for _, id := range s.IDs {
		if err == nil && !slices.ContainsFunc(found, func(l letter) bool { return l.id() == id }) {
			err = fmt.Errorf("no dead letter %q fits the selection; dswatch deadletter list shows them", sinks.Line(id, 40))
		}
	}
	return found, err
}

// maxListed bounds a list of dead letters, each of which can be shown in full.
const maxListed = 10_000

// Letters lists dead letters, the oldest first.
func (a *App) Letters(ctx context.Context, s Selection) ([]web.Letter, error) {
	found, err := a.letters(ctx, s, chosen(s, time.Now()))
	if err != nil {
		return nil, err
	}
	out := make([]web.Letter, 0, len(found))
	for _, l := range found[:min(len(found), maxListed)] {
		out = append(out, l.shown())
	}
	return out, nil
}

// Letter shows one dead letter with its alert.
func (a *App) Letter(ctx context.Context, id string) (web.Letter, error) {
	found, err := a.choose(ctx, Selection{IDs: []string{id}})
	if err != nil {
		return web.Letter{}, err
	}
	out := found[0].shown()
	if out.DeliveryID != "" {
		out.Alert, err = json.Marshal(sinks.Tidy(found[0].alert))
	}
	return out, err
}

func (l letter) shown() web.Letter {
	w := web.Letter{
		ID: l.id(), Sink: l.Sink, DeliveryID: l.DeliveryID, Reason: l.Reason, Class: string(l.Class),
		Attempts: l.Attempts, First: l.First, At: l.At,
	}
	if l.DeliveryID != "" {
		a := sinks.Tidy(l.alert)
		w.AlertID, w.Transition, w.Key, w.Title = a.ID, a.Transition, a.Key, a.Title
	}
	return w
}

// Drop removes dead letters for good.
func (a *App) Drop(ctx context.Context, s Selection) (int, error) {
	found, err := a.choose(ctx, s)
	if err != nil {
		return 0, err
	}
	for i, l := range found {
		if err := a.bus.Drop(ctx, bus.Dead, l.position); err != nil {
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
func (a *App) Replay(ctx context.Context, s Selection) (web.Replayed, error) {
	out := web.Replayed{Kept: []web.NotSent{}}
	selected, err := a.choose(ctx, s)
	if err != nil {
		return out, err
	}
	type firing struct{ sink, alert string }
	wanted := map[firing]bool{}
	for _, l := range selected {
		if l.DeliveryID == "" {
			out.Kept = append(out.Kept, web.NotSent{ID: l.id(), Why: "it holds no alert; drop it"})
			continue
		}
		wanted[firing{l.Sink, l.alert.ID}] = true
	}
	whole, err := a.letters(ctx, Selection{Sink: s.Sink}, func(l letter) bool { return l.DeliveryID != "" && wanted[firing{l.Sink, l.alert.ID}] })
	if err != nil {
		return out, err
	}
	open, err := a.openAlerts(ctx)
	if err != nil {
		return out, err
	}
	paired := map[firing]bool{}
	for _, l := range whole {
		if l.alert.Transition == event.Cleared {
			paired[firing{l.Sink, l.alert.ID}] = true
		}
	}
	var msgs []bus.Message
	var sent []letter
	for _, l := range whole {
		why := ""
		switch {
		case !slices.Contains(a.sinkNames(), l.Sink):
			why = "there is no sink " + l.Sink + " any more; drop it"
		case !open[l.alert.ID] && !paired[firing{l.Sink, l.alert.ID}]:
			why = "the alert is over and its all-clear is not here, so nothing would end it at the far end; drop it"
		case a.outdated(l):
			why = sinks.ErrOutdated.Error()
		}
		if why != "" {
			out.Kept = append(out.Kept, web.NotSent{ID: l.id(), Why: why})
			continue
		}
		again := l.alert
		again.Replay = true
		data, err := again.Encode()
		if err != nil {
			return out, err
		}
		// Another id than that of the first time, which the stream may still
		// remember; the same when this replay is repeated after a crash.
		msgs = append(msgs, bus.Message{Subject: outboxSubject(l.Sink), ID: l.Sink + "." + l.DeliveryID + ".replay." + l.id(), Data: data})
		sent = append(sent, l)
	}
	if err := a.bus.Publish(ctx, msgs...); err != nil {
		return out, err
	}
	for _, l := range sent {
		if err := a.bus.Drop(ctx, bus.Dead, l.position); err != nil {
			return out, err
		}
		out.Replayed++
	}
	a.Log.Info("dead letters were replayed on request", "letters", out.Replayed, "kept", len(out.Kept))
	return out, nil
}

// outdated reports whether the far end would mistake the alert of l for one
// that came after it.
func (a *App) outdated(l letter) bool {
	i := slices.IndexFunc(a.workers, func(w *worker) bool { return w.name == l.Sink })
	return i >= 0 && sinks.ByItem(a.workers[i].sink) && a.workers[i].ledger.told(l.alert.Slot()).Outdates(l.alert)
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

// RunningLetters asks the running process for its dead letters.
func (l *Loaded) RunningLetters(ctx context.Context, s Selection) (out []Letter, err error) {
	err = l.ask(ctx, http.MethodPost, "/api/v1/deadletters", s, &out)
	return out, err
}

// RunningLetter asks the running process for one dead letter.
func (l *Loaded) RunningLetter(ctx context.Context, id string) (out Letter, err error) {
	err = l.ask(ctx, http.MethodGet, "/api/v1/deadletters/"+url.PathEscape(id), nil, &out)
	return out, err
}

// ReplayLetters asks the running process to send dead letters again.
func (l *Loaded) ReplayLetters(ctx context.Context, s Selection) (out web.Replayed, err error) {
	err = l.ask(ctx, http.MethodPost, "/api/v1/deadletters/replay", s, &out)
	return out, err
}

// DropLetters asks the running process to forget dead letters.
func (l *Loaded) DropLetters(ctx context.Context, s Selection) (int, error) {
	var out struct {
		Dropped int `json:"dropped"`
	}
	err := l.ask(ctx, http.MethodPost, "/api/v1/deadletters/drop", s, &out)
	return out.Dropped, err
}
