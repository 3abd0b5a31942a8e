package rules

import (
	"fmt"
	"slices"
	"time"
)

// Lint is what is wrong with a list of routes as a whole. It only says what is
// certain: what it cannot tell of two expressions counts as fine.
type Lint struct {
	// Shadows are, for each route, the earlier ones that leave no alert to
	// it; nil: some alert may get there.
	Shadows [][]int
	Missed  bool     // no route takes some of the alerts:
	Lost    Matchers // what all of these accept
	When    string   // a moment at which none does, such as "sat 00:00 Asia/Tokyo"; empty: at any
}

// LintRoutes looks at routes that are valid one by one; local is the time zone
// of hours without one.
func LintRoutes(routes []Route, local *time.Location) (l Lint) {
	moments, sure := openings(routes, local)
	steps := mostSteps
	l.Shadows = make([][]int, len(routes))
	for i := range routes {
		l.Shadows[i] = shadow(routes[:i+1], moments, sure, &steps)
	}
	for _, m := range moments {
		var lists []Matchers
		for i := range routes {
			if m.open[i] {
				lists = append(lists, routes[i].reach())
			}
		}
		if l.Lost, l.Missed = (Matchers{}).beside(lists, &steps); l.Missed && steps >= 0 {
			if len(moments) > 1 {
				l.When = m.at
			}
			return l
		}
		l.Missed = false
	}
	return l
}

// moment is a time at which some of the routes are open.
type moment struct {
	at   string
	open []bool
}

// openings returns the moments of a week that differ in which routes are open,
// and whether that is all of them: hours of several zones meet otherwise when
// one of them changes to summer time.
func openings(routes []Route, local *time.Location) (out []moment, sure bool) {
	zones := map[string]*time.Location{}
	at := make([]Route, len(routes))
	for i, r := range routes {
		at[i], _ = r.At(local) // validated
		for _, s := range at[i].shifts {
			zones[s.location.String()] = s.location
		}
	}
	if len(zones) == 0 {
		return []moment{{open: slices.Repeat([]bool{true}, len(routes))}}, true
	}
	sure = len(zones) == 1
	zone, said := time.UTC, "UTC" // without summer time, each minute of a week is there once
	for name := range zones {
		if sure {
			said = name
		}
	}
	seen := map[string]bool{}
	for n := range 7 * endOfDay {
		now := time.Date(2026, 1, 4, 0, n, 0, 0, zone) // a Sunday
		key := make([]byte, len(at))
		m := moment{at: fmt.Sprintf("%s %02d:%02d %s", dayNames[now.Weekday()], now.Hour(), now.Minute(), said), open: make([]bool, len(at))}
		for i := range at {
			m.open[i] = len(at[i].shifts) == 0 || slices.ContainsFunc(at[i].shifts, func(s shift) bool {
				if !sure {
					return s.open(now)
				}
				return s.covers(now.Weekday(), now.Hour()*60+now.Minute())
			})
			if m.open[i] {
				key[i] = 1
			}
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, m)
		}
	}
	return out, sure
}

// shadow returns the routes that leave no alert to the last one at any of the
// moments.
func shadow(routes []Route, moments []moment, sure bool, steps *int) []int {
	i := len(routes) - 1
	always := make([]bool, i) // open at every moment
	for n := range always {
		always[n] = !slices.ContainsFunc(moments, func(m moment) bool { return !m.open[n] })
	}
	takes := func(without int, only []int) bool {
		for _, m := range moments {
			if !m.open[i] && sure {
				continue
			}
			var lists []Matchers
			for n := range i {
				r := &routes[n]
				if r.Continue || n == without || !slices.Contains(only, n) {
					continue
				}
				if always[n] || sure && m.open[n] {
					lists = append(lists, r.reach())
				}
			}
			if _, some := routes[i].reach().beside(lists, steps); some {
				return false
			}
		}
		return true
	}
	var by []int
	for n := range i {
		by = append(by, n)
	}
	if !takes(-1, by) {
		return nil
	}
	for n := range i { // only those that are needed
		if takes(n, by) {
			by = slices.DeleteFunc(slices.Clone(by), func(k int) bool { return k == n })
		}
	}
	return by
}

// mostSteps bounds the search for one list of routes to a few seconds; what is
// not found by then counts as fine.
const mostSteps = 200_000

// beside returns matchers of alerts that ms accepts and none of the lists
// does, and whether there may be any. When the steps are used up it says so,
// too.
func (ms Matchers) beside(lists []Matchers, steps *int) (Matchers, bool) {
	if *steps--; *steps < 0 {
		return ms, true
	}
	if !ms.possible() {
		return nil, false
	}
	for len(lists) > 0 && ms.apart(lists[0]) {
		lists = lists[1:]
	}
	if len(lists) == 0 {
		return ms, true
	}
	inside := slices.Clip(ms)
	for _, m := range lists[0] {
		if found, some := append(inside, m.not()).beside(lists[1:], steps); some {
			return found, true
		}
		inside = slices.Clip(append(inside, m))
	}
	return nil, false
}

// apart reports whether one of ms and one of the others are certain to accept
// nothing in common.
func (ms Matchers) apart(others Matchers) bool {
	for _, m := range others {
		for _, n := range ms {
			if n.field == m.field && n.not().follows(m) {
				return true
			}
		}
	}
	return false
}
