package port

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"dswatch/detector"
	"dswatch/event"
)

var (
	_ detector.Watcher = (*Detector)(nil)
	_ detector.Glancer = (*Detector)(nil)
)

// TestEndOfAnOwner: the end of who holds a port wakes, and the look sees that
// nobody listens any more.
func TestEndOfAnOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sleep", "60")
	c.ExtraFiles = []*os.File{f}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	port := portOfListener(l)
	f.Close()
	l.Close()
	d := detect(t, Target{Port: port, Loopback: true, Owner: only{c.Process.Pid}})
	if o := pass(t, d)[0]; o.State != event.Up || d.Glance() {
		t.Fatalf("before: %+v", o)
	}
	woken := make(chan bool, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Watch(ctx, func() { woken <- true }) }()
	select {
	case <-woken:
		t.Error("woken while it lives")
	case <-time.After(100 * time.Millisecond):
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Fatal("not woken within 10 s")
	}
	if !d.Glance() {
		t.Error("a glance does not see it")
	}
	_ = c.Wait()
	if o := pass(t, d)[0]; o.State != event.Down {
		t.Errorf("after: %+v", o)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
