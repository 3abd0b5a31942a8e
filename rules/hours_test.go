package rules

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestHours holds what a route says of its hours against a clock that is
// read minute by minute, around changes of summer time.
func TestHours(t *testing.T) {
	for name, c := range map[string]struct {
		hours []Hours
		zone  string
		open  []string // local times, in the order of the clock
		shut  []string
	}{
		"office":          {[]Hours{{Days: "mon-fri", From: "09:00", To: "18:00"}}, "Asia/Tokyo", []string{"2026-11-20 09:00", "2026-11-20 17:59"}, []string{"2026-11-20 08:59", "2026-11-20 18:00", "2026-11-21 10:00"}},
		"over midnight":   {[]Hours{{Days: "fri", From: "22:00", To: "06:00"}}, "Asia/Tokyo", []string{"2026-11-20 22:00", "2026-11-21 05:59"}, []string{"2026-11-20 05:00", "2026-11-21 06:00", "2026-11-21 22:00"}},
		"the whole day":   {[]Hours{{Days: "sat,sun", From: "00:00", To: "24:00"}}, "Asia/Tokyo", []string{"2026-11-21 00:00", "2026-11-22 23:59"}, []string{"2026-11-20 23:59", "2026-11-23 00:00"}},
		"around the week": {[]Hours{{Days: "sat-mon", From: "12:00", To: "13:00"}}, "Asia/Tokyo", []string{"2026-11-23 12:30"}, []string{"2026-11-24 12:30"}},
		"two":             {[]Hours{{From: "08:00", To: "12:00"}, {From: "12:00", To: "17:00"}}, "Asia/Tokyo", []string{"2026-11-23 12:00"}, []string{"2026-11-24 17:00"}},
		"begins in the hour that summer time skips": {[]Hours{{From: "02:30", To: "04:00"}}, "Europe/Berlin", []string{"2026-03-29 03:00", "2026-03-28 02:30"}, []string{"2026-03-29 01:59", "2026-03-29 04:00"}},
		"only in the hour that comes twice":         {[]Hours{{From: "02:10", To: "02:40"}}, "Europe/Berlin", []string{"2026-10-25 02:10"}, []string{"2026-10-25 02:40"}},
		"half an hour of summer time":               {[]Hours{{From: "01:45", To: "02:15"}}, "Australia/Lord_Howe", []string{"2026-04-05 01:50"}, []string{"2026-04-05 02:15"}},
		"never shut":                                {[]Hours{{}}, "Europe/Berlin", []string{"2026-10-25 02:10"}, nil},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Route{Sinks: []string{"a"}, Hours: c.hours}.At(loc)
		if err != nil {
			t.Fatal(err)
		}
		for want, all := range map[bool][]string{true: c.open, false: c.shut} {
			for _, s := range all {
				at, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
				if err != nil {
					t.Fatal(err)
				}
				if got := r.open(at); got != want {
					t.Errorf("%s: open at %s: %v", name, s, got)
				}
			}
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		for _, day := range []string{"2026-03-27", "2026-10-23", "2026-04-03", "2026-11-20"} {
			base, err := time.ParseInLocation(time.DateOnly, day, loc)
			if err != nil {
				t.Fatal(err)
			}
			for range 8 {
				now := base.Add(time.Duration(rnd.IntN(3*24*60*60)) * time.Second)
				want := time.Time{}
				for at := now.Truncate(time.Minute).Add(time.Minute); at.Sub(now) < 8*24*time.Hour; at = at.Add(time.Minute) {
					if r.open(at) != r.open(now) {
						want = at
						break
					}
				}
				if got := r.turns(now); !got.Equal(want) {
					t.Errorf("%s: after %s it changes at %s, want %s", name, now, got.In(loc), want)
				}
			}
		}
	}
}

func TestBadHours(t *testing.T) {
	for want, h := range map[string]Hours{
		"never comes":            {From: "09:00", To: "9:00"},
		"is not a time":          {From: "0900"},
		"such as 09:00":          {To: "24:01"},
		"is the end of the day":  {From: "24:00", To: "06:00"},
		"is not a day":           {Days: "mon-"},
		"such as mon-fri":        {Days: "mo,tu"},
		"is not a time zone":     {TimeZone: "Tokyo"},
		"write one from 00:00":   {From: "-1:30"},
		`"09:60" is not a time`:  {To: "09:60"},
		`"" is not a day of the`: {Days: ","},
	} {
		if err := h.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", h, err, want)
		}
	}
}

// FuzzHours: whatever is accepted can be asked, and says when it changes.
func FuzzHours(f *testing.F) {
	f.Add("mon-fri", "09:00", "18:00", "Asia/Tokyo", int64(1790000000))
	f.Add("sat,sun", "22:30", "06:00", "Europe/Berlin", int64(1792881000))
	f.Add("", "", "", "", int64(0))
	f.Fuzz(func(t *testing.T, days, from, to, zone string, at int64) {
		now := time.Unix(at%(1<<33), 0)
		r, err := Route{Sinks: []string{"a"}, Hours: []Hours{{Days: days, From: from, To: to, TimeZone: zone}}}.At(time.UTC)
		if err != nil {
			return
		}
		if next := r.turns(now); !next.IsZero() && (!next.After(now) || r.open(next) == r.open(now)) {
			t.Fatalf("at %s it is %v, and %v at %s when it should change", now, r.open(now), r.open(next), next)
		}
	})
}
