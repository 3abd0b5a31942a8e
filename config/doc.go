// Package config reads a YAML file into Go structs that it knows nothing
// about: the caller describes the whole file as structs whose fields carry
// `yaml:"key"` and `doc:"one sentence"` tags, with the defaults already set.
//
// It promises
//   - strictness all the way down: a key that no struct has, a value of
//     another type, a key written twice is an error, never ignored;
//   - that an error names file, line, column, the path of the key, what is
//     wrong and what to do next, with the nearest valid key where there is a
//     near one, and that all problems of a file are told at once (the first
//     MaxProblems of them);
//   - that no value of a secret, of an unknown key or of a line that could not
//     be understood is ever printed, neither by an error nor by Show: a source
//     line is rebuilt from the words known to be harmless;
//   - that reading is bounded: MaxFile bytes, limited nesting, limited
//     expansion of aliases; no input makes it panic;
//   - that what the caller passed as defaults is never changed through shared
//     slices, maps or pointers.
//
// Values: durations carry units (20s, 4h); whole numbers are decimal and
// range-checked; a number written where text is wanted is taken as written;
// booleans are true or false and nothing else; types with UnmarshalText read
// themselves. A list or map that is written replaces the default, a struct is
// merged key by key. A key of a list, map or struct type with nothing behind
// it keeps its default.
//
// Secrets: a field whose type has a method Reveal() string also accepts
// KEY_file, the path (relative to the configuration file) of a file whose
// content, less one line break at its end, is the value.
//
// It does not know any component, does not read the environment, does not
// watch the file, and does not write configuration files. A File is not safe
// for use by several goroutines at once.
//
// A struct the package cannot read (a field without a yaml tag, an interface,
// a channel) is a mistake in the program: Parse panics at once and names it.
package config
