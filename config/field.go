package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// fileSuffix makes the key that names the file of a secret.
const fileSuffix = "_file"

var (
	durationType = reflect.TypeFor[time.Duration]()
	sectionType  = reflect.TypeFor[*Section]()
	readerType   = reflect.TypeFor[encoding.TextUnmarshaler]()
	revealerType = reflect.TypeFor[interface{ Reveal() string }]()
)

// field is one key of a struct; those of inlined structs are its own.
type field struct {
	key, doc string
	index    []int
	typ      reflect.Type
	secret   bool
}

// record is what is known about a struct type.
type record struct {
	fields []field // in the order in which they are written in Go
	byKey  map[string]int
}

// keys lists every key that may be written, with the _file twins.
func (r *record) keys() []string {
	var out []string
	for _, f := range r.fields {
		out = append(out, f.key)
		if f.secret {
			out = append(out, f.key+fileSuffix)
		}
	}
	return out
}

func (r *record) field(key string) (field, bool) {
	i, ok := r.byKey[key]
	if !ok {
		return field{}, false
	}
	return r.fields[i], true
}

// types remembers the records of struct types.
type types map[reflect.Type]*record

func (ts types) of(t reflect.Type) *record {
	if r, ok := ts[t]; ok {
		return r
	}
	r := &record{byKey: map[string]int{}}
	ts[t] = r
	r.collect(t, nil)
	return r
}

// collect adds the fields of t, which is reached through index.
func (r *record) collect(t reflect.Type, index []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int(nil), index...), i)
		tag, ok := sf.Tag.Lookup("yaml")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !sf.IsExported() && !ok:
			continue
		case !sf.IsExported():
			panic(fmt.Sprintf("config: %s.%s has a yaml tag but is not exported", t, sf.Name))
		case options == "inline":
			if sf.Type.Kind() != reflect.Struct {
				panic(fmt.Sprintf("config: %s.%s: only a struct can be inlined", t, sf.Name))
			}
			r.collect(sf.Type, at)
			continue
		case name == "":
			panic(fmt.Sprintf("config: %s.%s has no yaml key; give it one, or yaml:\"-\" to leave it out", t, sf.Name))
		}
		f := field{key: name, doc: sf.Tag.Get("doc"), index: at, typ: sf.Type, secret: isSecret(sf.Type)}
		for _, key := range append([]string{f.key}, (&record{fields: []field{f}}).keys()...)[1:] {
			for _, other := range r.keys() {
				if other == key {
					panic(fmt.Sprintf("config: key %q stands twice in %s", key, t))
				}
			}
		}
		r.byKey[f.key] = len(r.fields)
		r.fields = append(r.fields, f)
	}
}

// check panics when a type below t cannot be read from a file.
func (ts types) check(t reflect.Type) {
	switch {
	case t == sectionType:
		return
	case isSecret(t) && !isText(t) && t.Kind() != reflect.String && t.Kind() != reflect.Pointer:
		panic(fmt.Sprintf("config: secret %s can neither be set as text nor reads itself", t))
	case isSecret(t):
		return
	case isText(t) && !composite(t):
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if t == sectionType.Elem() {
			panic("config: a section is a *Section, not a Section")
		}
		if _, seen := ts[t]; seen {
			return
		}
		for _, f := range ts.of(t).fields {
			ts.check(f.typ)
		}
	case reflect.Pointer, reflect.Slice:
		ts.check(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("config: keys of %s are not text", t))
		}
		ts.check(t.Elem())
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		panic(fmt.Sprintf("config: a value of type %s cannot be read from a file", t))
	}
}

// isText reports whether a value of type t reads itself from text.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(readerType) }

// isSecret reports whether t, or what it points to, hides its value.
func isSecret(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return reflect.PointerTo(t).Implements(revealerType)
}

// composite reports whether a value of type t may also be written as a list
// or a map although it reads itself from text.
func composite(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return t.Elem().Kind() != reflect.Uint8 // []byte types such as net.IP are text only
	case reflect.Struct:
		for i := range t.NumField() {
			if _, ok := t.Field(i).Tag.Lookup("yaml"); ok {
				return true
			}
		}
	}
	return false
}

// holdsSecret reports whether a secret may stand in a value of type t.
func (ts types) holdsSecret(t reflect.Type, seen ...reflect.Type) bool {
	switch {
	case t == sectionType || isSecret(t):
		return true
	case isText(t) && !composite(t) || slices.Contains(seen, t):
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return ts.holdsSecret(t.Elem(), seen...)
	case reflect.Struct:
		for _, f := range ts.of(t).fields {
			if ts.holdsSecret(f.typ, append(seen, t)...) {
				return true
			}
		}
	}
	return false
}
