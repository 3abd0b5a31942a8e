package tamper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"dswatch/catalog"
	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/words"
)

// TestAlone: the names are those of the vendor's list that no other program has.
func TestAlone(t *testing.T) {
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for os, names := range alone {
		var listed []string
		for _, r := range list.Rows(os) {
			if r.Component == event.Agent && r.Kind == event.Process && !slices.Contains([]string{"nginx", "nginx.exe", "Notifier.exe"}, r.Name) {
				listed = append(listed, r.Name)
			}
		}
		slices.Sort(listed)
		ours := slices.Sorted(slices.Values(names))
		if !slices.Equal(listed, ours) {
			t.Errorf("%s: %v, the list has %v", os, ours, listed)
		}
	}
}

// TestStrangerOnce: each program is told of once on a host, also over a restart
// of dswatch; what was seen once is not remembered.
func TestStrangerOnce(t *testing.T) {
	imp := func(n int) process.Impostor {
		return process.Impostor{Name: "ds_agent", Who: fmt.Sprintf("user nobody, /home/%d/ds_agent", n), Why: words.Stranger.With(70+n, "nobody", fmt.Sprintf("/home/%d/ds_agent", n))}
	}
	var now []process.Impostor
	var fail error
	folders := []string{"/opt/ds_agent"}
	fresh := func(before event.Facts) *Watch {
		w := New(Options{Host: "h", Folders: func(string) []string { return folders }, Before: before, Drivers: func() []string { return nil }, Running: func() bool { return true }})
		w.starts = func(context.Context, []string) (map[string]string, error) { return nil, nil }
		w.strangers.look = func(context.Context) ([]process.Impostor, error) { return now, fail }
		return w
	}
	w := fresh(nil)
	look := func(what string, want event.State, says ...string) {
		t.Helper()
		state, detail := see(t, w, strangersRow)
		for _, s := range says {
			if !strings.Contains(detail, s) {
				t.Errorf("%s: %q does not say %q", what, detail, s)
			}
		}
		if state != want {
			t.Errorf("%s: %s, %q; want %s", what, state, detail, want)
		}
	}
	look("nobody", event.Up)
	now = []process.Impostor{imp(1)}
	look("one", event.Down, "under the name ds_agent", "pid 71", "/home/1/ds_agent")
	now = nil
	look("gone after one look", event.Up)
	now = []process.Impostor{imp(1)}
	look("back, it was not told", event.Down)
	look("it lasts", event.Down)
	f, _ := w.Facts(t.Context())
	w = fresh(f)
	look("dswatch is started anew while it runs", event.Down)
	look("and looks again", event.Down)
	now = nil
	look("it has ended", event.Up)
	now = []process.Impostor{imp(1)}
	look("the same again", event.Up)
	if f, _ = w.Facts(t.Context()); f.Validate() != nil || f[event.StrangersAgent].Value == "" {
		t.Errorf("remembered: %v, %v", f, f.Validate())
	}
	w = fresh(f)
	look("the same after a restart", event.Up)
	now = append(now, imp(2))
	look("another one", event.Down, "/home/2/ds_agent")
	fail = errors.New("no list")
	look("nobody can look", event.Unknown, "no list")
	fail = nil
	now = nil
	for n := range 3 * maxTold { // more than can be remembered
		now = append(now, imp(n))
	}
	look("many", event.Down, "more")
	look("many last", event.Down)
	now = nil
	look("all have ended", event.Up)
	if f, _ = w.Facts(t.Context()); f.Validate() != nil || len(f[event.StrangersAgent].Value) > event.MaxName {
		t.Errorf("%v", f.Validate())
	}
	folders = nil
	now = []process.Impostor{imp(100)}
	look("no agent is installed", event.Up)
	if f, _ := w.Facts(t.Context()); f[event.StrangersAgent].Value != "" {
		t.Error("what is not installed is remembered")
	}
}

// TestUnloaded: a module that is unloaded under a running agent is a trace; one
// that goes with the agent or its feature, or was never there, is none.
func TestUnloaded(t *testing.T) {
	for name, c := range map[string]struct {
		expects []string // now
		running bool
		now     event.State
		err     error
		want    event.State
	}{
		"loaded":                    {[]string{"dsa_filter"}, true, event.Up, nil, event.Up},
		"unloaded":                  {[]string{"dsa_filter"}, true, event.Down, nil, event.Down},
		"unloaded with the agent":   {[]string{"dsa_filter"}, false, event.Down, nil, event.Up},
		"unloaded with the feature": {nil, true, event.Down, nil, event.Up},
		"nobody knows":              {[]string{"dsa_filter"}, true, event.Unknown, nil, event.Up},
		"nobody can look":           {[]string{"dsa_filter"}, true, "", os.ErrPermission, event.Unknown},
		"another one never came":    {[]string{"dsa_filter_hook"}, true, event.Down, nil, event.Up},
	} {
		t.Run(name, func(t *testing.T) {
			expects, running, state, fail := []string{"dsa_filter"}, true, event.Up, error(nil)
			m := newModules(func() []string { return expects }, func() bool { return running })
			m.look = func(_ context.Context, names []string) (map[string]event.State, error) {
				all := map[string]event.State{}
				for _, n := range names {
					all[n] = state
				}
				return all, fail
			}
			if got, _ := m.judge(t.Context()); got != event.Up {
				t.Fatalf("at first: %s", got)
			}
			expects, running, state, fail = c.expects, c.running, c.now, c.err
			for range 2 { // it lasts
				if got, say := m.judge(t.Context()); got != c.want {
					t.Errorf("%s, %s; want %s", got, words.English(say), c.want)
				}
			}
			expects, running, state, fail = []string{"dsa_filter"}, true, event.Up, nil
			if got, say := m.judge(t.Context()); got != event.Up {
				t.Errorf("loaded again: %s, %s", got, words.English(say))
			}
		})
	}
}
