package test

import (
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// listed is what `go list` says of one package.
type listed struct {
	ImportPath string
	Imports    []string
}

// allowed says what of ours each part may import, as docs/design draws it:
// cmd -> demo -> app -> {detector, rules, sinks, bus, config, web} -> {event,
// catalog} -> {setting, wire, table}. A kind may import the package above it.
var allowed = map[string][]string{
	"cmd":      {"demo", "app", "web", "sinks/snmp", "event", "setting", "table"},
	"demo":     {"app", "event", "sinks/snmp", "setting"},
	"app":      {"*"},
	"detector": {"event", "catalog", "detector", "setting"},
	"rules":    {"event", "catalog", "rules", "setting", "wire"},
	"sinks":    {"event", "catalog", "sinks", "setting", "wire"},
	"ledger":   {"bus", "rules", "sinks", "event", "wire"},
	"web":      {"web", "event", "catalog", "setting"},
	"bus":      {"bus", "setting"},
	"config":   {"setting"},
	"catalog":  {"event", "setting", "table"},
	"event":    {"setting", "wire"},
	"setting":  {},
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
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "dswatch/...")
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
