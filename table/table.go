// Package table writes tables and texts for people at a terminal: columns stand
// under each other also where a text is Japanese (text/tabwriter takes every
// character for one cell), no line is wider than the terminal unless one word
// is, and a state has its colour where the terminal has colours.
//
// The same input gives the same text everywhere: characters that East Asian
// terminals may show in one cell or in two count as one, whatever the
// environment says of them.
package table

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

const (
	gap = 2 // cells between two columns
	// fold is the indent of what has no room in the first line of a row.
	fold = 4
	// least is the cells that a text which is wrapped has at least, and lastColumn
	// those of a last column that is wrapped beside the others.
	least, lastColumn = 30, 40
)

// Form is how a terminal wants its text. The zero value is what a pipe gets: a
// row is one line with all its columns, nothing is broken, nothing coloured.
type Form struct {
	Width int // cells of a line; 0: as wide as it takes
	Color bool
}

// Tint is the colour of a state.
type Tint string

// The colours, as SGR parameters.
const (
	Plain  Tint = ""
	Red    Tint = "31" // trouble
	Yellow Tint = "33" // unknown, or less than trouble
	Green  Tint = "32" // well
	Grey   Tint = "90" // does not count
)

// Row is one row of a table. Its cell At, the first by default, is shown in
// Tint.
type Row struct {
	Cells []string
	Tint  Tint
	At    int
}

// Width returns how many cells of a terminal s takes.
func Width(s string) int {
	one := runewidth.Condition{} // not the package's default, which asks the environment
	return one.StringWidth(s)
}

// Pad returns s followed by blanks up to width cells.
func Pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-Width(s))) }

// widths returns the cells that each column of rows takes.
func widths(rows []Row) []int {
	var all []int
	for _, row := range rows {
		for i, c := range row.Cells {
			if i == len(all) {
				all = append(all, 0)
			}
			all[i] = max(all[i], Width(c))
		}
	}
	return all
}

// Text returns s, indented and wrapped.
func (f Form) Text(indent int, s string) string {
	return f.After(strings.Repeat(" ", indent), indent, s)
}

// After returns s behind label, with all its lines beginning at the cell at. A
// label that is longer moves only the first.
func (f Form) After(label string, at int, s string) string {
	if Width(label) > at {
		label += " "
	}
	first := Pad(label, at)
	room := 0
	if f.Width > 0 {
		room = max(f.Width-at, least)
	}
	// What a longer label takes of the first line is wrapped as a part of it.
	over := strings.Repeat("_", Width(first)-at)
	lines := Wrap(over+s, room)
	lines[0] = strings.TrimPrefix(lines[0], over)
	out := strings.TrimRight(first+lines[0], " ") + "\n"
	for _, line := range lines[1:] {
		out += strings.Repeat(" ", at) + line + "\n"
	}
	return out
}

// Table returns rows with their columns under each other; the first row is the
// head. No line ends with blanks.
//
// Where they do not fit the width, columns that say nothing in any row are left
// out, the last column is wrapped, and then columns go into further, indented
// lines of their row, in the head too.
func (f Form) Table(rows []Row) string {
	var b strings.Builder
	all := widths(rows)
	for _, row := range rows {
		for n, columns := range f.lines(rows, all) {
			f.line(&b, row, columns, all, n > 0)
		}
	}
	return b.String()
}

// lines returns which columns stand in which line of a row.
func (f Form) lines(rows []Row, all []int) [][]int {
	columns := make([]int, len(all))
	for i := range columns {
		columns[i] = i
	}
	total := -gap
	for _, n := range all {
		total += n + gap
	}
	if f.Width <= 0 || total <= f.Width {
		return [][]int{columns}
	}
	columns = slices.DeleteFunc(columns, func(i int) bool {
		return len(rows) > 1 && !slices.ContainsFunc(rows[1:], func(r Row) bool { return !empty(r, i) })
	})
	var out [][]int
	used := 0
	for n, i := range columns {
		need := all[i]
		if n == len(columns)-1 {
			need = min(need, lastColumn)
		}
		if used > 0 && used+gap+need <= f.Width {
			out[len(out)-1] = append(out[len(out)-1], i)
			used += gap + need
			continue
		}
		used = need
		if len(out) > 0 {
			used += fold
		}
		out = append(out, []int{i})
	}
	return out
}

// empty reports whether the cell says nothing.
func empty(r Row, i int) bool { return i >= len(r.Cells) || r.Cells[i] == "" || r.Cells[i] == "-" }

// line writes the columns of a row that stand in one line, further ones only
// where they say something. The last is wrapped.
func (f Form) line(b *strings.Builder, row Row, columns, all []int, further bool) {
	if further && !slices.ContainsFunc(columns, func(i int) bool { return !empty(row, i) }) {
		return
	}
	var line strings.Builder
	at := 0
	if further {
		at = fold
		line.WriteString(strings.Repeat(" ", fold))
	}
	for n, i := range columns {
		cell := ""
		if i < len(row.Cells) {
			cell = row.Cells[i]
		}
		if n < len(columns)-1 {
			line.WriteString(f.tinted(row, i, cell) + strings.Repeat(" ", all[i]-Width(cell)+gap))
			at += all[i] + gap
			continue
		}
		room := 0
		if f.Width > 0 {
			room = max(1, f.Width-at)
		}
		for k, part := range Wrap(cell, room) {
			if k > 0 {
				line.WriteString("\n" + strings.Repeat(" ", at))
			}
			line.WriteString(f.tinted(row, i, part))
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// tinted is the cell i of row in its colour.
func (f Form) tinted(row Row, i int, cell string) string {
	if !f.Color || row.Tint == Plain || i != row.At || cell == "" {
		return cell
	}
	return "\x1b[" + string(row.Tint) + "m" + cell + "\x1b[0m"
}
