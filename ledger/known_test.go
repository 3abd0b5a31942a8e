package ledger

import (
	"slices"
	"testing"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// TestKnown: the names of the sinks are kept as they were given last, in one
// record that is no receipt; one that cannot be read counts as none, and is
// written over.
func TestKnown(t *testing.T) {
	b := bustest.New(t)
	r := On(b, bus.Config{}).Receipts()
	want := func(names ...string) {
		t.Helper()
		got, found, err := r.Known(t.Context())
		if err != nil || found != (names != nil) || !slices.Equal(got, names) {
			t.Errorf("known: %q, %v, %v; want %q", got, found, err, names)
		}
	}
	want()
	for _, names := range [][]string{{"nms", "hook"}, {"hook", "nms"}, {"sinks"}, {}} {
		if err := r.Know(t.Context(), names); err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		want(names...)
	}
	for _, sink := range []string{"sinks", "known"} {
		if pages, err := readPages(t.Context(), b.Bucket(bus.Receipts), sink); err != nil || len(pages) != 0 {
			t.Errorf("receipts of sink %s: %+v, %v", sink, pages, err)
		}
	}
	if _, err := b.Bucket(bus.Receipts).Put(t.Context(), knownKey, []byte(`[`)); err != nil {
		t.Fatal(err)
	}
	want()
	if err := r.Know(t.Context(), []string{"nms"}); err != nil {
		t.Fatal(err)
	}
	want("nms")
}
