package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// MaxFile is the largest configuration file in bytes. 2,000 sinks of eight
// keys each are about 300 KB.
const MaxFile = 1 << 20

// Bounds on a single line. The scanner of the YAML library takes quadratic
// time on tabs inside quotes.
const (
	maxLine = 64 << 10
	maxTabs = 1000
)

// File is one file that was read, kept so that later checks can name its
// lines and so that Show can name the files of secrets.
type File struct {
	name     string
	dir      string // relative paths of secret files begin here
	tokens   token.Tokens
	root     *node // nil: the file is empty
	types    types
	marks    map[*token.Token]mark
	problems []Problem // found since the last call of take
	warnings []event.Said
	short    []ShortSecret
	mode     fs.FileMode       // of the file; 0 where it does not matter
	files    map[string]string // path of a secret's key -> file it was read from, as written
	hidden   []string          // values of secrets, to keep them out of other packages' messages
	expanded int               // values reached through aliases
}

// Load reads the file at path into the struct that into points to, which
// holds the defaults. See Parse for what it returns.
func Load(path string, into any) (*File, error) {
	data, mode, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, data, mode, into)
}

// Inherited reports whether path is what the shell has opened for this process,
// such as /dev/stdin and the /dev/fd/63 of <(command): reading it ends with its
// writer, where a pipe with a name may be waited for for ever.
func Inherited(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func readFile(path string) ([]byte, fs.FileMode, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 && !Inherited(path) {
		return nil, 0, readError(path, words.Fail(words.IsNamedPipe.With()))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, readError(path, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, 0, readError(path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, readError(path, err)
	}
	return data, info.Mode(), nil
}

func readError(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // the path is told once
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return words.FailWith(err, words.ConfigNotThere.With(path, err, path))
	case errors.Is(err, fs.ErrPermission):
		return words.FailWith(err, words.ConfigClosed.With(path, err))
	}
	return words.FailWith(err, words.ConfigUnreadable.With(path, err))
}

// Parse reads data into what into points to and calls every Validate method
// on the way. name stands in error messages, and its folder is where relative
// paths of secret files begin.
//
// The error is an *Error with all problems found. With an error the File is
// nil when data is no YAML at all; otherwise it is not, so that sections can
// still be decoded and their problems be added with Join. Values in into
// count only without an error.
func Parse(name string, data []byte, into any) (*File, error) {
	return parse(name, data, 0, into)
}

func parse(name string, data []byte, mode fs.FileMode, into any) (*File, error) {
	v := pointee(into)
	f := &File{
		mode: mode, name: name, dir: filepath.Dir(name), types: types{}, marks: map[*token.Token]mark{}, files: map[string]string{},
	}
	f.types.check(v.Type())
	if err := f.read(data); err != nil {
		return nil, err
	}
	d := decoder{File: f}
	if f.root != nil {
		d.value(f.root, v, "")
	}
	f.validate(v, "", d.tainted)
	return f, f.take()
}

// pointee returns what p points to.
func pointee(p any) reflect.Value {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("config: want a pointer to read into, got %T", p))
	}
	return v.Elem()
}

// Again returns what reads the file of a secret anew, nil where the secret at
// the path, such as detectors.manager.api_key, stands in no file. It may be
// called at any time, also by several at once.
func (f *File) Again(path string) setting.Again {
	name := f.files[path]
	if name == "" {
		return nil
	}
	name = f.resolve(name)
	return func() (setting.Secret, error) {
		value, _, problem := readSecret(name)
		if problem != "" {
			return "", words.Fail(words.SecretFileRead.With(path+fileSuffix, name, problem))
		}
		return setting.Secret(value), nil
	}
}

// Renew reads the files of secrets anew into the struct that v points to: a
// copy of what was decoded at path, such as sinks[2]. What stands in no file
// stays. It may be called at any time, also by several at once.
func (f *File) Renew(v any, path string) error { return f.renew(types{}, pointee(v), path) }

func (f *File) renew(ts types, v reflect.Value, path string) error {
	switch t := v.Type(); {
	case isSecret(t):
		again := f.Again(path)
		if again == nil {
			return nil
		}
		value, err := again()
		if err != nil {
			return err
		}
		if !setSecret(v, value.Reveal()) {
			return words.Fail(words.SecretNotWellRead.With(path + fileSuffix))
		}
	case t.Kind() == reflect.Struct && !isText(t):
		for _, fd := range ts.of(t).fields {
			if err := f.renew(ts, v.FieldByIndex(fd.index), join(path, fd.key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// SecretFiles lists the keys below path, such as sinks[2], whose secrets were
// read from files, each as it is written: secret_file.
func (f *File) SecretFiles(path string) (keys []string) {
	for p := range f.files {
		if key, below := strings.CutPrefix(p, path+"."); below {
			keys = append(keys, key+fileSuffix)
		}
	}
	slices.Sort(keys)
	return keys
}

// Files lists the files of secrets.
func (f *File) Files() (paths []string) {
	for _, name := range f.files {
		paths = append(paths, f.resolve(name))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Warnings returns what is not wrong but should be looked at: secret files
// that other users can read. Sections add theirs when they are decoded.
func (f *File) Warnings() []event.Said { return f.warnings }

// ShortSecret is a secret that no message can be kept free of, and where it is
// written. It is one of the warnings, too.
type ShortSecret struct {
	Value setting.Secret
	Fault event.Said
}

// Short returns the secrets that are too short to be kept out of messages, but
// for headers: any of those may be a secret, and few are.
func (f *File) Short() []ShortSecret { return f.short }

// Has reports whether the key at path, such as detectors.port.timeout, is written.
func (f *File) Has(path string) bool {
	at := f.root
	for key := range strings.SplitSeq(path, ".") {
		p, ok := at.get(key)
		if !ok {
			return false
		}
		at = p.value
	}
	return true
}

// Position returns "file:line:column" of the key at path, such as
// "sinks[2].name". For a key that is not written, the place of the nearest
// key above it.
func (f *File) Position(path string) string {
	p := f.problem(path, event.Said{})
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault returns an error about the value at path, with its position. What is
// said ends with what to write instead.
func (f *File) Fault(path string, s event.Said) error {
	return &Error{Problems: []Problem{f.problem(path, s)}}
}

// problem places what is said at path.
func (f *File) problem(path string, s event.Said) Problem {
	p := Problem{File: f.name, Line: 1, Column: 1, Path: path, Said: s, file: f}
	if at := f.find(path); at != nil {
		p.at(at)
	}
	return p
}

// report adds a problem found at a token.
func (f *File) report(at *token.Token, path string, s event.Said) {
	f.veiled(at, path, s, "")
}

// veiled is report of what must not be shown with a value.
func (f *File) veiled(at *token.Token, path string, s event.Said, veil string) {
	p := Problem{File: f.name, Line: 1, Column: 1, Path: path, Said: s, file: f, veil: veil}
	if at != nil {
		p.at(at)
	}
	f.problems = append(f.problems, p)
}

// take returns the problems reported since the last call.
func (f *File) take() error {
	if len(f.problems) == 0 {
		return nil
	}
	err := &Error{Problems: f.problems}
	f.problems = nil
	err.tidy()
	return err
}

var (
	utf8Mark  = []byte("\xef\xbb\xbf")
	utf16Mark = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")}
)

// text checks that data is text that the scanner can take, and returns it
// with every line break as \n.
func (f *File) text(data []byte) (string, error) {
	fail := func(line, column int, s event.Said) error {
		return &Error{Problems: []Problem{{File: f.name, Line: line, Column: column, Said: s}}}
	}
	if len(data) > MaxFile {
		return "", fail(1, 1, words.FileTooLarge.With(MaxFile>>10))
	}
	for _, mark := range utf16Mark {
		if bytes.HasPrefix(data, mark) {
			return "", fail(1, 1, words.FileUTF16.With())
		}
	}
	data = bytes.TrimPrefix(data, utf8Mark) // as Windows editors write it
	s := string(data)
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	line := 0
	for l := range strings.SplitSeq(s, "\n") {
		line++
		if len(l) > maxLine {
			return "", fail(line, 1, words.LineTooLong.With(maxLine>>10))
		}
		tabs, column := 0, 0
		for i, r := range l {
			column++
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(l[i:], "\uFFFD"):
				return "", fail(line, column, words.NotUTF8.With())
			case r == '\t':
				tabs++
			case r < ' ' || r == 0x7f:
				return "", fail(line, column, words.ControlCharacter.With(fmt.Sprintf("U+%04X", r), fmt.Sprintf(`\x%02X`, r)))
			}
		}
		if tabs > maxTabs {
			return "", fail(line, 1, words.TooManyTabs.With(maxTabs))
		}
	}
	return s, nil
}
