package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/token"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// MaxProblems is how many problems one Error tells.
const MaxProblems = 20

// Bounds on the parts of one problem, in characters.
const (
	maxPath  = 200
	maxText  = 400
	maxValue = 40
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File         string     // empty for a problem of no file
	Line, Column int        // from 1; columns count characters
	Path         string     // sinks[2].address; empty for the file as a whole
	Said         event.Said // what is wrong; what to do

	file *File // where the source line is taken from
	tok  *token.Token
	veil string // stands for a secret elsewhere, so it is not shown
}

func (p *Problem) at(tok *token.Token) {
	p.tok, p.Line, p.Column = tok, tok.Position.Line, tok.Position.Column
}

// Text is what is wrong, without its place.
func (p Problem) Text(v words.Voice) string {
	text := v.Say(p.Said)
	if p.veil != "" {
		text = strings.ReplaceAll(text, p.veil, redacted)
	}
	if p.file == nil {
		return clean(text)
	}
	return p.file.foreign(text)
}

// In returns "file:line:column: path: text" and the source line below it
// with everything hidden that might be secret.
func (p Problem) In(v words.Voice) string {
	var b strings.Builder
	if p.File != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	}
	if p.Path != "" {
		b.WriteString(clip(printable(p.Path), maxPath) + ": ")
	}
	b.WriteString(p.Text(v))
	if p.file != nil && p.tok != nil {
		b.WriteString(p.file.excerpt(p.tok))
	}
	return b.String()
}

// Error is everything that is wrong with a configuration.
type Error struct {
	Problems []Problem // by position; at most MaxProblems
	More     int       // problems found beyond these
}

// Error is In in English.
func (e *Error) Error() string { return e.In(words.In("en", nil)) }

// In lists the problems, one below the other, in the reader's language.
func (e *Error) In(v words.Voice) string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.In(v))
	}
	if e.More > 0 {
		lines = append(lines, v.Say(words.MoreProblems.With(e.More)))
	}
	return strings.Join(lines, "\n")
}

// tidy sorts the problems, tells each once and keeps the first MaxProblems.
func (e *Error) tidy() {
	slices.SortStableFunc(e.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	e.Problems = slices.CompactFunc(e.Problems, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Path == b.Path && a.Said == b.Said
	})
	if n := len(e.Problems); n > MaxProblems {
		e.More += n - MaxProblems
		e.Problems = e.Problems[:MaxProblems]
	}
}

// Join makes one Error of several, sorted by position; nil errors are left
// out, and without any it returns nil. Errors of other packages come first,
// without a position.
func Join(errs ...error) error {
	all := &Error{}
	for _, err := range errs {
		var e *Error
		switch {
		case err == nil:
		case errors.As(err, &e):
			all.Problems = append(all.Problems, e.Problems...)
			all.More += e.More
		default:
			all.Problems = append(all.Problems, Problem{Said: words.Of(err)})
		}
	}
	if len(all.Problems) == 0 {
		return nil
	}
	all.tidy()
	return all
}

const redacted = "[redacted]"

// userinfo is what stands between the scheme of a URL and its host.
var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\s]*@|[^/?#\s:]*:[^/?#\s]*[^/?#\s0-9][^\s]*@)`)

// hideUserinfo removes user names and passwords from every URL in s. A
// password that holds an unescaped slash is found too.
func hideUserinfo(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	return userinfo.ReplaceAllString(s, "${1}"+redacted+"@")
}

// clean makes a text from elsewhere fit for one line of a terminal.
func clean(s string) string { return clip(printable(hideUserinfo(s)), maxText) }

// foreign is clean for a text that another package made while it held
// secrets of this file.
func (f *File) foreign(s string) string {
	for _, h := range f.hidden {
		s = strings.ReplaceAll(s, h, redacted)
	}
	return clean(s)
}

// hide remembers a secret. Very short ones, and those that everybody knows,
// would blot out ordinary words.
func (f *File) hide(value string) {
	if !setting.Short(value) && !setting.Public(value) {
		f.hidden = append(f.hidden, value)
		// As a statement has it, and between quotes.
		for _, form := range []string{words.English(event.Prose(value)), words.Inner(value)} {
			if form != value {
				f.hidden = append(f.hidden, form)
			}
		}
	}
}

// printable replaces what would move the cursor of a terminal.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// clip keeps s short.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "..."
		}
	}
	return s
}
