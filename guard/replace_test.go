package guard_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"dswatch/guard"
)

func TestReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "state.json")
	for _, want := range []string{"one", "two, longer", ""} {
		if err := guard.Replace(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := guard.Replace(filepath.Join(dir, "folder"), []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("a failure leaves %v", left)
	}
}

// TestSyncDir: a directory that cannot be forced to disk is told; Windows
// cannot force one.
func TestSyncDir(t *testing.T) {
	if err := guard.SyncDir(t.TempDir()); err != nil {
		t.Error(err)
	}
	err := guard.SyncDir(filepath.Join(t.TempDir(), "none"))
	if (err == nil) != (runtime.GOOS == "windows") {
		t.Errorf("of a directory that is not there: %v", err)
	}
}
