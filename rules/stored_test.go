package rules

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// FuzzDecodeStatus: whatever lies in the bucket, nothing crashes, and what
// is accepted can be stored and read again.
func FuzzDecodeStatus(f *testing.F) {
	st := Status{
		Key:   event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: "ds_agent"},
		Event: "e", Loss: &Slot{Phase: Firing, ID: "a", Seq: 2, Due: time.Unix(9, 0).UTC(), Sinks: []string{"nms"}},
	}
	b, err := st.Encode()
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
		again, err := st.Encode()
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
	d := &Digest{
		Key:  event.Key{Host: "hub", Component: "dswatch", Kind: event.Host, Name: "loss to nms"},
		Rule: Loss, Total: 3, Told: 2, Joined: time.Unix(9, 0).UTC(), Slot: Slot{Phase: Firing, ID: "a", Seq: 1, Sinks: []string{"nms"}},
	}
	r, err := d.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r)
	f.Add([]byte(`{"key":{"host":"h","component":"c","kind":"host","name":"loss"},"rule":"loss","slot":{"phase":"settled","id":"x"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeDigest(b)
		if err != nil {
			return
		}
		r, err := d.Encode()
		if err != nil {
			t.Fatalf("accepted but not encodable: %v", err)
		}
		if _, err := DecodeDigest(r); err != nil {
			t.Fatalf("accepted, encoded, refused: %v", err)
		}
	})
}

// TestMain sees that no test has changed the memory that all rules without
// one share.
func TestMain(m *testing.M) {
	code := m.Run()
	if !reflect.ValueOf(none).IsZero() {
		fmt.Fprintf(os.Stderr, "somebody changed a slot that is not his own: %+v\n", none)
		code = 1
	}
	os.Exit(code)
}

// TestTrim: what is left of a trouble that nobody was told of is forgotten,
// and what a resolve, or who asks why, may still need is not.
func TestTrim(t *testing.T) {
	at := time.Unix(9, 0).UTC()
	for name, c := range map[string]struct {
		slot Slot
		kept bool
	}{
		"over before anybody was told": {Slot{Since: at, First: "e"}, false},
		"held":                         {Slot{Phase: Held, Since: at, First: "e"}, true},
		"told and over":                {Slot{Phase: Settled, ID: "a", Seq: 2}, true},
		"was in a digest":              {Slot{Since: at, First: "e", Digest: "d"}, true},
	} {
		for _, rule := range []string{Loss, Unseen} {
			st := Status{Key: event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: "ds_agent"}}
			st.keep(rule, &c.slot)
			b, err := st.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeStatus(b)
			if err != nil {
				t.Fatal(err)
			}
			if kept := got.Loss != nil || got.Unseen != nil; kept != c.kept {
				t.Errorf("%s, rule %s: kept %v, want %v", name, rule, kept, c.kept)
			}
		}
	}
}

// TestStoredProse: what 64fc8e6 kept as prose is read as statements without a
// code, in a status, in its trail and in an event that still waits.
func TestStoredProse(t *testing.T) {
	trail := "1795000000000\tloss\traised\tdown\tabc.1\tnms\tfootnote 1: relay is on\t注記 1: relay は on\n1795000001000\tloss\trepeated\tdown\tabc.2\tnms\tstill down since 2026-11-22T00:00:00Z\n"
	stored, err := json.Marshal(trail)
	if err != nil {
		t.Fatal(err)
	}
	st, err := DecodeStatus([]byte(`{"key":{"host":"web01","component":"agent","kind":"process","name":"ds_agent"},"seen":{"state":"down","found":0,"want":2,"detail":"no process is named ds_agent","at":"2026-11-22T00:00:00Z"},"trail":` + string(stored) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if st.Seen.Detail != event.Prose("no process is named ds_agent") {
		t.Errorf("the detail is %v", st.Seen.Detail)
	}
	steps := st.Trail.Steps()
	if len(steps) != 2 || words.In("ja", nil).Say(steps[0].Why) != "注記 1: relay は on" || words.English(steps[1].Why) != "still down since 2026-11-22T00:00:00Z" {
		t.Errorf("the trail is %v", steps)
	}
	e, err := event.Decode([]byte(`{"specversion":"1.0","id":"x","source":"dswatch/web01","type":"dswatch.state.v1","time":"2026-11-22T00:00:00Z","datacontenttype":"application/json","dswatchreason":"change","data":{"key":{"host":"web01","component":"agent","kind":"process","name":"ds_agent"},"state":"down","found":0,"want":2,"detail":"no process is named ds_agent","at":"2026-11-22T00:00:00Z"}}`))
	if err != nil || e.Observation.Detail != event.Prose("no process is named ds_agent") {
		t.Errorf("the event says %v, %v", e.Observation.Detail, err)
	}
}
