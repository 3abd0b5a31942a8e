package sinks_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"

	"dswatch/sinks"
)

// TestDocumentedTemplates loads every template of the manual.
func TestDocumentedTemplates(t *testing.T) {
	n := 0
	for _, file := range []string{"../docs/sinks.md", "../docs/sinks.ja.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
			var c struct{ Sinks []map[string]any }
			if err := yaml.Unmarshal([]byte(block[1]), &c); err != nil {
				t.Fatalf("%s: %v\n%s", file, err, block[1])
			}
			for _, s := range c.Sinks {
				for _, key := range []string{"title", "text"} {
					var tmpl sinks.Template
					switch v := s[key].(type) {
					case string:
						tmpl = both(v)
					case map[string]any:
						tmpl.EN, _ = v["en"].(string)
						tmpl.JA, _ = v["ja"].(string)
					default:
						continue
					}
					n++
					if err := valid(tmpl, tmpl); err != nil {
						t.Errorf("%s: %v", file, err)
					}
				}
			}
		}
	}
	if n < 4 {
		t.Errorf("%d templates found", n)
	}
}
