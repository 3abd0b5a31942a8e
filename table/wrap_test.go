package table_test

import (
	"strings"
	"testing"

	"dswatch/table"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"one two three", 0, "one two three"}, {"one two three", 7, "one two|three"}, {"one two three", 3, "one|two|three"},
		{"toolongaword here", 4, "toolongaword|here"}, {"", 5, ""},
		{"保護しています。次へ", 16, "保護しています。|次へ"}, {"保護しています。次へ", 14, "保護していま|す。次へ"}, {"保護（重要）です", 6, "保護|（重|要）で|す"},
		{"Agent は停止", 8, "Agent は|停止"},
	} {
		if got := strings.Join(table.Wrap(c.s, c.width), "|"); got != c.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

// FuzzWrap: nothing is lost but blanks at the ends of lines.
func FuzzWrap(f *testing.F) {
	f.Add("Agent のプロセスが停止しています。Confirm it.", 20)
	f.Add("\xff（（（", 1)
	f.Fuzz(func(t *testing.T, s string, width int) {
		s = strings.ToValidUTF8(s, "?")
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := strings.Join(table.Wrap(s, width%300), ""); squeeze(got) != squeeze(s) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
