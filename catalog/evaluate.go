package catalog

import (
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// Verdict is whether a row is expected on a host, and why.
type Verdict struct {
	Expected Tri
	// Reason names the footnote, the facts that decided and where their
	// values came from; or the facts that are unknown and where to declare
	// them.
	Reason    event.Said
	Footnotes []string // ids, of the row
}

// ReasonIn returns the reason in language: "ja", or English for anything
// else.
func (v Verdict) ReasonIn(language string) string { return words.In(language, nil).Say(v.Reason) }

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
		}
		v.Reason = g.unknown()
		if when == Unknown {
			v.Reason = v.Reason.And(r.note())
		}
	case onOS == No:
		os := g1(f, event.OS)
		v.Reason = words.OtherOS.With(clean(os.fact.Value), os.origin(), r.OS)
	case r.Kind == event.Installation || r.Kind.Class() != "" && installed == No:
		v.Reason = g1(f, r.remembered()).there()
	case installed == No:
		v.Reason = words.ComponentAbsent.With(words.Component(r.Component), g1(f, event.Components).origin())
	case r.When.IsZero():
		v.Reason = r.always(f)
	default:
		var g grounds
		r.When.root.why(f, when, &g)
		if v.Expected == Yes && r.vendors() && !g.known() { // that nothing is known is no reason by itself
			v.Reason = r.always(f)
			break
		}
		v.Reason = g.decided(v.Expected).And(r.note())
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
	if r.Kind.Class() != "" && r.Kind != event.Store { // what dswatch remembers and is told
		if _, known := f.Get(r.remembered()); !known || r.Kind == event.Installation {
			return triOf(known)
		}
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

// remembered is the fact without which a row of a class is not expected.
func (r Row) remembered() event.Name {
	switch {
	case r.Kind == event.Evidence:
		return event.Evidenced(r.Name)
	case r.Kind == event.Tamper && r.Name != "starts":
		return event.Installed(r.Component)
	}
	return event.Name(r.Name + "." + r.Component)
}

// always is the reason of a row without a condition.
func (r Row) always(f event.Facts) (why event.Said) {
	switch {
	case r.asked():
		why = words.ManagerAsked.With()
	case !r.vendors():
		return words.NoCondition.With()
	default:
		why = words.ComponentThere.With(words.Component(r.Component), g1(f, event.Components).origin())
	}
	return why.And(r.note())
}

// note is what the row's footnotes say.
func (r Row) note() event.Said {
	if r.notes == (words.Both{}) {
		return event.Said{}
	}
	return words.Note.With(r.notes)
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

// known reports whether any of the facts is.
func (g grounds) known() bool {
	return slices.ContainsFunc(g, func(x ground) bool { return x.fact.Value != "" })
}

// g1 is the ground of one fact.
func g1(f event.Facts, n event.Name) ground {
	v, _ := f.Get(n)
	return ground{name: n, fact: v}
}

func (g ground) origin() words.Origin { return words.Origin(clean(g.fact.Origin)) }

// says says what the fact is: "relay is on [declared]".
func (g ground) says() words.Phrase {
	name := words.Fact(g.name)
	switch {
	case g.fact.Value == "":
		return words.FactUnknown.Phrase(name)
	case len(g.relations) > 0:
		return words.FactVersion.Phrase(name, clean(g.fact.Value), g.origin(), g.relations)
	}
	return words.FactIs.Phrase(name, words.Value(clean(g.fact.Value)), g.origin())
}

// there says of what is remembered of a host what it is.
func (g ground) there() event.Said {
	if g.fact.Value == "" {
		return words.FactMissing.With(words.Fact(g.name))
	}
	return words.FactSaid.With(words.Fact(g.name), words.Value(clean(g.fact.Value)), g.origin())
}

// decided says that these facts, of which there is at least one, made a row
// expected or not.
func (g grounds) decided(t Tri) event.Said {
	all := g[0].says()
	for _, x := range g[1:] {
		all = words.Grounds.Phrase(all, x.says())
	}
	why := words.Because.With(all)
	if t == No {
		why = words.NotBecause.With(all)
	}
	for _, x := range g {
		if m := x.meant(); m != "" && len(x.relations) > 0 {
			why = why.And(words.ReadAs.With(words.Fact(x.name), m))
		}
	}
	return why
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

// unknown says which facts are missing or cannot be read, and what to do.
func (g grounds) unknown() (why event.Said) {
	var missing, unreadable, partial []string
	for _, x := range g {
		if x.fact.Value == "" {
			missing = append(missing, string(x.name))
			continue
		}
		quoted := string(x.name) + " " + strconv.QuoteToASCII(clip(x.fact.Value)) + " [" + clean(x.fact.Origin) + "]"
		if _, err := parseFact(x.name, x.fact.Value); err != nil {
			unreadable = append(unreadable, quoted)
		} else {
			partial = append(partial, quoted)
		}
	}
	if len(missing) > 0 {
		why = why.And(words.FactsMissing.With(missing))
	}
	if len(unreadable) > 0 {
		why = why.And(words.FactsUnreadable.With(unreadable))
	}
	if len(partial) > 0 {
		why = why.And(words.FactsPartial.With(partial))
	}
	if len(g) > 1 || g[0].name == event.Components {
		return why.And(words.DeclareThem.With())
	}
	return why.And(words.DeclareIt.With())
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
