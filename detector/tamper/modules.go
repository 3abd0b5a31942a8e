package tamper

import (
	"context"
	"time"

	"dswatch/detector/driver"
	"dswatch/event"
	"dswatch/words"
)

// modules watches whether a kernel module that was loaded is unloaded while the
// agent goes on running.
type modules struct {
	look    func(ctx context.Context, names []string) (map[string]event.State, error)
	expects func() []string // that the agent's own word makes expected now
	running func() bool     // the agent's main process
	loaded  map[string]time.Time
}

func newModules(expects func() []string, running func() bool) *modules {
	return &modules{look: loadedNow, expects: expects, running: running, loaded: map[string]time.Time{}}
}

// loadedNow is the state of each driver in the running kernel.
func loadedNow(ctx context.Context, names []string) (map[string]event.State, error) {
	var targets []driver.Target
	for _, n := range names {
		targets = append(targets, driver.Target{Key: event.Key{Component: event.Agent, Kind: event.Driver, Name: n}, Names: []string{n}})
	}
	d, err := driver.New(targets)
	if err != nil {
		return nil, err
	}
	seen, err := d.Detect(ctx)
	states := map[string]event.State{}
	for _, o := range seen {
		states[o.Key.Name] = o.State
	}
	return states, err
}

// judge looks once. A module that is expected no more was unloaded with its
// feature, and one that went with the agent is the agent's loss.
func (m *modules) judge(ctx context.Context) (event.State, event.Said) {
	names := m.expects()
	before := m.loaded
	m.loaded = map[string]time.Time{}
	if len(names) == 0 {
		return event.Up, event.Said{}
	}
	now, err := m.look(ctx, names)
	if err != nil {
		m.loaded = before
		return event.Unknown, words.ModulesUnknown.With(err)
	}
	var say event.Said
	for _, n := range names {
		at, was := before[n]
		switch {
		case now[n] == event.Up:
			m.loaded[n] = time.Now()
		case was && now[n] == event.Unknown:
			m.loaded[n] = at
		case was && m.running(): // else it went with the agent, and is forgotten
			m.loaded[n] = at
			say = say.And(words.ModuleUnloaded.With(n, at))
		}
	}
	if !say.Empty() {
		return event.Down, say
	}
	return event.Up, event.Said{}
}
