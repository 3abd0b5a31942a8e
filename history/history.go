// Package history is what dswatch remembers of the past: which state each item
// was in and since when, alerts and who acknowledged them, silences, reloads, and
// when nothing was observed or told. An Entry is one of these; a stream of the bus
// keeps them in batches, in the order in which they were noted.
//
// It promises that Decode reads what Encode of this version and of those before
// it wrote, and skips what only later versions know. It keeps no time, reads
// nothing and stores nothing.
package history

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"dswatch/event"
)

// What is what an Entry tells of.
type What string

// What there is to tell of.
const (
	State    What = "state"    // an item is in another state, or expected otherwise, or no more
	Alert    What = "alert"    // an alert was raised, changed or cleared
	Ack      What = "ack"      // somebody looks after an alert, or no more
	Silenced What = "silence"  // a silence was made, changed or ended
	Reloaded What = "reload"   // the configuration was read again, or could not be
	Deaf     What = "deaf"     // it is not proven that changes are told, since From
	Hearing  What = "hearing"  // it is again; From is since when it was not
	Started  What = "start"    // of this dswatch; From is its last sign of life before
	Stopped  What = "stop"     // of this dswatch, in order
	Gap      What = "gap"      // Count entries since From could not be written
	Whole    What = "whole"    // what is so of all items follows, Count of them
	Reported What = "reported" // a report was sent to a sink, or could not be
)

// Whats lists all, for whoever chooses.
func Whats() []What {
	return []What{State, Alert, Ack, Silenced, Reloaded, Deaf, Hearing, Started, Stopped, Gap, Whole, Reported}
}

// Entry is one thing that happened. Which fields there are depends on What.
type Entry struct {
	At   time.Time `json:"at"` // when it was noted, by the clock of this dswatch
	What What      `json:"what"`
	Key  event.Key `json:"key,omitzero"` // of the item

	// Of State. What was seen since when, by the observer's clock.
	State    event.State  `json:"state,omitempty"`
	Since    time.Time    `json:"since,omitzero"`
	Expected string       `json:"expected,omitempty"` // yes, no or unknown
	Impact   event.Impact `json:"impact,omitempty"`   // of a loss: what it takes away
	Gone     bool         `json:"gone,omitempty"`     // there is no such item any more
	Carried  bool         `json:"carried,omitempty"`  // it was so before: a part of a Whole
	// Watch is the observer and job that sees the item, where all that it sees may
	// be hidden at once; Veils is of the item whose state hides all of a Watch.
	Watch string `json:"watch,omitempty"`
	Veils string `json:"veils,omitempty"`

	// Of Alert and Ack.
	Alert      string           `json:"alert,omitempty"` // its id
	Rule       string           `json:"rule,omitempty"`
	Transition event.Transition `json:"transition,omitempty"`
	Severity   event.Severity   `json:"severity,omitempty"`
	Began      time.Time        `json:"began,omitzero"` // of the alert: the first look that saw the trouble
	Count      int              `json:"count,omitempty"`

	By      string `json:"by,omitempty"` // who did it
	Comment string `json:"comment,omitempty"`
	ID      string `json:"id,omitempty"`   // of a silence
	Sink    string `json:"sink,omitempty"` // of Reported
	// Silence is the silence as it is from now on, as it is stored.
	Silence json.RawMessage `json:"silence,omitempty"`
	// Windows are the maintenance windows of the configuration that counts from
	// now on, Looks its detectors with their schedules. Of Started and Reloaded.
	Windows json.RawMessage `json:"windows,omitempty"`
	Looks   []string        `json:"looks,omitempty"`
	Changed []string        `json:"changed,omitempty"` // the keys that differ, of Reloaded
	Version string          `json:"version,omitempty"`
	Failed  bool            `json:"failed,omitempty"` // of Reloaded and Reported: it could not be done
	From    time.Time       `json:"from,omitzero"`
	Said    event.Said      `json:"said,omitzero"` // why, or what was seen
}

// Month is the part of the stream that an entry is kept in: that of At in UTC.
func Month(at time.Time) string { return at.UTC().Format("2006-01") }

// Months are those from one moment to another, both included.
func Months(from, to time.Time) (out []string) {
	from = from.UTC()
	for at := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); !at.After(to); at = at.AddDate(0, 1, 0) {
		out = append(out, Month(at))
	}
	return out
}

const (
	// small is the size of a batch below which it is not worth to be packed.
	small = 1 << 10
	// largest bounds what a batch may be when it is unpacked.
	largest = 32 << 20
	// packed begins a batch that is packed; JSON never does.
	packed = 'z'
)

// Encode writes a batch: JSON lines, packed where that saves something.
func Encode(all []Entry) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i := range all {
		if err := e.Encode(&all[i]); err != nil {
			return nil, fmt.Errorf("encode history: %w", err)
		}
	}
	return Pack(b.Bytes())
}

// Pack is the form in which JSON lines are kept.
func Pack(lines []byte) ([]byte, error) {
	if len(lines) < small {
		return lines, nil
	}
	var out bytes.Buffer
	out.WriteByte(packed)
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&out)
	_, err := w.Write(lines)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack history: %w", err)
	}
	return out.Bytes(), nil
}

// packers are what packs, of *flate.Writer: each takes hundreds of kilobytes.
var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one of its own
	}
	return w
}}

// Lines are the JSON lines of a batch.
func Lines(batch []byte) ([]byte, error) {
	if len(batch) == 0 || batch[0] != packed {
		return batch, nil
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(batch[1:])), largest+1))
	if err == nil && len(text) > largest {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("unpack history: %w", err)
	}
	return text, nil
}

// Decode calls each with every entry of a batch, in order. A line that is no entry
// is passed over and counted.
func Decode(batch []byte, each func(*Entry) error) (odd int, err error) {
	text, err := Lines(batch)
	if err != nil {
		return 1, err
	}
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.At.IsZero() || e.What == "" {
			odd++
			continue
		}
		if err := each(&e); err != nil {
			return odd, err
		}
	}
	return odd, nil
}
