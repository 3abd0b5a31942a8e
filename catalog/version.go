package catalog

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"dswatch/setting"
	"dswatch/words"
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
// A release in brackets after a blank does not count.
//
// It refuses what no version looks like: nothing, a first part that is not a
// number, an empty part among the numbers ("20..1", "20.-5"), a number above
// 4294967295, blanks inside and anything that is not printable ASCII.
func ParseVersion(s string) (Version, error) {
	v, _, err := parseVersion(s)
	return v, err
}

// Release is a version of an agent or an appliance, as far as its text tells:
// the build may be missing.
type Release struct{ Least, Most Version }

// leastBuild tells a build from the number of an update, which the vendor has
// counted up to 4 in 20.0 so far.
const leastBuild = 100

// ParseRelease is ParseVersion for agents and appliances, which are often
// written with three numbers. A third one of 100 and more is the build:
// 20.0.4184 is 20.0.0.4184. A smaller one is the update, and the build is not
// known: 20.0.2 is any of 20.0.2.0 and later ones before 20.0.3. Two numbers
// name the first of all, as in 20.0.
func ParseRelease(s string) (Release, error) {
	v, parts, err := parseVersion(s)
	switch {
	case err != nil || parts != 3:
		return Release{v, v}, err
	case v[2] >= leastBuild:
		v[2], v[3] = 0, v[2]
		return Release{v, v}, nil
	}
	most := v
	most[3] = math.MaxUint32
	return Release{v, most}, nil
}

// Meets reports whether both can be the same version.
func (r Release) Meets(o Release) bool {
	return r.Least.Compare(o.Most) <= 0 && o.Least.Compare(r.Most) <= 0
}

// parseVersion returns also how many numbers there are.
func parseVersion(s string) (v Version, parts int, err error) {
	s = strings.TrimSpace(s)
	// Release pages write the release behind it: 20.0.2-1390 (20 LTS Update 2025-02-18).
	if number, release, ok := strings.Cut(s, " ("); ok && strings.HasSuffix(release, ")") && len(s) <= maxVersion && plain(release) {
		s = strings.TrimSpace(number)
	}
	switch {
	case s == "":
		return v, 0, words.Fail(words.VersionEmpty.With())
	case len(s) > maxVersion:
		return v, 0, words.Fail(words.VersionTooLong.With(len(s), maxVersion))
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return v, 0, words.Fail(words.VersionNotASCII.With(words.Inner(setting.Clip(s))))
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
			return Version{}, 0, words.Fail(words.VersionPartEmpty.With(words.Inner(setting.Clip(s)), i+1))
		case i == 0 && digits < len(part):
			return Version{}, 0, words.Fail(words.VersionNoNumber.With(words.Inner(setting.Clip(s))))
		case digits == 0:
			return v, parts, nil
		}
		n, err := strconv.ParseUint(part[:digits], 10, 32)
		if err != nil {
			return Version{}, 0, words.Fail(words.VersionPartLarge.With(words.Inner(setting.Clip(s)), i+1, int(uint32(math.MaxUint32))))
		}
		v[i], parts = uint32(n), i+1
		if digits < len(part) {
			return v, parts, nil
		}
	}
	return v, parts, nil
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
