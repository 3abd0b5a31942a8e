package email

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// recipientPatience is how long the others wait for what follows while one
// recipient is refused for a time: longer than servers that do so to strangers
// (greylisting) want them to wait.
const recipientPatience = 30 * time.Minute

// maxMails bounds the mails that were given up half delivered.
const maxMails = 1000

// mails are those that not every recipient has yet, by Message-ID.
type mails struct {
	log *slog.Logger

	mu   sync.Mutex
	by   map[string]*mailing
	told map[string]bool // recipients whose refusal is in the log
}

// mailing is who has one mail and who has not.
type mailing struct {
	waiting []string         // to be asked in the next attempt
	later   map[string]error // of those: why not yet
	never   map[string]error // why not at all
	since   time.Time        // somebody has it; zero: nobody
}

func (o *mails) get(id string, recipients []string) *mailing {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by[id] == nil {
		if len(o.by) >= maxMails {
			clear(o.by)
		}
		o.by[id] = &mailing{waiting: recipients, never: map[string]error{}}
	}
	return o.by[id]
}

func (o *mails) settle(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.by, id)
}

// outcome is nil when all have m, or somebody has it and nobody need wait for
// the others. The log tells of each recipient who is left out, once until he
// gets a mail again.
func (o *mails) outcome(m *mailing, now time.Time) error {
	if len(m.waiting) > 0 && (m.since.IsZero() || now.Sub(m.since) < recipientPatience) {
		said := reasons(m.later)
		if !m.since.IsZero() {
			said = said.And(words.MailOthers.With())
		}
		return words.Fail(said)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, left := range []map[string]error{m.never, m.later} {
		for who, why := range left {
			if !o.told[who] {
				o.told[who] = true
				o.log.Warn("the mail server refuses a recipient; the others are told", "recipient", who, "error", why)
			}
		}
	}
	return nil
}

// took notes who got a mail.
func (o *mails) took(m *mailing, who []string, now time.Time) {
	if len(who) == 0 {
		return
	}
	if m.since.IsZero() {
		m.since = now
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range who {
		if o.told[w] {
			delete(o.told, w)
			o.log.Info("the mail server takes mails for a recipient again", "recipient", w)
		}
	}
}

// refusals says in one line who will not get m, and why.
func (m *mailing) refusals() event.Said { return reasons(m.never) }

// maxReasons bounds how many recipients one error explains.
const maxReasons = 3

func reasons(why map[string]error) (said event.Said) {
	all := slices.SortedFunc(maps.Values(why), func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, err := range all[:min(len(all), maxReasons)] {
		said = said.And(words.Of(err))
	}
	if n := len(all) - maxReasons; n > 0 {
		said = said.And(words.MailMore.With(n))
	}
	return said
}
