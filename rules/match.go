package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
)

// Subject is what a matcher looks at: one rule's trouble with one item.
type Subject struct {
	event.Key
	Rule     string
	Severity event.Severity
}

// matchFields lists what a matcher may compare.
func matchFields() []string {
	return []string{"host", "component", "kind", "name", "severity", "rule"}
}

// closed lists the values of a field that has no others, or nothing.
func closed(field string) (values []string) {
	switch field {
	case "kind":
		for _, k := range event.Kinds() {
			values = append(values, string(k))
		}
	case "severity":
		for _, s := range event.Severities() {
			values = append(values, string(s))
		}
	case "rule":
		for _, n := range ruleNames() {
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
	}
	return s.Rule
}

// Matcher compares one field of a Subject. It is written as
// FIELD OPERATOR VALUE: host=web01, name!="ds_agent", host=~"web.*". The
// operators are = and !=, and =~ and !~ for an RE2 expression that must match
// the whole value.
type Matcher struct {
	field, op, value string
	re               *regexp.Regexp
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
		return m, fmt.Errorf("a matcher of %d bytes is too long; at most %d are allowed", len(s), maxMatcher)
	}
	end := strings.IndexAny(s, "=!~")
	if end < 0 {
		return m, fmt.Errorf(`%q is not a matcher; write FIELD=VALUE, such as host=web01 or name=~"ds_.*"`, s)
	}
	m.field = strings.TrimSpace(s[:end])
	if !slices.Contains(matchFields(), m.field) {
		return m, fmt.Errorf("%q is not a field of an alert; write one of %s", m.field, strings.Join(matchFields(), ", "))
	}
	rest := s[end:]
	for _, op := range operators {
		if v, ok := strings.CutPrefix(rest, op); ok {
			m.op, m.value = op, strings.TrimSpace(v)
			break
		}
	}
	if m.op == "" {
		return m, fmt.Errorf("%q has no operator; write one of =, !=, =~, !~", s)
	}
	if strings.HasPrefix(m.value, `"`) {
		v, err := strconv.Unquote(m.value)
		if err != nil {
			return m, fmt.Errorf(`the value %s is not closed by a quote or holds a bad escape; write it as "VALUE"`, m.value)
		}
		m.value = v
	} else if m.value == "" {
		return m, fmt.Errorf(`%q has no value; write one, or "" for the empty one`, s)
	}
	return m, m.compile()
}

// compile prepares an expression, and refuses values that can never occur.
func (m *Matcher) compile() error {
	if m.op == "=~" || m.op == "!~" {
		re, err := regexp.Compile(`^(?s:` + m.value + `)$`)
		if err != nil {
			// The expression as written may close our group: look at it alone.
			if _, own := regexp.Compile(m.value); own != nil {
				err = own
			}
			return fmt.Errorf("%q is not an RE2 expression: %w; see https://golang.org/s/re2syntax", m.value, err)
		}
		if _, err := regexp.Compile(m.value); err != nil {
			return fmt.Errorf("%q is not an RE2 expression: %w; see https://golang.org/s/re2syntax", m.value, err)
		}
		m.re = re
		return nil
	}
	if all := closed(m.field); all != nil && !slices.Contains(all, m.value) {
		return fmt.Errorf("%q is not a %s; write one of %s", m.value, m.field, strings.Join(all, ", "))
	}
	return nil
}

// Match reports whether the matcher accepts s.
func (m Matcher) Match(s *Subject) bool { return m.accepts(s.field(m.field)) }

func (m Matcher) accepts(v string) bool {
	switch m.op {
	case "=":
		return v == m.value
	case "!=":
		return v != m.value
	case "=~":
		return m.re.MatchString(v)
	}
	return !m.re.MatchString(v)
}

// String writes what ParseMatcher reads.
func (m Matcher) String() string { return m.field + m.op + strconv.Quote(m.value) }

// MarshalText is String, for JSON and YAML.
func (m Matcher) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is ParseMatcher, for JSON and YAML.
func (m *Matcher) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMatcher(string(b))
	return err
}

// Matchers accept what all of them accept; none accept everything.
type Matchers []Matcher

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

// covers reports whether ms is certain to accept everything that b accepts.
// No answer about two different expressions is tried: false is no promise.
func (ms Matchers) covers(b Matchers) bool {
	for _, field := range matchFields() {
		if values := closed(field); values != nil {
			for _, v := range values {
				if b.admits(field, v) && !ms.admits(field, v) {
					return false
				}
			}
			continue
		}
		for _, m := range ms {
			if m.field == field && !slices.ContainsFunc(b, m.follows) {
				return false
			}
		}
	}
	return true
}

// follows reports whether m accepts everything that n accepts.
func (m Matcher) follows(n Matcher) bool {
	if n.field != m.field {
		return false
	}
	return n.op == "=" && m.accepts(n.value) || n.op == m.op && n.value == m.value
}

// possible reports whether ms can accept anything in the fields that have
// few values.
func (ms Matchers) possible() bool {
	for _, field := range matchFields() {
		values := closed(field)
		if values != nil && !slices.ContainsFunc(values, func(v string) bool { return ms.admits(field, v) }) {
			return false
		}
	}
	return true
}
