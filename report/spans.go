package report

import (
	"slices"
	"time"
)

// span is a time from one moment to before another, in nanoseconds since 1970.
type span struct{ from, to int64 }

// spans are apart from each other and ascend.
type spans []span

// join makes spans of any list.
func join(all []span) spans {
	slices.SortFunc(all, func(a, b span) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	var out spans
	for _, s := range all {
		switch n := len(out); {
		case s.to <= s.from:
		case n > 0 && s.from <= out[n-1].to:
			out[n-1].to = max(out[n-1].to, s.to)
		default:
			out = append(out, s)
		}
	}
	return out
}

// and is what both have.
func (a spans) and(b spans) (out spans) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if s := (span{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}); s.from < s.to {
			out = append(out, s)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return out
}

// not is what of a is not in b.
func (a spans) not(b spans) (out spans) {
	j := 0
	for _, s := range a {
		for j < len(b) && b[j].to <= s.from {
			j++
		}
		for k := j; s.from < s.to; k++ {
			if k >= len(b) || b[k].from >= s.to {
				out = append(out, s)
				break
			}
			if b[k].from > s.from {
				out = append(out, span{s.from, b[k].from})
			}
			s.from = max(s.from, b[k].to)
		}
	}
	return out
}

// or is what one of them has.
func (a spans) or(b spans) spans {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return join(append(slices.Clone(a), b...))
}

// length is how long they last together.
func (a spans) length() (n time.Duration) {
	for _, s := range a {
		n += time.Duration(s.to - s.from)
	}
	return n
}
