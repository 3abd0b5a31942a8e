package setting

import (
	"log/slog"
	"math"
	"strconv"
	"strings"
)

// Secret is a value from the configuration that must never be shown:
// whatever prints, logs or encodes it gets "[redacted]". Beside every key of
// this type the configuration accepts KEY_file, a file that holds the value.
type Secret string

const redacted = "[redacted]"

// Reveal returns the value itself, for the one place that sends it.
func (s Secret) Reveal() string { return string(s) }

// String hides the value. An empty secret shows as empty, so that "not set"
// can be told apart.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides the value from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value as it is written.
func (s *Secret) UnmarshalText(b []byte) error { *s = Secret(b); return nil }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Public reports whether everybody knows s although it stands where a secret
// does: the communities with which SNMP agents are delivered. They are hidden
// where they are written, but not looked for in texts, which would lose the
// ordinary words that they are.
func Public(s string) bool { return s == "public" || s == "private" }

// Short reports whether s is too short to be looked for in texts: it would tear
// holes into ordinary words, and is no secret to speak of.
func Short(s string) bool { return len(s) < 4 }

// Out returns text without the value, unless that is Short.
func (s Secret) Out(text string) string {
	if Short(string(s)) {
		return text
	}
	return strings.ReplaceAll(text, string(s), redacted)
}

// Size is a number of bytes, written with a unit: 64KiB, 10MB, 1472B.
type Size int64

var sizeUnits = []struct {
	name string
	n    int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// UnmarshalText reads a size. A number without a unit is refused: nobody can
// tell whether bytes or something else was meant.
func (s *Size) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	for _, u := range sizeUnits {
		num, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
		if err != nil || !(f >= 0) || f*float64(u.n) > math.MaxInt64/2 { // NaN is not >= 0
			break
		}
		*s = Size(f * float64(u.n))
		return nil
	}
	return NotSize(Clip(t))
}

// NotSize is what was written where a size belongs.
type NotSize string

func (n NotSize) Error() string { return strconv.Quote(string(n)) + " is not a size" }

// String writes the size with the largest unit that divides it.
func (s Size) String() string {
	best := sizeUnits[len(sizeUnits)-1]
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.n == 0 && u.n > best.n {
			best = u
		}
	}
	return strconv.FormatInt(int64(s)/best.n, 10) + best.name
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Error says which key of a component's section has a bad value, so
// that whoever read the file can name the line.
type Error struct {
	Key string // path below the section: "address", "targets[0].ports"
	Err error
}

func (e *Error) Error() string { return e.Key + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// SettingKey returns the path of the key; the configuration loader asks for it.
func (e *Error) SettingKey() string { return e.Key }
