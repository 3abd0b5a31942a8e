package ledger

import (
	"encoding/json"
	"testing"
)

// FuzzPortable reads records that anybody may have written.
func FuzzPortable(f *testing.F) {
	f.Add("items", "x", []byte(`{"key":{"host":"h","component":"agent","kind":"process","name":"p"}}`))
	f.Add("items", "storm.x", []byte(`{"key":{},"slot":{}}`))
	f.Add("hosts", "web01", []byte(`{"specversion":"1.0"}`))
	f.Add("silences", "a", []byte(`{"id":"a"}`))
	f.Add("sinks", "hook.0", []byte(`{"turn":1,"receipts":[{"slot":"s","position":7}]}`))
	f.Add("sinks", "attempts/hook", []byte(`[]`))
	f.Fuzz(func(t *testing.T, in, key string, value []byte) {
		out, err := portable(Exported{in, key, value})
		if err == nil && !json.Valid(out) {
			t.Errorf("%s is taken and no JSON", out)
		}
		if err == nil {
			if _, err := portable(Exported{in, key, out}); err != nil {
				t.Errorf("what was taken is refused: %v", err)
			}
		}
	})
}
