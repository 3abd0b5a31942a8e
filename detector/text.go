package detector

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"dswatch/event"
)

// plain makes text that a watched host had a hand in safe to show: it is
// valid UTF-8 of one line, without control characters and without the
// invisible ones that reorder what follows, and at most event.MaxDetail
// bytes, cut between characters.
func plain(s string) string {
	return clip(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return utf8.RuneError
		}
		return r
	}, s), event.MaxDetail)
}

// Printable makes what a far end says of itself fit for an error text: at most
// most bytes and "...", and a question mark for every character that is not
// printable, line breaks too.
func Printable(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return '?'
	}, s)
}

// clip shortens s to at most n bytes and marks that it did.
func clip(s string, n int) string {
	const mark = "..."
	if len(s) <= n {
		return s
	}
	n -= len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
