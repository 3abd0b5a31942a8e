package email

import (
	"log/slog"
	"time"
)

// Half is a mail that somebody has since a moment and others have not yet: what
// comes of it later.
func Half(later map[string]string, since time.Time) func(now time.Time) error {
	o := mails{log: slog.New(slog.DiscardHandler), told: map[string]bool{}}
	m := &mailing{later: later, since: since}
	for who := range later {
		m.waiting = append(m.waiting, who)
	}
	return func(now time.Time) error { return o.outcome(m, now) }
}
