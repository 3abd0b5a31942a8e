package facts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Presence tells which components are installed, and remembers what was: a
// component that was seen stays one of the host's until a package manager has
// recorded its removal, somebody has declared the host's components, or it is
// forgotten. It is a source of facts and, for the items of kind
// event.Installation, a detector. Safe for concurrent use.
//
// The word of a package manager counts first, then the main program, never a
// folder alone. What cannot be looked at counts as there.
type Presence struct {
	host  string
	look  func(context.Context) []sighting
	stamp func() string // changes when a package manager may have another word; nil: it may at any time

	mu     sync.Mutex
	seen   map[string]trace // by component
	gone   map[string]record
	last   []sighting
	lastAt string // stamp of last

	places atomic.Pointer[map[string][]string] // folders of components
}

// trace is what was seen installed.
type trace struct {
	by      string // dpkg, rpm, registry or file
	program string
	at      time.Time
}

// record says who recorded a removal.
type record struct {
	by string
	at time.Time
}

// Word is what a package manager says of a component.
type Word int

const (
	SilentWord    Word = iota // there is no database, or it cannot be read, or it says nothing of this component
	InstalledWord             // its files belong on this host
	AbsentWord                // the database is whole and has no such package
	RemovedWord               // the database says that it was removed
)

// sighting is one look at one component.
type sighting struct {
	component string
	words     []packaged
	program   string    // the path that was looked for
	there     bool      // it is there, or may not be looked at
	changed   time.Time // when the program's file came there, zero if it is not known
	err       error     // why it cannot be said whether it is there
}

// packaged is the word of one package manager.
type packaged struct {
	by      string
	word    Word
	at      time.Time // of a removal
	without bool      // it is known that the main program is no file of the package
}

// Components are those whose installation is watched.
func Components() []string { return []string{event.Agent, event.Manager} }

// keepRemoved is how long a removal is told.
const keepRemoved = time.Hour

// NewPresence returns the source for the host. Before are the facts that an
// earlier one told, of which it remembers its own.
func NewPresence(host, root string, before event.Facts) *Presence {
	p := remembering(host, before)
	p.look = func(ctx context.Context) []sighting { return sightings(ctx, root) }
	p.stamp = func() string { return Stamp(root) }
	return p
}

// Far is what another host's package managers say of the agent, and whether its
// main program is there; Err: that cannot be said.
type Far struct {
	Dpkg, RPM Word
	There     bool
	Err       error
}

// NewFarPresence is NewPresence for the agent on another host, at which look
// looks each time.
func NewFarPresence(host string, before event.Facts, look func(context.Context) Far) *Presence {
	p := remembering(host, before)
	p.look = func(ctx context.Context) []sighting {
		far := look(ctx)
		return []sighting{{
			component: event.Agent, program: programsOf[0].path, there: far.There, err: far.Err,
			words: []packaged{{by: "dpkg", word: far.Dpkg}, {by: "rpm", word: far.RPM}},
		}}
	}
	return p
}

func remembering(host string, before event.Facts) *Presence {
	p := &Presence{host: host, seen: map[string]trace{}, gone: map[string]record{}}
	for _, c := range Components() {
		if f, ok := before.Get(event.Installed(c)); ok {
			by, program, _ := strings.Cut(f.Value, " ")
			p.seen[c] = trace{by, program, f.At}
		}
		if f, ok := before.Get(event.Removed(c)); ok {
			p.gone[c] = record{f.Value, f.At}
		}
	}
	return p
}

// Forget ends the memory of a component and reports whether there was any.
func (p *Presence) Forget(component string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, had := p.seen[component]
	delete(p.seen, component)
	delete(p.gone, component)
	return had
}

// Declared ends the memory of what the host's declared components leave out.
func (p *Presence) Declared(declared event.Facts) {
	for _, c := range Components() {
		if has, known := declared.Has(c); known && !has {
			p.Forget(c)
		}
	}
}

// Facts tells the components that are installed or remembered, what was seen
// of each, and removals of the last hour.
func (p *Presence) Facts(ctx context.Context) (event.Facts, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.place()
	now := time.Now()
	var names, origins []string
	var errs []error
	f := event.Facts{}
	for _, s := range p.sight(ctx) {
		v := p.judge(s, now)
		if s.err != nil {
			errs = append(errs, fmt.Errorf("look for the %s: %w; declare components in watch.facts", s.component, s.err))
		}
		if t, ok := p.seen[s.component]; ok {
			names = append(names, s.component)
			origin := "installed (" + t.program + ")"
			if v.state != event.Up {
				origin = "remembered (" + t.by + " " + t.program + ", seen " + t.at.UTC().Format(time.RFC3339) + ")"
			}
			origins = append(origins, origin)
			f[event.Installed(s.component)] = event.Fact{Value: strings.TrimSpace(t.by + " " + t.program), Origin: origin, At: t.at}
		}
		if r, ok := p.gone[s.component]; ok {
			f[event.Removed(s.component)] = event.Fact{Value: r.by, Origin: "package (" + r.by + ")", At: r.at}
		}
	}
	if names != nil {
		slices.Sort(names)
		f[event.Components] = event.Fact{Value: strings.Join(names, ","), Origin: strings.Join(origins, ", "), At: now}
	}
	return f, errors.Join(errs...)
}

// Folders are where a component is installed, as far as that is known, or
// where it was; links are not followed.
func (p *Presence) Folders(component string) []string {
	if m := p.places.Load(); m != nil {
		return (*m)[component]
	}
	return nil
}

// place notes the folders. The caller holds mu.
func (p *Presence) place() {
	m := map[string][]string{}
	for c, t := range p.seen {
		if t.program != "" {
			m[c] = foldersOf(t.program)
		}
	}
	p.places.Store(&m)
}

// foldersOf are the folders of the component whose main program this is: on
// Windows anti-malware has one of its own beside the agent's.
func foldersOf(program string) []string {
	if java, ok := strings.CutSuffix(program, "/jre/bin/java"); ok {
		return []string{java}
	}
	dir := filepath.Dir(program)
	if strings.HasSuffix(strings.ToLower(program), ".exe") {
		return []string{dir, filepath.Join(filepath.Dir(dir), "AMSP")}
	}
	return []string{dir}
}

// Keys are the items that Detect answers for.
func (p *Presence) Keys() []event.Key {
	var out []event.Key
	for _, c := range Components() {
		out = append(out, p.key(c, "installed"), p.key(c, "removed"))
	}
	return out
}

func (p *Presence) key(component, name string) event.Key {
	return event.Key{Host: p.host, Component: component, Kind: event.Installation, Name: name}
}

// Detect looks once. Items of what was never installed are down, and nobody
// expects them.
func (p *Presence) Detect(ctx context.Context) ([]event.Observation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.place()
	now := time.Now()
	var out []event.Observation
	for _, s := range p.sight(ctx) {
		v := p.judge(s, now)
		o := event.Observation{Key: p.key(s.component, "installed"), State: v.state, Want: 1, Detail: v.detail, At: now}
		if v.state == event.Up {
			o.Found = 1
		}
		r := event.Observation{Key: p.key(s.component, "removed"), State: event.Up, Found: 1, Want: 1, At: now}
		if g, ok := p.gone[s.component]; ok {
			r.State, r.Found = event.Down, 0
			r.Detail = words.RemovedAt.With(g.by, g.at)
		}
		out = append(out, o, r)
	}
	return out, nil
}

// sight looks at the programs, and asks the package managers where they may
// say something new. The caller holds mu.
func (p *Presence) sight(ctx context.Context) []sighting {
	if p.stamp == nil {
		p.last = p.look(ctx)
		return p.last
	}
	stamp := p.stamp()
	// The registry of Windows has no stamp, and is read in no time.
	if p.last == nil || stamp != p.lastAt || runtime.GOOS == event.Windows {
		p.last, p.lastAt = p.look(ctx), stamp
		return p.last
	}
	for i, s := range p.last {
		p.last[i].there, p.last[i].changed, p.last[i].err = there(s.program)
	}
	return p.last
}

// verdict is what a sighting and the memory mean together.
type verdict struct {
	state  event.State
	detail event.Said
}

// judge takes a sighting into the memory and says what it means. The caller
// holds mu.
func (p *Presence) judge(s sighting, now time.Time) verdict {
	c := s.component
	known, remembered := p.seen[c]
	if remembered && known.program != s.program && s.program == "" {
		s.program = known.program
		s.there, s.changed, s.err = there(s.program)
	}
	if g, ok := p.gone[c]; ok && now.Sub(g.at) > keepRemoved && !s.there {
		delete(p.gone, c)
	}
	says := func(w Word) (packaged, bool) {
		i := slices.IndexFunc(s.words, func(p packaged) bool { return p.word == w })
		if i < 0 {
			return packaged{}, false
		}
		return s.words[i], true
	}
	pkg, isInstalled := says(InstalledWord)
	gone, isRemoved := says(RemovedWord)
	if !isRemoved && remembered {
		// A package that a database had and has no more was removed.
		i := slices.IndexFunc(s.words, func(w packaged) bool { return w.by == known.by && w.word == AbsentWord })
		if isRemoved = i >= 0; isRemoved {
			gone = s.words[i]
		}
	}
	if gone.at.IsZero() {
		gone.at = now
	}
	switch {
	case isInstalled && s.err != nil, !isInstalled && !isRemoved && remembered && s.err != nil:
		return verdict{event.Unknown, words.PresenceUnknown.With(s.program, s.err)}
	case isInstalled && s.program == "": // nobody tells where it is
		p.seen[c] = trace{pkg.by, "", now}
		return verdict{event.Up, words.InList.With()}
	case isInstalled && pkg.without && !s.there && (!remembered || known.by == pkg.by && known.program == ""):
		p.seen[c] = trace{pkg.by, "", now}
		return verdict{event.Up, words.PackageWithout.With(pkg.by, s.program)}
	case isInstalled && s.there:
		p.seen[c] = trace{pkg.by, s.program, now}
		delete(p.gone, c)
		return verdict{event.Up, words.PackageThere.With(pkg.by, s.program)}
	case isInstalled:
		if !remembered || known.by != pkg.by {
			p.seen[c] = trace{pkg.by, s.program, now}
		}
		return verdict{event.Down, words.ProgramGone.With(pkg.by, s.program).And(p.since(c))}
	case isRemoved:
		if remembered {
			delete(p.seen, c)
			p.gone[c] = record{gone.by, gone.at}
		}
		return verdict{event.Down, words.Removed.With(gone.by)}
	case s.there && p.leftOver(s):
		return verdict{event.Down, words.LeftOver.With(s.program, p.gone[c].by)}
	case s.there:
		p.seen[c] = trace{"file", s.program, now}
		delete(p.gone, c)
		return verdict{event.Up, words.NoPackage.With(s.program)}
	case remembered:
		return verdict{event.Down, words.GoneUnrecorded.With(s.program).And(p.since(c))}
	}
	return verdict{event.Down, words.NothingInstalled.With()}
}

// leftOver reports whether the program is older than a removal that was
// recorded.
func (p *Presence) leftOver(s sighting) bool {
	g, ok := p.gone[s.component]
	return ok && !s.changed.IsZero() && !s.changed.After(g.at)
}

func (p *Presence) since(component string) event.Said {
	return words.WasThereAt.With(p.seen[component].at)
}

// there looks for a program. One that may not be looked at counts as there.
func there(program string) (yes bool, changed time.Time, err error) {
	if program == "" {
		return false, changed, nil
	}
	info, err := os.Stat(program)
	switch {
	case err == nil:
		return info.Mode().IsRegular(), changeTime(info), nil
	case errors.Is(err, fs.ErrPermission):
		return true, changed, nil
	case missing(err):
		return false, changed, nil
	}
	return false, changed, err
}

// programsOf are the main programs of the vendor's Linux packages.
var programsOf = []struct{ component, path string }{
	{event.Agent, "/opt/ds_agent/ds_agent"},
	{event.Manager, "/opt/dsm/jre/bin/java"},
}

// sightings looks at this host.
func sightings(ctx context.Context, root string) []sighting {
	if s, ok := listed(); ok {
		return s
	}
	var out []sighting
	for _, d := range programsOf {
		s := sighting{component: d.component, program: filepath.Join(root, d.path)}
		s.there, s.changed, s.err = there(s.program)
		if d.component == event.Agent {
			s.words = []packaged{Dpkg{Root: root}.word(), RPM{Root: root}.word(ctx)}
		}
		out = append(out, s)
	}
	return out
}
