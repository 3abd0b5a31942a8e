package test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateNotice = flag.Bool("update-notice", false, "write NOTICE")

// TestNotice holds NOTICE to what is linked into the program on any of its
// systems: each module with its licence, the texts of all of them in full.
// After a change of dependencies: go test ./test -run TestNotice -update-notice
func TestNotice(t *testing.T) {
	modules := map[string]string{} // folder by path and version
	for _, os := range []string{"linux", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if .Version}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/dswatch")
			cmd.Dir = ".."
			cmd.Env = append(cmd.Environ(), "GOOS="+os, "GOARCH="+arch, "CGO_ENABLED=0")
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("list what is linked for %s/%s: %v", os, arch, err)
			}
			for line := range strings.Lines(string(out)) {
				if name, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
					modules[name] = dir
				}
			}
		}
	}
	if len(modules) < 20 {
		t.Fatalf("only %d modules are linked", len(modules))
	}
	texts := map[string][]string{} // modules by licence text
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		found := false
		for _, pattern := range []string{"LICEN[SC]E*", "COPYING*", "NOTICE*", "license*"} {
			files, err := filepath.Glob(filepath.Join(modules[name], pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					continue // a folder of that name
				}
				text := strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n"))
				texts[text] = append(texts[text], name)
				found = true
			}
		}
		if !found {
			t.Errorf("%s has no licence", name)
		}
	}
	var b bytes.Buffer
	b.WriteString("dswatch\n\nThis program is licensed under the Apache License, Version 2.0 (see LICENSE).\n" +
		"It is linked with the modules below, each under the licence that follows its name, and with the\nstandard library of Go, whose licence is that of golang.org/x.\n")
	order := slices.SortedFunc(maps.Keys(texts), func(x, y string) int { return strings.Compare(texts[x][0]+x, texts[y][0]+y) })
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 78), strings.Join(texts[text], "\n"), text)
	}
	const path = "../NOTICE"
	if *updateNotice {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("NOTICE is not what is linked (%v); run go test ./test -run TestNotice -update-notice", err)
	}
	t.Logf("%d modules, %d licence texts", len(modules), len(texts))
}
