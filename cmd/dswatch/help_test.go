package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dswatch/words"
)

var update = flag.Bool("update", false, "write testdata/help.txt anew; read it before you commit")

// TestHelpSpeaks: every command and every flag has a help in Japanese, nothing
// else has, and the whole is as in the golden file, both languages one after
// the other.
func TestHelpSpeaks(t *testing.T) {
	ja, seen := words.In("ja", nil), map[string]bool{}
	look := func(where, en string) {
		if en == "" {
			return
		}
		text, ok := ja.Help(en, defaultConfig())
		if !ok || text == en || !strings.ContainsFunc(text, func(r rune) bool { return r > 0x3000 }) {
			t.Errorf("%s has no Japanese help for %q; add it to words/help.go", where, en)
		}
		seen[en] = true
	}
	var paths []string
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		paths = append(paths, c.CommandPath())
		look(c.CommandPath(), c.Short)
		look(c.CommandPath(), c.Long)
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && f.Name != "version" {
				look(c.CommandPath()+" --"+f.Name, f.Usage)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := command()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	walk(root)
	if len(seen) != words.Helps() {
		t.Errorf("words/help.go has %d texts, commands and flags have %d", words.Helps(), len(seen))
	}

	add, _, err := root.Find([]string{"silence", "add"})
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer(defaultConfig(), "{config}", fmt.Sprintf("%q", add.Flag("author").DefValue), `"{user}"`)
	var all bytes.Buffer
	for _, path := range paths {
		if strings.HasPrefix(path, "dswatch completion") || path == "dswatch help" {
			continue // the library's own, with its words
		}
		for _, language := range []string{"en", "ja"} {
			args := append(strings.Fields(path)[1:], "--language", language, "--help")
			out, status := captured(t, func() int { return run(args) })
			if status != 0 {
				t.Errorf("%v: status %d\n%s", args, status, out)
			}
			for line := range strings.Lines(out) {
				bare := names.ReplaceAllString(line, "")
				if found := sentence.FindString(bare); language == "ja" && found != "" && path != "dswatch rules test" /* which shows a story */ {
					t.Errorf("%s says %q in Japanese:\n%s", path, found, out)
				}
			}
			fmt.Fprintf(&all, "== %s (%s)\n%s\n", path, language, here.Replace(out))
		}
	}
	golden := filepath.Join("testdata", "help.txt")
	got := all.String()
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
		t.Errorf("the help has changed; read it in %s after -update", golden)
	}
}
