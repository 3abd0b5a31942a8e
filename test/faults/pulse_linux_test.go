package faults

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFaultDeaf fills the disk and looks at every sign while nothing can be
// stored: not ready within a few seconds, every sink told once past the outbox
// also across a restart, alive all the time, and all of it over once there is
// space.
func TestFaultDeaf(t *testing.T) {
	t.Parallel()
	v := tmpfs(t, "size=160m")
	h := newHost(t, filepath.Join(v.path, "bus"))
	h.more = "deaf: 10s\n"
	h.start()
	ready := func(want int) func() bool {
		return func() bool { status, _ := h.get("/readyz"); return status == want }
	}
	h.await("it is ready", 20*time.Second, ready(200))
	if status, _ := h.get("/healthz"); status != 200 {
		t.Errorf("healthz is %d", status)
	}
	if out, _ := exec.Command(dswatch, "status", "-c", h.path).Output(); !strings.HasPrefix(string(out), "Decisions are current.\n") {
		t.Errorf("status says %q", out)
	}
	free := v.fill()
	began := time.Now()
	h.await("it is not ready", 12*time.Second, ready(503))
	if _, body := h.get("/readyz"); !strings.Contains(body, "store:") || !strings.Contains(body, "space") {
		t.Errorf("readyz gives no reason: %q", body)
	}
	cmd := exec.Command(dswatch, "status", "-c", h.path)
	out, _ := cmd.Output()
	if first, _, _ := strings.Cut(string(out), "\n"); !strings.Contains(first, "NOT CURRENT") || cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("status ends with %d and begins with %q", cmd.ProcessState.ExitCode(), first)
	}
	raised := func() int { return h.notices("raised") }
	cleared := func() int { return h.notices("cleared") }
	h.await("every sink is told", 14*time.Second, func() bool { return raised() == 3 })
	if took := time.Since(began); took > 14*time.Second {
		t.Errorf("told after %s, want 10s and 2s, and a look at the disk", took)
	}
	if status, body := h.get("/healthz"); status != 200 {
		t.Errorf("a full disk is no reason to end: healthz is %d, %s", status, body)
	}
	time.Sleep(3 * time.Second)
	free()
	healed := time.Now()
	h.await("it is ready again", 6*time.Second, ready(200))
	h.await("every sink has the all-clear", 5*time.Second, func() bool { return cleared() == 3 })
	t.Logf("told %s after the disk was full, all-clear %s after there was space", healed.Sub(began).Round(time.Millisecond), time.Since(healed).Round(time.Millisecond))
	if raised() != 3 || cleared() != 3 {
		t.Errorf("%d notices and %d all-clears, want 3 of each", raised(), cleared())
	}
	_, metrics := h.get("/metrics")
	for _, stage := range []string{"scheduler", "store", "rules", "outbox", "sink hook", "sink nms", "sink siem"} {
		if !strings.Contains(metrics, `dswatch_pulse_last_success_timestamp_seconds{stage="`+stage+`"}`) {
			t.Errorf("no metric of %s", stage)
		}
	}
	h.stop()
}
