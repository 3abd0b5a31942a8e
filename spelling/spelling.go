// Package spelling compares names as people read them: letters in either case,
// and characters composed or not. It decides nothing about what is stored:
// there names are what their bytes are, but for their case (event.Token).
package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Composed returns a name with its characters composed (NFC), as most systems
// write them: a name whose accents or voicing marks are characters of their own
// (NFD) looks the same.
func Composed(name string) string { return norm.NFC.String(name) }

// Varies reports whether a name can be written with other characters, composed
// or decomposed, and look the same.
func Varies(name string) bool {
	return !norm.NFC.IsNormalString(name) || !norm.NFD.IsNormalString(name)
}

// Alike reports whether people take two names for one.
func Alike(a, b string) bool {
	return strings.EqualFold(a, b) || !ascii(a) && !ascii(b) && strings.EqualFold(Composed(a), Composed(b))
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// Ends reports whether people may mean path by this name: by all of it, or by
// what follows one of its slashes.
func Ends(path, name string) bool {
	for !Alike(path, name) {
		_, rest, more := strings.Cut(path, "/")
		if !more {
			return false
		}
		path = rest
	}
	return true
}
