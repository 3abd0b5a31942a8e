package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dswatch/bus"
)

// TestFailedWrite has the kernel refuse writes, as on a disk that fills up
// between two looks at it, and then take them again.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	lines, _ := start(t, "fill", t.TempDir())
	var got string
	for lines.Scan() {
		got += lines.Text() + "\n"
	}
	for _, want := range []string{"broken true", "file too large", "healed true", "events 12 of 12"} {
		if !strings.Contains(got, want) {
			t.Errorf("the child said %q, want %q", got, want)
		}
	}
}

func childFills(ctx context.Context, b *bus.Bus) error {
	signal.Ignore(unix.SIGXFSZ) // so that a write fails instead
	limit := unix.Rlimit{Cur: 1 << 20, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	var failed error
	stored := 0
	for ; stored < 20; stored++ {
		if failed = b.Publish(ctx, large(stored)); failed != nil {
			break
		}
	}
	fmt.Println("broken", errors.Is(failed, bus.ErrBroken), failed)
	limit.Cur = unix.RLIM_INFINITY
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	healed := time.Now()
	err := failed
	for ; time.Since(healed) < 10*time.Second && err != nil; time.Sleep(10 * time.Millisecond) {
		err = b.Publish(ctx, large(stored))
	}
	fmt.Println("healed", err == nil && time.Since(healed) < 2*time.Second, time.Since(healed), err)
	for stored++; stored < 12; stored++ {
		if err := b.Publish(ctx, large(stored)); err != nil {
			return err
		}
	}
	found := 0
	err = b.Scan(ctx, bus.Events, "", func(bus.Stored) error { found++; return nil })
	fmt.Println("events", found, "of", stored, err)
	return nil
}

// large is one of twelve messages that do not fit into one file of 1 MB.
func large(n int) bus.Message {
	return bus.Message{Subject: subject, ID: fmt.Sprint("big", n), Data: make([]byte, 100_000)}
}
