package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// MaxSecret is the largest file of a secret in bytes. A private key is under
// 8 KB.
const MaxSecret = 64 << 10

// secret sets v from a value in the file itself. No message quotes it.
func (d *decoder) secret(n *node, v reflect.Value, path string) {
	d.deny(n)
	switch {
	case n.kind == null:
		d.fail(n, path, orFile(path, words.SecretNoValue.With(), words.SecretNoTwin.With))
	case n.kind != scalar:
		d.fail(n, path, words.WrongShape.With(n.found(), words.SecretWanted.Phrase()))
	case n.text == redacted:
		d.fail(n, path, orFile(path, words.SecretRedacted.With(redacted), func(twin string) event.Said { return words.SecretRedactedTwin.With(redacted, twin) }))
	default:
		d.reveal(n, v, path, n.text)
		d.exposed(n, path)
	}
}

// exposed warns, once for a file, of a secret that stands in it while every
// user can read it.
func (d *decoder) exposed(n *node, path string) {
	if runtime.GOOS != "linux" || d.mode.Perm()&0o004 == 0 || n.text == "" || setting.Public(n.text) {
		return
	}
	mode := d.mode
	d.mode = 0 // said
	d.warnings = append(d.warnings, words.SecretExposed.With(d.place(n), clip(printable(path), maxPath), octal(mode), clip(printable(d.name), maxPath)))
}

// place is where a node stands, for a warning.
func (d *decoder) place(n *node) string {
	return fmt.Sprintf("%s:%d:%d", d.name, n.at.Position.Line, n.at.Position.Column)
}

func octal(mode fs.FileMode) string { return fmt.Sprintf("%04o", mode.Perm()) }

// reveal stores the value of a secret.
func (d *decoder) reveal(n *node, v reflect.Value, path, value string) {
	d.hide(value)
	header := strings.Contains(path, ".headers.") // any of which may be a secret, and few are
	if value != "" && setting.Short(value) && !header {
		warning := words.SecretShort.With(d.place(n), clip(printable(path), maxPath), len(value))
		if !slices.Contains(d.warnings, warning) { // a section may be decoded again
			d.warnings = append(d.warnings, warning)
			d.short = append(d.short, ShortSecret{setting.Secret(value), warning})
		}
	}
	if !setSecret(v, value) {
		d.fail(n, path, words.SecretMalformed.With())
	}
}

// setSecret reports whether the secret is well-formed. The error of its own
// type may quote it, and is not told.
func setSecret(v reflect.Value, value string) bool {
	for v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if r, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return r.UnmarshalText([]byte(value)) == nil
	}
	v.SetString(value)
	return true
}

// secretFile sets v from the file that n names.
func (d *decoder) secretFile(n *node, v reflect.Value, path string) {
	switch n.kind {
	case broken:
		d.deny(n)
		return
	case null, list, mapping:
		d.deny(n)
		d.fail(n, path, words.WrongShape.With(n.found(), words.PathWanted.Phrase()))
		return
	}
	// Someone may have written the secret itself here. Only what is clearly a
	// path is shown.
	name, shown := words.TheFileNamed.Phrase(), "the file named here"
	if filepath.IsAbs(n.text) || strings.HasPrefix(n.text, "./") || strings.HasPrefix(n.text, "../") {
		d.mark(n.src, known)
		shown = clip(printable(n.text), maxPath)
		name = words.Seen.Phrase(shown)
	} else {
		d.deny(n)
	}
	value, mode, problem := readSecret(d.resolve(n.text))
	if problem != "" {
		d.fail(n, path, words.SecretFileFault.With(name, problem))
		return
	}
	if runtime.GOOS != "windows" && mode.Perm()&0o077 != 0 { // Windows keeps no such bits
		warning := words.SecretReadable.With(d.place(n), clip(printable(path), maxPath), shown, octal(mode))
		if !slices.Contains(d.warnings, warning) { // a section may be decoded again
			d.warnings = append(d.warnings, warning)
		}
	}
	d.files[strings.TrimSuffix(path, fileSuffix)] = n.text
	d.reveal(n, v, path, value)
}

// resolve makes the path of a secret's file relative to the configuration.
func (f *File) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.dir, path)
}

// readSecret returns the content of a file less one line break at its end,
// and what is wrong with the file, to be read behind its name.
func readSecret(path string) (value string, mode fs.FileMode, problem words.Phrase) {
	if path == "" {
		return "", 0, words.FileHasNoName.Phrase()
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, unreadable(err)
	}
	if !info.Mode().IsRegular() { // opening a pipe could wait for ever
		return "", 0, words.FileNotRegular.Phrase()
	}
	file, err := os.Open(path)
	if err != nil {
		return "", 0, unreadable(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSecret+1))
	switch {
	case err != nil:
		return "", 0, unreadable(err)
	case len(data) > MaxSecret:
		return "", 0, words.FileOverlong.Phrase(MaxSecret >> 10)
	case bytes.HasPrefix(data, utf8Mark), bytes.HasPrefix(data, utf16Mark[0]), bytes.HasPrefix(data, utf16Mark[1]):
		return "", 0, words.FileByteOrder.Phrase()
	}
	value = string(data)
	if cut, ok := strings.CutSuffix(value, "\n"); ok {
		value = strings.TrimSuffix(cut, "\r")
	}
	if value == "" {
		return "", 0, words.FileEmpty.Phrase()
	}
	return value, info.Mode(), ""
}

func unreadable(err error) words.Phrase {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return words.FileNotThere.Phrase()
	case errors.Is(err, fs.ErrPermission):
		return words.FileDenied.Phrase()
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return words.FileUnreadable.Phrase(err)
}

// orFile offers the twin of the key at the end of path, where it has one.
func orFile(path string, without event.Said, with func(twin string) event.Said) event.Said {
	if strings.HasSuffix(path, "]") { // an entry of a list or map
		return without
	}
	return with(path[strings.LastIndexByte(path, '.')+1:] + fileSuffix)
}
