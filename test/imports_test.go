package test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed is what `go list` says of one package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// allowed says what of ours each part may import, and is the only drawing of
// it: cmd -> demo -> app -> {detector, engine, sinks, ledger, bus, config, web}
// -> {rules, catalog, words} -> event -> {setting, wire}, and spelling beside them. A part that has
// itself in its list has kinds, and a kind may import the package above it.
var allowed = map[string][]string{
	"cmd":      {"cmd", "demo", "app", "history", "guard", "web", "sinks/snmp", "words", "event", "setting", "table", "spelling"},
	"demo":     {"app", "words", "event", "sinks/snmp", "setting"},
	"app":      {"*"},
	"detector": {"words", "event", "catalog", "detector", "setting", "guard", "spelling"},
	"engine":   {"rules", "words", "event", "catalog", "engine", "setting", "spelling"},
	"rules":    {"words", "event", "catalog", "rules", "setting", "wire", "spelling"},
	"sinks":    {"guard", "words", "event", "catalog", "sinks", "setting", "wire", "machine"},
	"machine":  {},
	"journal":  {"machine", "guard"},
	"history":  {"event"},
	"report":   {"history", "rules", "words", "event"},
	"ledger":   {"bus", "journal", "history", "machine", "setting", "engine", "rules", "sinks", "words", "event", "wire"},
	"web":      {"web", "history", "guard", "words", "event", "catalog", "setting", "spelling"},
	"bus":      {"bus", "guard", "setting", "words", "event", "test/ports"},
	"config":   {"setting", "words", "event"},
	"catalog":  {"words", "event", "setting", "table"},
	"words":    {"event", "setting"},
	"event":    {"setting", "wire"},
	"guard":    {"words", "event", "setting"},
	"pulse":    {},
	"setting":  {},
	"spelling": {},
	"wire":     {},
	"table":    {},
	"test":     {"*"},
	"docs":     {},
}

// TestImportDirections holds every package to the directions. When it fails,
// move the code to where the arrow allows it, or pass the thing in through an
// interface that stands where it is used.
func TestImportDirections(t *testing.T) {
	packages := list(t)
	if len(packages) < 20 {
		t.Fatalf("go list found %d packages only", len(packages))
	}
	edges := 0
	for _, p := range packages {
		from := strings.TrimPrefix(p.ImportPath, "dswatch/")
		part, _, _ := strings.Cut(from, "/")
		rule, known := allowed[part]
		if !known {
			t.Errorf("%s: a new top-level folder; say in this test what it may import", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, "dswatch/")
			if !ours {
				continue
			}
			edges++
			if !permits(rule, to) {
				t.Errorf("%s imports %s, which the design does not allow", p.ImportPath, imp)
			}
		}
	}
	t.Logf("%d packages, %d imports of our own", len(packages), edges)
}

// TestNatsStaysInTheBus holds the bus to being the only user of NATS.
func TestNatsStaysInTheBus(t *testing.T) {
	for _, p := range list(t) {
		if strings.HasPrefix(p.ImportPath, "dswatch/bus") {
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "github.com/nats-io/") {
				t.Errorf("%s imports %s; only bus may", p.ImportPath, imp)
			}
		}
	}
}

// TestLeavesImportNoLibrary holds what everything else stands on to the
// standard library.
func TestLeavesImportNoLibrary(t *testing.T) {
	leaves := []string{"dswatch/event", "dswatch/words", "dswatch/setting", "dswatch/wire", "dswatch/pulse", "dswatch/machine"}
	for _, p := range list(t) {
		at := slices.Index(leaves, p.ImportPath)
		if at < 0 {
			continue
		}
		leaves = slices.Delete(leaves, at, at+1)
		for _, imp := range p.Imports {
			if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s; it stands on the standard library alone", p.ImportPath, imp)
			}
		}
	}
	if len(leaves) > 0 {
		t.Errorf("there is no package %v", leaves)
	}
}

// pure says of what the core must not have: a clock, a lock, a log, or
// anything that waits, reads or writes.
var pure = struct{ packages, names []string }{
	packages: []string{"context", "log", "log/slog", "math/rand", "math/rand/v2", "net", "os", "os/exec", "os/signal", "runtime", "sync", "sync/atomic", "syscall", "testing", "unsafe"},
	names:    []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}, // of package time
}

// TestTheCoreIsPure holds package rules to what its doc promises. When it
// fails, let the shell (package engine) hand the thing in.
func TestTheCoreIsPure(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != "dswatch/rules" {
			continue
		}
		if len(p.GoFiles) < 10 {
			t.Fatalf("go list found %d files in package rules", len(p.GoFiles))
		}
		for _, imp := range p.Imports {
			if first, _, _ := strings.Cut(imp, "/"); slices.Contains(pure.packages, imp) || first == "net" {
				t.Errorf("%s imports %s; the core keeps no time, no lock and no log, and does no I/O", p.ImportPath, imp)
			}
		}
		for _, name := range p.GoFiles {
			for _, use := range timeKeeping(t, filepath.Join(p.Dir, name)) {
				t.Errorf("%s; the time is an argument of every decision", use)
			}
		}
		return
	}
	t.Fatal("there is no package rules")
}

// timeKeeping returns where a file reads or waits for the time.
func timeKeeping(t *testing.T, name string) (uses []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	called := "time"
	for _, imp := range file.Imports {
		if imp.Path.Value == `"time"` && imp.Name != nil {
			called = imp.Name.Name
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == called && slices.Contains(pure.names, sel.Sel.Name) {
				uses = append(uses, fmt.Sprintf("%s uses time.%s", fset.Position(n.Pos()), sel.Sel.Name))
			}
		}
		return true
	})
	return uses
}

// permits reports whether a rule has to, or a package above it.
func permits(rule []string, to string) bool {
	for _, r := range rule {
		if r == "*" || r == to || strings.HasPrefix(to, r+"/") && r != "sinks/snmp" {
			return true
		}
	}
	return false
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "dswatch/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
