package story

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dswatch/setting"
)

// Bounds on what a file may hold. The largest story that comes with the
// program is under 20 KiB.
const (
	MaxFile  = 1 << 20 // bytes
	maxLines = 20_000
)

// Problem is something in a story that cannot be understood, with its place.
type Problem struct {
	File string
	Line int // from 1
	Text string
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// section is one part of a file, from the line `-- word --` to the next one.
type section struct {
	words []string // config before, facts web01, story, wanted en
	line  int      // of the header
	lines []string
}

// text is the section after as many empty lines as stand before it in the
// file, so that whoever reads it names the file's own lines.
func (s *section) text() []byte {
	return []byte(strings.Repeat("\n", s.line) + strings.Join(s.lines, "\n"))
}

func (s *section) name() string { return strings.Join(s.words, " ") }

// split cuts a file into sections; the first one is what stands before any
// header.
func split(file string, data []byte) ([]*section, error) {
	switch {
	case len(data) > MaxFile:
		return nil, &Problem{file, 1, fmt.Sprintf("the file is larger than %d KiB; is it a story?", MaxFile>>10)}
	case !utf8.Valid(data):
		line := 1 + bytes.Count(data[:invalid(data)], []byte("\n"))
		return nil, &Problem{file, line, "not UTF-8 text; save the file as UTF-8"}
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > maxLines {
		return nil, &Problem{file, maxLines, fmt.Sprintf("more than %d lines; break the story into several", maxLines)}
	}
	out := []*section{{}}
	for i, l := range lines {
		words, isHeader := header(l)
		if !isHeader {
			last := out[len(out)-1]
			last.lines = append(last.lines, l)
			continue
		}
		if len(words) == 0 || !slices.Contains(kinds(), words[0]) {
			word := strings.Join(words[:min(1, len(words))], "")
			return nil, &Problem{file, i + 1, fmt.Sprintf("%q is not a section; %s", setting.Clip(word), instead(word, kinds()))}
		}
		out = append(out, &section{words: words, line: i + 1})
	}
	return out, nil
}

// kinds lists the sections.
func kinds() []string { return []string{"config", "facts", "story", "wanted"} }

// header reads the line `-- words --`.
func header(line string) (words []string, ok bool) {
	rest, found := strings.CutPrefix(strings.TrimRight(line, " \t"), "-- ")
	if !found {
		return nil, false
	}
	inside, found := strings.CutSuffix(rest, " --")
	if !found {
		return nil, false
	}
	return strings.Fields(inside), true
}

// invalid is where the first byte stands that is not UTF-8.
func invalid(b []byte) (at int) {
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// instead says what to write instead of word.
func instead(word string, valid []string) string {
	if n := setting.Nearest(word, valid); n != "" {
		return fmt.Sprintf("did you mean %s?", n)
	}
	const most = 12
	if len(valid) > most {
		return fmt.Sprintf("write one of %s, ... (%d in all)", strings.Join(valid[:most], ", "), len(valid))
	}
	return "write one of " + strings.Join(valid, ", ")
}

// words breaks a line at spaces. Quotes hold spaces together and stay, so
// that a matcher keeps its own; what follows # is left out.
func wordsOf(line string) (out []string, err error) {
	var word strings.Builder
	inWord, quoted := false, false
	end := func() {
		if inWord {
			out = append(out, word.String())
		}
		word.Reset()
		inWord = false
	}
	escaped := false
	for _, r := range line {
		switch {
		case quoted:
			word.WriteRune(r)
			if r == '"' && !escaped {
				quoted = false
			}
			escaped = r == '\\' && !escaped
		case r == '#' && !inWord:
			return out, nil
		case r == ' ' || r == '\t':
			end()
		default:
			inWord, quoted = true, r == '"'
			word.WriteRune(r)
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed; add \" at its end")
	}
	end()
	return out, nil
}

// plain is a word without its quotes.
func plain(word string) string { return strings.ReplaceAll(word, `"`, "") }
