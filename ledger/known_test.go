package ledger

import (
	"slices"
	"testing"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/engine"
)

// TestKnown: who was there last is kept, in one record that is no receipt; one
// that names sinks only is read, and one that cannot be read counts as none and
// is written over.
func TestKnown(t *testing.T) {
	b := bustest.New(t)
	r := On(b, bus.Config{}).Receipts()
	want := func(there bool, routing string, names ...string) {
		t.Helper()
		got, found, err := r.Known(t.Context())
		if err != nil || found != there || got.Routing != routing || !slices.Equal(got.Sinks, names) {
			t.Errorf("known: %+v, %v, %v; want %q by %s", got, found, err, names, routing)
		}
	}
	put := func(value string) {
		t.Helper()
		if _, err := b.Bucket(bus.Receipts).Put(t.Context(), knownKey, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	want(false, "")
	for _, names := range [][]string{{"nms", "hook"}, {"hook", "nms"}, {"sinks"}, {}} {
		for _, routing := range []string{"one", "two"} {
			if err := r.Know(t.Context(), engine.Roster{Sinks: names, Routing: routing}); err != nil {
				t.Fatal(err)
			}
			want(true, routing, slices.Sorted(slices.Values(names))...)
		}
	}
	for _, sink := range []string{"sinks", "known"} {
		if pages, err := readPages(t.Context(), b.Bucket(bus.Receipts), sink); err != nil || len(pages) != 0 {
			t.Errorf("receipts of sink %s: %+v, %v", sink, pages, err)
		}
	}
	put(`["hook","nms"]`)
	want(true, "", "hook", "nms")
	put(`[`)
	want(false, "")
	if err := r.Know(t.Context(), engine.Roster{Sinks: []string{"nms"}, Routing: "one"}); err != nil {
		t.Fatal(err)
	}
	want(true, "one", "nms")
}
