package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/words"
)

func TestPresenceNeedsAProgram(t *testing.T) {
	for name, c := range map[string]struct {
		dirs, files   []string
		value, origin string
	}{
		"nothing":         {},
		"agent":           {dirs: []string{"opt/ds_agent"}, files: []string{"opt/ds_agent/ds_agent"}, value: "agent", origin: "installed (ROOT/opt/ds_agent/ds_agent)"},
		"manager":         {dirs: []string{"opt/dsm/jre/bin"}, files: []string{"opt/dsm/jre/bin/java"}, value: "manager", origin: "installed (ROOT/opt/dsm/jre/bin/java)"},
		"both":            {dirs: []string{"opt/dsm/jre/bin", "opt/ds_agent"}, files: []string{"opt/ds_agent/ds_agent", "opt/dsm/jre/bin/java"}, value: "agent,manager", origin: "installed (ROOT/opt/ds_agent/ds_agent), installed (ROOT/opt/dsm/jre/bin/java)"},
		"a folder left":   {dirs: []string{"opt/ds_agent/lib", "opt/dsm"}},
		"no program":      {dirs: []string{"opt/ds_agent/ds_agent"}},
		"something else":  {dirs: []string{"opt/ds_agent2", "usr/opt/dsm"}},
		"a file, no more": {dirs: []string{"opt"}, files: []string{"opt/ds_agent"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, d := range c.dirs {
				if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.files {
				if err := os.WriteFile(filepath.Join(root, f), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := NewPresence("h", root, nil).Facts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v, ok := got.Get(event.Components)
			if ok != (c.value != "") || v.Value != c.value || v.Origin != strings.ReplaceAll(c.origin, "ROOT", root) {
				t.Errorf("%+v, want %q from %q", v, c.value, c.origin)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// agentDeb builds a package with the agent's main program.
func agentDeb(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ds-agent")
	write(t, filepath.Join(dir, "opt/ds_agent/ds_agent"), "#!/bin/sh\n")
	write(t, filepath.Join(dir, "opt/ds_agent/lib/x.so"), version)
	write(t, filepath.Join(dir, "etc/ds_agent.conf"), version)
	write(t, filepath.Join(dir, "DEBIAN/conffiles"), "/etc/ds_agent.conf\n")
	write(t, filepath.Join(dir, "DEBIAN/control"), "Package: ds-agent\nVersion: "+version+"\nArchitecture: all\nMaintainer: none <none@example.com>\nDescription: none\n")
	must(t, "dpkg-deb", "--root-owner-group", "--build", dir, dir+".deb")
	return dir + ".deb"
}

// A host with a real dpkg: every step of installation, upgrade, removal, and
// what somebody does who wipes it.
func TestPresenceByDpkg(t *testing.T) {
	host := func(t *testing.T) (root string, dpkg func(args ...string)) {
		root = t.TempDir()
		admin := filepath.Join(root, "var/lib/dpkg")
		write(t, filepath.Join(admin, "status"), "")
		for _, dir := range []string{"info", "updates", "triggers"} {
			if err := os.MkdirAll(filepath.Join(admin, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(filepath.Join(root, "var/log"), 0o755); err != nil {
			t.Fatal(err)
		}
		return root, func(args ...string) {
			t.Helper()
			must(t, "dpkg", append([]string{"--root", root, "--force-not-root", "--force-bad-path", "--force-script-chrootless", "--log", filepath.Join(root, dpkgLog)}, args...)...)
		}
	}
	want := func(t *testing.T, p *Presence, state event.State, has bool, say string) event.Facts {
		t.Helper()
		o, f := glimpse(t, p)
		if got, _ := f.Has(event.Agent); o.State != state || got != has || !strings.Contains(words.English(o.Detail), say) {
			t.Fatalf("%s (%s), %v; want %s, an agent: %v, %q", o.State, words.English(o.Detail), f, state, has, say)
		}
		return f
	}
	t.Run("upgrades and a removal", func(t *testing.T) {
		root, dpkg := host(t)
		p := NewPresence("h", root, nil)
		want(t, p, event.Down, false, "not installed")
		dpkg("-i", buildDeb(t, "other", "1"))
		for _, version := range []string{"20.0.0-7119", "20.0.2-1390"} {
			deb := agentDeb(t, version)
			dpkg("--unpack", deb)
			want(t, p, event.Up, true, "dpkg has its package")
			dpkg("--configure", "ds-agent")
			want(t, p, event.Up, true, "dpkg has its package")
		}
		before := time.Now().Add(-2 * time.Second)
		dpkg("-r", "ds-agent")
		write(t, filepath.Join(root, "opt/ds_agent/lib/left.over"), "")
		f := want(t, p, event.Down, false, "removed by dpkg")
		if r := f[event.RemovedAgent]; r.Value != "dpkg" || r.At.Before(before) || r.At.After(time.Now().Add(time.Second)) {
			t.Errorf("the removal is told as %+v", r)
		}
		want(t, NewPresence("h", root, f), event.Down, false, "removed by dpkg") // after a restart
		dpkg("--purge", "ds-agent")
		want(t, p, event.Down, false, "not installed")
	})
	t.Run("purged while dswatch was stopped", func(t *testing.T) {
		root, dpkg := host(t)
		dpkg("-i", buildDeb(t, "other", "1"), agentDeb(t, "20.0.0-7119"))
		f := want(t, NewPresence("h", root, nil), event.Up, true, "")
		dpkg("--purge", "ds-agent")
		f = want(t, NewPresence("h", root, f), event.Down, false, "removed by dpkg")
		if f[event.RemovedAgent].Value != "dpkg" {
			t.Errorf("%v", f)
		}
	})
	t.Run("wiped", func(t *testing.T) {
		root, dpkg := host(t)
		dpkg("-i", buildDeb(t, "other", "1"), agentDeb(t, "20.0.0-7119"))
		p := NewPresence("h", root, nil)
		want(t, p, event.Up, true, "")
		if err := os.RemoveAll(filepath.Join(root, "opt")); err != nil { // or not mounted
			t.Fatal(err)
		}
		f := want(t, p, event.Down, true, "dpkg has its package as installed, but "+root+"/opt/ds_agent/ds_agent is gone")
		want(t, NewPresence("h", root, f), event.Down, true, "is gone")
		want(t, NewPresence("h", root, nil), event.Down, true, "is gone") // without any memory: the package alone
		if err := os.RemoveAll(filepath.Join(root, "var/lib/dpkg")); err != nil {
			t.Fatal(err)
		}
		want(t, NewPresence("h", root, f), event.Down, true, "nothing has recorded its removal")
		write(t, filepath.Join(root, "var/lib/dpkg/status"), "")
		want(t, NewPresence("h", root, f), event.Down, true, "nothing has recorded its removal")
	})
	t.Run("wiped in the middle of an upgrade", func(t *testing.T) {
		root, dpkg := host(t)
		dpkg("-i", buildDeb(t, "other", "1"), agentDeb(t, "20.0.0-7119"))
		p := NewPresence("h", root, nil)
		want(t, p, event.Up, true, "")
		dpkg("--unpack", agentDeb(t, "20.0.2-1390"))
		if err := os.RemoveAll(filepath.Join(root, "opt/ds_agent")); err != nil {
			t.Fatal(err)
		}
		want(t, p, event.Down, true, "is gone")
	})
}

func TestPresenceByRPM(t *testing.T) {
	root := t.TempDir()
	db := filepath.Join(root, "var/lib/rpm")
	rpm := func(args ...string) {
		t.Helper()
		must(t, "rpm", append([]string{"--dbpath", db}, args...)...)
	}
	program := filepath.Join(root, "opt/ds_agent/ds_agent")
	p := NewPresence("h", root, nil)
	want := func(state event.State, has bool) event.Facts {
		t.Helper()
		o, f := glimpse(t, p)
		if got, _ := f.Has(event.Agent); o.State != state || got != has {
			t.Fatalf("%s (%s), %v; want %s, an agent: %v", o.State, words.English(o.Detail), f, state, has)
		}
		return f
	}
	rpm("--initdb")
	want(event.Down, false)
	write(t, program, "")
	rpm("-i", "--justdb", "--nodeps", "--nosignature", buildRPM(t, "ds_agent", "20.0.0", "8438.el8"))
	want(event.Up, true)
	rpm("-U", "--justdb", "--nodeps", "--nosignature", buildRPM(t, "ds_agent", "20.0.2", "1390.el8"))
	want(event.Up, true)
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	want(event.Down, true)
	write(t, program, "")
	rpm("-e", "--justdb", "ds_agent")
	f := want(event.Down, false)
	if f[event.RemovedAgent].Value != "rpm" {
		t.Errorf("%v", f)
	}
	p = NewPresence("h", root, f) // the program was left over, also for the next start
	want(event.Down, false)
	time.Sleep(20 * time.Millisecond)
	write(t, program+".new", "")
	if err := os.Rename(program+".new", program); err != nil { // somebody puts one there by hand
		t.Fatal(err)
	}
	want(event.Up, true)
}

// TestProgramsWakeTheDiscovery: a component that comes or goes without its
// package changes the stamp.
func TestProgramsWakeTheDiscovery(t *testing.T) {
	root := t.TempDir()
	before := Stamp(root)
	for _, p := range programsOf {
		path := filepath.Join(root, p.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
			t.Fatal(err)
		}
		there := Stamp(root)
		if there == before {
			t.Errorf("%s came and the stamp is the same", p.path)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		before = Stamp(root)
		if before == there {
			t.Errorf("%s is gone and the stamp is the same", p.path)
		}
	}
}
