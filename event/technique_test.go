package event_test

import (
	"testing"

	"dswatch/event"
)

// TestTechniques: a SIEM of either version of ATT&CK finds its id, and only
// where something was disarmed.
func TestTechniques(t *testing.T) {
	for _, c := range []struct {
		key  event.Key
		want []string
	}{
		{event.Key{Kind: event.Tamper, Name: "starts"}, []string{"T1562.001", "T1685"}},
		{event.Key{Kind: event.Tamper, Name: "files"}, []string{"T1562.001", "T1685"}},
		{event.Key{Kind: event.Installation, Name: "installed"}, []string{"T1562.001", "T1685"}},
		{event.Key{Kind: event.Installation, Name: "removed"}, nil},
		{event.Key{Kind: event.Process, Name: "ds_agent"}, nil},
	} {
		var got []string
		for _, x := range c.key.Techniques() {
			if x.Tactic == "" || (x.From == 0) == (x.To == 0) {
				t.Errorf("%s: %+v has no tactic, or not one end of its versions", c.key, x)
			}
			got = append(got, x.ID)
		}
		if len(got) != len(c.want) || len(got) > 0 && (got[0] != c.want[0] || got[1] != c.want[1]) {
			t.Errorf("%s: %v, want %v", c.key, got, c.want)
		}
	}
	first := event.Key{Kind: event.Tamper}.Techniques()
	first[0].ID = "x"
	if again := (event.Key{Kind: event.Tamper}).Techniques(); again[0].ID == "x" {
		t.Error("one alert's list is that of all")
	}
}
