package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// mark says what is known about a word of the file.
type mark uint8

const (
	known  mark = 1 << iota // a known key, or the value of one that is no secret
	denied                  // a secret, or below an unknown key; wins over known
)

func (f *File) mark(t *token.Token, m mark) {
	if t != nil {
		f.marks[t] |= m
	}
}

// deny hides n and all below it.
func (f *File) deny(n *node) {
	if f.marks[n.src]&denied != 0 && n.kind != scalar {
		return // an alias reaches the same node again
	}
	f.mark(n.src, denied)
	for _, p := range n.pairs {
		f.mark(p.at, denied)
		f.deny(p.value)
	}
	for _, v := range n.items {
		f.deny(v)
	}
}

// keyLike matches the keys of our own files and hardly any password. Keys
// that nothing is known about (the file could not be parsed, or the section
// was not decoded) are shown only when they look like this.
var keyLike = regexp.MustCompile(`^[a-z][a-z_]{0,29}$`)

// widest is the longest excerpt in characters.
const widest = 100

// excerpt returns the source line of at with a mark under it, each on a line
// of its own. The line is put together from the words known to be harmless;
// all others are replaced, and comments are left out.
func (f *File) excerpt(at *token.Token) string {
	var b strings.Builder
	caret, shown := -1, false
	var prev *token.Token
	space := func() {
		if s := b.String(); s != "" && !strings.HasSuffix(s, " ") && !strings.HasSuffix(s, "{") && !strings.HasSuffix(s, "[") {
			b.WriteByte(' ')
		}
	}
	for _, t := range f.tokens {
		if t.Position.Line != at.Position.Line || t.Type == token.CommentType || t.Type == token.ImplicitNullType {
			continue
		}
		if prev == nil {
			b.WriteString(strings.Repeat(" ", min(max(t.Position.Column-1, 0), widest/2)))
		}
		word, harmless := "", true
		switch t.Type {
		case token.MappingValueType:
			word = ":"
		case token.CollectEntryType:
			word = ","
		case token.MappingEndType:
			word = "}"
		case token.SequenceEndType:
			word = "]"
		case token.SequenceEntryType, token.MappingStartType, token.SequenceStartType, token.MergeKeyType,
			token.AnchorType, token.AliasType, token.DocumentHeaderType, token.DocumentEndType, token.MappingKeyType:
			space()
			word = map[token.Type]string{
				token.SequenceEntryType: "-", token.MappingStartType: "{", token.SequenceStartType: "[", token.MergeKeyType: "<<",
				token.AnchorType: "&", token.AliasType: "*", token.DocumentHeaderType: "---", token.DocumentEndType: "...", token.MappingKeyType: "?",
			}[t.Type]
		default:
			if prev == nil || prev.Type != token.AnchorType && prev.Type != token.AliasType {
				space()
			}
			word, harmless = f.word(t, prev)
			shown = shown || harmless
		}
		if t == at {
			caret = len([]rune(b.String()))
		}
		b.WriteString(word)
		prev = t
	}
	if !shown {
		return ""
	}
	line := []rune(strings.TrimRight(b.String(), " "))
	if len(line) > widest {
		from := min(max(0, caret-widest/2), len(line)-widest)
		cut := line[from : from+widest]
		caret -= from
		for i := range 3 { // the dots replace letters, so the caret stays right
			if from > 0 {
				cut[i] = '.'
			}
			if from+widest < len(line) {
				cut[widest-1-i] = '.'
			}
		}
		line = cut
	}
	out := fmt.Sprintf("\n%5d | %s", at.Position.Line, string(line))
	if caret >= 0 {
		out += "\n      | " + strings.Repeat(" ", caret) + "^"
	}
	return out
}

// word returns what may be shown of a scalar.
func (f *File) word(t, prev *token.Token) (word string, harmless bool) {
	m := f.marks[t]
	first := prev == nil || prev.Type == token.SequenceEntryType || prev.Type == token.MappingStartType || prev.Type == token.CollectEntryType
	next := following(t)
	isKey := first && next != nil && next.Type == token.MappingValueType
	switch {
	case t.Type == token.InvalidType || m&denied != 0:
		return redacted, false
	case m&known != 0 && isKey:
		return printable(clip(t.Value, maxValue)), true
	case m&known != 0:
		s, quote := hideUserinfo(t.Value), ""
		switch t.Type { // as it was written
		case token.SingleQuoteType:
			s, quote = strings.ReplaceAll(s, "'", "''"), "'"
		case token.DoubleQuoteType:
			s, quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s), `"`
		}
		return quote + printable(clip(s, maxValue)) + quote, true
	case isKey && keyLike.MatchString(t.Value):
		return t.Value, true
	case t.Type == token.LiteralType || t.Type == token.FoldedType:
		return t.Value[:1], false
	}
	return redacted, false
}

// following returns the token after t that is not a comment.
func following(t *token.Token) *token.Token {
	n := t.Next
	for n != nil && n.Type == token.CommentType {
		n = n.Next
	}
	return n
}
