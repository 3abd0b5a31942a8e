package teams

import (
	"regexp"
	"strings"
	"unicode"
)

// tag is where a tag could begin: <at> mentions people wherever a flow finds
// it. With a space in it, it is none, and a shell command stays what it was.
var tag = regexp.MustCompile(`<([A-Za-z/!?])`)

// functions are what every renderer replaces by a date, in any text.
var functions = strings.NewReplacer("{{DATE(", "{ {DATE(", "{{TIME(", "{ {TIME(")

// plain makes s harmless where nothing is Markdown.
func plain(s string) string { return functions.Replace(tag.ReplaceAllString(s, "< $1")) }

var (
	entity = regexp.MustCompile(`^&#?[0-9A-Za-z]+;`)
	number = regexp.MustCompile(`^[0-9]{1,9}[.)](\s|$)`)
)

// markdown makes one clean line harmless where Teams reads Markdown. The
// desktop's parser knows backslashes, that of older phones does not see them
// before a bracket: so brackets that would make a link are moved apart too.
func markdown(s string) string {
	rs := []rune(plain(s))
	var b strings.Builder
	b.Grow(len(s) + 16)
	at := func(i int) rune {
		if i < 0 || i >= len(rs) {
			return ' '
		}
		return rs[i]
	}
	numbered := number.FindString(string(rs[:min(len(rs), 12)]))
	for i, r := range rs {
		next := at(i + 1)
		switch {
		case r == '\\' && isPunct(next),
			strings.ContainsRune("*`~[]", r),
			r == '_' && !(isWord(at(i-1)) && isWord(next)),
			r == '&' && entity.MatchString(string(rs[i:min(len(rs), i+40)])),
			i == 0 && strings.ContainsRune("#+->=", r),
			numbered != "" && (r == '.' || r == ')'):
			b.WriteByte('\\')
		}
		if r == '.' || r == ')' {
			numbered = "" // only the first one makes a list
		}
		b.WriteRune(r)
		if r == ']' && strings.ContainsRune("([:", next) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// isPunct reports whether a backslash before r would vanish.
func isPunct(r rune) bool {
	return r > ' ' && r < 0x7f && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// isWord reports whether r belongs to a word, in which _ is nothing special.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
