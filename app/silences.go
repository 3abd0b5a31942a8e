package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/web"
)

// What the commands hand to the running process.
type (
	Silence = web.Silence
	Ack     = web.Ack
)

// keepEnded is how long a silence that has ended stays in the list.
const keepEnded = 30 * 24 * time.Hour

// silences keeps silences in a bucket. It implements rules.SilenceStore.
type silences struct{ bucket *bus.Bucket }

// Watch implements rules.SilenceStore. A record that cannot be read silences
// nothing.
func (s silences) Watch(ctx context.Context, tell func([]rules.Silence)) error {
	known := map[string]rules.Silence{}
	complete := false
	say := func() {
		all := slices.Collect(maps.Values(known))
		slices.SortFunc(all, func(a, b rules.Silence) int { return strings.Compare(a.ID, b.ID) })
		tell(all)
	}
	return s.bucket.Watch(ctx, func() { complete = true; say() }, func(u bus.Update) {
		var one rules.Silence
		if u.Deleted || json.Unmarshal(u.Value, &one) != nil || one.ID != u.Key {
			delete(known, u.Key)
		} else {
			known[u.Key] = one
		}
		if complete {
			say()
		}
	})
}

// Save implements rules.SilenceStore.
func (s silences) Save(ctx context.Context, one rules.Silence) error {
	value, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encode silence: %w", err)
	}
	_, err = s.bucket.Put(ctx, one.ID, value)
	return err
}

func (s silences) all(ctx context.Context) (all []rules.Silence, err error) {
	err = s.bucket.Load(ctx, func(key string, value []byte, _ uint64) error {
		var one rules.Silence
		if err := json.Unmarshal(value, &one); err != nil {
			return fmt.Errorf("decode silence %s: %w", key, err)
		}
		all = append(all, one)
		return nil
	})
	return all, err
}

// Silences lists what is silenced, was silenced, or will be.
func (a *App) Silences(ctx context.Context) ([]web.Silence, error) {
	all, err := silences{a.bus.Bucket(bus.Silences)}.all(ctx)
	out := make([]web.Silence, 0, len(all))
	for _, s := range all {
		out = append(out, shown(s))
	}
	return out, err
}

func shown(s rules.Silence) web.Silence {
	w := web.Silence{ID: s.ID, Starts: s.Starts, Ends: s.Ends, Waits: s.WaitsUntil(), Author: s.Author, Comment: s.Comment, State: "ended"}
	switch now := time.Now(); {
	case s.Active(now):
		w.State = "active"
	case now.Before(s.Starts):
		w.State = "pending"
	}
	for _, m := range s.Match {
		w.Match = append(w.Match, m.String())
	}
	for _, h := range s.History {
		w.History = append(w.History, web.Entry(h))
	}
	return w
}

// AddSilence checks and keeps a silence, and forgets those that ended long
// ago.
func (a *App) AddSilence(ctx context.Context, in web.Silence) (web.Silence, error) {
	now := time.Now().UTC()
	s := rules.Silence{ID: strings.ToLower(rand.Text()[:10]), Starts: in.Starts, Ends: in.Ends, Waits: in.Waits, Author: in.Author, Comment: in.Comment}
	if s.Starts.IsZero() {
		s.Starts = now
	}
	for _, text := range in.Match {
		m, err := rules.ParseMatcher(text)
		if err != nil {
			return in, err
		}
		s.Match = append(s.Match, m)
	}
	if err := s.Validate(); err != nil {
		return in, err
	}
	if !s.Ends.IsZero() && !s.Ends.After(now) {
		return in, fmt.Errorf("the silence ended at %s; give an end in the future", s.Ends.Format(time.RFC3339))
	}
	if waits := s.WaitsUntil(); !waits.IsZero() && !waits.After(now) {
		return in, fmt.Errorf("the silence waited for its first alert until %s; give a time in the future", waits.Format(time.RFC3339))
	}
	s.History = []rules.Entry{{At: now, By: in.Author, What: "added"}}
	store := silences{a.bus.Bucket(bus.Silences)}
	if err := store.Save(ctx, s); err != nil {
		return in, err
	}
	all, err := store.all(ctx)
	for _, old := range all {
		if err == nil && !old.Ends.IsZero() && now.Sub(old.Ends) > keepEnded {
			err = store.bucket.Delete(ctx, old.ID)
		}
	}
	return shown(s), err
}

// ExpireSilence ends a silence now.
func (a *App) ExpireSilence(ctx context.Context, id, author string) error {
	store := silences{a.bus.Bucket(bus.Silences)}
	all, err := store.all(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for _, s := range all {
		switch {
		case s.ID != id:
		case !s.Ends.IsZero() && !now.Before(s.Ends):
			return fmt.Errorf("silence %s has ended already", id)
		default:
			return store.Save(ctx, s.End(now, author, "expired"))
		}
	}
	return fmt.Errorf("no silence has the id %q; dswatch silence list shows them", id)
}

var (
	errUndecided = errors.New("this process does not decide about alerts; ask the one that has the sinks")
	errStarting  = errors.New("the running dswatch is still reading what it knew before its start; ask again in a few seconds")
)

// decider returns the rules engine once it knows what is open: half of an
// answer would look like a whole one.
func (a *App) decider() (*rules.Engine, error) {
	if a.observes() {
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
	e.Items(func(st rules.Status, _ rules.Snapshot) {
		st.Slots(func(rule string, s rules.Slot) {
			one := web.Alert{ID: s.ID, Key: st.Key, Rule: rule, State: st.Seen.State, Severity: s.Severity, Since: s.Started, Sinks: s.Sinks, Silence: s.Silence}
			switch {
			case s.Phase == rules.Held && s.Digest != "":
				one.ID, one.Severity, one.Since, one.Sinks, one.Digest = st.AlertID(rule), "", s.Since, nil, s.Digest
			case s.Phase == rules.Held && s.Silence != "":
				one.ID, one.Severity, one.Since, one.Sinks = "", "", s.Since, nil
			case s.Phase != rules.Firing:
				return
			case s.Ack != nil:
				one.Ack = &web.Ack{At: s.Ack.At, Author: s.Ack.Author, Comment: s.Ack.Comment}
			}
			out = append(out, one)
		})
	})
	e.Digests(func(d rules.Digest) {
		one := web.Alert{ID: d.Slot.ID, Key: d.Key, Rule: event.RuleStorm, State: d.Slot.State, Severity: d.Slot.Severity, Since: d.Slot.Started, Sinks: d.Slot.Sinks, Affected: d.Members}
		if ack := d.Slot.Ack; ack != nil {
			one.Ack = &web.Ack{At: ack.At, Author: ack.Author, Comment: ack.Comment}
		}
		out = append(out, one)
	})
	return out, nil
}

// Unpaired lists alerts that are over and that a sink still holds open.
func (a *App) Unpaired(ctx context.Context) ([]web.Unpaired, error) {
	e, err := a.decider()
	if err != nil {
		return nil, err
	}
	found, err := e.Unpaired(ctx, a.sinkNames())
	out := make([]web.Unpaired, len(found))
	for i, u := range found {
		out[i] = web.Unpaired(u)
	}
	return out, err
}

// Ack notes who looks after an open alert. It is not repeated any more.
func (a *App) Ack(ctx context.Context, id string, by web.Ack) error {
	e, err := a.decider()
	if err != nil {
		return err
	}
	if strings.TrimSpace(by.Author) == "" {
		return errors.New("an acknowledgement needs an author; say who looks after the alert")
	}
	return e.Acknowledge(ctx, id, event.Ack{At: time.Now().UTC(), Author: by.Author, Comment: by.Comment})
}

// RunningSilences asks the running process what is silenced.
func (l *Loaded) RunningSilences(ctx context.Context) (out []web.Silence, err error) {
	err = l.ask(ctx, http.MethodGet, "/api/v1/silences", nil, &out)
	return out, err
}

// Silence asks the running process to keep a silence.
func (l *Loaded) Silence(ctx context.Context, s Silence) (out Silence, err error) {
	for _, m := range s.Match {
		if _, err := rules.ParseMatcher(m); err != nil {
			return out, err
		}
	}
	err = l.ask(ctx, http.MethodPost, "/api/v1/silences", s, &out)
	return out, err
}

// Expire asks the running process to end a silence.
func (l *Loaded) Expire(ctx context.Context, id, author string) error {
	var done struct{}
	return l.ask(ctx, http.MethodPost, "/api/v1/silences/"+url.PathEscape(id)+"/expire", web.Ack{Author: author}, &done)
}

// RunningAlerts asks the running process what is open.
func (l *Loaded) RunningAlerts(ctx context.Context) (out []web.Alert, err error) {
	err = l.ask(ctx, http.MethodGet, "/api/v1/alerts", nil, &out)
	return out, err
}

// RunningUnpaired asks the running process which resolves were lost.
func (l *Loaded) RunningUnpaired(ctx context.Context) (out []web.Unpaired, err error) {
	err = l.ask(ctx, http.MethodGet, "/api/v1/alerts/unpaired", nil, &out)
	return out, err
}

// Acknowledge asks the running process to note who looks after an alert.
func (l *Loaded) Acknowledge(ctx context.Context, id string, a web.Ack) error {
	var done struct{}
	return l.ask(ctx, http.MethodPost, "/api/v1/alerts/"+url.PathEscape(id)+"/ack", a, &done)
}
