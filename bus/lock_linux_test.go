package bus_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// TestLockIsNotKeptByAChild: between fork and exec a child process has every
// file of its parent open. A copy of the descriptor stands in for that moment.
func TestLockIsNotKeptByAChild(t *testing.T) {
	cfg := bustest.Config(t)
	b := bustest.Open(t, cfg)
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	child := -1
	for _, link := range links {
		if to, _ := os.Readlink(link); to == filepath.Join(cfg.Dir, "bus.lock") {
			fd, err := strconv.Atoi(filepath.Base(link))
			if err != nil {
				t.Fatal(err)
			}
			if child, err = syscall.Dup(fd); err != nil {
				t.Fatal(err)
			}
		}
	}
	if child < 0 {
		t.Fatal("the open bus has no lock file open")
	}
	defer syscall.Close(child)
	bustest.Close(t, b)
	if _, running, err := bus.Running(cfg.Dir); running || err != nil {
		t.Errorf("a closed bus is in use: %v", err)
	}
}
