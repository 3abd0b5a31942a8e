package catalog

import (
	"encoding/json"
	"fmt"
	"io"

	"dswatch/event"
	"dswatch/table"
	"dswatch/words"
)

// Entry is one row's verdict on one system, as `dswatch catalog --format
// json` prints it.
type Entry struct {
	Component string     `json:"component"`
	OS        string     `json:"os"` // "any": the row is for any system and the host's is unknown
	Kind      event.Kind `json:"kind"`
	Name      string     `json:"name"`
	Expected  Tri        `json:"expected"`
	Instances int        `json:"instances"`
	Footnotes []string   `json:"footnotes"` // ids, never null
	Reason    string     `json:"reason"`
	// ReasonStatements is Reason as data.
	ReasonStatements event.Said `json:"reason_statements,omitzero"`
}

// tints show at a glance what is expected.
var tints = map[Tri]table.Tint{Yes: table.Green, Unknown: table.Yellow, No: table.Grey}

// Entries returns the verdict of every row for a host with these facts, in
// the order of the list. Where the OS is unknown, a row has one entry for
// each of its systems, as if the host were that. Language is of the reasons:
// "ja", or English for anything else.
func (c *Catalog) Entries(f event.Facts, language string) []Entry {
	os, known := f.Get(event.OS)
	out := []Entry{}
	rows := c.rows
	if c.shown {
		rows = c.all()
	}
	for _, r := range rows {
		systems := r.OS
		switch {
		case r.Kind == event.Heartbeat && !r.vendors(): // how dswatch itself sees is on nobody's list
			continue
		case known && !r.On(os.Value), r.Kind.Class() != "": // the latter are shown when there is something to say
			continue
		case known:
			systems = []string{os.Value}
		case len(systems) == 0:
			systems = []string{"any"}
		}
		for _, s := range systems {
			g := f
			if !known && len(r.OS) > 0 {
				g = f.Merge(event.Facts{event.OS: {Value: s, Origin: "assumed"}})
			}
			v := r.Evaluate(g)
			out = append(out, Entry{
				Component: r.Component, OS: s, Kind: r.Kind, Name: r.Name, Expected: v.Expected, Instances: r.Want(),
				Footnotes: append([]string{}, v.Footnotes...), Reason: v.ReasonIn(language), ReasonStatements: words.Spell(v.Reason),
			})
		}
	}
	return out
}

// WriteJSON writes Entries as one indented JSON array.
func (c *Catalog) WriteJSON(w io.Writer, f event.Facts, language string) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // reasons hold < and >, and nothing here is HTML
	if err := e.Encode(c.Entries(f, language)); err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	return nil
}

// Shown is how Entries are written for people.
type Shown struct {
	Language string
	All      bool // also the rows that are not expected
	Form     table.Form
}

// WriteTable writes Entries as a table for people, and how many rows it leaves
// out. The reason comes last and is not cut.
func (c *Catalog) WriteTable(w io.Writer, f event.Facts, s Shown) error {
	v := words.In(s.Language, nil)
	rows := []table.Row{{Cells: []string{v.Pick(words.HeadComponent), "OS", v.Pick(words.HeadKind), v.Pick(words.HeadName), v.Pick(words.HeadExpected), v.Pick(words.HeadWhy)}}}
	left := 0
	for _, e := range c.Entries(f, s.Language) {
		if e.Expected == No && !s.All {
			left++
			continue
		}
		name := e.Name
		if e.Instances > 1 {
			name = fmt.Sprintf("%s x%d", name, e.Instances)
		}
		rows = append(rows, table.Row{Cells: []string{e.Component, e.OS, v.Kind(e.Kind), name, v.Expected(e.Expected.String()), e.Reason}, Tint: tints[e.Expected], At: 4})
	}
	text := s.Form.Table(rows)
	if left > 0 {
		text += "\n" + s.Form.Text(0, v.Say(words.RowsLeftOut.With(left)))
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	return nil
}
