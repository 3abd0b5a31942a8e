package story

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Options are what `dswatch rules test` was asked.
type Options struct {
	Faults int // at most so many restarts and kills, spread over each story; 0: none
}

// Verdict is what came of one story.
type Verdict struct {
	Tale      *Tale
	Told      map[string][]Delivery // by language
	Faults    int                   // restarts and kills that were tried
	Complaint string                // empty: all is as wanted
}

// Judge tells a story in every language in which something is wanted, and
// again with faults.
func Judge(ctx context.Context, t *Tale, o Options) (Verdict, error) {
	v := Verdict{Tale: t, Told: map[string][]Delivery{}}
	var b strings.Builder
	var base Result
	for i, language := range t.Languages() {
		r, err := t.Play(ctx, language, Fault{})
		if err != nil {
			return v, err
		}
		v.Told[language] = r.Told
		if i == 0 {
			base = r
		}
		complain(&b, "in "+language+", - is wanted and + was told", t.Diff(language, r.Told))
		complain(&b, "broken promises", r.Broken)
	}
	language := t.Languages()[0]
	for _, f := range faults(base, o.Faults) {
		r, err := t.Play(ctx, language, f)
		if err != nil {
			return v, fmt.Errorf("%s: with %s: %w", t.File, f, err)
		}
		v.Faults++
		if !t.moves() {
			complain(&b, "with "+f.String()+", - is told without and + with it", t.Same(base.Told, r.Told))
		}
		complain(&b, "with "+f.String()+", broken promises", r.Broken)
		if b.Len() > maxComplaint {
			break
		}
	}
	v.Complaint = b.String()
	return v, nil
}

// moves reports whether a restart may move what is told. A program that does
// not run while somebody sets the clock cannot know how far; and how long a
// host has been silent is counted from the start.
func (t *Tale) moves() bool {
	for _, p := range t.programs {
		if p.Set.Silent > 0 {
			return true
		}
	}
	return slices.ContainsFunc(t.lines, func(l line) bool { return l.act.verb == clock })
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

// mostOps bounds what the faults of one story cost: a story of 500 hosts has
// thousands of operations, all of them alike.
const mostOps = 40_000

// faults are restarts before steps and kills around operations, most of them
// at most and then spread evenly.
func faults(r Result, most int) (out []Fault) {
	most = min(most, mostOps/(r.Ops+1))
	spread := func(n, most int, add func(int)) {
		if n > 0 && most > 0 {
			step := max(1, (n+most-1)/most)
			for i := 1; i <= n; i += step {
				add(i)
			}
		}
	}
	spread(r.Steps, most/3, func(i int) { out = append(out, Fault{Restart: i}) })
	spread(r.Ops, most/3, func(i int) { out = append(out, Fault{Kill: i}, Fault{Kill: i, After: true}) })
	return out
}

// String says what goes wrong.
func (f Fault) String() string {
	switch {
	case f.Restart > 0:
		return fmt.Sprintf("a restart before step %d", f.Restart)
	case f.After:
		return fmt.Sprintf("a kill after operation %d", f.Kill)
	}
	return fmt.Sprintf("a kill before operation %d", f.Kill)
}
