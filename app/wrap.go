package app

import (
	"strings"

	"dswatch/table"
)

// wrap breaks s into lines of at most width cells: at blanks, and anywhere
// beside wide characters, which Japanese writes without blanks. What cannot be
// broken is longer. A width of 0 breaks nothing.
func wrap(s string, width int) []string {
	if width <= 0 || table.Width(s) <= width {
		return []string{s}
	}
	var lines []string
	line, word := "", ""
	take := func() { // the word joins the line, or begins the next
		if line != "" && table.Width(line)+table.Width(strings.TrimRight(word, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += word
		word = ""
	}
	for _, r := range s {
		// No line begins with what ends a sentence or a bracket.
		if table.Width(string(r)) == 2 && !strings.ContainsRune("、。）」』，．・ー：；？！", r) && word != "" && !strings.HasSuffix(word, "（") && !strings.HasSuffix(word, "「") {
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
