package app

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"dswatch/journal"
	"dswatch/ledger"
	"dswatch/machine"
)

// TestWhichStore judges what a start can find.
func TestWhichStore(t *testing.T) {
	here, other := machine.Identity{System: "here"}, machine.Identity{System: "other"}
	now := time.Now()
	whole := func() found {
		return found{
			meta: ledger.Meta{ID: "s1", Started: 5}, has: true, last: now.Add(-time.Second), here: here, host: "web01",
			journal: journal.Contents{Header: journal.Header{Store: "s1", Machine: here, Host: "web01", Started: 5}, Last: now.Add(-time.Minute)},
			marker:  marker{Store: "s1", Machine: here, Started: 5, Alive: now.Add(-10 * time.Second)},
		}
	}
	lost := func(f *found) { f.meta, f.has, f.empty, f.last = ledger.Meta{}, false, true, time.Time{} }
	gone := func(f *found) { f.journal, f.bad = journal.Contents{}, fs.ErrNotExist }
	unmarked := func(f *found) { f.marker = marker{} }
	for name, c := range map[string]struct {
		change           []func(*found)
		take, anew, back bool
	}{
		"an ordinary start":             {nil, true, false, false},
		"the first installation":        {[]func(*found){lost, gone, unmarked}, false, false, false},
		"an upgrade of an older store":  {[]func(*found){func(f *found) { f.meta, f.has = ledger.Meta{}, false }, gone, unmarked}, false, false, false},
		"the store is lost":             {[]func(*found){lost}, true, false, false},
		"the store and the marker are":  {[]func(*found){lost, unmarked}, true, false, false},
		"the store and the journal are": {[]func(*found){lost, gone}, false, true, false},
		"all three are":                 {[]func(*found){lost, gone, unmarked}, false, false, false},
		"the journal is unreadable":     {[]func(*found){lost, func(f *found) { f.bad = errors.New("bad") }}, false, true, false},
		"unreadable beside a store":     {[]func(*found){func(f *found) { f.bad = errors.New("bad") }}, false, false, false},
		"the journal is an older copy":  {[]func(*found){lost, func(f *found) { f.journal.Started = 4 }}, false, true, false},
		"a clone without its store":     {[]func(*found){lost, func(f *found) { f.here = other }}, false, false, false},
		"a clone":                       {[]func(*found){func(f *found) { f.here = other }}, false, false, false},
		"another name of the host":      {[]func(*found){lost, func(f *found) { f.host = "web02" }}, false, true, false},
		"a journal of another store":    {[]func(*found){func(f *found) { f.journal.Store = "s0" }}, false, false, false},
		"it was cut off taking one up":  {[]func(*found){func(f *found) { f.journal.Store, f.meta.Took = "s0", "s0" }}, true, false, false},
		"a copy of before the start":    {[]func(*found){func(f *found) { f.meta.Started = 4 }}, true, false, true},
		"a copy of an hour ago":         {[]func(*found){func(f *found) { f.last = now.Add(-time.Hour) }}, true, false, true},
		"that, without a journal":       {[]func(*found){func(f *found) { f.last = now.Add(-time.Hour) }, gone}, false, false, true},
		"a power loss":                  {[]func(*found){func(f *found) { f.last = now.Add(-15 * time.Second) }}, true, false, false},
		"it did not run for a day": {[]func(*found){func(f *found) {
			f.last, f.marker.Alive, f.journal.Last = now.Add(-24*time.Hour), now.Add(-24*time.Hour), now.Add(-25*time.Hour)
		}}, true, false, false},
	} {
		f := whole()
		for _, change := range c.change {
			change(&f)
		}
		if v := f.judge(); v.take != c.take || v.anew != c.anew || v.back != c.back {
			t.Errorf("%s: %+v, want take %v, anew %v, back %v", name, v, c.take, c.anew, c.back)
		}
	}
}
