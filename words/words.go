package words

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/setting"
)

// A sentence is one entry of the table.
type sentence struct {
	code   string
	en, ja template
	kinds  []kind   // of the arguments
	names  []string // of the arguments, in the order of the English text
	source [2]string
}

// table holds every sentence by its code. It is filled while the variables of
// this package are made, and not changed afterwards.
var table = map[string]*sentence{}

// kind is how an argument is read.
type kind int

const (
	name kind = iota
	number
	duration
	moment
	list
	quote
	both
	phrase // a sentence inside another one
	// Words of the dictionary.
	state
	itemKind
	severity
	impact
	transition
	outcome
	origin
	component
	fact
	value
)

var kindNames = [...]string{name: "name", number: "number", duration: "duration", moment: "time", list: "list", quote: "quoted", both: "both languages", phrase: "phrase",
	state: "state", itemKind: "kind", severity: "severity", impact: "impact", transition: "transition", outcome: "outcome", origin: "origin", component: "component", fact: "fact", value: "value"}

func (k kind) String() string { return kindNames[k] }

// Both is a text that is there in both languages.
type Both struct{ EN, JA string }

// Outcome is what was decided of an item, Origin where a fact comes from,
// Component one of the vendor's, Fact the name of a fact, Value what it is. They are words of the dictionary.
type (
	Outcome   string
	Origin    string
	Component string
	Fact      string
	Value     string // of a fact
)

// kindOf tells how arguments of type A are read.
func kindOf[A any]() kind {
	switch t := reflect.TypeFor[A](); t {
	case reflect.TypeFor[string]():
		return name
	case reflect.TypeFor[int]():
		return number
	case reflect.TypeFor[time.Duration]():
		return duration
	case reflect.TypeFor[time.Time]():
		return moment
	case reflect.TypeFor[[]string]():
		return list
	case reflect.TypeFor[error]():
		return quote
	case reflect.TypeFor[Both]():
		return both
	case reflect.TypeFor[Phrase]():
		return phrase
	case reflect.TypeFor[event.State]():
		return state
	case reflect.TypeFor[event.Kind]():
		return itemKind
	case reflect.TypeFor[event.Severity]():
		return severity
	case reflect.TypeFor[event.Impact]():
		return impact
	case reflect.TypeFor[event.Transition]():
		return transition
	case reflect.TypeFor[Outcome]():
		return outcome
	case reflect.TypeFor[Origin]():
		return origin
	case reflect.TypeFor[Component]():
		return component
	case reflect.TypeFor[Fact]():
		return fact
	case reflect.TypeFor[Value]():
		return value
	default:
		panic(fmt.Sprintf("words: no argument is a %v", t))
	}
}

// cited is an error as an argument: the statements of one that says something
// as data, so that they are put into the reader's language too, else its text.
func cited(err error) string {
	var said event.Said
	switch e := err.(type) {
	case interface{ Says() event.Said }:
		said = e.Says()
	case *setting.Error:
		said = Of(e)
	default:
		return err.Error()
	}
	var all []string
	for _, one := range said.Statements() {
		all = append(all, string(pack(one.Code, one.Args...)))
	}
	return event.List(all)
}

// argument is a as it is kept. It asks for what a points to, because that takes no
// memory where a is text already.
func argument[A any](a A) string {
	switch p := any(&a).(type) {
	case *string:
		return *p
	case *Phrase:
		return string(*p)
	case *Outcome:
		return string(*p)
	case *Origin:
		return string(*p)
	case *Component:
		return string(*p)
	case *Fact:
		return string(*p)
	case *Value:
		return string(*p)
	case *event.State:
		return string(*p)
	case *event.Kind:
		return string(*p)
	case *event.Severity:
		return string(*p)
	case *event.Impact:
		return string(*p)
	case *event.Transition:
		return string(*p)
	case *int:
		return strconv.Itoa(*p)
	case *time.Duration:
		return p.String()
	case *time.Time:
		return p.UTC().Format(time.RFC3339)
	case *[]string:
		return event.List(*p)
	case *Both:
		return event.List([]string{p.EN, p.JA})
	case *error:
		if *p != nil {
			return cited(*p)
		}
	}
	return "" // a nil error
}

// mostGaps is how many arguments a sentence has at most.
const mostGaps = 4

// The sentences by the number of their arguments.
type (
	Say0                 struct{ *sentence }
	Say1[A any]          struct{ *sentence }
	Say2[A, B any]       struct{ *sentence }
	Say3[A, B, C any]    struct{ *sentence }
	Say4[A, B, C, D any] struct{ *sentence }
)

// With fills the gaps.
func (s Say0) With() event.Said { return event.Say(event.Statement{Code: s.code}) }

// With fills the gaps.
func (s Say1[A]) With(a A) event.Said {
	return event.Say(event.Statement{Code: s.code, Args: []string{argument(a)}})
}

// With fills the gaps.
func (s Say2[A, B]) With(a A, b B) event.Said {
	return event.Say(event.Statement{Code: s.code, Args: []string{argument(a), argument(b)}})
}

// With fills the gaps.
func (s Say3[A, B, C]) With(a A, b B, c C) event.Said {
	return event.Say(event.Statement{Code: s.code, Args: []string{argument(a), argument(b), argument(c)}})
}

// With fills the gaps.
func (s Say4[A, B, C, D]) With(a A, b B, c C, d D) event.Said {
	return event.Say(event.Statement{Code: s.code, Args: []string{argument(a), argument(b), argument(c), argument(d)}})
}

// Phrase is a sentence as an argument of another one: its code and arguments,
// apart by slashes, with ~0 for ~, ~1 for / and ~2 for what makes a list.
type Phrase string

func pack(code string, args ...string) Phrase {
	var room [256]byte
	b := append(room[:0], code...)
	for _, a := range args {
		b = append(b, '/')
		for i := range len(a) {
			switch a[i] {
			case '~':
				b = append(b, "~0"...)
			case '/':
				b = append(b, "~1"...)
			case '\v':
				b = append(b, "~2"...)
			default:
				b = append(b, a[i])
			}
		}
	}
	return Phrase(b)
}

// slashes are what stands between the parts of a phrase, by how many phrases it
// stands in: each escapes it once more. None of ours stands in more.
var slashes = [...]string{"/", "~1", "~01", "~001", "~0001", "~00001", "~000001", "~0000001"}

// unpack puts the arguments of a phrase, which stands in deep others, behind those
// in room. They stay as they are written, in one phrase more, so that reading
// them takes no memory; see plain.
func unpack(arg string, deep int, room []string) event.Statement {
	if deep >= len(slashes) {
		return event.Statement{Code: arg}
	}
	code, args, has := strings.Cut(arg, slashes[deep])
	for has {
		var a string
		a, args, has = strings.Cut(args, slashes[deep])
		room = append(room, a)
	}
	return event.Statement{Code: code, Args: room}
}

// plain is an argument without the escapes of the phrases that it stands in.
func plain(a string, deep int) string {
	for ; deep > 0 && strings.Contains(a, "~"); deep-- {
		a = unpacked(a)
	}
	return a
}

// unpacked takes back what pack did to one argument.
func unpacked(a string) string {
	var b strings.Builder
	b.Grow(len(a))
	for i := 0; i < len(a); i++ {
		c := a[i]
		if n := i + 1; c == '~' && n < len(a) && '0' <= a[n] && a[n] <= '2' {
			c, i = "~/\v"[a[n]-'0'], n
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Phrase is With, for a sentence inside another one.
func (s Say0) Phrase() Phrase { return Phrase(s.code) }

// Phrase is With, for a sentence inside another one.
func (s Say1[A]) Phrase(a A) Phrase { return pack(s.code, argument(a)) }

// Phrase is With, for a sentence inside another one.
func (s Say2[A, B]) Phrase(a A, b B) Phrase { return pack(s.code, argument(a), argument(b)) }

// Phrase is With, for a sentence inside another one.
func (s Say3[A, B, C]) Phrase(a A, b B, c C) Phrase {
	return pack(s.code, argument(a), argument(b), argument(c))
}

// Phrase is With, for a sentence inside another one.
func (s Say4[A, B, C, D]) Phrase(a A, b B, c C, d D) Phrase {
	return pack(s.code, argument(a), argument(b), argument(c), argument(d))
}

// Or is s, or where it says nothing the text of a program of another version.
func Or(s event.Said, text string) event.Said {
	if s.Empty() {
		return event.Prose(text)
	}
	return s
}

// Part is the first statement of s as a part of another one; a text where there
// is none, as a program of another version says it.
func Part(s event.Said, text string) Phrase {
	if all := s.Statements(); len(all) > 0 && table[all[0].Code] != nil {
		return pack(all[0].Code, all[0].Args...)
	}
	return Quoted.Phrase(errors.New(text))
}

// Cause is what a program says in s, as an error that stands in a sentence; the text that
// came along where s says nothing, or what this program cannot put into words.
func Cause(s event.Said, text string) error {
	for _, one := range s.Statements() {
		if e := table[one.Code]; e == nil || len(e.kinds) != len(one.Args) {
			return errors.New(English(s))
		}
	}
	if s.Empty() {
		return errors.New(text)
	}
	return Fail(s)
}

// Code is what the sentence is called in JSON.
func (s *sentence) Code() string { return s.code }

func say0(code, en, ja string) Say0           { return Say0{add(code, en, ja)} }
func say1[A any](code, en, ja string) Say1[A] { return Say1[A]{add(code, en, ja, kindOf[A]())} }
func say2[A, B any](code, en, ja string) Say2[A, B] {
	return Say2[A, B]{add(code, en, ja, kindOf[A](), kindOf[B]())}
}
func say3[A, B, C any](code, en, ja string) Say3[A, B, C] {
	return Say3[A, B, C]{add(code, en, ja, kindOf[A](), kindOf[B](), kindOf[C]())}
}
func say4[A, B, C, D any](code, en, ja string) Say4[A, B, C, D] {
	return Say4[A, B, C, D]{add(code, en, ja, kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D]())}
}

// add puts a sentence into the table. A mistake in one is for TestSentences to
// tell, not for the start of the program.
func add(code, en, ja string, kinds ...kind) *sentence {
	s := &sentence{code: code, kinds: kinds, source: [2]string{en, ja}}
	s.en, s.names = parse(en, nil)
	s.ja, _ = parse(ja, s.names)
	if table[code] != nil {
		code += " (twice)"
	}
	table[code] = s
	return s
}

// template is a text in parts: fixed text before each gap, and after the last.
type template struct {
	gaps []opening
	end  string
}

// opening is one gap of a template.
type opening struct {
	before string
	arg    int    // -1: it names none
	how    string // "or", "and"; "one|many"
}

// parse reads a template; {{ is a brace. names are those of the arguments; nil: the gaps of
// this text make them.
func parse(s string, names []string) (template, []string) {
	var t template
	first, literal := names == nil, ""
	for {
		before, rest, ok := strings.Cut(s, "{")
		if strings.HasPrefix(rest, "{") { // a brace, not a gap
			literal, s = literal+before+"{", rest[1:]
			continue
		}
		before = literal + before
		inside, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			t.end = literal + s
			return t, names
		}
		n := strings.IndexAny(inside, ":|")
		how := ""
		if n >= 0 {
			inside, how = inside[:n], inside[n+1:]
		}
		arg := slices.Index(names, inside)
		if arg < 0 && first {
			arg, names = len(names), append(names, inside)
		}
		t.gaps = append(t.gaps, opening{before, arg, how})
		literal, s = "", after
	}
}

// Voice says things in one language, with the times of one zone.
type Voice struct {
	Language string         // "ja", or English for anything else
	Zone     *time.Location // nil: UTC
	Screen   bool           // times as a person reads them, at a terminal or in a message, not as logs have them
}

// In returns the voice of a language and a zone.
func In(language string, zone *time.Location) Voice { return Voice{Language: language, Zone: zone} }

// Equal reports whether both say the same.
func (v Voice) Equal(w Voice) bool {
	return v.JA() == w.JA() && v.Location().String() == w.Location().String()
}

// Location is the zone of the voice.
func (v Voice) Location() *time.Location {
	if v.Zone == nil {
		return time.UTC
	}
	return v.Zone
}

// JA reports whether the voice speaks Japanese.
func (v Voice) JA() bool { return v.Language == "ja" }

// Either returns one of two wordings. It is for the labels of a screen; what
// is said of an item is a sentence.
func (v Voice) Either(en, ja string) string {
	if v.JA() {
		return ja
	}
	return en
}

// Render says one statement in a language, with the times of a zone.
func Render(language string, zone *time.Location, s event.Statement) string {
	return string(In(language, zone).append(nil, s, 0))
}

// English is what the statements are in English and UTC, as it travels with them.
func English(s event.Said) string { return Voice{}.Say(s) }

// Spell returns s with the English text of every statement, as it leaves the
// process.
func Spell(s event.Said) event.Said {
	return s.Spelled(func(one event.Statement) string { return string(Voice{}.append(nil, one, 0)) })
}

// Say says all statements of s in one text.
func (v Voice) Say(s event.Said) string {
	room := borrow()
	defer rooms.Put(room)
	*room = v.say((*room)[:0], s)
	return string(*room)
}

// rooms are where texts grow before they are copied, of *[]byte.
var rooms sync.Pool

func borrow() *[]byte {
	if room, is := rooms.Get().(*[]byte); is {
		return room
	}
	return new(make([]byte, 0, 1024))
}

// say appends to b, which is empty, what all statements of s say.
func (v Voice) say(b []byte, s event.Said) []byte {
	var args [mostGaps]string
	for rest := s; !rest.Empty(); {
		var one event.Statement
		if one, rest = rest.Next(args[:0]); len(b) > 0 {
			b = append(b, v.between(b)...)
		}
		b = v.append(b, one, 0)
	}
	return b
}

// between is what stands between b and what follows.
func (v Voice) between(b []byte) string {
	switch s := string(b[max(0, len(b)-3):]); {
	case strings.HasSuffix(s, "。"), strings.HasSuffix(s, "、"):
		return ""
	case strings.HasSuffix(s, ":"), strings.HasSuffix(s, "."), strings.HasSuffix(s, "!"), strings.HasSuffix(s, ";"):
		return " "
	case v.JA():
		return "。"
	}
	return "; "
}

// append says s, whose arguments stand in deep phrases. What has no code here, or
// other arguments, is shown in English as it came.
func (v Voice) append(b []byte, s event.Statement, deep int) []byte {
	e := table[s.Code]
	if e == nil || len(e.kinds) != len(s.Args) {
		if s.Text == "" && s.Code != "" { // made by another version, and lost its text
			b = append(append(b, s.Code...), ' ')
			return append(b, plain(strings.Join(s.Args, " "), deep)...)
		}
		return append(b, s.Text...)
	}
	t := e.en
	if v.JA() {
		t = e.ja
	}
	for _, g := range t.gaps {
		b = v.join(b, g.before)
		if g.arg >= 0 {
			n := len(b)
			b = v.appendArg(b, e.kinds[g.arg], s.Args[g.arg], g.how, deep)
			b = v.close(b, n)
		}
	}
	return v.join(b, t.end)
}

// join appends what stands behind a gap. Japanese has a blank between it and
// Latin letters, and none between it and Japanese.
func (v Voice) join(b []byte, text string) []byte {
	if v.JA() && len(text) > 1 && text[0] == ' ' && endsJapanese(b) && beginsJapanese(text[1:]) {
		text = text[1:]
	}
	return append(b, text...)
}

// close is join for what stands before a gap, which begins at n.
func (v Voice) close(b []byte, n int) []byte {
	if v.JA() && 0 < n && n < len(b) && b[n-1] == ' ' && endsJapanese(b[:n-1]) && beginsJapanese(string(b[n:min(n+utf8.UTFMax, len(b))])) {
		b = append(b[:n-1], b[n:]...)
	}
	return b
}

func endsJapanese(b []byte) bool {
	r, _ := utf8.DecodeLastRune(b)
	return japanese(r)
}

func beginsJapanese(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return japanese(r)
}

// japanese reports whether r is a letter of Japanese.
func japanese(r rune) bool {
	return 0x3041 <= r && r <= 0x30FF || 0x3400 <= r && r <= 0x9FFF || r == '々'
}

func (v Voice) appendArg(b []byte, k kind, arg, how string, deep int) []byte {
	if k == phrase {
		var args [mostGaps]string
		return v.append(b, unpack(arg, deep, args[:0]), deep+1)
	}
	switch arg = plain(arg, deep); k {
	case number:
		if one, many, ok := strings.Cut(how, "|"); ok {
			if arg == "1" {
				return append(b, one...)
			}
			return append(b, many...)
		}
	case duration:
		if _, err := time.ParseDuration(arg); err == nil {
			return append(b, v.length(arg)...)
		}
	case moment:
		if t, err := time.Parse(time.RFC3339, arg); err == nil {
			return append(b, v.Time(t)...)
		}
	case list:
		items, _ := event.ListOf(arg)
		for i, x := range items {
			switch {
			case i == 0:
			case how == "" || i < len(items)-1 && (how == "and" || how == "either"):
				b = append(b, v.Either(", ", "、")...)
			case how == "or", how == "either":
				b = append(b, v.Either(" or ", " または ")...)
			default:
				b = append(b, v.Either(" and ", "、")...)
			}
			b = append(b, x...)
		}
		return b
	case quote:
		if all, ok := event.ListOf(arg); ok {
			begin := len(b)
			for _, one := range all {
				if len(b) > begin {
					b = append(b, v.between(b)...)
				}
				var args [mostGaps]string
				b = v.append(b, unpack(one, 0, args[:0]), 1)
			}
			return b
		}
	case both:
		if en, ja, two := strings.Cut(strings.TrimPrefix(arg, "\v"), "\v"); two {
			picked := v.Pick(Both{en, ja})
			if picked != "" && picked[0] <= '9' { // a moment or a word
				if t, err := time.Parse(time.RFC3339, picked); err == nil {
					picked = v.Time(t)
				}
			}
			return append(b, picked...)
		}
	case state:
		return append(b, v.State(event.State(arg))...)
	case itemKind:
		return append(b, v.Kind(event.Kind(arg))...)
	case severity:
		return append(b, v.Severity(event.Severity(arg))...)
	case impact:
		return append(b, v.Impact(event.Impact(arg))...)
	case transition:
		return append(b, v.Transition(event.Transition(arg))...)
	case outcome:
		return append(b, v.Outcome(arg)...)
	case origin:
		return append(b, v.Origin(arg)...)
	case component:
		return append(b, v.Component(arg)...)
	case fact:
		return append(b, v.Fact(arg)...)
	case value:
		return append(b, v.Value(arg)...)
	}
	return append(b, arg...)
}

// Whole is s in both languages.
func Whole(s event.Said) Both { return Both{In("en", nil).Say(s), In("ja", nil).Say(s)} }

// Pick is the text of the voice's language; one that is there helps more than
// none.
func (v Voice) Pick(t Both) string {
	if v.JA() {
		return cmp.Or(t.JA, t.EN)
	}
	return cmp.Or(t.EN, t.JA)
}

// Time writes t in the voice's zone: as logs do, or for a screen.
func (v Voice) Time(t time.Time) string {
	if v.Screen {
		return t.In(v.Location()).Format(time.DateTime + " -07:00")
	}
	return t.In(v.Location()).Format(time.RFC3339)
}

// Stamp is Time in a column whose head has the offset of the zone, now. A time
// with another one, of the other half of the year, has its own.
func (v Voice) Stamp(t time.Time) string {
	_, then := t.In(v.Location()).Zone()
	if _, now := time.Now().In(v.Location()).Zone(); now != then {
		return t.In(v.Location()).Format(time.DateTime + " -07:00")
	}
	return t.In(v.Location()).Format(time.DateTime)
}

// Length writes a duration: 20s, 2h5m, 12ms; 20秒, 2時間5分, 12ミリ秒.
func (v Voice) Length(d time.Duration) string { return v.length(d.String()) }

// length is Length of what Go writes.
func (v Voice) length(s string) string {
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	if v.JA() {
		return unitsJA.Replace(s)
	}
	return s
}

var unitsJA = strings.NewReplacer("ms", "ミリ秒", "µs", "マイクロ秒", "ns", "ナノ秒", "h", "時間", "m", "分", "s", "秒")

// Failure is an error that says what went wrong as data.
type Failure struct {
	Said  event.Said
	cause error
}

// Fail returns an error that says s.
func Fail(s event.Said) error { return &Failure{Said: s} }

// FailWith is Fail, and keeps cause for errors.Is and errors.As.
func FailWith(cause error, s event.Said) error { return &Failure{Said: s, cause: cause} }

// Says is what went wrong.
func (f *Failure) Says() event.Said { return f.Said }

// Error is English.
func (f *Failure) Error() string { return English(f.Said) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.cause }

// Bad returns the error of a component about the value of one key of its
// section: what is wrong, and what to write instead.
func Bad(key string, s event.Said) error { return &setting.Error{Key: key, Err: Fail(s)} }

// Of returns what err says: what a Failure in it, or another error with Says, says, else its text,
// quoted.
func Of(err error) event.Said {
	if err == nil {
		return event.Said{}
	}
	if k, ok := err.(*setting.Error); ok {
		return AtKey.With(k.Key, k.Err)
	}
	var says interface{ Says() event.Said }
	if errors.As(err, &says) {
		return says.Says()
	}
	return Quoted.With(err)
}

// Lines says each of all on its own.
func (v Voice) Lines(all []event.Said) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = v.Say(s)
	}
	return out
}

// Error says what went wrong, each of several errors in a line of its own. What
// wraps an error that can be said is kept in English around it.
func (v Voice) Error(err error) string {
	var own interface{ In(v Voice) string }
	if errors.As(err, &own) {
		return own.In(v)
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		if all := many.Unwrap(); len(all) > 0 && err.Error() == errors.Join(all...).Error() {
			lines := make([]string, len(all))
			for i, e := range all {
				lines[i] = v.Error(e)
			}
			return strings.Join(lines, "\n")
		}
	}
	said := v.Say(Of(err))
	var says interface{ Says() event.Said }
	if errors.As(err, &says) { // what was put around it on its way says where it was
		if before, after, ok := strings.Cut(err.Error(), English(says.Says())); ok {
			return before + said + after
		}
	}
	return said
}

// Inner is what somebody wrote, as it stands between quotes in a sentence.
func Inner(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// Codes lists the codes of all sentences, in alphabetical order.
func Codes() []string { return slices.Sorted(maps.Keys(table)) }
