package catalog

import (
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

func TestAdvised(t *testing.T) {
	list, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	next := func(c *Catalog, kind event.Kind, name, os string) string {
		t.Helper()
		r := c.Find(event.Key{Host: "h", Component: event.Agent, Kind: kind, Name: name}, os)
		if r == nil {
			t.Fatalf("no row %s/%s", kind, name)
		}
		return words.In("en", nil).Say(r.NextStep(Sight{OS: os}, event.Down))
	}
	before := next(list, event.Process, "ds_agent", "linux")
	own, err := list.Advised([]Advice{
		{Rows: []string{"process/ds_agent"}, Step: Step{OS: []string{event.Linux}, Text: Text{EN: "Call 4711."}}},
		{Rows: []string{"firewall"}, Step: Step{When: mustWhen(t, "relay"), Text: Text{EN: "Call the owner of the relay."}}},
		{Step: Step{Text: Text{EN: "Call the night desk."}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind           event.Kind
		name, os, want string
	}{
		{event.Process, "ds_agent", "linux", "Call 4711."}, {event.Process, "ds_agent", "solaris", "Call the night desk."},
		{event.Driver, "dsa_filter", "linux", "Call the night desk."}, {event.Module, "firewall", "linux", "Call the night desk."},
	} {
		if got := next(own, c.kind, c.name, c.os); got != c.want {
			t.Errorf("%s/%s on %s: %q, want %q", c.kind, c.name, c.os, got, c.want)
		}
	}
	if got := next(list, event.Process, "ds_agent", "linux"); got != before {
		t.Errorf("the list itself says %q now", got)
	}
	for want, a := range map[string]Advice{
		"next[0].rows[0]: \"process/ds_agnet\" matches no row; did you mean process/ds_agent?": {Rows: []string{"process/ds_agnet"}, Step: Step{Text: Text{EN: "x"}}},
		"next[0].en: is missing": {Rows: []string{"ds_agent"}},
		"next[0].os[0]":          {Step: Step{OS: []string{"vms"}, Text: Text{EN: "x"}}},
	} {
		if _, err := list.Advised([]Advice{a}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestNextStepFitsTheLoss: where nothing is unprotected, nobody is called at night.
func TestNextStepFitsTheLoss(t *testing.T) {
	list, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	off := event.Facts{}
	for _, f := range []event.Name{event.WebReputation, event.Firewall, event.IntrusionPrevention} {
		off[f] = event.Fact{Value: "off"}
	}
	for _, row := range list.Rows("") {
		if row.ID() != "driver/dsa_filter_hook" {
			continue
		}
		for want, on := range map[string]Sight{"at night": {OS: event.Linux, Facts: off}, "admin now": {OS: event.Linux}} {
			if got := words.In("en", nil).Say(row.NextStep(on, event.Down)); !strings.Contains(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
}

func mustWhen(t *testing.T, s string) When {
	t.Helper()
	w, err := ParseWhen(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
