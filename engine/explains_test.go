package engine

import (
	"testing"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// TestExplains: which item is a cause, and of which trouble it is sure to be
// told.
func TestExplains(t *testing.T) {
	firing, held := &rules.Slot{Phase: rules.Firing}, &rules.Slot{Phase: rules.Held}
	here, there := &footing{row: &catalog.Row{}, verdict: catalog.Verdict{Expected: catalog.Yes}}, &footing{}
	perhaps, no := *here, *here
	perhaps.verdict.Expected, no.verdict.Expected = catalog.Unknown, catalog.No
	host := event.Key{Host: "h", Component: "dswatch", Kind: event.Host, Name: "h"}
	for name, c := range map[string]struct {
		row       *footing
		key       event.Key
		state     event.State
		loss      *rules.Slot
		unseen    *rules.Slot
		rule      string
		yes, sure bool
	}{
		"its loss is told":                           {row: here, state: event.Down, loss: firing, rule: rules.Loss, yes: true, sure: true},
		"its loss is told, of what cannot be seen":   {row: here, state: event.Down, loss: firing, rule: rules.Unseen, yes: true, sure: true},
		"nobody knows any more whether it is needed": {row: &perhaps, state: event.Down, loss: firing, rule: rules.Loss},
		"it is not needed any more":                  {row: &no, state: event.Down, loss: firing, rule: rules.Loss},
		"no row speaks of it":                        {row: there, state: event.Down, loss: firing, rule: rules.Loss},
		"its loss is held back":                      {row: here, state: event.Down, loss: held, rule: rules.Loss, yes: true},
		"its loss is in a digest":                    {row: here, state: event.Down, loss: &rules.Slot{Phase: rules.Held, Digest: "d"}, rule: rules.Loss, yes: true, sure: true},
		"its loss is silenced":                       {row: here, state: event.Down, loss: &rules.Slot{Phase: rules.Held, Silence: "s"}, rule: rules.Loss},
		"it is well":                                 {row: here, state: event.Up, rule: rules.Loss},
		"it is well, and its alert is not cleared":   {row: here, state: event.Up, loss: firing, rule: rules.Loss},
		"it cannot be seen, and that is told":        {row: here, state: event.Unknown, unseen: firing, rule: rules.Unseen, yes: true, sure: true},
		"which is no reason for a loss":              {row: here, state: event.Unknown, unseen: firing, rule: rules.Loss},
		"but of a silent host it is":                 {row: here, key: host, state: event.Unknown, unseen: firing, rule: rules.Loss, yes: true, sure: true},
		"it cannot be seen, and that is not told":    {row: here, state: event.Unknown, unseen: held, rule: rules.Unseen},
	} {
		it := &item{row: c.row, status: rules.Status{Key: c.key, Seen: event.Observation{State: c.state}, Loss: c.loss, Unseen: c.unseen}}
		if yes, sure := it.explains(c.rule); yes != c.yes || sure != c.sure {
			t.Errorf("%s: %v, sure %v; want %v, %v", name, yes, sure, c.yes, c.sure)
		}
	}
}
