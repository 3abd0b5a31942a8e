//go:build !linux

package guard

import "os"

// Open opens a file of dswatch's own, as os.OpenFile does. Nothing is judged:
// on Windows a file has the access list of its folder.
func Open(path string, flag int, perm os.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag, perm)
}
