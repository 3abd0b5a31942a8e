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
// between two looks at it.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	lines, _ := start(t, "fill", t.TempDir())
	var got string
	for lines.Scan() {
		got += lines.Text() + "\n"
	}
	for _, want := range []string{"not confirmed true", "file too large", "start dswatch again"} {
		if !strings.Contains(got, want) {
			t.Errorf("the child said %q, want %q", got, want)
		}
	}
}

func childFills(ctx context.Context, b *bus.Bus) error {
	signal.Ignore(unix.SIGXFSZ) // so that a write fails instead
	limit := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	b.SetPatience(time.Second)
	big := bus.Message{Subject: subject, Data: make([]byte, 100_000)}
	for range 20 {
		if err := b.Publish(ctx, big); err != nil {
			fmt.Println("not confirmed", errors.Is(err, bus.ErrNotConfirmed), err)
			return nil
		}
	}
	return errors.New("2 MB were written to a file of at most 1 MB")
}
