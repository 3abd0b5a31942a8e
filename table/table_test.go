package table_test

import (
	"testing"

	"github.com/mattn/go-runewidth"

	"dswatch/table"
)

// TestTable: columns line up in cells of the terminal, and no line ends with
// blanks.
func TestTable(t *testing.T) {
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
			var rows []table.Row
			for _, cells := range c.rows {
				rows = append(rows, table.Row{Cells: cells})
			}
			if got := (table.Form{}).Table(rows); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
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

// TestFold: what does not fit the width goes first away, when it says nothing,
// then into further lines; what fits stays as it is.
func TestFold(t *testing.T) {
	rows := []table.Row{
		{Cells: []string{"ID", "STATE", "NOTHING", "ITEM", "WHY"}},
		{Cells: []string{"a1", "down", "-", "web01/agent/process/ds_agent", "no process is named ds_agent"}, Tint: table.Red, At: 1},
		{Cells: []string{"b2", "正常", "", "web01/agent/process/ds_am", ""}},
	}
	for width, want := range map[int]string{
		0: "ID  STATE  NOTHING  ITEM                          WHY\n" +
			"a1  down   -        web01/agent/process/ds_agent  no process is named ds_agent\n" +
			"b2  正常            web01/agent/process/ds_am\n",
		72: "ID  STATE  ITEM                          WHY\n" +
			"a1  down   web01/agent/process/ds_agent  no process is named ds_agent\n" +
			"b2  正常   web01/agent/process/ds_am\n",
		60: "ID  STATE  ITEM\n    WHY\n" +
			"a1  down   web01/agent/process/ds_agent\n    no process is named ds_agent\n" +
			"b2  正常   web01/agent/process/ds_am\n",
		24: "ID  STATE\n    ITEM\n    WHY\n" +
			"a1  down\n    web01/agent/process/ds_agent\n    no process is named\n    ds_agent\n" +
			"b2  正常\n    web01/agent/process/ds_am\n",
	} {
		if got := (table.Form{Width: width}).Table(rows); got != want {
			t.Errorf("%d cells:\n%s\nwant\n%s", width, got, want)
		}
	}
	if got, want := (table.Form{Width: 72, Color: true}).Table(rows[:2]), "ID  STATE  ITEM                          WHY\na1  \x1b[31mdown\x1b[0m   web01/agent/process/ds_agent  no process is named ds_agent\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAfter: the lines of a text begin under each other, also where its label is longer.
func TestAfter(t *testing.T) {
	f := table.Form{Width: 40}
	for label, want := range map[string]string{
		"  a":            "  a     one two three four five six\n        seven eight\n",
		"  a long label": "  a long label one two three four five\n        six seven eight\n",
	} {
		if got := f.After(label, 8, "one two three four five six seven eight"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
