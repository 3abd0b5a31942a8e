package catalog

import (
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Bounds of a condition: the longest of the vendor's has 100 bytes.
const (
	maxWhen  = 2000 // bytes
	maxDepth = 20   // parentheses and NOTs inside each other
)

// ParseWhen reads a condition, see When. Words are read in any case; an empty
// text is `always`. An error names the column, counted in bytes from 1.
func ParseWhen(s string) (When, error) {
	if len(s) > maxWhen {
		return When{}, words.Fail(words.ConditionTooLong.With(len(s), maxWhen))
	}
	p := parser{rest: s, whole: len(s)}
	p.next()
	if p.tok == "" || p.isWord("always") {
		p.next()
		if p.tok == "" {
			return When{}, nil
		}
		return When{}, p.fault(words.AfterAlways.With(words.Inner(p.tok)))
	}
	e, err := p.or(0)
	if err != nil {
		return When{}, err
	}
	if p.tok != "" {
		return When{}, p.fault(words.WhereAndOr.With(words.Inner(p.tok)))
	}
	return When{root: e}, nil
}

type parser struct {
	rest  string
	whole int
	tok   string // "" at the end
	at    int    // column of tok
}

// next moves to the next token: a parenthesis, a comparison or a word.
func (p *parser) next() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	p.at = p.whole - len(p.rest) + 1
	n := strings.IndexAny(p.rest, " \t\r\n()<>=!")
	switch {
	case n < 0:
		n = len(p.rest)
	case n == 0 && strings.ContainsRune("()", rune(p.rest[0])):
		n = 1
	case n == 0:
		n = len(p.rest) - len(strings.TrimLeft(p.rest, "<>=!"))
	}
	p.tok, p.rest = p.rest[:n], p.rest[n:]
}

func (p *parser) isWord(w string) bool { return strings.EqualFold(p.tok, w) }

func (p *parser) fault(s event.Said) error { return p.failed(words.Fail(s)) }

// failed says where the condition is wrong.
func (p *parser) failed(err error) error {
	return words.FailWith(err, words.BadCondition.With(p.at, err))
}

func (p *parser) or(depth int) (expr, error)  { return p.list(depth, "OR", p.and) }
func (p *parser) and(depth int) (expr, error) { return p.list(depth, "AND", p.unary) }

// list reads one or more operands with word between them. Lists of the same
// word inside it become part of it, so that one meaning has one text.
func (p *parser) list(depth int, word string, operand func(int) (expr, error)) (expr, error) {
	l := list{and: word == "AND"}
	for {
		e, err := operand(depth)
		if err != nil {
			return nil, err
		}
		if inner, ok := e.(list); ok && inner.and == l.and {
			l.of = append(l.of, inner.of...)
		} else {
			l.of = append(l.of, e)
		}
		if !p.isWord(word) {
			break
		}
		p.next()
	}
	if len(l.of) == 1 {
		return l.of[0], nil
	}
	return l, nil
}

func (p *parser) unary(depth int) (expr, error) {
	if depth > maxDepth {
		return nil, p.fault(words.TooNested.With(maxDepth))
	}
	switch {
	case p.isWord("NOT"):
		p.next()
		e, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return not{e}, nil
	case p.tok == "(":
		p.next()
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.tok != ")" {
			return nil, p.fault(words.WhereParenthesis.With(words.Inner(p.tok)))
		}
		p.next()
		return e, nil
	}
	return p.condition()
}

// condition reads one fact with what is asked of it.
func (p *parser) condition() (expr, error) {
	fact, err := p.fact()
	if err != nil {
		return nil, err
	}
	allowed := fact.Allowed()
	o, at, err := p.op()
	switch {
	case err != nil:
		return nil, err
	case o < 0 && slices.Contains(allowed, event.On):
		return is{fact: fact, value: event.On}, nil
	case o < 0 && allowed == nil:
		return nil, p.fault(words.NothingAskedVersion.With(short(fact), short(fact)))
	case o < 0:
		return nil, p.fault(words.NothingAskedValue.With(short(fact), short(fact), allowed))
	}
	if (o == eq || o == ne) && p.isWord("unknown") {
		p.next()
		return known{fact: fact, want: o == ne}, nil
	}
	value := p.tok
	switch {
	case value == "" || value == ")":
		return nil, p.fault(words.ValueMissing.With(short(fact), ops[o]))
	case allowed == nil:
		r, err := parseFact(fact, value)
		if err != nil {
			return nil, p.failed(err)
		}
		p.next()
		return newCompare(fact, o, r.Least), nil
	case o != eq && o != ne:
		p.at = at
		return nil, p.fault(words.NotComparable.With(short(fact), ops[o]))
	}
	lower := strings.ToLower(value)
	if !slices.Contains(allowed, lower) {
		return nil, p.fault(words.NotAValueOf.With(words.Inner(setting.Clip(value)), short(fact), meant(value, append(slices.Clone(allowed), "unknown"))))
	}
	p.next()
	return is{fact: fact, not: o == ne, value: lower}, nil
}

// fact reads the name of a fact, with or without "features.".
func (p *parser) fact() (event.Name, error) {
	if p.tok == "" {
		return "", p.fault(words.ConditionEnds.With())
	}
	word := strings.ToLower(p.tok)
	var names []string
	for _, n := range event.Names() {
		if n == event.Components {
			continue // a row names its component by itself
		}
		if word == string(n) || word == short(n) {
			p.next()
			return n, nil
		}
		names = append(names, short(n))
	}
	if word == string(event.Components) {
		return "", p.fault(words.NoComponentsAsked.With())
	}
	return "", p.fault(words.NotAFact.With(words.Inner(setting.Clip(p.tok)), meant(p.tok, names)))
}

// op reads a comparison and returns where it stood; -1 if there is none.
func (p *parser) op() (op, int, error) {
	at := p.at
	switch {
	case p.isWord("is"):
		p.next()
		if p.isWord("not") {
			p.next()
			return ne, at, nil
		}
		return eq, at, nil
	case p.tok == "" || !strings.ContainsRune("<>=!", rune(p.tok[0])):
		return -1, at, nil
	}
	for o := lt; o <= le; o++ {
		if p.tok == ops[o] {
			p.next()
			return o, at, nil
		}
	}
	return -1, at, p.fault(words.NotAComparison.With(words.Inner(setting.Clip(p.tok))))
}
