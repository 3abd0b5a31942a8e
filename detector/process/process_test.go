package process

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/words"
)

func key(name string) event.Key {
	return event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: name}
}

// TestObserve has every mixture of what was seen and what could not be.
func TestObserve(t *testing.T) {
	p := func(pid int) proc { return proc{pid: pid, ppid: 1} }
	for name, c := range map[string]struct {
		target target
		gaps   gaps
		want   event.State
		say    string
	}{
		"all":                       {target{found: []proc{p(1), p(2)}}, gaps{}, event.Up, "pid 1 (ppid 1); pid 2"},
		"some":                      {target{found: []proc{p(1)}}, gaps{}, event.Degraded, "pid 1"},
		"none":                      {target{}, gaps{}, event.Down, "no process is named ds_agent or dsa"},
		"none, one may be":          {target{doubtful: []proc{p(7)}, doubt: errors.New("denied")}, gaps{}, event.Unknown, "the executable of pid 7 cannot be read (denied): " + words.English(grant())},
		"all, one more may be":      {target{found: []proc{p(1), p(2)}, doubtful: []proc{p(7)}}, gaps{}, event.Up, "pid 1"},
		"some, one may be":          {target{found: []proc{p(1)}, doubtful: []proc{p(7)}, doubt: errors.New("denied")}, gaps{}, event.Unknown, "denied"},
		"none, names unreadable":    {target{}, gaps{unreadable: 3}, event.Unknown, "names of 3 processes cannot be read"},
		"none, others hidden":       {target{}, gaps{hidden: words.Hidepid.With("/proc")}, event.Unknown, "hidepid"},
		"some, others hidden":       {target{found: []proc{p(1)}}, gaps{hidden: words.Hidepid.With("/proc")}, event.Unknown, "hidepid"},
		"all, others hidden":        {target{found: []proc{p(1), p(2)}}, gaps{hidden: words.Hidepid.With("/proc")}, event.Up, "pid 1"},
		"a zombie beside":           {target{aside: []proc{{pid: 9, aside: words.Zombie.With}}}, gaps{}, event.Down, "pid 9 is a zombie"},
		"others of the name":        {target{exe: make([]pattern, 1), others: 2}, gaps{}, event.Down, "2 of the name run another executable"},
		"longer names":              {target{others: 2}, gaps{}, event.Down, "2 have a longer name that begins like it"},
		"of three, one and one may": {target{Target: Target{Want: 3}, found: []proc{p(1)}, doubtful: []proc{p(7)}, doubt: errors.New("denied")}, gaps{}, event.Degraded, "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			c.target.Key, c.target.Names = key("ds_agent"), []string{"ds_agent", "dsa"}
			if c.target.Want == 0 {
				c.target.Want = 2
			}
			o := c.target.observe(c.gaps, time.Now())
			if o.State != c.want || o.Found != len(c.target.found) || o.Want != c.target.Want || !strings.Contains(words.English(o.Detail), c.say) {
				t.Errorf("%s, %d of %d, %q; want %s and %q", o.State, o.Found, o.Want, words.English(o.Detail), c.want, c.say)
			}
			if err := o.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestListIsBounded(t *testing.T) {
	many := make([]proc, 10_000)
	if s := words.English(named(many)); len(s) > 1000 || !strings.HasSuffix(s, "and 9992 more") {
		t.Errorf("%d bytes: %.80s", len(s), s)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		target Target
		want   string
	}{
		"nothing to look for":  {Target{Key: key("x")}, "neither names nor executables"},
		"an empty name":        {Target{Key: key("x"), Names: []string{"a", ""}}, "a name is empty"},
		"a relative path":      {Target{Key: key("x"), Exe: []string{"bin/java"}}, "not absolute"},
		"a pattern left open":  {Target{Key: key("x"), Exe: []string{"/opt/[a"}}, "[...] closed"},
		"an empty name beside": {Target{Key: key("x"), Names: []string{""}, Exe: []string{"/opt/x"}}, "a name is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New([]Target{c.target}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "web01/agent/process/x") {
				t.Errorf("error %v, want one about the item and %q", err, c.want)
			}
		})
	}
}

// count is a table that tells how it was asked: true for the rest.
type count struct {
	asked []bool
	procs []proc
	err   error
}

func (c *count) forms(name string) []string { return []string{name} }

func (c *count) rest(context.Context, func([]byte) bool, func(proc)) (gaps, error) {
	c.asked = append(c.asked, true)
	return gaps{}, c.err
}

func (c *count) read(_ context.Context, wanted func([]byte) bool, visit func(proc)) (gaps, error) {
	c.asked = append(c.asked, false)
	for _, p := range c.procs {
		if wanted([]byte(p.name)) {
			visit(p)
		}
	}
	return gaps{}, c.err
}

// A loss is told only after a thorough read, and proven once.
func TestLossNeedsAThoroughRead(t *testing.T) {
	tab := &count{procs: []proc{{pid: 5, name: "ds_am"}}}
	d, err := newDetector(tab, []Target{{Key: key("ds_am"), Names: []string{"ds_am"}}})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		procs []proc
		asked []bool
		state event.State
	}{
		{nil, []bool{false}, event.Down}, // the first read of a table is of everything
		{tab.procs, []bool{false}, event.Up},
		{tab.procs, []bool{false}, event.Up},
		{nil, []bool{false, true}, event.Down},
		{nil, []bool{false}, event.Down},
		{tab.procs, []bool{false}, event.Up},
		{nil, []bool{false, true}, event.Down},
	}
	for i, s := range steps {
		tab.asked, tab.procs = nil, s.procs
		o, err := d.Detect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if o[0].State != s.state || len(tab.asked) != len(s.asked) || tab.asked[len(tab.asked)-1] != s.asked[len(s.asked)-1] {
			t.Errorf("step %d: %s after reads %v, want %s after %v", i, o[0].State, tab.asked, s.state, s.asked)
		}
	}
	tab.err = errors.New("out of files")
	if _, err := d.Detect(t.Context()); err == nil {
		t.Error("a table that cannot be read is not an error")
	}
}
