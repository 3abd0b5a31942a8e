package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Version is the comparable form of an agent, appliance or kernel version:
// its first four numbers. The vendor writes one version as 20.0.0.4185,
// 20.0.0-4185 and 20.0.0-4185.el8; all three are equal here.
type Version [4]uint32

// maxVersion is the longest version text in bytes. Kernel releases end at 64.
const maxVersion = 128

// ParseVersion splits s on '.' and '-' and keeps the leading numbers, at most
// four; what is missing is 0. A part such as "0+" or "5rc1" counts with its
// digits and ends the numbers; a part without digits, such as "rc1", "el8" or
// "generic", ends them as well.
//
// It refuses what no version looks like: nothing, a first part that is not a
// number, an empty part among the numbers ("20..1", "20.-5"), a number above
// 4294967295, blanks inside and anything that is not printable ASCII.
func ParseVersion(s string) (Version, error) {
	var v Version
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return v, errors.New("parse version: it is empty; write it like 20.0.0-8438")
	case len(s) > maxVersion:
		return v, fmt.Errorf("parse version: %d bytes, at most %d are allowed; write it like 20.0.0-8438", len(s), maxVersion)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return v, fmt.Errorf("parse version %.40q: holds a blank or a character that is not ASCII; write it like 20.0.0-8438", s)
		}
	}
	rest, more := s, true
	for i := 0; i < len(v) && more; i++ {
		part := rest
		if end := strings.IndexAny(rest, ".-"); end >= 0 {
			part, rest = rest[:end], rest[end+1:]
		} else {
			more = false
		}
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		switch {
		case part == "":
			return Version{}, fmt.Errorf("parse version %.40q: part %d is empty; write it like 20.0.0-8438", s, i+1)
		case i == 0 && digits < len(part):
			return Version{}, fmt.Errorf("parse version %.40q: does not begin with a number; write it like 20.0.0-8438", s)
		case digits == 0:
			return v, nil
		}
		n, err := strconv.ParseUint(part[:digits], 10, 32)
		if err != nil {
			return Version{}, fmt.Errorf("parse version %.40q: part %d is above %d; write it like 20.0.0-8438", s, i+1, uint32(math.MaxUint32))
		}
		v[i] = uint32(n)
		if digits < len(part) {
			return v, nil
		}
	}
	return v, nil
}

// Compare returns -1, 0 or 1 as v is older than, the same as or newer than w.
func (v Version) Compare(w Version) int {
	for i := range v {
		if c := cmp.Compare(v[i], w[i]); c != 0 {
			return c
		}
	}
	return 0
}

// String writes the numbers with dots, without trailing zeros but at least
// two of them: 4.5, 20.0.0.4185.
func (v Version) String() string {
	n := len(v)
	for n > 2 && v[n-1] == 0 {
		n--
	}
	b := make([]byte, 0, 16)
	for i, x := range v[:n] {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(x), 10)
	}
	return string(b)
}
