package scm

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Manager is a connection to this host's service control manager. Close it.
type Manager struct{ handle windows.Handle }

// opening lets one connection at a time be made in this process. Two that are
// its first and begin at once confuse Wine: it then calls the handles of the
// one, used over the connection of the other, invalid.
var opening sync.Mutex

// Open connects. Its error ends with what to do.
func Open() (*Manager, error) {
	opening.Lock()
	defer opening.Unlock()
	h, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, fmt.Errorf("connect to the service control manager: %w; run dswatch as LocalSystem or as an administrator", err)
	}
	return &Manager{h}, nil
}

// Close ends the connection.
func (m *Manager) Close() error { return windows.CloseServiceHandle(m.handle) }

// Ask looks up a service or driver by its name, or else by the name that the
// list of services shows. It returns ErrAbsent where there is neither; Judge
// makes sense of every error.
func (m *Manager) Ask(name string) (Entry, error) {
	e, err := m.query(name)
	if !errors.Is(err, ErrAbsent) {
		return e, err
	}
	key, err := m.keyName(name)
	if err != nil {
		return Entry{}, err
	}
	return m.query(key)
}

func (m *Manager) query(name string) (Entry, error) {
	h, full, err := m.open(name)
	if err != nil {
		return Entry{}, err
	}
	defer windows.CloseServiceHandle(h)
	var s windows.SERVICE_STATUS_PROCESS
	var need uint32
	if err := windows.QueryServiceStatusEx(h, windows.SC_STATUS_PROCESS_INFO, (*byte)(unsafe.Pointer(&s)), uint32(unsafe.Sizeof(s)), &need); err != nil {
		return Entry{}, fmt.Errorf("query status: %w", err)
	}
	e := Entry{
		Name: name, Type: s.ServiceType, State: s.CurrentState,
		Exit: s.Win32ExitCode, Specific: s.ServiceSpecificExitCode, PID: s.ProcessId,
	}
	if full {
		e.configure(h)
	}
	return e, nil
}

// open asks for the configuration too, and goes without it where only the
// status may be read. full says which it was.
func (m *Manager) open(name string) (h windows.Handle, full bool, err error) {
	wide, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, false, err
	}
	h, err = windows.OpenService(m.handle, wide, windows.SERVICE_QUERY_STATUS|windows.SERVICE_QUERY_CONFIG)
	full = err == nil
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		h, err = windows.OpenService(m.handle, wide, windows.SERVICE_QUERY_STATUS)
	}
	switch {
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST), errors.Is(err, windows.ERROR_INVALID_NAME):
		return 0, false, ErrAbsent // a name that only a display name can have is ERROR_INVALID_NAME
	case err != nil:
		return 0, false, fmt.Errorf("open: %w", err)
	}
	return h, full, nil
}

// maxConfig is the most that QueryServiceConfig returns, as its manual says.
const maxConfig = 8 << 10

// configure adds what the configuration says. The state is worth telling
// without it.
func (e *Entry) configure(h windows.Handle) {
	var buf [maxConfig / 8]uint64 // aligned as the structure is
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buf[0]))
	var need uint32
	if windows.QueryServiceConfig(h, c, maxConfig, &need) != nil {
		return
	}
	e.Known, e.Start, e.Display = true, c.StartType, windows.UTF16PtrToString(c.DisplayName)
}

var getServiceKeyName = windows.NewLazySystemDLL("advapi32.dll").NewProc("GetServiceKeyNameW")

// keyName returns the name of the service that is listed as display.
func (m *Manager) keyName(display string) (string, error) {
	wide, err := windows.UTF16PtrFromString(display)
	if err != nil {
		return "", err
	}
	if err := getServiceKeyName.Find(); err != nil {
		return "", err
	}
	var buf [257]uint16 // names have at most 256 characters
	n := uint32(len(buf))
	ok, _, err := getServiceKeyName.Call(uintptr(m.handle), uintptr(unsafe.Pointer(wide)), uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&n)))
	switch {
	case ok != 0:
		return windows.UTF16ToString(buf[:]), nil
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST), errors.Is(err, windows.ERROR_INVALID_NAME):
		return "", ErrAbsent
	}
	return "", fmt.Errorf("look up the name: %w", err)
}
