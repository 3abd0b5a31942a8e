package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const modulesHead = "# Modules\n\nWhat the program and its tests are built from, the newest version first. `go test ./test -run TestModules -update` writes it anew.\n\n| date | module | version |\n|---|---|---|\n"

// TestModules: docs/modules.md has the modules of go.mod in their versions.
func TestModules(t *testing.T) {
	const file = "../docs/modules.md"
	if *update {
		if err := os.WriteFile(file, []byte(modulesHead+modules(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, m := range regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) (v\S+)`).FindAllStringSubmatch(string(mod), -1) {
		want = append(want, m[1]+" "+m[2])
	}
	for _, m := range regexp.MustCompile(`(?m)^\| \d{4}-\d\d-\d\d \| (\S+) \| (\S+) \|$`).FindAllStringSubmatch(string(text), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 20 || !slices.Equal(got, want) {
		t.Errorf("docs/modules.md has %d modules and go.mod %d, or others; go test ./test -run TestModules -update", len(got), len(want))
	}
}

// modules are the rows of the table.
func modules(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-m", "-json", "all")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m struct {
			Path, Version string
			Time          time.Time
		}
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(mod), m.Path+" "+m.Version) && m.Version != "" {
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", m.Time.Format(time.DateOnly), m.Path, m.Version))
		}
	}
	slices.Sort(rows)
	slices.Reverse(rows)
	return strings.Join(rows, "")
}
