package catalog

import (
	"fmt"
	"slices"

	"dswatch/setting"
	"dswatch/words"
)

// Advice is what the operator wants to be done first when rows that are not his
// own are lost: whom to call is his to say.
type Advice struct {
	Rows []string `yaml:"rows" doc:"rows as name or kind/name, such as [process/ds_agent]; default every row of the vendor's list and of the manager's API"`
	Step `yaml:",inline"`
}

// Advised returns a catalog with the advice before the steps of the rows: of
// what fits, the first entry counts. An entry that matches nothing, or that is
// not valid, is a setting.Error with a key below `watch`: "next[0].rows[1]".
func (c *Catalog) Advised(all []Advice) (*Catalog, error) {
	if len(all) == 0 {
		return c, nil
	}
	steps := map[*Row][]Step{}
	for i, a := range all {
		if err := a.validate(fmt.Sprintf("next[%d].", i)); err != nil {
			return nil, err
		}
		for j, entry := range a.Rows {
			if !slices.ContainsFunc(c.all(), func(r *Row) bool { return entry == r.Name || entry == r.ID() }) {
				return nil, words.Bad(fmt.Sprintf("next[%d].rows[%d]", i, j), words.MatchesNoRow.With(words.Inner(setting.Clip(entry)), c.meantRow(entry)))
			}
		}
		for _, r := range c.all() {
			if len(a.Rows) == 0 || slices.Contains(a.Rows, r.Name) || slices.Contains(a.Rows, r.ID()) {
				steps[r] = append(steps[r], a.Step)
			}
		}
	}
	out := *c
	out.rows, out.reported = advised(c.rows, steps), advised(c.reported, steps)
	return &out, nil
}

func advised(rows []*Row, steps map[*Row][]Step) []*Row {
	out := slices.Clone(rows)
	for i, r := range rows {
		if first := steps[r]; len(first) > 0 {
			own := *r
			own.Next = append(slices.Clip(first), r.Next...)
			own.say()
			out[i] = &own
		}
	}
	return out
}
