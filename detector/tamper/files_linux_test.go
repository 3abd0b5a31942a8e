package tamper

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// TestFiles: what others than root may change, in the folder and above it.
func TestFiles(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to give files away")
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, root string) error
		want  event.State
		says  string
	}{
		"right":                      {nil, event.Up, ""},
		"the program of another":     {func(_ *testing.T, r string) error { return os.Chown(r+"/opt/ds_agent/ds_agent", 65534, 0) }, event.Down, "/opt/ds_agent/ds_agent belongs to user nobody, not to root"},
		"everybody writes a library": {func(_ *testing.T, r string) error { return os.Chmod(r+"/opt/ds_agent/lib", 0o777) }, event.Down, "everybody may write "},
		"a group writes the folder": {func(_ *testing.T, r string) error {
			if err := os.Chown(r+"/opt/ds_agent", 0, 54321); err != nil {
				return err
			}
			return os.Chmod(r+"/opt/ds_agent", 0o775)
		}, event.Down, "group 54321 may write "},
		"root's group writes the folder": {func(_ *testing.T, r string) error { return os.Chmod(r+"/opt/ds_agent", 0o775) }, event.Up, ""},
		"the folder above is another's":  {func(_ *testing.T, r string) error { return os.Chown(r+"/opt", 65534, 0) }, event.Down, "/opt belongs to user nobody"},
		"as /tmp is":                     {func(_ *testing.T, r string) error { return os.Chmod(r+"/opt", 0o777|os.ModeSticky) }, event.Up, ""},
		"a link into another's folder": {func(_ *testing.T, r string) error {
			if err := os.Rename(r+"/opt/ds_agent", r+"/home/x"); err != nil {
				return err
			}
			return os.Symlink(r+"/home/x", r+"/opt/ds_agent")
		}, event.Down, "/home belongs to user nobody"},
		"a link of another's within": {func(_ *testing.T, r string) error { return unix.Lchown(r+"/opt/ds_agent/link", 65534, 0) }, event.Up, ""},
		"the folder is gone":         {func(_ *testing.T, r string) error { return os.RemoveAll(r + "/opt/ds_agent") }, event.Up, ""},
		"more than can be listed": {func(_ *testing.T, r string) error {
			for _, f := range []string{"ds_agent", "lib", "a", "b", "c"} {
				if err := os.Chown(r+"/opt/ds_agent/"+f, 65534, 0); err != nil {
					return err
				}
			}
			return nil
		}, event.Down, "and 2 more"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, d := range []string{"opt/ds_agent/lib", "home"} {
				if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []string{"ds_agent", "a", "b", "c"} {
				if err := os.WriteFile(filepath.Join(root, "opt/ds_agent", f), nil, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("ds_agent", filepath.Join(root, "opt/ds_agent/link")); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(filepath.Join(root, "home"), 65534, 0); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				if err := c.spoil(t, root); err != nil {
					t.Fatal(err)
				}
			}
			w := &Watch{root: root}
			state, say := w.writable([]string{"/opt/ds_agent"})
			if detail := words.In("en", nil).Say(say); state != c.want || !strings.Contains(detail, c.says) || c.says == "" && detail != "" {
				t.Errorf("%s, %q; want %s with %q", state, detail, c.want, c.says)
			}
		})
	}
}
