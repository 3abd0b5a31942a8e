package guard

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// environment is that of every program that is run: the same on every host, so
// that answers are too, in English, and without the home folder of whoever
// started dswatch.
func environment() []string {
	return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "LANG=C"}
}

// command prepares to run the program at path, or returns a Refusal when others
// could have written it. What runs is the file that was judged, whatever is at
// path by then: a program is run by its descriptor. A script, whose interpreter
// opens it by a name and may ask where it lies, is run by its path, of which
// nobody else can change a step; its interpreter is judged too. Release is called
// once the command has started or is not to.
func command(ctx context.Context, path string, args []string) (cmd *exec.Cmd, release func(), err error) {
	fd, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), path)
	script, err := interpreter(fd)
	if err == nil && script != "" {
		var by int
		if by, err = open(script); err == nil {
			unix.Close(by)
		}
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	cmd = exec.CommandContext(ctx, path, args...)
	if script == "" {
		cmd.Path, cmd.ExtraFiles = self(firstExtra), []*os.File{file}
	}
	return cmd, func() { file.Close() }, nil
}

// firstExtra is the number that exec.Cmd gives the first of its ExtraFiles.
const firstExtra = 3

// open opens the file at path when only root and this user can change it.
func open(path string) (fd int, err error) {
	var faults []event.Said
	last, err := walk(path, func(s step) { faults = append(faults, judge(s)...) })
	if err != nil {
		return -1, err
	}
	switch err = refused(faults); {
	case err == nil && !last.is(unix.S_IFREG):
		err = words.Fail(words.GuardNoFile.With(shown(path)))
	case err == nil:
		return last.fd, nil
	}
	unix.Close(last.fd)
	return -1, err
}

// interpreter returns what the first line of a script names, empty for another
// program. What may be run and not read is no script: its interpreter could not
// read it either.
func interpreter(fd int) (string, error) {
	f, err := os.Open(self(fd))
	if errors.Is(err, os.ErrPermission) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 256) // as much as the kernel looks at
	n, _ := f.Read(head)      // an empty file is no script
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	rest, script := bytes.CutPrefix(line, []byte("#!"))
	if !script {
		return "", nil
	}
	if words := strings.Fields(string(rest)); len(words) > 0 {
		return words[0], nil
	}
	return "", unix.ENOEXEC
}

// start starts the command in a session of its own, unless it may use the
// terminal: then nothing can ask a person for a password, and with its own group
// everything that it has started ends with it. What it returns ends the group.
func start(cmd *exec.Cmd, terminal bool) (end func(), err error) {
	end = func() {}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: !terminal, Pdeathsig: syscall.SIGKILL}
	if !terminal {
		end = func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // nothing is left: nothing to do
		cmd.Cancel = func() error { end(); return nil }
	}
	return end, cmd.Start()
}
