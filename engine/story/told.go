package story

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// also begins a line about an item that the alert above also speaks for.
const also = "+ "

// order sorts deliveries of one instant, which have no order among each
// other, so that the same story reads the same every time.
func order(told []Arrival) {
	slices.SortStableFunc(told, func(a, b Arrival) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Alert.Key.String(), b.Alert.Key.String()),
			cmp.Compare(a.Alert.Rule, b.Alert.Rule))
	})
}

// entry is one alert as it is wanted or was told, with what it also speaks
// for.
type entry struct {
	at    time.Duration
	words [4]string // TIME SINKS TRANSITION SEVERITY
	title string
	also  []string
}

// text is the entry in one line.
func (e *entry) text() string { return strings.Join(e.words[:], " ") + " " + e.title }

// entries joins the deliveries that several sinks got at once.
func (t *Tale) entries(told []Arrival) (out []*entry) {
	byID := map[string]*entry{}
	for _, d := range told {
		id := brief(d.At) + " " + d.Alert.DeliveryID() + " " + string(d.Alert.Transition)
		if e := byID[id]; e != nil {
			e.words[1] = t.sinks(e.words[1] + "," + d.Sink)
			continue
		}
		a := d.Alert
		e := &entry{at: d.At, title: a.Title, words: [4]string{brief(d.At), d.Sink, string(a.Transition), string(a.Severity)}}
		for _, x := range a.Affected {
			e.also = append(e.also, also+x.Key.String()+" "+string(x.State))
		}
		slices.Sort(e.also)
		if more := a.AffectedCount - len(a.Affected); more > 0 {
			e.also = append(e.also, fmt.Sprintf("%sand %d more", also, more))
		}
		byID[id] = e
		out = append(out, e)
	}
	return out
}

// sinks puts names joined by commas into the order of the configuration.
func (t *Tale) sinks(joined string) string {
	names := strings.Split(joined, ",")
	all := t.programs[""].Sinks
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(uint(slices.Index(all, a)), uint(slices.Index(all, b))), cmp.Compare(a, b))
	})
	return strings.Join(names, ",")
}

// wants reads what is wanted.
func (t *Tale) wants(w *wanted) (out []*entry) {
	for _, l := range w.lines {
		if strings.HasPrefix(l, also) {
			if len(out) > 0 {
				last := out[len(out)-1]
				last.also = append(last.also, l)
			}
			continue
		}
		f := strings.SplitN(l, " ", 5)
		at, _ := time.ParseDuration(f[0]) // Parse has read it
		out = append(out, &entry{at: at, title: f[4], words: [4]string{brief(at), t.sinks(f[1]), f[2], f[3]}})
	}
	return out
}

// flat returns the entries as lines, those of one instant in the order of
// their text.
func flat(es []*entry) (out []string) {
	es = slices.Clone(es)
	slices.SortStableFunc(es, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text(), b.text()))
	})
	for _, e := range es {
		out = append(out, e.text())
		for _, a := range e.also {
			out = append(out, "    "+a)
		}
	}
	return out
}

// aligned writes entries for people, in columns.
func aligned(es []*entry) (out []string) {
	var width [4]int
	for _, e := range es {
		for i, w := range e.words {
			width[i] = max(width[i], len(w))
		}
	}
	for _, e := range es {
		var b strings.Builder
		for i, w := range e.words {
			fmt.Fprintf(&b, "%-*s  ", width[i], w)
		}
		out = append(out, b.String()+e.title)
		for _, a := range e.also {
			out = append(out, "    "+a)
		}
	}
	return out
}

// Diff compares what is wanted in a language with what was told. It returns
// lines that begin with "- " (wanted, not told), "+ " (told, not wanted) or
// two spaces; none: both are the same.
func (t *Tale) Diff(language string, told []Arrival) []string {
	for _, w := range t.wanted {
		if w.language == language {
			return diff(flat(t.wants(w)), flat(t.entries(told)))
		}
	}
	return nil
}

// Same compares what two tellings of the story led to.
func (t *Tale) Same(a, b []Arrival) []string { return diff(flat(t.entries(a)), flat(t.entries(b))) }

// maxDiff bounds the two sides of one comparison; beyond it both are shown
// whole.
const maxDiff = 3000

// diff compares by the longest common subsequence.
func diff(want, got []string) (out []string) {
	if slices.Equal(want, got) {
		return nil
	}
	if len(want) > maxDiff || len(got) > maxDiff {
		return append(mark("- ", want), mark("+ ", got)...)
	}
	n, m := len(want), len(got)
	common := make([][]int, n+1) // of want[i:] and got[j:]
	for i := range common {
		common[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if want[i] == got[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < n && j < m {
		switch {
		case want[i] == got[j]:
			out = append(out, "  "+want[i])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+want[i])
			i++
		default:
			out = append(out, "+ "+got[j])
			j++
		}
	}
	return append(append(out, mark("- ", want[i:])...), mark("+ ", got[j:])...)
}

func mark(with string, lines []string) (out []string) {
	for _, l := range lines {
		out = append(out, with+l)
	}
	return out
}

// Write returns the file with what was told in the place of what is wanted,
// and nothing else changed.
func (t *Tale) Write(told map[string][]Arrival) []byte {
	var out []string
	for _, sec := range t.all {
		lines := sec.lines
		if len(sec.words) > 0 {
			out = append(out, "-- "+sec.name()+" --")
		}
		if len(sec.words) == 2 && sec.words[0] == "wanted" {
			lines = aligned(t.entries(told[sec.words[1]]))
		}
		out = append(out, lines...)
	}
	if len(t.wanted) == 0 {
		for _, l := range t.Languages() {
			out = append(append(out, "-- wanted "+l+" --"), aligned(t.entries(told[l]))...)
		}
	}
	return []byte(strings.Join(out, "\n") + "\n")
}

// brief writes a duration without parts that are zero: 1h, 1h5s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return strings.Replace(s, "h0m", "h", 1)
}
