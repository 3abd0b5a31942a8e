package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit holds the two copies of the unit together, and has systemd's own
// checker read what install writes.
func TestUnit(t *testing.T) {
	deployed, err := os.ReadFile(filepath.Join("..", "..", "deploy", unitFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(deployed) != unitTemplate {
		t.Errorf("deploy/%s differs from cmd/dswatch/%[1]s; copy the latter", unitFile)
	}
	if strings.Count(unitTemplate, unitExec) != 1 {
		t.Fatalf("the unit does not have the line %q once", unitExec)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := unit(exe, "/etc/dswatch/other.yaml")
	if err != nil || !strings.Contains(text, "\nExecStart="+exe+" run -c /etc/dswatch/other.yaml\n") || strings.Contains(text, unitExec) {
		t.Fatalf("%v: %s", err, text)
	}
	file := filepath.Join(t.TempDir(), unitFile)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	checker, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatalf("%v; install it: apt-get install systemd", err)
	}
	if out, err := exec.CommandContext(t.Context(), checker, "verify", "--man=no", file).CombinedOutput(); err != nil || strings.Contains(string(out), unitFile) {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
	for _, path := range []string{"/opt/my programs/dswatch", "/x%n", "/x$HOME", "/x;reboot", `/x"`, "/x\nExecStart=/bin/sh"} {
		for _, pair := range [][2]string{{path, "/c"}, {"/x", path}} {
			if text, err := unit(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), "move it to") {
				t.Errorf("%q: %v, %q; want an error with a next step", path, err, text)
			}
		}
	}
}

// fakeSystemctl stands in for the real one, which needs systemd to be process
// 1: it writes down what it was told, and fails at the verb fail.
func fakeSystemctl(t *testing.T, fail string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	record := filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$*\" >>" + record + "\n[ \"$1\" != '" + fail + "' ] || { echo 'Access denied' >&2; exit 4; }\n"
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return func() string {
		b, err := os.ReadFile(record)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", "; ")
	}
}

func TestServiceLife(t *testing.T) {
	calls := fakeSystemctl(t, "nothing")
	u := units{t.TempDir()}
	for _, do := range []func() error{u.uninstall, func() error { return u.control("start") }, func() error { return u.control("stop") }} {
		if err := do(); err == nil || !strings.HasSuffix(err.Error(), "run first: dswatch service install") {
			t.Errorf("before the installation: %v", err)
		}
	}
	if err := u.install("/usr/bin/dswatch", "/etc/d.yaml"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(u.dir, unitFile)); err != nil || !strings.Contains(string(b), "ExecStart=/usr/bin/dswatch run -c /etc/d.yaml\n") {
		t.Errorf("%v: %s", err, b)
	}
	if err := u.install("/usr/bin/dswatch", "/etc/d.yaml"); err == nil || !strings.HasSuffix(err.Error(), "run first: dswatch service uninstall") {
		t.Errorf("the second installation: %v", err)
	}
	for _, verb := range []string{"start", "stop"} {
		if err := u.control(verb); err != nil {
			t.Error(err)
		}
	}
	if err := u.uninstall(); err != nil {
		t.Error(err)
	}
	if err := u.installed(); err == nil {
		t.Error("it is still installed")
	}
	const want = "daemon-reload; enable dswatch.service; start dswatch.service; stop dswatch.service; disable --now dswatch.service; daemon-reload"
	if got := calls(); got != want {
		t.Errorf("systemctl was told %q, want %q", got, want)
	}
}

func TestServiceFaults(t *testing.T) {
	t.Run("systemd refuses", func(t *testing.T) {
		fakeSystemctl(t, "enable")
		u := units{t.TempDir()}
		err := u.install("/x", "/y")
		if err == nil || !strings.Contains(err.Error(), "Access denied") || !strings.Contains(err.Error(), "systemctl status") {
			t.Errorf("%v", err)
		}
		if u.installed() == nil {
			t.Error("half an installation is left")
		}
	})
	t.Run("no systemctl", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if err := (units{t.TempDir()}).install("/x", "/y"); err == nil || !strings.Contains(err.Error(), "without systemd") {
			t.Errorf("%v", err)
		}
	})
	t.Run("no systemd", func(t *testing.T) {
		if err := (units{filepath.Join(t.TempDir(), "none")}).install("/x", "/y"); err == nil || !strings.Contains(err.Error(), "has no systemd") {
			t.Errorf("%v", err)
		}
	})
}

func TestServicePaths(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if _, _, err := servicePaths(missing); err == nil || !strings.HasSuffix(err.Error(), "dswatch init -o "+missing) {
		t.Errorf("no configuration: %v", err)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("hots: web01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := servicePaths(bad); err == nil || !strings.Contains(err.Error(), "bad.yaml:1") {
		t.Errorf("a bad configuration: %v", err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("good.yaml", []byte("host: web01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if exe, config, err := servicePaths("good.yaml"); err != nil || !filepath.IsAbs(exe) || config != filepath.Join(dir, "good.yaml") {
		t.Errorf("%q, %q, %v", exe, config, err)
	}
}
