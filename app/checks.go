package app

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"dswatch/catalog"
	"dswatch/config"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/words"
)

// checks looks at what no single component can see.
type checks struct {
	conf  *Config
	file  *config.File
	sinks []sinkSpec
	list  *catalog.Catalog
	lint  rules.Lint // of the routes
}

// errors are what is refused.
func (c *checks) errors() []error {
	return slices.Concat(c.checkRoutes(), c.checkRepeats(), c.checkWindows())
}

// warnings are what is allowed and rarely meant.
func (c *checks) warnings() []event.Said {
	return slices.Concat(c.routeWarnings(), c.repeatWarnings(), c.windowWarnings(), c.nameWarnings())
}

// nameWarnings names a host that nobody can tell from another, or from a slip
// of the pen. A configuration that has run goes on running.
func (c *checks) nameWarnings() (out []event.Said) {
	host := c.conf.Host
	switch {
	case host != "" && !strings.ContainsFunc(host, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		out = append(out, warning(c.file, "host", words.NoLetterNorDigit.With(words.Inner(host))))
	case !lookalike(host).Empty():
		out = append(out, warning(c.file, "host", lookalike(host)))
	}
	for _, m := range c.list.Merged() {
		path := fmt.Sprintf("watch.items[%d].name", m.Item)
		out = append(out, warning(c.file, path, words.OneOnWindows.With(words.Inner(c.conf.Watch.Items[m.Item].Name), words.Inner(m.Into))))
	}
	return out
}

// warning is what should be looked at about the key at path.
func warning(file *config.File, path string, s event.Said) event.Said {
	return words.AtPlace.With(file.Position(path), path, words.Fail(s))
}

// lookalike says that a name looks like another one; empty: it does not.
func lookalike(name string) event.Said {
	if plain := norm.NFKC.String(name); plain != name {
		return words.LooksLike.With(words.Inner(name), words.Inner(plain))
	}
	return event.Said{}
}

// names are those of the sinks in the order of the file.
func (c *checks) names() []string {
	var names []string
	for _, s := range c.sinks {
		names = append(names, s.common.Name)
	}
	return names
}

// checkRoutes refuses routes to sinks that do not exist, and routes that no
// alert can reach.
func (c *checks) checkRoutes() (errs []error) {
	valid := c.names()
	exist := func(path string, names []string) {
		for n, name := range names {
			if slices.Contains(valid, name) {
				continue
			}
			next := words.ConfigureSink.Phrase()
			if len(valid) > 0 {
				next = words.WriteOneOf.Phrase(valid)
			}
			if near := setting.Nearest(name, valid); near != "" {
				next = words.DidYouMeanText.Phrase(near)
			}
			errs = append(errs, c.file.Fault(fmt.Sprintf("%s[%d]", path, n), words.NoSinkNamed.With(words.Inner(name), next)))
		}
	}
	c.lint = rules.LintRoutes(c.conf.Routes, c.conf.Location())
	for i, r := range c.conf.Routes {
		exist(fmt.Sprintf("routes[%d].sinks", i), r.Sinks)
		if r.Escalate != nil {
			exist(fmt.Sprintf("routes[%d].escalate.sinks", i), r.Escalate.Sinks)
		}
		if by := c.lint.Shadows[i]; by != nil {
			errs = append(errs, c.file.Fault(fmt.Sprintf("routes[%d]", i), taken(by)))
		}
	}
	return errs
}

// taken says that routes take all alerts before another one.
func taken(by []int) event.Said {
	names := make([]string, len(by))
	for i, n := range by {
		names[i] = fmt.Sprintf("routes[%d]", n)
	}
	if len(names) == 1 {
		return words.RouteShadowed.With(names[0])
	}
	return words.RouteShadowedByAll.With(names)
}

// margin is how much longer than the repetitions a far end must keep an alert,
// so that one that comes late still finds it.
const margin = 10 * time.Minute

// checkRepeats refuses a sink whose far end would take an open alert for over
// before it is told again.
func (c *checks) checkRepeats() (errs []error) {
	for i, s := range c.sinks {
		f, ok := s.settings.(forgetful)
		if !ok {
			continue
		}
		key, after := f.Forgets()
		if longest, from, _ := c.repeats(s.common.Name); longest > 0 && after < longest+margin {
			errs = append(errs, c.file.Fault(fmt.Sprintf("sinks[%d].%s", i, key), words.EndsTooSoon.With(after.String(), longest.String(), from, (longest+margin).String())))
		}
	}
	return errs
}

// forgetful are the settings of a sink whose far end takes an alert that it is
// not told of again for over, after the time under a key.
type forgetful interface {
	Forgets() (key string, after time.Duration)
}

// repeats is the longest time between two notices of an open alert to a sink
// and the key that says so, and whether some alerts are told but once.
func (c *checks) repeats(sink string) (longest time.Duration, from string, once bool) {
	add := func(d time.Duration, key string) {
		if d > longest {
			longest, from = d, key
		}
		once = once || d == 0
	}
	if len(c.conf.Routes) == 0 {
		add(c.conf.Rules.Repeat, "rules.repeat")
	}
	for i, r := range c.conf.Routes {
		if !slices.Contains(r.Sinks, sink) && (r.Escalate == nil || !slices.Contains(r.Escalate.Sinks, sink)) {
			continue
		}
		if r.Repeat != nil {
			add(*r.Repeat, fmt.Sprintf("routes[%d].repeat", i))
		} else {
			add(c.conf.Rules.Repeat, "rules.repeat")
		}
	}
	return longest, from, once
}

// repeatWarnings names far ends that take what lasts for over.
func (c *checks) repeatWarnings() (out []event.Said) {
	for i, s := range c.sinks {
		f, ok := s.settings.(forgetful)
		if !ok {
			continue
		}
		key, after := f.Forgets()
		if _, _, once := c.repeats(s.common.Name); once {
			path := fmt.Sprintf("sinks[%d]", i)
			out = append(out, words.AtPlace.With(c.file.Position(path), path+"."+key, words.Fail(words.NotRepeated.With(s.common.Name, after.String()))))
		}
	}
	return out
}

// routeWarnings names what is allowed but rarely meant.
func (c *checks) routeWarnings() (out []event.Said) {
	if len(c.conf.Routes) == 0 {
		return nil
	}
	for i, s := range c.sinks {
		if !slices.ContainsFunc(c.conf.Routes, func(r rules.Route) bool {
			return slices.Contains(r.Sinks, s.common.Name) || r.Escalate != nil && slices.Contains(r.Escalate.Sinks, s.common.Name)
		}) {
			out = append(out, warning(c.file, fmt.Sprintf("sinks[%d]", i), words.NoRouteLeads.With(s.common.Name)))
		}
	}
	if c.lint.Missed {
		out = append(out, warning(c.file, "routes", missed(c.lint)))
	}
	return out
}

// missed says which alerts no route takes.
func missed(lint rules.Lint) event.Said {
	certain := 1
	var with []string
	for _, m := range lint.Lost {
		with = append(with, m.String())
		if m.Expression() {
			certain = 2 // what it may be is not certain
		}
	}
	what := words.AnAlert.Phrase()
	if len(with) > 0 {
		what = words.AnAlertWith.Phrase(strings.Join(with, " "))
	}
	if lint.When != "" {
		return words.ToldNobodyAt.With(what, certain, lint.When)
	}
	return words.ToldNobody.With(what, certain)
}

// windowWarnings names windows that open more often than their author may mean.
func (c *checks) windowWarnings() (out []event.Said) {
	for i, w := range c.conf.Windows {
		if w.Either() {
			path := fmt.Sprintf("maintenance[%d].schedule", i)
			out = append(out, warning(c.file, path, words.OpensOnEither.With(words.Inner(w.Schedule))))
		}
	}
	return out
}

// checkWindows refuses two windows of one name.
func (c *checks) checkWindows() (errs []error) {
	names := map[string]bool{}
	for i, w := range c.conf.Windows {
		if names[w.Name] {
			errs = append(errs, c.file.Fault(fmt.Sprintf("maintenance[%d].name", i), words.WindowTwice.With(words.Inner(w.Name))))
		}
		names[w.Name] = true
	}
	return errs
}

// shorten bounds what would last for ever, and says what it was.
func (l *Loaded) shorten() (out []event.Said) {
	at := func(path string) func(string, event.Said) {
		return func(key string, s event.Said) { out = append(out, warning(l.file, path+"."+key, s)) }
	}
	l.Config.Rules.Shorten(at("rules"))
	for i := range l.Config.Routes {
		l.Config.Routes[i].Shorten(at(fmt.Sprintf("routes[%d]", i)))
	}
	for i := range l.Config.Windows {
		l.Config.Windows[i].Shorten(at(fmt.Sprintf("maintenance[%d]", i)))
	}
	return out
}

// ruleSet is the rules of this configuration.
func (c *Config) ruleSet() (*rules.Set, error) {
	set := &rules.Set{Settings: c.Rules, Language: c.Language, Zone: c.Location()}
	for _, r := range c.Routes {
		route, err := r.At(c.Location())
		if err != nil {
			return nil, err
		}
		set.Routes = append(set.Routes, route)
	}
	for _, w := range c.Windows {
		span, err := w.Span(c.Location())
		if err != nil {
			return nil, err
		}
		set.Windows = append(set.Windows, span)
	}
	return set, nil
}
