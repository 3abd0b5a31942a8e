package sinks_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
)

// recorder is a sink that keeps what it is told.
type recorder struct {
	got    []event.Alert
	closed bool
}

func (r *recorder) Send(_ context.Context, a event.Alert) error { r.got = append(r.got, a); return nil }
func (r *recorder) Close() error                                { r.closed = true; return nil }

// through sends as through a sink with these templates.
func through(t *testing.T, o sinks.Settings, as ...event.Alert) (got []event.Alert, log string) {
	t.Helper()
	if err := valid(o.Title, o.Text); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	r := &recorder{}
	s, err := sinks.Titled(r, o, sinks.Env{Log: slog.New(slog.NewTextHandler(&buf, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range as {
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if s.(io.Closer).Close(); !r.closed {
		t.Error("the sink behind is not closed")
	}
	return r.got, buf.String()
}

func valid(title, text sinks.Template) error {
	o := sinks.Defaults(1)
	o.Name, o.Title, o.Text = "x", title, text
	return o.Validate()
}

func both(s string) sinks.Template { return sinks.Template{EN: s, JA: s} }

func TestTemplate(t *testing.T) {
	ack, digest, beat := sinktest.Others("en")["acknowledged"], sinktest.Others("en")["digest"], sinktest.Others("en")["heartbeat"]
	for name, c := range map[string]struct {
		template string
		alert    event.Alert
		want     string
	}{
		"fields":      {`{{.Key.Host}}: {{.Key.Name}} {{.State}}`, sinktest.Sample(1, event.Raised, "en"), "web01: ds_agent down"},
		"words en":    {`{{transition .Transition}} {{kind .Key.Kind}} {{state .State}} {{severity .Severity}} {{impact .Impact}}`, sinktest.Sample(1, event.Raised, "en"), "ALERT process down critical management lost, protection kept"},
		"words ja":    {`{{transition .Transition}} {{kind .Key.Kind}} {{state .State}} {{severity .Severity}}`, sinktest.Sample(1, event.Cleared, "ja"), "復旧 プロセス 正常 重大"},
		"the own":     {`[NOC] {{.Title}}`, sinktest.Sample(1, event.Raised, "en"), "[NOC] agent process ds_agent is down on web01"},
		"times":       {`{{time .StartedAt}} {{utc .At}} {{since .}}`, sinktest.Sample(1, event.Changed, "en"), "2026-11-22 03:04:05 +00:00 2026-11-22T03:05:05Z 1 min"},
		"ack":         {`{{with .Ack}}{{.Author}}: {{acked .}}{{else}}nobody{{end}}`, ack, "kim.park: kim.park (ticket 4711), 2026-11-22 07:04:05 +00:00"},
		"no ack":      {`{{with .Ack}}{{.Author}}{{else}}nobody{{end}}`, sinktest.Sample(1, event.Raised, "en"), "nobody"},
		"affected":    {`{{.AffectedCount}} {{affected 100 .}}`, digest, "2500 and 2500 more"},
		"heartbeat":   {`{{with .Heartbeat}}{{.Open}}/{{.Waiting}}{{else}}{{.Title}}{{end}}`, beat, "7031/8042"},
		"cut":         {`{{cut 8 .Key.Name}} {{upper .Key.Host | printf "%.3s"}} {{lower "X"}}`, sinktest.Sample(1, event.Raised, "en"), "ds_agent WEB x"},
		"json":        {`{{json .Key.Host}}`, sinktest.Sample(1, event.Raised, "en"), `"web01"`},
		"by language": {`{{if eq .Language "ja"}}日本語{{else}}English{{end}}`, sinktest.Sample(1, event.Raised, "ja"), "日本語"},
		"one line":    {"a\nb\t{{.Key.Host}}\n", sinktest.Sample(1, event.Raised, "en"), "a b web01"},
	} {
		t.Run(name, func(t *testing.T) {
			got, log := through(t, sinks.Settings{Title: both(c.template)}, c.alert)
			if got[0].Title != c.want || got[0].Text != c.alert.Text || log != "" {
				t.Errorf("title %q, want %q; text %q; log %s", got[0].Title, c.want, got[0].Text, log)
			}
		})
	}
}

func TestTemplateOfOneLanguage(t *testing.T) {
	en, ja := sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Raised, "ja")
	got, _ := through(t, sinks.Settings{Text: sinks.Template{JA: "{{.Key.Host}}\nを確認"}}, en, ja)
	if got[0].Text != en.Text || got[1].Text != "web01\nを確認" || got[1].Title != ja.Title {
		t.Errorf("%q, %q, %q", got[0].Text, got[1].Text, got[1].Title)
	}
}

func TestWithoutTemplatesNothingStandsBetween(t *testing.T) {
	r := &recorder{}
	if s, err := sinks.Titled(r, sinks.Settings{}, sinks.Env{}); err != nil || s != sinks.Sink(r) {
		t.Errorf("%v, %v", s, err)
	}
}

// TestTemplateFailsLater: what no sample shows falls back to the built-in
// text, and the log tells it once.
func TestTemplateFailsLater(t *testing.T) {
	a := sinktest.Sample(1, event.Raised, "en")
	a.Found = 7
	for name, template := range map[string]string{
		"fails":    `{{if eq .Found 7}}{{index .Affected 3}}{{end}}x`,
		"is empty": `{{if ne .Found 7}}x{{end}}`,
		"too long": `{{if eq .Found 7}}{{printf "%100000s" "x"}}{{end}}x`,
	} {
		t.Run(name, func(t *testing.T) {
			got, log := through(t, sinks.Settings{Title: both(template)}, a, a, sinktest.Sample(2, event.Raised, "en"))
			if got[0].Title != a.Title || got[1].Title != a.Title || got[2].Title != "x" {
				t.Errorf("%q, %q", got[0].Title, got[2].Title)
			}
			if strings.Count(log, "a template failed") != 1 {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestTextTemplateFailsLater: the text likewise, and each keeps its own while
// the other one works.
func TestTextTemplateFailsLater(t *testing.T) {
	a := sinktest.Sample(1, event.Raised, "en")
	a.Found = 7
	for name, template := range map[string]string{
		"fails":    `{{if eq .Found 7}}{{index .Affected 3}}{{end}}x`,
		"too long": `{{if eq .Found 7}}{{printf "%100000s" "x"}}{{end}}x`,
	} {
		t.Run(name, func(t *testing.T) {
			got, log := through(t, sinks.Settings{Title: both("T"), Text: both(template)}, a, sinktest.Sample(2, event.Raised, "en"))
			if got[0].Text != a.Text || got[0].Title != "T" || got[1].Text != "x" || got[1].Title != "T" {
				t.Errorf("%q %q, then %q %q", got[0].Title, got[0].Text, got[1].Title, got[1].Text)
			}
			if strings.Count(log, "a template failed") != 1 {
				t.Errorf("log: %s", log)
			}
			got, _ = through(t, sinks.Settings{Title: both(template), Text: both("text")}, a)
			if got[0].Text != "text" || got[0].Title != a.Title {
				t.Errorf("%q %q", got[0].Title, got[0].Text)
			}
		})
	}
}

func TestTemplateIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		template sinks.Template
		says     string // "" for good
	}{
		"none":               {sinks.Template{}, ""},
		"plain":              {both("lost"), ""},
		"no such field":      {both("{{.Hostname}}"), "Hostname"},
		"no such function":   {both(`{{env "HOME"}}`), "env"},
		"no reading":         {both(`{{readFile "/etc/passwd"}}`), "readFile"},
		"open brace":         {both("{{.Title"), "unclosed action"},
		"nobody has it":      {both("{{.Ack.Author}}"), "{{with}}"},
		"only some have it":  {both(`{{index .Affected 1}}`), "{{with}}"},
		"wrong type":         {both(`{{state .Found}}`), "wrong type"},
		"empty title":        {both(`{{if eq .Transition "raised"}}x{{end}} `), "empty title"},
		"endless":            {both(`{{define "x"}}y{{template "x"}}{{end}}{{template "x"}}`), "bytes"},
		"large":              {both(`{{printf "%999999d" 1}}`), "bytes"},
		"loop":               {both(`x{{range 9000000000}}{{end}}`), "longer than 1s"},
		"loops":              {both(`x{{range 90000}}{{range 90000}}{{$x := .}}{{end}}{{end}}`), "longer than 1s"},
		"branching":          {both(`{{define "x"}}{{if .}}{{template "x" slice . 1}}{{template "x" slice . 1}}{{end}}{{end}}{{template "x" .Text}}x`), "longer than 1s"},
		"doubling":           {both(`{{$x := "0123456789abcdef"}}{{range 30}}{{$x = printf "%s%s" $x $x}}{{end}}x`), "1048576 bytes"},
		"doubling by print":  {both(`{{$x := "0123456789abcdef"}}{{range 30}}{{$x = print $x $x}}{{end}}x`), "1048576 bytes"},
		"doubling by json":   {both(`{{$x := "\\\""}}{{range 30}}{{$x = json $x}}{{end}}x`), "1048576 bytes"},
		"growing by html":    {both(`{{$x := "&&&&&&&&"}}{{range 999999}}{{$x = print $x (html $x)}}{{end}}x`), "1048576 bytes"},
		"many verbs":         {both(`{{printf "` + strings.Repeat("%s", 65) + `" "x"}}`), "at most 64"},
		"a loop that ends":   {both(`{{range 3}}x{{if eq . 1}}{{break}}{{end}}{{end}}{{range .Affected}}{{.Key.Name}}{{else}}{{template "y"}}{{end}}{{define "y"}}y{{end}}`), ""},
		"huge":               {both(strings.Repeat("x", 65<<10)), "65536"},
		"a fault in english": {sinks.Template{EN: "{{.X}}", JA: "x"}, "en: "},
		"one in japanese":    {sinks.Template{EN: "x", JA: "{{.X}}"}, "ja: "},
	} {
		t.Run(name, func(t *testing.T) {
			if c.says == "longer than 1s" {
				t.Parallel() // and after the others, which a loop beside them would slow down
			}
			for key, err := range map[string]error{"title": valid(c.template, sinks.Template{}), "text": valid(sinks.Template{}, c.template)} {
				if key == "text" && name == "empty title" {
					continue
				}
				if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), key+": ") || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("%v, want one with %q", err, c.says)
				}
				if err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 1024) {
					t.Errorf("not one short line: %v", err)
				}
			}
		})
	}
}

// FuzzTemplate wants no panic, and clean bounded texts of whatever compiles.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{.Title}}", "{{range .Affected}}{{.Key}}{{end}}", "{{.At.Format \"x\"}}", "{{slice .Text 1 2}}", "\x00\xff{{.Encode}}", "{{printf \"%s\" .Key.Hash}}", "{{cut -1 .Title}}", "{{range 9}}{{range 9}}{{end}}{{end}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tmpl := sinks.Template{EN: s}
		if valid(tmpl, tmpl) != nil {
			return
		}
		a := sinktest.Sample(1, event.Raised, "en")
		got, _ := through(t, sinks.Settings{Title: tmpl, Text: tmpl}, a)
		if got[0].Title == "" || len(got[0].Title) > sinks.MaxTitle || got[0].Title != sinks.Line(got[0].Title, sinks.MaxTitle) || !utf8.ValidString(got[0].Text) || len(got[0].Text) > sinks.MaxText {
			t.Errorf("%q, %q", got[0].Title, got[0].Text)
		}
	})
}
