package process

import (
	"context"
	"dswatch/event"
	"dswatch/words"
	"errors"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// grant says what to do where a process may be seen but not read.
func grant() event.Said { return words.GrantWindows.With() }

// toolhelp lists processes by a Toolhelp snapshot, which any user may take.
// The path of a program needs a handle with PROCESS_QUERY_LIMITED_INFORMATION.
type toolhelp struct{}

func newTable() table { return toolhelp{} }

// forms returns the name as read reports it: image names have no case.
func (toolhelp) forms(name string) []string { return []string{strings.ToLower(name)} }

// rest has nothing to do: read passes over nothing.
func (toolhelp) rest(context.Context, func([]byte) bool, func(proc)) (gaps, error) {
	return gaps{}, nil
}

func (toolhelp) read(ctx context.Context, wanted func([]byte) bool, visit func(proc)) (gaps, error) {
	var g gaps
	snap, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return g, words.FailWith(err, words.ProcessesNotListed.With(err))
	}
	defer windows.CloseHandle(snap)
	var e windows.ProcessEntry32
	e.Size = uint32(unsafe.Sizeof(e))
	for err = windows.Process32First(snap, &e); err == nil; err = windows.Process32Next(snap, &e) {
		if ctx.Err() != nil {
			return g, ctx.Err()
		}
		name := strings.ToLower(windows.UTF16ToString(e.ExeFile[:]))
		if wanted([]byte(name)) {
			candidate(e.ProcessID, e.ParentProcessID, name, visit)
		}
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return g, words.FailWith(err, words.ProcessesNotListed.With(err))
	}
	return g, nil
}

// candidate tells visit about one process. Without the right to open it, only
// its start and its path stay unknown.
func candidate(pid, ppid uint32, name string, visit func(proc)) {
	p := proc{pid: int(pid), ppid: int(ppid), name: name}
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	switch {
	case errors.Is(err, windows.ERROR_INVALID_PARAMETER): // it has ended
		return
	case err != nil:
		p.exe = func() (string, error) { return "", err }
	default:
		defer windows.CloseHandle(h)
		p.exe = func() (string, error) { return image(h) }
		var made, ended, kernel, user windows.Filetime
		if windows.GetProcessTimes(h, &made, &ended, &kernel, &user) == nil {
			p.started = time.Unix(0, made.Nanoseconds())
		}
		p.stand = func(of *target) standing { return stand(h, int(pid), of) }
	}
	visit(p)
}

// image returns the path of the program of h.
func image(h windows.Handle) (string, error) {
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n := uint32(len(buf))
	if err := windows.QueryFullProcessImageName(h, 0, &buf[0], &n); err != nil {
		return "", err
	}
	return windows.UTF16ToString(buf[:n]), nil
}
