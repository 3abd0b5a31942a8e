package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Trail is what was decided about one item lately, one line for each
// decision, the oldest first. It is one string, so that it costs an item
// without trouble nothing and one with trouble one allocation a decision.
type Trail string

// Bounds of a Trail: sixteen decisions are two alerts with a hold, a few
// repetitions and an acknowledgement.
const (
	maxTrail = 16
	maxWhy   = 600 // bytes of each reason as data, with its English text
)

// Step is one decision of a Trail.
type Step struct {
	At      time.Time
	Rule    string
	Outcome Outcome
	State   event.State // of the item, as it was seen then
	Alert   string      // its id where somebody was told
	Seq     int
	Sinks   []string // who was told
	Why     event.Said
}

// Add returns the trail with the decisions that were taken at now.
func (t Trail) Add(now time.Time, state event.State, decisions []Decision) Trail {
	decisions = apart(decisions)
	var b strings.Builder
	old := t.kept(decisions)
	b.Grow(len(old) + 128*len(decisions))
	b.WriteString(string(old))
	for _, d := range decisions {
		id := ""
		if d.Alert != nil {
			id = d.Alert.DeliveryID()
		}
		b.WriteString(strconv.FormatInt(now.UnixMilli(), 10))
		for _, part := range [...]string{d.Rule, string(d.Outcome), string(state), id, strings.Join(d.Sinks, ","), whyText(d.Why)} {
			b.WriteByte('\t')
			b.WriteString(part)
		}
		b.WriteByte('\n')
	}
	return Trail(b.String())
}

// apart gives those who heard of an alert late a decision of their own.
func apart(decisions []Decision) (out []Decision) {
	if !slices.ContainsFunc(decisions, func(d Decision) bool { return d.Late != nil }) {
		return decisions
	}
	for _, d := range decisions {
		one := d
		if one.Sinks = late(d.Sinks, d.Late); one.Sinks != nil || d.Late == nil {
			out = append(out, one)
		}
		if d.Late != nil {
			one.Outcome, one.Sinks, one.Why = Raised, d.Late, words.NotHeardBefore.With().And(d.Why)
			out = append(out, one)
		}
	}
	return out
}

// kept is what stays of the trail when decisions are added: a repetition
// takes the place of the one before it, and the oldest make room.
func (t Trail) kept(decisions []Decision) Trail {
	if len(decisions) == 1 && decisions[0].Outcome == Repeated {
		begin := strings.LastIndexByte(strings.TrimSuffix(string(t), "\n"), '\n') + 1
		if last := t[begin:].Steps(); len(last) == 1 && last[0].Outcome == Repeated && last[0].Rule == decisions[0].Rule {
			t = t[:begin]
		}
	}
	for n := strings.Count(string(t), "\n") + len(decisions); n > maxTrail && t != ""; n-- {
		t = t[strings.IndexByte(string(t), '\n')+1:]
	}
	return t
}

// whyText is a reason as a trail keeps it: its JSON has no line breaks and no
// tabs.
func whyText(why event.Said) string {
	b, err := words.Spell(why).Clip(maxWhy).AppendWire(nil)
	if err != nil {
		return ""
	}
	return string(b)
}

// whyOf reads what whyText wrote, or what 64fc8e6 did: a reason in English and,
// where it quoted a footnote, in Japanese.
func whyOf(text []string) (why event.Said) {
	if strings.HasPrefix(text[0], "[") && why.UnmarshalJSON([]byte(text[0])) == nil {
		return why
	}
	if len(text) > 1 {
		return words.InBoth.With(words.Both{EN: text[0], JA: text[1]})
	}
	return event.Prose(text[0])
}

// Steps reads the trail. What cannot be read is left out.
func (t Trail) Steps() (out []Step) {
	for l := range strings.Lines(string(t)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		if len(f) != 7 && len(f) != 8 {
			continue
		}
		at, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			continue
		}
		s := Step{At: time.UnixMilli(at).UTC(), Rule: f[1], Outcome: Outcome(f[2]), State: event.State(f[3]), Why: whyOf(f[6:])}
		if id, seq, ok := strings.Cut(f[4], "."); ok {
			s.Alert = id
			s.Seq, _ = strconv.Atoi(seq) // 0 where it is none
		}
		if f[5] != "" {
			s.Sinks = strings.Split(f[5], ",")
		}
		out = append(out, s)
	}
	return out
}
