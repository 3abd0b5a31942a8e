package service

import (
	"context"
	"errors"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

func target(names ...string) Target {
	return Target{Key: event.Key{Host: "h", Component: "agent", Kind: event.Service, Name: "x"}, Names: names}
}

// answers is a table that knows what it is told.
type answers struct {
	byName map[string]status
	err    error
}

func (a answers) read(context.Context, []string) (map[string]status, error) { return a.byName, a.err }

func (a answers) close() {}

func TestAliases(t *testing.T) {
	known := map[string]status{"up": {event.Up, event.Prose("up is active")}, "down": {event.Down, event.Prose("down is dead")}, "odd": {event.Unknown, event.Prose("odd is odd")}}
	for names, c := range map[string]struct {
		state event.State
		found int
		say   string
	}{
		"up":         {event.Up, 1, "up is active"},
		"down":       {event.Down, 0, "down is dead"},
		"odd":        {event.Unknown, 0, "odd is odd"},
		"down up":    {event.Up, 1, "down is dead; up is active"},
		"up odd":     {event.Up, 1, "up is active"},
		"odd up":     {event.Up, 1, "up is active"},
		"down odd":   {event.Unknown, 0, "down is dead; odd is odd"},
		"odd down":   {event.Unknown, 0, "odd is odd"},
		"unanswered": {event.Unknown, 0, ""},
	} {
		t.Run(names, func(t *testing.T) {
			d, err := newDetector(answers{byName: known}, []Target{target(strings.Fields(names)...)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Detect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if o := got[0]; o.State != c.state || o.Found != c.found || o.Want != 1 || !strings.Contains(words.English(o.Detail), c.say) || o.Validate() != nil {
				t.Errorf("%+v, want %s, %d, %q", o, c.state, c.found, c.say)
			}
		})
	}
	d, err := newDetector(answers{err: errors.New("no bus")}, []Target{target("up")})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := d.Detect(t.Context()); err == nil || o != nil {
		t.Errorf("%v, %v; want only an error", o, err)
	}
}

func TestNothingToLookForAsksNobody(t *testing.T) {
	d, err := newDetector(answers{err: errors.New("asked")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Detect(t.Context()); err != nil {
		t.Error(err)
	}
}
