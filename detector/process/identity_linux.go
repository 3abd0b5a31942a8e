package process

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// passport is what a standing was made of. The kernel gives a process that
// runs another program the same pid and start, but another file.
type passport struct {
	pid      int32
	start    uint64
	dev, ino uint64
	users    users
	folders  int // how many are known
	target   *target
}

// known are standings by what they were made of. age is the look in which one
// was last used, made that in which it was made.
type known struct {
	standing
	age, made int
}

// proofLasts is for how many looks a standing is taken for granted: a file
// system may be mounted over the folder meanwhile.
const proofLasts = 60

// maxKnown bounds what is kept; it is far more than the processes that have a
// name of ours.
const maxKnown = 4096

// stranger decides what p is to t. dir is its directory in /proc.
func (t *procfs) stand(dir int, pid int32, st stat, as users, of *target) standing {
	if st.flags&kernelThread != 0 || of.Owner.Who == Anyone && of.Owner.User == "" && len(of.Args) == 0 {
		return standing{} // the kernel's own threads are the system's
	}
	var file unix.Stat_t
	err := unix.Fstatat(dir, "exe", &file, 0)
	key := passport{pid, st.start, file.Dev, file.Ino, as, len(of.Owner.folders()), of}
	k, seen := t.known[key]
	if !seen || t.turn-k.made >= proofLasts {
		if len(t.known) >= maxKnown {
			clear(t.known)
		}
		k = known{made: t.turn}
		if as.known {
			k.standing = t.judge(dir, pid, as.real, as.effective, file, err, of)
		}
	}
	k.age = t.turn
	t.known[key] = k
	return k.standing
}

// judge looks for evidence that the process is a stranger.
func (t *procfs) judge(dir int, pid int32, uid, euid int, file unix.Stat_t, ferr error, of *target) (s standing) {
	path, _ := exe(dir)
	who, program := UserName(uid), cmp.Or(path, "?")
	is := func(say event.Said) {
		if s.stranger.Empty() {
			s.stranger = say
		}
	}
	s.who = who + ", " + program
	plain := words.Stranger.With(int(pid), who, program)
	switch want, ok := of.Owner.uid(); {
	case of.Owner.User != "" && ok && (uid != want || euid != want),
		of.Owner.User == "" && of.Owner.Who == System && (uid != 0 || euid != 0) && !overflow(uid) && HostUsers():
		is(plain)
		s.user = true
	}
	args := t.args(dir)
	for _, pattern := range of.Args {
		if args != nil && !slices.ContainsFunc(args, func(a string) bool { ok, _ := filepath.Match(pattern, a); return ok }) {
			is(words.StrangerArg.With(int(pid), who, program, pattern))
			s.user = false
		}
	}
	if of.Owner.Who != System {
		return s
	}
	if script := ScriptOf(path, args, of.Names); script != "" {
		is(words.StrangerScript.With(int(pid), who, program, script))
		s.user = false
		if s.who += ", " + script; uid == 0 && euid == 0 {
			s.who = ""
		}
		return s
	}
	if len(of.exe) > 0 {
		if j := JarOf(args); j != "" && t.foreignJar(dir, pid, j, of) {
			is(words.StrangerJar.With(int(pid), who, program, j))
			s.user = false
			return s
		}
	}
	folders := of.Owner.folders()
	switch {
	case len(folders) == 0:
	case ferr != nil:
		if !gone(ferr) && s.stranger.Empty() {
			s.unproven = words.UnprovenFolder.With(folders[0]).And(grant())
		}
	case !t.inside(pid, file, path, folders):
		is(plain)
		s.user = false
	}
	return s
}

// inside reports whether the program is a file below one of the folders, as
// the process itself and as process 1 see them: the path that the kernel
// prints is that of the process's own mount namespace. Where process 1 may not
// be asked, as inside a sandbox whose own first process has more rights, our
// own view stands for it, as far as it has the folder.
func (t *procfs) inside(pid int32, file unix.Stat_t, path string, folders []string) bool {
	views := []string{fmt.Sprintf("%s/%d/root", t.root, pid), t.root + "/1/root"}
	if _, err := os.Stat(views[1] + "/"); err != nil {
		views[1] = t.root + "/self/root"
		folders := slices.DeleteFunc(slices.Clone(folders), func(f string) bool { _, err := os.Stat(views[1] + f); return err != nil })
		if len(folders) == 0 {
			views = views[:1]
		}
	}
	for _, view := range views {
		if _, err := os.Stat(view + "/"); err != nil {
			continue // no right to look: nothing is proven
		}
		if !slices.ContainsFunc(folders, func(f string) bool { return below(view, f, file, path) }) {
			return false
		}
	}
	return true
}

// below looks for the file in the folder of one view.
func below(view, folder string, file unix.Stat_t, path string) bool {
	var top unix.Stat_t
	if err := unix.Stat(view+folder, &top); err != nil {
		return file.Nlink == 0 && strings.HasPrefix(path, folder+"/") // folder and program are gone, as after a wipe: what still runs is ours
	}
	if file.Nlink == 0 && strings.HasPrefix(path, folder+"/") {
		return file.Dev == top.Dev // replaced by an upgrade
	}
	same := func(name string) bool {
		var st unix.Stat_t
		return unix.Stat(name, &st) == nil && st.Dev == file.Dev && st.Ino == file.Ino
	}
	if strings.HasPrefix(path, folder+"/") && same(view+path) {
		return true
	}
	// The folder may be a link or a mount elsewhere, whose path the kernel prints.
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for n := 1; n <= min(len(parts), 6); n++ {
		if same(view + folder + "/" + strings.Join(parts[len(parts)-n:], "/")) {
			return true
		}
	}
	return false
}

// foreignJar reports whether the jar lies outside the manager's folder and the
// process outside the manager's service.
func (t *procfs) foreignJar(dir int, pid int32, jar string, of *target) bool {
	if !filepath.IsAbs(jar) {
		cwd := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(dir, "cwd", cwd)
		if err != nil {
			return false
		}
		jar = filepath.Join(string(cwd[:n]), jar)
	}
	if belowAny(jar, append(of.Owner.folders(), javaFolders(of.Exe)...)) {
		return false
	}
	group, err := t.file(dir, "cgroup")
	if err == nil && bytes.Contains(group, []byte("/"+ManagerUnit)) {
		return false
	}
	raw, err := t.file(dir, "stat")
	if err != nil {
		return false
	}
	st, err := parseStat(raw)
	if err != nil {
		return false
	}
	leader, err := os.ReadFile(fmt.Sprintf("%s/%d/comm", t.root, st.session))
	return err != nil || strings.TrimSpace(string(leader)) != ManagerUnit
}

// args are the arguments of a process, nil where they cannot be read.
func (t *procfs) args(dir int) []string {
	line, err := t.line(dir)
	if err != nil || len(line) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
}

// kernelThread is PF_KTHREAD of linux/sched.h in the flags of /proc/PID/stat.
const kernelThread = 0x00200000

// users are whom a process runs as; known: they could be read.
type users struct {
	real, effective int
	known           bool
}

// uids reads them from /proc/PID/status.
func uids(status []byte) users {
	_, after, found := bytes.Cut(status, []byte("\nUid:"))
	line, _, _ := bytes.Cut(after, []byte{'\n'})
	var room [2][]byte
	f := fields(line, room[:])
	if !found || len(f) < 2 {
		return users{}
	}
	real, err := strconv.Atoi(string(f[0]))
	effective, eerr := strconv.Atoi(string(f[1]))
	return users{real, effective, err == nil && eerr == nil}
}

// HostUsers reports whether users have the same numbers here as on the host:
// in a user namespace of its own nothing is known of the host's root.
var HostUsers = sync.OnceValue(func() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	f := strings.Fields(string(b))
	return err != nil || len(f) == 3 && f[0] == "0" && f[1] == "0"
})

// overflow reports whether uid stands for users that have no number here,
// where there are such users.
func overflow(uid int) bool { return uid == 65534 && !HostUsers() }

// uid is the number of User.
func (o Owner) uid() (int, bool) {
	if o.User == "" {
		return 0, false
	}
	if n, err := strconv.Atoi(o.User); err == nil {
		return n, true
	}
	u, err := user.Lookup(o.User)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(u.Uid)
	return n, err == nil
}

// UserName is the name of a user, the number where there is none.
func UserName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// halted reports whether the process was stopped by a signal, or with its
// cgroup.
func (t *procfs) halted(dir int, st stat) bool {
	if st.state == 'T' {
		return true
	}
	group, err := t.file(dir, "cgroup")
	if err != nil {
		return false
	}
	for line := range bytes.Lines(group) { // number:controllers:path
		number, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		controllers, path, ok := bytes.Cut(rest, []byte(":"))
		if !ok || string(path) == "/" {
			continue
		}
		switch {
		case string(number) == "0":
			b, err := os.ReadFile(t.groups + string(path) + "/cgroup.events")
			if err == nil && bytes.Contains(b, []byte("frozen 1")) {
				return true
			}
		case string(controllers) == "freezer":
			b, err := os.ReadFile(t.groups + "/freezer" + string(path) + "/freezer.state")
			if err == nil && bytes.HasPrefix(b, []byte("FROZEN")) {
				return true
			}
		}
	}
	return false
}

// Stranger says why a socket of this user, held by these processes, is not the
// owner's; empty: it is, or nothing shows that it is not. The kernel tells the
// user of a socket without any right.
func (o Owner) Stranger(uid uint32, pids []int) (say event.Said) {
	of := &target{Target: Target{Owner: o}}
	for _, pid := range pids {
		s, seen := standingOf(pid, of)
		switch {
		case !seen:
		case s.stranger.Empty() || s.user && ours(pid, of):
			return event.Said{}
		default:
			say = say.And(s.stranger)
		}
	}
	if !say.Empty() {
		return say
	}
	want, ok := o.uid()
	switch {
	case o.User != "" && ok && int(uid) != want, o.User == "" && o.Who == System && uid != 0 && !overflow(int(uid)) && HostUsers():
		return words.StrangerUser.With(UserName(int(uid)))
	}
	return event.Said{}
}

// ours reports whether the parent of the process is the owner's: it is a
// worker then.
func ours(pid int, of *target) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	st, err := parseStat(raw)
	if err != nil || st.ppid <= 1 {
		return false
	}
	s, seen := standingOf(st.ppid, of)
	return seen && s.stranger.Empty()
}

// standingOf looks at one process, whatever its name; seen: it is there.
func standingOf(pid int, of *target) (s standing, seen bool) {
	t := newProcfs("/proc")
	dir, err := unix.Open(fmt.Sprintf("/proc/%d", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return s, false
	}
	defer unix.Close(dir)
	status, err := t.file(dir, "status")
	if err != nil {
		return s, false
	}
	as := uids(status)
	if !as.known {
		return s, false
	}
	var file unix.Stat_t
	err = unix.Fstatat(dir, "exe", &file, 0)
	return t.judge(dir, int32(pid), as.real, as.effective, file, err, of), true
}
