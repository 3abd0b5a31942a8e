package main

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table is rows of columns that line up in a terminal, also where a text is
// Japanese: text/tabwriter takes every character for one cell.
type table [][]string

func (t *table) row(columns ...string) { *t = append(*t, columns) }

func (t table) write(w io.Writer) error {
	cells := runewidth.Condition{} // the same everywhere, whatever the environment says
	var widths []int
	for _, row := range t {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells.StringWidth(c))
		}
	}
	var b strings.Builder
	for _, row := range t {
		line := ""
		for i, c := range row {
			line += c + strings.Repeat(" ", widths[i]-cells.StringWidth(c)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
