package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress: what is quick shows nothing; what is slow shows a line that
// counts and is gone before the outcome.
func TestProgress(t *testing.T) {
	fault := errors.New("a fault")
	for took, want := range map[time.Duration]string{
		900 * time.Millisecond:  "",
		2500 * time.Millisecond: "\rat it for 1s\rat it for 2s\r\x1b[K",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out strings.Builder
			p := progress{out: &out, every: time.Second, text: func(d time.Duration) string { return "at it for " + d.String() }}
			err := p.during(func() error { time.Sleep(took); return fault })
			if err != fault || out.String() != want {
				t.Errorf("%v: %v, %q, want %q", took, err, out.String(), want)
			}
		})
	}
}
