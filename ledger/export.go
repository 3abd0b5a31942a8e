package ledger

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/machine"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// An export is a file of JSON lines: a head, one record a line, and an end that
// counts and sums them, so that a part is not taken for the whole.

// exported is the form of the file that this version writes and reads.
const exported = 1

// longestLine is the most bytes of a line: a page of receipts is a tenth of it,
// and a file of a sink at most a quarter.
const longestLine = 4 << 20

// Head is the first line of an export.
type Head struct {
	Export  int              `json:"dswatch_export"`
	Format  int              `json:"format"` // of the records, see Format
	Version string           `json:"version"`
	Host    string           `json:"host"`
	Machine machine.Identity `json:"machine"`
	At      time.Time        `json:"at"`
}

// Exported is one record of an export.
type Exported struct {
	In    string          `json:"in"` // a bucket, or what the caller of Export adds
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// end is the value of the last line.
type end struct {
	Records int    `json:"records"`
	Sum     string `json:"sha256"` // of all lines before
}

const endsIn = "end"

// buckets are those that an export has. What waits for sinks is not among them:
// it is made again from what they were told.
var buckets = map[string]string{"items": bus.Items, "hosts": bus.Facts, "silences": bus.Silences, "sinks": bus.Receipts}

// sheetOut writes lines and sums them.
type sheetOut struct {
	w   *bufio.Writer
	sum hash.Hash
	n   int
}

func (s *sheetOut) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	s.sum.Write(text)
	_, err = s.w.Write(text)
	return err
}

// Export writes all that a store on another machine needs to go on: what is
// known of items, hosts and sinks, and silences. More is written behind it. It
// returns how many records there are, and how many could not be read.
func (l *Ledger) Export(ctx context.Context, w io.Writer, h Head, more []Exported) (written, unreadable int, err error) {
	out := &sheetOut{bufio.NewWriter(w), sha256.New(), 0}
	h.Export = exported
	if err := out.line(h); err != nil {
		return 0, 0, err
	}
	for _, in := range slices.Sorted(maps.Keys(buckets)) {
		newest := map[string][]byte{} // one that is written meanwhile may come twice
		err := l.bus.Bucket(buckets[in]).Load(ctx, func(key string, value []byte, _ uint64) error {
			newest[key] = value
			return nil
		})
		if err != nil {
			return 0, 0, fmt.Errorf("read %s: %w", buckets[in], err)
		}
		for _, key := range slices.Sorted(maps.Keys(newest)) {
			one := Exported{in, key, newest[key]}
			if in == "hosts" && strings.HasSuffix(key, engine.TransitSuffix) || strings.HasPrefix(key, metaPrefix) {
				continue // of minutes, and of this store
			}
			if _, err := portable(one); err != nil {
				unreadable++
				continue
			}
			more = append(more, one)
		}
	}
	past, odd, err := l.exportHistory(ctx)
	if err != nil {
		return 0, 0, err
	}
	more, unreadable = append(more, past...), unreadable+odd
	for _, one := range more {
		if err := out.line(one); err != nil {
			return 0, 0, err
		}
		out.n++
	}
	last, err := json.Marshal(end{out.n, hex.EncodeToString(out.sum.Sum(nil))})
	if err == nil {
		err = out.line(Exported{In: endsIn, Value: last})
	}
	return out.n, unreadable, errors.Join(err, out.w.Flush())
}

// portable returns a record of a bucket as another store has it, and refuses what
// no version wrote.
func portable(e Exported) ([]byte, error) {
	switch e.In {
	case "items":
		return mergeStatus(e.Key, nil, e.Value, &Taken{})
	case "hosts":
		_, err := event.DecodeFacts(e.Value)
		return e.Value, err
	case "silences":
		var s rules.Silence
		err := json.Unmarshal(e.Value, &s)
		if err == nil && s.ID != e.Key {
			err = errors.New("its id is not its key")
		}
		return e.Value, err
	case "sinks":
		return portableOfSink(e)
	}
	return nil, fmt.Errorf("there is no place %q", clip(e.In))
}

func portableOfSink(e Exported) ([]byte, error) {
	switch {
	case strings.HasPrefix(e.Key, "attempts/"):
		return e.Value, json.Unmarshal(e.Value, new([]sinks.Attempts))
	case e.Key == knownKey:
		return e.Value, json.Unmarshal(e.Value, new(engine.Roster))
	case strings.Contains(e.Key, "/"):
		return nil, errors.New("it is no record of a sink")
	}
	p, err := pageForm.Decode(e.Value)
	if err != nil {
		return nil, err
	}
	for i := range p.Receipts {
		p.Receipts[i].Position = 0 // of an outbox that is no more
	}
	return pageForm.Encode(&p)
}

// Import stores what Export wrote. Whatever no bucket has is handed to other. The
// store must be empty; after an error it holds a part.
//
// What it reads may be anything: each record is one that a version wrote, or the
// file is refused with the line.
func (l *Ledger) Import(ctx context.Context, r io.Reader, other func(Exported) error) (h Head, n int, err error) {
	in := &sheetIn{bufio.NewReaderSize(r, 64<<10), sha256.New(), 0}
	text, err := in.next()
	if err == nil {
		err = strictly(text, &h)
	}
	switch {
	case err != nil || h.Export < 1:
		return h, 0, words.Fail(words.NotAnExport.With())
	case h.Export > exported || h.Format > Format:
		return h, 0, words.Fail(words.ExportNewer.With(clip(h.Version), h.Format, Format))
	}
	seen := map[string]bool{}
	for {
		sum := hex.EncodeToString(in.sum.Sum(nil))
		text, err := in.next()
		var e Exported
		switch {
		case errors.Is(err, io.EOF):
			return h, n, words.Fail(words.ExportCut.With(in.lines + 1))
		case err == nil:
			err = strictly(text, &e)
		}
		if err == nil && e.In == endsIn {
			return h, n, in.over(e.Value, n, sum)
		}
		if name := e.In + " " + e.Key; err == nil && seen[name] {
			err = errors.New("it is there twice")
		} else {
			seen[name] = true
		}
		if err == nil {
			err = l.importOne(ctx, e, other)
		}
		if err != nil {
			return h, n, words.Fail(words.ExportLine.With(in.lines, err))
		}
		n++
	}
}

func (l *Ledger) importOne(ctx context.Context, e Exported, other func(Exported) error) error {
	if e.In == inHistory {
		return l.importHistory(ctx, e)
	}
	name, known := buckets[e.In]
	if !known {
		return other(e)
	}
	value, err := portable(e)
	if err != nil {
		return fmt.Errorf("record %s: %w", clip(e.Key), err)
	}
	_, err = l.bus.Bucket(name).Create(ctx, e.Key, value)
	return err
}

// sheetIn reads lines and sums them.
type sheetIn struct {
	r     *bufio.Reader
	sum   hash.Hash
	lines int
}

func (s *sheetIn) next() ([]byte, error) {
	var text []byte
	for {
		part, err := s.r.ReadSlice('\n')
		text = append(text, part...)
		if len(text) > longestLine {
			return nil, fmt.Errorf("it is longer than %d bytes", longestLine)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
	s.lines++
	s.sum.Write(text)
	return text, nil
}

// over refuses an end that is not that of what was read.
func (s *sheetIn) over(value []byte, n int, sum string) error {
	var e end
	if err := strictly(value, &e); err != nil || e.Records != n || e.Sum != sum {
		return words.Fail(words.ExportChanged.With(s.lines))
	}
	if _, err := s.r.Peek(1); !errors.Is(err, io.EOF) {
		return words.Fail(words.ExportChanged.With(s.lines + 1))
	}
	return nil
}

// strictly decodes one JSON value without unknown keys.
func strictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value")
	}
	return nil
}

func clip(s string) string { return setting.Clip(sinks.Line(s, 200)) }
