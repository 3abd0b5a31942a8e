package tamper

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/words"
)

const mostFiles = 500 // of one folder that are looked at

// writable looks for files of the folders that others than root may change: the
// folders, those above, and what lies in them.
func (w *Watch) writable(folders []string) (event.State, event.Said) {
	if !process.HostUsers() {
		return event.Up, event.Said{}
	}
	var say event.Said
	found := 0
	judge := func(path string) {
		if what := open(path); !what.Empty() {
			if found++; found <= mostListed {
				say = say.And(what)
			}
		}
	}
	for _, f := range folders {
		dir, err := filepath.EvalSymlinks(filepath.Join(w.root, f))
		if errors.Is(err, fs.ErrNotExist) {
			continue // that it is gone is another row's word
		}
		if err != nil {
			return event.Unknown, words.FilesUnknown.With(f, err)
		}
		for up := dir; ; up = filepath.Dir(up) {
			judge(up)
			if up == filepath.Dir(up) || up == filepath.Clean(w.root) {
				break
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return event.Unknown, words.FilesUnknown.With(f, err)
		}
		for _, e := range entries[:min(len(entries), mostFiles)] {
			if e.Type().IsRegular() || e.IsDir() {
				judge(filepath.Join(dir, e.Name()))
			}
		}
	}
	if found > mostListed {
		say = say.And(words.MoreFiles.With(found - mostListed))
	}
	if found > 0 {
		return event.Down, say
	}
	return event.Up, event.Said{}
}

// open says who else than root may change what is at path, empty: nobody.
func open(path string) (say event.Said) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil || st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return say // it has ended, or only what it leads to counts
	}
	shown := strings.ToValidUTF8(path, "\uFFFD")
	sticky := st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Mode&unix.S_ISVTX != 0 // others cannot rename what is root's in it
	switch {
	case st.Uid != 0:
		return words.FileOf.With(shown, process.UserName(int(st.Uid)))
	case st.Mode&unix.S_IWOTH != 0 && !sticky:
		return words.FileOfAll.With(shown)
	case st.Mode&unix.S_IWGRP != 0 && st.Gid != 0 && !sticky:
		return words.FileOfGroup.With(groupName(st.Gid), shown)
	}
	return say
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}
