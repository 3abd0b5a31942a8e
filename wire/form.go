package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Form knows how values of T, a struct, look in JSON. It is safe for
// concurrent use.
type Form[T any] struct {
	plan  *object   // nil: T is left to encoding/json
	rooms sync.Pool // of *room[T], where records grow before they are copied
}

// Of returns the Form of T.
func Of[T any]() *Form[T] {
	return &Form[T]{plan: planOf(reflect.TypeFor[T](), nil)}
}

// Append appends the JSON of v to b. After an error b is unchanged.
func (f *Form[T]) Append(b []byte, v *T) ([]byte, error) {
	if f.plan == nil {
		return appendAny(b, reflect.ValueOf(v))
	}
	out, err := f.plan.append(b, reflect.ValueOf(v).Elem())
	if err != nil {
		return b, err
	}
	return out, nil
}

// Encode returns the JSON of v in memory of its own, which is as large as it
// needs to be.
func (f *Form[T]) Encode(v *T) ([]byte, error) {
	r, ok := f.rooms.Get().(*room[T])
	if !ok {
		r = new(room[T])
	}
	r.value = *v // so v itself needs no place in the heap
	b, err := f.Append(r.text[:0], &r.value)
	out := bytes.Clone(b)
	r.value = *new(T)
	if cap(b) <= mostRoom {
		r.text = b
		f.rooms.Put(r)
	}
	return out, err
}

// room is what encoding needs for a moment.
type room[T any] struct {
	value T
	text  []byte
}

// mostRoom is the largest memory that is kept for the next record.
const mostRoom = 64 << 10

// Decode reads b into a new T.
func (f *Form[T]) Decode(b []byte) (v T, err error) {
	err = f.DecodeInto(b, &v)
	return v, err
}

// DecodeInto reads b into v, which must be empty.
func (f *Form[T]) DecodeInto(b []byte, v *T) error { return f.decode(reader{b: b}, v) }

// DecodeSharing is DecodeInto for what is soon forgotten: its texts are parts of
// one copy of b, which lives as long as any of them.
func (f *Form[T]) DecodeSharing(b []byte, v *T) error { return f.decode(sharing(b), v) }

func (f *Form[T]) decode(r reader, v *T) error {
	b := r.b
	if f.plan != nil {
		if r.object(f.plan, reflect.ValueOf(v).Elem()) && r.at == len(b) {
			return nil
		}
		*v = *new(T)
	}
	return json.Unmarshal(b, v)
}

// object is the plan of one struct type: its fields in the order in which
// they are written.
type object struct{ fields []field }

type field struct {
	index     int
	key       string // "name": as it is written
	name      string
	omitEmpty bool
	omitZero  bool
	value     value
}

// value is the plan of one value.
type value struct {
	kind kind
	elem *value  // of a pointer, slice or map
	plan *object // of a struct
}

type kind int

const (
	foreign kind = iota // left to encoding/json
	text
	integer
	unsigned
	boolean
	moment
	structure
	pointer
	list
	mapping // is written by encoding/json, which sorts the keys
	own     // writes and reads itself, see Own
)

// Own is a type that encoding/json asks for its JSON, and that can do the same
// for a Form without the detour.
type Own interface {
	json.Marshaler
	// AppendWire appends what MarshalJSON returns.
	AppendWire(b []byte) ([]byte, error)
}

// OwnReader is how *Own is read.
type OwnReader interface {
	json.Unmarshaler
	// ReadWire takes its value from the head of b and returns what follows, or
	// reports false where UnmarshalJSON must look.
	ReadWire(b []byte) (rest []byte, ok bool)
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	isZeroer        = reflect.TypeFor[interface{ IsZero() bool }]()
	ownType         = reflect.TypeFor[Own]()
	ownReader       = reflect.TypeFor[OwnReader]()
	momentType      = reflect.TypeFor[time.Time]()
)

// planOf returns the plan of a struct type, or nil where encoding/json has
// rules that are not known here. outer are the types that it is inside of.
func planOf(t reflect.Type, outer []reflect.Type) *object {
	if t.Kind() != reflect.Struct || custom(t) {
		return nil
	}
	for _, o := range outer {
		if o == t {
			return nil
		}
	}
	outer = append(outer[:len(outer):len(outer)], t)
	p := &object{}
	seen := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return nil
		}
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		folded := strings.ToLower(name) // encoding/json finds fields whatever their case
		if seen[folded] || !simple(name) {
			return nil
		}
		seen[folded] = true
		fd := field{index: i, name: name, key: `"` + name + `":`, value: valueOf(f.Type, outer)}
		for o := range strings.SplitSeq(options, ",") {
			switch o {
			case "":
			case "omitempty":
				fd.omitEmpty = true
			case "omitzero":
				fd.omitZero = true
				if t := f.Type; t != momentType && (t.Implements(isZeroer) || reflect.PointerTo(t).Implements(isZeroer)) {
					return nil
				}
			default:
				return nil
			}
		}
		p.fields = append(p.fields, fd)
	}
	return p
}

// simple reports whether a key is written without escapes.
func simple(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}

func valueOf(t reflect.Type, outer []reflect.Type) value {
	if t == momentType {
		return value{kind: moment}
	}
	if t.Implements(ownType) && reflect.PointerTo(t).Implements(ownReader) {
		return value{kind: own}
	}
	if custom(t) {
		return value{}
	}
	switch t.Kind() {
	case reflect.String:
		if t != reflect.TypeFor[json.Number]() {
			return value{kind: text}
		}
	case reflect.Int, reflect.Int64:
		return value{kind: integer}
	case reflect.Uint, reflect.Uint64:
		return value{kind: unsigned}
	case reflect.Bool:
		return value{kind: boolean}
	case reflect.Struct:
		if p := planOf(t, outer); p != nil {
			return value{kind: structure, plan: p}
		}
	case reflect.Pointer:
		if e := valueOf(t.Elem(), outer); e.kind == structure {
			return value{kind: pointer, elem: &e}
		}
	case reflect.Slice:
		if e := valueOf(t.Elem(), outer); e.kind == structure || e.kind == text {
			return value{kind: list, elem: &e}
		}
	case reflect.Map:
		if e := valueOf(t.Elem(), outer); (e.kind == structure || e.kind == text) && valueOf(t.Key(), outer).kind == text {
			return value{kind: mapping, elem: &e}
		}
	}
	return value{}
}

// custom reports whether a type has its own way with encoding/json.
func custom(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		for _, i := range []reflect.Type{jsonMarshaler, jsonUnmarshaler, textMarshaler, textUnmarshaler} {
			if t.Implements(i) {
				return true
			}
		}
	}
	return false
}
