package rules

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/spelling"
	"dswatch/words"
)

// Subject is what a matcher looks at: one rule's trouble with one item.
type Subject struct {
	event.Key
	Rule     string
	Severity event.Severity
}

// matchFields lists what a matcher may compare.
func matchFields() []string {
	return []string{"host", "component", "kind", "name", "severity", "rule", "class"}
}

// closed lists the values of a field that has no others, or nothing.
func closed(field string) (values []string) {
	switch field {
	case "kind":
		for _, k := range event.Kinds() {
			values = append(values, string(k))
		}
	case "class": // what the vendor's list has is of none
		values = event.Classes()
	case "severity":
		for _, s := range event.Severities() {
			values = append(values, string(s))
		}
	case "rule":
		for _, n := range RuleNames() {
			values = append(values, n)
		}
	}
	return values
}

func (s *Subject) field(name string) string {
	switch name {
	case "host":
		return s.Host
	case "component":
		return s.Component
	case "kind":
		return string(s.Kind)
	case "name":
		return s.Name
	case "severity":
		return string(s.Severity)
	case "class":
		return s.Kind.Class()
	}
	return s.Rule
}

// Matcher compares one field of a Subject. It is written as
// FIELD OPERATOR VALUE: host=web01, name!="ds_agent", host=~"web.*". The
// operators are = and !=, and =~ and !~ for an RE2 expression that must match
// the whole value. Letters of hosts and of names match in either case, composed
// or not: Windows tells no case of names, and what differs by these elsewhere is
// one thing to people.
type Matcher struct {
	field, op, value string
	re               *regexp.Regexp
	composed         *regexp.Regexp // re with its characters composed, for hosts and names so
	words            []string       // all that are equal to value, or that it as an expression accepts; nil: too many, or not known
	whole            bool           // the expression accepts everything
	head             string         // what everything that the expression accepts begins with
	tail             bool           // anything may follow the head
}

// operators, the longer ones first.
var operators = [...]string{"=~", "!~", "!=", "="}

// maxMatcher is the longest matcher in bytes; the name of an item may be
// that long.
const maxMatcher = 2 * event.MaxName

// ParseMatcher reads a matcher. The error says what to write instead.
func ParseMatcher(s string) (Matcher, error) {
	var m Matcher
	if len(s) > maxMatcher {
		return m, words.Fail(words.MatcherTooLong.With(len(s), maxMatcher))
	}
	end := strings.IndexAny(s, "=!~")
	if end < 0 {
		return m, words.Fail(words.NotAMatcher.With(words.Inner(s)))
	}
	m.field = strings.TrimSpace(s[:end])
	if !slices.Contains(matchFields(), m.field) {
		return m, words.Fail(words.NotAField.With(words.Inner(m.field), matchFields()))
	}
	rest := s[end:]
	for _, op := range operators {
		if v, ok := strings.CutPrefix(rest, op); ok {
			m.op, m.value = op, strings.TrimSpace(v)
			break
		}
	}
	if m.op == "" {
		return m, words.Fail(words.NoOperator.With(words.Inner(s)))
	}
	if strings.HasPrefix(m.value, `"`) {
		v, err := strconv.Unquote(m.value)
		if err != nil {
			return m, words.Fail(words.ValueNotClosed.With(m.value))
		}
		m.value = v
	} else if strings.IndexAny(m.value, "=~'") == 0 {
		return m, words.Fail(words.ValueOperator.With(words.Inner(s), fmt.Sprintf("%c", m.value[0])))
	}
	if m.value == "" && (m.op[0] == '=' && m.field != "class" || !strings.HasSuffix(s, `"`)) {
		return m, words.Fail(words.MatcherNoValue.With(words.Inner(s), m.field))
	}
	return m, m.compile()
}

// compile prepares an expression, and refuses values that can never occur.
func (m *Matcher) compile() error {
	if m.op == "=~" || m.op == "!~" {
		flags := "s"
		if m.folds() {
			flags = "si"
		}
		_, err := regexp.Compile(m.value) // alone first: it could close our group
		if err == nil {
			m.re, err = regexp.Compile(`^(?` + flags + `:` + m.value + `)$`)
		}
		if err != nil {
			return words.FailWith(err, words.NotRE2.With(words.Inner(m.value), err))
		}
		if m.composed = m.re; m.folds() && spelling.Composed(m.value) != m.value {
			if re, err := regexp.Compile(`^(?si:` + spelling.Composed(m.value) + `)$`); err == nil {
				m.composed = re
			}
		}
		m.read()
		if all := closed(m.field); m.op == "=~" && all != nil && !slices.ContainsFunc(all, m.re.MatchString) {
			return words.Fail(words.AcceptsNone.With(words.Inner(m.value), all))
		}
		return nil
	}
	m.words = []string{m.value}
	if all := closed(m.field); all != nil && !slices.Contains(all, m.value) && (m.field != "class" || m.value != "") {
		return words.Fail(words.NotAValueOfField.With(words.Inner(m.value), m.field, all))
	}
	return nil
}

// Match reports whether the matcher accepts s.
func (m Matcher) Match(s *Subject) bool { return m.accepts(s.field(m.field)) }

func (m Matcher) accepts(v string) bool {
	switch m.op {
	case "=":
		return m.is(v)
	case "!=":
		return !m.is(v)
	case "=~":
		return m.finds(v)
	}
	return !m.finds(v)
}

// is compares with the value.
func (m Matcher) is(v string) bool {
	return v == m.value || m.folds() && spelling.Alike(v, m.value)
}

// finds compares with the expression: as both are written, so that what matched
// once still does, and as they are composed.
func (m Matcher) finds(v string) bool {
	if m.re.MatchString(v) {
		return true
	}
	if !m.folds() {
		return false
	}
	c := spelling.Composed(v)
	return (c != v || m.composed != m.re) && m.composed.MatchString(c)
}

// folds reports whether letters match in either case, composed or not.
func (m Matcher) folds() bool { return m.field == "host" || m.field == "name" }

// Expression reports whether the value is an expression.
func (m Matcher) Expression() bool { return m.re != nil }

// String writes what ParseMatcher reads.
func (m Matcher) String() string { return m.field + m.op + strconv.Quote(m.value) }

// MarshalText is String, for JSON and YAML.
func (m Matcher) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is ParseMatcher, for JSON and YAML.
func (m *Matcher) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMatcher(string(b))
	return err
}

// Exactly are the matchers that accept one item, whatever the rule.
func Exactly(k event.Key) Matchers {
	var all Matchers
	for _, m := range [][2]string{{"host", k.Host}, {"component", k.Component}, {"kind", string(k.Kind)}, {"name", k.Name}} {
		all = append(all, Matcher{field: m[0], op: "=", value: m[1]})
	}
	return all
}

// Matchers accept what all of them accept; none accept everything.
type Matchers []Matcher

// String writes the matchers with blanks between them.
func (ms Matchers) String() string {
	all := make([]string, len(ms))
	for i, m := range ms {
		all[i] = m.String()
	}
	return strings.Join(all, " ")
}

// Match reports whether every matcher accepts s.
func (ms Matchers) Match(s *Subject) bool {
	for _, m := range ms {
		if !m.Match(s) {
			return false
		}
	}
	return true
}

// admits reports whether the matchers of one field accept v.
func (ms Matchers) admits(field, v string) bool {
	for _, m := range ms {
		if m.field == field && !m.accepts(v) {
			return false
		}
	}
	return true
}

// Admit reports whether the matchers may concern the item, whatever becomes
// of it.
func (ms Matchers) Admit(k event.Key) bool {
	return ms.admits("host", k.Host) && ms.admits("component", k.Component) && ms.admits("kind", string(k.Kind)) && ms.admits("class", k.Kind.Class()) && ms.admits("name", k.Name)
}

// possible reports whether ms can accept an alert. What two expressions have
// in common is not always found out: true is no promise.
func (ms Matchers) possible() bool {
	for _, field := range [...]string{"host", "component", "name"} {
		if !ms.open(field) {
			return false
		}
	}
	left := map[string][]string{}
	for _, field := range [...]string{"kind", "rule", "severity"} {
		for _, v := range closed(field) {
			if ms.admits(field, v) && (field != "kind" || ms.admits("class", event.Kind(v).Class())) {
				left[field] = append(left[field], v)
			}
		}
		if left[field] == nil {
			return false
		}
	}
	// What cannot be observed is a warning: see impact.
	return len(left["rule"]) > 1 || left["rule"][0] != Unseen || slices.Contains(left["severity"], string(event.Warning))
}

// open reports whether the matchers of a field that may have any value but
// the empty one leave one.
func (ms Matchers) open(field string) bool {
	if slices.ContainsFunc(ms, func(m Matcher) bool { return m.field == field && m.odd() }) {
		return true
	}
	for _, m := range ms {
		if m.field != field {
			continue
		}
		if few := m.few(); few != nil {
			return slices.ContainsFunc(few, func(v string) bool { return v != "" && ms.admits(field, v) })
		}
		if m.op[0] == '!' && m.not().all() {
			return false
		}
	}
	for _, m := range ms {
		if m.field != field || m.op[0] == '!' {
			continue
		}
		for _, n := range ms {
			if n.field == field && n.op[0] == '!' && n.not().follows(m) {
				return false
			}
		}
	}
	return true
}

// not accepts what m does not.
func (m Matcher) not() Matcher {
	for _, pair := range [...][2]string{{"=", "!="}, {"=~", "!~"}} {
		switch m.op {
		case pair[0]:
			m.op = pair[1]
			return m
		case pair[1]:
			m.op = pair[0]
			return m
		}
	}
	return m
}

// follows reports whether m is certain to accept every value that n accepts.
func (m Matcher) follows(n Matcher) bool {
	switch {
	case n.field != m.field:
		return false
	case n.op == m.op && n.value == m.value:
		return true
	case m.odd() || n.odd():
		return false
	case m.op[0] == '!' && n.op[0] == '!':
		return n.not().follows(m.not())
	case m.op == "!=" && !n.accepts(m.value):
		return true
	}
	if few := n.few(); few != nil {
		return !slices.ContainsFunc(few, func(v string) bool { return !m.accepts(v) })
	}
	if m.op == "!~" && n.op == "=~" {
		return !strings.HasPrefix(m.head, n.head) && !strings.HasPrefix(n.head, m.head)
	}
	if m.op != "=~" || n.op != "=~" {
		return m.all()
	}
	return m.tail && strings.HasPrefix(n.head, m.head)
}

// odd reports whether the form of m does not tell what it accepts: it may tell
// the case after all, as (?-i) does, or accepts what is written otherwise.
func (m Matcher) odd() bool {
	return m.folds() && (strings.HasSuffix(m.op, "~") && strings.Contains(m.value, "(?") || spelling.Varies(m.value))
}

// all reports whether m accepts every value, as far as its form tells; no
// value is empty.
func (m Matcher) all() bool {
	return m.op == "=~" && m.whole && (m.field != "class" || m.re.MatchString("")) // most alerts are of no class
}

// few returns the only values that m accepts; nil: they are many, or not
// known.
func (m Matcher) few() []string {
	if m.op[0] == '!' {
		return nil
	}
	return m.words
}

// read finds out what the form of the expression tells of what it accepts.
func (m *Matcher) read() {
	re, err := syntax.Parse(m.value, syntax.Perl|syntax.DotNL)
	if err != nil {
		return
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	if len(parts) > 1 && parts[0].Op == syntax.OpBeginText { // it is anchored anyway
		parts = parts[1:]
	}
	if last := len(parts) - 1; last > 0 && parts[last].Op == syntax.OpEndText {
		parts = parts[:last]
	}
	m.words, m.whole = wordsOf(re), len(parts) == 1 && total(parts[0])
	if parts[0].Op == syntax.OpLiteral && parts[0].Flags&syntax.FoldCase == 0 {
		m.head, parts = string(parts[0].Rune), parts[1:]
		if m.folds() {
			m.head = strings.ToLower(m.head)
		}
	}
	m.tail = len(parts) == 1 && parts[0].Op == syntax.OpStar && parts[0].Sub[0].Op == syntax.OpAnyChar
}

// total reports whether an expression accepts every value, as far as its form
// tells.
func total(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpStar, syntax.OpPlus:
		return re.Sub[0].Op == syntax.OpAnyChar
	case syntax.OpCapture:
		return total(re.Sub[0])
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, total)
	}
	return false
}

// mostFew bounds the values of an expression that are tried one by one.
const mostFew = 256

// wordsOf returns all that an expression accepts; nil: too many.
func wordsOf(re *syntax.Regexp) []string {
	out := []string{""}
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText:
		return out
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil
		}
		return []string{string(re.Rune)}
	case syntax.OpCharClass:
		out = nil
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if out = append(out, string(r)); len(out) > mostFew {
					return nil
				}
			}
		}
		return out
	case syntax.OpCapture:
		return wordsOf(re.Sub[0])
	case syntax.OpQuest:
		if rest := wordsOf(re.Sub[0]); rest != nil {
			return append(out, rest...)
		}
	case syntax.OpAlternate:
		out = nil
		for _, sub := range re.Sub {
			w := wordsOf(sub)
			if out = append(out, w...); w == nil || len(out) > mostFew {
				return nil
			}
		}
		return out
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			tails := wordsOf(sub)
			if len(out)*len(tails) > mostFew {
				return nil
			}
			var longer []string
			for _, head := range out {
				for _, tail := range tails {
					longer = append(longer, head+tail)
				}
			}
			if out = longer; out == nil {
				return nil
			}
		}
		return out
	}
	return nil
}
