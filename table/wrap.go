package table

import "strings"

// noLineBegins with what ends a sentence or a bracket, or belongs to the letter
// before: the small kana and the mark of repetition.
var noLineBegins = "、。）」』，．・ー：；？！" + string([]rune{0x3005,
	0x3041, 0x3043, 0x3045, 0x3047, 0x3049, 0x3063, 0x3083, 0x3085, 0x3087,
	0x30a1, 0x30a3, 0x30a5, 0x30a7, 0x30a9, 0x30c3, 0x30e3, 0x30e5, 0x30e7})

// Wrap breaks s into lines of at most width cells: at blanks, and anywhere
// beside wide characters, which Japanese writes without blanks. What cannot be
// broken is longer. A width of 0 breaks nothing.
func Wrap(s string, width int) []string {
	if width <= 0 || Width(s) <= width {
		return []string{s}
	}
	var lines []string
	line, word := "", ""
	take := func() { // the word joins the line, or begins the next
		if line != "" && Width(line)+Width(strings.TrimRight(word, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += word
		word = ""
	}
	for _, r := range s {
		if Width(string(r)) == 2 && !strings.ContainsRune(noLineBegins, r) && word != "" && !strings.HasSuffix(word, "（") && !strings.HasSuffix(word, "「") {
			take()
		}
		word += string(r)
		if r == ' ' {
			take()
		}
	}
	take()
	return append(lines, strings.TrimRight(line, " "))
}
