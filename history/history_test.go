package history_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/history"
)

func entries(n int) (all []history.Entry) {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		all = append(all, history.Entry{
			At: at.Add(time.Duration(i) * time.Second), What: history.State, Key: event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"},
			State: event.Down, Since: at, Expected: "yes", Impact: event.ProtectionLost,
		})
	}
	return all
}

// TestBatch: what was written is read, small or packed, and what is no entry is
// passed over without the others.
func TestBatch(t *testing.T) {
	for _, n := range []int{0, 1, 3, 1000} {
		want := entries(n)
		data, err := history.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		if n == 1000 && len(data) > n*30 {
			t.Errorf("%d entries take %d bytes", n, len(data))
		}
		var got []history.Entry
		odd, err := history.Decode(data, func(e *history.Entry) error { got = append(got, *e); return nil })
		if err != nil || odd != 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%d entries: %d read, %d odd, %v", n, len(got), odd, err)
		}
	}
	data, _ := history.Encode(entries(2))
	data = append([]byte("{\n"), append(data, "{\"at\":\"2026-10-01T00:00:00Z\",\"what\":\"later\",\"new\":1}\n"...)...)
	n := 0
	if odd, err := history.Decode(data, func(*history.Entry) error { n++; return nil }); odd != 1 || n != 3 || err != nil {
		t.Errorf("%d read, %d odd, %v", n, odd, err)
	}
}

func TestMonths(t *testing.T) {
	tokyo := time.FixedZone("", 9*3600)
	got := history.Months(time.Date(2026, 12, 1, 0, 0, 0, 0, tokyo), time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC))
	if want := []string{"2026-11", "2026-12", "2027-01"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzDecode: whatever lies in the store is read or refused.
func FuzzDecode(f *testing.F) {
	small, _ := history.Encode(entries(1))
	large, _ := history.Encode(entries(50))
	f.Add(small)
	f.Add(large)
	f.Add(large[:len(large)/2])
	f.Add(bytes.Repeat([]byte("z"), 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = history.Decode(data, func(e *history.Entry) error {
			if e.At.IsZero() || e.What == "" {
				t.Errorf("%+v", e)
			}
			return nil
		})
	})
}
