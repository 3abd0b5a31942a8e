package catalog

import (
	"strings"

	"dswatch/event"
)

// When is the condition of a row, written as text:
//
//	always
//	anti_malware
//	relay AND edition is deep_security
//	tls_inspection AND agent_version >= 20.0.0.4185 AND agent_version < 20.0.0.8438
//	communication is not agent_initiated OR (communication is unknown AND edition is deep_security)
//
// An on/off fact alone means that it is on. Facts with fixed values take
// `is` and `is not`; versions take these and <, <=, >, >=. `is unknown` asks
// whether a fact is known and is itself never unknown. NOT binds closer than
// AND, AND closer than OR. The zero value is `always`.
type When struct{ root expr }

// expr is a node of a condition.
type expr interface {
	eval(f event.Facts) Tri
	// why hands every single condition below the node that evaluates to t
	// to g. Where the node itself evaluates to t, these decided it.
	why(f event.Facts, t Tri, g *grounds)
	write(b *strings.Builder)
}

// IsZero reports whether w is `always`.
func (w When) IsZero() bool { return w.root == nil }

// Equal reports whether both are written the same.
func (w When) Equal(v When) bool { return w.String() == v.String() }

// String returns the text that ParseWhen reads.
func (w When) String() string {
	if w.root == nil {
		return "always"
	}
	var b strings.Builder
	w.root.write(&b)
	return b.String()
}

// MarshalText writes String.
func (w When) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a condition as ParseWhen does.
func (w *When) UnmarshalText(b []byte) error {
	v, err := ParseWhen(string(b))
	if err != nil {
		return err
	}
	*w = v
	return nil
}

// Eval returns whether the condition holds for f.
func (w When) Eval(f event.Facts) Tri {
	if w.root == nil {
		return Yes
	}
	return w.root.eval(f)
}

// list is AND (and is true) or OR of two or more conditions.
type list struct {
	and bool
	of  []expr
}

func (l list) eval(f event.Facts) Tri {
	if l.and {
		t := Yes
		for _, e := range l.of {
			t = t.And(e.eval(f))
		}
		return t
	}
	t := No
	for _, e := range l.of {
		t = t.Or(e.eval(f))
	}
	return t
}

func (l list) why(f event.Facts, t Tri, g *grounds) {
	for _, e := range l.of {
		if e.eval(f) == t {
			e.why(f, t, g)
		}
	}
}

func (l list) write(b *strings.Builder) {
	word := " OR "
	if l.and {
		word = " AND "
	}
	for i, e := range l.of {
		if i > 0 {
			b.WriteString(word)
		}
		writeInner(b, e)
	}
}

// not is NOT of one condition.
type not struct{ of expr }

func (n not) eval(f event.Facts) Tri { return n.of.eval(f).Not() }

func (n not) why(f event.Facts, t Tri, g *grounds) { n.of.why(f, t.Not(), g) }

func (n not) write(b *strings.Builder) {
	b.WriteString("NOT ")
	writeInner(b, n.of)
}

// writeInner writes e with parentheses where it is a list.
func writeInner(b *strings.Builder, e expr) {
	if _, ok := e.(list); !ok {
		e.write(b)
		return
	}
	b.WriteByte('(')
	e.write(b)
	b.WriteByte(')')
}

// is compares a fact with one of its fixed values.
type is struct {
	fact  event.Name
	not   bool
	value string
}

func (c is) eval(f event.Facts) Tri {
	v, ok := f.Get(c.fact)
	if !ok {
		return Unknown
	}
	return triOf((v.Value == c.value) != c.not)
}

func (c is) why(f event.Facts, _ Tri, g *grounds) { g.add(f, c.fact, "") }

func (c is) write(b *strings.Builder) {
	b.WriteString(short(c.fact))
	switch {
	case c.not:
		b.WriteString(" is not " + c.value)
	case c.value != event.On:
		b.WriteString(" is " + c.value)
	}
}

// known is `FACT is unknown`, or `is not unknown` where want is true.
type known struct {
	fact event.Name
	want bool
}

func (c known) eval(f event.Facts) Tri {
	_, ok := f.Get(c.fact)
	return triOf(ok == c.want)
}

func (c known) why(f event.Facts, _ Tri, g *grounds) { g.add(f, c.fact, "") }

func (c known) write(b *strings.Builder) {
	b.WriteString(short(c.fact))
	if c.want {
		b.WriteString(" is not")
	} else {
		b.WriteString(" is")
	}
	b.WriteString(" unknown")
}

// compare compares a version.
type compare struct {
	fact event.Name
	op   op
	to   Version
	text [2]string // the relation as a reason shows it: where it is false, where it is true
}

type op int

const (
	eq op = iota
	ne
	lt
	ge
	gt
	le
)

// ops are written as here; those that differ in the last bit are opposites.
var ops = [...]string{eq: "is", ne: "is not", lt: "<", ge: ">=", gt: ">", le: "<="}

func newCompare(fact event.Name, o op, to Version) compare {
	v := to.String()
	if released(fact) && to[2] >= leastBuild && to[3] == 0 {
		v += ".0" // else it would be read as a build
	}
	return compare{fact: fact, op: o, to: to, text: [2]string{ops[o^1] + " " + v, ops[o] + " " + v}}
}

func (c compare) eval(f event.Facts) Tri {
	text, ok := f.Get(c.fact)
	if !ok {
		return Unknown
	}
	r, err := parseFact(c.fact, text.Value)
	if err != nil {
		return Unknown
	}
	least, most := r.Least.Compare(c.to), r.Most.Compare(c.to)
	t := c.op.holds(least)
	if t != c.op.holds(most) || least < 0 && most > 0 {
		return Unknown // it depends on the build
	}
	return triOf(t)
}

// holds reports whether a version that compares as d is in the relation.
func (o op) holds(d int) bool {
	switch o {
	case eq:
		return d == 0
	case ne:
		return d != 0
	case lt:
		return d < 0
	case ge:
		return d >= 0
	case gt:
		return d > 0
	}
	return d <= 0
}

// released reports whether the fact is a version of ours to be read as a
// Release. A kernel's third number is what it is.
func released(n event.Name) bool { return n == event.AgentVersion || n == event.ApplianceVersion }

// parseFact reads the text of a fact that is a version.
func parseFact(n event.Name, s string) (Release, error) {
	if released(n) {
		return ParseRelease(s)
	}
	v, err := ParseVersion(s)
	return Release{v, v}, err
}

func (c compare) why(f event.Facts, t Tri, g *grounds) {
	switch t {
	case Yes:
		g.add(f, c.fact, c.text[1])
	case No:
		g.add(f, c.fact, c.text[0])
	default:
		g.add(f, c.fact, "")
	}
}

func (c compare) write(b *strings.Builder) {
	b.WriteString(short(c.fact))
	b.WriteByte(' ')
	b.WriteString(c.text[1])
}

const featurePrefix = "features."

// short is the name of a fact in a condition: without "features.".
func short(n event.Name) string { return strings.TrimPrefix(string(n), featurePrefix) }
