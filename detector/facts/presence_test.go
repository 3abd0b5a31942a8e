package facts

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// imagined is a Presence that sees what s says.
func imagined(before event.Facts, s *sighting) *Presence {
	p := remembering("web01", before)
	n := 0
	p.look = func(context.Context) []sighting { return []sighting{*s} }
	p.stamp = func() string { n++; return string(rune(n)) }
	return p
}

// glimpse is the state of the agent's row, and the facts about it.
func glimpse(t *testing.T, p *Presence) (event.Observation, event.Facts) {
	t.Helper()
	all, err := p.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Facts(t.Context())
	if err != nil && all[0].State != event.Unknown {
		t.Fatal(err)
	}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	return all[0], f
}

func TestPresence(t *testing.T) {
	there := filepath.Join(t.TempDir(), "ds_agent")
	if err := os.WriteFile(there, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), "ds_agent")
	dpkg := func(w Word) []packaged { return []packaged{{by: "dpkg", word: w}, {by: "rpm"}} }
	memory := func(by string) event.Facts {
		return event.Facts{event.InstalledAgent: {Value: by + " " + nowhere, Origin: "installed", At: time.Now().Add(-time.Hour)}}
	}
	for name, c := range map[string]struct {
		before event.Facts
		words  []packaged
		path   string
		state  event.State
		agent  bool // is a component of the host
		gone   string
		say    string
	}{
		"package and program":                       {words: dpkg(InstalledWord), path: there, state: event.Up, agent: true, say: "dpkg has its package"},
		"package, program wiped":                    {words: dpkg(InstalledWord), path: nowhere, state: event.Down, agent: true, say: "is gone"},
		"program without package":                   {words: dpkg(AbsentWord), path: there, state: event.Up, agent: true},
		"nothing, never":                            {words: dpkg(AbsentWord), path: nowhere, state: event.Down, say: "not installed"},
		"nothing, no package manager":               {path: nowhere, state: event.Down, say: "not installed"},
		"removed, configuration left":               {words: dpkg(RemovedWord), path: nowhere, state: event.Down},
		"removed, program left over":                {words: dpkg(RemovedWord), path: there, state: event.Down},
		"remembered, purged":                        {before: memory("dpkg"), words: dpkg(AbsentWord), path: nowhere, state: event.Down, gone: "dpkg"},
		"remembered, removed":                       {before: memory("dpkg"), words: dpkg(RemovedWord), path: nowhere, state: event.Down, gone: "dpkg"},
		"remembered, database wiped too":            {before: memory("dpkg"), words: dpkg(SilentWord), path: nowhere, state: event.Down, agent: true, say: "nothing has recorded its removal"},
		"remembered as rpm, dpkg has none":          {before: memory("rpm"), words: dpkg(AbsentWord), path: nowhere, state: event.Down, agent: true, say: "nothing has recorded its removal"},
		"remembered as a file, gone":                {before: memory("file"), words: dpkg(AbsentWord), path: nowhere, state: event.Down, agent: true, say: "nothing has recorded its removal"},
		"remembered, and there":                     {before: memory("file"), words: dpkg(AbsentWord), path: there, state: event.Up, agent: true},
		"Windows: entry and folder key deleted too": {before: memory("registry"), path: "", state: event.Down, agent: true, say: nowhere + " is gone"},
		"Windows: an entry, nobody tells where":     {words: []packaged{{by: "registry", word: InstalledWord}}, state: event.Up, agent: true},
		"Windows: removed by Windows Installer":     {before: memory("registry"), words: []packaged{{by: "Windows Installer", word: RemovedWord}}, state: event.Down, gone: "Windows Installer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sighting{component: event.Agent, words: c.words, program: c.path, there: c.path == there}
			o, f := glimpse(t, imagined(c.before, &s))
			has, _ := f.Has(event.Agent)
			_, installed := f.Get(event.InstalledAgent)
			gone, _ := f.Get(event.RemovedAgent)
			if o.State != c.state || has != c.agent || installed != c.agent || gone.Value != c.gone || !strings.Contains(words.English(o.Detail), c.say) {
				t.Errorf("%s (%s), %v; want %s, an agent: %v, removed by %q", o.State, words.English(o.Detail), f, c.state, c.agent, c.gone)
			}
		})
	}
}

func TestPresenceRemembers(t *testing.T) {
	s := sighting{component: event.Agent, program: "/x/ds_agent", there: true}
	p := imagined(nil, &s)
	o, f := glimpse(t, p)
	if o.State != event.Up {
		t.Fatal(o)
	}
	// It vanishes while dswatch is stopped.
	s.there = false
	p = imagined(f, &s)
	if o, f = glimpse(t, p); o.State != event.Down || f[event.Components].Value != event.Agent || !strings.Contains(f[event.Components].Origin, "remembered (file /x/ds_agent") {
		t.Errorf("%+v, %v", o, f)
	}
	t.Run("forgotten", func(t *testing.T) {
		p := imagined(f, &s)
		if !p.Forget(event.Agent) || p.Forget(event.Agent) {
			t.Error("it does not say whether there was anything to forget")
		}
		if o, f := glimpse(t, p); len(f) != 0 {
			t.Errorf("%+v, %v", o, f)
		}
	})
	t.Run("declared", func(t *testing.T) {
		p := imagined(f, &s)
		p.Declared(event.Facts{event.Components: {Value: event.Manager}})
		if o, f := glimpse(t, p); len(f) != 0 {
			t.Errorf("%+v, %v", o, f)
		}
	})
	t.Run("cannot be looked at", func(t *testing.T) {
		s := s
		s.err = os.ErrDeadlineExceeded // an NFS server is silent
		if o, f := glimpse(t, imagined(f, &s)); o.State != event.Unknown || f[event.Components].Value != event.Agent {
			t.Errorf("%+v, %v", o, f)
		}
	})
}
