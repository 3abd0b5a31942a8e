package web_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"dswatch/web"
)

// TestToken: every start makes another one, whatever was there, and writes
// through no link; a command never takes one that was cut or overwritten.
func TestToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	if _, err := web.Token(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the first start: %v", err)
	}
	path, other := filepath.Join(dir, "token"), filepath.Join(t.TempDir(), "other")
	seen := map[string]bool{}
	for _, c := range []struct {
		name  string
		spoil func() error
		fits  bool
	}{
		{"first", func() error { return nil }, false},
		{"again", func() error { return nil }, true},
		{"empty", func() error { return os.WriteFile(path, nil, 0o600) }, false},
		{"cut", func() error { return os.WriteFile(path, []byte("ABC\n"), 0o600) }, false},
		{"noise", func() error { return os.WriteFile(path, []byte("\x00\xff\x01ABCDEFGHIJKLMNOP"), 0o600) }, false},
		{"two lines", func() error { return os.WriteFile(path, []byte("ABCDEFGHIJKLMNOP\nABCDEFGHIJKLMNOP\n"), 0o600) }, false},
		{"planted", func() error { return os.WriteFile(path, []byte("PLANTEDPLANTEDPLANTED\n"), 0o644) }, true},
		{"a link", func() error {
			return errors.Join(os.Remove(path), os.WriteFile(other, []byte("kept"), 0o600), os.Symlink(other, path))
		}, false},
		{"a second name", func() error { return errors.Join(os.Remove(path), os.Link(other, path)) }, false},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		if got, err := web.Token(dir); (err == nil) != c.fits {
			t.Errorf("%s: a command gets %q, %v", c.name, got.Reveal(), err)
		}
		made, err := web.NewToken(dir)
		again, aerr := web.Token(dir)
		if err != nil || aerr != nil || again != made || seen[made.Reveal()] || len(made) < 16 {
			t.Errorf("%s: %v, %v, same %v, seen before %v", c.name, err, aerr, again == made, seen[made.Reveal()])
		}
		seen[made.Reveal()] = true
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", c.name, info.Mode(), err)
		}
	}
	if b, err := os.ReadFile(other); err != nil || string(b) != "kept" {
		t.Errorf("the file behind the link holds %q, %v", b, err)
	}
}
