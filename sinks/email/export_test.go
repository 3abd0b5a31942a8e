package email

import (
	"errors"
	"log/slog"
	"time"
)

// Half is a mail that somebody has since a moment and others have not yet: what
// comes of it later.
func Half(texts map[string]string, since time.Time) func(now time.Time) error {
	o := mails{log: slog.New(slog.DiscardHandler), told: map[string]bool{}}
	m := &mailing{later: map[string]error{}, since: since}
	for who, text := range texts {
		m.later[who] = errors.New(text)
		m.waiting = append(m.waiting, who)
	}
	return func(now time.Time) error { return o.outcome(m, now) }
}
