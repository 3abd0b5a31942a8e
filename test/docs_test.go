package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/app"
	"dswatch/test/receive"
	"dswatch/words"
)

// example is one YAML block of a document.
type example struct {
	where string // file:line
	text  string
}

// examples returns the YAML blocks of a Markdown file.
func examples(t *testing.T, file string) (out []example) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case inside && strings.HasPrefix(line, "```"):
			inside = false
		case inside:
			out[len(out)-1].text += line + "\n"
		case strings.HasPrefix(line, "```yaml"):
			inside = true
			out = append(out, example{where: fmt.Sprintf("%s:%d", filepath.Base(file), i+1)})
		}
	}
	if inside {
		t.Fatalf("%s: the last block has no end", file)
	}
	return out
}

var (
	namedFile = regexp.MustCompile(`(\w*_file|known_hosts): ?([^\s,}]+)`)
	sinkLists = regexp.MustCompile(`sinks: \[([^\]{]+)\]`)
)

// complete makes a whole configuration of an example: a list of sinks goes
// below its key, and sinks that only routes name are added.
func complete(text string) string {
	if strings.HasPrefix(text, "- ") {
		text = "sinks:\n" + text
	}
	if regexp.MustCompile(`(?m)^sinks:`).MatchString(text) {
		return text
	}
	var names []string
	for _, m := range sinkLists.FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			if !slices.Contains(names, name) {
				names = append(names, name)
				text += map[bool]string{true: "sinks:\n"}[len(names) == 1] + "  - {name: " + name + ", type: stdout}\n"
			}
		}
	}
	return text
}

// namedFiles makes the files that an example names.
type namedFiles struct{ pki receive.PKI }

func newNamedFiles(t *testing.T) namedFiles {
	return namedFiles{receive.NewAuthority(t).Issue(t, "example.com", time.Now().Add(time.Hour))}
}

// content is what stands in the file that a key names.
func (f namedFiles) content(t *testing.T, key, name string) []byte {
	from := map[string]string{"ca_file": f.pki.CAFile, "cert_file": f.pki.CertFile, "key_file": f.pki.KeyFile}[key]
	if from == "" {
		text, ok := map[string]string{
			"webhook_url_file": "https://hooks.example.com/services/T0000/B0000/" + filepath.Base(name),
			"bot_token_file":   "xoxb-1-2-abcdefghijkl",
			"app_token_file":   "xapp-1-A0123456789-1234567890123-0123456789abcdef",
			"token_file":       "0123456789abcdef-" + filepath.Base(name), // one for each name
			"secret_file":      "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
			"known_hosts":      "sol01 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPBf7+oSsk1uGk2zlS/DJTd3wpSn7KLtVSgNzq7bJKCb\n",
		}[key]
		if !ok {
			text = "a secret of the example of " + key
		}
		return []byte(text)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// passes does what `config check` does, and wants neither fault nor warning.
func passes(t *testing.T, files namedFiles, text string) {
	t.Helper()
	dir := t.TempDir()
	text = namedFile.ReplaceAllStringFunc(text, func(s string) string {
		m := namedFile.FindStringSubmatch(s)
		path := filepath.Join(dir, filepath.Base(m[2]))
		if err := os.WriteFile(path, files.content(t, m[1], m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		return m[1] + ": " + path
	})
	path := filepath.Join(dir, "dswatch.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := app.Load(path)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	if len(l.Warnings) > 0 {
		t.Errorf("warnings: %q\nin\n%s", l.Warnings, text)
	}
}

// TestDocumentedExamples passes every configuration that the documents show,
// with the files that it names made for it, through what `config check` does.
func TestDocumentedExamples(t *testing.T) {
	files := newNamedFiles(t)
	docs := []string{"../README.md", "../README.ja.md"}
	for _, pattern := range []string{"../docs/*.md", "../docs/manual/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, found...)
	}
	count := map[string]int{}
	for _, doc := range docs {
		for _, e := range examples(t, doc) {
			count[filepath.Base(doc)]++
			t.Run(e.where, func(t *testing.T) {
				passes(t, files, complete(e.text))
			})
		}
	}
	for _, doc := range []string{"README.md", "README.ja.md", "sinks.md", "sinks.ja.md", "agentless.md", "agentless.ja.md", "manual.md", "manual.ja.md"} {
		if count[doc] == 0 {
			t.Errorf("%s shows no configuration, so it was not looked at", doc)
		}
	}
	for _, doc := range []string{"README", "sinks", "agentless", "manual"} {
		if en, ja := count[doc+".md"], count[doc+".ja.md"]; en != ja {
			t.Errorf("%s has %d examples in English and %d in Japanese", doc, en, ja)
		}
	}
}

// TestInitExamples takes away the comment signs of what `dswatch init` offers.
func TestInitExamples(t *testing.T) {
	text, err := app.Init(t.Context(), words.Voice{})
	if err != nil {
		t.Fatal(err)
	}
	files := newNamedFiles(t)
	passes(t, files, text)
	offered := regexp.MustCompile(`(?m)^( *)# ?( *)([a-z_]+:(?: .*)?|- .*)$`)
	found := regexp.MustCompile(` \([a-z ]+\)$`) // facts of this host, which are for reading
	n := 0
	text = offered.ReplaceAllStringFunc(strings.Replace(text, "sinks: []", "sinks:", 1), func(s string) string {
		if found.MatchString(s) {
			return s
		}
		n++
		m := offered.FindStringSubmatch(s)
		if strings.HasPrefix(m[3], "- ") {
			return m[1] + " " + m[2] + m[3] // "#  - " stands where "  - " goes
		}
		return m[1] + m[2] + m[3]
	})
	if n < 20 {
		t.Fatalf("only %d lines are offered in\n%s", n, text)
	}
	passes(t, files, text)
}
