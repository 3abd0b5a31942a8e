package test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestRestartsOfRealThings is the long form of app's TestShortRestartsAreNotTold:
// 70 processes and 30 listening ports of this host are stopped for 15 s each,
// at any moment between two looks, under the default timings, and nobody is
// told; then 20 of them for a minute, and each is told once. It takes five
// minutes.
func TestRestartsOfRealThings(t *testing.T) {
	if os.Getenv("DSWATCH_SOAK") == "" {
		t.Skip("five minutes; make soak runs it")
	}
	var mu sync.Mutex
	told := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m struct {
			Alert struct {
				Transition string
				Key        struct{ Name string }
			}
		}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		told[m.Alert.Transition+" "+m.Alert.Key.Name]++
	}))
	defer server.Close()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(told)
	}

	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names := numbered("restarts", 70)
	rows := processRows(names)
	var things []func() (stop func())
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, sleep, 0o755); err != nil {
			t.Fatal(err)
		}
		things = append(things, func() func() {
			c := exec.Command(path, "3600")
			if err := c.Start(); err != nil {
				t.Error(err)
				return func() {}
			}
			return func() { _ = c.Process.Kill(); _ = c.Wait() }
		})
	}
	for n := range 30 {
		rows += fmt.Sprintf("    - {kind: port, name: %d/tcp}\n", 17100+n)
		things = append(things, func() func() {
			l, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", 17100+n))
			if err != nil {
				t.Error(err)
				return func() {}
			}
			return func() { _ = l.Close() }
		})
	}
	stops := make([]func(), len(things))
	for i, begin := range things {
		stops[i] = begin()
	}
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	outage := func(i int, long time.Duration) {
		time.Sleep(rand.N(45 * time.Second))
		stops[i]()
		time.Sleep(long)
		stops[i] = things[i]()
	}

	r := startFile(t, configFile(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
watch:
  facts: {os: linux, components: []}
  items:
%sweb: {listen: %q}
sinks:
  - {name: hook, type: webhook, url: %q}
`, filepath.Join(t.TempDir(), "bus"), rows, freeAddress(t), server.URL)))
	time.Sleep(40 * time.Second) // every one was seen well
	if n := count(); n > 0 {
		t.Fatalf("told before anything was stopped: %v", told)
	}
	var all sync.WaitGroup
	for i := range things {
		all.Go(func() { outage(i, 15*time.Second) })
	}
	all.Wait()
	time.Sleep(time.Minute)
	if n := count(); n > 0 {
		t.Errorf("of %d restarts of 15 s were told: %v", len(things), told)
	}
	mu.Lock()
	clear(told)
	mu.Unlock()
	for i := 60; i < 80; i++ { // ten processes and ten ports
		all.Go(func() { outage(i, time.Minute) })
	}
	all.Wait()
	until(t, "the ends are told", func() bool { return count() >= 40 })
	r.stop(t)
	for what, n := range told {
		if n != 1 {
			t.Errorf("%s was told %d times", what, n)
		}
	}
	if len(told) != 40 {
		t.Errorf("of 20 outages of a minute were told: %v", told)
	}
}
