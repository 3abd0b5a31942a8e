package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

func matchers(t testing.TB, list ...string) rules.Matchers {
	t.Helper()
	var out rules.Matchers
	for _, s := range list {
		m, err := rules.ParseMatcher(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func TestMatchers(t *testing.T) {
	sub := rules.Subject{Key: event.Key{Host: "web01", Component: "agent", Kind: event.Port, Name: "4118/tcp"}, Rule: rules.Loss, Severity: event.Warning}
	for m, want := range map[string]bool{
		`host=web01`: true, `host=web0`: false, `host!=web01`: false, `host!="x y"`: true,
		`host=~web`: false, `host=~"web.*"`: true, `host=~"db|web01"`: true, `host!~"web.*"`: false, `host!~web`: true,
		` kind = port `: true, `kind!=port`: false, `kind=~"p.*"`: true, `name="4118/tcp"`: true, `name=4118/tcp`: true,
		`severity=warning`: true, `severity=critical`: false, `rule=loss`: true, `rule=unknown`: false, `component=agent`: true,
		`host=WEB01`: true, `host!=Web01`: false, `host=~"WEB.*"`: true, `host=~"(?-i:WEB.*)"`: false, `component=Agent`: false, `name=4118/TCP`: true, `name!=4118/Tcp`: false, `name=~"4118/T.P"`: true, `name=~"(?-i:4118/T.P)"`: false, `name!=""`: true, `host=~"(?i)WEB01"`: true, `name=~"4118/(tcp|udp)"`: true,
	} {
		if got := matchers(t, m).Match(&sub); got != want {
			t.Errorf("%s: %v", m, got)
		}
	}
	trace := rules.Subject{Key: event.Key{Host: "web01", Component: "agent", Kind: event.Tamper, Name: "files"}, Rule: rules.Loss, Severity: event.Info}
	for m, want := range map[string][2]bool{ // of a class, of none
		`class=tamper`: {true, false}, `class!=tamper`: {false, true}, `class=""`: {false, true}, `class!=""`: {true, false}, `class=~"memory|tamper"`: {true, false},
		`class=~".+"`: {true, false}, `class=memory`: {false, false},
	} {
		if got := [2]bool{matchers(t, m).Match(&trace), matchers(t, m).Match(&sub)}; got != want {
			t.Errorf("%s: %v, want %v", m, got, want)
		}
	}
	if !rules.Matchers(nil).Match(&sub) || matchers(t, "kind=port", "rule=unknown").Match(&sub) {
		t.Error("matchers are not joined by and")
	}
}

func TestBadMatchers(t *testing.T) {
	for m, want := range map[string]string{
		"":                        "is not a matcher; write",
		"web01":                   "is not a matcher; write",
		"hots=web01":              `"hots" is not a field of an alert; write one of host`,
		"host~web":                "has no operator; write one of",
		"host=":                   "has no value; write one",
		`component=""`:            "no alert is without a component",
		"host==web01":             "begins with =; write one operator",
		"host='web01'":            "begins with '",
		"severity=~crit":          "must match the whole value",
		`host="web`:               "is not closed by a quote",
		`host=~"("`:               "is not an RE2 expression",
		`host=~"a)|(b"`:           "is not an RE2 expression",
		"severity=warn":           `"warn" is not a severity; write one of info, warning, critical`,
		"kind!=daemon":            `"daemon" is not a kind; write one of process, service, driver, port`,
		"class=evil":              `"evil" is not a class; write one of memory, evidence, tamper`,
		"class=":                  "has no value; write one",
		"rule=lost":               `"lost" is not a rule; write one of loss, unknown`,
		strings.Repeat("x", 2000): "too long",
	} {
		_, err := rules.ParseMatcher(m)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", m, err, want)
		}
	}
}

func TestReaches(t *testing.T) {
	port := rules.Subject{Key: event.Key{Host: "web01", Component: "agent", Kind: event.Port, Name: "4118/tcp"}, Rule: rules.Loss, Severity: event.Warning}
	cause := rules.Subject{Key: event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}, Rule: rules.Loss, Severity: event.Critical}
	to := func(sink string, match ...string) rules.Route {
		return rules.Route{Match: matchers(t, match...), Sinks: []string{sink}}
	}
	onward := func(r rules.Route) rules.Route { r.Continue = true; return r }
	worst := func(r rules.Route) rules.Route { r.MinSeverity = event.Critical; return r }
	byDay := func(r rules.Route) rules.Route { r.Hours = []rules.Hours{{From: "09:00", To: "18:00"}}; return r }
	for name, c := range map[string]struct {
		routes []rules.Route
		want   bool
	}{
		"one route for all":                     {[]rules.Route{to("nms")}, true},
		"none for either":                       {[]rules.Route{to("nms", "host=db01")}, true},
		"none for the cause":                    {[]rules.Route{to("net", "kind=port")}, false},
		"one for each":                          {[]rules.Route{to("net", "kind=port"), to("nms")}, false},
		"one more for the symptom":              {[]rules.Route{onward(to("net", "kind=port")), to("nms")}, false},
		"one more for the cause":                {[]rules.Route{onward(to("nms", "kind=process")), to("net")}, true},
		"the cause is for the pager only":       {[]rules.Route{worst(to("pager")), to("chat")}, true},
		"the cause is for the pager, too":       {[]rules.Route{onward(worst(to("pager"))), to("chat")}, true},
		"by day for one, by night for another":  {[]rules.Route{byDay(to("office")), to("duty")}, true},
		"by day for whom the cause never tells": {[]rules.Route{byDay(to("net", "kind=port")), to("nms")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			set := rules.Set{Routes: routes(t, c.routes...)}
			if got := set.Reaches(cause, port); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestComposedNames: a host whose name is written with characters of their own
// for accents and voicing marks (NFD) is the one that is written composed (NFC),
// either way round; what an expression matched as it is written, it still does.
func TestComposedNames(t *testing.T) {
	const nfc, nfd = "caf\u00e9-\u30ac1", "cafe\u0301-\u30ab\u30991"
	for _, host := range []string{nfc, nfd} {
		sub := rules.Subject{Key: event.Key{Host: host, Component: "agent", Kind: event.Port, Name: "4118/tcp"}, Rule: rules.Loss, Severity: event.Warning}
		for m, want := range map[string]bool{
			"host=" + nfc: true, "host=" + nfd: true, "host=" + strings.ToUpper(nfd): true, "host!=" + nfc: false, "host!=" + nfd: false,
			`host=~"` + nfc + `"`: true, `host=~"` + nfd + `"`: true, `host!~"` + nfd + `"`: false, `host=~"CAFE` + "\u0301" + `.*"`: true, `host=~"caf.-.*"`: true,
			`host=~"cafe-.*"`: false, "host=cafe-\u30ab1": false, "host=caf\u00e9-\u30ab1": false, "host!=cafe-1": true,
			`host=~"cafe..*"`: host == nfd, // as it is written
		} {
			if got := matchers(t, m).Match(&sub); got != want {
				t.Errorf("%+q: %+q: %v", host, m, got)
			}
		}
	}
	for _, r := range [][2]string{{`host=~"caf` + "\u00e9" + `.*"`, `host=~"cafe` + "\u0301" + `x.*"`}, {`host!~"caf` + "\u00e9" + `.*"`, `host=~"cafe.*"`}} {
		routes := []rules.Route{{Match: matchers(t, r[0]), Sinks: []string{"a"}}, {Match: matchers(t, r[1]), Sinks: []string{"b"}}}
		if l := rules.LintRoutes(routes, time.UTC); l.Shadows[1] != nil {
			t.Errorf("%+q is refused behind %+q", r[1], r[0])
		}
	}
}

// FuzzParseMatcher: nothing crashes, and what is accepted reads back as the
// same matcher.
func FuzzParseMatcher(f *testing.F) {
	for _, s := range []string{`host=web01`, `name=~"ds_.*"`, `kind!=port`, `host!~"(a|b)"`, `component="\x00é"`, `host=~"a)|(b"`, "host==x"} {
		f.Add(s, "web01")
	}
	f.Fuzz(func(t *testing.T, s, host string) {
		m, err := rules.ParseMatcher(s)
		if err != nil {
			return
		}
		sub := rules.Subject{Key: event.Key{Host: host, Component: host, Kind: event.Port, Name: host}, Rule: rules.Loss, Severity: event.Info}
		again, err := rules.ParseMatcher(m.String())
		if len(m.String()) > 1024 {
			return // quoting made it longer than is allowed
		}
		if err != nil || again.String() != m.String() || again.Match(&sub) != m.Match(&sub) {
			t.Fatalf("%q is written as %q and read as %q, %v", s, m, again, err)
		}
	})
}

func TestRoutesInOrder(t *testing.T) {
	quick := time.Minute
	set := rules.Set{Routes: []rules.Route{
		{Match: matchers(t, "host=lab"), Sinks: []string{"mail"}},
		{MinSeverity: event.Critical, Sinks: []string{"pager"}, Continue: true, Repeat: &quick},
		{Match: matchers(t, `kind=~"process|service"`), Sinks: []string{"nms", "pager"}, Continue: true},
		{Match: matchers(t, "rule=loss"), Sinks: []string{"chat"}},
	}}
	for name, c := range map[string]struct {
		sub  rules.Subject
		want []string
	}{
		"the first that matches":      {rules.Subject{Key: event.Key{Host: "lab", Kind: event.Process}, Rule: rules.Loss, Severity: event.Critical}, []string{"mail"}},
		"continue, and each one once": {rules.Subject{Key: event.Key{Host: "w", Kind: event.Process}, Rule: rules.Loss, Severity: event.Critical}, []string{"pager", "nms", "chat"}},
		"below the least severity":    {rules.Subject{Key: event.Key{Host: "w", Kind: event.Port}, Rule: rules.Loss, Severity: event.Warning}, []string{"chat"}},
		"no route":                    {rules.Subject{Key: event.Key{Host: "w", Kind: event.Port}, Rule: rules.Unseen, Severity: event.Warning}, nil},
	} {
		if d := cmp.Diff(c.want, set.Told(t0, c.sub, []string{"everyone"})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestRoutesRepeatApart: every route repeats at its own interval, a severity
// that rises adds a sink, and the resolve goes to everybody who was told.
func TestRoutesRepeatApart(t *testing.T) {
	ten, never := 10*time.Minute, time.Duration(0)
	set := &rules.Set{Settings: rules.Settings{Repeat: time.Hour}, Language: "en", Routes: []rules.Route{
		{MinSeverity: event.Critical, Sinks: []string{"pager"}, Repeat: &ten, Continue: true},
		{Sinks: []string{"nms"}, Continue: true},
		{Sinks: []string{"siem"}, Repeat: &never},
	}}
	// Linux, filter gone: the impact of a driver is a loss of protection.
	k := event.Key{Host: "web01", Component: "agent", Kind: event.Driver, Name: "dsa_filter"}
	r := row(t, k)
	snap := rules.Snapshot{Row: r, Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"unused"}}
	at := func(n int, s event.State) event.Event {
		return event.NewState("web01", event.Change, event.Observation{Key: k, State: s, Want: 1, At: t0.Add(time.Duration(n) * time.Minute)})
	}
	var st rules.Status
	var told []string
	step := func(n int, e event.Event) {
		var ds []rules.Decision
		st, ds = set.Decide(t0.Add(time.Duration(n)*time.Minute), st, snap, e)
		for _, d := range ds {
			if d.Alert != nil {
				told = append(told, fmt.Sprintf("%d %s to %s", n, d.Alert.Transition, strings.Join(d.Sinks, " ")))
			}
		}
	}
	step(0, at(0, event.Unknown)) // cannot be seen: a warning
	step(1, at(1, event.Down))    // that is over, and protection is lost
	for n := 2; n <= 70; n++ {
		step(n, event.Event{})
	}
	step(71, at(71, event.Up))
	want := []string{
		"0 raised to nms siem",
		"1 raised to pager nms siem",
		"1 cleared to nms siem",
		"11 repeated to pager", "21 repeated to pager", "31 repeated to pager", "41 repeated to pager", "51 repeated to pager",
		"61 repeated to pager nms",
		"71 cleared to pager nms siem",
	}
	slices.Sort(want[1:3])
	slices.Sort(told[1:3])
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
