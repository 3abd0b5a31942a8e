package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Show writes what into holds as YAML: the effective configuration, defaults
// filled in, in the order of the Go fields. A secret that came from a file is
// shown as its KEY_file, any other as "[redacted]", and user names and
// passwords inside URLs are redacted; apart from these, what Show wrote reads
// back as the same values. Sections are shown as they were last decoded, so
// they must have been.
func (f *File) Show(w io.Writer, into any) error {
	p := printer{types: f.types, files: f.files}
	s := p.render(pointee(into), "", 0)
	if len(p.errs) > 0 {
		return fmt.Errorf("show configuration: %w", errors.Join(p.errs...))
	}
	_, err := io.WriteString(w, strings.TrimPrefix(s, "\n")+"\n")
	return err
}

// printer writes Go values as YAML.
type printer struct {
	types types
	files map[string]string
	errs  []error
}

// entry is a line or more of a map.
type entry struct{ key, text string }

// render returns v as it stands behind "key:" or "-": a scalar or a list in
// brackets on the same line, or lines that begin with a line break.
func (p *printer) render(v reflect.Value, path string, indent int) string {
	t := v.Type()
	switch {
	case t == sectionType && !v.IsNil():
		return p.section(v.Interface().(*Section), path, indent)
	case t.Kind() == reflect.Pointer && v.IsNil():
		return "null"
	case t.Kind() == reflect.Pointer:
		return p.render(v.Elem(), path, indent)
	case isSecret(t):
		if v.IsZero() {
			return `""`
		}
		return strconv.Quote(redacted)
	case t == durationType:
		return Duration(time.Duration(v.Int()))
	case isText(t) && !composite(t):
		return quote(hideUserinfo(p.text(v, path)))
	}
	switch t.Kind() {
	case reflect.Struct:
		return block(p.structs([]reflect.Value{v}, path, indent+2), indent)
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		var out []entry
		for _, k := range keys {
			out = append(out, entry{quote(k.String()), p.render(v.MapIndex(k), join(path, k.String()), indent+2)})
		}
		return block(out, indent)
	case reflect.Slice:
		return p.list(v, path, indent)
	case reflect.String:
		return quote(hideUserinfo(v.String()))
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, t.Bits())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	}
	if v.CanInt() { // also of types with a String method: the file holds digits
		return strconv.FormatInt(v.Int(), 10)
	}
	return strconv.FormatUint(v.Uint(), 10)
}

// text is what a type that reads itself would read back.
func (p *printer) text(v reflect.Value, path string) string {
	c := reflect.New(v.Type()) // an address, for methods that want one
	c.Elem().Set(v)
	switch x := c.Interface().(type) {
	case encoding.TextMarshaler:
		b, err := x.MarshalText()
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s: %w", path, err))
		}
		return string(b)
	case fmt.Stringer:
		return x.String()
	}
	return fmt.Sprint(v.Interface())
}

// structs returns the entries of several structs as those of one map. What
// is unset and could not be read back (a nil pointer, a type whose zero value
// has no text) is left out.
func (p *printer) structs(values []reflect.Value, path string, indent int) []entry {
	var out []entry
	seen := map[string]bool{}
	for _, v := range values {
		for _, f := range p.types.of(v.Type()).fields {
			if seen[f.key] {
				continue
			}
			seen[f.key] = true
			fv, below := v.FieldByIndex(f.index), join(path, f.key)
			switch {
			case fv.Kind() == reflect.Pointer && fv.IsNil():
			case f.secret && p.files[below] != "":
				out = append(out, entry{f.key + fileSuffix, quote(p.files[below])})
			case !f.secret && isText(f.typ) && !composite(f.typ) && fv.IsZero() && p.text(fv, below) == "":
			default:
				out = append(out, entry{f.key, p.render(fv, below, indent)})
			}
		}
	}
	return out
}

func (p *printer) section(s *Section, path string, indent int) string {
	if s.targets == nil {
		p.errs = append(p.errs, fmt.Errorf("section %s was not decoded", path))
		return "{}"
	}
	values := make([]reflect.Value, len(s.targets))
	for i, t := range s.targets {
		values[i] = pointee(t)
	}
	return block(p.structs(values, path, indent+2), indent)
}

func (p *printer) list(v reflect.Value, path string, indent int) string {
	var parts []string
	lines := false
	for i := range v.Len() {
		s := p.render(v.Index(i), item(path, i), indent+2)
		lines = lines || strings.HasPrefix(s, "\n") || s == "{}"
		parts = append(parts, s)
	}
	if !lines {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var b strings.Builder
	pad := "\n" + strings.Repeat(" ", indent)
	for _, s := range parts {
		b.WriteString(pad + "- " + strings.TrimLeft(s, "\n "))
	}
	return b.String()
}

// block joins the entries of a map, one a line.
func block(entries []entry, indent int) string {
	if len(entries) == 0 {
		return "{}"
	}
	var b strings.Builder
	for _, e := range entries {
		b.WriteString("\n" + strings.Repeat(" ", indent) + e.key + ":")
		if !strings.HasPrefix(e.text, "\n") {
			b.WriteByte(' ')
		}
		b.WriteString(e.text)
	}
	return b.String()
}

// Duration writes d as the configuration reads it, without units of zero:
// 4h, not 4h0m0s.
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// bare matches text that every YAML reader takes as the same text without
// quotes, apart from words and numbers with a meaning of their own.
var (
	bare    = regexp.MustCompile(`^[A-Za-z0-9/_.+][A-Za-z0-9/_.:@+-]*$`)
	meaning = regexp.MustCompile(`^(?i:null|true|false|yes|no|on|off|y|n|[-+.0-9][-+.0-9_:exoabcdfin]*)$|:$`)
)

// quote writes s as a YAML scalar that is read back as text.
func quote(s string) string {
	if bare.MatchString(s) && !meaning.MatchString(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsGraphic(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
