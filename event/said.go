package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"dswatch/wire"
)

// Statement is one thing that is said to people, as data: which sentence
// (Code, an entry of package words) and what stands in its gaps (Args).
// Package words makes statements and turns them into a language. Text is the
// sentence in English, for a reader of another version that does not know the
// code; it is there once the statement has left the process that made it.
//
// An argument is text: a number in decimal, a duration as Go writes it, a
// moment in RFC 3339 and UTC; List tells one that is a list. A Statement without
// a Code is prose: what a version before there were codes has stored.
type Statement struct {
	Code string
	Args []string
	Text string
}

// Said is any number of Statements, one after the other, in one string: so it
// costs no more than a sentence did, can be compared, and be a key. In JSON it
// is an array of {"code", "args", "text"}; what was a plain string there is read as
// prose. The zero Said says nothing.
type Said struct{ form string }

// The form: statements apart by breaks, an argument begins with gap, an item
// of a list (and the list itself) with item, the text with words. None of
// them can be in a part, which is clean.
const (
	breaks = '\n'
	gap    = '\t'
	item   = '\v'
	spoken = '\f'
)

// Say returns the statements as one Said. Control characters in a part become
// blanks or U+FFFD.
func Say(all ...Statement) Said {
	n := len(all)
	for _, s := range all {
		n += len(s.Code) + len(s.Args) + len(s.Text) + 1
		for _, a := range s.Args {
			n += len(a)
		}
	}
	var b strings.Builder
	b.Grow(n)
	for i, s := range all {
		if i > 0 {
			b.WriteByte(breaks)
		}
		b.WriteString(clean(s.Code, 0))
		for _, a := range s.Args {
			b.WriteByte(gap)
			b.WriteString(clean(a, item))
		}
		if s.Text != "" {
			b.WriteByte(spoken)
			b.WriteString(clean(s.Text, 0))
		}
	}
	return Said{b.String()}
}

// Prose says text as it stands, in any language.
func Prose(text string) Said {
	if text == "" {
		return Said{}
	}
	return Say(Statement{Text: text})
}

// And says s, then more.
func (s Said) And(more ...Said) Said {
	for _, m := range more {
		switch {
		case m.Empty():
		case s.Empty():
			s = m
		default:
			s.form += "\n" + m.form
		}
	}
	return s
}

// Spelled returns s with a text for every statement that has none.
func (s Said) Spelled(text func(Statement) string) Said {
	if strings.Count(s.form, "\f") > strings.Count(s.form, "\n") { // all have one
		return s
	}
	b := make([]byte, 0, 3*len(s.form))
	for rest, more := s.form, s.form != ""; more; {
		var form string
		form, rest, more = strings.Cut(rest, "\n")
		b = append(b, form...)
		if strings.IndexByte(form, spoken) < 0 {
			if said := clean(text(apart(form, nil)), 0); said != "" {
				b = append(append(b, spoken), said...)
			}
		}
		if more {
			b = append(b, breaks)
		}
	}
	return Said{string(b)}
}

// Empty reports whether s says nothing.
func (s Said) Empty() bool { return s.form == "" }

// Equal reports whether both say the same.
func (s Said) Equal(t Said) bool { return s == t }

// Len is how many bytes s takes.
func (s Said) Len() int { return len(s.form) }

// Shared returns s as kept says it: what many say is kept once.
func (s Said) Shared(kept func(string) string) Said { return Said{kept(s.form)} }

// Statements takes s apart.
func (s Said) Statements() []Statement {
	if s.form == "" {
		return nil
	}
	out := make([]Statement, 0, strings.Count(s.form, "\n")+1)
	for !s.Empty() {
		var one Statement
		one, s = s.Next(nil)
		out = append(out, one)
	}
	return out
}

// Next is the first statement of s, which is not empty, and what follows it. The
// arguments are appended to room, so that reading a few takes no memory.
func (s Said) Next(room []string) (one Statement, rest Said) {
	form, after, _ := strings.Cut(s.form, "\n")
	return apart(form, room), Said{after}
}

func apart(one string, room []string) (s Statement) {
	one, s.Text, _ = strings.Cut(one, "\f")
	code, args, has := strings.Cut(one, "\t")
	s.Code = code
	if has && room == nil {
		room = make([]string, 0, strings.Count(args, "\t")+1)
	}
	for s.Args = room; has; {
		var arg string
		arg, args, has = strings.Cut(args, "\t")
		s.Args = append(s.Args, arg)
	}
	return s
}

// Codes returns the codes of what is said, for a test or a program to look at.
func (s Said) Codes() []string {
	var out []string
	for _, one := range s.Statements() {
		out = append(out, one.Code)
	}
	return out
}

// Has reports whether a statement with the code is among them.
func (s Said) Has(code string) bool {
	for _, one := range s.Statements() {
		if one.Code == code {
			return true
		}
	}
	return false
}

// List makes one argument of the items; ListOf takes it apart.
func List(items []string) string {
	n := 1
	for _, i := range items {
		n += 1 + len(i)
	}
	var b strings.Builder
	b.Grow(n)
	for _, i := range items {
		b.WriteByte(item)
		b.WriteString(clean(i, 0))
	}
	if len(items) == 0 {
		b.WriteByte(item)
	}
	return b.String()
}

// ListOf returns the items of an argument, and whether it is a list.
func ListOf(arg string) (items []string, ok bool) {
	rest, ok := strings.CutPrefix(arg, "\v")
	if !ok || rest == "" {
		return nil, ok
	}
	return strings.Split(rest, "\v"), true
}

// clean makes a part safe to show and to join: valid UTF-8 of one line,
// without control characters and without the invisible ones that reorder what
// follows, but for the one that may be there.
func clean(s string, but rune) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && rune(c) != but || c >= 0x7f {
			return strings.Map(func(r rune) rune {
				switch {
				case r == but && but != 0:
					return r
				case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
					return ' '
				case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
					return utf8.RuneError
				}
				return r
			}, s)
		}
	}
	return s
}

// Clip returns as many of the statements as have room in most bytes; the first
// is cut where it has not.
func (s Said) Clip(most int) Said {
	if len(s.form) <= most {
		return s
	}
	if i := strings.LastIndexByte(s.form[:most], breaks); i > 0 {
		return Said{s.form[:i]}
	}
	// One statement of that size: its arguments, or its prose, are cut.
	first, _, _ := strings.Cut(s.form, "\n")
	one := apart(first, nil)
	for Say(one).Len() > most {
		longest := &one.Text
		for i := range one.Args {
			if len(one.Args[i]) > len(*longest) {
				longest = &one.Args[i]
			}
		}
		n := len(*longest) / 2
		if n == 0 {
			return Said{}
		}
		for n > 0 && !utf8.RuneStart((*longest)[n]) {
			n--
		}
		*longest = strings.TrimSuffix((*longest)[:n], "...") + "..."
		if n < 8 {
			*longest = ""
		}
	}
	return Say(one)
}

// said is the JSON of one Statement. An argument is a string, or a list of them.
type said struct {
	Code string `json:"code,omitempty"`
	Args []any  `json:"args,omitempty"`
	Text string `json:"text,omitempty"`
}

// MarshalJSON writes the array of statements.
func (s Said) MarshalJSON() ([]byte, error) { return s.AppendWire(nil) }

// UnmarshalJSON reads what MarshalJSON writes, or a string, which is prose.
func (s *Said) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		*s = Prose(text)
		return nil
	}
	var all []said
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("read statements: %w", err)
	}
	out := make([]Statement, len(all))
	for i, one := range all {
		out[i] = Statement{Code: one.Code, Text: one.Text}
		for _, a := range one.Args {
			arg, err := argOf(a)
			if err != nil {
				return err
			}
			out[i].Args = append(out[i].Args, arg)
		}
	}
	*s = Say(out...)
	return nil
}

var errArg = errors.New("read statements: an argument is neither a string nor a list of strings")

func argOf(a any) (string, error) {
	switch a := a.(type) {
	case string:
		return clean(a, 0), nil
	case []any:
		items := make([]string, len(a))
		for i, x := range a {
			text, ok := x.(string)
			if !ok {
				return "", errArg
			}
			items[i] = text
		}
		return List(items), nil
	}
	return "", errArg
}

// AppendWire is MarshalJSON, for package wire.
func (s Said) AppendWire(b []byte) ([]byte, error) {
	b = append(b, '[')
	for rest, more := s.form, s.form != ""; more; {
		var one, text, part string
		one, rest, more = strings.Cut(rest, "\n")
		one, text, _ = strings.Cut(one, "\f")
		code, args, has := strings.Cut(one, "\t")
		between := "{"
		if code != "" {
			b = wire.AppendText(append(b, `{"code":`...), code)
			between = ","
		}
		if has {
			b = append(append(b, between...), `"args":[`...)
			for i := 0; has; i++ {
				if i > 0 {
					b = append(b, ',')
				}
				part, args, has = strings.Cut(args, "\t")
				b = appendArg(b, part)
			}
			b = append(b, ']')
			between = ","
		}
		if text != "" {
			b = wire.AppendText(append(append(b, between...), `"text":`...), text)
			between = ","
		}
		if between == "{" {
			b = append(b, '{')
		}
		b = append(b, '}')
		if more {
			b = append(b, ',')
		}
	}
	return append(b, ']'), nil
}

func appendArg(b []byte, arg string) []byte {
	rest, is := strings.CutPrefix(arg, "\v")
	if !is {
		return wire.AppendText(b, arg)
	}
	b = append(b, '[')
	for i, more := 0, rest != ""; more; i++ {
		var one string
		if i > 0 {
			b = append(b, ',')
		}
		one, rest, more = strings.Cut(rest, "\v")
		b = wire.AppendText(b, one)
	}
	return append(b, ']')
}

// ReadWire is UnmarshalJSON, for package wire: it reads what AppendWire wrote.
func (s *Said) ReadWire(b []byte) (rest []byte, ok bool) {
	room, is := rooms.Get().(*[]byte)
	if !is {
		room = new([]byte)
	}
	r := saidReader{b: b, out: (*room)[:0]}
	if ok = r.all(); ok {
		*s, rest = Said{string(r.out)}, r.b
	} else {
		rest = b
	}
	*room = r.out
	rooms.Put(room)
	return rest, ok
}

// rooms are where statements grow before they are copied, of *[]byte.
var rooms sync.Pool

// saidReader turns the JSON in b into the form of a Said.
type saidReader struct{ b, out []byte }

func (r *saidReader) word(w string) bool {
	if len(r.b) < len(w) || string(r.b[:len(w)]) != w {
		return false
	}
	r.b = r.b[len(w):]
	return true
}

// some takes a string that is clean and not empty.
func (r *saidReader) some() bool {
	begin := len(r.out)
	return r.text() && len(r.out) > begin
}

// text takes a string that is clean.
func (r *saidReader) text() (ok bool) {
	begin := len(r.out)
	if r.out, r.b, ok = wire.ReadText(r.out, r.b); !ok {
		return false
	}
	for _, c := range r.out[begin:] {
		if c < ' ' || c >= 0x7f {
			part := string(r.out[begin:])
			return clean(part, 0) == part
		}
	}
	return true
}

func (r *saidReader) all() bool {
	if !r.word("[") {
		return false
	}
	if r.word("]") {
		return true
	}
	for {
		if !r.one() {
			return false
		}
		if r.word("]") {
			return true
		}
		if !r.word(",") {
			return false
		}
		r.out = append(r.out, breaks)
	}
}

func (r *saidReader) one() bool {
	switch {
	case r.word(`{"code":`):
		if !r.some() {
			return false
		}
		if r.word("}") {
			return true
		}
		if r.word(`,"args":`) {
			break
		}
		return r.word(`,"text":`) && r.spoken()
	case r.word(`{"text":`):
		return r.spoken()
	case !r.word(`{"args":`):
		return false
	}
	if !r.args() {
		return false
	}
	return r.word("}") || r.word(`,"text":`) && r.spoken()
}

func (r *saidReader) spoken() bool {
	r.out = append(r.out, spoken)
	return r.some() && r.word("}")
}

func (r *saidReader) args() bool {
	if !r.word("[") {
		return false
	}
	for {
		r.out = append(r.out, gap)
		if r.word("[") {
			for r.out = append(r.out, item); !r.word("]"); {
				if r.out[len(r.out)-1] != item {
					if !r.word(",") {
						return false
					}
					r.out = append(r.out, item)
				}
				if !r.text() {
					return false
				}
			}
		} else if !r.text() {
			return false
		}
		if r.word("]") {
			return true
		}
		if !r.word(",") {
			return false
		}
	}
}
