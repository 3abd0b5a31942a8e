package process

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestALookAllocatesLittle: a look at a healthy agent costs no more than before it
// was asked whose processes they are and whether they stand still.
func TestALookAllocatesLittle(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		start(t, self, "sleep", nil)
	}
	d, err := New([]Target{{Key: key("agent"), Names: []string{filepath.Base(self)}, Want: 2, Owner: Owner{Who: System, Folders: func() []string { return []string{filepath.Dir(self)} }}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	least := 1000.0
	for range 20 {
		least = min(least, testing.AllocsPerRun(2, func() {
			seen, err := d.Detect(context.Background())
			if err != nil || seen[0].Found < 2 {
				t.Fatal(seen, err)
			}
		}))
	}
	t.Logf("%v", least)
	if least > 64 {
		t.Errorf("%v allocations", least)
	}
}
