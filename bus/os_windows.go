package bus

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock takes the lock of f for this open file, or reports that another has
// it. The locked byte is far behind the text, because Windows does not let
// others read a locked one.
func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// unlock gives the lock back.
func unlock(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &windows.Overlapped{Offset: 1 << 30})
}

// freeBytes is the space this user may still use at dir.
func freeBytes(dir string) (uint64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(p, &free, nil, nil)
	return free, err
}

// syncFile forces a file to disk. Windows has no such thing for a directory.
func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		if st, serr := os.Stat(name); serr == nil && st.IsDir() {
			return nil
		}
		return err
	}
	defer f.Close()
	return f.Sync()
}

// removed reports whether an open directory has no name any more. Windows
// removes no directory that is open.
func removed(*os.File) bool { return false }

// sameOwner does nothing: what is made in a folder has its access list.
func sameOwner(string, string) error { return nil }
