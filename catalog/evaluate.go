package catalog

import (
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
)

// Verdict is whether a row is expected on a host, and why.
type Verdict struct {
	Expected Tri
	// Reason names the footnote, the facts that decided and where their
	// values came from; or the facts that are unknown and where to declare
	// them. One line, in English.
	Reason    string
	ReasonJA  string   // the same in Japanese
	Footnotes []string // ids, of the row
}

// ReasonIn returns the reason in language: "ja", or English for anything
// else.
func (v Verdict) ReasonIn(language string) string {
	if language == "ja" {
		return v.ReasonJA
	}
	return v.Reason
}

// Evaluate decides whether the row is expected on a host with these facts.
// It is expected where the host's OS is the row's, its component is there
// and its condition holds.
func (r Row) Evaluate(f event.Facts) Verdict {
	onOS, installed, when := r.onOS(f), r.installed(f), r.When.Eval(f)
	v := Verdict{Expected: onOS.And(installed).And(when), Footnotes: r.Footnotes}
	switch {
	case v.Expected == Unknown:
		var g grounds
		if onOS == Unknown {
			g.add(f, event.OS, "")
		}
		if installed == Unknown {
			g.add(f, event.Components, "")
		}
		if when == Unknown {
			r.When.root.why(f, Unknown, &g)
			v.Reason, v.ReasonJA = r.prefix(false), r.prefix(true)
		}
		v.Reason += g.unknown(false)
		v.ReasonJA += g.unknown(true)
	case onOS == No:
		os := g1(f, event.OS)
		v.Reason = os.text(false) + "; the row is for " + strings.Join(r.OS, ", ")
		v.ReasonJA = os.text(true) + "（対象: " + strings.Join(r.OS, ", ") + "）"
	case r.Kind == event.Installation:
		has := g1(f, r.remembered())
		v.Reason, v.ReasonJA = has.text(false), has.text(true)
	case installed == No:
		has := g1(f, event.Components)
		v.Reason = has.text(false) + ", without " + r.Component
		v.ReasonJA = has.text(true) + "（" + r.Component + " を含まない）"
	case r.When.IsZero():
		v.Reason, v.ReasonJA = r.always(f)
	default:
		var g grounds
		r.When.root.why(f, when, &g)
		v.Reason = g.known(r.prefix(false), false)
		v.ReasonJA = g.known(r.prefix(true), true)
	}
	return v
}

func (r Row) onOS(f event.Facts) Tri {
	if len(r.OS) == 0 {
		return Yes
	}
	os, ok := f.Get(event.OS)
	if !ok {
		return Unknown
	}
	return triOf(slices.Contains(r.OS, os.Value))
}

func (r Row) installed(f event.Facts) Tri {
	if r.Kind == event.Installation {
		_, known := f.Get(r.remembered())
		return triOf(known)
	}
	if !r.vendors() || r.asked() {
		return Yes
	}
	has, known := f.Has(r.Component)
	if !known {
		return Unknown
	}
	return triOf(has)
}

// asked reports whether the item is there because the configuration names it:
// a manager that is asked need not tell its components first.
func (r Row) asked() bool { return r.Kind == event.Heartbeat && r.Component == event.Manager }

// vendors reports whether the component is one that the components fact
// tells of.
func (r Row) vendors() bool { return slices.Contains(event.Components.Allowed(), r.Component) }

// remembered is the fact that makes a row of kind installation expected.
func (r Row) remembered() event.Name { return event.Name(r.Name + "." + r.Component) }

// always is the reason of a row without a condition.
func (r Row) always(f event.Facts) (en, ja string) {
	if r.asked() {
		ids := strings.Join(r.Footnotes, ", ")
		return "always expected: detectors.manager asks this manager; see footnote " + ids, "常に稼働（detectors.manager で問い合わせる Manager、注記 " + ids + " 参照）"
	}
	if !r.vendors() {
		return "always expected: the row has no condition", "常に稼働（条件のない行）"
	}
	has := g1(f, event.Components)
	en = "always expected where the " + r.Component + " is installed; " + has.text(false)
	ja = r.Component + " の導入先では常に稼働、" + has.text(true)
	if len(r.Footnotes) > 0 {
		ids := strings.Join(r.Footnotes, ", ")
		en += "; see footnote " + ids
		ja += "（注記 " + ids + " 参照）"
	}
	return en, ja
}

// prefix names the footnotes before the facts they speak of.
func (r Row) prefix(ja bool) string {
	ids := strings.Join(r.Footnotes, ", ")
	switch {
	case ids == "":
		return ""
	case ja:
		return "注記 " + ids + ": "
	case len(r.Footnotes) > 1:
		return "footnotes " + ids + ": "
	}
	return "footnote " + ids + ": "
}

// ground is one fact that decided, or that is missing.
type ground struct {
	name      event.Name
	fact      event.Fact // without a Value where it is unknown
	relations []string   // of a version: ">= 20.0.0.4185"
}

// grounds are the facts behind one verdict, each once.
type grounds []ground

// add notes a fact; relation says what a version was found to be, "" nothing.
func (g *grounds) add(f event.Facts, n event.Name, relation string) {
	i := slices.IndexFunc(*g, func(x ground) bool { return x.name == n })
	if i < 0 {
		*g, i = append(*g, g1(f, n)), len(*g)
	}
	if relation != "" && !slices.Contains((*g)[i].relations, relation) {
		(*g)[i].relations = append((*g)[i].relations, relation)
	}
}

// g1 is the ground of one fact.
func g1(f event.Facts, n event.Name) ground {
	v, _ := f.Get(n)
	return ground{name: n, fact: v}
}

// text says what the fact is: "relay is on [declared]".
func (g ground) text(ja bool) string { return string(g.append(nil, ja)) }

func (g ground) append(b []byte, ja bool) []byte {
	is, unknown, open, end := " is ", "unknown", " (", ")"
	if ja {
		is, unknown, open, end = " は ", "不明", "（", "）"
	}
	b = append(append(b, g.name...), is...)
	if g.fact.Value == "" {
		return append(b, unknown...)
	}
	b = append(b, clean(g.fact.Value)...)
	if meant := g.meant(); meant != "" && ja {
		b = append(append(append(b, "（"...), meant...), " と解釈）"...)
	} else if meant != "" {
		b = append(append(b, ", read as "...), meant...)
	}
	b = g.appendOrigin(b)
	for i, r := range g.relations {
		if i == 0 {
			b = append(b, open...)
		} else {
			b = append(b, ", "...)
		}
		b = append(b, r...)
	}
	if len(g.relations) > 0 {
		b = append(b, end...)
	}
	return b
}

// meant is what a version is taken for that is written without its update.
func (g ground) meant() string {
	if !released(g.name) {
		return ""
	}
	r, err := ParseRelease(g.fact.Value)
	if v, _ := ParseVersion(g.fact.Value); err != nil || r.Least == v {
		return ""
	}
	return r.Least.String()
}

func (g ground) appendOrigin(b []byte) []byte {
	if g.fact.Origin == "" {
		return b
	}
	return append(append(append(b, " ["...), clean(g.fact.Origin)...), ']')
}

// known joins the facts that made a yes or a no.
func (g grounds) known(prefix string, ja bool) string {
	b := append(make([]byte, 0, 256), prefix...)
	for i, x := range g {
		switch {
		case i > 0 && ja:
			b = append(b, "、"...)
		case i > 0:
			b = append(b, "; "...)
		}
		b = x.append(b, ja)
	}
	return string(b)
}

// unknown says which facts are missing or cannot be read, and what to do.
func (g grounds) unknown(ja bool) string {
	var missing, unreadable, partial []string
	for _, x := range g {
		quoted := string(x.name) + " " + string(x.appendOrigin(strconv.AppendQuoteToASCII(nil, clip(x.fact.Value))))
		if x.fact.Value == "" {
			missing = append(missing, string(x.name))
		} else if _, err := parseFact(x.name, x.fact.Value); err != nil {
			unreadable = append(unreadable, quoted)
		} else {
			partial = append(partial, quoted)
		}
	}
	var parts []string
	if ja {
		if len(missing) > 0 {
			parts = append(parts, strings.Join(missing, ", ")+" が不明")
		}
		if len(unreadable) > 0 {
			parts = append(parts, strings.Join(unreadable, ", ")+" をバージョンとして解釈できない")
		}
		if len(partial) > 0 {
			parts = append(parts, strings.Join(partial, ", ")+" にビルド番号がない")
		}
		return strings.Join(parts, "、") + "（facts ファイルまたは watch.facts で宣言してください）"
	}
	if len(missing) > 0 {
		parts = append(parts, strings.Join(missing, ", ")+" unknown")
	}
	if len(unreadable) > 0 {
		parts = append(parts, strings.Join(unreadable, ", ")+" cannot be read as a version")
	}
	if len(partial) > 0 {
		parts = append(parts, strings.Join(partial, ", ")+" tells no build")
	}
	what := "it"
	if len(g) > 1 || g[0].name == event.Components {
		what = "them"
	}
	return strings.Join(parts, "; ") + "; declare " + what + " in a facts file or in watch.facts"
}

// clean makes a value or an origin, which may come from another host, safe
// in one line.
func clean(s string) string {
	s = clip(s)
	if plain(s) {
		return s
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

// clip bounds s to what a reason has room for.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
