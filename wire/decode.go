package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// reader reads what append writes. Its methods report false at anything else,
// and the text is then read by encoding/json from its beginning.
type reader struct {
	b     []byte
	at    int
	whole string // b as text that is kept, for all that is read; empty: each text is copied
}

// sharing returns a reader of which the texts are parts of one copy of b.
func sharing(b []byte) reader { return reader{b: b, whole: string(b)} }

// next takes c if it comes next.
func (r *reader) next(c byte) bool {
	if r.at < len(r.b) && r.b[r.at] == c {
		r.at++
		return true
	}
	return false
}

// word takes s if it comes next.
func (r *reader) word(s string) bool {
	if len(r.b)-r.at >= len(s) && string(r.b[r.at:r.at+len(s)]) == s {
		r.at += len(s)
		return true
	}
	return false
}

// object reads fields in the order of the plan; each may be left out.
func (r *reader) object(p *object, v reflect.Value) bool {
	if !r.next('{') {
		return false
	}
	if r.next('}') {
		return true
	}
	for i := range p.fields {
		f := &p.fields[i]
		if !r.word(f.key) {
			continue
		}
		if !r.value(&f.value, v.Field(f.index)) {
			return false
		}
		if r.next('}') {
			return true
		}
		if !r.next(',') {
			return false
		}
	}
	return false
}

func (r *reader) value(p *value, v reflect.Value) bool {
	switch p.kind {
	case text:
		s, ok := r.text()
		if ok {
			v.SetString(s)
		}
		return ok
	case integer:
		sign := int64(1)
		if r.next('-') {
			sign = -1
		}
		n, ok := r.digits()
		if ok {
			v.SetInt(sign * n)
		}
		return ok
	case unsigned:
		n, ok := r.digits()
		if ok {
			v.SetUint(uint64(n))
		}
		return ok
	case boolean:
		v.SetBool(r.at < len(r.b) && r.b[r.at] == 't')
		return r.word("true") || r.word("false")
	case moment:
		raw, usual, _ := r.raw()
		return usual && v.Addr().Interface().(*time.Time).UnmarshalText(raw) == nil
	case own:
		rest, ok := v.Addr().Interface().(OwnReader).ReadWire(r.b[r.at:])
		r.at = len(r.b) - len(rest)
		return ok
	case structure:
		return r.object(p.plan, v)
	case pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return r.value(p.elem, v.Elem())
	case list:
		return r.list(p, v)
	case mapping:
		return r.mapping(p, v)
	}
	return false
}

func (r *reader) list(p *value, v reflect.Value) bool {
	if !r.next('[') {
		return false
	}
	all := reflect.MakeSlice(v.Type(), 0, 0)
	if !r.next(']') {
		one := reflect.New(v.Type().Elem()).Elem()
		for {
			one.SetZero()
			if !r.value(p.elem, one) {
				return false
			}
			all = reflect.Append(all, one)
			if r.next(']') {
				break
			}
			if !r.next(',') {
				return false
			}
		}
	}
	v.Set(all)
	return true
}

// mapping reads a map; of a key that comes twice the last value counts.
func (r *reader) mapping(p *value, v reflect.Value) bool {
	if !r.next('{') {
		return false
	}
	t := v.Type()
	all := reflect.MakeMap(t)
	if !r.next('}') {
		key, one := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for {
			name, ok := r.text()
			if !ok || !r.next(':') {
				return false
			}
			key.SetString(name)
			one.SetZero()
			if !r.value(p.elem, one) {
				return false
			}
			all.SetMapIndex(key, one)
			if r.next('}') {
				break
			}
			if !r.next(',') {
				return false
			}
		}
	}
	v.Set(all)
	return true
}

// digits reads a number of up to 18 digits.
func (r *reader) digits() (n int64, ok bool) {
	begin := r.at
	for r.at < len(r.b) && r.b[r.at] >= '0' && r.b[r.at] <= '9' {
		n = n*10 + int64(r.b[r.at]-'0')
		r.at++
	}
	length := r.at - begin
	return n, length == 1 || length > 1 && length <= 18 && r.b[begin] != '0'
}

// raw takes a string as it stands, and returns what is between its quotes.
// usual says that this is the string, without escapes and in ASCII.
func (r *reader) raw() (inside []byte, usual, ok bool) {
	if !r.next('"') {
		return nil, false, false
	}
	usual = true
	for i := r.at; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			inside = r.b[r.at:i]
			r.at = i + 1
			return inside, usual, true
		case c == '\\':
			usual = false
			i++
		case c < ' ', c >= utf8.RuneSelf:
			usual = false
		}
	}
	return nil, false, false
}

func (r *reader) text() (string, bool) {
	inside, usual, ok := r.raw()
	switch end := r.at - 1; {
	case !ok:
		return "", false
	case r.whole != "" && (usual || literal(inside)):
		return r.whole[end-len(inside) : end], true
	case usual:
		return string(inside), true
	}
	if s, ok := unescaped(inside); ok {
		return s, true
	}
	var s string
	err := json.Unmarshal(r.b[r.at-len(inside)-2:r.at], &s)
	return s, err == nil
}

// literal reports whether b is the text that it stands for.
func literal(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(b)
}

// unescaped reads valid text with the escapes that appendEscape writes.
func unescaped(b []byte) (string, bool) {
	if !utf8.Valid(b) {
		return "", false
	}
	var s strings.Builder
	s.Grow(len(b))
	for from := 0; ; {
		n := bytes.IndexByte(b[from:], '\\')
		if n < 0 {
			n = len(b) - from
		}
		for _, c := range b[from : from+n] {
			if c < ' ' {
				return "", false
			}
		}
		s.Write(b[from : from+n])
		if from += n; from == len(b) {
			return s.String(), true
		}
		if from+1 == len(b) {
			return "", false
		}
		switch c := b[from+1]; c {
		case '"', '\\':
			s.WriteByte(c)
		case 'b':
			s.WriteByte('\b')
		case 'f':
			s.WriteByte('\f')
		case 'n':
			s.WriteByte('\n')
		case 'r':
			s.WriteByte('\r')
		case 't':
			s.WriteByte('\t')
		case 'u':
			if len(b) < from+6 || b[from+2] != '0' || b[from+3] != '0' {
				return "", false
			}
			n, err := strconv.ParseUint(string(b[from+4:from+6]), 16, 8)
			if err != nil || n >= utf8.RuneSelf {
				return "", false
			}
			s.WriteByte(byte(n))
			from += 4
		default:
			return "", false
		}
		from += 2
	}
}

// ReadText appends the string that b begins with to to, and returns what
// follows it.
func ReadText(to, b []byte) (text, rest []byte, ok bool) {
	r := reader{b: b}
	inside, usual, ok := r.raw()
	switch {
	case !ok:
		return to, b, false
	case usual:
		return append(to, inside...), b[r.at:], true
	}
	s, ok := unescaped(inside)
	if !ok {
		return to, b, false
	}
	return append(to, s...), b[r.at:], true
}
