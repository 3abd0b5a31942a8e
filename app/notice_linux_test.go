package app

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/test/receive"
	"dswatch/web"
)

// TestKillToWebhook kills real processes under a schedule of an hour: each end is
// received as a webhook within milliseconds, told by the kernel. Of two rows one
// is killed after the other; the look that this begins sees the new process of the
// other row.
func TestKillToWebhook(t *testing.T) {
	kills := 20
	if os.Getenv("DSWATCH_SOAK") != "" {
		kills = 100
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	dir, names := t.TempDir(), [2]string{"dsw_first", "dsw_second"}
	var running [2]*exec.Cmd
	begin := func(i int) {
		t.Helper()
		running[i] = exec.Command(filepath.Join(dir, names[i]), "600")
		if err := running[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o700); err != nil {
			t.Fatal(err)
		}
		begin(i)
	}
	t.Cleanup(func() {
		for _, c := range running {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	heard := make(chan time.Time, 1)
	var mu sync.Mutex
	expected := ""
	hook := receive.StartHTTP(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		at := time.Now()
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if expected != "" && strings.Contains(string(body), `"transition":"raised"`) && strings.Contains(string(body), expected) {
			heard <- at
			expected = ""
		}
	}))
	f := newFleet(t)
	f.sinks = fmt.Sprintf("sinks:\n  - {name: hook, type: webhook, url: %q}\n", hook.URL)
	f.start(fmt.Sprintf("rules: {hold: 0s, hold_up: 0s, storm: {alerts: 0}, flap: {changes: 0}}\nwatch: {items: [{kind: process, name: %s}, {kind: process, name: %s}]}\n", names[0], names[1]))
	eventually(t, "the kernel tells", func() bool {
		st, err := f.a.Status(t.Context())
		return err == nil && slices.Contains(st.Watching, web.Watching{Job: "process", Told: "notified"})
	})
	var took []time.Duration
	for n := range kills {
		i := n % 2
		time.Sleep(250 * time.Millisecond) // the look that saw it is over, and it is waited for
		mu.Lock()
		expected = names[i]
		mu.Unlock()
		killed := time.Now()
		if err := running[i].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		select {
		case at := <-heard:
			took = append(took, at.Sub(killed))
		case <-time.After(20 * time.Second):
			t.Fatalf("kill %d: the end of %s was not told within 20 s", n, names[i])
		}
		_ = running[i].Wait()
		begin(i)
	}
	slices.Sort(took)
	t.Logf("kill to received webhook over %d kills: p50 %v, p99 %v, most %v", kills, took[kills/2], took[kills*99/100], took[kills-1])
}
