package exits

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func sleeper(t testing.TB) (*exec.Cmd, Process) {
	t.Helper()
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, Of(c.Process.Pid)
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func TestWait(t *testing.T) {
	first, a := sleeper(t)
	_, b := sleeper(t)
	var woken atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	before := descriptors(t)
	go func() { done <- Wait(ctx, []Process{a, b}, func() { woken.Add(1) }) }()
	eventually(t, "both are waited for", func() bool { return descriptors(t) >= before+2 })
	time.Sleep(50 * time.Millisecond)
	if woken.Load() != 0 || Any([]Process{a, b}) {
		t.Error("woken while both live")
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Nobody has waited for it: it is a zombie.
	eventually(t, "it is told", func() bool { return woken.Load() == 1 })
	if !Any([]Process{b, a}) {
		t.Error("a zombie counts as alive")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	eventually(t, "the descriptors are closed", func() bool { return descriptors(t) <= before })
}

func descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range all {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.Contains(to, "pidfd") {
			n++
		}
	}
	return n
}

// TestWaitForThePast: what has ended, and what has the number of what has ended,
// wakes at once.
func TestWaitForThePast(t *testing.T) {
	_, p := sleeper(t)
	reused, gone := p, p
	reused.Start--
	gone.PID = 1 << 22
	for name, one := range map[string]Process{"reused": reused, "gone": gone, "never seen": {PID: gone.PID}} {
		woken := make(chan bool, 1)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Wait(ctx, []Process{one}, func() { woken <- true }) }()
		select {
		case <-woken:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: not woken", name)
		}
		cancel()
		if err := <-done; err != nil || !Any([]Process{one}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWithoutDescriptors: the limit is an error, and nothing stays open.
func TestWithoutDescriptors(t *testing.T) {
	_, p := sleeper(t)
	before := descriptors(t)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	tight := old
	tight.Cur = uint64(len(open)) + 20
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &tight); err != nil {
		t.Fatal(err)
	}
	all := make([]Process, 200)
	for i := range all {
		all[i] = p
	}
	err = Wait(t.Context(), all, func() {})
	if back := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); back != nil {
		t.Fatal(back)
	}
	if err == nil {
		t.Error("no error")
	}
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, %d before", n, before)
	}
}
