//go:build unix

package bus

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock of f for this open file, or reports that another has it.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// unlock gives the lock back. To close the file is not enough: a child process
// between fork and exec has it open too, and keeps the lock for that moment.
func unlock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }

// freeBytes is the space an unprivileged process may still use at dir.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// syncFile forces a file or a directory to disk.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// removed reports whether an open directory has no name any more.
func removed(dir *os.File) bool {
	var s unix.Stat_t
	err := unix.Fstat(int(dir.Fd()), &s)
	return err == nil && s.Nlink == 0
}

// sameOwner gives a file to whom the one at like belongs to.
func sameOwner(name, like string) error {
	var s unix.Stat_t
	if err := unix.Stat(like, &s); err != nil {
		return err
	}
	return unix.Lchown(name, int(s.Uid), int(s.Gid))
}
