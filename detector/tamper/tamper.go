package tamper

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"dswatch/detector/facts"
	"dswatch/detector/service"
	"dswatch/event"
	"dswatch/words"
)

// The rows of kind event.Tamper.
const (
	startsRow    = "starts"
	filesRow     = "files"
	strangersRow = "strangers"
	modulesRow   = "modules"
)

// mostListed is how many files or strangers a detail names.
const mostListed = 3

// Watch looks at the components of one host. It is a source of facts and a
// detector. Safe for concurrent use.
type Watch struct {
	host    string
	folders func(component string) []string
	starts  func(ctx context.Context, names []string) (map[string]string, error)
	end     func()
	root    string // of the file system that is judged

	strangers *strangers
	modules   *modules

	mu    sync.Mutex
	known map[string]map[string]start // by component and service
}

// start is how a service was seen to begin with the host.
type start struct {
	how string
	at  time.Time
}

// off reports whether a service in this state does not begin by itself.
func off(how string) bool {
	return slices.Contains([]string{"disabled", "masked", "masked-runtime", "manual", service.Gone}, how)
}

// services are those that must begin with the host, by system and component.
// On Linux the vendor's packages have one each.
var services = map[string]map[string][]string{
	event.Linux:   {event.Agent: {"ds_agent"}, event.Manager: {"dsm_s"}},
	event.Windows: {event.Agent: {"ds_agent", "ds_monitor", "ds_notifier", "Amsp"}, event.Manager: {"Trend Micro Deep Security Manager"}},
}

// Options are what a Watch is made from.
type Options struct {
	Host    string
	Folders func(component string) []string // where it is installed, none where it is not
	Before  event.Facts                     // that were told, of which it remembers its own
	// Drivers are those of the agent that its own word makes expected now, and
	// Running is whether its main process runs.
	Drivers func() []string
	Running func() bool
}

// New remembers what was seen before, if anything.
func New(o Options) *Watch {
	s := service.NewStarts()
	host, folders, before := o.Host, o.Folders, o.Before
	w := &Watch{host: host, folders: folders, starts: s.Read, end: s.Close, root: "/", known: map[string]map[string]start{}}
	for _, c := range facts.Components() {
		f, ok := before.Get(event.Starts(c))
		if !ok {
			continue
		}
		for one := range strings.SplitSeq(f.Value, ";") {
			if name, how, ok := strings.Cut(one, "="); ok {
				w.remember(c, name, start{how, f.At})
			}
		}
	}
	told, _ := before.Get(event.StrangersAgent)
	w.strangers = newStrangers(func() []string { return folders(event.Agent) }, told.Value)
	w.modules = newModules(o.Drivers, o.Running)
	return w
}

func (w *Watch) remember(component, name string, s start) {
	if w.known[component] == nil {
		w.known[component] = map[string]start{}
	}
	w.known[component][name] = s
}

// Close ends the connection to the service manager.
func (w *Watch) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
	return nil
}

// Keys are the items that Detect answers for.
func (w *Watch) Keys() (keys []event.Key) {
	for _, c := range facts.Components() {
		keys = append(keys, w.key(c, startsRow), w.key(c, filesRow))
	}
	return append(keys, w.key(event.Agent, strangersRow), w.key(event.Agent, modulesRow))
}

func (w *Watch) key(component, name string) event.Key {
	return event.Key{Host: w.host, Component: component, Kind: event.Tamper, Name: name}
}

// Facts tells what is remembered. The time is that of the newest change.
func (w *Watch) Facts(context.Context) (event.Facts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := event.Facts{}
	for c, known := range w.known {
		var parts []string
		var at time.Time
		for name, s := range known {
			parts = append(parts, name+"="+s.how)
			if s.at.After(at) {
				at = s.at
			}
		}
		slices.Sort(parts)
		f[event.Starts(c)] = event.Fact{Value: strings.Join(parts, ";"), Origin: "service manager", At: at}
	}
	if len(w.strangers.told) > 0 && len(w.folders(event.Agent)) > 0 {
		f[event.StrangersAgent] = event.Fact{Value: strings.Join(w.strangers.told, ";"), Origin: "process list", At: time.Now()}
	}
	return f, nil
}

// Detect looks once. It has no error: what cannot be asked is unknown, and only
// where something is remembered does anybody expect it.
func (w *Watch) Detect(ctx context.Context) (out []event.Observation, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range facts.Components() {
		folders := w.folders(c)
		if len(folders) == 0 {
			delete(w.known, c)
		}
		look := func(row string, judge func() (event.State, event.Said)) {
			o := event.Observation{Key: w.key(c, row), State: event.Up, Found: 1, Want: 1, At: time.Now()}
			if len(folders) > 0 {
				o.State, o.Detail = judge()
			}
			if o.State != event.Up {
				o.Found = 0
			}
			out = append(out, o)
		}
		look(startsRow, func() (event.State, event.Said) { return w.beginnings(ctx, c) })
		look(filesRow, func() (event.State, event.Said) { return w.writable(folders) })
		if c == event.Agent {
			look(strangersRow, func() (event.State, event.Said) { return w.strangers.judge(ctx) })
			look(modulesRow, func() (event.State, event.Said) { return w.modules.judge(ctx) })
		}
	}
	return out, nil
}

// beginnings compares the starts of a component's services with what they were.
func (w *Watch) beginnings(ctx context.Context, component string) (event.State, event.Said) {
	names := services[runtime.GOOS][component]
	if len(names) == 0 {
		return event.Up, event.Said{}
	}
	now, err := w.starts(ctx, names)
	if err != nil {
		return event.Unknown, words.StartsUnknown.With(err)
	}
	var changed, same event.Said
	for _, n := range names {
		how, told := now[n]
		was, known := w.known[component][n]
		switch {
		case !told, !known && how == service.Gone: // it is not one of this release, or not yet
		case known && off(how) && !off(was.how):
			changed = changed.And(words.StartChanged.With(n, how, was.how, was.at))
		default:
			if !known || was.how != how {
				w.remember(component, n, start{how, time.Now()})
			}
			same = same.And(words.StartIs.With(n, how))
		}
	}
	if !changed.Empty() {
		return event.Down, changed
	}
	return event.Up, same
}
