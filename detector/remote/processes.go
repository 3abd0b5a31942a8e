package remote

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

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
	likes := make(map[int]likeness, 4)
	var found, doubtful, aside []proc
	weigh := func(p proc) likeness {
		like, done := likes[p.pid]
		if !done {
			like = it.like(p, s.name)
			likes[p.pid] = like
		}
		return like
	}
	byPID := make(map[int]proc, len(l.procs))
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
		switch {
		case like == other:
		case p.ended():
			aside = append(aside, p)
		case like == same:
			found = append(found, p)
		default:
			doubtful = append(doubtful, p)
		}
	}
	v := verdict{want: max(it.Want, 1), found: len(found)}
	v.state = event.StateOf(v.found, v.want)
	most := v.found + len(doubtful)
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
	if len(aside) > 0 {
		v.detail = v.detail.And(words.EndedNotWaited.With(pids(aside)))
	}
	if v.found < v.want && len(doubtful) > 0 {
		v.detail = v.detail.And(words.MayBeIt.With(pids(doubtful), clean(doubtful[0].args)))
	}
	if v.found < v.want && !l.doubt.Empty() {
		v.detail = v.detail.And(l.doubt)
	}
	return v
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
