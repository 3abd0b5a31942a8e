package app

import (
	"fmt"
	"slices"
	"strings"

	"dswatch/rules"
	"dswatch/setting"
)

// configuredSinks are the names of the sinks in the order of the file.
func (l *Loaded) configuredSinks() []string {
	var names []string
	for _, s := range l.sinks {
		names = append(names, s.common.Name)
	}
	return names
}

// checkRoutes refuses routes to sinks that do not exist, and routes that no
// alert can reach.
func (l *Loaded) checkRoutes() (errs []error) {
	valid := l.configuredSinks()
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
			errs = append(errs, l.file.Errorf(fmt.Sprintf("%s[%d]", path, n), "there is no sink %q; %s", name, next))
		}
	}
	for i, r := range l.Routes {
		exist(fmt.Sprintf("routes[%d].sinks", i), r.Sinks)
		if r.Escalate != nil {
			exist(fmt.Sprintf("routes[%d].escalate.sinks", i), r.Escalate.Sinks)
		}
		if by := rules.Shadow(l.Routes, i); by >= 0 {
			errs = append(errs, l.file.Errorf(fmt.Sprintf("routes[%d]", i),
				"no alert gets here, because routes[%d] takes all of them; move this route before it, or write continue: true there", by))
		}
	}
	return errs
}

// routeWarnings names what is allowed but rarely meant.
func (l *Loaded) routeWarnings() (out []string) {
	if len(l.Routes) == 0 {
		return nil
	}
	for i, s := range l.sinks {
		if !slices.ContainsFunc(l.Routes, func(r rules.Route) bool {
			return slices.Contains(r.Sinks, s.common.Name) || r.Escalate != nil && slices.Contains(r.Escalate.Sinks, s.common.Name)
		}) {
			out = append(out, fmt.Sprintf("%s: sinks[%d]: no route leads to sink %s, so it is told nothing; add a route or remove the sink",
				l.file.Position(fmt.Sprintf("sinks[%d]", i)), i, s.common.Name))
		}
	}
	if !rules.CatchAll(l.Routes) {
		out = append(out, l.file.Position("routes")+": routes: an alert that no route matches is told to nobody; end with a route without match")
	}
	return out
}

// checkWindows refuses two windows of one name.
func (l *Loaded) checkWindows() (errs []error) {
	names := map[string]bool{}
	for i, w := range l.Windows {
		if names[w.Name] {
			errs = append(errs, l.file.Errorf(fmt.Sprintf("maintenance[%d].name", i), "another window is named %q; give each its own name", w.Name))
		}
		names[w.Name] = true
	}
	return errs
}

// ruleSet is the rules of this configuration.
func (l *Loaded) ruleSet() (*rules.Set, error) {
	set := &rules.Set{Settings: l.Rules, Language: l.Language}
	for _, r := range l.Routes {
		route, err := r.At(l.location())
		if err != nil {
			return nil, err
		}
		set.Routes = append(set.Routes, route)
	}
	for _, w := range l.Windows {
		span, err := w.Span(l.location())
		if err != nil {
			return nil, err
		}
		set.Windows = append(set.Windows, span)
	}
	return set, nil
}
