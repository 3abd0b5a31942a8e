package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// TestLint: which earlier routes leave nothing to the last one.
func TestLint(t *testing.T) {
	r := func(severity event.Severity, match ...string) rules.Route {
		return rules.Route{Match: matchers(t, match...), MinSeverity: severity, Sinks: []string{"a"}}
	}
	at := func(r rules.Route, hours ...rules.Hours) rules.Route {
		r.Hours = hours
		return r
	}
	onward := r("")
	onward.Continue = true
	none := []int(nil)
	day, night := rules.Hours{From: "09:00", To: "18:00"}, rules.Hours{From: "18:00", To: "09:00"}
	for name, c := range map[string]struct {
		routes []rules.Route
		want   []int // for the last route
	}{
		"after a catch-all":                {[]rules.Route{r(""), r("", "host=a")}, []int{0}},
		"after a catch-all that continues": {[]rules.Route{onward, r("", "host=a")}, none},
		"the same again":                   {[]rules.Route{r("", "host=~a.*", "kind=port"), r("", "kind=port", "host=~a.*")}, []int{0}},
		"narrower":                         {[]rules.Route{r("", "kind=port"), r("", "kind=port", "host=a")}, []int{0}},
		"wider":                            {[]rules.Route{r("", "kind=port", "host=a"), r("", "kind=port")}, none},
		"a value inside an expression":     {[]rules.Route{r("", "host=~web.*"), r("", "host=web01")}, []int{0}},
		"a value outside an expression":    {[]rules.Route{r("", "host=~web.*"), r("", "host=db01")}, none},
		"a value that is not excluded":     {[]rules.Route{r("", "host!=a"), r("", "host=b")}, []int{0}},
		"a kind inside a negation":         {[]rules.Route{r("", "kind!=port"), r("", "kind=~driver|service")}, []int{0}},
		"an expression that begins alike":  {[]rules.Route{r("", "host=~web.*"), r("", "host=~web0.*")}, []int{0}},
		"an expression that begins so too": {[]rules.Route{r("", "host=~^web0.*$"), r("", "host=~web.*")}, none},
		"two expressions":                  {[]rules.Route{r("", "host=~.*web"), r("", "host=~.*aweb")}, none},
		"an expression for everything":     {[]rules.Route{r("", "host=~.+"), r("", "name!=x")}, []int{0}},
		"nothing is excluded":              {[]rules.Route{r("", `name!=""`), r("", "name!=x")}, []int{0}},
		"lower severities first":           {[]rules.Route{r(event.Warning), r(event.Critical)}, []int{0}},
		"higher severities first":          {[]rules.Route{r(event.Critical), r(event.Warning)}, none},
		"severity as a matcher":            {[]rules.Route{r(event.Warning), r("", "severity=critical")}, []int{0}},
		"all severities as a least one":    {[]rules.Route{r(event.Info), r("")}, []int{0}},
		"only together":                    {[]rules.Route{r("", "kind=port"), r("", "host=b"), r("", "kind!=port"), r("", "host=a")}, []int{0, 2}},
		"three severities":                 {[]rules.Route{r("", "severity=info"), r("", "severity=warning"), r("", "severity=critical"), r("", "host=a")}, []int{0, 1, 2}},
		"two of three severities":          {[]rules.Route{r("", "severity=info"), r("", "severity=warning"), r("", "host=a")}, none},
		"what cannot be seen is a warning": {[]rules.Route{r("", "severity=warning"), r("", "rule=unknown")}, []int{0}},
		"two hosts and then both":          {[]rules.Route{r("", "host=web01"), r("", "host=web02"), r("", "host=~web0[12]")}, []int{0, 1}},
		"two hosts and then three":         {[]rules.Route{r("", "host=web01"), r("", "host=web02"), r("", "host=~web0[1-3]")}, none},
		"two fields":                       {[]rules.Route{r("", "host=a"), r("", "kind=port"), r("", "host=a", "kind=port")}, []int{1}},
		"a corner is left":                 {[]rules.Route{r("", "host=a"), r("", "kind=port"), r("", "name=x")}, none},
		"hosts have no case":               {[]rules.Route{r("", "host=WEB01"), r("", "host=web01")}, []int{0}},
		"unless somebody wants one":        {[]rules.Route{r("", "host=~(?-i:web.*)"), r("", "host=web01")}, none},
		"every kind by an expression":      {[]rules.Route{r("", "kind=~.*"), r("", "host=a")}, []int{0}},
		"at some hours":                    {[]rules.Route{at(r(""), day), r("")}, none},
		"at all hours":                     {[]rules.Route{at(r(""), rules.Hours{}), r("")}, []int{0}},
		"day and night":                    {[]rules.Route{at(r(""), day), at(r("", "kind=port"), night), at(r(""), night), r("")}, []int{0, 2}},
		"within the hours":                 {[]rules.Route{at(r(""), day), at(r(""), rules.Hours{Days: "mon", From: "10:00", To: "12:00"})}, []int{0}},
		"not quite within":                 {[]rules.Route{at(r(""), day), at(r(""), rules.Hours{Days: "mon", From: "10:00", To: "18:01"})}, none},
		"day and night of two zones":       {[]rules.Route{at(r(""), day), at(r(""), rules.Hours{From: "18:00", To: "09:00", TimeZone: "Asia/Tokyo"}), r("")}, none},
	} {
		got := rules.LintRoutes(c.routes, time.UTC).Shadows[len(c.routes)-1]
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestLintMissed: which alerts are told to nobody, and when.
func TestLintMissed(t *testing.T) {
	r := func(hours []rules.Hours, match ...string) rules.Route {
		return rules.Route{Match: matchers(t, match...), Sinks: []string{"a"}, Hours: hours, Continue: true}
	}
	day, night := []rules.Hours{{From: "09:00", To: "18:00"}}, []rules.Hours{{From: "18:00", To: "09:00"}}
	weekday := []rules.Hours{{Days: "mon-fri"}}
	for name, c := range map[string]struct {
		routes []rules.Route
		want   string
	}{
		"a catch-all":           {[]rules.Route{r(nil)}, ""},
		"two halves":            {[]rules.Route{r(nil, "host=a"), r(nil, "host!=a")}, ""},
		"an expression for all": {[]rules.Route{r(nil, "host=~.*")}, ""},
		"day and night":         {[]rules.Route{r(day), r(night)}, ""},
		"a day in two zones":    {[]rules.Route{r(day), r([]rules.Hours{{From: "04:00", To: "18:00", TimeZone: "Asia/Tokyo"}})}, "sun 18:00 UTC"},
		"one kind":              {[]rules.Route{r(nil, "kind=port")}, `kind!="port" at any time`},
		"not at the weekend":    {[]rules.Route{r(weekday)}, "sun 00:00 UTC"},
		"ports not at night":    {[]rules.Route{r(day), r(night, "kind!=port")}, `kind="port" sun 00:00 UTC`},
		"an info nobody wants":  {[]rules.Route{{MinSeverity: event.Warning, Sinks: []string{"a"}}}, `severity="info" at any time`},
		"only of what was seen": {[]rules.Route{r(nil, "rule!=unknown"), r(nil, "severity=warning")}, ""},
	} {
		l := rules.LintRoutes(c.routes, time.UTC)
		got := ""
		if l.Missed {
			var all []string
			for _, m := range l.Lost {
				all = append(all, m.String())
			}
			if l.When == "" {
				l.When = "at any time"
			}
			got = strings.TrimSpace(strings.Join(all, " ") + " " + l.When)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestLintAgainstTrial holds what the lint says of random routes against what
// becomes of every alert there can be: it is never wrong about a route that it
// calls out of reach, and it misses none where all values are known.
func TestLintAgainstTrial(t *testing.T) {
	values := map[string][]string{
		"host": {"a", "b", "web01", "other"}, "component": {"agent", "other"}, "name": {"x", "y", "other"},
		"rule": {rules.Loss, rules.Unseen, rules.FlapRule}, "severity": {"info", "warning", "critical"}, "kind": {"process", "port", "host"},
	}
	loose := []string{"host=~.*", "host=~we.*", "host!~a|b", "host=~[ab]", "name=~x?y?", "name!~.+y", "host=~(web|db)0[0-9]", "kind=~p.*", "host!~^web.*$", "component=~a.*", "class=tamper", `class=""`, `class!=""`, "class=~.+", "class=~.*", "class!~t.*", "class!=memory"}
	var all []rules.Subject
	for _, host := range values["host"] {
		for _, component := range values["component"] {
			for _, name := range values["name"] {
				for _, kind := range event.Kinds() {
					for _, sev := range event.Severities() {
						for _, rule := range values["rule"] {
							if rule != rules.Unseen || sev == event.Warning {
								all = append(all, rules.Subject{Key: event.Key{Host: host, Component: component, Kind: kind, Name: name}, Rule: rule, Severity: sev})
							}
						}
					}
				}
			}
		}
	}
	shadowed, missed := 0, 0
	for seed := range 3000 {
		rnd := rand.New(rand.NewPCG(uint64(seed), 7))
		exact := seed%2 == 0
		var routes []rules.Route
		for range 2 + rnd.IntN(5) {
			var match []string
			for range rnd.IntN(3) {
				if !exact && rnd.IntN(2) == 0 {
					match = append(match, loose[rnd.IntN(len(loose))])
					continue
				}
				field := []string{"host", "component", "name", "rule", "severity", "kind"}[rnd.IntN(6)]
				if v := values[field][rnd.IntN(len(values[field]))]; v != "other" {
					match = append(match, field+[]string{"=", "!="}[rnd.IntN(2)]+v)
				}
			}
			r := rules.Route{Match: matchers(t, match...), Sinks: []string{"a"}, Continue: rnd.IntN(4) == 0}
			if rnd.IntN(4) == 0 {
				r.MinSeverity = event.Severities()[rnd.IntN(3)]
			}
			routes = append(routes, r)
		}
		l := rules.LintRoutes(routes, time.UTC)
		reached, lost := make([]bool, len(routes)), false
		for _, sub := range all {
			told := false
			for i, r := range routes {
				if sub.Severity.Rank() >= r.MinSeverity.Rank() && r.Match.Match(&sub) {
					reached[i], told = true, true
					if !r.Continue {
						break
					}
				}
			}
			lost = lost || !told
		}
		say := func() (s string) {
			for i, r := range routes {
				s += fmt.Sprintln(i, r.Match, r.MinSeverity, r.Continue)
			}
			return s
		}
		for i := range routes {
			possible := routes[i].Validate() == nil
			switch by := l.Shadows[i]; {
			case (by != nil || !possible) && reached[i]:
				t.Fatalf("seed %d: routes[%d] is reached, but: possible %v, shadowed by %v\n%s", seed, i, possible, by, say())
			case by == nil && possible && !reached[i] && exact:
				t.Fatalf("seed %d: routes[%d] is never reached, and the lint does not say so\n%s", seed, i, say())
			case by != nil:
				shadowed++
			}
		}
		if lost && !l.Missed || exact && !lost && l.Missed {
			t.Fatalf("seed %d: missed %v, by trial %v: %v\n%s", seed, l.Missed, lost, l.Lost, say())
		}
		if l.Missed {
			missed++
		}
	}
	if shadowed < 500 || missed < 500 {
		t.Errorf("only %d shadowed routes and %d lists with a gap were tried", shadowed, missed)
	}
}
