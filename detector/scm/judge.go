package scm

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// Entry is what the manager tells of one service or driver. The numbers are
// those of winsvc.h.
type Entry struct {
	Name     string // the name of `sc.exe query`
	Display  string // the name that the list of services shows; empty if not known
	Type     uint32 // SERVICE_KERNEL_DRIVER and so on, a bit set
	State    uint32 // SERVICE_STOPPED and so on
	Start    uint32 // SERVICE_BOOT_START is 0, so read it only with Known
	Known    bool   // the configuration (Display and Start) could be read
	Exit     uint32 // Win32 exit code of the last run
	Specific uint32 // the service's own code, if Exit is ERROR_SERVICE_SPECIFIC_ERROR
	PID      uint32 // 0 for a driver, and where nothing runs
}

// ErrAbsent says that the manager has no entry of the name.
var ErrAbsent = errors.New("not installed")

const (
	driverTypes  = 0x0b // SERVICE_DRIVER: kernel, file system and recognizer
	serviceTypes = 0x30 // SERVICE_WIN32: a process of its own, or a shared one
	disabled     = 4    // SERVICE_DISABLED

	stopped = 1 // SERVICE_STOPPED
	running = 4 // SERVICE_RUNNING

	serviceSpecific = 1066 // ERROR_SERVICE_SPECIFIC_ERROR
)

// states are the other values of SERVICE_STATUS.dwCurrentState.
var states = map[uint32]func(name string) event.Said{
	2: words.Starting.With,
	3: words.Stopping.With,
	5: words.Resuming.With,
	6: words.Pausing.With,
	7: words.Paused.With,
}

// exits are the exit codes that a person meets most, see winerror.h.
var exits = map[uint32]func() event.Said{
	2:    words.ExitNoFile.With,
	5:    words.ExitDenied.With,
	1053: words.ExitNoAnswer.With,
	1058: words.ExitDisabled.With,
	1067: words.ExitCrashed.With,
	1068: words.ExitDepends.With,
	1077: words.ExitNever.With,
}

// Judge says what the answer to Ask means for the item name of the kind
// event.Service or event.Driver.
func Judge(kind event.Kind, name string, e Entry, err error) (event.State, event.Said) {
	switch {
	case errors.Is(err, ErrAbsent):
		return event.Down, words.NotInstalled.With(name)
	case errors.Is(err, fs.ErrPermission):
		return event.Unknown, words.MayNotAsk.With(name, err)
	case err != nil:
		return event.Unknown, words.NotTold.With(name, err)
	case kind == event.Driver && e.Type&driverTypes == 0:
		return event.Down, words.IsAService.With(name).And(e.shown())
	case kind == event.Service && e.Type&serviceTypes == 0:
		return event.Down, words.IsADriver.With(name).And(e.shown())
	}
	switch say := states[e.State]; {
	case e.State == running && e.PID != 0:
		return event.Up, words.RunningPID.With(name, int(e.PID)).And(e.off(), e.shown())
	case e.State == running:
		return event.Up, words.Running.With(name).And(e.off(), e.shown())
	case e.State == stopped:
		return event.Down, words.Stopped.With(name).And(e.off(), e.exit(), e.shown())
	case say != nil:
		return event.Down, say(name).And(e.off(), e.shown())
	}
	return event.Unknown, words.StateNotKnown.With(name, strconv.FormatUint(uint64(e.State), 10))
}

// off says that the entry is disabled. Windows stops nothing that it disables.
func (e Entry) off() event.Said {
	switch {
	case !e.Known || e.Start != disabled:
		return event.Said{}
	case e.State == stopped:
		return words.Disabled.With()
	}
	return words.DisabledRunning.With()
}

func (e Entry) exit() event.Said {
	if e.Exit == serviceSpecific {
		return words.ExitSpecific.With(int(e.Specific))
	}
	if say := exits[e.Exit]; say != nil {
		return say()
	}
	return words.ExitCode.With(int(e.Exit))
}

// shown is the name that the list of services shows, where that is another.
func (e Entry) shown() event.Said {
	if e.Display == "" || strings.EqualFold(e.Display, e.Name) {
		return event.Said{}
	}
	return words.ListedAs.With(e.Display)
}
