package exits

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Of returns the process that has the number now.
func Of(pid int) Process {
	start, _, _ := alive(pid)
	return Process{pid, start}
}

// Any reports whether one of them has ended. What cannot be seen counts as alive.
func Any(all []Process) bool {
	for _, p := range all {
		if start, ok, err := alive(p.PID); err == nil && (!ok || start != p.Start) {
			return true
		}
	}
	return false
}

// alive is when the process with the number has started; false: there is none, or
// it has ended and waits for its parent. An error says that nobody knows.
func alive(pid int) (start uint64, ok bool, _ error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	// The name stands in brackets and may hold any; see proc_pid_stat(5).
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 {
		return 0, false, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(f))
	}
	if f[0][0] == 'Z' || f[0][0] == 'X' {
		return 0, false, nil
	}
	start, err = strconv.ParseUint(string(f[19]), 10, 64)
	return start, true, err
}

// errForeign is said where /proc shows numbers of another namespace.
var errForeign = errors.New("the numbers in /proc are those of another namespace")

// Wait calls wake each time that one of them ends, also when it had ended before,
// until ctx ends. It keeps one descriptor for each. An error says why the kernel
// does not tell; then it has let go of all.
func Wait(ctx context.Context, all []Process, wake func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	var open []*os.File
	defer func() {
		for _, f := range open {
			_ = f.Close() // ends the wait for it
		}
	}()
	for _, p := range all {
		f, err := handle(p)
		switch {
		case err != nil:
			return err
		case f == nil:
			wake()
			continue
		}
		open = append(open, f)
		waiting.Go(func() {
			switch err := ended(f); {
			case err == nil:
				wake()
			case !errors.Is(err, os.ErrClosed):
				cancel(fmt.Errorf("wait for the end of process %d: %w", p.PID, err))
			}
		})
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// handle opens the process; nil: it has ended.
func handle(p Process) (*os.File, error) {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil && err != unix.ESRCH {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	start, lives, unseen := alive(p.PID)
	same := lives && start == p.Start
	switch {
	case err == nil && unseen != nil:
		return nil, errors.Join(unseen, unix.Close(fd))
	case unseen != nil:
		return nil, unseen
	case err != nil && same:
		return nil, errForeign
	case err != nil:
		return nil, nil
	case !same:
		return nil, unix.Close(fd)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that the wait for it takes no thread
		return nil, errors.Join(fmt.Errorf("set pidfd to not block: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "pidfd"), nil
}

// ended waits for the end of the process.
func ended(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return c.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}
