package process

import (
	"bytes"
	"context"
	"dswatch/event"
	"dswatch/words"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// grant says what to do where a process may be seen but not read.
func grant() event.Said {
	if maySeeAll() {
		return words.Limited.With()
	}
	return words.Grant.With()
}

const (
	// commLen is what the kernel keeps of a process name (TASK_COMM_LEN
	// without its end mark).
	commLen = 15
	// userHz is the unit of times in /proc/PID/stat on every architecture
	// that Go has.
	userHz = 100
	// A process whose name was unwanted in young reads, one after the other,
	// is read again by one read in rest only. The reads before that are for
	// a process that was met between its start and its exec.
	young = 3
	rest  = 12
	// The names of such processes are read through files that stay open, which
	// takes one system call instead of three. Each is a file descriptor and
	// holds 4.5 KB of the kernel's memory, so there are few of them, and at
	// most a quarter of what this process may open. With 4,096 a pass over 1,000
	// processes takes two thirds of the time.
	mostKept = 256
)

// procfs reads /proc. Nearly all of the cost of a look is opening one file for
// each process, so the sweep uses bare system calls, no garbage, and skips
// what it has lately seen; see BenchmarkPass.
type procfs struct {
	root    string
	groups  string // where the trees of cgroups are mounted
	entries []entry
	dents   []byte
	buf     []byte
	path    []byte
	idle    map[entry]idle
	next    map[entry]idle
	passed  []entry // what the last read has passed over
	turn    int
	known   map[passport]known
	halts   map[halt]int               // since which turn a process is stopped
	kept    int                        // files that stay open
	hung    map[uint64]<-chan struct{} // by inode of a process's directory: closed when a read of its command line ends
	most    int                        // of them
}

// idle is what is remembered of a process that nobody looks for.
type idle struct {
	unwanted int // how often it had an unwanted name
	comm     int // its open file, -1 for none
}

// entry is one process directory. The kernel gives a process that reuses a
// pid a directory with another inode.
type entry struct {
	pid int32
	ino uint64
}

func newTable() table { return newProcfs("/proc") }

func newProcfs(root string) *procfs {
	return &procfs{root: root, groups: "/sys/fs/cgroup", dents: make([]byte, 64<<10), buf: make([]byte, 8<<10), idle: map[entry]idle{}, next: map[entry]idle{}, known: map[passport]known{}, hung: map[uint64]<-chan struct{}{}, halts: map[halt]int{}, most: mayKeep()}
}

// mayKeep is how many files may stay open.
func mayKeep() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return int(min(l.Cur/4, mostKept))
}

// Close closes the files that were kept open. The table can still be read.
func (t *procfs) Close() error {
	t.forget(t.idle)
	return nil
}

// forget empties m and closes its files.
func (t *procfs) forget(m map[entry]idle) {
	for _, p := range m {
		t.let(p)
	}
	clear(m)
}

// let closes the file of a process.
func (t *procfs) let(p idle) {
	if p.comm >= 0 {
		unix.Close(p.comm)
		t.kept--
	}
}

// forms returns the name and, if it is long, what the kernel keeps of it. Of
// its own threads the kernel shows the whole name.
func (t *procfs) forms(name string) []string {
	if len(name) > commLen {
		return []string{name, name[:commLen]}
	}
	return []string{name}
}

func (t *procfs) read(ctx context.Context, wanted func([]byte) bool, visit func(proc)) (gaps, error) {
	var g gaps
	t.passed = t.passed[:0]
	dir, err := unix.Open(t.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return g, words.FailWith(err, words.ProcNotOpened.With(t.root, err))
	}
	defer unix.Close(dir)
	if err := t.list(dir); err != nil {
		return g, words.FailWith(err, words.ProcNotRead.With(t.root, err))
	}
	if len(t.entries) == 0 {
		return g, words.Fail(words.ProcEmpty.With(t.root))
	}
	t.turn++
	defer func() {
		// What is still in idle has ended, or is no longer idle.
		t.forget(t.idle)
		t.idle, t.next = t.next, t.idle
		for k, v := range t.known {
			if t.turn-v.age > 1 {
				delete(t.known, k)
			}
		}
	}()
	for i, e := range t.entries {
		if i%256 == 0 && ctx.Err() != nil {
			return g, ctx.Err()
		}
		known, ok := t.idle[e]
		if !ok {
			known.comm = -1
		}
		if known.unwanted < young || (t.turn+int(e.pid))%rest == 0 {
			if known, ok, err = t.visit(dir, e, known, &g, watch{wanted, visit}); err != nil {
				return g, err
			}
			if !ok {
				continue
			}
		} else {
			t.passed = append(t.passed, e)
		}
		delete(t.idle, e)
		t.next[e] = known
	}
	if g.fault != nil && g.read == 0 && len(t.passed) == 0 {
		return g, g.fault
	}
	g.hidden = t.hidden(dir)
	return g, nil
}

func (t *procfs) rest(ctx context.Context, wanted func([]byte) bool, visit func(proc)) (gaps, error) {
	var g gaps
	dir, err := unix.Open(t.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return g, words.FailWith(err, words.ProcNotOpened.With(t.root, err))
	}
	defer unix.Close(dir)
	for i, e := range t.passed {
		if i%256 == 0 && ctx.Err() != nil {
			return g, ctx.Err()
		}
		_, ok, err := t.visit(dir, e, t.idle[e], &g, watch{wanted, visit})
		if err != nil {
			return g, err
		}
		if !ok {
			t.let(t.idle[e])
			delete(t.idle, e)
		}
	}
	return g, nil
}

// visit reads the name of one process and calls found if it is wanted. It
// returns what is known of the process then, and whether it is idle.
func (t *procfs) visit(dir int, e entry, known idle, g *gaps, w watch) (idle, bool, error) {
	name, errno := t.comm(dir, e, &known)
	switch errno {
	case 0:
	case unix.ENOENT, unix.ESRCH:
		return known, false, nil // it has ended
	case unix.EPERM, unix.EACCES:
		g.unreadable++
		return known, false, nil
	default:
		err := fmt.Errorf("read %s/%d/comm: %w", t.root, e.pid, errno)
		if shortage(err) {
			return known, false, err
		}
		g.unreadable++
		g.fault = err
		return known, false, nil
	}
	g.read++
	if !w.wanted(name) {
		known.unwanted = min(known.unwanted+1, young)
		return known, true, nil
	}
	err := t.candidate(dir, e.pid, w.found)
	if err != nil && !shortage(err) { // of this process nothing is known; of the others all is
		if name, errno = t.comm(dir, e, &known); errno == 0 {
			w.found(proc{pid: int(e.pid), name: string(name), fault: err})
		}
		err = nil
	}
	return known, false, err
}

// shortage reports whether err is a want of this process, which reading another
// process would meet, too.
func shortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// watch is what a read looks for.
type watch struct {
	wanted func(name []byte) bool
	found  func(proc)
}

// list reads the process directories of dir into t.entries.
func (t *procfs) list(dir int) error {
	t.entries = t.entries[:0]
	for {
		n, err := unix.Getdents(dir, t.dents)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		// struct linux_dirent64: inode, offset, record length, type, name; see getdents(2).
		for b := t.dents[:n]; len(b) > 0; {
			size := binary.NativeEndian.Uint16(b[16:])
			if pid, ok := number(b[19:size]); ok {
				t.entries = append(t.entries, entry{pid, binary.NativeEndian.Uint64(b)})
			}
			b = b[size:]
		}
	}
}

// number reads a zero-terminated pid.
func number(b []byte) (int32, bool) {
	n := int32(0)
	for i, c := range b {
		if c == 0 {
			return n, i > 0
		}
		if c < '0' || c > '9' || n > (1<<31-10)/10 {
			return 0, false
		}
		n = n*10 + int32(c-'0')
	}
	return 0, false
}

// comm reads the name of a process into t.buf. Its system calls do not wait
// for anything but memory, so Go's scheduler is not told of them. An open file
// stays that of the process it was opened for, whoever gets the pid next.
func (t *procfs) comm(dir int, e entry, known *idle) ([]byte, unix.Errno) {
	if known.comm >= 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(known.comm), uintptr(unsafe.Pointer(&t.buf[0])), uintptr(len(t.buf)), 0, 0, 0)
		return t.name(n, errno)
	}
	t.path = append(strconv.AppendInt(t.path[:0], int64(e.pid), 10), "/comm\x00"...)
	fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&t.path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&t.buf[0])), uintptr(len(t.buf)))
	if errno == 0 && known.unwanted+1 >= young && t.kept < t.most {
		known.comm = int(fd)
		t.idle[e] = *known
		t.kept++
	} else {
		_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	}
	return t.name(n, errno)
}

// name is what n bytes of t.buf, or an error, say about a process.
func (t *procfs) name(n uintptr, errno unix.Errno) ([]byte, unix.Errno) {
	if errno != 0 {
		return nil, errno
	}
	return bytes.TrimSuffix(t.buf[:n], []byte{'\n'}), 0 // only the last one: a name may hold others
}

// candidate tells visit about one process. All is read through one directory
// handle, which cannot come to mean another process.
func (t *procfs) candidate(dir int, pid int32, visit func(proc)) error {
	t.path = strconv.AppendInt(t.path[:0], int64(pid), 10)
	fd, err := t.open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s/%d: %w", t.root, pid, err)
	}
	defer unix.Close(fd)
	comm, err := t.file(fd, "comm")
	var name string
	var raw, status []byte
	if err == nil {
		name = string(bytes.TrimSuffix(comm, []byte{'\n'}))
		raw, err = t.file(fd, "stat")
	}
	if gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s/%d: %w", t.root, pid, err)
	}
	st, err := parseStat(raw)
	if err != nil {
		return fmt.Errorf("parse %s/%d/stat: %w", t.root, pid, err)
	}
	p := proc{pid: int(pid), ppid: st.ppid, name: name, started: sinceBoot(st.start), start: st.start, exe: func() (string, error) { return exe(fd) }}
	if len(name) == commLen {
		p.full = func() []string { return t.full(fd) }
	}
	if status, err = t.file(fd, "status"); gone(err) {
		return nil
	}
	as := uids(status)
	switch {
	// The first thread of a process may end while others go on; it stays as a zombie then.
	case st.state == 'Z' && st.threads > 1:
	case st.state == 'Z':
		p.aside = words.Zombie.With
	case st.state == 'X' || st.state == 'x':
		p.aside = words.Dead.With
	}
	if p.aside == nil && err == nil && nested(status) {
		p.aside = words.InContainer.With
	}
	p.stand = func(of *target) standing { return t.stand(fd, pid, st, as, of) }
	p.stopped = p.aside == nil && t.lastingly(fd, pid, st)
	visit(p)
	return nil
}

// halt is one process that was stopped.
type halt struct {
	pid   int32
	start uint64
}

// lastingly reports whether the process is stopped in this look and was in one
// before.
func (t *procfs) lastingly(dir int, pid int32, st stat) bool {
	h := halt{pid, st.start}
	if !t.halted(dir, st) {
		delete(t.halts, h)
		return false
	}
	since, again := t.halts[h]
	if !again {
		if len(t.halts) >= maxKnown {
			clear(t.halts)
		}
		t.halts[h] = t.turn
	}
	return again && since < t.turn
}

// file reads one small file of a process into t.buf.
func (t *procfs) file(dir int, name string) ([]byte, error) {
	t.path = append(t.path[:0], name...)
	fd, err := t.open(dir, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, t.buf)
	return t.buf[:max(n, 0)], err
}

const (
	// linePatience is how long a command line may take. The kernel reads it out
	// of the process's own memory: it waits while that is locked, as by a driver
	// that hangs, and before Linux 4.17 for whatever file system the process has
	// mapped there, which any user may do (CVE-2018-1120).
	linePatience = 500 * time.Millisecond
	// mostHung is how many reads that hang are left behind, each a thread.
	mostHung = 16
)

// line reads the command line of a process, or gives up: one that hangs must not
// keep all others from being seen. While a read hangs, that process is asked no
// more.
func (t *procfs) line(dir int) ([]byte, error) {
	var self unix.Stat_t
	if err := unix.Fstat(dir, &self); err != nil {
		return nil, err
	}
	for ino, done := range t.hung {
		select {
		case <-done:
			delete(t.hung, ino)
		default:
		}
	}
	if t.hung[self.Ino] != nil || len(t.hung) >= mostHung {
		return nil, errHung
	}
	fd, err := unix.Openat(dir, "cmdline", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	buf, done := make([]byte, len(t.buf)), make(chan struct{})
	var n int
	go func() {
		defer close(done)
		defer unix.Close(fd)
		n, err = unix.Read(fd, buf)
	}()
	patience := time.NewTimer(linePatience)
	defer patience.Stop()
	select {
	case <-done:
		return buf[:max(n, 0)], err
	case <-patience.C:
		t.hung[self.Ino] = done
		return nil, errHung
	}
}

var errHung = errors.New("reading the command line hangs")

// open is unix.Openat of t.path, without a copy of the path.
func (t *procfs) open(dir, flags int) (int, error) {
	t.path = append(t.path, 0)
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&t.path[0])), uintptr(flags), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// full returns the file names of the program file, of the first arguments and
// of the script that an interpreter runs, as far as they can be read.
func (t *procfs) full(dir int) (names []string) {
	if file, err := exe(dir); err == nil && file != "" {
		names = append(names, filepath.Base(file))
	}
	line, err := t.line(dir)
	if err != nil {
		return names
	}
	for i, arg := range bytes.SplitN(line, []byte{0}, 4) {
		if i < 3 && len(arg) > 0 {
			names = append(names, filepath.Base(string(arg)))
		}
	}
	return names
}

// exe returns the path of the program file, without the mark that the kernel
// sets on one that was replaced; empty for kernel threads.
func exe(dir int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, "exe", buf)
	if gone(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(buf[:n]), " (deleted)"), nil
}

func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) }

// sinceBoot turns clock ticks since the start of the system into a time.
func sinceBoot(ticks uint64) time.Time {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return time.Time{}
	}
	const tick = time.Second / userHz
	return time.Now().Add(time.Duration(ticks)*tick - time.Duration(up.Nano())).Round(tick)
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	state   byte
	ppid    int
	session int
	flags   uint64
	threads int
	start   uint64 // clock ticks after the start of the system
}

// parseStat reads a line of /proc/PID/stat, see proc(5). The name in it may
// hold spaces, brackets and line ends, so fields are counted from the last ")".
func parseStat(b []byte) (stat, error) {
	var s stat
	end := bytes.LastIndexByte(b, ')')
	if end < 0 || !bytes.HasPrefix(b[end+1:], []byte{' '}) {
		return s, errors.New("there is no name in brackets")
	}
	// From field 3 (state) on: 4 is the parent, 20 the threads, 22 the start.
	var room [20][]byte
	f := fields(b[end+1:], room[:])
	if len(f) < 20 {
		return s, fmt.Errorf("%d fields follow the name, want at least 20", len(f))
	}
	if len(f[0]) != 1 || f[0][0] < 'A' {
		return s, fmt.Errorf("the state %q is not one letter", f[0])
	}
	s.state = f[0][0]
	var err error
	if s.ppid, err = strconv.Atoi(string(f[1])); err != nil {
		return s, fmt.Errorf("parent: %w", err)
	}
	if s.session, err = strconv.Atoi(string(f[3])); err != nil {
		return s, fmt.Errorf("session: %w", err)
	}
	if s.flags, err = strconv.ParseUint(string(f[6]), 10, 64); err != nil {
		return s, fmt.Errorf("flags: %w", err)
	}
	if s.threads, err = strconv.Atoi(string(f[17])); err != nil {
		return s, fmt.Errorf("threads: %w", err)
	}
	if s.start, err = strconv.ParseUint(string(f[19]), 10, 63); err != nil {
		return s, fmt.Errorf("start: %w", err)
	}
	return s, nil
}

// fields are the first of b, as bytes.Fields finds them, as many as room holds.
func fields(b []byte, room [][]byte) [][]byte {
	n := 0
	for one := range bytes.FieldsSeq(b) {
		if n == len(room) {
			break
		}
		room[n] = one
		n++
	}
	return room[:n]
}

// nested reports whether /proc/PID/status tells more than one pid: the second
// is the one in a PID namespace below that of this /proc.
func nested(status []byte) bool {
	_, after, ok := bytes.Cut(status, []byte("\nNSpid:"))
	line, _, _ := bytes.Cut(after, []byte{'\n'})
	var room [2][]byte
	return ok && len(fields(line, room[:])) > 1
}

// hidden says why processes may be missing from the list. There is always a
// process 1, so if it cannot be seen, others cannot either. If it can be seen
// because it is our own user's, only the mount options tell.
func (t *procfs) hidden(dir int) event.Said {
	if !slices.ContainsFunc(t.entries, func(e entry) bool { return e.pid == 1 }) {
		return words.NotEvenFirst.With(t.root).And(grant())
	}
	var first unix.Stat_t
	if err := unix.Fstatat(dir, "1", &first, 0); err != nil || first.Uid != uint32(os.Geteuid()) || maySeeAll() {
		return event.Said{}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil && hidepid(mounts, t.root) {
		return words.Hidepid.With(t.root).And(grant())
	}
	return event.Said{}
}

// maySeeAll reports whether this process has CAP_SYS_PTRACE.
func maySeeAll() bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	err := unix.Capget(&h, &d[0])
	return err == nil && d[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// hidepid reports whether the proc file system at root is mounted with a
// hidepid other than off. mounts is /proc/self/mountinfo, see proc(5); the
// last line about a mount point is the one that is on top.
func hidepid(mounts []byte, root string) bool {
	hides := false
	for line := range bytes.Lines(mounts) {
		before, after, ok := strings.Cut(string(line), " - ")
		f, super := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 6 || len(super) < 3 || f[4] != root || super[0] != "proc" {
			continue
		}
		hides = false
		for o := range strings.SplitSeq(f[5]+","+super[2], ",") {
			if v, ok := strings.CutPrefix(o, "hidepid="); ok {
				hides = v != "0" && v != "off"
			}
		}
	}
	return hides
}
