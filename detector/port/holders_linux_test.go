package port

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

// only is an Owner whose processes are those of one pid.
type only struct{ pid int }

func (o only) Stranger(uid uint32, pids []int) event.Said {
	for _, p := range pids {
		if p == o.pid {
			return event.Said{}
		}
	}
	return event.Prose(fmt.Sprintf("pids %v of user %d", pids, uid))
}

func TestHoldersOfAPort(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test starts a process of another user; run it as root")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := portOfListener(l)
	target := Target{Port: port, Loopback: true, Owner: only{os.Getpid()}}
	if o := pass(t, detect(t, target))[0]; o.State != event.Up || strings.Contains(words.English(o.Detail), "not counted") {
		t.Errorf("ours: %+v", o)
	}
	target.Owner = only{1}
	if o := pass(t, detect(t, target))[0]; o.State != event.Down || !strings.Contains(words.English(o.Detail), fmt.Sprintf("is held by a stranger: pids [%d] of user 0", os.Getpid())) {
		t.Errorf("a stranger: %+v", o)
	}

	// A child of another user holds the same socket: one of the holders suffices.
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := exec.Command("sleep", "60")
	c.ExtraFiles = []*os.File{f}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	d := detect(t, Target{Port: port, Loopback: true, Owner: only{c.Process.Pid}})
	if o := pass(t, d)[0]; o.State != event.Up {
		t.Errorf("one of two holders: %+v", o)
	}
	// What was looked up is looked up again when the holder has let go.
	f.Close()
	l.Close()
	if o := pass(t, d)[0]; o.State != event.Up {
		t.Errorf("held by the child alone: %+v", o)
	}
}
