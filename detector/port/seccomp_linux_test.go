package port

import (
	"cmp"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setSeccomp installs filter on all threads (seccomp(2)).
func setSeccomp(filter []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const setModeFilter, tsync = 1, 1
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, tsync, uintptr(unsafe.Pointer(&prog)))
	switch {
	case errno != 0:
		return errno
	case r != 0:
		return unix.EBUSY // a thread with a filter of its own
	}
	return nil
}

// sorted puts sockets into an order that both sources share.
func sorted(ls []listener) []listener {
	return slices.SortedFunc(slices.Values(ls), func(a, b listener) int {
		if c := a.addr.Compare(b.addr); c != 0 {
			return c
		}
		return cmp.Compare(a.owner.inode, b.owner.inode)
	})
}
