package remote

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/words"
)

// proc is one line of ps.
type proc struct {
	pid, ppid int
	user      string
	zone      string // of Solaris
	state     string // one letter, empty where ps does not tell
	name      string // of the executable, perhaps cut
	args      string // command line, perhaps cut, perhaps rewritten by the process
}

func (p proc) ended() bool { return p.state == "Z" || strings.Contains(p.args, "<defunct>") }

// processList is what ps told.
type processList struct {
	procs []proc
	doubt event.Said // why there may be processes that are not listed
	// nested returns the processes of containers, empty where nobody tells; nil:
	// the system has none.
	nested func() map[int]bool
}

// contained reports whether the process is known to be one of a container.
func (l processList) contained(pid int) bool { return l.nested != nil && l.nested()[pid] }

// system are the names under which the system's processes are listed.
func (l processList) system() []string {
	users := []string{"root", "0"}
	for _, p := range l.procs {
		if p.pid == 1 {
			users = append(users, p.user) // whatever root is called there
		}
	}
	return users
}

// processes asks one ps.
func processes(command string) ask {
	return func(run runner, _ system) (sight, error) {
		l, err := readPS(run, command)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}

func readPS(run runner, command string) (processList, error) {
	out, err := run(command)
	if err != nil {
		return processList{}, err
	}
	l, err := parsePS(out)
	if err != nil {
		return processList{}, misread(command, err)
	}
	return l, nil
}

// apart asks one ps, and which processes are those of containers as soon as
// one of them matters. Where that is not told, none is.
func apart(command, containers string) ask {
	return func(run runner, _ system) (sight, error) {
		l, err := readPS(run, command)
		if err != nil {
			return nil, err
		}
		l.nested = sync.OnceValue(func() map[int]bool {
			out, err := run(containers)
			if err != nil {
				return nil
			}
			return parseNested(out)
		})
		return l, nil
	}
}

// parseNested reads lines of /proc/PID/status with the name of the file in
// front: a second number is the pid in a namespace below. grep fails when one of
// the processes has ended meanwhile, and says end then.
func parseNested(b []byte) map[int]bool {
	out := map[int]bool{}
	for line := range bytes.Lines(b) {
		file, rest, ok := strings.Cut(string(line), ":NSpid:")
		pid, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(file, "/proc/"), "/status"))
		if ok && err == nil && len(strings.Fields(rest)) > 1 {
			out[pid] = true
		}
	}
	return out
}

// zoned asks ps and keeps the processes of the zone that was logged in to:
// the global zone sees those of all.
func zoned(run runner, _ system) (sight, error) {
	out, err := run(solarisZone)
	if err != nil {
		return nil, err
	}
	zone := strings.TrimSpace(string(out))
	if zone == "" || strings.ContainsAny(zone, " \t\r\n") {
		return nil, misread(solarisZone, fmt.Errorf("%s is not the name of a zone", clean(zone)))
	}
	l, err := readPS(run, solarisPS)
	if err != nil {
		return nil, err
	}
	l.procs = slices.DeleteFunc(l.procs, func(p proc) bool { return !sameZone(p.zone, zone) })
	if len(l.procs) == 0 {
		return nil, misread(solarisPS, fmt.Errorf("no process is in zone %s", clean(zone)))
	}
	return l, nil
}

// sameZone compares what ps shows, of long names the first 8 bytes, with a
// zone's name. Two zones that begin alike are not told apart where ps cuts.
func sameZone(shown, zone string) bool {
	return shown == zone || len(shown) >= 8 && strings.HasPrefix(zone, shown)
}

// parsePS reads what a ps of commands.go prints: a heading, then one process
// a line. Where NAME ends and ARGS begins is told by the heading, because both
// may hold blanks.
func parsePS(b []byte) (processList, error) {
	var l processList
	var columns []string
	width := 0
	root := false
	for raw := range bytes.Lines(b) {
		line := strings.TrimRight(string(raw), "\r\n")
		if columns == nil {
			f := strings.Fields(line)
			if n := len(f); n >= 5 && f[0] == "PID" && f[n-2] == "NAME" && f[n-1] == "ARGS" {
				columns, width = f[:n-2], strings.LastIndex(line, "ARGS")-strings.LastIndex(line, "NAME")
			}
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		p, ok := readProc(columns, width, line)
		if !ok {
			if l.doubt.Empty() {
				l.doubt = words.LineUnreadable.With("ps", clean(line))
			}
			continue
		}
		root = root || p.user == "root"
		l.procs = append(l.procs, p)
	}
	switch {
	case columns == nil:
		return l, errors.New("there is no heading PID ... NAME ARGS")
	case len(l.procs) < 2: // ps itself is one
		return l, errors.New("it lists no process")
	}
	if !root && l.doubt.Empty() {
		l.doubt = words.HidesOthers.With()
	}
	return l, nil
}

// readProc reads one line. The columns before NAME hold no blanks.
func readProc(columns []string, width int, line string) (proc, bool) {
	var p proc
	rest := line
	for _, c := range columns {
		rest = strings.TrimLeft(rest, " ")
		word, after, ok := strings.Cut(rest, " ")
		if !ok && c != columns[len(columns)-1] {
			return p, false
		}
		rest = after
		var err error
		switch c {
		case "PID":
			p.pid, err = strconv.Atoi(word)
		case "PPID":
			p.ppid, err = strconv.Atoi(word)
		case "USER":
			p.user = word
		case "ZONE":
			p.zone = word
		case "S":
			p.state = word[:min(1, len(word))]
		}
		if err != nil {
			return p, false
		}
	}
	rest = strings.TrimLeft(rest, " ")
	switch {
	case len(rest) <= width: // no command line
		p.name = rest
	case rest[width-1] == ' ':
		p.name, p.args = rest[:width-1], rest[width:]
	default: // the name is wider than its column
		p.name, p.args, _ = strings.Cut(rest, " ")
	}
	p.name, p.args = strings.TrimSpace(p.name), strings.TrimSpace(p.args)
	return p, p.pid >= 0
}

// likeness is how sure it is that a process is the wanted one.
type likeness int

const (
	other likeness = iota
	maybe
	same
)

func (l processList) judge(it Item, s system) verdict {
	t := l.sort(it, s)
	found, stopped, strangers := t.adopt()
	v := verdict{want: max(it.Want, 1), found: len(found)}
	v.state = event.StateOf(v.found, v.want)
	most := v.found + len(t.doubtful)
	if !l.doubt.Empty() {
		most = max(most, v.want)
	}
	if v.state != event.StateOf(most, v.want) {
		v.state = event.Unknown
	}
	v.detail = it.absent()
	if v.found > 0 {
		v.detail = named(found)
	}
	for _, p := range stopped[:min(len(stopped), mostNamed)] {
		v.detail = v.detail.And(words.Halted.With(p.pid))
	}
	for _, x := range strangers[:min(len(strangers), mostNamed)] {
		v.detail = v.detail.And(x.why)
	}
	for _, p := range t.inside[:min(len(t.inside), mostNamed)] {
		v.detail = v.detail.And(words.InContainer.With(p.pid))
	}
	if len(t.ended) > 0 {
		v.detail = v.detail.And(words.EndedNotWaited.With(pids(t.ended)))
	}
	if v.found < v.want && len(t.doubtful) > 0 {
		v.detail = v.detail.And(words.MayBeIt.With(pids(t.doubtful), clean(t.doubtful[0].args)))
	}
	if v.found < v.want && !l.doubt.Empty() {
		v.detail = v.detail.And(l.doubt)
	}
	return v
}

// sorted are the processes that have to do with an item.
type sorted struct {
	found, stopped []proc
	doubtful       []proc // may be it, but what is shown of them is cut
	ended          []proc
	inside         []proc // of a container
	strangers      []stranger
}

// sort puts each process where it belongs.
func (l processList) sort(it Item, s system) (t sorted) {
	likes := make(map[int]likeness, 4)
	weigh := func(p proc) likeness {
		like, done := likes[p.pid]
		if !done {
			like = it.like(p, s.name)
			likes[p.pid] = like
		}
		return like
	}
	byPID, system := make(map[int]proc, len(l.procs)), l.system()
	for _, p := range l.procs {
		byPID[p.pid] = p
	}
	for _, p := range l.procs {
		like := weigh(p)
		// A worker that has rewritten its command line is what its parent is.
		for parent, hops := p, 0; like == maybe && hops < 4; hops++ {
			next, ok := byPID[parent.ppid]
			if !ok || next.name != p.name {
				break
			}
			like, parent = weigh(next), next
		}
		if like == other {
			continue
		}
		x, strange := it.stranger(p, system, byPID[p.ppid])
		switch {
		case p.ended():
			t.ended = append(t.ended, p)
		case like == maybe:
			t.doubtful = append(t.doubtful, p)
		case l.contained(p.pid):
			t.inside = append(t.inside, p)
		case strange:
			t.strangers = append(t.strangers, x)
		case p.state == halted:
			t.stopped = append(t.stopped, p)
		default:
			t.found = append(t.found, p)
		}
	}
	return t
}

// halted is the state of a process that a signal stopped. A loss is looked at
// twice before it is told, so this is one that lasts.
const halted = "T"

// adopt counts the workers below what counts: they run as any user.
func (t sorted) adopt() (found, stopped []proc, strangers []stranger) {
	found, stopped = t.found, t.stopped
	ours := slices.Concat(found, stopped)
	for _, x := range t.strangers {
		switch {
		case !x.user || !slices.ContainsFunc(ours, func(p proc) bool { return p.pid == x.ppid }):
			strangers = append(strangers, x)
		case x.state == halted:
			stopped = append(stopped, x.proc)
		default:
			found = append(found, x.proc)
		}
	}
	return found, stopped, strangers
}

// stranger is a process that has the name and is not the item's.
type stranger struct {
	proc
	why  event.Said
	user bool // only its user makes it one
}

// stranger looks for evidence that a process which has the name is not the
// item's. system are the names of the system's own user.
func (it Item) stranger(p proc, system []string, parent proc) (x stranger, yes bool) {
	args := strings.Fields(p.args)
	program := p.name
	if len(args) > 0 && path.IsAbs(args[0]) {
		program = args[0]
	}
	program = clean(program)
	if it.Who == process.System {
		if script := process.ScriptOf(program, args, append(slices.Clip(it.Names), it.bases()...)); script != "" {
			return stranger{proc: p, why: words.StrangerScript.With(p.pid, clean(p.user), program, clean(script))}, true
		}
		if jar := process.JarOf(args); process.ForeignJar(jar, it.Exe) && parent.name != process.ManagerUnit {
			return stranger{proc: p, why: words.StrangerJar.With(p.pid, clean(p.user), program, clean(jar))}, true
		}
	}
	for _, pattern := range it.Args {
		if len(p.args) < cutArgs && !slices.ContainsFunc(args, func(a string) bool { ok, _ := path.Match(pattern, a); return ok }) {
			return stranger{proc: p, why: words.StrangerArg.With(p.pid, clean(p.user), program, pattern)}, true
		}
	}
	if it.User != "" && otherUser(p.user, it.User) || it.User == "" && it.Who == process.System && !slices.Contains(system, p.user) {
		return stranger{proc: p, why: words.Stranger.With(p.pid, clean(p.user), program), user: true}, true
	}
	return x, false
}

// cutArgs is the length from which a command line may be cut: Solaris and AIX
// show 80 characters.
const cutArgs = 80

// otherUser reports whether the user that ps shows is surely not the wanted
// one: a number cannot be compared with a name, and Linux cuts a long name and
// ends it with +.
func otherUser(shown, want string) bool {
	_, number := strconv.Atoi(shown)
	_, wanted := strconv.Atoi(want)
	if (number == nil) != (wanted == nil) {
		return false
	}
	if short, cut := strings.CutSuffix(shown, "+"); cut {
		return !strings.HasPrefix(want, short)
	}
	return shown != want
}

// absent says that nothing was found.
func (it Item) absent() event.Said {
	if len(it.Exe) > 0 {
		return words.NoProcessRuns.With(it.Exe)
	}
	return words.NoProcessNamed.With(it.Names)
}

// like compares a process with the item. Names of limit bytes or more may be
// cut.
func (it Item) like(p proc, limit int) likeness {
	argv0, _, _ := strings.Cut(p.args, " ")
	if len(it.Exe) > 0 {
		return it.runs(p, argv0, limit)
	}
	best := other
	for _, n := range it.Names {
		switch {
		case p.name == n && len(n) < limit, path.Base(argv0) == n && cut(p.name, n, limit):
			return same
		case cut(p.name, n, limit) && !path.IsAbs(argv0):
			best = maybe // nothing tells the rest of the name
		}
	}
	return best
}

// cut reports whether shown may be name, cut after limit bytes or more.
func cut(shown, name string, limit int) bool {
	return len(shown) >= limit && strings.HasPrefix(name, shown)
}

// runs compares the executable. Some processes, such as those of nginx, write
// a title over their command line, with the path in it or without.
func (it Item) runs(p proc, argv0 string, limit int) likeness {
	match := func(file string) bool {
		return slices.ContainsFunc(it.Exe, func(pattern string) bool { return process.MatchPath(pattern, file) })
	}
	named := func(shown string) bool {
		return slices.ContainsFunc(it.bases(), func(n string) bool { return n == "" || shown == n || cut(shown, n, limit) })
	}
	switch {
	case path.IsAbs(argv0) && match(argv0):
		return same
	case path.IsAbs(argv0) || !named(p.name):
		return other
	}
	for word := range strings.FieldsSeq(p.args) {
		if path.IsAbs(word) && named(path.Base(word)) {
			if match(word) {
				return same
			}
			return other
		}
	}
	return maybe
}

// bases are the file names that the executable may have, empty for any.
func (it Item) bases() []string {
	var out []string
	for _, pattern := range it.Exe {
		base := path.Base(pattern)
		if strings.ContainsAny(base, `*?[\`) {
			base = ""
		}
		out = append(out, base)
	}
	return append(out, it.Names...)
}

// mostNamed is how many processes a detail names.
const mostNamed = 8

// named names the first few.
func named(procs []proc) (say event.Said) {
	for _, p := range procs[:min(len(procs), mostNamed)] {
		say = say.And(words.Process.With(p.pid, p.ppid))
	}
	if n := len(procs) - mostNamed; n > 0 {
		say = say.And(words.MoreProcesses.With(n))
	}
	return say
}

// pids are the numbers of the first few.
func pids(procs []proc) (out []string) {
	for _, p := range procs[:min(len(procs), mostNamed)] {
		out = append(out, strconv.Itoa(p.pid))
	}
	return out
}
