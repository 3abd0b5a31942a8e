package detector_test

import (
	"testing"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/setting"
)

// TestKindAsksItsSection: every question to a kind reaches the kind's own
// function with its own section, and one without a function says no.
func TestKindAsksItsSection(t *testing.T) {
	type section struct{ Name string }
	asked := map[string]string{}
	ask := func(what string, c section) { asked[what] = c.Name }
	full := detector.NewKind("x", "", section{"default"}, detector.Making[section]{
		Row:    event.Process,
		Claims: func(c section, _ string) []event.Key { ask("claims", c); return []event.Key{key("k")} },
		Others: func(c section, _ detector.Site) ([]detector.Other, error) {
			ask("others", c)
			return make([]detector.Other, 1), nil
		},
		Reports:   func(c section) bool { ask("reports", c); return true },
		Remembers: func(c section) bool { ask("remembers", c); return true },
		Way:       func(c section, _ detector.Site, _ event.Key) bool { ask("way", c); return true },
		Budget:    func(c section) (event.Said, []setting.Error) { ask("budget", c); return event.Prose("much"), nil },
		Plans:     func(c section, _ detector.Site) []detector.Plan { ask("plans", c); return make([]detector.Plan, 1) },
	})
	bare := detector.NewKind("y", "", section{}, detector.Making[section]{Plans: func(section, detector.Site) []detector.Plan { return nil }})
	for k, want := range map[*detector.Kind]bool{&full: true, &bare: false} {
		c := k.Settings()
		c.(*section).Name = "mine"
		others, err := k.Others(c, detector.Site{})
		text, _ := k.Budget(c)
		for what, yes := range map[string]bool{
			"claims": len(k.Claims(c, "h")) == 1, "others": err == nil && len(others) == 1, "reports": k.Reports(c), "remembers": k.Remembers(c),
			"way": k.Way(c, detector.Site{}, key("k")), "budget": text == event.Prose("much"), "plans": len(k.Plans(c, detector.Site{})) == 1,
		} {
			if yes != want || want && asked[what] != "mine" {
				t.Errorf("%s of %s: %v, asked with %q", what, k.Type, yes, asked[what])
			}
		}
	}
	if full.Settings().(*section).Name != "default" {
		t.Error("the defaults were changed")
	}
}
