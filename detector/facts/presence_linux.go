package facts

import (
	"errors"
	"io/fs"
	"syscall"
	"time"
)

// missing reports whether err says that there is no such file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// listed is for systems with a registry.
func listed() ([]sighting, bool) { return nil, false }

// changeTime is when the file came to its place, whatever time it was given.
func changeTime(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Unix())
	}
	return time.Time{}
}
