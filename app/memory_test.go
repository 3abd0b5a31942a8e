package app

import (
	"runtime"
	"testing"
)

// TestMemoryLimit: 200,000 items stay under 400 MB with what no limit counts,
// and a program that needs more than it should still has room to work in.
func TestMemoryLimit(t *testing.T) {
	const mb = 1 << 20
	for name, c := range map[string]struct {
		items       int
		live        int64
		least, most int64
	}{
		"one host":                  {100, 20 * mb, 230 * mb, 250 * mb},
		"200,000 items":             {200_000, 210 * mb, 320 * mb, 370 * mb},
		"200,000 items after hours": {200_000, 280 * mb, 350 * mb, 370 * mb},
		"more than it should be":    {200_000, 800 * mb, 950 * mb, 1100 * mb},
	} {
		if got := memoryLimit(c.items, c.live); got < c.least || got > c.most {
			t.Errorf("%s: %d MB, want %d to %d", name, got/mb, c.least/mb, c.most/mb)
		}
	}
}

func TestLive(t *testing.T) {
	runtime.GC()
	if n := live(); n <= 0 {
		t.Errorf("%d bytes are live after a collection", n)
	}
}
