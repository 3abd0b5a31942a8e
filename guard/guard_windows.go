package guard

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"dswatch/event"
	"dswatch/words"
)

// What of an access list lets somebody change a file, or put another one there,
// see "File Access Rights Constants". To add a folder is not enough for that, and
// every user may do it in the root of a volume.
const (
	writes      = windows.FILE_WRITE_DATA | windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL
	deleteChild = 0x40
)

// trustedAccounts are those that rule the host anyway: administrators, the
// system, and the service that installs Windows' own files.
var trustedAccounts = []string{"S-1-5-32-544", "S-1-5-18", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"}

// ours reports whether the account may be trusted. What CREATOR OWNER and OWNER
// RIGHTS may, the owner may, who is judged.
func ours(sid *windows.SID) bool {
	text := sid.String()
	for _, t := range append(trustedAccounts, "S-1-3-0", "S-1-3-4") {
		if text == t {
			return true
		}
	}
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	return err == nil && u.User.Sid.Equals(sid)
}

func accountName(sid *windows.SID) string {
	if account, domain, _, err := sid.LookupAccount(""); err == nil {
		return domain + `\` + account
	}
	return sid.String()
}

// judge says who else may change what is at path.
func judge(path string, rights windows.ACCESS_MASK) (faults []event.Said, err error) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, &os.PathError{Op: "read the access list of", Path: path, Err: err}
	}
	if owner, _, err := sd.Owner(); err == nil && owner != nil && !ours(owner) {
		faults = append(faults, words.GuardWindows.With(accountName(owner), path))
	}
	list, _, err := sd.DACL()
	if errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) || err == nil && list == nil { // a file system without, or one that lets everybody
		return append(faults, words.GuardWindows.With("Everyone", path)), nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "read the access list of", Path: path, Err: err}
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return nil, &os.PathError{Op: "read the access list of", Path: path, Err: err}
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 || ace.Mask&rights == 0 {
			continue
		}
		if sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)); !ours(sid) {
			faults = append(faults, words.GuardWindows.With(accountName(sid), path))
		}
	}
	return faults, nil
}

// Writers returns a Refusal when others may change what is at one of the paths or,
// in its folder, put something else there. What does not exist is made with the
// access list of its folder.
func Writers(paths ...string) error {
	var faults []event.Said
	var errs []error
	for _, path := range paths {
		found, err := around(path)
		if faults = append(faults, found...); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if len(faults) > 0 {
		return refused(faults)
	}
	return errors.Join(errs...)
}

// around judges a file and its folder.
func around(path string) ([]event.Said, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil, err
	}
	faults, err := judge(path, writes)
	if err != nil {
		return nil, err
	}
	above, err := judge(filepath.Dir(path), writes|deleteChild)
	return append(faults, above...), err
}

// environment is that of every program that is run: Windows' own folders only.
func environment() []string {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return os.Environ()
	}
	root := filepath.Dir(system)
	env := []string{"SystemRoot=" + root, "windir=" + root, "SystemDrive=" + filepath.VolumeName(root), "ComSpec=" + filepath.Join(system, "cmd.exe"),
		"PATH=" + system + ";" + root, "PATHEXT=.COM;.EXE;.BAT;.CMD"}
	for _, name := range []string{"ProgramFiles", "ProgramFiles(x86)", "ProgramW6432", "ProgramData", "TEMP", "TMP"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// command prepares to run the program at path, or returns a Refusal when others
// than administrators and this user may change it or its folder. Windows runs a
// program by its path; nobody else can change where that leads.
func command(ctx context.Context, path string, args []string) (cmd *exec.Cmd, release func(), err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, nil, err
	}
	if err := Writers(path); err != nil {
		return nil, nil, err
	}
	return exec.CommandContext(ctx, path, args...), func() {}, nil
}

// start starts the command in a job that ends with this process, and all that
// it starts within. What it returns ends the job.
func start(cmd *exec.Cmd, _ bool) (end func(), err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, os.NewSyscallError("create job", err)
	}
	var once sync.Once
	end = func() {
		once.Do(func() {
			_ = windows.TerminateJobObject(job, 1) // nothing is left: nothing to do
			_ = windows.CloseHandle(job)
		})
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if _, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		end()
		return nil, os.NewSyscallError("limit job", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true}
	cmd.Cancel = func() error { end(); return cmd.Process.Kill() }
	if err = cmd.Start(); err != nil {
		end()
		return nil, err
	}
	// What it starts before this is outside; that is a moment.
	if err = cmd.Process.WithHandle(func(h uintptr) { err = windows.AssignProcessToJobObject(job, windows.Handle(h)) }); err != nil {
		_ = cmd.Process.Kill()
		end()
		return nil, errors.Join(os.NewSyscallError("assign job", err), cmd.Wait())
	}
	return end, nil
}
