package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// most links on one way, as the kernel has it.
const mostLinks = 40

// step is one thing on the way to a file, held open.
type step struct {
	path string
	fd   int
	st   unix.Stat_t
	last bool
}

func (s step) is(kind uint32) bool { return s.st.Mode&unix.S_IFMT == kind }

// walk takes the way to path step by step and shows each one to visit, links
// included. What it returns is the last step, to be closed by the caller. A path
// that does not exist is fs.ErrNotExist, after what there is of it was shown.
func walk(path string, visit func(step)) (last step, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return step{}, err
	}
	fail := func(at string, err error) (step, error) { return step{}, &fs.PathError{Op: "open", Path: at, Err: err} }
	at, err := enter(unix.AT_FDCWD, "/", "/")
	if err != nil {
		return fail("/", err)
	}
	defer func() {
		if err != nil {
			unix.Close(at.fd)
		}
	}()
	left, links := split(abs), 0
	at.last = len(left) == 0
	visit(at)
	for len(left) > 0 {
		name := left[0]
		left = left[1:]
		full := filepath.Join(at.path, name)
		if !at.is(unix.S_IFDIR) {
			return fail(full, unix.ENOTDIR)
		}
		next, err := enter(at.fd, name, full)
		if err != nil {
			return fail(full, err)
		}
		if !next.is(unix.S_IFLNK) {
			next.last = len(left) == 0
			visit(next)
			unix.Close(at.fd)
			at = next
			continue
		}
		visit(next)
		to, err := readlink(next.fd)
		unix.Close(next.fd)
		if links++; err == nil && links > mostLinks {
			err = unix.ELOOP
		}
		if err != nil {
			return fail(full, err)
		}
		if left = append(split(to), left...); filepath.IsAbs(to) {
			root, err := enter(unix.AT_FDCWD, "/", "/")
			if err != nil {
				return fail("/", err)
			}
			unix.Close(at.fd)
			at = root
		}
		if at.last = len(left) == 0; at.last {
			visit(at) // as what the path names
		}
	}
	return at, nil
}

// enter opens name in a folder, a link as the link.
func enter(dir int, name, full string) (s step, err error) {
	s.path = full
	if s.fd, err = unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
		return s, err
	}
	if err = unix.Fstat(s.fd, &s.st); err != nil {
		unix.Close(s.fd)
	}
	return s, err
}

func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" || p == "." })
}

func readlink(fd int) (string, error) {
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", b)
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

// self is the path by which the kernel names an open file of this process.
func self(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// judge says who else may change the step: its owner and, by its mode or access
// list, others.
func judge(s step) (faults []event.Said) {
	path := shown(s.path)
	if readOnly(s.fd) {
		return nil
	}
	if !ours(s.st.Uid) {
		say := words.GuardOwner
		if s.is(unix.S_IFLNK) {
			say = words.GuardLinkOwner
		}
		return []event.Said{say.With(path, userName(s.st.Uid), userName(uint32(os.Geteuid())))}
	}
	if s.is(unix.S_IFLNK) || s.is(unix.S_IFDIR) && s.st.Mode&unix.S_ISVTX != 0 && !s.last {
		return nil // a link has no mode; in a sticky folder others replace nothing of ours
	}
	if s.st.Mode&unix.S_IWOTH != 0 {
		faults = append(faults, words.GuardAll.With(path))
	}
	if s.st.Mode&unix.S_IWGRP == 0 {
		return faults // neither the group nor, as this is its mask, anybody of an access list
	}
	if named, there := listed(s.fd); there {
		for _, who := range named {
			faults = append(faults, words.GuardList.With(who, path))
		}
		return faults
	}
	if !nobodyElse(s.st.Gid) {
		faults = append(faults, words.GuardGroup.With(groupName(s.st.Gid), path))
	}
	return faults
}

// ours reports whether what belongs to the user may be trusted: root, whom this
// process runs as, and who is outside of this user namespace.
func ours(uid uint32) bool {
	return uid == 0 || int(uid) == os.Geteuid() || uid == overflow && !mapped(overflow)
}

// overflow is the number by which the kernel shows users that a user namespace
// does not have, see user_namespaces(7).
const overflow = 65534

// mapped reports whether a process of this user namespace can have the number.
func mapped(uid uint64) bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(b)) {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err == nil && uid >= inside && uid-inside < count {
			return true
		}
	}
	return false
}

func readOnly(fd int) bool {
	var s unix.Statfs_t
	return unix.Fstatfs(fd, &s) == nil && s.Flags&unix.ST_RDONLY != 0
}

// nobodyElse reports whether no other user is in the group: it is root's, it has
// no members that the files of users and groups know of, or nobody has heard of
// it and it is of this process, as in a container with a group for its volume.
func nobodyElse(gid uint32) bool {
	if gid == 0 {
		return true
	}
	groups, err := os.ReadFile("/etc/group")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	known := false
	for line := range strings.Lines(string(groups)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || f[2] != strconv.FormatUint(uint64(gid), 10) {
			continue
		}
		known = true
		for _, name := range strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' }) {
			if u, err := user.Lookup(name); err != nil || !oursByText(u.Uid) {
				return false
			}
		}
	}
	users, err := os.ReadFile("/etc/passwd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	for line := range strings.Lines(string(users)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) >= 4 && f[3] == strconv.FormatUint(uint64(gid), 10) && !oursByText(f[2]) {
			return false
		}
	}
	mine, err := os.Getgroups()
	return known || err == nil && (slices.Contains(mine, int(gid)) || int(gid) == os.Getegid())
}

func oursByText(uid string) bool {
	n, err := strconv.ParseUint(uid, 10, 32)
	return err == nil && ours(uint32(n))
}

// The tags of a POSIX access list, see linux/posix_acl.h.
const (
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
)

// listed returns who else may write by the access list of an open file whose
// mask permits it, and whether there is a list.
func listed(fd int) (who []string, there bool) {
	b := make([]byte, 4096)
	n, err := unix.Getxattr(self(fd), "system.posix_acl_access", b)
	if errors.Is(err, unix.ERANGE) {
		return []string{"?"}, true
	}
	if err != nil || n < 4 {
		return nil, false
	}
	var st unix.Stat_t
	_ = unix.Fstat(fd, &st) // it is open
	for e := b[4:n]; len(e) >= 8; e = e[8:] {
		tag, perm, id := binary.LittleEndian.Uint16(e), binary.LittleEndian.Uint16(e[2:]), binary.LittleEndian.Uint32(e[4:])
		switch {
		case perm&2 == 0:
		case tag == aclUser && !ours(id):
			who = append(who, userName(id))
		case tag == aclGroup && !nobodyElse(id):
			who = append(who, groupName(id))
		case tag == aclGroupObj && !nobodyElse(st.Gid):
			who = append(who, groupName(st.Gid))
		}
	}
	return who, true
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

// Writers returns a Refusal when others may change what is at one of the paths or
// put something else there, nil when nobody can. Of a path that does not exist the
// folders that do are judged.
func Writers(paths ...string) error {
	var faults []event.Said
	var errs []error
	for _, path := range paths {
		last, err := walk(path, func(s step) { faults = append(faults, judge(s)...) })
		if err == nil {
			unix.Close(last.fd)
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if len(faults) > 0 {
		return refused(faults)
	}
	return errors.Join(errs...)
}
