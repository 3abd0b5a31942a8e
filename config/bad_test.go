package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"dswatch/config"
	"dswatch/words"
)

var update = flag.Bool("update", false, "write the expected outputs anew")

// Each file of testdata/bad is one fault: the configuration, the files it
// names, and the whole error. Every value in them that stands behind a secret
// or an unknown key holds "S3cret".
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("found %d faults (%v), want at least 60", len(files), err)
	}
	for _, path := range files {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			var data []byte
			want := -1
			for i, f := range a.Files {
				switch f.Name {
				case "dswatch.yaml":
					data = f.Data
				case "error":
					want = i
				default:
					if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, _, err = build("dswatch.yaml", data)
			if err == nil {
				t.Fatal("was accepted")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "S3cret") {
				t.Errorf("shows a secret:\n%s", got)
			}
			var e *config.Error
			if !errors.As(err, &e) {
				t.Fatalf("is a %T", err)
			}
			for _, p := range e.Problems {
				if p.Line < 1 || p.Column < 1 {
					t.Errorf("%q has the position %d:%d", words.English(p.Said), p.Line, p.Column)
				}
				if ja := p.Text(words.In("ja", nil)); p.Said.Statements()[0].Code != "" && !p.Said.Has(words.Quoted.Code()) && ja == p.Text(words.In("en", nil)) {
					t.Errorf("%q is the same in Japanese", ja)
				}
				if !strings.Contains(words.English(p.Said), "; ") {
					t.Errorf("%q names no next step", words.English(p.Said))
				}
			}
			if *update {
				if want < 0 {
					want = len(a.Files)
					a.Files = append(a.Files, txtar.File{Name: "error"})
				}
				a.Files[want].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("has no error section; run with -update and read what it wrote")
			}
			if d := cmp.Diff(string(a.Files[want].Data), got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
