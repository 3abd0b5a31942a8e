package web_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"dswatch/web"
)

// TestToken: it stays the same from start to start, one that was cut or
// overwritten is made anew by the next start, and a command never takes it.
func TestToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	if _, err := web.Token(dir, false); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the first start: %v", err)
	}
	first, err := web.Token(dir, true)
	if again, aerr := web.Token(dir, false); err != nil || aerr != nil || again != first || len(first) < 16 {
		t.Fatalf("%v, %v, same %v", err, aerr, again == first)
	}
	path := filepath.Join(dir, "token")
	for name, spoilt := range map[string]string{"empty": "", "cut": "ABC\n", "noise": "\x00\xff\x01ABCDEFGHIJKLMNOP", "two lines": "ABCDEFGHIJKLMNOP\nABCDEFGHIJKLMNOP\n"} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(spoilt), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := web.Token(dir, false); err == nil {
				t.Errorf("a command takes %q", got.Reveal())
			}
			made, err := web.Token(dir, true)
			if again, aerr := web.Token(dir, false); err != nil || aerr != nil || again != made || made == first {
				t.Errorf("%v, %v, same %v", err, aerr, again == made)
			}
		})
	}
}
