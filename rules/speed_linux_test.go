package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"dswatch/rules"
)

// spent is the processor time of this process so far.
func spent(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLintIsQuick: a long list of routes is looked at in no time a person
// notices. What counts is the processor's time, so that other work on the machine
// does not.
func TestLintIsQuick(t *testing.T) {
	var routes []rules.Route
	for i := range 200 {
		routes = append(routes, rules.Route{Match: matchers(t, fmt.Sprintf("host=~web%03d.*", i), "kind!=port", fmt.Sprintf("name!=n%d", i)), Sinks: []string{"a"}})
	}
	routes = append(routes, rules.Route{Sinks: []string{"b"}})
	rnd := rand.New(rand.NewPCG(1, 1))
	var tangle []rules.Route // that overlap in all ways
	for range 100 {
		var match []string
		for range 4 {
			match = append(match, fmt.Sprintf("%s!=%d", []string{"host", "name", "component"}[rnd.IntN(3)], rnd.IntN(40)))
		}
		tangle = append(tangle, rules.Route{Match: matchers(t, match...), Sinks: []string{"a"}, Hours: []rules.Hours{{From: fmt.Sprintf("%02d:00", rnd.IntN(24)), To: "24:00"}}})
	}
	begun := spent(t)
	rules.LintRoutes(tangle, time.UTC)
	t.Log(spent(t) - begun)
	if l := rules.LintRoutes(routes, time.UTC); slices.ContainsFunc(l.Shadows, func(by []int) bool { return by != nil }) || l.Missed {
		t.Errorf("%+v", l)
	}
	if took := spent(t) - begun; took > 20*time.Second {
		t.Errorf("it took %s", took)
	} else {
		t.Log(took)
	}
}
