package config

import (
	"fmt"
	"reflect"

	"dswatch/event"
)

// Section is a map of the file that is decoded later, when it is known into
// what: a field of type *Section, or a list or map of them. Entries that are no maps
// are reported and left out.
type Section struct {
	file    *File
	node    *node
	path    string
	targets []any // of the last Decode, for Show
}

// Path returns where the section stands in the file: "sinks[2]".
func (s *Section) Path() string { return s.path }

// String returns the text behind key without decoding the section, and ""
// where the key is absent or not a single value. It is meant for the key that
// decides what the section is, not for secrets: it may be shown in messages.
func (s *Section) String(key string) string {
	if p, ok := s.node.get(key); ok && p.value.kind == scalar {
		if !s.node.aliased && !p.value.aliased {
			s.file.mark(p.value.src, known)
		}
		return p.value.text
	}
	return ""
}

// Fault returns an error about a key of the section, with its position; the
// empty key means the section itself. What is said ends with what to write
// instead.
func (s *Section) Fault(key string, said event.Said) error {
	return s.file.Fault(below(s.path, key), said)
}

// Decode reads the section into the structs that targets point to, which
// hold the defaults, and calls their Validate methods. A key is valid when
// any target has it; when several have it, all get the value.
func (s *Section) Decode(targets ...any) error {
	values := make([]reflect.Value, len(targets))
	for i, t := range targets {
		values[i] = pointee(t)
		if values[i].Kind() != reflect.Struct {
			panic(fmt.Sprintf("config: a section is decoded into structs, not into %T", t))
		}
		s.file.types.check(values[i].Type())
	}
	d := decoder{File: s.file}
	if s.node.aliased {
		d.via = s.node
	}
	d.structs(s.node, values, s.path)
	for _, v := range values {
		s.file.validate(v, s.path, d.tainted)
	}
	s.targets = targets
	return s.file.take()
}
