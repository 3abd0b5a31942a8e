package words

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
)

var update = flag.Bool("update", false, "write testdata/words.txt anew")

// TestSentences holds every sentence to the rules of doc.go.
func TestSentences(t *testing.T) {
	for _, code := range Codes() {
		s := table[code]
		if code != s.code {
			t.Errorf("the code %s stands for two sentences", s.code)
		}
		if len(s.names) != len(s.kinds) {
			t.Errorf("%s: the English text has the gaps %q, With has %d arguments", code, s.names, len(s.kinds))
			continue
		}
		for i, text := range s.source {
			tmpl, language := s.en, "English"
			if i == 1 {
				tmpl, language = s.ja, "Japanese"
			}
			used := make([]bool, len(s.kinds))
			for _, g := range tmpl.gaps {
				if g.arg < 0 {
					t.Errorf("%s: a gap of the %s text %q is not in the English one", code, language, text)
					continue
				}
				used[g.arg] = true
				one, many, plural := strings.Cut(g.how, "|")
				switch k := s.kinds[g.arg]; {
				case g.how == "":
				case k == number && plural && one != many:
				case k == list && (g.how == "or" || g.how == "and" || g.how == "either"):
				default:
					t.Errorf("%s: %q fits no argument of kind %v in the %s text", code, g.how, k, language)
				}
			}
			for j, is := range used {
				if !is {
					t.Errorf("%s: the %s text leaves out {%s}", code, language, s.names[j])
				}
			}
			whole := tmpl.end
			for _, g := range tmpl.gaps {
				whole += g.before
			}
			if strings.Count(whole, "{") != strings.Count(text, "{{") || strings.ContainsAny(whole, "\t\n") || strings.TrimSpace(text) != text || text == "" {
				t.Errorf("%s: the %s text %q has a gap that does not close, or blanks around it", code, language, text)
			}
		}
		if strings.HasSuffix(s.source[0], ".") && !strings.HasSuffix(s.source[0], "...") != strings.HasSuffix(s.source[1], "。") {
			t.Errorf("%s: only one of %q and %q ends with a full stop", code, s.source[0], s.source[1])
		}
		if strings.HasSuffix(s.source[0], ":") != strings.HasSuffix(s.source[1], ":") {
			t.Errorf("%s: only one of %q and %q ends with a colon", code, s.source[0], s.source[1])
		}
		if strings.ContainsAny(s.source[1], "（）：") {
			t.Errorf("%s: the Japanese text %q has full-width signs where half-width ones belong", code, s.source[1])
		}
		for _, wrong := range insteadOf {
			if strings.Contains(s.source[1], wrong) {
				t.Errorf("%s: %q has a word that is not used: %s", code, s.source[1], wrong)
			}
		}
	}
}

// insteadOf are Japanese words for which the dictionary has another.
var insteadOf = []string{
	"稼働すべき", "対応開始", "対応取り消し", "確認者", "解決済み", "解消", "デッドレター", "断念", "シンク", "生存通知",
	"回路", "時間切れ", "見張", "種類", "落ち着", "決して開かない", "サーバー",
}

// TestGolden keeps the whole set, both languages side by side, for people to
// read and for every change to show.
func TestGolden(t *testing.T) {
	var b strings.Builder
	if err := Write(&b); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/words.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Errorf("the sentences have changed; read them in %s after `go test ./words -update`", file)
	}
}

func TestSay(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	at := time.Date(2026, 11, 22, 21, 0, 5, 0, time.UTC)
	test := struct {
		lists Say1[[]string]
		when  Say2[time.Time, time.Duration]
		state Say2[event.State, Both]
	}{
		lists: Say1[[]string]{local("{a:or} / {a:and} / {a}", "{a:or} / {a:and} / {a}", list)},
		when:  Say2[time.Time, time.Duration]{local("{t} for {d}", "{t} から{d}", moment, duration)},
		state: Say2[event.State, Both]{local("{s}: {b}", "{s}: {b}", state, both)},
	}
	for _, c := range []struct{ got, want string }{
		{In("en", nil).Say(NoProcessNamed.With([]string{"a", "b"}).And(OtherExecutable.With(1))), "no process is named a or b; 1 of the name runs another executable"},
		{In("ja", nil).Say(NoProcessNamed.With([]string{"a", "b"}).And(OtherExecutable.With(3))), "a または b という名前のプロセスがありません。同名のプロセスが 3 個ありますが、実行ファイルが異なります"},
		{said(test.lists.sentence, "en", tokyo, test.lists.With([]string{"a", "b", "c"})), "a or b or c / a, b and c / a, b, c"},
		{said(test.lists.sentence, "ja", tokyo, test.lists.With([]string{"a", "b"})), "a または b / a、b / a、b"},
		{said(test.when.sentence, "ja", tokyo, test.when.With(at, 125*time.Minute)), "2026-11-23T06:00:05+09:00 から2時間5分"},
		{said(test.when.sentence, "en", nil, test.when.With(at.In(tokyo), 2*time.Hour)), "2026-11-22T21:00:05Z for 2h"},
		{said(test.state.sentence, "ja", nil, test.state.With(event.Degraded, Both{"x", "エックス"})), "一部停止: エックス"},
		{said(test.state.sentence, "ja", nil, test.state.With(event.Degraded, Both{EN: "x"})), "一部停止: x"},
		{In("ja", nil).Say(event.Say(event.Statement{Code: "of.tomorrow", Args: []string{"1"}, Text: "it is new"})), "it is new"},
		{In("ja", nil).Say(event.Prose("as it was")), "as it was"},
		{English(Of(fmt.Errorf("x: %w", Fail(Grant.With())))), "run dswatch as root or grant it CAP_SYS_PTRACE"},
		{In("ja", nil).Say(Of(errors.New("dial tcp: refused"))), "dial tcp: refused"},
		{In("ja", nil).Length(1200 * time.Millisecond), "1.2秒"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
	spelt := Spell(NoProcessNamed.With([]string{"a"})).Statements()[0]
	if spelt.Text != "no process is named a" || spelt.Code != "process.none_named" {
		t.Errorf("spelt %+v", spelt)
	}
}

// local makes a sentence that is not in the table.
func local(en, ja string, kinds ...kind) *sentence {
	s := add("test.only", en, ja, kinds...)
	delete(table, "test.only")
	return s
}

func said(s *sentence, language string, zone *time.Location, what event.Said) string {
	table[s.code] = s
	defer delete(table, s.code)
	return In(language, zone).Say(what)
}

// TestDictionary holds that every word of package event has both languages.
func TestDictionary(t *testing.T) {
	en, ja := In("en", nil), In("ja", nil)
	var missing []string
	look := func(what, a, b string) {
		if a == "" || b == "" || a == b {
			missing = append(missing, what)
		}
	}
	for _, k := range event.Kinds() {
		look(string(k), en.Kind(k), ja.Kind(k))
	}
	for _, s := range []event.State{event.Up, event.Degraded, event.Down, event.Unknown} {
		look(string(s), en.State(s), ja.State(s))
	}
	for _, s := range event.Severities() {
		look(string(s), en.Severity(s), ja.Severity(s))
	}
	for _, i := range event.Impacts() {
		look(string(i), en.Impact(i), ja.Impact(i))
	}
	if len(missing) > 0 {
		t.Errorf("without a word in both languages: %q", missing)
	}
	if got := ja.Origin("learned (4122/tcp)"); got != "学習 (4122/tcp)" {
		t.Errorf("an origin is %q", got)
	}
	if !slices.Contains(Codes(), "quoted") {
		t.Error("Codes lacks one")
	}
}

// TestTellingTakesLittleMemory: an alert's texts are said in one buffer, and
// the sentences inside one another are read where they stand. Only the texts
// themselves are made.
func TestTellingTakesLittleMemory(t *testing.T) {
	a := event.Alert{
		TitleStatements: Title.With("web01", IsLost.Phrase(Named.Phrase(event.Process, "ds_agent"), 1, HowDegraded.Phrase(1, 2))),
		TextStatements:  NotObserved.With().And(NothingHeard.With(time.Hour)),
	}
	In("en", nil).Tell(&a)
	if want := "web01: process ds_agent is still degraded (1 of 2)"; a.Title != want {
		t.Fatalf("%q, want %q", a.Title, want)
	}
	if n := testing.AllocsPerRun(100, func() { In("en", nil).Tell(&a) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// TestPacking: whatever a phrase is given, it has it back, in however many
// phrases it stands.
func TestPacking(t *testing.T) {
	for _, arg := range []string{"", "a", "~", "/", "\v", "~0", "~1/~2", "a/b~c\vd", "~9", "~~~", "~01", "~001/"} {
		packed := arg
		for deep := range len(slashes) {
			packed = string(pack("code", packed, "end"))
			at := packed
			for level := 0; level <= deep; level++ {
				got := unpack(at, level, nil)
				if got.Code != "code" || len(got.Args) != 2 || got.Args[1] != "end" {
					t.Fatalf("%q in %d phrases comes back as %q", arg, deep, got)
				}
				at = got.Args[0]
			}
			if got := plain(at, deep+1); got != arg {
				t.Errorf("%q in %d phrases comes back as %q", arg, deep+1, got)
			}
		}
	}
	deepest := "name"
	for range 20 { // as nobody but a stranger writes it
		deepest = string(Title.Phrase("h", Phrase(deepest)))
	}
	In("en", nil).Say(Title.With("h", Phrase(deepest)))
}
