package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Part describes one kind of Section for the reference and the schema.
type Part struct {
	Path    string // where such sections stand: "sinks"
	Type    string // the value of `type:` that means this kind; empty where there is only one kind
	Doc     string // one paragraph
	Targets []any  // what Section.Decode gets: pointers to structs that hold the defaults
}

const preamble = `# Configuration reference

Made by ` + "`dswatch config reference`" + ` from the program itself.

- Durations are written with units: ` + "`500ms`, `20s`, `5m`, `4h`, `1h30m`" + `. A bare number is refused.
- Sizes are written with units: ` + "`1472B`, `64KiB`, `10MB`" + `.
- Text needs quotes where it begins with one of ` + "`[ ] { } & * ! | > % @ \" '`" + ` or a backquote, or holds ` + "`: ` or ` #`" + `.
- A key that is absent, or a map or list with nothing behind its key, has its default. A list or map that is written replaces its default.
- Beside every secret KEY, KEY` + fileSuffix + ` is accepted: the path of a file, relative to the folder of the configuration, that holds the secret and nothing
  else; one line break at its end is cut. Give it mode 0600.
- ` + "`[]`" + ` in a key stands for each entry of a list, ` + "`*`" + ` for each key of a map.
`

// Reference writes the manual of every key in Markdown: type, default and
// doc tag, from the struct that root points to and from parts. It fails when
// a key has no doc tag, or a section no part.
func Reference(w io.Writer, root any, parts []Part) error {
	r := manual{types: types{}, parts: parts, used: map[string]bool{}}
	v := pointee(root)
	r.types.check(v.Type())
	r.b.WriteString(preamble)
	r.root(v)
	for _, p := range parts {
		if !r.used[p.Path] {
			r.fail("part %q: there is no section of this path", p.Path)
		}
	}
	if len(r.errs) > 0 {
		return fmt.Errorf("write reference: %w", errors.Join(r.errs...))
	}
	_, err := io.WriteString(w, r.b.String())
	return err
}

type manual struct {
	types types
	parts []Part
	used  map[string]bool // paths of parts that have a place
	b     strings.Builder
	stack []reflect.Type // structs being described, to end at a type that holds itself
	errs  []error
}

func (r *manual) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

// root writes one table of the single values at the top and a chapter for
// each other key.
func (r *manual) root(v reflect.Value) {
	var top, chapters []field
	for _, f := range r.types.of(v.Type()).fields {
		if kindOf(f.typ) == "" {
			chapters = append(chapters, f)
		} else {
			top = append(top, f)
		}
	}
	if len(top) > 0 {
		r.b.WriteString("\n## At the top\n")
		r.head()
		for _, f := range top {
			r.row(f, v.FieldByIndex(f.index), f.key, true)
		}
	}
	for _, f := range chapters {
		fmt.Fprintf(&r.b, "\n## %s\n", f.key)
		r.head()
		r.row(f, v.FieldByIndex(f.index), f.key, true)
		r.sections(f.typ, f.key)
	}
}

func (r *manual) head() { r.b.WriteString("\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n") }

// row writes the row of a key and those of the keys below it. Entries of
// lists and maps begin empty, so below them there are no defaults.
func (r *manual) row(f field, v reflect.Value, path string, defaults bool) {
	if f.doc == "" {
		r.fail("%s has no doc tag", path)
	}
	doc, def := f.doc, ""
	if f.secret {
		doc = strings.TrimSuffix(doc, ".") + ". Secret: better in a file of its own, named by " + f.key + fileSuffix + "."
	}
	if defaults {
		def = r.byDefault(v)
	}
	fmt.Fprintf(&r.b, "| `%s` | %s | %s | %s |\n", path, cell(typeName(f.typ)), cell(def), cell(doc))
	r.rows(v, path, defaults)
}

// rows writes the rows of the keys below v.
func (r *manual) rows(v reflect.Value, path string, defaults bool) {
	t := v.Type()
	switch {
	case t == sectionType || isSecret(t) || isText(t) && !composite(t):
		return
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v = reflect.New(t.Elem())
			defaults = false
		}
		r.rows(v.Elem(), path, defaults)
	case t.Kind() == reflect.Slice:
		r.rows(reflect.New(t.Elem()).Elem(), path+"[]", false)
	case t.Kind() == reflect.Map:
		r.rows(reflect.New(t.Elem()).Elem(), path+".*", false)
	case t.Kind() == reflect.Struct && !slices.Contains(r.stack, t):
		r.stack = append(r.stack, t)
		for _, f := range r.types.of(t).fields {
			r.row(f, v.FieldByIndex(f.index), path+"."+f.key, defaults)
		}
		r.stack = r.stack[:len(r.stack)-1]
	}
}

// sections writes a chapter for each part at path, and looks for sections
// below it.
func (r *manual) sections(t reflect.Type, path string) {
	switch {
	case t == sectionType:
		r.used[path] = true
		found := false
		for _, p := range r.parts {
			if p.Path == path {
				found = true
				r.part(p)
			}
		}
		if !found {
			r.fail("section %s has no part", path)
		}
	case isSecret(t) || isText(t) && !composite(t):
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		r.sections(t.Elem(), path)
	case t.Kind() == reflect.Struct && !slices.Contains(r.stack, t):
		r.stack = append(r.stack, t)
		for _, f := range r.types.of(t).fields {
			r.sections(f.typ, path+"."+f.key)
		}
		r.stack = r.stack[:len(r.stack)-1]
	}
}

func (r *manual) part(p Part) {
	title := p.Path
	if p.Type != "" {
		title += ": type " + p.Type
	}
	fmt.Fprintf(&r.b, "\n### %s\n", title)
	if p.Doc != "" {
		fmt.Fprintf(&r.b, "\n%s\n", p.Doc)
	}
	r.head()
	seen := map[string]bool{}
	for _, target := range p.Targets {
		v := pointee(target)
		r.types.check(v.Type())
		for _, f := range r.types.of(v.Type()).fields {
			if !seen[f.key] {
				seen[f.key] = true
				r.row(f, v.FieldByIndex(f.index), f.key, true)
			}
		}
	}
}

// byDefault is the default as it would be written; empty where nothing is.
func (r *manual) byDefault(v reflect.Value) string {
	t := v.Type()
	switch {
	case t == sectionType || t.Kind() == reflect.Pointer && v.IsNil():
		return ""
	case t.Kind() == reflect.Pointer:
		return r.byDefault(v.Elem())
	case isText(t) && v.IsZero(), t.Kind() == reflect.String && v.IsZero():
		return ""
	case t.Kind() == reflect.Struct && !isText(t), (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && v.Len() == 0:
		return ""
	}
	p := printer{types: r.types}
	s := p.render(v, "", 0)
	r.errs = append(r.errs, p.errs...)
	if strings.HasPrefix(s, "\n") {
		return "see `dswatch config show`"
	}
	return "`" + strings.ReplaceAll(s, "`", "'") + "`"
}

// kindOf names the type of a single value, and is empty for any other.
func kindOf(t reflect.Type) string {
	switch {
	case t == sectionType:
		return ""
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem())
	case isSecret(t):
		return "secret"
	case t == durationType:
		return "duration"
	case composite(t):
		return ""
	case isText(t):
		if t == reflect.TypeFor[time.Time]() || t.Name() == "" {
			return "text"
		}
		return strings.ToLower(t.Name())
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Map, reflect.Struct:
		return ""
	}
	if low, high, ok := limits(t); ok {
		return fmt.Sprintf("whole number, %d to %d", low, high)
	}
	if v := reflect.Zero(t); v.CanUint() {
		return "whole number, 0 or more"
	}
	return "whole number"
}

// limits returns the smallest and the largest value of a whole number whose
// type is narrower than that of most numbers.
func limits(t reflect.Type) (low, high int64, ok bool) {
	bits := t.Bits()
	switch {
	case bits > 32:
		return 0, 0, false
	case reflect.Zero(t).CanUint():
		return 0, 1<<bits - 1, true
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1, true
}

// typeName names any type.
func typeName(t reflect.Type) string {
	if s := kindOf(t); s != "" {
		return s
	}
	switch {
	case t == sectionType || t.Kind() == reflect.Struct:
		return "map"
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + plural(typeName(t.Elem()))
	}
	return "map of " + plural(typeName(t.Elem()))
}

func plural(name string) string {
	for _, noun := range []string{"whole number", "number", "secret", "duration", "size", "map", "list"} {
		if rest, ok := strings.CutPrefix(name, noun); ok {
			return noun + "s" + rest
		}
	}
	return name
}

// cell makes s fit into one cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}
