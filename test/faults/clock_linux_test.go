package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// skewed is the program with a clock that can be set: time.Now adds the seconds
// in the file that $SKEW names. Only this build has it, by an overlay of two
// files; the machine's clock is left alone. As with a clock that is set, times
// between two moments and timers do not change.
var skewed = sync.OnceValues(func() (string, error) {
	dir := filepath.Dir(dswatch)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	clock := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(clock)
	if err != nil {
		return "", err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(text), now) != 1 {
		return "", fmt.Errorf("%s has no Now as it was", clock)
	}
	main, err := exec.Command("go", "list", "-f", "{{.Dir}}", "dswatch/cmd/dswatch").Output()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for path, text := range map[string]string{
		clock: strings.Replace(string(text), now, now+"\tsec += Skew()\n", 1),
		filepath.Join(filepath.Dir(clock), "skew.go"): `package time

import "sync/atomic"

var skew atomic.Int64

func Skew() int64       { return skew.Load() }
func SetSkew(sec int64) { skew.Store(sec) }
`,
		filepath.Join(strings.TrimSpace(string(main)), "skew.go"): `package main

import (
	"os"
	"strconv"
	"time"
)

func init() {
	go func() {
		for ; ; time.Sleep(10 * time.Millisecond) {
			b, _ := os.ReadFile(os.Getenv("SKEW"))
			if sec, err := strconv.ParseInt(string(b), 10, 64); err == nil {
				time.SetSkew(sec)
			}
		}
	}()
}
`,
	} {
		name := filepath.Join(dir, fmt.Sprintf("overlay%d.go", len(replace)))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = name
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dswatch-skewed")
	build := exec.Command("go", "build", "-overlay", list, "-o", path, "dswatch/cmd/dswatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build dswatch with another clock: %w: %s", err, out)
	}
	return path, nil
})

// clock sets the clock of one program.
type clock struct {
	t    *testing.T
	path string
}

func (c clock) set(off time.Duration) {
	c.t.Helper()
	if err := os.WriteFile(c.path+".new", fmt.Appendf(nil, "%d", int64(off/time.Second)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(c.path+".new", c.path); err != nil {
		c.t.Fatal(err)
	}
}

// startSkewed starts a program whose clock can be set.
func (h *host) startSkewed() clock {
	h.t.Helper()
	program, err := skewed()
	if err != nil {
		h.t.Fatal(err)
	}
	h.program = program
	c := clock{h.t, filepath.Join(h.t.TempDir(), "skew")}
	c.set(0)
	h.start("SKEW=" + c.path)
	return c
}

// TestFaultClock sets the clock an hour back and a day forward while the
// program runs.
func TestFaultClock(t *testing.T) {
	if !long() {
		t.Skip("it compiles the standard library: make faults")
	}
	t.Parallel()
	for name, step := range map[string]time.Duration{"an hour back": -time.Hour, "a day forward": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			repeat(t, 1, func(t *testing.T) outcome {
				h := newHost(t, filepath.Join(t.TempDir(), "bus"))
				h.more = "deaf: 10s\n"
				c := h.startSkewed()
				o := h.through(func() {
					c.set(step)
					h.flips()
					time.Sleep(13 * time.Second)
					if status, body := h.get("/readyz"); status != 200 {
						t.Errorf("not ready after the clock was set: %d %s", status, body)
					}
				})
				if n := h.notices("raised"); n > 0 {
					t.Errorf("%d notices of deafness for a clock that was set", n)
				}
				return o
			})
		})
	}
}

// TestFaultDeadSink leaves a sink dead for three days of a clock that runs
// fast: the program is ready and not deaf all that time, and the sink is told
// everything once it is back.
func TestFaultDeadSink(t *testing.T) {
	if !long() {
		t.Skip("it compiles the standard library: make faults")
	}
	repeat(t, 1, func(t *testing.T) outcome {
		h := newHost(t, filepath.Join(t.TempDir(), "bus"))
		h.hook = ", patience: 720h"
		h.more = "deaf: 10s\n"
		c := h.startSkewed()
		o := h.through(func() {
			h.ends.hook.Answer(503, nil)
			h.flips()
			for hour := range 72 {
				c.set(time.Duration(hour+1) * time.Hour)
				time.Sleep(300 * time.Millisecond)
				if hour%12 == 0 {
					if status, body := h.get("/readyz"); status != 200 {
						t.Errorf("not ready after %d hours without a sink: %d %s", hour, status, body)
					}
				}
			}
			if n := h.notices("raised"); n > 0 {
				t.Errorf("%d notices of deafness for a sink that is dead", n)
			}
			h.ends.hook.Answer(0, nil)
		})
		o.took = 0 // it depends on when the next try was due
		return o
	})
}
