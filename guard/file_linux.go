package guard

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// Open opens a file of dswatch's own, as os.OpenFile does, in a folder that
// Writers has judged. A link, a second name of another file, what is no file and
// what others may write are a Refusal: somebody has planted it there.
func Open(path string, flag int, perm os.FileMode) (*os.File, error) {
	create := flag&os.O_CREATE != 0
	f, err := os.OpenFile(path, flag&^(os.O_CREATE|os.O_TRUNC)|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if create && errors.Is(err, os.ErrNotExist) {
		// O_EXCL: what has come into being meanwhile is somebody else's.
		return os.OpenFile(path, flag|os.O_EXCL|unix.O_NOFOLLOW, perm)
	}
	if errors.Is(err, unix.ELOOP) {
		return nil, refused([]event.Said{words.GuardLink.With(shown(path))})
	}
	if err != nil {
		return nil, err
	}
	if err := own(f, path); err != nil {
		f.Close()
		return nil, err
	}
	if flag&os.O_TRUNC != 0 {
		if err := f.Truncate(0); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// own judges an open file.
func own(f *os.File, path string) error {
	s := step{path: path, fd: int(f.Fd()), last: true}
	if err := unix.Fstat(s.fd, &s.st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	var faults []event.Said
	// Whose the folder is, his is all that is in it: root may look at the state of
	// a dswatch that runs as another user.
	var dir unix.Stat_t
	if err := unix.Stat(filepath.Dir(path), &dir); err != nil || dir.Uid != s.st.Uid || s.st.Mode&0o022 != 0 {
		faults = judge(s)
	}
	switch {
	case !s.is(unix.S_IFREG):
		faults = append(faults, words.GuardNoFile.With(shown(path)))
	case s.st.Nlink > 1:
		faults = append(faults, words.GuardNames.With(shown(path)))
	}
	return refused(faults)
}
