package driver

import (
	"context"
	"errors"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

func target(names ...string) Target {
	return Target{Key: event.Key{Host: "h", Component: "agent", Kind: event.Driver, Name: names[0]}, Names: names}
}

// lists is a table that answers with one list after the other.
type lists struct {
	all   []map[string]status
	reads int
	err   error
}

func (l *lists) read(context.Context, []string) (drivers, error) {
	l.reads++
	return drivers{states: l.all[min(l.reads, len(l.all))-1]}, l.err
}

func is(state string) func(string) event.Said {
	return func(name string) event.Said { return words.DriverIs.With(name, state) }
}

func TestDetect(t *testing.T) {
	loaded := map[string]status{"dsa_filter": {event.Up, words.DriverLoaded.With}, "dsa_filter_hook": {event.Down, is("Loading")}, "odd": {event.Unknown, is("odd")}}
	for name, c := range map[string]struct {
		target Target
		state  event.State
		say    string
	}{
		"live":             {target("dsa_filter"), event.Up, "dsa_filter is loaded"},
		"loading":          {target("dsa_filter_hook"), event.Down, "dsa_filter_hook is Loading"},
		"odd":              {target("odd"), event.Unknown, "odd is odd, not Live"},
		"odd and live":     {target("odd", "dsa_filter"), event.Up, "odd is odd, not Live; dsa_filter is loaded"},
		"live and odd":     {target("dsa_filter", "odd"), event.Up, "dsa_filter is loaded; odd is odd"},
		"odd and loading":  {target("odd", "dsa_filter_hook"), event.Unknown, "odd is odd, not Live; dsa_filter_hook is Loading"},
		"absent":           {target("bmhook"), event.Down, "no driver named bmhook is loaded"},
		"another case":     {target("DSA_filter"), event.Down, "no driver named DSA_filter"},
		"a part of a name": {target("dsa"), event.Down, "no driver named dsa"},
		"an alias":         {target("old_filter", "dsa_filter"), event.Up, "dsa_filter is loaded"},
		"no alias":         {target("a", "b"), event.Down, "no driver named a or b"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := newDetector(&lists{all: []map[string]status{loaded}}, []Target{c.target})
			if err != nil {
				t.Fatal(err)
			}
			o, err := d.Detect(t.Context())
			if err != nil || len(o) != 1 {
				t.Fatal(o, err)
			}
			found := 0
			if c.state == event.Up {
				found = 1
			}
			if o[0].State != c.state || o[0].Found != found || o[0].Want != 1 || !strings.Contains(words.English(o[0].Detail), c.say) {
				t.Errorf("%+v, want %s and %q", o[0], c.state, c.say)
			}
			if err := o[0].Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMissingIsLookedForTwice(t *testing.T) {
	there, torn := map[string]status{"dsa_filter": {event.Up, words.DriverLoaded.With}}, map[string]status{}
	for name, c := range map[string]struct {
		lists []map[string]status
		state event.State
		reads int
	}{
		"there":      {[]map[string]status{there}, event.Up, 1},
		"torn once":  {[]map[string]status{torn, there}, event.Up, 2},
		"really not": {[]map[string]status{torn, torn}, event.Down, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tab := &lists{all: c.lists}
			d, err := newDetector(tab, []Target{target("dsa_filter")})
			if err != nil {
				t.Fatal(err)
			}
			o, err := d.Detect(t.Context())
			if err != nil || o[0].State != c.state || tab.reads != c.reads {
				t.Errorf("%v, %v after %d reads; want %s after %d", o, err, tab.reads, c.state, c.reads)
			}
		})
	}
}

func TestErrorsAreNotAnswers(t *testing.T) {
	d, err := newDetector(&lists{all: []map[string]status{nil}, err: errors.New("permission denied")}, []Target{target("x")})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := d.Detect(t.Context()); err == nil || o != nil {
		t.Errorf("%v, %v; want only an error", o, err)
	}
	d, _ = newDetector(&lists{all: []map[string]status{{}}}, []Target{target("x")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Detect(ctx); err == nil {
		t.Error("a cancelled look is no error")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, names := range [][]string{nil, {""}, {"a", ""}} {
		bad := target("x")
		bad.Names = names
		if _, err := New([]Target{bad}); err == nil || !strings.Contains(err.Error(), "h/agent/driver/x") {
			t.Errorf("%q: error %v, want one about the item", names, err)
		}
	}
}
