package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dswatch/machine"
)

// name is the file in the directory.
const name = "journal"

const (
	// format is what this version writes and reads.
	format = 1
	// longest is the most bytes of a line; one with more is no line of ours.
	longest = 4 << 20
	// largest is the most bytes of a file: 200,000 items that all have an alert
	// are a fifth of it.
	largest = 2 << 30
)

// Header says whose the journal is.
type Header struct {
	Format  int              `json:"format"`
	Store   string           `json:"store"`   // the id of the message store that it stands beside
	Machine machine.Identity `json:"machine"` // that it was made on
	Host    string           `json:"host"`    // of the configuration
	Started uint64           `json:"started"` // how often the store has been opened
}

// Entry is the newest value of a key; nil: it is gone.
type Entry struct {
	Key   string
	Value []byte // JSON in one line
}

// Contents is what a journal holds.
type Contents struct {
	Header
	Values map[string][]byte
	Last   time.Time // when the last line was written
	Torn   int       // lines that were not read: they are not as they were written
}

// ErrFormat says that a newer version wrote the journal.
var ErrFormat = errors.New("a newer version of dswatch wrote it")

// Read returns what the journal in dir holds. Without one the error is
// fs.ErrNotExist.
func Read(dir string) (Contents, error) {
	c := Contents{Values: map[string][]byte{}}
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > largest {
		return c, fmt.Errorf("read %s: it is no regular file, or larger than %d bytes", path, int64(largest))
	}
	lines := bufio.NewReaderSize(f, 64<<10)
	head, err := next(lines)
	if err == nil {
		err = json.Unmarshal(head, &c.Header)
	}
	switch {
	case err != nil:
		return c, fmt.Errorf("read %s: its first line is not as it was written", path)
	case c.Format > format:
		return c, fmt.Errorf("read %s: %w", path, ErrFormat)
	}
	for {
		text, err := next(lines)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil && !errors.Is(err, errTorn) {
			return c, fmt.Errorf("read %s: %w", path, err)
		}
		e, at, ok := parse(text)
		switch {
		case err != nil || !ok:
			c.Torn++
			continue
		case len(e.Value) == 0:
			delete(c.Values, e.Key)
		default:
			c.Values[e.Key] = e.Value
		}
		c.Last = at
	}
}

// parse reads what spell wrote.
func parse(text []byte) (e Entry, at time.Time, ok bool) {
	key, rest, keyed := bytes.Cut(text, blank)
	when, value, timed := bytes.Cut(rest, blank)
	seconds, err := strconv.ParseInt(string(when), 10, 64)
	return Entry{string(key), value}, time.Unix(seconds, 0), keyed && timed && err == nil && len(key) > 0
}

var blank = []byte{' '}

var errTorn = errors.New("a line is not as it was written")

// next returns the text of the next line.
func next(r *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(text) <= longest {
			text = append(text, part...)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) && len(text) > 0 {
				return nil, errTorn // cut off while it was written
			}
			return nil, err
		}
	}
	text = bytes.TrimSuffix(text, []byte{'\n'})
	if len(text) < sumSize || len(text) > longest {
		return nil, errTorn
	}
	if want := sum(text[sumSize:]); !bytes.Equal(want[:], text[:sumSize]) {
		return nil, errTorn
	}
	return text[sumSize:], nil
}

// sumSize is the length of what stands before the text of a line.
const sumSize = 9

// sum is what stands before the text of a line: its CRC-32 in hexadecimal, and a
// blank.
func sum(text []byte) (out [sumSize]byte) {
	var crc [4]byte
	binary.BigEndian.PutUint32(crc[:], crc32.ChecksumIEEE(text))
	hex.Encode(out[:], crc[:])
	out[sumSize-1] = ' '
	return out
}

// spell appends a line to b: the sum, the key, the time in seconds since 1970 and
// the value, which nothing has to parse.
func spell(b []byte, e Entry, now int64) ([]byte, error) {
	if e.Key == "" || strings.ContainsAny(e.Key, " \n") || bytes.IndexByte(e.Value, '\n') >= 0 {
		return b, fmt.Errorf("%q is no key, or its value is more than a line", e.Key)
	}
	start := len(b)
	b = append(append(append(b, "00000000 "...), e.Key...), ' ')
	b = append(append(strconv.AppendInt(b, now, 10), ' '), e.Value...)
	before := sum(b[start+sumSize:])
	copy(b[start:], before[:])
	return append(b, '\n'), nil
}

// spellHead is spell for the first line.
func spellHead(h Header) ([]byte, error) {
	text, err := json.Marshal(h)
	before := sum(text)
	return append(append(before[:], text...), '\n'), err
}
