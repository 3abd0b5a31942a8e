package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/event"
)

func TestInstalled(t *testing.T) {
	for name, c := range map[string]struct {
		dirs, files   []string
		value, origin string
	}{
		"nothing":         {},
		"agent":           {dirs: []string{"opt/ds_agent"}, value: "agent", origin: "installed (/opt/ds_agent)"},
		"manager":         {dirs: []string{"opt/dsm"}, value: "manager", origin: "installed (/opt/dsm)"},
		"both":            {dirs: []string{"opt/dsm", "opt/ds_agent"}, value: "agent,manager", origin: "installed (/opt/ds_agent, /opt/dsm)"},
		"something else":  {dirs: []string{"opt/ds_agent2", "usr/opt/dsm"}},
		"a file, no more": {dirs: []string{"opt"}, files: []string{"opt/ds_agent"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, d := range c.dirs {
				if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.files {
				if err := os.WriteFile(filepath.Join(root, f), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Installed{Root: root}.Facts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v, ok := got.Get(event.Components)
			if ok != (c.value != "") || v.Value != c.value || v.Origin != c.origin {
				t.Errorf("%+v, want %q from %q", v, c.value, c.origin)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("cannot look", func(t *testing.T) {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, "opt"), nil, 0o644); err != nil { // a file where a folder should be
			t.Fatal(err)
		}
		if got, err := (Installed{Root: root}).Facts(t.Context()); err == nil || len(got) != 0 || !strings.Contains(err.Error(), "declare components") {
			t.Errorf("%v, %v; want an error that says what to do", got, err)
		}
	})
}
