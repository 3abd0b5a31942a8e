package port

import (
	"context"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// tableOwnerPidListener is TCP_TABLE_OWNER_PID_LISTENER of iphlpapi.h.
const tableOwnerPidListener = 3

func sources() []source { return []source{{"GetExtendedTcpTable", readTables}} }

// readTables asks Windows for listening sockets only, with the process that
// owns each. No privilege is needed.
func readTables(_ context.Context, add func(listener)) error {
	call := windows.NewLazySystemDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")
	if err := call.Find(); err != nil {
		return err
	}
	for _, family := range []uintptr{windows.AF_INET, windows.AF_INET6} {
		b, err := readTable(call, family)
		if err != nil {
			return err
		}
		if err := parseWinTable(b, family == windows.AF_INET6, add); err != nil {
			return err
		}
	}
	return nil
}

// readTable calls until the buffer is large enough: sockets may come between
// the call that tells the size and the one that fills it.
func readTable(call *windows.LazyProc, family uintptr) ([]byte, error) {
	size := uint32(16 << 10)
	for range 8 {
		b := make([]byte, size)
		r, _, _ := call.Call(uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&size)), 0, family, tableOwnerPidListener, 0)
		switch errno := windows.Errno(r); errno {
		case windows.NO_ERROR:
			return b, nil
		case windows.ERROR_INSUFFICIENT_BUFFER:
			size += size / 4
		default:
			return nil, fmt.Errorf("GetExtendedTcpTable: %w", errno)
		}
	}
	return nil, fmt.Errorf("GetExtendedTcpTable: the table grew faster than it could be read")
}
