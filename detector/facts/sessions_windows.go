package facts

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"dswatch/event"
)

var querySession = windows.NewLazySystemDLL("wtsapi32.dll").NewProc("WTSQuerySessionInformationW")

// wtsUserName is the member of WTS_INFO_CLASS.
const wtsUserName = 5

// sessions returns on or off, and an error where that cannot be told.
func sessions() (string, error) {
	var first *windows.WTS_SESSION_INFO
	var n uint32
	if err := windows.WTSEnumerateSessions(0, 0, 1, &first, &n); err != nil {
		return "", err
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(first)))
	return loggedOn(unsafe.Slice(first, n), sessionUser)
}

// loggedOn looks for a session with a user. That of the services has none, nor
// has one in which a password is asked for.
func loggedOn(all []windows.WTS_SESSION_INFO, user func(id uint32) (string, error)) (string, error) {
	var hidden error
	for _, s := range all {
		if s.State != windows.WTSActive && s.State != windows.WTSDisconnected {
			continue
		}
		name, err := user(s.SessionID)
		switch {
		case err == nil && name != "":
			return event.On, nil
		case err != nil && s.SessionID != 0: // 0 is that of the services
			hidden = err
		}
	}
	if hidden != nil {
		return "", hidden
	}
	return event.Off, nil
}

// sessionUser returns the name of the session's user, nothing where it has none.
func sessionUser(id uint32) (string, error) {
	if err := querySession.Find(); err != nil {
		return "", err
	}
	var name *uint16
	var size uint32
	ok, _, err := querySession.Call(0, uintptr(id), wtsUserName, uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)))
	if ok == 0 {
		return "", err
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(name)))
	return windows.UTF16PtrToString(name), nil
}
