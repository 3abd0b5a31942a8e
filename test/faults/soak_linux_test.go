package faults

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crowd starts processes that do nothing, on a host that has so many.
func crowd(t *testing.T, n int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `i=0; while [ $i -lt "$1" ]; do (read x <&3) & i=$((i+1)); done 3<&0; echo; wait`, "sh", strconv.Itoa(n))
	if _, err := cmd.StdinPipe(); err != nil { // they end with it
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("start %d processes: %v", n, err)
	}
}

// TestSoak runs for an hour on a host with DSWATCH_SOAK_PROCESSES processes
// while one item after the other is lost and comes back: memory, descriptors
// and goroutines stay as they are.
func TestSoak(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("DSWATCH_SOAK_PROCESSES"))
	if err != nil {
		t.Skip("it takes an hour: make faults")
	}
	const lasts, every = time.Hour, 20 * time.Second
	crowd(t, n)
	h := newHost(t, filepath.Join(t.TempDir(), "bus"))
	h.schedule = "10s"
	h.start()
	h.watches()
	names := []string{"process_resident_memory_bytes", "process_open_fds", "go_goroutines"}
	seen := map[string][]float64{}
	read := func(page, name string) float64 {
		for line := range strings.Lines(page) {
			if v, ok := strings.CutPrefix(line, name+" "); ok {
				f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
		}
		t.Fatalf("no metric %s", name)
		return 0
	}
	cpu := -1.0
	for began, i := time.Now(), 0; time.Since(began) < lasts; i++ {
		one := h.names[i/2%len(h.names)]
		if i%2 == 0 {
			h.down(one)
		} else {
			h.up(one)
		}
		time.Sleep(every)
		h.alive()
		status, page := h.get("/metrics")
		if status != 200 {
			continue // a busy machine; that it lives is looked at above
		}
		for _, m := range names {
			seen[m] = append(seen[m], read(page, m))
		}
		if now := read(page, "process_cpu_seconds_total"); cpu < 0 {
			cpu = now
		} else if time.Since(began) >= lasts-every {
			t.Logf("%.2f %% of a core", 100*(now-cpu)/time.Since(began).Seconds())
		}
	}
	for _, m := range names {
		part := len(seen[m]) / 6
		middle := func(v []float64) float64 { v = slices.Sorted(slices.Values(v)); return v[len(v)/2] }
		early, late := middle(seen[m][part:2*part]), middle(seen[m][len(seen[m])-part:])
		t.Logf("%s: %.0f in the second sixth, %.0f in the last, %.0f to %.0f in all", m, early, late, slices.Min(seen[m]), slices.Max(seen[m]))
		if late > 1.2*early+5 {
			t.Errorf("%s grows", m)
		}
	}
	h.up(h.names...)
	h.settles("at the end", time.Minute)
	if c := h.weigh(); !c.clean() {
		t.Error(c)
	} else {
		t.Logf("%s with %d processes: %s", lasts, n, fmt.Sprint(c))
	}
	h.stop()
}
