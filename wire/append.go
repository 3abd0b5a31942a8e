package wire

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

func (p *object) append(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	first := true
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if f.omitEmpty && empty(fv) || f.omitZero && f.zero(fv) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.key...)
		var err error
		if b, err = f.value.append(b, fv); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (f *field) zero(v reflect.Value) bool {
	if f.value.kind == moment {
		return v.Addr().Interface().(*time.Time).IsZero()
	}
	return v.IsZero()
}

// empty is what encoding/json takes for empty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func (p *value) append(b []byte, v reflect.Value) ([]byte, error) {
	switch p.kind {
	case text:
		return appendText(b, v.String()), nil
	case integer:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case unsigned:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case boolean:
		return strconv.AppendBool(b, v.Bool()), nil
	case moment:
		b = append(b, '"')
		b, err := v.Addr().Interface().(*time.Time).AppendText(b)
		return append(b, '"'), err
	case own:
		return v.Addr().Interface().(Own).AppendWire(b)
	case structure:
		return p.plan.append(b, v)
	case pointer:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return p.elem.append(b, v.Elem())
	case list:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = p.elem.append(b, v.Index(i)); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
	return appendAny(b, v.Addr())
}

// appendAny leaves what v points to to encoding/json.
func appendAny(b []byte, v reflect.Value) ([]byte, error) {
	part, err := json.Marshal(v.Interface())
	return append(b, part...), err
}

// AppendText appends the JSON of a string, as json.Marshal writes it.
func AppendText(b []byte, s string) []byte { return appendText(b, s) }

// appendText writes a string, with the escapes of encoding/json, which makes
// it safe in HTML too.
func appendText(b []byte, s string) []byte {
	start := len(b)
	b = append(b, '"')
	from := 0 // what follows is not written yet
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !plain[c] {
				b = appendEscape(append(b, s[from:i]...), c)
				from = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
			part, _ := json.Marshal(s) // a string has no error
			return append(b[:start], part...)
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}

// appendEscape writes an ASCII character that does not stand for itself.
func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// plain are the ASCII bytes that stand for themselves in a string.
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return t
}()
