package sinks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything in an alert that comes from a host (process names, details,
// host names) can be hostile. These functions make such text harmless for
// any far end; what a protocol's own syntax needs beyond that (escaping of
// quotes, mentions, separators) is the sink's part.

// Line returns s as one clean line of at most most bytes: line breaks and
// tabs become spaces; other control characters, bytes that are not UTF-8 and
// invisible format characters (bidirectional overrides among them) become
// U+FFFD, so that a reader sees that something was there. A cut falls on a
// character boundary and is marked by "…".
func Line(s string, most int) string { return clean(s, most, false) }

// Lines is Line, but keeps line feeds ("\r\n" becomes "\n").
func Lines(s string, most int) string { return clean(s, most, true) }

// Cut returns at most most bytes of s, cut at a character boundary and
// marked by "…" when there is room for it, or by "..." in a text of ASCII
// only: receivers show a text with one other character as bytes. s must be
// valid UTF-8.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	mark := markOf(s)
	if most < len(mark) {
		mark = ""
	}
	n := max(0, most-len(mark))
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}

// CutSentence is Cut, but after the last sentence that fits as a whole, if
// that keeps at least a third of what fits.
func CutSentence(s string, most int) string {
	if len(s) <= most {
		return s
	}
	mark := markOf(s)
	if end := lastSentence(s[:max(0, min(most, len(s))-len(mark)-1)]); end > most/3 {
		if mark == asciiMark {
			return s[:end] + " " + mark
		}
		return s[:end] + mark
	}
	return Cut(s, most)
}

// lastSentence returns where the last whole sentence of s ends, or 0.
func lastSentence(s string) int {
	end := 0
	if i := strings.LastIndex(s, ". "); i >= 0 {
		end = i + 1
	}
	if i := strings.LastIndex(s, "。"); i >= 0 {
		end = max(end, i+len("。"))
	}
	return end
}

const asciiMark = "..." // as long as "…" is in UTF-8

// markOf is what marks a cut in s.
func markOf(s string) string {
	if ASCII(s) {
		return asciiMark
	}
	return "…"
}

// ASCII reports whether s holds nothing else.
func ASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func clean(s string, most int, lines bool) string {
	// Whatever the rest holds, it would be cut: one megabyte from a host
	// costs no more than what is shown of it. Dropping "\r" shortens s by at
	// most half.
	long := false
	if scan := 2*most + utf8.UTFMax; most >= 0 && len(s) > scan {
		for scan > 2*most && !utf8.RuneStart(s[scan]) {
			scan--
		}
		s, long = s[:scan], true
	}
	if i := firstUnclean(s, lines); i >= 0 {
		var b strings.Builder
		b.Grow(len(s) + 8)
		b.WriteString(s[:i])
		for rest := s[i:]; rest != ""; {
			r, size := utf8.DecodeRuneInString(rest)
			next := rest[size:]
			switch {
			case r == utf8.RuneError && size == 1:
				b.WriteRune(utf8.RuneError)
			case r == '\r' && strings.HasPrefix(next, "\n"):
				// the line feed says it
			case lines && (r == '\n' || isBreak(r)):
				b.WriteByte('\n')
			case r == '\t' || isBreak(r):
				b.WriteByte(' ')
			case hidden(r):
				b.WriteRune(utf8.RuneError)
			default:
				b.WriteString(rest[:size])
			}
			rest = next
		}
		s = b.String()
	}
	if long && len(s) <= most { // what was left away must still be marked
		s += markOf(s)
	}
	return Cut(s, most)
}

// firstUnclean returns the index of the first byte that clean would change,
// or -1: most texts are clean and are returned as they are.
func firstUnclean(s string, lines bool) int {
	for i := 0; i < len(s); {
		if c := s[i]; c-' ' < 0x7f-' ' { // printable ASCII
			i++
			continue
		} else if c < utf8.RuneSelf {
			if !lines || c != '\n' {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || isBreak(r) || hidden(r) {
			return i
		}
		i += size
	}
	return -1
}

// isBreak reports whether some program shows r as a line break.
func isBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// hidden reports whether r is a control or an invisible format character.
// The joiners stay: scripts and emoji need them, and they reorder nothing.
func hidden(r rune) bool {
	const nonJoiner, joiner = 0x200c, 0x200d
	if r == nonJoiner || r == joiner {
		return false
	}
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)
}
