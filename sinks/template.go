package sinks

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"text/template"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Template is a text of the operator's own that every alert fills: a Go
// text/template over event.Alert, written once for every language or as a
// map with one for each. What is empty leaves the built-in text.
type Template struct {
	EN string `yaml:"en" doc:"for alerts in English; default the built-in text"`
	JA string `yaml:"ja" doc:"for alerts in Japanese; default the built-in text"`
}

// UnmarshalText takes one text for every language.
func (t *Template) UnmarshalText(b []byte) error {
	t.EN, t.JA = string(b), string(b)
	return nil
}

// check renders every kind of alert in every language, and gives what comes
// out to look, if any.
func (t Template) check(look func(string) error) error {
	for _, l := range t.languages() {
		c, err := Compile(l.text, l.name)
		if err == nil {
			err = c.Check(MaxText, look)
		}
		switch {
		case err == nil:
		case t.EN == t.JA: // written once, without a key for the language
			return err
		default:
			return &setting.Error{Key: l.name, Err: err}
		}
	}
	return nil
}

// notEmpty refuses a title that nobody could see.
func notEmpty(title string) error {
	if strings.TrimSpace(Line(title, MaxTitle)) == "" {
		return words.Fail(words.TemplateEmptyTitle.With())
	}
	return nil
}

type inLanguage struct{ name, text string }

func (t Template) languages() []inLanguage {
	var ls []inLanguage
	for _, l := range []inLanguage{{"en", t.EN}, {"ja", t.JA}} {
		if l.text != "" {
			ls = append(ls, l)
		}
	}
	return ls
}

// Compiled is a template for alerts in one language. It is safe for
// concurrent use.
type Compiled struct {
	t        *template.Template
	language string
}

// Linked returns c with the addresses of alerts' pages, which it lacks otherwise.
func (c *Compiled) Linked(link func(event.Alert) string) (*Compiled, error) {
	t, err := c.t.Clone()
	if err != nil {
		return nil, fmt.Errorf("copy template: %w", err)
	}
	return &Compiled{t.Funcs(template.FuncMap{"link": link}), c.language}, nil
}

// maxTemplate bounds the text of a template in bytes.
const maxTemplate = 64 << 10

// Compile reads a template. It can use the fields and methods of event.Alert,
// what text/template has built in, and the functions below; nothing of them
// reads a file, the environment or the network.
func Compile(text, language string) (*Compiled, error) {
	if len(text) > maxTemplate {
		return nil, words.Fail(words.TemplateTooLong.With(len(text), maxTemplate))
	}
	t, err := template.New("line").Option("missingkey=error").Funcs(functions(In(language))).Parse(text)
	if err != nil {
		return nil, words.Fail(words.TemplateSyntax.With(reason(err)))
	}
	watch(t)
	return &Compiled{t, language}, nil
}

// functions are what a template can call beside those of text/template.
func functions(w *Words) template.FuncMap {
	return template.FuncMap{
		"transition": w.Transition, "state": w.StateOf, "severity": w.SeverityOf, "impact": w.ImpactOf, "kind": w.Kind,
		"time": w.Time, "acked": w.Acked, "lasting": w.Lasting,
		"since":    func(a event.Alert) string { return w.Lasting(a.At.Sub(a.StartedAt)) },
		"affected": func(most int, a event.Alert) string { return w.AffectedList(a, min(max(most, 0), MaxText)) },
		"link":     func(event.Alert) string { return "" },
		"cut":      func(most int, s string) string { return Cut(s, most) },
		"upper":    strings.ToUpper, "lower": strings.ToLower,
		"json": func(v any) (string, error) {
			b, err := json.Marshal(v)
			if err != nil {
				return "", err
			}
			return atMost(string(b))
		},
		"printf": printf, "print": made(fmt.Sprint), "println": made(fmt.Sprintln),
		"html": made(template.HTMLEscaper), "js": made(template.JSEscaper), "urlquery": made(template.URLQueryEscaper),
		"utc": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// Render returns the text for a, which is tidied first, or an error when it
// fails, would be longer than most bytes or takes longer than a second.
func (c *Compiled) Render(a event.Alert, most int) (text string, err error) {
	defer func() {
		if recover() != nil { // text/template lets errors of the run time through
			text, err = "", words.Fail(words.TemplatePanics.With())
		}
	}()
	out := &bounded{most: most, until: time.Now().Add(maxRender)}
	err = c.t.Execute(out, Tidy(a))
	switch {
	case out.late:
		return "", words.Fail(words.TemplateSlow.With(maxRender.String()))
	case out.full:
		return "", words.Fail(words.TemplateMakesTooMuch.With(most))
	case err != nil:
		return "", fmt.Errorf("%s", reason(err))
	}
	return out.String(), nil
}

// Check renders every kind of alert, and gives what comes out to look, if any.
func (c *Compiled) Check(most int, look func(string) error) error {
	for _, s := range samples(c.language) {
		text, err := c.Render(s.Alert, most)
		if err == nil && look != nil {
			err = look(text)
		}
		if err != nil {
			return fmt.Errorf("of the sample alert (%s): %w; docs/sinks.md lists the fields, and what only some alerts have belongs inside {{with}} or {{if}}", s.name, err)
		}
	}
	return nil
}

// reason takes the package's name and Go's type names out of an error of
// text/template, and makes it one line.
func reason(err error) string {
	s := strings.Replace(err.Error(), "template: line:", "line ", 1)
	s = strings.ReplaceAll(s, `executing "line" at `, "")
	return strings.ReplaceAll(Line(s, maxReason), "; ", ", ")
}

// Titled returns s, or one that gives it every alert with the title and the
// text of o's templates. Where one of them fails, or makes an empty title,
// the alert keeps its own and the log tells so once.
func Titled(s Sink, o Settings, env Env) (Sink, error) {
	t := &titled{wrapped: wrapped{s}, log: env.Log}
	for _, x := range []struct {
		from Template
		to   *map[*Words]*Compiled
	}{{o.Title, &t.title}, {o.Text, &t.text}} {
		*x.to = map[*Words]*Compiled{}
		for _, l := range x.from.languages() {
			c, err := Compile(l.text, l.name)
			if err == nil {
				c, err = c.Linked(env.Link)
			}
			if err != nil {
				return nil, err // Validate has refused it
			}
			(*x.to)[In(l.name)] = c
		}
	}
	if len(t.title)+len(t.text) == 0 {
		return s, nil
	}
	return t, nil
}

// titled puts the operator's words before a sink.
type titled struct {
	wrapped
	title, text map[*Words]*Compiled // by language
	log         *slog.Logger
	logged      sync.Once
}

func (t *titled) Send(ctx context.Context, a event.Alert) error {
	language := In(a.Language)
	title, ok := t.render(t.title[language], a)
	if ok {
		if err := notEmpty(title); err != nil {
			t.failed(err)
			ok = false
		}
	}
	text, hasText := t.render(t.text[language], a)
	if ok {
		a.Title = strings.TrimSpace(Line(title, MaxTitle))
	}
	if hasText {
		a.Text = strings.TrimSpace(Lines(text, MaxText))
	}
	return t.Sink.Send(ctx, a)
}

// render returns the text of c for a, and whether there is one.
func (t *titled) render(c *Compiled, a event.Alert) (string, bool) {
	if c == nil {
		return "", false
	}
	s, err := c.Render(a, MaxText)
	if err != nil {
		t.failed(err)
	}
	return s, err == nil
}

func (t *titled) failed(err error) {
	t.logged.Do(func() {
		t.log.Warn("a template failed; this alert, and any other it fails for, keeps its built-in text", "error", err)
	})
}
