package test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackages builds the packages of two versions and installs, upgrades,
// downgrades, removes and purges them with the real dpkg and rpm. The bill of
// materials and NOTICE have what the program says it is linked with. In a soak
// the first version is built again in another folder: it has the same bytes.
func TestPackages(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it mounts a root of its own, which needs root")
	}
	old, next := release(t, "..", "v1.4.0"), release(t, "..", "v1.5.0")
	script := exec.Command("./packages.sh", old, next)
	if out, err := script.CombinedOutput(); err != nil || !strings.Contains(string(out), "== passed") {
		t.Errorf("%v\n%s", err, out)
	}
	linked := linkedWith(t, filepath.Join(old, "dswatch-linux-amd64"))
	text, err := os.ReadFile(filepath.Join(old, "dswatch-linux-amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, c := range bill.Components {
		if c.Name != "std" {
			listed[c.Name+" "+c.Version] = true
		}
	}
	if !maps.Equal(listed, linked) {
		t.Errorf("the bill of materials has\n%v\nand the program\n%v", slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(linked)))
	}
	notice, err := os.ReadFile("../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	for module := range linked {
		if !strings.Contains(string(notice), "\n"+module+"\n") {
			t.Errorf("NOTICE has no %s", module)
		}
	}
	if os.Getenv("DSWATCH_SOAK") == "" {
		return
	}
	tree := filepath.Join(t.TempDir(), "another", "folder")
	copied := exec.Command("bash", "-c", `mkdir -p "$1" && git -C .. ls-files -z | tar -C .. --null -cT - | tar -x -C "$1"`, "copy", tree)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sums := func(dir string) string {
		text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if a, b := sums(old), sums(release(t, tree, "v1.4.0")); a != b {
		t.Errorf("built in another folder it has other bytes:\n%s\n%s", a, b)
	}
}

// release builds what is for linux on amd64 from tree.
func release(t *testing.T, tree, version string) string {
	t.Helper()
	dir := t.TempDir()
	c := exec.Command(filepath.Join(tree, "deploy/package/release.sh"))
	c.Env = append(os.Environ(), "VERSION="+version, "DIST="+dir, "TARGETS=linux/amd64", "SOURCE_DATE_EPOCH=1796000000")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("release %s: %v\n%s", version, err, out)
	}
	return dir
}

// linkedWith is what a program says of itself.
func linkedWith(t *testing.T, program string) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" {
			all[f[1]+" "+f[2]] = true
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d modules: %s", len(all), out)
	}
	return all
}
