package ledger

import (
	"testing"

	"dswatch/engine"
)

// TestOneLine: what another host reports must not break the journal.
func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{"{\"a\": 1}": "{\"a\": 1}", "{\n \"a\": [1,\n2]\n}": `{"a":[1,2]}`, "{\n": ""} {
		if got := entryOf(factsPrefix, engine.Record{Key: "web01", Value: []byte(in)}); string(got.Value) != want || got.Key != "facts/web01" {
			t.Errorf("%q is kept as %q", in, got.Value)
		}
	}
}
