package facts

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
)

func facts(pairs ...string) event.Facts {
	f := event.Facts{}
	for i := 0; i < len(pairs); i += 2 {
		f[event.Name(pairs[i])] = event.Fact{Value: pairs[i+1], Origin: "test"}
	}
	return f
}

func TestKernel(t *testing.T) {
	f, err := Kernel{}.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	if v, _ := f.Get(event.OS); v.Value != runtime.GOOS || v.Origin != "kernel" || time.Since(v.At) > time.Minute {
		t.Errorf("os is %+v", v)
	}
	if runtime.GOOS != "linux" {
		return
	}
	out, err := exec.Command("uname", "-r").Output()
	if err != nil {
		t.Fatalf("%v; install coreutils", err)
	}
	if v, _ := f.Get(event.KernelVersion); v.Value != strings.TrimSpace(string(out)) || v.Origin != "kernel" || v.At.IsZero() {
		t.Errorf("kernel is %+v, uname -r says %s", v, out)
	}
}

// tells is a source that knows what it is told.
type tells struct {
	facts event.Facts
	err   error
}

func (s tells) Facts(context.Context) (event.Facts, error) { return s.facts, s.err }

func TestDiscover(t *testing.T) {
	broken := errors.New("the package database is locked; try again")
	got, err := Discover(t.Context(),
		tells{facts("os", "linux", "components", "agent", "edition", "deep_security"), nil},
		tells{facts("kernel_version", "6.1.0"), broken},
		tells{facts("components", "manager", "edition", "workload_security"), nil})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if want := facts("os", "linux", "kernel_version", "6.1.0", "components", "agent,manager", "edition", "workload_security"); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, err := Discover(t.Context()); err != nil || got == nil || len(got) != 0 {
		t.Errorf("no source gives %v, %v", got, err)
	}
	if got, err := Discover(t.Context(), Sources()...); err != nil || got.Validate() != nil {
		t.Errorf("this host gives %v, %v", got, err)
	}
}

func TestContradictions(t *testing.T) {
	for name, c := range map[string]struct {
		declared, discovered event.Facts
		about                []event.Name
	}{
		"nothing known":              {nil, nil, nil},
		"only declared":              {facts("relay", "on"), nil, nil},
		"only discovered":            {nil, facts("relay", "on"), nil},
		"agree":                      {facts("relay", "on", "os", "linux"), facts("relay", "on", "os", "linux"), nil},
		"disagree":                   {facts("relay", "on", "os", "windows"), facts("relay", "off", "os", "linux"), []event.Name{event.OS, event.Relay}},
		"the same version otherwise": {facts("agent_version", "20.0.0.7119"), facts("agent_version", "20.0.0-7119.el8"), nil},
		"a version less exact":       {facts("kernel_version", "5.14"), facts("kernel_version", "5.14.0-362.el9"), nil},
		"another version":            {facts("kernel_version", "5.1"), facts("kernel_version", "5.14.0-362.el9"), []event.Name{event.KernelVersion}},
		"a version more exact":       {facts("agent_version", "20.0.0.7119"), facts("agent_version", "20.0.0"), []event.Name{event.AgentVersion}},
		"not a version":              {facts("agent_version", "latest"), facts("agent_version", "20.0.0"), []event.Name{event.AgentVersion}},
		"components in any order":    {facts("components", "manager,agent"), facts("components", "agent,manager"), nil},
		"one component more":         {facts("components", "agent"), facts("components", "agent,manager"), []event.Name{event.Components}},
		"one component less":         {facts("components", "agent,manager"), facts("components", "agent"), []event.Name{event.Components}},
		"an appliance as well":       {facts("components", "agent,appliance"), facts("components", "agent"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Contradictions(c.declared, c.discovered)
			if len(got) != len(c.about) {
				t.Fatalf("%q, want %d about %v", got, len(c.about), c.about)
			}
			for i, n := range c.about {
				for _, part := range []string{string(n), c.declared[n].Value, c.discovered[n].Value, "(test)", "in watch.facts"} {
					if !strings.Contains(got[i], part) {
						t.Errorf("%q does not say %q", got[i], part)
					}
				}
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for in, want := range map[string][]uint64{
		"20.0.0.7119": {20, 0, 0, 7119}, "20.0.2-1390.el8": {20, 0, 2, 1390}, "4.5.0-rc1": {4, 5, 0}, "5.14.0-362.el9": {5, 14, 0, 362},
		"6.1.0+b2": {6, 1, 0}, "": nil, "x.1": nil, "99999999999999999999.1": nil,
	} {
		if got := numbers(in); !slices.Equal(got, want) {
			t.Errorf("%q has %v, want %v", in, got, want)
		}
	}
}

func FuzzContradictions(f *testing.F) {
	f.Add("20.0.0.7119", "20.0.0-7119.el8")
	f.Add("agent,,manager", ",")
	f.Add("-.-", "0xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, n := range event.Names() {
			before := facts(string(n), a)
			got := Contradictions(before, facts(string(n), b))
			if len(got) > 1 || !maps.Equal(before, facts(string(n), a)) {
				t.Errorf("%q against %q: %q", a, b, got)
			}
			if a == b && len(got) > 0 && len(numbers(a)) > 0 {
				t.Errorf("%s contradicts itself: %q", n, got)
			}
		}
	})
}
