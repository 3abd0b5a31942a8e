package story

import (
	"context"
	"fmt"
	"strings"
)

// Options are what `dswatch rules test` was asked.
type Options struct {
	Faults int // at most so many restarts, kills and power losses, spread over each story; 0: none
	Ops    int // how much work they may be for one story, in operations; 0: 40,000
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
	var b strings.Builder
	var base Result
	for _, language := range t.Languages() {
		r, err := t.Play(ctx, language, Fault{})
		if err != nil {
			return v, err
		}
		v.Told[language], base = r.Told, r
		complain(&b, "in "+language+", - is wanted and + was told", t.Diff(language, r.Told))
		complain(&b, "broken promises", r.Broken)
	}
	for i, f := range faults(base, o) {
		language := t.Languages()[i%len(t.Languages())]
		r, err := t.Play(ctx, language, f)
		if err != nil {
			return v, fmt.Errorf("%s: with %s: %w", t.File, f, err)
		}
		v.Faults++
		what := "in " + language + " with " + f.String()
		if r.Moved {
			v.Moved++
		} else {
			complain(&b, what+", - is told without and + with it", t.Same(v.Told[language], r.Told))
		}
		complain(&b, what+", broken promises", r.Broken)
		if b.Len() > maxComplaint {
			break
		}
	}
	v.Complaint = b.String()
	return v, nil
}

// maxComplaint is when a story has said enough of what is wrong, in bytes.
const maxComplaint = 16 << 10

func complain(b *strings.Builder, what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s:\n", what)
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

// String says what goes wrong.
func (f Fault) String() string {
	switch {
	case f.Restart > 0:
		return fmt.Sprintf("a restart before step %d", f.Restart)
	case f.Loss != 0:
		return fmt.Sprintf("a power loss after operation %d, without the last%s", f.Kill, f.Loss)
	case f.After:
		return fmt.Sprintf("a kill after operation %d", f.Kill)
	}
	return fmt.Sprintf("a kill before operation %d", f.Kill)
}

func (l Loss) String() (text string) {
	for i, name := range [losses]string{" acknowledged events", " deliveries", " receipts"} {
		if l&(1<<i) != 0 {
			text += name
		}
	}
	return text
}
