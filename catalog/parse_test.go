package catalog

import (
	"strings"
	"testing"
)

// TestParseRefuses: a mistake in the embedded list cannot go unnoticed.
func TestParseRefuses(t *testing.T) {
	note := "footnotes: [{id: a-1, section: s, number: 1, en: E., ja: 日本語。}]\n"
	if _, err := parse([]byte(note + "rows: [{component: agent, kind: service, name: x, footnotes: [a-1]}]")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, yaml, want string }{
		{"unknown key", note + "rows: [{component: agent, kind: service, name: x, instanses: 1}]", "unknown field \"instanses\""},
		{"no text", "footnotes: [{id: a-1, en: E.}]", "footnotes[0]: id, en or ja is missing"},
		{"footnote twice", "footnotes: [{id: a, en: E., ja: 日。}, {id: a, en: E., ja: 日。}]", "footnotes[1]: a is there twice"},
		{"footnote unknown", note + "rows: [{component: agent, kind: service, name: x, footnotes: [a-2]}]", "rows[0]: footnotes[0]"},
		{"bad row", note + "rows: [{component: agent, kind: service, name: x}, {component: agent, kind: servic, name: x}]", "rows[1]: kind"},
		{"bad condition", note + "rows: [{component: agent, kind: service, name: x, when: relay AN edition}]", `"AN"`},
		{"row twice", note + "rows: [{component: agent, os: [linux, aix], kind: service, name: x}, {component: agent, os: [aix], kind: service, name: x}]", "rows[1]: name"},
		{"not YAML", "rows: [", "parse catalog"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := parse([]byte(x.yaml)); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
}
