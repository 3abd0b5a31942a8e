package report

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"dswatch/history"
	"dswatch/rules"
)

// TestForever: a report reminds of the silences without an end that are in force
// at its own end, and of no other.
func TestForever(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 1, 0)
	r := NewReplay()
	for _, s := range []rules.Silence{
		{ID: "stays", Starts: from.Add(time.Hour), Forever: true},
		{ID: "expired", Starts: from.Add(time.Hour), Forever: true},
		{ID: "expired", Starts: from.Add(time.Hour), Ends: from.Add(48 * time.Hour), Forever: true},
		{ID: "ends", Starts: from.Add(time.Hour), Ends: to.Add(time.Hour)},
		{ID: "later", Starts: to.Add(time.Hour), Forever: true},
	} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		r.Add(&history.Entry{At: s.Starts, What: history.Silenced, ID: s.ID, Silence: text})
	}
	if got := r.Report(Request{From: from, To: to, Now: to.Add(time.Hour), Zone: time.UTC}).Forever; !slices.Equal(got, []string{"stays"}) {
		t.Errorf("reminds of %q", got)
	}
}
