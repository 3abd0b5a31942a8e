package sinks_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"dswatch/sinks"
)

func TestLine(t *testing.T) {
	for name, c := range map[string]struct {
		in, line, lines string
		most            int
	}{
		"plain":                            {"ds_agent", "ds_agent", "ds_agent", 100},
		"japanese":                         {"監視、プロセス", "監視、プロセス", "監視、プロセス", 100},
		"empty":                            {"", "", "", 100},
		"line breaks":                      {"a\nb\r\nc\rd\u2028e\u0085f", "a b c d e f", "a\nb\nc\nd\ne\nf", 100},
		"tab":                              {"a\tb", "a b", "a b", 100},
		"controls":                         {"a\x00b\x1b[31mc\x7f\u009b", "a\ufffdb\ufffd[31mc\ufffd\ufffd", "a\ufffdb\ufffd[31mc\ufffd\ufffd", 100},
		"not UTF-8":                        {"a\xffb\xe7\x9b", "a\ufffdb\ufffd\ufffd", "a\ufffdb\ufffd\ufffd", 100},
		"bidi override":                    {"exe\u202egpj", "exe\ufffdgpj", "exe\ufffdgpj", 100},
		"invisible":                        {"a\u200bb\ufeffc\U000e0041d", "a\ufffdb\ufffdc\ufffdd", "a\ufffdb\ufffdc\ufffdd", 100},
		"joiners stay":                     {"👩\u200d👧 می\u200cخواهم", "👩\u200d👧 می\u200cخواهم", "👩\u200d👧 می\u200cخواهم", 100},
		"fits exactly":                     {"12345", "12345", "12345", 5},
		"cut":                              {"1234567", "12...", "12...", 5},
		"cut at a character":               {"監視監視", "監…", "監…", 8},
		"no room for a mark":               {"監視", "", "", 2},
		"one character of it":              {"abc", "ab", "ab", 2},
		"nothing":                          {"abc", "", "", 0},
		"cut marks what was not looked at": {strings.Repeat("\r\n", 50), strings.Repeat(" ", 7) + "...", strings.Repeat("\n", 7) + "...", 10},
	} {
		if got := sinks.Line(c.in, c.most); got != c.line {
			t.Errorf("%s: Line is %q, want %q", name, got, c.line)
		}
		if got := sinks.Lines(c.in, c.most); got != c.lines {
			t.Errorf("%s: Lines is %q, want %q", name, got, c.lines)
		}
	}
}

func TestCleanTextIsNotCopied(t *testing.T) {
	s := "agent process ds_agent が停止しています"
	if n := testing.AllocsPerRun(100, func() { sinks.Line(s, 1000) }); n != 0 {
		t.Errorf("%v allocations for a clean text", n)
	}
}

func TestLongTextCostsNoMoreThanItShows(t *testing.T) {
	s := strings.Repeat("\xff\r\n", 1<<20)
	if n := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			sinks.Line(s, 100)
		}
	}).AllocedBytesPerOp(); n > 4096 {
		t.Errorf("%d bytes for a text of 100", n)
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "abc", "a\r\nb", "\r\r\n\n", "\xff\xfe", "監視\u202e", "👩‍👧", "a\x00\u2028\u200b\ufeff", strings.Repeat("\r", 40)} {
		f.Add(s, 5)
		f.Add(s, 100)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most %= 300
		for _, lines := range []bool{false, true} {
			clean := sinks.Line
			if lines {
				clean = sinks.Lines
			}
			got := clean(s, most)
			if len(got) > max(most, 0) {
				t.Errorf("%d bytes, at most %d are allowed", len(got), most)
			}
			if !utf8.ValidString(got) {
				t.Errorf("not UTF-8: %q", got)
			}
			for _, r := range got {
				if r == '\n' && lines || r == '\u200c' || r == '\u200d' {
					continue
				}
				if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Errorf("%U is left in %q", r, got)
				}
			}
			if again := clean(got, most); again != got {
				t.Errorf("cleaned twice: %q, then %q", got, again)
			}
		}
	})
}

// TestCuts holds both cuts to their promises at every length.
func TestCuts(t *testing.T) {
	for _, s := range []string{
		"", "one", "One. Two is longer. Three is the longest of all, by far. Four.", "No full stop in it at all, nowhere to be seen",
		"一。二は長い。三は最も長い文です。四。", "Mixed text. 日本語の文です。And English.", "....", "a. b. c. d. e. f. g.",
	} {
		for most := range len(s) + 3 {
			for name, cut := range map[string]func(string, int) string{"Cut": sinks.Cut, "CutSentence": sinks.CutSentence} {
				got := cut(s, most)
				if len(s) <= most {
					if got != s {
						t.Errorf("%s(%q, %d) = %q, and nothing has to be cut", name, s, most, got)
					}
					continue
				}
				mark := "..."
				if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
					mark = "…"
				}
				kept, marked := strings.CutSuffix(got, mark)
				switch {
				case len(got) > most || !utf8.ValidString(got):
					t.Errorf("%s(%q, %d) = %q of %d bytes", name, s, most, got, len(got))
				case marked != (most >= len(mark)):
					t.Errorf("%s(%q, %d) = %q, marked %v", name, s, most, got, marked)
				case !strings.HasPrefix(s, strings.TrimSuffix(kept, " ")):
					t.Errorf("%s(%q, %d) = %q, which is not its beginning", name, s, most, got)
				case name == "Cut" && marked && most-len(got) >= utf8.UTFMax:
					t.Errorf("%s(%q, %d) = %q, which is shorter than it has to be", name, s, most, got)
				}
			}
		}
	}
	for _, x := range []struct {
		s    string
		most int
		want string
	}{
		{"One. Two is longer. Three.", 23, "One. Two is longer. ..."}, // the room for it, and not a byte less
		{"One. Two is longer. Three.", 22, "One. Two is longer...."},
		{"One. Two is longer. Three.", 12, "One. Two ..."}, // the sentence would be a third of it
		{"One. Two is longer. Three.", 11, "One. ..."},
		{"一。二は長い。三。", 24, "一。二は長い。…"},
		{"一。二は長い。三。", 23, "一。二は長い…"},
	} {
		if got := sinks.CutSentence(x.s, x.most); got != x.want {
			t.Errorf("CutSentence(%q, %d) = %q, want %q", x.s, x.most, got, x.want)
		}
	}
}
