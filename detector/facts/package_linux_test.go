package facts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/catalog"
	"dswatch/event"
)

// must runs a tool that the tests need.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		pkg := map[string]string{"rpm": "rpm", "rpmbuild": "rpm", "dpkg": "dpkg", "dpkg-deb": "dpkg"}[name]
		t.Fatalf("%v; install the Debian package %s", err, pkg)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH=/usr/local/sbin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	cmd.Stderr = t.Output() // what a tool says of its first start is no answer
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// buildRPM builds an empty package.
func buildRPM(t *testing.T, name, version, release string) string {
	t.Helper()
	top := t.TempDir()
	spec := filepath.Join(top, "x.spec")
	write(t, spec, fmt.Sprintf("Name: %s\nVersion: %s\nRelease: %s\nSummary: none\nLicense: none\nBuildArch: noarch\n%%description\nnone\n%%files\n", name, version, release))
	must(t, "rpmbuild", "-bb", "--define", "_topdir "+top, "--define", "_tmppath "+top, spec)
	return filepath.Join(top, "RPMS", "noarch", fmt.Sprintf("%s-%s-%s.noarch.rpm", name, version, release))
}

func TestRPM(t *testing.T) {
	root := t.TempDir()
	db := filepath.Join(root, "var/lib/rpm")
	rpm := func(args ...string) {
		t.Helper()
		must(t, "rpm", append([]string{"--dbpath", db}, args...)...)
	}
	source := RPM{Root: root}
	stamp := Stamp(root)
	want := func(version string) {
		t.Helper()
		if s := Stamp(root); s == stamp && version != "" {
			t.Error("the stamp did not change")
		} else {
			stamp = s
		}
		f, err := source.Facts(t.Context())
		if v := f[event.AgentVersion]; err != nil || v.Value != version {
			t.Fatalf("%+v, %v; want version %q", f, err, version)
		}
		if version != "" && (f[event.AgentVersion].Origin != "package (rpm ds_agent)" || f[event.AgentVersion].At.IsZero() || f.Validate() != nil) {
			t.Errorf("%+v", f)
		}
	}
	want("") // no database

	rpm("--initdb")
	rpm("-i", "--justdb", "--nodeps", "--nosignature", buildRPM(t, "ds_agent_tools", "1.0", "1"))
	want("") // another package

	rpm("-i", "--justdb", "--nodeps", "--nosignature", buildRPM(t, "ds_agent", "20.0.0", "8438.el8"))
	want("20.0.0-8438.el8")

	rpm("-i", "--justdb", "--nodeps", "--nosignature", buildRPM(t, "ds_agent", "20.0.2", "1390.el8")) // in the midst of an upgrade there are two
	want("20.0.2-1390.el8")
	v, err := catalog.ParseVersion("20.0.2-1390.el8")
	if newer, _ := catalog.ParseVersion("20.0.0-8438"); err != nil || v.Compare(newer) <= 0 {
		t.Errorf("%v is not newer than %v: %v", v, newer, err)
	}

	rpm("-e", "--justdb", "ds_agent-20.0.2-1390.el8", "ds_agent-20.0.0-8438.el8")
	want("")

	files, err := os.ReadDir(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		write(t, filepath.Join(db, f.Name()), strings.Repeat("not a database ", 1000))
	}
	if f, err := source.Facts(t.Context()); err == nil || len(f) != 0 || !strings.Contains(err.Error(), "declare agent_version in watch.facts") {
		t.Errorf("a torn database gives %v, %v", f, err)
	}
}

// buildDeb builds an empty package.
func buildDeb(t *testing.T, name, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	write(t, filepath.Join(dir, "DEBIAN/control"), fmt.Sprintf(
		"Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: none <none@example.com>\nDescription: none\n a line with Package: ds-agent in it\n", name, version))
	must(t, "dpkg-deb", "--root-owner-group", "--build", dir, dir+".deb")
	return dir + ".deb"
}

func TestDpkg(t *testing.T) {
	root := t.TempDir()
	admin := filepath.Join(root, "var/lib/dpkg")
	dpkg := func(args ...string) {
		t.Helper()
		must(t, "dpkg", append([]string{"--root", root, "--admindir", admin, "--force-not-root", "--force-bad-path", "--log", filepath.Join(root, "log")}, args...)...)
	}
	source := Dpkg{Root: root}
	want := func(version string) {
		t.Helper()
		f, err := source.Facts(t.Context())
		if v := f[event.AgentVersion]; err != nil || v.Value != version {
			t.Fatalf("%+v, %v; want version %q", f, err, version)
		}
		if version != "" && (f[event.AgentVersion].Origin != "package (dpkg ds-agent)" || f[event.AgentVersion].At.IsZero() || f.Validate() != nil) {
			t.Errorf("%+v", f)
		}
	}
	want("") // no database

	write(t, filepath.Join(admin, "status"), "")
	for _, dir := range []string{"info", "updates", "triggers"} {
		if err := os.MkdirAll(filepath.Join(admin, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dpkg("-i", buildDeb(t, "ds-agent-tools", "1.0"))
	want("") // another package

	dpkg("--unpack", buildDeb(t, "ds-agent", "20.0.0-7119"))
	want("20.0.0-7119") // unpacked: the files are there
	before := Stamp(root)
	dpkg("--configure", "ds-agent")
	if Stamp(root) == before {
		t.Error("the stamp did not change")
	}
	want("20.0.0-7119")

	dpkg("-i", buildDeb(t, "ds-agent", "1:20.0.2-1390"), buildDeb(t, "zz", "1"))
	want("20.0.2-1390")

	dpkg("-r", "ds-agent")
	want("")

	if err := os.Remove(filepath.Join(admin, "status")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(admin, "status"), 0o755); err != nil { // cannot be read as a file
		t.Fatal(err)
	}
	if f, err := source.Facts(t.Context()); err == nil || len(f) != 0 || !strings.Contains(err.Error(), "declare agent_version in watch.facts") {
		t.Errorf("an unreadable database gives %v, %v", f, err)
	}
}
