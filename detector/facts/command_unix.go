//go:build unix

package facts

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// environment is the same on every host, so that answers are too: in
// English, and without the home folder of whoever started dswatch.
func environment() []string {
	return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "LANG=C"}
}

// alone gives the command a session of its own: without a terminal nothing
// can ask a person for a password, and with its own group everything that it
// started ends with it. What it returns ends the group.
func alone(cmd *exec.Cmd) (end func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	end = func() {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // nothing is left: nothing to do
		}
	}
	cmd.Cancel = func() error { end(); return nil }
	return end
}

// trusted refuses a program that others than root and the user of dswatch
// could have written: dswatch often runs as root.
func trusted(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written by others and is not run; remove that permission with chmod go-w", path)
	case ok && st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d and is not run; give it to root", path, st.Uid)
	}
	return nil
}
