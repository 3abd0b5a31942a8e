package table_test

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"dswatch/table"
)

// TestWrite: columns line up in cells of the terminal, and no line ends with
// blanks.
func TestWrite(t *testing.T) {
	for name, c := range map[string]struct {
		rows [][]string
		want string
	}{
		"nothing":         {nil, ""},
		"Japanese":        {[][]string{{"ID", "AUTHOR", "COMMENT"}, {"a1", "山田", "夜間作業"}, {"b2", "kim", ""}}, "ID  AUTHOR  COMMENT\na1  山田    夜間作業\nb2  kim\n"},
		"empty cells":     {[][]string{{"a", "", "c"}, {"", "", ""}}, "a    c\n\n"},
		"indented":        {[][]string{{"  a", "b"}, {"  aa", "b"}}, "  a   b\n  aa  b\n"},
		"a shorter row":   {[][]string{{"a", "b", "c"}, {"aaa"}}, "a    b  c\naaa\n"},
		"either width":    {[][]string{{"α→", "b"}, {"aaa", "b"}}, "α→   b\naaa  b\n"},
		"a voiced letter": {[][]string{{"か\u3099", "b"}, {"aa", "b"}}, "か\u3099  b\naa  b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := table.Write(&b, c.rows); err != nil {
				t.Fatal(err)
			}
			if b.String() != c.want {
				t.Errorf("%q, want %q", b.String(), c.want)
			}
		})
	}
}

// TestWidth: where the environment says that characters of either width are
// wide, that changes nothing.
func TestWidth(t *testing.T) {
	was := runewidth.DefaultCondition.EastAsianWidth
	runewidth.DefaultCondition.EastAsianWidth = true
	t.Cleanup(func() { runewidth.DefaultCondition.EastAsianWidth = was })
	for s, want := range map[string]int{"": 0, "abc": 3, "山田": 4, "α→…": 3, "か\u3099": 2, "e\u0301": 1} {
		if got := table.Width(s); got != want {
			t.Errorf("%q takes %d cells, want %d", s, got, want)
		}
	}
}
