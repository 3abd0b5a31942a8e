package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/wine/double"
	"dswatch/words"
)

func TestMain(m *testing.M) {
	double.Play()
	os.Exit(m.Run())
}

func looker(t *testing.T, target Target) func() event.Observation {
	t.Helper()
	target.Key = key("dsa.exe")
	d, err := New([]Target{target})
	if err != nil {
		t.Fatal(err)
	}
	return func() event.Observation {
		t.Helper()
		got, err := d.Detect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := got[0].Validate(); err != nil {
			t.Error(err)
		}
		return got[0]
	}
}

func pid(c *exec.Cmd) string { return fmt.Sprintf("pid %d (", c.Process.Pid) }

// TestFoundAndLost starts and kills real processes under the agent's name.
func TestFoundAndLost(t *testing.T) {
	for name, names := range map[string][]string{
		"as it is":        {"dsa.exe"},
		"in another case": {"DSA.exe"},
		"as an alias":     {"ds_agent.exe", "dsa.exe"},
	} {
		t.Run(name, func(t *testing.T) {
			look := looker(t, Target{Names: names, Want: 2})
			if o := look(); o.State != event.Down || words.English(o.Detail) != "no process is named "+strings.Join(names, " or ") {
				t.Fatalf("before: %s, %q", o.State, words.English(o.Detail))
			}
			a := double.Program(t, filepath.Join(t.TempDir(), "dsa.exe"))
			if o := look(); o.State != event.Degraded || o.Found != 1 || !strings.Contains(words.English(o.Detail), pid(a)) {
				t.Errorf("one of two: %+v", o)
			}
			b := double.Program(t, filepath.Join(t.TempDir(), "Dsa.EXE"))
			o := look()
			if o.State != event.Up || o.Found != 2 || !strings.Contains(words.English(o.Detail), pid(a)) || !strings.Contains(words.English(o.Detail), pid(b)) {
				t.Errorf("both: %+v", o)
			}
			double.End(a)
			if o := look(); o.State != event.Degraded || strings.Contains(words.English(o.Detail), pid(a)) {
				t.Errorf("one killed: %+v", o)
			}
			double.End(b)
			if o := look(); o.State != event.Down || o.Found != 0 {
				t.Errorf("both killed: %+v", o)
			}
		})
	}
}

// TestStartIsTold: the time and the parent come from Windows.
func TestStartIsTold(t *testing.T) {
	before := time.Now().Add(-time.Second).UTC().Truncate(time.Second)
	c := double.Program(t, filepath.Join(t.TempDir(), "dsa.exe"))
	detail := words.English(looker(t, Target{Names: []string{"dsa.exe"}})().Detail)
	var p, parent int
	var since string
	if _, err := fmt.Sscanf(strings.TrimSuffix(detail, ")"), "pid %d (ppid %d, since %s", &p, &parent, &since); err != nil {
		t.Fatalf("%q: %v", detail, err)
	}
	at, err := time.Parse(time.RFC3339, since)
	if err != nil || p != c.Process.Pid || parent != os.Getpid() || at.Before(before) || at.After(time.Now()) {
		t.Errorf("%q; want pid %d, ppid %d, since about %s", detail, c.Process.Pid, os.Getpid(), before)
	}
}

// TestPath tells programs of one name apart by where they lie.
func TestPath(t *testing.T) {
	root := t.TempDir()
	ours := filepath.Join(root, "トレンドマイクロ", "Deep Security Agent", "relay", "nginx.exe")
	look := looker(t, Target{Exe: []string{"**/deep security agent/**/NGINX.exe"}})
	other := double.Program(t, filepath.Join(root, "nginx.exe"))
	if o := look(); o.State != event.Down || !strings.Contains(words.English(o.Detail), "1 of the name runs another executable") {
		t.Errorf("another nginx only: %s, %q", o.State, words.English(o.Detail))
	}
	c := double.Program(t, ours)
	if o := look(); o.State != event.Up || !strings.Contains(words.English(o.Detail), pid(c)) || strings.Contains(words.English(o.Detail), pid(other)) {
		t.Errorf("both: %s, %q", o.State, words.English(o.Detail))
	}
	for _, exe := range []string{ours, strings.ToUpper(ours), strings.ReplaceAll(ours, `\`, "/"), filepath.Join(filepath.Dir(ours), "*")} {
		if o := looker(t, Target{Exe: []string{exe}})(); o.State != event.Up || o.Found != 1 {
			t.Errorf("%s: %s, %q; want up", exe, o.State, words.English(o.Detail))
		}
	}
	double.End(c)
	if o := look(); o.State != event.Down {
		t.Errorf("killed: %s, %q", o.State, words.English(o.Detail))
	}
}

// TestProtected: a process that nobody may open is found by its name; by its
// path it is unknown, with what to do, and never down.
func TestProtected(t *testing.T) {
	c := double.Closed(t, filepath.Join(t.TempDir(), "nginx.exe"))
	if o := looker(t, Target{Names: []string{"nginx.exe"}})(); o.State != event.Up || !strings.Contains(words.English(o.Detail), pid(c)) {
		t.Errorf("by name: %s, %q; want up", o.State, words.English(o.Detail))
	}
	o := looker(t, Target{Exe: []string{"**/Deep Security Agent/**/nginx.exe"}})()
	if o.State != event.Unknown || !strings.Contains(words.English(o.Detail), fmt.Sprintf("pid %d cannot be read", c.Process.Pid)) || !strings.HasSuffix(words.English(o.Detail), words.English(grant())) {
		t.Errorf("by path: %s, %q; want unknown with a next step", o.State, words.English(o.Detail))
	}
}

// TestAgainstTasklist compares with the system's own command.
func TestAgainstTasklist(t *testing.T) {
	c := double.Program(t, filepath.Join(t.TempDir(), "coreServiceShell.exe"))
	look := looker(t, Target{Names: []string{"coreServiceShell.exe"}})
	listed := func() bool {
		out, err := exec.CommandContext(t.Context(), "tasklist.exe").Output()
		if err != nil || len(out) == 0 {
			t.Fatalf("tasklist: %q, %v", out, err)
		}
		return strings.Contains(string(out), "coreServiceShell.exe")
	}
	if o := look(); !listed() || o.State != event.Up {
		t.Errorf("while it runs: %s, %q", o.State, words.English(o.Detail))
	}
	double.End(c)
	if o := look(); listed() || o.State != event.Down {
		t.Errorf("after its end: %s, %q", o.State, words.English(o.Detail))
	}
}
