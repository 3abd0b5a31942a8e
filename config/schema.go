package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
)

// Schema writes a JSON Schema (draft 2020-12) of the file that the struct
// behind root describes, for editors. It is not stricter than Parse, which
// also looks at what no schema can tell. It fails when a section has no part.
func Schema(w io.Writer, root any, parts []Part) error {
	s := schema{types: types{}, parts: parts}
	v := pointee(root)
	s.types.check(v.Type())
	out := s.of(v, "", true)
	if len(s.errs) > 0 {
		return fmt.Errorf("write schema: %w", errors.Join(s.errs...))
	}
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = "dswatch configuration"
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

type object = map[string]any

type schema struct {
	types types
	parts []Part
	stack []reflect.Type
	errs  []error
}

// texts are the types of a value that is taken as it is written.
var texts = []string{"string", "number", "boolean"}

const durationPattern = `^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`

// of describes the type of v, and v as the default where there is one.
func (s *schema) of(v reflect.Value, path string, defaults bool) object {
	t := v.Type()
	switch {
	case t == sectionType:
		return s.section(path)
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v, defaults = reflect.New(t.Elem()), false
		}
		return s.of(v.Elem(), path, defaults)
	case isSecret(t):
		return object{"type": texts}
	case t == durationType:
		return s.withDefault(object{"type": "string", "pattern": durationPattern}, v, defaults)
	case isText(t) && composite(t):
		return object{"anyOf": []object{{"type": texts}, s.plain(v, path, false)}}
	case isText(t):
		return s.withDefault(object{"type": texts}, v, defaults)
	}
	return s.plain(v, path, defaults)
}

// plain describes a type that does not read itself.
func (s *schema) plain(v reflect.Value, path string, defaults bool) object {
	t := v.Type()
	out := object{}
	switch t.Kind() {
	case reflect.Struct:
		if slices.Contains(s.stack, t) { // a type that holds itself
			return object{"type": []string{"object", "null"}}
		}
		s.stack = append(s.stack, t)
		out = s.structs([]reflect.Value{v}, path, defaults)
		s.stack = s.stack[:len(s.stack)-1]
		return out
	case reflect.Slice:
		out["type"] = []string{"array", "null"}
		out["items"] = s.of(reflect.New(t.Elem()).Elem(), path, false)
	case reflect.Map:
		out["type"] = []string{"object", "null"}
		out["additionalProperties"] = s.of(reflect.New(t.Elem()).Elem(), path, false)
	case reflect.String:
		out["type"] = texts
	case reflect.Bool:
		out["type"] = "boolean"
	case reflect.Float32, reflect.Float64:
		out["type"] = "number"
	default:
		out["type"] = "integer"
		if low, high, ok := limits(t); ok {
			out["minimum"], out["maximum"] = low, high
		} else if v.CanUint() {
			out["minimum"] = 0
		}
	}
	return s.withDefault(out, v, defaults)
}

// structs describes a map that is read into several structs.
func (s *schema) structs(values []reflect.Value, path string, defaults bool) object {
	properties := object{}
	var rules []object
	for _, v := range values {
		for _, f := range s.types.of(v.Type()).fields {
			if _, seen := properties[f.key]; seen {
				continue
			}
			p := s.of(v.FieldByIndex(f.index), join(path, f.key), defaults)
			if f.doc != "" {
				p["description"] = f.doc
			}
			properties[f.key] = p
			if f.secret {
				twin := f.key + fileSuffix
				properties[twin] = object{"type": texts, "description": "The path of a file that holds " + f.key + "."}
				rules = append(rules, object{"not": object{"required": []string{f.key, twin}}})
			}
		}
	}
	out := object{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if rules != nil {
		out["allOf"] = rules
	}
	return out
}

// section describes the kinds of a section, told apart by their type.
func (s *schema) section(path string) object {
	var kinds []object
	for _, p := range s.parts {
		if p.Path != path {
			continue
		}
		values := make([]reflect.Value, len(p.Targets))
		for i, t := range p.Targets {
			values[i] = pointee(t)
			s.types.check(values[i].Type())
		}
		k := s.structs(values, path, true)
		if p.Doc != "" {
			k["description"] = p.Doc
		}
		if p.Type != "" {
			k["type"] = "object"
			k["required"] = []string{"type"}
			k["properties"].(object)["type"] = object{"const": p.Type}
		}
		kinds = append(kinds, k)
	}
	switch len(kinds) {
	case 0:
		s.errs = append(s.errs, fmt.Errorf("section %s has no part", path))
		return object{}
	case 1:
		return kinds[0]
	}
	return object{"oneOf": kinds}
}

// withDefault adds v as the default, in the form in which it is written.
func (s *schema) withDefault(out object, v reflect.Value, defaults bool) object {
	if !defaults {
		return out
	}
	switch value := s.json(v).(type) {
	case nil:
	case string:
		if value != "" {
			out["default"] = value
		}
	default:
		out["default"] = value
	}
	return out
}

// json returns a default as JSON writes it; nil where there is none to tell.
func (s *schema) json(v reflect.Value) any {
	t := v.Type()
	p := printer{types: s.types}
	switch {
	case t == durationType || isText(t):
		text := ""
		if t == durationType {
			text = p.render(v, "", 0)
		} else if !v.IsZero() {
			text = p.text(v, "")
		}
		s.errs = append(s.errs, p.errs...)
		return text
	case t.Kind() == reflect.Slice && !isSecret(t.Elem()):
		if v.Len() == 0 {
			return nil
		}
		switch t.Elem().Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Map, reflect.Slice:
			return nil // better read in config show
		}
		list := make([]any, v.Len())
		for i := range v.Len() {
			list[i] = s.json(v.Index(i))
		}
		return list
	case t.Kind() == reflect.Map || t.Kind() == reflect.Slice || t.Kind() == reflect.Struct:
		return nil
	case t.Kind() == reflect.String:
		return v.String()
	case t.Kind() == reflect.Bool:
		return v.Bool()
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	}
	return v.Float()
}
