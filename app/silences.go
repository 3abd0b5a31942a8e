package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/web"
	"dswatch/words"
)

// keepEnded is how long a silence that has ended stays in the list.
const keepEnded = 30 * 24 * time.Hour

// Silences lists what is silenced, was silenced, or will be, and the windows
// of the configuration: as they are open now, or open next.
func (a *App) Silences(ctx context.Context) ([]web.Silence, error) {
	all, odd, err := a.ledger.Silences().All(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]web.Silence, 0, len(all))
	for _, s := range all {
		out = append(out, shown(s))
	}
	for _, id := range odd {
		out = append(out, web.Silence{ID: id, State: "unreadable", Comment: "stored by another version; it silences nothing; expire it, or start that version", History: []web.Entry{}})
	}
	for _, w := range a.conf().Config.Windows {
		span, err := w.Span(a.conf().Config.Location())
		if err != nil {
			return nil, err
		}
		from, until, _ := span.Opening(time.Now())
		if !from.IsZero() {
			one := shown(rules.Silence{ID: rules.WindowPrefix + w.Name, Match: w.Match, Starts: from, Ends: until})
			one.Every, one.Lasts, one.TimeZone, one.Opens, one.Closes = w.Schedule, seconds(w.Duration), cmp.Or(w.TimeZone, a.conf().Config.Location().String()), from, until
			out = append(out, one)
		}
	}
	return out, nil
}

func shown(s rules.Silence) web.Silence {
	w := web.Silence{
		ID: s.ID, Starts: s.Starts, Ends: s.Ends, Forever: s.Forever, Waits: s.WaitsUntil(), Every: s.Every, Lasts: seconds(s.Lasts), TimeZone: s.TimeZone,
		Author: s.Author, Comment: s.Comment, State: "ended",
	}
	now := time.Now()
	w.Opens, w.Closes = s.Opening(now)
	switch {
	case s.Active(now):
		w.State = "active"
	case now.Before(s.Starts) || now.Before(w.Opens):
		w.State = "pending"
	}
	for _, m := range s.Match {
		w.Match = append(w.Match, m.String())
	}
	for _, h := range s.History {
		w.History = append(w.History, web.Entry{At: h.At, By: h.By, What: h.What, Statements: h.Said})
	}
	return w
}

// lasting reads how many seconds a silence lasts each time.
func lasting(n int) (time.Duration, error) {
	if year := 366 * 24 * 60 * 60; n < 0 || n > year {
		return 0, words.Fail(words.SilenceLength.With(n))
	}
	return time.Duration(n) * time.Second, nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// AddSilence checks and keeps a silence, and forgets those that ended long
// ago.
func (a *App) AddSilence(ctx context.Context, in web.Silence) (web.Silence, error) {
	now := time.Now().UTC()
	s, err := a.newSilence(now, in)
	if err != nil {
		return in, err
	}
	if err := a.putSilence(ctx, s, now); err != nil {
		return in, err
	}
	return a.concerning(s), a.forgetEnded(ctx, now)
}

// keepSilence checks and keeps a silence with a beginning and an end; ErrConflict
// says that it is there already.
func (a *App) keepSilence(ctx context.Context, s rules.Silence) error {
	now := time.Now().UTC()
	if err := s.Validate(); err != nil {
		return err
	}
	if s.Ended(now) {
		return words.Fail(words.SilenceOver.With(s.Ends.Format(time.RFC3339)))
	}
	if err := a.putSilence(ctx, s, now); err != nil {
		return err
	}
	return a.forgetEnded(ctx, now)
}

func (a *App) putSilence(ctx context.Context, s rules.Silence, now time.Time) error {
	s.Note(now, s.Author, words.SilenceAdded.With())
	return a.ledger.Silences().Put(ctx, s, bus.Absent)
}

// forgetEnded forgets the silences that ended long ago.
func (a *App) forgetEnded(ctx context.Context, now time.Time) error {
	store := a.ledger.Silences()
	all, _, err := store.All(ctx)
	for _, old := range all {
		if err == nil && !old.Ends.IsZero() && now.Sub(old.Ends) > keepEnded {
			err = store.Delete(ctx, old.ID)
		}
	}
	return err
}

// newSilence is the silence that somebody asks for.
func (a *App) newSilence(now time.Time, in web.Silence) (rules.Silence, error) {
	s := rules.Silence{ID: strings.ToLower(rand.Text()[:10]), Starts: in.Starts, Ends: in.Ends, Forever: in.Forever, Waits: in.Waits, Author: in.Author, Comment: in.Comment}
	var err error
	if s.Lasts, err = lasting(in.Lasts); err != nil {
		return s, err
	}
	s.Every, s.TimeZone = in.Every, in.TimeZone
	if s.Every != "" && s.TimeZone == "" {
		s.TimeZone = a.conf().Config.Location().String()
	}
	if s.Starts.IsZero() {
		s.Starts = now
	}
	if s.Match, err = parseMatchers(in.Match); err != nil {
		return s, err
	}
	s = s.Bounded()
	if err := s.Validate(); err != nil {
		return s, err
	}
	if s.Ended(now) {
		return s, words.Fail(words.SilenceOver.With(s.Ends.Format(time.RFC3339)))
	}
	s = s.Scheduled()
	if from, _ := s.Opening(now); s.Every != "" && from.IsZero() {
		return s, words.Fail(words.SilenceNotOnce.With(s.Ends.Format(time.RFC3339)))
	}
	if waits := s.WaitsUntil(); !waits.IsZero() && !waits.After(now) {
		return s, words.Fail(words.SilenceWaited.With(waits.Format(time.RFC3339)))
	}
	return s, nil
}

func parseMatchers(texts []string) (out rules.Matchers, err error) {
	for _, text := range texts {
		m, err := rules.ParseMatcher(text)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// concerning is shown with what the silence matches now, where that is known.
func (a *App) concerning(s rules.Silence) web.Silence {
	w := shown(s)
	if e, err := a.decider(); err == nil {
		items, lost := e.Matching(s.Match)
		w.Items, w.Lost = &items, &lost
	}
	return w
}

// EditSilence changes a silence that has not ended.
func (a *App) EditSilence(ctx context.Context, id string, in web.SilenceEdit) (web.Silence, error) {
	match, err := parseMatchers(in.Match)
	if err != nil {
		return web.Silence{}, err
	}
	if strings.TrimSpace(in.Author) == "" || len(in.Author) > rules.MaxComment {
		return web.Silence{}, words.Fail(words.ChangeNeedsAuthor.With(rules.MaxComment))
	}
	lasts, err := lasting(in.Lasts)
	if err != nil {
		return web.Silence{}, err
	}
	edit := rules.Edit{Match: match, Ends: in.Ends, Forever: in.Forever, Cleared: in.Cleared, Waits: in.Waits, Comment: in.Comment, Every: in.Every, Lasts: lasts, TimeZone: in.TimeZone}
	after, err := a.ledger.Silences().Change(ctx, id, func(s rules.Silence) (rules.Silence, error) {
		return s.Edit(time.Now().UTC(), in.Author, edit)
	})
	if err != nil {
		return web.Silence{}, err
	}
	return a.concerning(after), nil
}

// ExpireSilence ends a silence now.
func (a *App) ExpireSilence(ctx context.Context, id, author string) error {
	if len(author) > rules.MaxComment {
		return words.Fail(words.AuthorTooLong.With(rules.MaxComment))
	}
	store := a.ledger.Silences()
	_, odd, err := store.All(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(odd, id) {
		return store.Delete(ctx, id)
	}
	_, err = store.Change(ctx, id, func(s rules.Silence) (rules.Silence, error) {
		now := time.Now().UTC()
		if s.Ended(now) {
			return s, words.Fail(words.SilenceHasEnded.With(s.ID))
		}
		return s.End(now, author, words.SilenceExpired.With()), nil
	})
	return err
}

var (
	errUndecided = words.Fail(words.DecidesNothing.With())
	errStarting  = words.Fail(words.StillReading.With())
)

// decider returns the rules engine once it knows what is open: half of an
// answer would look like a whole one.
func (a *App) decider() (*engine.Engine, error) {
	if a.conf().observes() {
		return nil, errUndecided
	}
	if e := a.engine.Load(); e != nil && e.Ready() {
		return e, nil
	}
	return nil, errStarting
}

// Alerts lists what is open, and what a silence keeps from being told.
func (a *App) Alerts(context.Context) ([]web.Alert, error) {
	e, err := a.decider()
	if err != nil {
		return nil, err
	}
	out := []web.Alert{}
	if one, open := a.deafAlert(); open {
		out = append(out, one)
	}
	e.Quiet(func(st rules.Status, rule string, now event.Severity, by *rules.Silence) {
		s := st.Slot(rule)
		one := web.Alert{ID: s.ID, Key: st.Key, Rule: rule, State: st.Seen.State, Severity: s.Severity, Since: s.Started, Sinks: s.Sinks}
		if by != nil {
			silence := shown(*by)
			silence.History = nil
			one.Silence, one.Silenced = by.ID, &silence
		}
		switch {
		case s.Phase == rules.Held && s.Digest != "":
			one.ID, one.Severity, one.Since, one.Sinks, one.Digest = st.AlertID(rule), now, s.Since, nil, s.Digest
		case s.Phase == rules.Held:
			one.ID, one.Severity, one.Since, one.Sinks = "", now, s.Since, nil
		case s.Ack != nil:
			one.Ack = &web.Ack{At: s.Ack.At, Author: s.Ack.Author, Comment: s.Ack.Comment}
		}
		a.heard(&one)
		out = append(out, one)
	})
	e.Digests(func(d engine.Digest) {
		one := web.Alert{ID: d.Slot.ID, Key: d.Key, Rule: event.RuleStorm, State: d.Slot.State, Severity: d.Slot.Severity, Since: d.Slot.Started, Sinks: d.Slot.Sinks, Affected: d.Members}
		if ack := d.Slot.Ack; ack != nil {
			one.Ack = &web.Ack{At: ack.At, Author: ack.Author, Comment: ack.Comment}
		}
		a.heard(&one)
		out = append(out, one)
	})
	return out, nil
}

// heard says of each sink that is told of an alert how far that is.
func (a *App) heard(one *web.Alert) {
	slot := event.Alert{Key: one.Key, Rule: one.Rule}.Slot()
	for _, name := range one.Sinks {
		w := a.worker(name)
		if w == nil {
			continue // another process has its receipts, or it left the configuration
		}
		switch r := w.place.Book.Told(slot); {
		case r.AlertID != one.ID:
			one.Waiting = append(one.Waiting, name)
		case r.Dead && r.First == nil:
			one.Refused = append(one.Refused, name)
		default:
			one.Told = append(one.Told, name)
		}
	}
}

// Unpaired lists alerts that are over and that a sink still holds open.
func (a *App) Unpaired(ctx context.Context) ([]web.Unpaired, error) {
	e, err := a.decider()
	if err != nil {
		return nil, err
	}
	found, err := e.Unpaired(ctx, a.sinkNames())
	if err != nil {
		return nil, err
	}
	left, err := e.LeftOver(ctx)
	found = append(found, left...)
	out := make([]web.Unpaired, len(found))
	for i, u := range found {
		out[i] = web.Unpaired(u)
	}
	return out, err
}

// Ack notes who looks after an open alert. It is not repeated any more.
func (a *App) Ack(ctx context.Context, id string, by web.Ack) error {
	return a.acknowledge(ctx, id, event.Ack{At: time.Now().UTC(), Author: by.Author, Comment: by.Comment})
}

// acknowledge is Ack for who says when. Said again, with the same time, it
// changes nothing.
func (a *App) acknowledge(ctx context.Context, id string, ack event.Ack) error {
	return a.looksAfter(ack, func() bool { return a.lookAfter(id, event.Acknowledged, ack) },
		func(e *engine.Engine) error { return e.Acknowledge(ctx, id, ack) })
}

// Withdraw takes an acknowledgement back. The alert is repeated again.
func (a *App) Withdraw(ctx context.Context, id string, by web.Ack) error {
	ack := event.Ack{At: time.Now().UTC(), Author: by.Author, Comment: by.Comment}
	return a.looksAfter(ack, func() bool { return a.lookAfter(id, event.Unacknowledged, ack) },
		func(e *engine.Engine) error { return e.Withdraw(ctx, id, ack) })
}

// looksAfter says who looks after an alert: past the rules, where it is that of
// dswatch itself, and to them.
func (a *App) looksAfter(by event.Ack, past func() bool, say func(*engine.Engine) error) error {
	if strings.TrimSpace(by.Author) == "" {
		return words.Fail(words.AckNeedsAuthor.With())
	}
	if past() {
		return nil
	}
	e, err := a.decider()
	if err != nil {
		return err
	}
	return say(e)
}
