package facts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
)

// slow is a script of a package: it says that it has begun, and goes on when
// it may.
func slow(dir, name string) string {
	return fmt.Sprintf("touch %[1]s/%[2]s; while ! test -e %[1]s/go-%[2]s; do sleep 0.05; done\n", dir, name)
}

// begins starts an installation and waits until it is in the script of the
// name; what it returns lets it go on and waits for its end.
func begins(t *testing.T, dir, script string, cmd *exec.Cmd) (goOn func()) {
	t.Helper()
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH=/usr/local/sbin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; install the Debian packages rpm and dpkg", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, script)); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("%s ended before its script %s: %v\n%s", cmd.Path, script, err, said.String())
		default:
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			t.Fatalf("%s does not come to its script %s", cmd.Path, script)
		}
	}
	return func() {
		t.Helper()
		write(t, filepath.Join(dir, "go-"+script), "")
		if err := <-ended; err != nil {
			t.Fatalf("%s: %v\n%s", cmd.Path, err, said.String())
		}
	}
}

// TestDpkgAtWork holds dpkg where it has stopped the old agent, and where the
// files of the new one are there: its database still tells of the old one.
func TestDpkgAtWork(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	admin := filepath.Join(root, "var/lib/dpkg")
	for _, d := range []string{"info", "updates", "triggers"} {
		if err := os.MkdirAll(filepath.Join(admin, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(admin, "status"), "")
	args := []string{"--root", root, "--admindir", admin, "--force-not-root", "--force-bad-path", "--force-script-chrootless", "--log", filepath.Join(root, "log"), "-i"}
	must(t, "dpkg", append(args, buildDeb(t, "ds-agent", "20.0.0-7118"))...)
	want := func(when, version, installing string) {
		t.Helper()
		f, err := Dpkg{Root: root}.Facts(t.Context())
		if err != nil || f.Validate() != nil || f[event.AgentVersion].Value != version || f[event.Installing].Value != installing {
			t.Errorf("%s: %+v, %v; want version %q and installing %q", when, f, err, version, installing)
		}
	}
	want("before", "20.0.0-7118", "")
	before := Stamp(root)

	pkg := filepath.Join(t.TempDir(), "ds-agent")
	write(t, filepath.Join(pkg, "DEBIAN/control"), "Package: ds-agent\nVersion: 20.0.0-7119\nArchitecture: all\nMaintainer: none <none@example.com>\nDescription: none\n")
	for _, script := range []string{"preinst", "postinst"} {
		write(t, filepath.Join(pkg, "DEBIAN", script), "#!/bin/sh\n"+slow(dir, script))
		if err := os.Chmod(filepath.Join(pkg, "DEBIAN", script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "dpkg-deb", "--root-owner-group", "--build", pkg, pkg+".deb")
	goOn := begins(t, dir, "preinst", exec.CommandContext(t.Context(), "dpkg", append(args, pkg+".deb")...))
	if Stamp(root) == before {
		t.Error("the stamp did not change when the upgrade began")
	}
	want("the old agent is stopped", "20.0.0-7118", "dpkg")
	write(t, filepath.Join(dir, "go-preinst"), "")
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "postinst")); err == nil {
			break
		}
	}
	want("the new files are there", "20.0.0-7119", "dpkg")
	write(t, filepath.Join(dir, "go-postinst"), "")
	goOn()
	want("after", "20.0.0-7119", "")
}

// TestDpkgJournal: of several notes the newest counts, whatever the older ones
// and the database say. An older one that went on counting would hold every
// loss back.
func TestDpkgJournal(t *testing.T) {
	stanza := func(status, version string) string {
		return "Package: ds-agent\nStatus: " + status + "\nVersion: " + version + "\nArchitecture: amd64\n"
	}
	const installed, half, unpacked = "install ok installed", "install reinstreq half-installed", "install ok unpacked"
	other := "Package: zz\nStatus: install ok unpacked\nVersion: 1\n"
	for name, c := range map[string]struct {
		database            string
		notes               []string
		version, installing string
	}{
		"none":                      {stanza(installed, "1.1"), nil, "1.1", ""},
		"of another package":        {stanza(installed, "1.1"), []string{other}, "1.1", ""},
		"begun":                     {stanza(installed, "1.1"), []string{stanza(half, "1.2")}, "1.1", "dpkg"},
		"unpacked":                  {stanza(installed, "1.1"), []string{stanza(half, "1.2"), stanza(unpacked, "1.2")}, "1.2", "dpkg"},
		"over":                      {stanza(installed, "1.1"), []string{stanza(half, "1.2"), stanza(unpacked, "1.2"), stanza(installed, "1.2")}, "1.2", ""},
		"over, and others go on":    {stanza(installed, "1.1"), []string{stanza(half, "1.2"), stanza(installed, "1.2"), other}, "1.2", ""},
		"over, and begun again":     {stanza(installed, "1.1"), []string{stanza(installed, "1.2"), stanza(half, "1.3")}, "1.2", "dpkg"},
		"removed":                   {stanza(installed, "1.1"), []string{stanza("deinstall ok half-configured", "1.1"), stanza("deinstall ok config-files", "1.1")}, "", ""},
		"purged":                    {stanza(installed, "1.1"), []string{stanza(half, "1.1"), stanza("purge ok not-installed", "1.1")}, "", ""},
		"removed, and a new one":    {stanza(installed, "1.1"), []string{stanza("deinstall ok config-files", "1.1"), stanza(half, "1.2")}, "", "dpkg"},
		"triggers wait":             {stanza(installed, "1.1"), []string{stanza("install ok triggers-pending", "1.1")}, "1.1", ""},
		"others' triggers wait":     {stanza(installed, "1.1"), []string{stanza("install ok triggers-awaited", "1.1")}, "1.1", ""},
		"configuration broke":       {stanza(installed, "1.1"), []string{stanza("install ok half-configured", "1.2")}, "1.2", "dpkg"},
		"a torn note after a whole": {stanza(installed, "1.1"), []string{stanza(unpacked, "1.2"), "Package: ds-agent\nSta"}, "1.2", "dpkg"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			updates := filepath.Join(root, "var/lib/dpkg/updates")
			if err := os.MkdirAll(updates, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(root, "var/lib/dpkg/status"), c.database)
			write(t, filepath.Join(updates, "tmp.i"), stanza(half, "9.9")) // not one of the notes
			for i, n := range c.notes {
				write(t, filepath.Join(updates, fmt.Sprintf("%04d", i)), n)
			}
			f, err := Dpkg{Root: root}.Facts(t.Context())
			if err != nil || f.Validate() != nil || f[event.AgentVersion].Value != c.version || f[event.Installing].Value != c.installing {
				t.Errorf("%+v, %v; want version %q and installing %q", f, err, c.version, c.installing)
			}
		})
	}
}

// TestRPMAtWork holds rpm where it has stopped the old agent.
func TestRPMAtWork(t *testing.T) {
	root, dir, top := t.TempDir(), t.TempDir(), t.TempDir()
	db := filepath.Join(root, "var/lib/rpm")
	must(t, "rpm", "--dbpath", db, "--initdb")
	spec := filepath.Join(top, "x.spec")
	write(t, spec, "Name: ds_agent\nVersion: 20.0.0\nRelease: 8438\nSummary: none\nLicense: none\nBuildArch: noarch\n%description\nnone\n%pre\n"+slow(dir, "pre")+"%files\n")
	must(t, "rpmbuild", "-bb", "--define", "_topdir "+top, "--define", "_tmppath "+top, spec)
	installing := func(up bool) string {
		t.Helper()
		f, err := Transaction{Root: root, Agent: agentThat(up)}.Facts(t.Context())
		if err != nil || f.Validate() != nil {
			t.Error(f, err)
		}
		return f[event.Installing].Value
	}
	before := Stamp(root)
	if installing(false) != "" {
		t.Error("rpm is at work before it is")
	}
	goOn := begins(t, dir, "pre", exec.CommandContext(t.Context(), "rpm", "--dbpath", db, "-i", "--nodeps", "--nosignature",
		filepath.Join(top, "RPMS/noarch/ds_agent-20.0.0-8438.noarch.rpm")))
	if installing(false) != "rpm" || installing(true) != "" || Stamp(root) == before {
		t.Errorf("rpm at work: %q while the agent is gone, %q while it runs, stamp changed %v", installing(false), installing(true), Stamp(root) != before)
	}
	goOn()
	if installing(false) != "" {
		t.Error("rpm is at work after it was")
	}
}

type agentThat bool

func (a agentThat) Up() bool      { return bool(a) }
func (agentThat) Changes() uint64 { return 0 }
