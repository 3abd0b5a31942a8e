package test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dswatch/app"
	"dswatch/words"
)

var update = flag.Bool("update", false, "write the golden files anew; read them before you commit")

// TestBadConfigurations loads one file per fault, each named after it, and
// compares the whole message with the golden one beside it.
func TestBadConfigurations(t *testing.T) {
	t.Parallel() // nothing is watched
	files, err := filepath.Glob("badconfig/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	located := regexp.MustCompile(`(?m)^\S+\.yaml:\d+:\d+: `)
	japanese, english := regexp.MustCompile(`\p{Hiragana}`), regexp.MustCompile(`\b[a-z]{2,},? [a-z]{2,},? [a-z]{2,}\b`)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".yaml"), func(t *testing.T) {
			_, err := app.Load(f)
			if err == nil {
				t.Fatal("was accepted")
			}
			got := err.Error() + "\n"
			if !located.MatchString(got) {
				t.Errorf("names no file:line:column:\n%s", got)
			}
			golden := strings.TrimSuffix(f, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			for line := range strings.Lines(words.In("ja", nil).Error(err)) {
				if located.MatchString(line) && !japanese.MatchString(line) || english.MatchString(line) && !strings.Contains(line, " | ") {
					t.Errorf("in Japanese it is %s", line)
				}
			}
		})
	}
	t.Logf("%d faults", len(files))
}
