package facts

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
)

// script writes a stand-in for dsa_query. It answers the questions that were
// captured, as they were captured, and counts how often it was asked.
func script(t *testing.T, status, components string) (path string, asked func() int) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "dsa_query")
	body := fmt.Sprintf(`#!/bin/sh
echo x >>%[1]s/asked
[ $# = 2 ] && [ "$1" = -c ] || { echo "usage: dsa_query -c COMMAND" >&2; exit 2; }
case $2 in
GetAgentStatus) %[2]s;;
GetComponentInfo) %[3]s;;
*) echo "unknown command" >&2; exit 2;;
esac
`, dir, status, components)
	if err := os.WriteFile(path, []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, func() int {
		b, _ := os.ReadFile(filepath.Join(dir, "asked"))
		return bytes.Count(b, []byte("x"))
	}
}

func say(text string) string { return "cat <<'END'\n" + text + "END\n" }

// agent is what a test says of the agent.
type agent struct {
	up      bool
	changes uint64
}

func (a *agent) Up() bool        { return a.up }
func (a *agent) Changes() uint64 { return a.changes }

func newQuery(path string, up bool) *Query {
	q := NewQuery(&agent{up: up})
	q.path, q.timeout = func() string { return path }, 5*time.Second
	return q
}

var all = facts("edition", "deep_security", "features.anti_malware", "on", "features.web_reputation", "off",
	"features.firewall", "off", "features.intrusion_prevention", "on")

func TestQuery(t *testing.T) {
	const refused = `echo "The self-protection password is required (-p)." >&2; exit 1`
	for name, c := range map[string]struct {
		status, components string
		mode               os.FileMode
		timeout            time.Duration
		want               event.Facts
		reason             []string // empty: none
	}{
		"as captured":                     {status: say(agentStatus), components: say(componentInfo), want: all},
		"password demanded":               {status: refused, components: refused, reason: []string{"self-protection", "watch.facts"}},
		"password demanded with status 0": {status: `echo "Enter password:"; read p`, components: `echo "Enter password:"; read p; echo "wrong password"`, reason: []string{"self-protection"}},
		"one is refused": {status: refused, components: say(componentInfo), want: facts("features.anti_malware", "on", "features.web_reputation", "off", "features.firewall", "off", "features.intrusion_prevention", "on"),
			reason: []string{"GetAgentStatus", "self-protection"}},
		"not root":            {status: "echo 'permission denied' >&2; exit 13", components: "echo 'permission denied' >&2; exit 13", reason: []string{"exit status 13", "permission denied", "as root"}},
		"garbage":             {status: `head -c 5000 /dev/urandom`, components: `printf '\033[2J\000\377'`, reason: []string{"GetAgentStatus", "GetComponentInfo", "something else"}},
		"nothing":             {status: ":", components: ":", reason: []string{"it answered nothing"}},
		"only the index":      {status: say("AgentStatus.14: dsmUrl\n"), components: say(componentInfo), want: facts("features.anti_malware", "on", "features.web_reputation", "off", "features.firewall", "off", "features.intrusion_prevention", "on"), reason: []string{"GetAgentStatus", "something else"}},
		"one bad mode":        {status: say(agentStatus), components: say("Component.AM.mode: purple\nComponent.WRS.mode: on\n"), want: facts("edition", "deep_security", "features.web_reputation", "on"), reason: []string{"AM.mode", "purple"}},
		"half, then an error": {status: say(agentStatus), components: say(componentInfo) + "exit 1", want: facts("edition", "deep_security"), reason: []string{"exit status 1"}},
		"slow":                {status: "sleep 60", components: say(componentInfo), timeout: 300 * time.Millisecond, want: facts("features.anti_malware", "on", "features.web_reputation", "off", "features.firewall", "off", "features.intrusion_prevention", "on"), reason: []string{"no answer within 300ms"}},
		"2 GB":                {status: "exec head -c 2147483648 /dev/zero", components: "yes 'Component.AM.mode: on' | head -c 2147483648", reason: []string{"GetAgentStatus", "GetComponentInfo", "more than 1048576 bytes"}},
		"written by others":   {status: say(agentStatus), components: say(componentInfo), mode: 0o777, reason: []string{"it is not run: everybody may write ", "chmod o-w "}},
		"not executable":      {status: say(agentStatus), components: say(componentInfo), mode: 0o644, reason: []string{"permission denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := script(t, c.status, c.components)
			if c.mode != 0 {
				if err := os.Chmod(path, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			q := newQuery(path, true)
			if c.timeout != 0 {
				q.timeout = c.timeout
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got, err := q.Facts(t.Context())
			runtime.ReadMemStats(&after)
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("took %s", took)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
				t.Errorf("allocated %d bytes", grown)
			}
			if !got.Equal(c.want) || got.Validate() != nil || (err != nil) != (len(c.reason) > 0) {
				t.Fatalf("%v, %v; want %v", got, err, c.want)
			}
			for n, f := range got {
				if !strings.HasPrefix(f.Origin, "dsa_query (") || f.At.Before(start) {
					t.Errorf("%s is %+v", n, f)
				}
			}
			for _, part := range c.reason {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\x00") {
				t.Errorf("%q", err)
			}
			found, ferr := Discover(t.Context(), tells{facts("os", "linux"), nil}, q)
			if v, _ := found.Get(event.OS); v.Value != "linux" || (ferr != nil) != (err != nil) {
				t.Errorf("another source's facts became %v, %v", found, ferr)
			}
		})
	}
	t.Run("no such program", func(t *testing.T) {
		if f, err := newQuery(filepath.Join(t.TempDir(), "dsa_query"), true).Facts(t.Context()); err != nil || len(f) != 0 {
			t.Errorf("%v, %v", f, err)
		}
	})
	t.Run("agent down", func(t *testing.T) {
		path, asked := script(t, say(agentStatus), say(componentInfo))
		if f, err := newQuery(path, false).Facts(t.Context()); err != nil || len(f) != 0 || asked() != 0 {
			t.Errorf("%v, %v, asked %d times", f, err, asked())
		}
	})
}

// Everything the program started must be gone after the timeout, also what
// holds its output open.
func TestQueryLeavesNothingBehind(t *testing.T) {
	for name, status := range map[string]string{
		"child of a slow one":   "sleep 300 & echo $! >%s; wait",
		"left behind on return": "sleep 300 & echo $! >%s; exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			path, _ := script(t, fmt.Sprintf(status, pidFile), say(componentInfo))
			q := newQuery(path, true)
			q.timeout = 500 * time.Millisecond
			if _, err := q.Facts(t.Context()); err == nil {
				t.Error("no reason")
			}
			b, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				if err != nil || strings.Contains(string(stat), ") Z ") { // a zombie is its new parent's to collect
					return
				}
				if time.Now().After(end) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatal("it still runs")
				}
			}
		})
	}
}

// How often the agent is asked, on a clock that runs as fast as we like: the
// program is not there, so nothing but the question whether to ask happens.
func TestQueryIsRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		a := &agent{up: true}
		q := NewQuery(a)
		q.path = func() string { asked.Add(1); return "" }
		told := func() int32 {
			asked.Store(0)
			if _, err := q.Facts(t.Context()); err != nil {
				t.Fatal(err)
			}
			return asked.Load()
		}
		for i, step := range []struct {
			after time.Duration
			up    bool
			want  int32
		}{
			{0, false, 0}, {time.Hour, true, 1}, {0, true, 0}, {4 * time.Minute, true, 0}, {time.Minute, true, 1}, // every five minutes
			{2 * time.Minute, false, 0}, {time.Second, true, 1}, // after a restart at once
			{time.Second, false, 0}, {time.Second, true, 0}, // but not at each of many
		} {
			time.Sleep(step.after)
			a.up = step.up
			if got := told(); got != step.want {
				t.Errorf("step %d: asked %d times, want %d", i, got, step.want)
			}
		}
	})
}

// TestQueryAfterAChange: what came or went may be a feature that was switched,
// so the agent is asked well before the hold ends, but not all the time.
func TestQueryAfterAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked int
		a := &agent{up: true}
		q := NewQuery(a)
		q.path = func() string { asked++; return "" }
		look := func(after time.Duration) {
			time.Sleep(after)
			if q.Due() {
				_, _ = q.Facts(t.Context())
			}
		}
		_, _ = q.Facts(t.Context())
		for i, step := range []struct {
			after   time.Duration
			changes uint64
			want    int
		}{
			{time.Second, 0, 1}, {time.Second, 1, 1}, {3 * time.Second, 1, 2}, // five seconds after the last
			{time.Minute, 1, 2}, {0, 2, 3}, {5 * time.Second, 3, 3}, {15 * time.Second, 3, 4}, // it told nothing new: longer
		} {
			a.changes = step.changes
			if look(step.after); asked != step.want {
				t.Errorf("step %d: asked %d times, want %d", i, asked, step.want)
			}
		}
		for range 1000 {
			a.changes++
			look(time.Second)
		}
		if asked > 12 {
			t.Errorf("an item that flaps for 1000 s made it ask %d times", asked)
		}
		a.up = false
		a.changes++
		if look(time.Hour); q.Due() {
			t.Error("asks an agent that is down")
		}
	})
}

// TestQueryOfAnotherProgram: a dsa_query that was replaced is asked as soon as
// that is seen, not when its last answer is five minutes old.
func TestQueryOfAnotherProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked int
		program := "one"
		q := NewQuery(&agent{up: true})
		q.path, q.program = func() string { asked++; return "" }, func() string { return program }
		_, _ = q.Facts(t.Context())
		if time.Sleep(time.Minute); q.Due() {
			t.Error("asks the same one again")
		}
		program = "two"
		if !q.Due() {
			t.Fatal("another one is not asked")
		}
		if _, _ = q.Facts(t.Context()); asked != 2 || q.Due() {
			t.Errorf("asked %d times, due again: %v", asked, q.Due())
		}
	})
}

func TestQueryKeepsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQuery(&agent{})
		q.known = facts("edition", "deep_security")
		q.known[event.Edition] = event.Fact{Value: event.DeepSecurity, At: time.Now()}
		time.Sleep(queryKeep)
		if f, _ := q.Facts(t.Context()); len(f) != 1 {
			t.Errorf("after a day: %v", f)
		}
		time.Sleep(time.Second)
		if f, _ := q.Facts(t.Context()); len(f) != 0 {
			t.Errorf("after more than a day: %v", f)
		}
	})
}
