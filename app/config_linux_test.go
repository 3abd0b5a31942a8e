package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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
		if got := zoneWarning(c.configured, c.tz); (got != "") != c.warns || c.warns && !strings.Contains(got, "write time_zone") {
			t.Errorf("%s: %q", name, got)
		}
	}
	t.Setenv("TZ", "Mars/Olympus")
	l, err := Parse("none.yaml", nil)
	if err != nil || !strings.Contains(strings.Join(l.Warnings, "\n"), "Mars/Olympus") {
		t.Errorf("warnings %q, %v", l.Warnings, err)
	}
}

// TestFactsFromAPipe: a pipe without a writer would be waited for.
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
}
