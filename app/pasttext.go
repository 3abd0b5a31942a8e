package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/history"
	"dswatch/ledger"
	"dswatch/rules"
	"dswatch/web"
	"dswatch/words"
)

// historyDefault is how far back is looked where nobody says since when.
const historyDefault = 24 * time.Hour

// History implements web.Past.
func (a *App) History(ctx context.Context, s web.HistorySelection) (web.HistoryPage, error) {
	page := web.HistoryPage{Entries: []history.Entry{}}
	match, err := matchersOf(s.Match)
	if err != nil {
		return page, err
	}
	for _, what := range s.What {
		if !slices.Contains(history.Whats(), history.What(what)) {
			return page, words.Fail(words.NotAHistoryEvent.With(words.Inner(what), whatNames()))
		}
	}
	now := time.Now()
	if s.Until.IsZero() {
		s.Until = now.Add(time.Minute)
	}
	if s.Since.IsZero() {
		s.Since = s.Until.Add(-historyDefault)
	}
	if !s.Until.After(s.Since) {
		return page, words.Fail(words.UntilBeforeSince.With(s.Until, s.Since))
	}
	var position uint64
	var index int
	if s.After != "" {
		if n, err := fmt.Sscanf(s.After, "%d.%d", &position, &index); n != 2 || err != nil {
			return page, words.Fail(words.BadCursor.With())
		}
	}
	if s.Limit <= 0 {
		s.Limit = web.HistoryLimit
	}
	months := history.Months(s.Since, s.Until)
	if len(months) > 1200 { // nobody has kept anything for a century
		months = months[len(months)-1200:]
	}
	err = a.ledger.Chronicle().Read(ctx, months, func(k ledger.Kept) error {
		if k.Position < position {
			return nil
		}
		i := -1
		odd, err := history.Decode(k.Batch, func(e *history.Entry) error {
			if i++; k.Position == position && i < index || !selects(s, match, e) {
				return nil
			}
			if len(page.Entries) >= s.Limit {
				page.Next = fmt.Sprintf("%d.%d", k.Position, i)
				return errEnough
			}
			page.Entries = append(page.Entries, *e)
			return nil
		})
		page.Odd += odd
		if errors.Is(err, errEnough) {
			return err
		}
		return nil // what cannot be read was counted
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return page, err
}

var errEnough = errors.New("enough")

func matchersOf(texts []string) (all rules.Matchers, err error) {
	for _, text := range texts {
		m, err := rules.ParseMatcher(text)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func whatNames() (names []string) {
	for _, w := range history.Whats() {
		names = append(names, string(w))
	}
	return names
}

// selects reports whether an entry is one that is wanted.
func selects(s web.HistorySelection, match rules.Matchers, e *history.Entry) bool {
	switch {
	case e.At.Before(s.Since) || !e.At.Before(s.Until):
		return false
	case !s.Whole && (e.Carried || e.What == history.Whole):
		return false
	case len(s.What) > 0 && !slices.Contains(s.What, string(e.What)):
		return false
	case len(match) == 0:
		return true
	case e.Key == (event.Key{}):
		return false
	}
	return match.Match(&rules.Subject{Key: e.Key, Rule: e.Rule, Severity: e.Severity}) || e.What == history.State && match.Admit(e.Key)
}

// HistoryText says what an entry tells of, in one sentence.
func HistoryText(v words.Voice, e history.Entry) string {
	var s event.Said
	switch e.What {
	case history.State:
		s = historyState(e)
	case history.Alert:
		s = words.HistoryAlert.With(e.Alert, e.Transition, e.Severity)
	case history.Ack:
		switch {
		case e.Transition == event.Unacknowledged:
			s = words.HistoryUnack.With(e.By, e.Alert)
		default:
			s = words.HistoryAck.With(e.By, e.Alert)
		}
	case history.Silenced:
		s = words.HistorySilence.With(e.ID, e.By).And(e.Said)
	case history.Reloaded:
		if s = words.HistoryReload.With(len(e.Changed), e.Changed); e.Failed {
			s = words.HistoryNotReloaded.With()
		} else if len(e.Changed) == 0 {
			s = words.HistorySame.With()
		}
	case history.Deaf:
		s = words.HistoryDeaf.With(e.From).And(e.Said)
	case history.Hearing:
		s = words.HistoryHearing.With(e.From)
	case history.Started:
		if s = words.HistoryStart.With(e.Version, e.From); e.From.IsZero() {
			s = words.HistoryFirst.With(e.Version)
		}
	case history.Stopped:
		s = words.HistoryStop.With()
	case history.Gap:
		s = words.HistoryGap.With(e.Count, e.From)
	case history.Whole:
		s = words.HistoryWhole.With(e.Count)
	case history.Reported:
		if s = words.HistoryReported.With(e.ID, e.Sink); e.Failed {
			s = words.HistoryNotReported.With(e.ID, e.Sink)
		}
	}
	text := v.Say(s)
	if e.Comment != "" && e.What != history.Silenced {
		text += v.Pick(words.Colon) + e.Comment
	}
	return strings.TrimSpace(text)
}

func historyState(e history.Entry) event.Said {
	switch {
	case e.Gone:
		return words.HistoryGone.With()
	case e.Expected == "no":
		return words.HistoryNotExpected.With(e.State, e.Since)
	case e.Impact != "":
		return words.HistoryLost.With(e.State, e.Since, e.Impact).And(e.Said)
	case e.State == event.Up:
		return words.HistoryState.With(e.State, e.Since)
	}
	return words.HistoryState.With(e.State, e.Since).And(e.Said)
}
