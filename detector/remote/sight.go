package remote

import (
	"fmt"
	"strings"
	"time"

	"dswatch/detector"
	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/words"
)

// Item is one thing to look for on the host.
type Item struct {
	Key   event.Key
	Names []string // of a process, service or driver, aliases included
	Exe   []string // patterns of which the path of the executable must match one, none for any; see process.Target
	Want  int      // instances of a healthy host; below one means one
	Port  int      // of a port

	Loopback bool // a port that listens on loopback only is up

	// Whose processes count, see process.Owner; and arguments that they must
	// have, see process.Target.
	Who  process.Who
	User string
	Args []string
}

// sight is what a successful look told of one kind.
type sight interface {
	judge(Item, system) verdict
}

// verdict is what a sight means for one item.
type verdict struct {
	state       event.State
	found, want int
	detail      event.Said
}

func (v verdict) of(it Item, at time.Time) event.Observation {
	return event.Observation{Key: it.Key, State: v.state, Found: v.found, Want: v.want, Detail: v.detail, At: at}
}

// misread says that an answer has another form than the command's.
func misread(command string, err error) error {
	return words.FailWith(err, words.AnswerUnreadable.With(fmt.Sprintf("%q", bare(command)), err))
}

// bare is the command without its environment, as a person would type it.
func bare(command string) string {
	rest, ok := strings.CutPrefix(command, "env LC_ALL=C ")
	if !ok {
		return command
	}
	_, rest, _ = strings.Cut(rest, " ")
	return rest
}

// clean makes text from the host short, one line, and harmless.
func clean(s string) string { return detector.Printable(strings.TrimSpace(s), 120) }
