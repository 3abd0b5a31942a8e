package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dswatch/guard"
)

// Owner is the process that has a bus directory open.
type Owner struct {
	PID   int
	Host  string
	Since time.Time
}

func (o Owner) String() string {
	if o.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s, since %s", o.PID, o.Host, o.Since.Format(time.RFC3339))
}

// ErrInUse means that another process has the directory open.
var ErrInUse = errors.New("bus directory is in use")

// lockName is the file whose lock says that the directory is open. The kernel
// drops the lock when the process ends, however it ends.
const lockName = "bus.lock"

// Running reports whether a process has dir open, and which. A directory that
// does not exist is not open.
func Running(dir string) (Owner, bool, error) {
	name := filepath.Join(dir, lockName)
	f, err := guard.Open(name, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return Owner{}, false, nil
	}
	if err != nil {
		return Owner{}, false, fmt.Errorf("look for a running process: %w; run as the user of the running dswatch or as root", err)
	}
	defer f.Close()
	free, err := tryLock(f)
	if err != nil {
		return Owner{}, false, fmt.Errorf("look for a running process: lock %s: %w", name, err)
	}
	if free {
		_ = unlock(f)
		return Owner{}, false, nil
	}
	return readOwner(name), true, nil
}

// lockDir takes the lock of dir. It tries for a second, because Running holds
// the lock for an instant and a process that is ending holds it to its end.
func lockDir(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockName)
	f, err := guard.Open(name, os.O_RDWR|os.O_CREATE, 0o600)
	var planted *guard.Refusal
	if errors.As(err, &planted) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w; see that this user may write there", dir, err)
	}
	for end := time.Now().Add(time.Second); ; time.Sleep(20 * time.Millisecond) {
		free, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w; the directory must be on a local file system", name, err)
		}
		if free {
			break
		}
		if time.Now().After(end) {
			f.Close()
			return nil, fmt.Errorf("%w: %s is open in %s; stop that one, or give this one another bus.dir", ErrInUse, dir, readOwner(name))
		}
	}
	host, _ := os.Hostname()
	text := fmt.Sprintf("%d %s %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	if err := errors.Join(f.Truncate(0), writeAt(f, text)); err != nil {
		unlockDir(f)
		return nil, fmt.Errorf("lock %s: %w; see that the disk is not full", name, err)
	}
	return f, nil
}

// unlockDir undoes lockDir.
func unlockDir(f *os.File) {
	_ = unlock(f)
	f.Close()
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// readOwner tells what the lock file says; the zero Owner if it says nothing.
func readOwner(name string) Owner {
	b, err := os.ReadFile(name)
	if err != nil {
		return Owner{}
	}
	return parseOwner(b)
}

func parseOwner(b []byte) Owner {
	f := strings.Fields(string(b))
	if len(f) != 3 {
		return Owner{}
	}
	pid, err1 := strconv.Atoi(f[0])
	at, err2 := time.Parse(time.RFC3339, f[2])
	if err1 != nil || err2 != nil {
		return Owner{}
	}
	return Owner{PID: pid, Host: f[1], Since: at}
}
