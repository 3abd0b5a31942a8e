package rules

import (
	"testing"
	"time"

	"dswatch/event"
)

// FuzzDecodeStatus: whatever lies in the bucket, nothing crashes, and what
// is accepted can be stored and read again.
func FuzzDecodeStatus(f *testing.F) {
	st := Status{
		Key:   event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: "ds_agent"},
		Event: "e", Loss: Slot{Phase: Firing, ID: "a", Seq: 2, Due: time.Unix(9, 0).UTC(), Sinks: []string{"nms"}},
	}
	b, err := st.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"key":{"host":"h","component":"c","kind":"port","name":"1/tcp"},"loss":{"phase":"firing"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		st, err := DecodeStatus(b)
		if err != nil {
			return
		}
		again, err := st.encode()
		if err != nil {
			t.Fatalf("accepted but not encodable: %v", err)
		}
		if _, err := DecodeStatus(again); err != nil {
			t.Fatalf("accepted, encoded, refused: %v", err)
		}
	})
}

// FuzzDecodeDigest: as FuzzDecodeStatus, for the records of digests.
func FuzzDecodeDigest(f *testing.F) {
	d := &digest{
		Key:  event.Key{Host: "hub", Component: "dswatch", Kind: event.Host, Name: "loss to nms"},
		Rule: Loss, Total: 3, Told: 2, Joined: time.Unix(9, 0).UTC(), Slot: Slot{Phase: Firing, ID: "a", Seq: 1, Sinks: []string{"nms"}},
	}
	r, err := d.record()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Value)
	f.Add([]byte(`{"key":{"host":"h","component":"c","kind":"host","name":"loss"},"rule":"loss","slot":{"phase":"settled","id":"x"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDigest(b)
		if err != nil {
			return
		}
		r, err := d.record()
		if err != nil {
			t.Fatalf("accepted but not encodable: %v", err)
		}
		if _, err := decodeDigest(r.Value); err != nil {
			t.Fatalf("accepted, encoded, refused: %v", err)
		}
	})
}
