//go:build !unix

package facts

import (
	"os"
	"os/exec"
)

// environment is that of dswatch: on Windows programs do not start without
// SystemRoot and the like.
func environment() []string { return os.Environ() }

// alone does nothing where there are no process groups: only the command
// itself ends in time.
func alone(*exec.Cmd) (end func()) { return func() {} }

// trusted reports whether the program is there. On Windows it lies below
// Program Files, where only administrators write.
func trusted(path string) error {
	_, err := os.Stat(path)
	return err
}
