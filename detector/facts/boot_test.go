package facts

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"dswatch/event"
)

func TestBoot(t *testing.T) {
	b := NewBoot()
	first, err := b.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		return
	}
	at, err := time.Parse(time.RFC3339, first[event.BootTime].Value)
	if err != nil || at.After(time.Now()) || first.Validate() != nil {
		t.Errorf("started at %+v: %v", first, err)
	}
	b = Boot{once: func() (time.Time, error) { return time.Time{}, errors.New("no") }}
	if f, err := b.Facts(t.Context()); err == nil || len(f) > 0 {
		t.Errorf("%v, %v", f, err)
	}
}

func TestParseBoot(t *testing.T) {
	for in, want := range map[string]int64{
		"cpu  1 2\nbtime 1790000000\nprocesses 1\n": 1790000000,
		"btime 5":                 5,
		"":                        0,
		"btime":                   0,
		"btime -1\n":              0,
		"btime 99999999999999\n":  0,
		"btime 8589934592\n":      1 << 33,
		"btime 8589934593\n":      0,
		"btime soon\n":            0,
		"xbtime 12\ncpu 1 2 3 4 ": 0,
	} {
		got, err := parseBoot([]byte(in))
		if (want == 0) != (err != nil) || err == nil && got.Unix() != want {
			t.Errorf("%q: %v, %v; want %d", in, got, err, want)
		}
	}
}

func FuzzParseBoot(f *testing.F) {
	f.Add([]byte("cpu  1 2\nbtime 1790000000\nprocesses 1\n"))
	f.Add([]byte("btime -1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if at, err := parseBoot(b); err == nil && (at.Unix() <= 0 || at.Year() > 2300) {
			t.Errorf("%q: %v", b, at)
		}
	})
}

// TestBootJitter: readings a second or two apart are of one boot.
func TestBootJitter(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2026-11-22T00:00:00Z", "2026-11-22T00:00:02Z", true},
		{"2026-11-22T00:00:02Z", "2026-11-22T00:00:00Z", true},
		{"2026-11-22T00:00:00Z", "2026-11-22T00:01:00Z", false},
		{"2026-11-22T00:00:00Z", "", true},
		{"2026-11-22T09:00:00+09:00", "2026-11-22T00:00:00Z", true},
	} {
		fact := func(v string) event.Facts { return event.Facts{event.BootTime: {Value: v}} }
		if event.SameBoot(c.a, c.b) != c.same || c.b != "" && fact(c.a).Equal(fact(c.b)) != c.same {
			t.Errorf("%s and %s: want same %v", c.a, c.b, c.same)
		}
	}
}

// Two readings of one boot lie far apart where a clock without battery was
// corrected in between; the kernel's id says that it is the same.
func TestSameBootByID(t *testing.T) {
	at := func(when, id string) event.Facts {
		f := event.Facts{event.BootTime: {Value: when}}
		if id != "" {
			f[event.BootID] = event.Fact{Value: id}
		}
		return f
	}
	const one, two = "2f0a8c1e-6c2b-4c43-9d0d-0b6f7f6d1a55", "7d1e8c1e-6c2b-4c43-9d0d-0b6f7f6d1a55"
	for _, c := range []struct {
		a, b event.Facts
		want bool
	}{
		{at("2026-11-29T00:00:00Z", one), at("2026-11-29T00:00:12Z", one), true},
		{at("2026-11-29T00:00:00Z", one), at("2026-11-29T00:00:01Z", two), false},
		{at("2026-11-29T00:00:00Z", ""), at("2026-11-29T00:00:12Z", one), false},
		{at("2026-11-29T00:00:00Z", ""), at("2026-11-29T00:00:02Z", ""), true},
	} {
		if got := c.a.SameBoot(c.b); got != c.want {
			t.Errorf("%v and %v: %v", c.a, c.b, got)
		}
	}
	if runtime.GOOS == "linux" {
		f, err := NewBoot().Facts(t.Context())
		if id := f[event.BootID].Value; err != nil || len(id) != 36 {
			t.Errorf("the boot id of this kernel: %q, %v", id, err)
		}
	}
}
