package catalog

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

//go:embed deepsecurity.yaml
var embedded []byte

//go:embed reported.yaml
var reported []byte

// Catalog is a list of rows with the footnotes they name. It is immutable.
type Catalog struct {
	rows      []*Row
	reported  []*Row // of items that come with who reports them; beside the list
	shown     bool   // reported ones are shown as well
	footnotes []Footnote
	merged    []Merged
}

// Footnote is one of the vendor's footnotes, in our own words, or a note of
// our own.
type Footnote struct {
	ID      string `yaml:"id"`      // stable: "agent-windows-4"
	Section string `yaml:"section"` // the vendor's heading; empty: the note is ours
	Number  int    `yaml:"number"`  // the vendor's number in that section; 0: it has none
	EN      string `yaml:"en"`
	JA      string `yaml:"ja"`
}

// In returns the text in language: "ja", or English for anything else.
func (n Footnote) In(language string) string {
	if language == "ja" {
		return n.JA
	}
	return n.EN
}

// Load returns the vendor's list. An error is a defect of the program: the
// list is part of the binary.
func Load() (*Catalog, error) {
	c, err := parse(embedded)
	if err != nil {
		return nil, err
	}
	beside, err := parse(reported, c.rows...)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Concat(c.rows, beside.rows) {
		if slices.Contains([]string{event.Agent, event.Manager}, r.Component) && r.Kind != event.Installation && !r.asked() {
			r.DependsOn = append(r.DependsOn, string(event.Installation)+"/installed") // the disappearance of the whole explains each part
		}
	}
	c.reported, c.footnotes = beside.rows, append(c.footnotes, beside.footnotes...)
	return c, nil
}

// parse reads a list whose rows may refer to those of beside.
func parse(b []byte, beside ...*Row) (*Catalog, error) {
	var file struct {
		Footnotes []Footnote `yaml:"footnotes"`
		Rows      []*Row     `yaml:"rows"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(&file); err != nil {
		return nil, fmt.Errorf("parse catalog: %w", err)
	}
	c := &Catalog{footnotes: file.Footnotes, reported: beside}
	for i, n := range c.footnotes {
		if n.ID == "" || n.EN == "" || n.JA == "" {
			return nil, fmt.Errorf("parse catalog: footnotes[%d]: id, en or ja is missing", i)
		}
		if _, twice := (&Catalog{footnotes: c.footnotes[:i]}).Footnote(n.ID); twice {
			return nil, fmt.Errorf("parse catalog: footnotes[%d]: %s is there twice", i, n.ID)
		}
	}
	for i, r := range file.Rows {
		if err := c.add(r); err != nil {
			return nil, fmt.Errorf("parse catalog: rows[%d]: %w", i, err)
		}
	}
	for i, r := range c.rows {
		if err := c.relatives(r); err != nil {
			return nil, fmt.Errorf("parse catalog: rows[%d]: %w", i, err)
		}
	}
	return c, nil
}

// add appends r, if it is valid and no row has its place.
func (c *Catalog) add(r *Row) error {
	if err := r.Validate(); err != nil {
		return err
	}
	var en, ja []string
	for i, id := range r.Footnotes {
		n, ok := c.Footnote(id)
		if !ok {
			return words.Bad(fmt.Sprintf("footnotes[%d]", i), words.NotAFootnote.With(words.Inner(setting.Clip(id)), meant(id, c.footnoteIDs())))
		}
		en, ja = append(en, n.EN), append(ja, n.JA)
	}
	r.notes = words.Both{EN: strings.Join(en, " "), JA: strings.Join(ja, "")}
	r.say()
	for _, other := range c.rows {
		if other.Component == r.Component && other.ID() == r.ID() && overlap(other.OS, r.OS) {
			return words.Bad("name", words.RowListed.With(r.ID(), r.Component, r.ID()))
		}
	}
	c.rows = append(c.rows, r)
	return nil
}

// overlap reports whether two rows can be for one host. No systems: any.
func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(os string) bool { return slices.Contains(b, os) })
}

// With returns a catalog without the rows that ignore names, as `name` or
// `kind/name`, and with the operator's own rows. An entry that matches
// nothing, a row that is not valid or that is on the list already is an
// setting.Error with a key below `watch`: "ignore[0]", "items[2].name".
func (c *Catalog) With(items []Row, ignore []string) (*Catalog, error) {
	gone := make(map[*Row]bool)
	for i, entry := range ignore {
		matched := false
		for _, r := range c.all() {
			if entry == r.Name || entry == r.ID() {
				gone[r], matched = true, true
			}
		}
		if !matched {
			return nil, words.Bad(fmt.Sprintf("ignore[%d]", i), words.MatchesNoRow.With(words.Inner(setting.Clip(entry)), c.meantRow(entry)))
		}
	}
	out := &Catalog{footnotes: c.footnotes, shown: c.shown, rows: make([]*Row, 0, len(c.rows)+len(items))}
	var added []ofItems
	for _, r := range c.reported {
		if !gone[r] {
			out.reported = append(out.reported, r)
		}
	}
	for _, r := range c.rows {
		if !gone[r] {
			out.rows = append(out.rows, r)
		}
	}
	for i, r := range items {
		if r.Component == "" {
			r.Component = Own
		}
		if r.Kind.Valid() && !slices.Contains(watched(), r.Kind) {
			return nil, words.Bad(fmt.Sprintf("items[%d].kind", i), words.KindNotLookedFor.With(r.Kind, kinds()))
		}
		for _, r := range out.caseless(i, r) {
			if err := out.add(r); err != nil {
				return nil, ofItem(i, err)
			}
			added = append(added, ofItems{i, r})
		}
	}
	for _, a := range added {
		out.follow(a.row)
		if err := out.relatives(a.row); err != nil {
			return nil, ofItem(a.item, err)
		}
	}
	return out, nil
}

// ofItems is a row that an entry of watch.items brought about.
type ofItems struct {
	item int
	row  *Row
}

// Merged is an operator's row that is one item with another one on Windows,
// which does not tell the case of names.
type Merged struct {
	Item int    // its place in watch.items
	Into string // how the item is called

	was, is string // ids of rows
}

// follow lets a row that names another by what it is called no more name it by
// what it is called now.
func (c *Catalog) follow(r *Row) {
	if len(c.merged) == 0 {
		return
	}
	now := func(id string) string {
		for _, m := range c.merged {
			if id == m.was && !slices.ContainsFunc(c.rows, func(o *Row) bool { return o.ID() == id }) {
				return m.is
			}
		}
		return id
	}
	r.DependsOn, r.Loss = slices.Clone(r.DependsOn), slices.Clone(r.Loss)
	for i, id := range r.DependsOn {
		r.DependsOn[i] = now(id)
	}
	for i := range r.Loss {
		with := map[string]string{}
		for id, state := range r.Loss[i].With {
			with[now(id)] = state
		}
		r.Loss[i].With = with
	}
}

// Merged lists them in the order of the items.
func (c *Catalog) Merged() []Merged { return c.merged }

// caseless returns the rows to add for an operator's row. Where another row has
// the same name but for its case and both are for Windows, his one counts there,
// under the name that the other has.
func (c *Catalog) caseless(i int, r Row) []*Row {
	n := slices.IndexFunc(c.rows, func(other *Row) bool {
		return other.Component == r.Component && other.Kind == r.Kind && other.Name != r.Name && strings.EqualFold(other.Name, r.Name) &&
			other.On(event.Windows) && r.On(event.Windows)
	})
	if n < 0 {
		return []*Row{&r}
	}
	other := c.rows[n]
	c.merged = append(c.merged, Merged{i, other.Name, r.ID(), other.ID()})
	c.rows = slices.Delete(c.rows, n, n+1)
	one := r
	one.Name, one.OS, one.Instances = other.Name, []string{event.Windows}, max(r.Instances, other.Instances)
	rows := []*Row{&one}
	for _, rest := range []Row{*other, r} {
		if rest.OS = elsewhere(rest.OS); len(rest.OS) > 0 {
			rows = append(rows, &rest)
		}
	}
	return rows
}

// elsewhere are the systems but for Windows; none given: any.
func elsewhere(os []string) (out []string) {
	if len(os) == 0 {
		os = event.OS.Allowed()
	}
	for _, o := range os {
		if o != event.Windows {
			out = append(out, o)
		}
	}
	return out
}

// ofItem names the item in an error about a row.
func ofItem(i int, err error) error {
	if s, ok := err.(*setting.Error); ok {
		return &setting.Error{Key: fmt.Sprintf("items[%d].%s", i, s.Key), Err: s.Err}
	}
	return err
}

// meantRow ends the error about an entry of `ignore` that matches nothing.
func (c *Catalog) meantRow(entry string) words.Phrase {
	var names []string
	for _, r := range c.all() {
		if strings.HasSuffix(entry, "/"+r.Name) { // the kind is wrong
			return words.DidYouMean.Phrase(r.ID())
		}
		names = append(names, r.Name, r.ID())
	}
	if n := setting.Nearest(entry, names); n != "" {
		return words.DidYouMean.Phrase(n)
	}
	return words.WriteARow.Phrase()
}

// Reported returns the catalog with the rows of what the manager's API reports
// among the Entries: where nobody asks it they would only be in the way.
func (c *Catalog) Reported() *Catalog {
	out := *c
	out.shown = true
	return &out
}

// all returns the rows of the list and those of what is reported.
func (c *Catalog) all() []*Row { return append(slices.Clip(c.rows), c.reported...) }

// Rows returns the rows that are looked for on os in the order of the list; "" is any: all of
// them. The rows must not be changed.
func (c *Catalog) Rows(os string) []*Row {
	var rows []*Row
	for _, r := range c.rows {
		if r.On(os) {
			rows = append(rows, r)
		}
	}
	return rows
}

// Find returns the row of an item on a host with this OS; "" is an unknown
// OS, where the first row of the name counts. It is nil where no row is on
// the list.
func (c *Catalog) Find(k event.Key, os string) *Row {
	for _, rows := range [][]*Row{c.rows, c.reported} {
		for _, r := range rows {
			if r.Name == k.Name && r.Kind == k.Kind && r.Component == k.Component && r.On(os) {
				return r
			}
		}
	}
	return nil
}

// Footnote returns the footnote of this id.
func (c *Catalog) Footnote(id string) (Footnote, bool) {
	for _, n := range c.footnotes {
		if n.ID == id {
			return n, true
		}
	}
	return Footnote{}, false
}

func (c *Catalog) footnoteIDs() []string {
	var ids []string
	for _, n := range c.footnotes {
		ids = append(ids, n.ID)
	}
	return ids
}
