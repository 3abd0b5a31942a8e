package main

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit holds the two copies of the units together, and has systemd's own
// checker read what install writes.
func TestUnit(t *testing.T) {
	for name, text := range map[string]string{unitFile: unitTemplate, helperFile: helperTemplate, socketFile: socketUnit, filepath.Base(dropInFile): rootDropIn} {
		deployed, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(deployed) != text {
			t.Errorf("deploy/%s differs from cmd/dswatch/%[1]s; copy the latter", name)
		}
	}
	if strings.Count(unitTemplate, unitExec) != 1 || strings.Count(helperTemplate, helperExec) != 1 {
		t.Fatalf("the units do not have the lines %q and %q once", unitExec, helperExec)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := unit(exe, "/etc/dswatch/other.yaml")
	if err != nil || !strings.Contains(text, "\nExecStart="+exe+" run -c /etc/dswatch/other.yaml\n") || strings.Contains(text, unitExec) {
		t.Fatalf("%v: %s", err, text)
	}
	dir := t.TempDir()
	files := map[string]string{unitFile: text, helperFile: strings.Replace(helperTemplate, helperExec, "ExecStart="+exe+" helper\n", 1), socketFile: socketUnit}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name := range files {
		if out, err := exec.CommandContext(t.Context(), analyzer(t), "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
			t.Errorf("systemd-analyze verify: %v: %s", err, out)
		}
	}
	dropIn := filepath.Join(dir, dropInFile)
	if err := writeNew(dropIn, rootDropIn); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyzer(t), "verify", "--man=no", filepath.Join(dir, unitFile)).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("as root: %v: %s", err, out)
	}
	for _, path := range []string{"/opt/my programs/dswatch", "/x%n", "/x$HOME", "/x;reboot", `/x"`, "/x\nExecStart=/bin/sh"} {
		for _, pair := range [][2]string{{path, "/c"}, {"/x", path}} {
			if text, err := unit(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), "move it to") {
				t.Errorf("%q: %v, %q; want an error with a next step", path, err, text)
			}
		}
	}
}

func analyzer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatalf("%v; install it: apt-get install systemd", err)
	}
	return path
}

// TestUnitExposure: systemd's own judgement of the service is 2.8 or better.
func TestUnitExposure(t *testing.T) {
	file := filepath.Join(t.TempDir(), unitFile)
	if err := os.WriteFile(file, []byte(strings.Replace(unitTemplate, "/usr/local/bin/dswatch", "/bin/true", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyzer(t), "security", "--offline=true", "--no-pager", "--threshold=28", file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	_, overall, _ := strings.Cut(string(out), "Overall exposure level")
	t.Log(strings.TrimSpace(overall))
	for _, hides := range []string{"ProcSubset", "PrivateUsers", "PrivateNetwork"} {
		if strings.Contains(unitTemplate, "\n"+hides+"=") {
			t.Errorf("%s hides what is to be seen", hides)
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
	var why error
	u := units{t.TempDir(), func(string, string) error { return why }}
	for _, do := range []func() error{u.uninstall, func() error { return u.control("start") }, func() error { return u.control("stop") }} {
		if err := do(); err == nil || !strings.HasSuffix(err.Error(), "run first: dswatch service install") {
			t.Errorf("before the installation: %v", err)
		}
	}
	if _, err := u.install("/usr/bin/dswatch", "/etc/d.yaml"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(u.dir, helperFile)); err != nil || !strings.Contains(string(b), "ExecStart=/usr/bin/dswatch helper\n") {
		t.Errorf("%v: %s", err, b)
	}
	if b, err := os.ReadFile(filepath.Join(u.dir, unitFile)); err != nil || !strings.Contains(string(b), "ExecStart=/usr/bin/dswatch run -c /etc/d.yaml\n") {
		t.Errorf("%v: %s", err, b)
	}
	if _, err := u.install("/usr/bin/dswatch", "/etc/d.yaml"); err == nil || !strings.HasSuffix(err.Error(), "run first: dswatch service uninstall") {
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
	const want = "daemon-reload; enable dswatch.service; enable --now dswatch-helper.socket; start dswatch.service; stop dswatch.service; " +
		"disable --now dswatch.service; disable --now dswatch-helper.socket; stop dswatch-helper.service; daemon-reload"
	if got := calls(); got != want {
		t.Errorf("systemctl was told %q, want %q", got, want)
	}
	why = errors.New("it must")
	if root, err := u.install("/usr/bin/dswatch", "/etc/d.yaml"); err != nil || root != why {
		t.Errorf("as root: %v, %v", root, err)
	}
	if b, err := os.ReadFile(filepath.Join(u.dir, dropInFile)); err != nil || !strings.Contains(string(b), "\nUser=root\n") {
		t.Errorf("%v: %s", err, b)
	}
	if all, err := os.ReadDir(u.dir); err != nil || len(all) != 2 {
		t.Errorf("%v: %v", err, all)
	}
	if err := u.uninstall(); err != nil {
		t.Error(err)
	}
	if all, err := os.ReadDir(u.dir); err != nil || len(all) != 0 {
		t.Errorf("%v: %v is left", err, all)
	}
}

func TestServiceFaults(t *testing.T) {
	t.Run("systemd refuses", func(t *testing.T) {
		fakeSystemctl(t, "enable")
		u := units{t.TempDir(), own}
		_, err := u.install("/x", "/y")
		if err == nil || !strings.Contains(err.Error(), "Access denied") || !strings.Contains(err.Error(), "systemctl status") {
			t.Errorf("%v", err)
		}
		if all, err := os.ReadDir(u.dir); err != nil || len(all) != 0 {
			t.Errorf("half an installation is left: %v, %v", all, err)
		}
	})
	t.Run("no systemctl", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := (units{t.TempDir(), own}).install("/x", "/y"); err == nil || !strings.Contains(err.Error(), "without systemd") {
			t.Errorf("%v", err)
		}
	})
	t.Run("no systemd", func(t *testing.T) {
		if _, err := (units{filepath.Join(t.TempDir(), "none"), own}).install("/x", "/y"); err == nil || !strings.Contains(err.Error(), "has no systemd") {
			t.Errorf("%v", err)
		}
	})
}

// own: the service has its own user.
func own(string, string) error { return nil }

// TestNeedsRoot: what keeps the service from running as its own user is found
// before it is installed.
func TestNeedsRoot(t *testing.T) {
	dir := t.TempDir()
	exe := filepath.Join(dir, "dswatch")
	version := "252 (252.38-1)"
	tools := func(t *testing.T) (made func() string) {
		bin := t.TempDir()
		for name, text := range map[string]string{"systemctl": "echo 'systemd " + version + "'", "useradd": "echo \"$*\" >" + bin + "/made"} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", bin+":/usr/bin:/bin")
		return func() string { b, _ := os.ReadFile(bin + "/made"); return string(b) }
	}
	for name, c := range map[string]struct {
		version, config string
		mode            os.FileMode
		want            string
	}{
		"usual":                {"252 (252.38-1)", "host: web01\n", 0o755, ""},
		"external bus":         {"252.1-3.el9", "host: web01\nbus: {url: nats://127.0.0.1:4222, dir: /data/x}\n", 0o755, ""},
		"RHEL 7":               {"219", "host: web01\n", 0o755, "systemd 219 cannot"},
		"state elsewhere":      {"252", "host: web01\nbus: {dir: /data/dswatch}\n", 0o755, "/data/dswatch is not where"},
		"journal elsewhere":    {"252", "host: web01\nbus: {open_dir: /data/open}\n", 0o755, "/data/open is not where"},
		"socket elsewhere":     {"252", "host: web01\nweb: {socket: /data/s}\n", 0o755, "/data/s is not where"},
		"program of root's":    {"252", "host: web01\n", 0o700, "chmod 755 " + exe},
		"no known version":     {"what", "host: web01\n", 0o755, "systemd 0 cannot"},
		"off, as configured":   {"252", "host: web01\nweb: {socket: off}\n", 0o755, ""},
		"where systemd has it": {"252", "host: web01\nweb: {socket: /run/dswatch/api.sock}\nbus: {dir: /var/lib/dswatch}\n", 0o755, ""},
	} {
		t.Run(name, func(t *testing.T) {
			version = c.version
			made := tools(t)
			config := filepath.Join(t.TempDir(), "c.yaml")
			if err := errors.Join(os.WriteFile(config, []byte(c.config), 0o600), os.WriteFile(exe, nil, 0o755), os.Chmod(exe, c.mode)); err != nil {
				t.Fatal(err)
			}
			err := needsRoot(exe, config)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if _, lerr := user.Lookup("dswatch"); lerr != nil && (err == nil) != strings.Contains(made(), "--no-create-home") {
				t.Errorf("useradd was told %q", made())
			}
		})
	}
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
