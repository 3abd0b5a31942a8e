package guard

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"dswatch/words"
)

// Become lets root work in dir as the user whose it is, where only root could have
// given it to him: what root wrote there itself he could not change any more, and
// what he has put there could turn root. The process stays able to read every
// file. It does nothing for others, and where the folder is root's.
func Become(dir string) error {
	uid, given := Keeper(dir)
	if os.Geteuid() != 0 || !given || uid == 0 {
		return nil
	}
	var st unix.Stat_t
	err := unix.Stat(dir, &st)
	kept := false
	if err == nil {
		_, _, no := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0)
		kept = no == 0 // not with cgo, as the race detector needs it
		err = errors.Join(syscall.Setgroups([]int{int(st.Gid)}), syscall.Setgid(int(st.Gid)), syscall.Setuid(int(uid)))
	}
	if err == nil && kept {
		err = onlyRead()
	}
	if err != nil {
		return words.FailWith(err, words.NotBecome.With(userName(uid), dir, err))
	}
	return nil
}

// onlyRead leaves the process, all threads of it, the right to read every file.
func onlyRead() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: 1 << unix.CAP_DAC_READ_SEARCH, Permitted: 1 << unix.CAP_DAC_READ_SEARCH}}
	_, _, no := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&data[0])), 0)
	if no != 0 {
		return no
	}
	return nil
}
