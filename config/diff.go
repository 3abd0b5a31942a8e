package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Values are the single values of a configuration by their paths, such as
// "rules.hold" or "sinks[2].name".
type Values map[string]Value

// Value is a single value.
type Value struct {
	Shown string // as Show writes it: without secrets
	sum   string // of the value, and of the content of a file that it names
}

// Difference is a value that two configurations do not have in common. Old or
// New is empty where one of them has no such key; they are equal where a secret
// or the content of a file has changed.
type Difference struct {
	Path, Old, New string
}

func (d Difference) String() string {
	switch {
	case d.Old == d.New:
		return d.Path + ": its content has changed"
	case d.Old == "":
		return d.Path + ": new, " + d.New
	case d.New == "":
		return d.Path + ": gone, was " + d.Old
	}
	return d.Path + ": " + d.Old + " -> " + d.New
}

// Flatten returns the values of the struct that v points to, below path. Of a
// key whose name ends with _file the content of the file counts as well; a
// file that cannot be read counts as it is named.
func Flatten(v any, path string) Values {
	f := flattener{printer: printer{types: types{}, files: map[string]string{}}, out: Values{}}
	f.walk(pointee(v), path)
	return f.out
}

// Differences lists what is not the same in both, by path.
func (old Values) Differences(now Values) (out []Difference) {
	paths := maps.Clone(old)
	maps.Copy(paths, now)
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		a, had := old[p]
		b, has := now[p]
		if had != has || a.sum != b.sum {
			out = append(out, Difference{p, a.Shown, b.Shown})
		}
	}
	return out
}

type flattener struct {
	printer printer
	out     Values
}

func (f *flattener) walk(v reflect.Value, path string) {
	t := v.Type()
	switch {
	case t == sectionType && !v.IsNil():
		for _, target := range v.Interface().(*Section).targets {
			f.walk(pointee(target), path)
		}
		return
	case t.Kind() == reflect.Pointer && v.IsNil():
		return
	case isSecret(t):
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		c := reflect.New(v.Type())
		c.Elem().Set(v)
		f.add(path, f.printer.render(v, path, 0), c.Interface().(interface{ Reveal() string }).Reveal())
		return
	case t.Kind() == reflect.Pointer:
		f.walk(v.Elem(), path)
		return
	case t == durationType || isText(t) && !composite(t):
		f.leaf(v, path)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		for _, fd := range f.printer.types.of(t).fields {
			f.walk(v.FieldByIndex(fd.index), join(path, fd.key))
		}
	case reflect.Slice:
		for i := range v.Len() {
			f.walk(v.Index(i), item(path, i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			f.walk(v.MapIndex(k), join(path, k.String()))
		}
	default:
		f.leaf(v, path)
	}
}

func (f *flattener) leaf(v reflect.Value, path string) {
	shown := f.printer.render(v, path, 0)
	sum := shown
	if v.Kind() == reflect.String {
		sum = v.String() // of an address with a password, which is not shown
		if strings.HasSuffix(path, fileSuffix) && sum != "" {
			if data, err := os.ReadFile(sum); err == nil {
				sum += fmt.Sprintf(" %x", sha256.Sum256(data))
			}
		}
	}
	f.add(path, shown, sum)
}

func (f *flattener) add(path, shown, sum string) { f.out[path] = Value{shown, sum} }
