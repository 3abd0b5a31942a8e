// Package table lines up columns in a terminal, also where a text is Japanese:
// text/tabwriter takes every character for one cell.
//
// The same input gives the same table everywhere: characters that East Asian
// terminals may show in one cell or in two count as one, whatever the
// environment says of them.
package table

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// gap is the cells between two columns.
const gap = 2

// Width returns how many cells of a terminal s takes.
func Width(s string) int {
	one := runewidth.Condition{} // not the package's default, which asks the environment
	return one.StringWidth(s)
}

// Widths returns the cells that each column of rows takes.
func Widths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(c))
		}
	}
	return widths
}

// Write writes rows, a line each, with their columns under each other. No line
// ends with blanks.
func Write(w io.Writer, rows [][]string) error {
	widths := Widths(rows)
	var b, line strings.Builder
	for _, row := range rows {
		line.Reset()
		for i, c := range row {
			line.WriteString(c)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-Width(c)+gap))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
