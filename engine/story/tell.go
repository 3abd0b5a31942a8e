package story

import (
	"context"
	"fmt"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// Options are what `dswatch rules test` was asked.
type Options struct {
	Faults int // at most so many restarts, kills and power losses, spread over each story; 0: none
	Ops    int // how much work they may be for one story, in operations; 0: 40,000

	Voice words.Voice // of the complaint
}

// Verdict is what came of one story.
type Verdict struct {
	Tale      *Tale
	Told      map[string][]Arrival // by language
	Faults    int                  // restarts, kills and power losses that were tried
	Moved     int                  // those of them that may move what is told: only promises are compared
	Complaint string               // empty: all is as wanted
}

// Judge tells a story in every language in which something is wanted, and
// again with faults, the languages in turns.
func Judge(ctx context.Context, t *Tale, o Options) (Verdict, error) {
	v := Verdict{Tale: t, Told: map[string][]Arrival{}}
	b := complaint{voice: o.Voice}
	var base Result
	for _, language := range t.Languages() {
		r, err := t.Play(ctx, language, Fault{})
		if err != nil {
			return v, err
		}
		v.Told[language], base = r.Told, r
		b.add(words.StoryWanted.With(language), t.Diff(language, r.Told))
		b.add(words.StoryPromises.With(), r.Broken)
	}
	for i, f := range faults(base, o) {
		language := t.Languages()[i%len(t.Languages())]
		r, err := t.Play(ctx, language, f)
		if err != nil {
			return v, fmt.Errorf("%s: with %s: %w", t.File, f, err)
		}
		v.Faults++
		what := f.phrase()
		if r.Moved {
			v.Moved++
		} else {
			b.add(words.StoryFault.With(language, what), t.Same(v.Told[language], r.Told))
		}
		b.add(words.StoryFaultPromises.With(language, what), r.Broken)
		if b.Len() > maxComplaint {
			break
		}
	}
	v.Complaint = b.String()
	return v, nil
}

// maxComplaint is when a story has said enough of what is wrong, in bytes.
const maxComplaint = 16 << 10

// complaint is what came out otherwise than wanted, in the reader's language.
type complaint struct {
	strings.Builder
	voice words.Voice
}

func (b *complaint) add(what event.Said, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s:\n", b.voice.Say(what))
	for _, l := range lines {
		fmt.Fprintf(b, "    %s\n", l)
	}
}

// mostOps bounds what the faults of one story cost where nobody says: a story
// of 500 hosts has thousands of operations, all of them alike.
const mostOps = 40_000

// faults are restarts before steps, and kills and power losses around
// operations, as many as o allows, spread evenly. What the power takes is
// another thing each time.
func faults(r Result, o Options) (out []Fault) {
	if o.Ops == 0 {
		o.Ops = mostOps
	}
	most := min(o.Faults, max(o.Ops/(r.Ops+1), 4)) // each kind once in the largest, too
	spread := func(n, most int, add func(int)) {
		for i := range min(n, most) {
			add(1 + i*n/min(n, most))
		}
	}
	spread(r.Steps, most/4, func(i int) { out = append(out, Fault{Restart: i}) })
	spread(r.Ops, most/4, func(i int) {
		out = append(out, Fault{Kill: i}, Fault{Kill: i, After: true}, Fault{Kill: i, After: true, Loss: Loss(1 + i%(1<<losses-1))})
	})
	return out
}

// phrase says what goes wrong.
func (f Fault) phrase() words.Phrase {
	switch {
	case f.Restart > 0:
		return words.FaultRestart.Phrase(f.Restart)
	case f.Loss != 0:
		return words.FaultPowerLoss.Phrase(f.Kill, f.Loss.has(LostAcks), f.Loss.has(LostOutbox), f.Loss.has(LostReceipts))
	case f.After:
		return words.FaultKillAfter.Phrase(f.Kill)
	}
	return words.FaultKillBefore.Phrase(f.Kill)
}

// String is phrase in English.
func (f Fault) String() string { return words.English(words.StoryFaultOnly.With(f.phrase())) }

// has is 1 where the power took it.
func (l Loss) has(what Loss) int {
	if l&what != 0 {
		return 1
	}
	return 0
}
