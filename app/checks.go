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
	"dswatch/rules"
	"dswatch/setting"
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
func (c *checks) warnings() []string {
	return slices.Concat(c.routeWarnings(), c.repeatWarnings(), c.windowWarnings(), c.nameWarnings())
}

// nameWarnings names a host that nobody can tell from another, or from a slip
// of the pen. A configuration that has run goes on running.
func (c *checks) nameWarnings() (out []string) {
	host := c.conf.Host
	switch {
	case host != "" && !strings.ContainsFunc(host, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		out = append(out, fmt.Sprintf("%s: host: %q has no letter and no digit; write the host's name, or leave it out for that of the operating system", c.file.Position("host"), host))
	case lookalike(host) != "":
		out = append(out, c.file.Position("host")+": host: "+lookalike(host))
	}
	for _, m := range c.list.Merged() {
		path := fmt.Sprintf("watch.items[%d].name", m.Item)
		out = append(out, fmt.Sprintf("%s: %s: %q and %q are one on Windows, which does not tell case; they are watched there as one item, %q: remove one of them, and write that name in routes and silences",
			c.file.Position(path), path, c.conf.Watch.Items[m.Item].Name, m.Into, m.Into))
	}
	return out
}

// lookalike says that a name looks like another one; empty: it does not.
func lookalike(name string) string {
	if plain := norm.NFKC.String(name); plain != name {
		return fmt.Sprintf("%q looks like %q and is another name (composed and decomposed characters, or their widths); write the second", name, plain)
	}
	return ""
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
			next := "configure it under sinks"
			if len(valid) > 0 {
				next = "write one of " + strings.Join(valid, ", ")
			}
			if near := setting.Nearest(name, valid); near != "" {
				next = fmt.Sprintf("did you mean %q?", near)
			}
			errs = append(errs, c.file.Errorf(fmt.Sprintf("%s[%d]", path, n), "there is no sink %q; %s", name, next))
		}
	}
	c.lint = rules.LintRoutes(c.conf.Routes, c.conf.Location())
	for i, r := range c.conf.Routes {
		exist(fmt.Sprintf("routes[%d].sinks", i), r.Sinks)
		if r.Escalate != nil {
			exist(fmt.Sprintf("routes[%d].escalate.sinks", i), r.Escalate.Sinks)
		}
		if by := c.lint.Shadows[i]; by != nil {
			next := "move this route before it, or write continue: true there"
			if len(by) > 1 {
				next = "move this route before them, or write continue: true there"
			}
			errs = append(errs, c.file.Errorf(fmt.Sprintf("routes[%d]", i), "no alert gets here, because %s; %s", taken(by), next))
		}
	}
	return errs
}

// taken says which routes take all alerts.
func taken(by []int) string {
	names := make([]string, len(by))
	for i, n := range by {
		names[i] = fmt.Sprintf("routes[%d]", n)
	}
	if len(names) == 1 {
		return names[0] + " takes all of them"
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last] + " together take all of them"
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
			errs = append(errs, c.file.Errorf(fmt.Sprintf("sinks[%d].%s", i, key),
				"%s is not 10m longer than the %s between two notices (%s), so an open alert would be taken for over; write %s or more", after, longest, from, longest+margin))
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
func (c *checks) repeatWarnings() (out []string) {
	for i, s := range c.sinks {
		f, ok := s.settings.(forgetful)
		if !ok {
			continue
		}
		key, after := f.Forgets()
		if _, _, once := c.repeats(s.common.Name); once {
			path := fmt.Sprintf("sinks[%d]", i)
			out = append(out, fmt.Sprintf("%s: %s.%s: alerts are not repeated to sink %s, so one that lasts longer than %s is taken for over there; repeat them, or write a longer time",
				c.file.Position(path), path, key, s.common.Name, after))
		}
	}
	return out
}

// routeWarnings names what is allowed but rarely meant.
func (c *checks) routeWarnings() (out []string) {
	if len(c.conf.Routes) == 0 {
		return nil
	}
	for i, s := range c.sinks {
		if !slices.ContainsFunc(c.conf.Routes, func(r rules.Route) bool {
			return slices.Contains(r.Sinks, s.common.Name) || r.Escalate != nil && slices.Contains(r.Escalate.Sinks, s.common.Name)
		}) {
			out = append(out, fmt.Sprintf("%s: sinks[%d]: no route leads to sink %s, so it is told nothing; add a route or remove the sink",
				c.file.Position(fmt.Sprintf("sinks[%d]", i)), i, s.common.Name))
		}
	}
	if c.lint.Missed {
		out = append(out, c.file.Position("routes")+": routes: "+missed(c.lint))
	}
	return out
}

// missed says which alerts no route takes.
func missed(lint rules.Lint) string {
	what, is := "an alert", " is"
	var with []string
	for _, m := range lint.Lost {
		with = append(with, m.String())
		if m.Expression() {
			is = " may be" // what it may be is not certain
		}
	}
	if len(with) > 0 {
		what += " with " + strings.Join(with, " ")
	}
	if lint.When != "" {
		return what + is + " told to nobody at " + lint.When + ", for example, until the hours of a route begin; end with a route without match and hours"
	}
	return what + is + " told to nobody, because no route matches it; end with a route without match"
}

// windowWarnings names windows that open more often than their author may mean.
func (c *checks) windowWarnings() (out []string) {
	for i, w := range c.conf.Windows {
		if w.Either() {
			path := fmt.Sprintf("maintenance[%d].schedule", i)
			out = append(out, fmt.Sprintf("%s: %s: %q opens on each of these days of the month and, as cron has it, on each of these weekdays besides; for the second Saturday write 0 2 * * SAT#2",
				c.file.Position(path), path, w.Schedule))
		}
	}
	return out
}

// checkWindows refuses two windows of one name.
func (c *checks) checkWindows() (errs []error) {
	names := map[string]bool{}
	for i, w := range c.conf.Windows {
		if names[w.Name] {
			errs = append(errs, c.file.Errorf(fmt.Sprintf("maintenance[%d].name", i), "another window is named %q; give each its own name", w.Name))
		}
		names[w.Name] = true
	}
	return errs
}

// shorten bounds what would last for ever, and says what it was.
func (l *Loaded) shorten() (out []string) {
	at := func(path string) func(string) {
		return func(text string) {
			key, _, _ := strings.Cut(text, ": ")
			out = append(out, fmt.Sprintf("%s: %s.%s", l.file.Position(path+"."+key), path, text))
		}
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
