package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// TestZoneWarning: Go takes a TZ that it does not know for UTC.
func TestZoneWarning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, []byte("no zone"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		configured, tz string
		warns          bool
	}{
		"not set":        {"", "", false},
		"a name":         {"", "Asia/Tokyo", false},
		"with a colon":   {"", ":Asia/Tokyo", false},
		"UTC":            {"", "UTC", false},
		"no such zone":   {"", "Mars/Olympus", true},
		"POSIX":          {"", "JST-9", true},
		"no such file":   {"", file + ".not", true},
		"another file":   {"", file, true},
		"not looked at":  {"Asia/Tokyo", "Mars/Olympus", false},
		"out of the way": {"", "../../etc/passwd", true},
	} {
		if got := words.English(zoneWarning(c.configured, c.tz)); (got != "") != c.warns || c.warns && !strings.Contains(got, "write time_zone") {
			t.Errorf("%s: %q", name, got)
		}
	}
	t.Setenv("TZ", "Mars/Olympus")
	l, err := Parse("none.yaml", nil)
	if err != nil || !strings.Contains(strings.Join(words.In("en", nil).Lines(l.Warnings), "\n"), "Mars/Olympus") {
		t.Errorf("warnings %q, %v", l.Warnings, err)
	}
}

// TestFactsFromAPipe: a pipe without a writer would be waited for; one that the
// shell has opened is read.
func TestFactsFromAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, t.TempDir(), os.DevNull} {
		if _, err := ReadFacts(path); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Load(pipe); err == nil || !strings.Contains(err.Error(), "is a named pipe; name a readable file with -c") {
		t.Errorf("as a configuration: %v", err)
	}
	opened := func(text string) string {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		w.Close()
		return fmt.Sprintf("/dev/fd/%d", r.Fd())
	}
	if f, err := ReadFacts(opened("os: linux\n")); err != nil || f[event.OS].Value != "linux" {
		t.Errorf("facts of the shell: %v, %v", f, err)
	}
	if l, err := Load(opened("host: web01\n")); err != nil || l.Config.Host != "web01" {
		t.Errorf("a configuration of the shell: %v", err)
	}
}
