package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

type validator interface{ Validate() error }

// validate calls the Validate methods of v and of everything below it, the
// inner ones first. A value that was not set as written is left out: what it
// would complain about has been told.
func (f *File) validate(v reflect.Value, path string, tainted []string) {
	t := v.Type()
	switch {
	case t == sectionType:
		return
	case t.Kind() == reflect.Pointer:
		if !v.IsNil() {
			f.validate(v.Elem(), path, tainted)
		}
		return
	case isText(t) && !composite(t):
	case t.Kind() == reflect.Struct:
		for _, fd := range f.types.of(t).fields {
			f.validate(v.FieldByIndex(fd.index), join(path, fd.key), tainted)
		}
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			f.validate(v.Index(i), item(path, i), tainted)
		}
	case t.Kind() == reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			e := reflect.New(t.Elem()).Elem() // values of a map have no address
			e.Set(v.MapIndex(k))
			f.validate(e, join(path, k.String()), tainted)
		}
	}
	x, ok := v.Addr().Interface().(validator)
	if !ok || slices.ContainsFunc(tainted, func(p string) bool { return under(p, path) }) {
		return
	}
	for _, s := range split(x.Validate()) {
		f.problems = append(f.problems, f.problem(below(path, s.key), s.said))
	}
}

// setting is a complaint about one key.
type badKey struct {
	key  string
	said event.Said
}

// split takes the errors of a Validate method apart.
func split(err error) []badKey {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var out []badKey
		var texts []string
		for _, e := range j.Unwrap() {
			out = append(out, split(e)...)
			texts = append(texts, e.Error())
		}
		if err.Error() == strings.Join(texts, "\n") { // errors.Join adds no words of its own
			return out
		}
	}
	var k interface{ SettingKey() string }
	if !errors.As(err, &k) {
		return []badKey{{said: words.Of(err)}}
	}
	keyed := k.(error)
	inner := errors.Unwrap(keyed)
	if keyed.Error() != err.Error() || inner == nil {
		return []badKey{{key: k.SettingKey(), said: words.Quoted.With(errors.New(strings.TrimPrefix(err.Error(), k.SettingKey()+": ")))}}
	}
	out := split(inner)
	for i := range out {
		out[i].key = below(k.SettingKey(), out[i].key)
	}
	return out
}

// below joins a path and a relative path as SettingKey gives it.
func below(path, rel string) string {
	if path == "" || rel == "" || rel[0] == '[' {
		return path + rel
	}
	return path + "." + rel
}
