package scm

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"dswatch/event"
)

// Entry is what the manager tells of one service or driver. The numbers are
// those of winsvc.h.
type Entry struct {
	Name     string // the name of `sc query`
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

// states are the other values of SERVICE_STATUS.dwCurrentState, with the word
// that `sc query` prints.
var states = map[uint32]string{
	2: "is starting (START_PENDING)",
	3: "is stopping (STOP_PENDING)",
	5: "is resuming (CONTINUE_PENDING)",
	6: "is pausing (PAUSE_PENDING)",
	7: "is paused (PAUSED)",
}

// exits are the exit codes that a person meets most, see winerror.h.
var exits = map[uint32]string{
	0:    "exit code 0",
	2:    "exit code 2: its file was not found",
	5:    "exit code 5: access was denied",
	1053: "exit code 1053: it did not answer in time",
	1058: "exit code 1058: it was disabled",
	1067: "exit code 1067: its process ended unexpectedly",
	1068: "exit code 1068: something that it depends on did not start",
	1077: "not started since the host came up",
}

// Judge says what the answer to Ask means for an item of the kind
// event.Service or event.Driver. The words continue a sentence that begins
// with the item's name.
func Judge(kind event.Kind, e Entry, err error) (event.State, string) {
	switch {
	case errors.Is(err, ErrAbsent):
		return event.Down, "is not installed"
	case errors.Is(err, fs.ErrPermission):
		return event.Unknown, fmt.Sprintf("may not be asked about (%v); run dswatch as LocalSystem or as an administrator", err)
	case err != nil:
		return event.Unknown, fmt.Sprintf("was not told (%v); try sc query by hand", err)
	case kind == event.Driver && e.Type&driverTypes == 0:
		return event.Down, "is the name of a service and not of a driver" + e.shown()
	case kind == event.Service && e.Type&serviceTypes == 0:
		return event.Down, "is the name of a driver and not of a service" + e.shown()
	}
	switch say := states[e.State]; {
	case e.State == running:
		return event.Up, "is running" + e.pid() + e.off() + e.shown()
	case e.State == stopped:
		return event.Down, "is stopped" + e.off() + ", " + e.exit() + e.shown()
	case say != "":
		return event.Down, say + e.off() + e.shown()
	}
	return event.Unknown, fmt.Sprintf("is in the state %d, which this version does not know", e.State)
}

func (e Entry) pid() string {
	if e.PID == 0 {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", e.PID)
}

// off says that the entry is disabled. Windows stops nothing that it disables.
func (e Entry) off() string {
	switch {
	case !e.Known || e.Start != disabled:
		return ""
	case e.State == stopped:
		return " and disabled"
	}
	return ", but disabled: it cannot be started again"
}

func (e Entry) exit() string {
	if e.Exit == serviceSpecific {
		return fmt.Sprintf("service-specific exit code %d", e.Specific)
	}
	if say := exits[e.Exit]; say != "" {
		return say
	}
	return fmt.Sprintf("exit code %d", e.Exit)
}

// shown is the name that the list of services shows, where that is another.
func (e Entry) shown() string {
	if e.Display == "" || strings.EqualFold(e.Display, e.Name) {
		return ""
	}
	return fmt.Sprintf(", listed as %q", e.Display)
}
