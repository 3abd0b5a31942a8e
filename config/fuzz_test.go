package config_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"dswatch/config"
)

// open matches the paths (list indexes left out) of values that may be shown:
// those of known keys that are no secrets, of maps of text, and names of
// files. All others must never be.
var open = regexp.MustCompile(`^(host|language|bus\.(dir|listen|url|sync|max_size|creds_file|tls\.(ca|verify|key_file))` +
	`|watch\.(facts|ignore|items|items\.(kind|name|instances))(\..*)?|detectors\.(process|port)\.(schedule|timeout)` +
	`|detectors\.port\.(targets|targets\.(host|ports|method))|rules(\.(hold|repeat))?|routes(\.(match|sinks|continue))?(\..*)?` +
	`|sinks\.(name|type|patience|address|version|url|retries|(community|secret|tls\.key)_file|tls\.(ca|verify))` +
	`|web(\.(listen|ratio|nice|big))?|labels(\..*)?|detectors\.process)$`)

// FuzzParse: nothing panics, errors stay short and printable, and what stands
// behind a secret or an unknown key, or in a file that is no YAML, is not
// shown. Show of what was read is YAML that reads back.
func FuzzParse(f *testing.F) {
	const secret = "S3cret"
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	f.Add([]byte(full))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		file, c, err := build("x.yaml", data)
		if err != nil {
			s := err.Error()
			if n := utf8.RuneCountInString(s); n > 25*1200 {
				t.Errorf("the error has %d characters", n)
			}
			if !utf8.ValidString(s) || strings.ContainsAny(strings.ReplaceAll(s, "\n", ""), "\x00\x1b\r\t\u202e") {
				t.Errorf("not printable: %q", s)
			}
			if strings.Contains(s, secret) && !mayShow(file, secret) && !bytes.Contains(data, []byte("&")) {
				t.Errorf("shows a secret: %s\nin %q", s, data)
			}
			return
		}
		for _, s := range c.Sinks {
			if err := s.Decode(common(), kinds[s.String("type")]()); err != nil {
				t.Errorf("the second time: %v", err)
			}
		}
		var b bytes.Buffer
		if err := file.Show(&b, c); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), secret) && !mayShow(file, secret) {
			t.Errorf("shows a secret: %s\nin %q", &b, data)
		}
		if bytes.Contains(b.Bytes(), []byte("redacted]")) || bytes.Contains(b.Bytes(), []byte("_file")) {
			return
		}
		var again bytes.Buffer
		file, c, err = build("again.yaml", b.Bytes())
		if err != nil {
			t.Fatalf("does not read back: %v\nin:\n%s\nof %q", err, &b, data)
		}
		if err := file.Show(&again, c); err != nil || again.String() != b.String() {
			t.Errorf("reads back as %v:\n%s\nnot:\n%s\nof %q", err, &again, &b, data)
		}
	})
}

// mayShow reports whether word stands in a key or behind an open one.
func mayShow(f *config.File, word string) bool {
	if f == nil {
		return false
	}
	keys, values := f.Words()
	for _, k := range keys {
		if strings.Contains(k, word) {
			return true
		}
	}
	for path, texts := range values {
		for _, text := range texts {
			if strings.Contains(text, word) && open.MatchString(path) {
				return true
			}
		}
	}
	return false
}

// FuzzShowText: any text that Show writes reads back as the same text.
func FuzzShowText(f *testing.F) {
	for _, s := range []string{"", "a", "web01", " ", "\n", "\t", "a: b", "- a", "#", "a #b", "~", "null", "True", "no", "1_000", "0x1f", "1e3", ".inf", "-", "--- a",
		"[", "{a}", "*a", "&a", "!a", "|", ">", "%a", "@a", "`", `"`, `'`, `\`, `\x41`, "a\"b\\", "\u00a0", "\u2028", "\ufeff", "\x00\x1b\x7f\u0085", "東京", "😀", "\U000e0001", "a:", ":a", "a,b", "<<", "=", "...", "?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.Contains(s, "://") || len(s) > 10_000 {
			return
		}
		c := defaults()
		c.Host, c.Labels, c.Watch.Ignore = s, map[string]string{s: s}, []string{s, s}
		file, err := config.Parse("x", nil, &Config{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := file.Show(&b, c); err != nil {
			t.Fatal(err)
		}
		var again Config
		if _, err := config.Parse("x", b.Bytes(), &again); err != nil {
			t.Fatalf("%q: %v\n%s", s, err, &b)
		}
		if again.Host != s || again.Labels[s] != s || len(again.Watch.Ignore) != 2 || again.Watch.Ignore[1] != s {
			t.Errorf("%q reads back as %q, %q, %q\n%s", s, again.Host, again.Labels, again.Watch.Ignore, &b)
		}
	})
}
