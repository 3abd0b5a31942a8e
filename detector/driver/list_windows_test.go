package driver

import (
	"context"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/windows/svc"

	"dswatch/event"
	"dswatch/test/wine/double"
	"dswatch/words"
)

func TestMain(m *testing.M) {
	double.Play()
	os.Exit(m.Run())
}

func want(t *testing.T, name string, state event.State, say string) {
	t.Helper()
	d, err := New([]Target{target(name)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o := got[0]; o.State != state || words.English(o.Detail) != name+" "+say || o.Validate() != nil {
		t.Errorf("%s, %q; want %s, %q", o.State, words.English(o.Detail), state, name+" "+say)
	}
}

// TestLoadedAndUnloaded loads and unloads a real kernel driver.
func TestLoadedAndUnloaded(t *testing.T) {
	const name = "tbimdsa"
	want(t, name, event.Down, "is not installed")
	s := double.NewDriver(t, name)
	want(t, name, event.Down, "is stopped; not started since the host came up")
	for range 2 {
		s.Begin("")
		s.Await(svc.Running)
		want(t, name, event.Up, "is running")
		want(t, "TBIMDSA", event.Up, "is running")
		if _, err := s.Control(svc.Stop); err != nil {
			t.Fatal(err)
		}
		s.Await(svc.Stopped)
		want(t, name, event.Down, "is stopped; exit code 0")
	}
}

// TestDashIsNoUnderscore: that they are the same is Linux' own.
func TestDashIsNoUnderscore(t *testing.T) {
	s := double.NewDriver(t, "dsa_filter")
	s.Begin("")
	s.Await(svc.Running)
	want(t, "dsa_filter", event.Up, "is running")
	want(t, "dsa-filter", event.Down, "is not installed")
}

// TestServiceIsNoDriver: the manager keeps both in one list.
func TestServiceIsNoDriver(t *testing.T) {
	s := double.NewService(t, "tbimdsa", "")
	s.Begin("running")
	s.Await(svc.Running)
	want(t, "tbimdsa", event.Down, "is the name of a service and not of a driver")
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", "a\x00b", strings.Repeat("x", 257)} {
		if _, err := New([]Target{target(bad)}); err == nil || !strings.Contains(err.Error(), "sc.exe query") {
			t.Errorf("%q: error %v, want one with a next step", bad, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	d, err := New([]Target{target("tbimdsa")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o, err := d.Detect(ctx); err == nil {
		t.Errorf("%v; want an error", o)
	}
}
