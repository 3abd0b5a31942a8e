package process

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"dswatch/detector/exits"
	"dswatch/event"
	"dswatch/words"
)

// Target is one item to look for.
type Target struct {
	Key event.Key
	// Names are the process names that count, aliases included.
	Names []string
	// Exe are absolute paths with wildcards: *, ? and [...] within a part, **
	// for any number of parts. With Exe the executable decides, and Names only
	// say which processes are worth a look; without Names these are the file
	// names of the patterns. Where one of them has wildcards, every process is
	// opened, which takes far longer: see BenchmarkPass/wildcard.
	Exe []string
	// Want is the number of instances of a healthy host; below one means one.
	Want int
	// Args are patterns of arguments that the process must have, as those of
	// path.Match, each of a whole argument.
	Args []string
	// Owner says whose process it must be.
	Owner Owner
}

// Detector looks for its targets among this host's processes.
type Detector struct {
	table   table
	targets []*target
	byName  map[string][]*target
	anyName []*target                       // targets whose patterns fit any name
	counted atomic.Pointer[[]exits.Process] // in the last look, for who waits for their end
}

// table is the operating system's list of processes. It is used by one
// goroutine at a time.
type table interface {
	// read calls visit for each process whose name is wanted. It may pass over
	// processes that it has seen under another name in each of its last reads,
	// so it cannot tell alone that a process is gone. An error means that
	// nothing could be seen.
	read(ctx context.Context, wanted func(name []byte) bool, visit func(proc)) (gaps, error)
	// rest does the same for what the last read has passed over.
	rest(ctx context.Context, wanted func(name []byte) bool, visit func(proc)) (gaps, error)
	// forms returns how the table may write the name of a process.
	forms(name string) []string
}

// proc is one process. Its exe is read only when asked for, and only during
// the visit.
type proc struct {
	pid, ppid int
	name      string
	started   time.Time                // zero if not known
	start     uint64                   // on Linux: the same in clock ticks since the start of the system
	aside     func(pid int) event.Said // why it does not count, nil if it does
	// exe returns the path of the program file, empty if there is none.
	exe func() (string, error)
	// full returns the names that the process gives itself, program file first,
	// where the table has cut its name; nil where it has not.
	full func() []string
	// stand and halted may be nil: nothing is known.
	stand   func(*target) standing
	stopped bool
	fault   error // why nothing but pid and name is known
}

// gaps is what a read could not see.
type gaps struct {
	unreadable int        // processes whose name cannot be read
	fault      error      // why, of one of them, where it is not that this user may not
	read       int        // names that could be read
	hidden     event.Said // why there may be processes that are not listed at all, empty if there are none
}

// New checks the targets. It does not look yet.
func New(targets []Target) (*Detector, error) {
	return newDetector(newTable(), targets)
}

// foldCase says that paths do not tell upper and lower case apart.
const foldCase = runtime.GOOS == "windows"

func newDetector(tab table, targets []Target) (*Detector, error) {
	d := &Detector{table: tab, byName: map[string][]*target{}}
	for _, spec := range targets {
		t := &target{Target: spec}
		names := spec.Names
		for _, s := range spec.Exe {
			p, err := compile(s, foldCase)
			if err != nil {
				return nil, fmt.Errorf("new process detector: %s: %w", spec.Key, err)
			}
			t.exe = append(t.exe, p)
			if len(spec.Names) == 0 {
				names = append(names, p.base())
			}
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("new process detector: %s: has neither names nor executables; give one", spec.Key)
		}
		d.targets = append(d.targets, t)
		if slices.Contains(spec.Names, "") {
			return nil, fmt.Errorf("new process detector: %s: a name is empty; remove it", spec.Key)
		}
		// A name made from a pattern's wildcards says nothing about which
		// processes are worth a look.
		if len(t.exe) > 0 && slices.ContainsFunc(names, func(n string) bool { return n == "" || strings.ContainsAny(n, "*?[") }) {
			d.anyName = append(d.anyName, t)
			continue
		}
		for _, n := range names {
			for _, f := range tab.forms(n) {
				if !slices.Contains(d.byName[f], t) {
					d.byName[f] = append(d.byName[f], t)
				}
			}
		}
	}
	return d, nil
}

// Detect looks once. Its error ends with what to do.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	at := time.Now()
	d.counted.Store(nil) // a look that fails leaves nothing to wait for
	for _, t := range d.targets {
		t.reset()
	}
	g, err := d.table.read(ctx, d.wanted, d.weigh)
	// A loss is told only when every process was read. One that was told
	// already needs no second proof in every look.
	if err == nil && slices.ContainsFunc(d.targets, (*target).lost) {
		var more gaps
		more, err = d.table.rest(ctx, d.wanted, d.weigh)
		g.unreadable += more.unreadable
		g.fault = cmp.Or(g.fault, more.fault)
	}
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	out := make([]event.Observation, len(d.targets))
	for i, t := range d.targets {
		out[i] = t.observe(g, at)
		t.before = len(t.found)
	}
	d.remember()
	return out, nil
}

// mostWatched is how many processes of one row are waited for: each takes a
// descriptor.
const mostWatched = 64

// remember notes which processes counted.
func (d *Detector) remember() {
	n := 0
	for _, t := range d.targets {
		n += len(t.found) + len(t.stopped)
	}
	all := make([]exits.Process, 0, n)
	for _, t := range d.targets {
		for _, some := range [][]proc{t.found, t.stopped} {
			for _, p := range some[:min(len(some), mostWatched)] {
				all = append(all, exits.Process{PID: p.pid, Start: p.start})
			}
		}
	}
	d.counted.Store(&all)
}

// Close lets go of what looking kept open.
func (d *Detector) Close() error {
	if c, ok := d.table.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (d *Detector) wanted(name []byte) bool {
	return len(d.anyName) > 0 || d.byName[string(name)] != nil
}

func (d *Detector) weigh(p proc) {
	for _, t := range d.byName[p.name] {
		t.weigh(p)
	}
	for _, t := range d.anyName {
		t.weigh(p)
	}
}

// target is a Target during one look.
type target struct {
	Target
	exe      []pattern
	before   int       // how many were found in the look before
	resolved []pattern // exe with symbolic links followed, made at most once a look
	found    []proc
	doubtful []proc // may be it, but the executable cannot be read
	doubt    error  // why
	aside    []proc // would be it, but do not count
	others   int    // have the name but another executable

	strangers []stranger
	stopped   []proc
	unproven  event.Said
}

// stranger is a process that has the name and is not the target.
type stranger struct {
	proc
	standing
}

func (t *target) want() int { return max(t.Want, 1) }

// lost reports whether instances are missing that were there.
func (t *target) lost() bool { return len(t.found) < t.want() && len(t.found) < t.before }

func (t *target) reset() {
	*t = target{Target: t.Target, exe: t.exe, before: t.before, found: t.found[:0], doubtful: t.doubtful[:0], aside: t.aside[:0], strangers: t.strangers[:0], stopped: t.stopped[:0]}
}

// cut reports whether p is another process, whose name begins with the same
// bytes as ours and goes on differently. Only what the process itself tells
// counts: a process that tells nothing of the kind may be ours.
func (t *target) cut(p proc) bool {
	if p.full == nil || slices.Contains(t.Names, p.name) {
		return false
	}
	longer := false
	for _, n := range p.full() {
		for _, name := range t.Names {
			rest, ok := strings.CutPrefix(n, name)
			if ok && (rest == "" || rest[0] == ':' || rest[0] == ' ') { // "NAME: worker" is a title that the process gave itself
				return false
			}
		}
		longer = longer || len(n) > len(p.name) && strings.HasPrefix(n, p.name)
	}
	return longer
}

// weigh decides whether p is the target.
func (t *target) weigh(p proc) {
	if p.fault != nil {
		t.doubtful = append(t.doubtful, p)
		return
	}
	if len(t.exe) == 0 && t.cut(p) {
		t.others++
		return
	}
	if len(t.exe) > 0 {
		file, err := p.exe()
		if err != nil && p.aside == nil {
			t.doubtful, t.doubt = append(t.doubtful, p), err
			return
		}
		// What has ended has no executable any more; its name is all there is.
		if !(p.aside != nil && file == "") && !t.runs(file) {
			t.others++
			return
		}
	}
	if p.aside != nil {
		t.aside = append(t.aside, p)
		return
	}
	if p.stand != nil {
		s := p.stand(t)
		if !s.stranger.Empty() {
			t.strangers = append(t.strangers, stranger{p, s})
			return
		}
		if t.unproven.Empty() {
			t.unproven = s.unproven
		}
	}
	t.count(p)
}

// count takes a process as one of the target's, if it works.
func (t *target) count(p proc) {
	if p.stopped {
		t.stopped = append(t.stopped, p)
		return
	}
	t.found = append(t.found, p)
}

// adopt counts the workers below what is counted: they run as any user.
func (t *target) adopt() {
	t.strangers = slices.DeleteFunc(t.strangers, func(s stranger) bool {
		child := s.user && slices.ContainsFunc(append(slices.Clip(t.found), t.stopped...), func(p proc) bool { return p.pid == s.ppid })
		if child {
			t.count(s.proc)
		}
		return child
	})
}

// runs reports whether file is one of the target's executables. The system
// tells the path of a program file without symbolic links, so /opt/dsm must
// also be looked for where it points to.
func (t *target) runs(file string) bool {
	fits := func(p pattern) bool { return p.match(file) }
	if file == "" {
		return false
	}
	if slices.ContainsFunc(t.exe, fits) {
		return true
	}
	if t.resolved == nil {
		t.resolved = []pattern{}
		for _, p := range t.exe {
			if r, ok := p.resolve(filepath.EvalSymlinks); ok {
				t.resolved = append(t.resolved, r)
			}
		}
	}
	return slices.ContainsFunc(t.resolved, fits)
}

// observe turns what was found into a state. What could not be seen makes it
// unknown only if it could make a difference.
func (t *target) observe(g gaps, at time.Time) event.Observation {
	t.adopt()
	found, want := len(t.found), t.want()
	most := found + len(t.doubtful) + g.unreadable
	if !g.hidden.Empty() {
		most = max(most, want)
	}
	o := event.Observation{Key: t.Key, State: event.StateOf(found, want), Found: found, Want: want, At: at}
	if o.State != event.StateOf(most, want) {
		o.State = event.Unknown
	}

	say := named(t.found)
	if found == 0 {
		say = t.absent()
		switch {
		case t.others == 0:
		case len(t.exe) == 0:
			say = say.And(words.LongerName.With(t.others))
		default:
			say = say.And(words.OtherExecutable.With(t.others))
		}
	}
	for _, p := range t.stopped[:min(len(t.stopped), maxListed)] {
		say = say.And(words.Halted.With(p.pid))
	}
	for _, s := range t.strangers[:min(len(t.strangers), maxListed)] {
		say = say.And(s.stranger)
	}
	say = say.And(t.unproven)
	for _, p := range t.aside[:min(len(t.aside), maxListed)] {
		say = say.And(p.aside(p.pid))
	}
	if found < want {
		say = say.And(g.hidden)
		switch {
		case g.fault != nil:
			say = say.And(words.NamesUnreadable.With(g.unreadable), words.Of(g.fault))
		case g.unreadable > 0:
			say = say.And(words.NamesUnreadable.With(g.unreadable), grant())
		}
		var unread []proc
		for _, p := range t.doubtful[:min(len(t.doubtful), maxListed)] {
			if p.fault == nil {
				unread = append(unread, p)
			} else {
				say = say.And(words.ProcessUnreadable.With(p.pid, p.fault))
			}
		}
		if len(unread) > 0 {
			say = say.And(words.ExecutableUnreadable.With(pids(unread), t.doubt), grant())
		}
	}
	o.Detail = say
	return o
}

// absent says what was looked for.
func (t *target) absent() event.Said {
	if len(t.Exe) > 0 {
		return words.NoProcessRuns.With(t.Exe)
	}
	return words.NoProcessNamed.With(t.Names)
}

const maxListed = 8

// named names the first processes.
func named(procs []proc) (say event.Said) {
	for i, p := range procs {
		switch {
		case i == maxListed:
			return say.And(words.MoreProcesses.With(len(procs) - i))
		case p.started.IsZero():
			say = say.And(words.Process.With(p.pid, p.ppid))
		default:
			say = say.And(words.ProcessSince.With(p.pid, p.ppid, p.started))
		}
	}
	return say
}

// pids are the numbers of the first processes.
func pids(procs []proc) (out []string) {
	for _, p := range procs {
		out = append(out, strconv.Itoa(p.pid))
	}
	return out
}
