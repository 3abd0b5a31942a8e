package guard

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpen: a file of ours is opened and made; what somebody has planted in its
// place is refused, and nothing else is changed.
func TestOpen(t *testing.T) {
	needRoot(t)
	const kept = "another file of root's"
	for name, c := range map[string]struct {
		plant func(path, other string) error
		want  string // empty: it is opened
	}{
		"nothing there":     {func(_, _ string) error { return nil }, ""},
		"ours":              {func(path, _ string) error { return os.WriteFile(path, []byte("old"), 0o600) }, ""},
		"a link":            {func(path, other string) error { return os.Symlink(other, path) }, "is a link where dswatch keeps a file of its own"},
		"a link to nothing": {func(path, other string) error { return os.Symlink(other+"2", path) }, "is a link"},
		"a second name":     {func(path, other string) error { return os.Link(other, path) }, "is the file of another name, too"},
		"a named pipe":      {func(path, _ string) error { return unix.Mkfifo(path, 0o600) }, "is not a file"},
		"his": {func(path, _ string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, nobody, nobody))
		}, "belongs to user nobody"},
		"everybody may write it": {func(path, _ string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666)) }, "chmod o-w "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, other := filepath.Join(dir, "bus.lock"), filepath.Join(dir, "other")
			if err := os.WriteFile(other, []byte(kept), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.plant(path, other); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if err == nil {
				if _, err := f.WriteString("new"); err != nil {
					t.Error(err)
				}
				f.Close()
				if b, err := os.ReadFile(path); err != nil || string(b) != "new" {
					t.Errorf("%q, %v", b, err)
				}
			}
			if b, err := os.ReadFile(other); err != nil || string(b) != kept {
				t.Errorf("the other file holds %q, %v", b, err)
			}
			if _, err := os.Lstat(other + "2"); err == nil {
				t.Error("a file was made through the link")
			}
		})
	}
}
