package service

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"dswatch/event"
	"dswatch/test/wine/double"
	"dswatch/words"
)

func TestMain(m *testing.M) {
	double.Play()
	os.Exit(m.Run())
}

// look returns what the detector makes of one service.
func look(t *testing.T, names ...string) event.Observation {
	t.Helper()
	d, err := New([]Target{target(names...)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := got[0].Validate(); err != nil {
		t.Error(err)
	}
	return got[0]
}

func want(t *testing.T, name string, state event.State, say string) {
	t.Helper()
	if o := look(t, name); o.State != state || words.English(o.Detail) != name+" "+say {
		t.Errorf("%s, %q; want %s, %q", o.State, words.English(o.Detail), state, name+" "+say)
	}
}

// TestStates takes a real service through every state that there is.
func TestStates(t *testing.T) {
	const name = "ds_agent"
	want(t, name, event.Down, "is not installed")
	s := double.NewService(t, name, "")
	want(t, name, event.Down, "is stopped; not started since the host came up")

	s.Begin("start-pending")
	s.Await(svc.StartPending)
	want(t, name, event.Down, "is starting (START_PENDING)")
	for _, c := range []struct {
		order string
		state svc.State
		is    event.State
		say   string
	}{
		{"running", svc.Running, event.Up, "is running (pid %d)"},
		{"pause-pending", svc.PausePending, event.Down, "is pausing (PAUSE_PENDING)"},
		{"paused", svc.Paused, event.Down, "is paused (PAUSED)"},
		{"continue-pending", svc.ContinuePending, event.Down, "is resuming (CONTINUE_PENDING)"},
		{"stop-pending", svc.StopPending, event.Down, "is stopping (STOP_PENDING)"},
		{"running", svc.Running, event.Up, "is running (pid %d)"},
	} {
		s.Order(c.order)
		st := s.Await(c.state)
		say := c.say
		if strings.Contains(say, "%d") {
			say = fmt.Sprintf(say, st.ProcessId)
		}
		want(t, name, c.is, say)
	}

	if _, err := s.Control(svc.Stop); err != nil {
		t.Fatal(err)
	}
	s.Await(svc.Stopped)
	want(t, name, event.Down, "is stopped; exit code 0")

	for _, c := range []struct{ order, say string }{
		{"exit 31", "is stopped; exit code 31"},
		{"specific 42", "is stopped; service-specific exit code 42"},
	} {
		s.Begin("running")
		s.Await(svc.Running)
		s.Order(c.order)
		s.Await(svc.Stopped)
		want(t, name, event.Down, c.say)
	}

	s.Begin("running")
	p, err := os.FindProcess(int(s.Await(svc.Running).ProcessId))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	s.Await(svc.Stopped)
	want(t, name, event.Down, "is stopped; exit code 1067: its process ended unexpectedly")
}

func TestDisabled(t *testing.T) {
	const name = "ds_monitor"
	s := double.NewService(t, name, "")
	s.Begin("running")
	pid := s.Await(svc.Running).ProcessId
	disable(t, s)
	want(t, name, event.Up, fmt.Sprintf("is running (pid %d); it is disabled and cannot be started again", pid))
	if _, err := s.Control(svc.Stop); err != nil {
		t.Fatal(err)
	}
	s.Await(svc.Stopped)
	want(t, name, event.Down, "is stopped; it is disabled; exit code 0")
}

func disable(t *testing.T, s *double.Service) { t.Helper(); begins(t, s, windows.SERVICE_DISABLED) }

func begins(t *testing.T, s *double.Service, how uint32) {
	t.Helper()
	// mgr.Service.UpdateConfig sets optional things too, which Wine refuses.
	const keep = windows.SERVICE_NO_CHANGE
	if err := windows.ChangeServiceConfig(s.Handle, keep, how, keep, nil, nil, nil, nil, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// TestDisplayNames: what the list of services shows is told, and is as good a
// name as the other, in any script.
func TestDisplayNames(t *testing.T) {
	const display = "Trend Micro ディープ セキュリティ エージェント 😀"
	s := double.NewService(t, "ds_notifier", display)
	s.Begin("running")
	pid := s.Await(svc.Running).ProcessId
	for _, name := range []string{"ds_notifier", "DS_Notifier", display} {
		o := look(t, name)
		say := fmt.Sprintf("%s is running (pid %d); listed as %s", name, pid, display)
		if o.State != event.Up || words.English(o.Detail) != say {
			t.Errorf("%s: %s, %q; want up, %q", name, o.State, words.English(o.Detail), say)
		}
	}
	want(t, "ディープ", event.Down, "is not installed")
}

// TestJapaneseName: the name itself may be Japanese too.
func TestJapaneseName(t *testing.T) {
	const name = "監視サービス"
	s := double.NewService(t, name, "")
	s.Begin("running")
	want(t, name, event.Up, fmt.Sprintf("is running (pid %d)", s.Await(svc.Running).ProcessId))
}

// TestDriverIsNoService: the manager keeps both in one list.
func TestDriverIsNoService(t *testing.T) {
	s := double.NewDriver(t, "tbimdsa")
	s.Begin("")
	s.Await(svc.Running)
	want(t, "tbimdsa", event.Down, "is the name of a driver and not of a service")
}

// TestAgainstSC compares with the system's own command.
func TestAgainstSC(t *testing.T) {
	s := double.NewService(t, "Amsp", "")
	s.Begin("running")
	s.Await(svc.Running)
	for _, c := range []struct {
		state string
		is    event.State
	}{{"RUNNING", event.Up}, {"STOPPED", event.Down}} {
		if c.state == "STOPPED" {
			if _, err := s.Control(svc.Stop); err != nil {
				t.Fatal(err)
			}
			s.Await(svc.Stopped)
		}
		out, err := exec.CommandContext(t.Context(), "sc.exe", "query", "Amsp").Output()
		if err != nil || !strings.Contains(string(out), c.state) {
			t.Fatalf("sc.exe query says %q, %v; want %s", out, err, c.state)
		}
		if o := look(t, "Amsp"); o.State != c.is {
			t.Errorf("sc.exe query says %s, dswatch %s (%s)", c.state, o.State, words.English(o.Detail))
		}
	}
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", "a\x00b", strings.Repeat("x", 257), strings.Repeat("😀", 129)} {
		if _, err := New([]Target{target(bad)}); err == nil || !strings.Contains(err.Error(), "sc.exe query") {
			t.Errorf("%q: error %v, want one with a next step", bad, err)
		}
	}
	// Only a display name can have these; asking is no error.
	for _, odd := range []string{"a/b", `a\b`, " ", strings.Repeat("x", 256)} {
		if o := look(t, odd); o.State != event.Down || !strings.HasSuffix(words.English(o.Detail), "is not installed") {
			t.Errorf("%q: %s, %q; want down", odd, o.State, words.English(o.Detail))
		}
	}
}

func TestCancelled(t *testing.T) {
	d, err := New([]Target{target("ds_agent")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o, err := d.Detect(ctx); err == nil {
		t.Errorf("%v; want an error", o)
	}
}

// TestStarts: how a real service begins with the host.
func TestStarts(t *testing.T) {
	const name = "ds_agent"
	starts := NewStarts()
	defer starts.Close()
	is := func(want string) {
		t.Helper()
		got, err := starts.Read(t.Context(), []string{name, "nosuch"})
		if err != nil || got[name] != want || got["nosuch"] != Gone {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
	is(Gone)
	s := double.NewService(t, name, "")
	is("manual")
	for _, c := range []struct {
		start uint32
		want  string
	}{{mgr.StartAutomatic, "automatic"}, {mgr.StartDisabled, "disabled"}, {mgr.StartManual, "manual"}} {
		begins(t, s, c.start)
		is(c.want)
	}
	s.Remove()
	is(Gone)
}
