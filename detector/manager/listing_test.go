package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/detector"
	"dswatch/detector/manager/managertest"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

const listingItem = "127.0.0.1/manager/heartbeat/listing"

// many are the computers of an estate: 20,000 in the long form.
func many() int {
	if os.Getenv("DSWATCH_SOAK") != "" {
		return 20_000
	}
	return 600
}

// estate lists n computers, of which a test can leave out some.
func estate(t testing.TB, n int) *managertest.StandIn {
	s := start(t)
	s.Set(func() { s.Made = made(n, func(int) bool { return true }) })
	return s
}

// made makes pages of the computers 1 to n that are listed.
func made(n int, listed func(id int) bool) func(after int64, most int) []map[string]any {
	return func(after int64, most int) []map[string]any {
		page := []map[string]any{}
		for id := int(after) + 1; id <= n && len(page) < most; id++ {
			if listed(id) {
				page = append(page, computerOf(id, fmt.Sprintf("h%05d", id)))
			}
		}
		return page
	}
}

// count returns how many computers' heartbeats are in each state.
func count(got map[string]event.Observation) map[event.State]int {
	out := map[event.State]int{}
	for _, o := range got {
		if o.Key.Kind == event.Heartbeat && o.Key.Component == event.Agent {
			out[o.State]++
		}
	}
	return out
}

// TestListingEndsEarly: a listing that lacks a part of the estate, for
// whatever reason, removes nothing and tells of nothing but itself.
func TestListingEndsEarly(t *testing.T) {
	n := many()
	all := func(int) bool { return true }
	half := func(id int) bool { return id <= n/2 }
	for name, listed := range map[string]func(id int) bool{
		"ends in the middle": half,
		"narrowed role":      func(id int) bool { return id%3 > 0 },
		"lagging node":       func(id int) bool { return id <= n*8/10 },
	} {
		t.Run(name, func(t *testing.T) {
			s := estate(t, n)
			d := open(t, config(s))
			if got := count(d.look()); got[event.Up] != n {
				t.Fatalf("%v", got)
			}
			s.Set(func() { s.Made = made(n, listed) })
			for look := range 5 {
				got := d.look()
				if c := count(got); look%2 == 0 && c[event.Up] != n {
					t.Fatalf("look %d, before what was listed is old: %v", look, c)
				}
				for host := range d.missing {
					d.known[host].at -= int64(keepListing)
				}
				got = d.look()
				c := count(got)
				if c[event.Up]+c[event.Unknown] != n || c[event.Unknown] < n/6 {
					t.Fatalf("look %d: %v", look, c)
				}
				if o := got[listingItem]; o.State != event.Degraded || o.Found != c[event.Up] || o.Want != n || !strings.Contains(words.English(o.Detail), "role of the API key") {
					t.Errorf("look %d: %+v", look, o)
				}
				for _, o := range got {
					if o.State == event.Unknown && o.Behind.Name != Listing {
						t.Fatalf("%+v", o)
					}
				}
				if look%2 == 1 { // and in turns
					s.Set(func() { s.Made = made(n, all) })
					if c := count(d.look()); c[event.Up] != n {
						t.Fatalf("the whole listing: %v", c)
					}
					s.Set(func() { s.Made = made(n, listed) })
				}
			}
			if len(d.facts["h00001"].Facts) == 0 || len(d.facts[fmt.Sprintf("h%05d", n)].Facts) == 0 {
				t.Error("facts were taken back")
			}
			// After a day it is believed, of one that is named at once.
			d.Forget(fmt.Sprintf("h%05d", n))
			before := len(d.known)
			d.look()
			if len(d.known) != before && listed(n) || len(d.known) != before-1 && !listed(n) {
				t.Errorf("%d known, %d before one was forgotten", len(d.known), before)
			}
			for host, a := range d.missing {
				a.since = a.since.Add(-confirmAfter)
				d.missing[host] = a
			}
			got := d.look()
			want(t, got, listingItem, event.Up)
			if c := count(got); c[event.Unknown] != 0 || c[event.Up] >= n*9/10 {
				t.Errorf("after a day: %v", c)
			}
		})
	}
}

// TestOneEmptyPage: an empty page where there are more computers is no end.
func TestOneEmptyPage(t *testing.T) {
	n := many()
	s := estate(t, n)
	d := open(t, config(s))
	d.look()
	empty := 0
	s.Set(func() {
		s.Page = func(w http.ResponseWriter, r *http.Request) bool {
			if empty++; empty != 2 {
				return false
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"computers": []any{}})
			return true
		}
	})
	got := d.look()
	want(t, got, listingItem, event.Up)
	if c := count(got); c[event.Up] != n || len(d.missing) != 0 {
		t.Errorf("%v, %d missing", c, len(d.missing))
	}
}

// TestRemovedOneByOne: what is taken out of the manager goes with the second
// listing, also day after day more than a tenth in all.
func TestRemovedOneByOne(t *testing.T) {
	n := 100
	s := estate(t, n)
	d := open(t, config(s))
	d.look()
	for left := n - 2; left >= 60; left -= 2 {
		s.Set(func() { s.Made = made(n, func(id int) bool { return id <= left }) })
		for range 2 {
			want(t, d.look(), listingItem, event.Up)
		}
		if len(d.known) != left {
			t.Fatalf("%d known, want %d", len(d.known), left)
		}
	}
}

// TestMissingNamesake: while the computer with the plain name is missing, no
// other one takes its place, unless it is the same one installed anew.
func TestMissingNamesake(t *testing.T) {
	s := start(t, computerOf(3, "web"), computerOf(7, "web"), computerOf(8, "db"))
	d := open(t, config(s))
	d.look()
	s.Set(func() { s.Computers = s.Computers[1:] })
	got := d.look()
	want(t, got, "web/agent/heartbeat/agent", event.Up) // as it was listed: what one listing lacks is not gone
	want(t, got, "web#7/agent/heartbeat/agent", event.Up)
	s.Set(func() { s.Computers = []map[string]any{computerOf(7, "web"), computerOf(9, "db")} })
	got = d.look()
	want(t, got, "db/agent/heartbeat/agent", event.Up)
	d.look()
	want(t, d.look(), "web/agent/heartbeat/agent", event.Up) // 3 is gone for good, and 7 the only one
}

// TestPageFails: what was told until a page failed counts, the rest as it was,
// and the next listing begins where this one ended.
func TestPageFails(t *testing.T) {
	n := many()
	s := estate(t, n)
	c := config(s)
	c.Page = n / 10
	d := open(t, c)
	d.look()
	failing := func(w http.ResponseWriter, after int64) bool {
		if after < int64(n/2) {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	s.Set(func() {
		s.Made = func(after int64, most int) []map[string]any {
			page := made(n, func(int) bool { return true })(after, most)
			for _, c := range page {
				managertest.Status("error", "Offline")(c)
				managertest.With("lastAgentCommunication", time.Now().Add(-time.Hour).UnixMilli())(c)
			}
			return page
		}
		s.After = failing
	})
	got := d.look()
	want(t, got, apiItem, event.Unknown, "status 503", "counts")
	if c := count(got); c[event.Down] != n/2 || c[event.Up] != n/2 {
		t.Errorf("%v", c)
	}
	s.Set(func() { s.After = nil })
	asked := len(s.Asked())
	got = d.look()
	if first := s.Asked()[asked]; first != int64(n/2) {
		t.Errorf("the next listing begins after %d, want %d", first, n/2)
	}
	want(t, got, apiItem, event.Up, fmt.Sprintf("told of %d computers", n))
	if c := count(got); c[event.Down] != n || len(d.missing) != 0 {
		t.Errorf("%v, %d missing", c, len(d.missing))
	}
}

// log takes what is published.
type published struct {
	sync.Mutex
	events int
}

func (p *published) Publish(_ context.Context, events []event.Event) error {
	p.Lock()
	defer p.Unlock()
	for _, e := range events {
		if e.Reason == event.Change {
			p.events++
		}
	}
	return nil
}

func (p *published) count() int { p.Lock(); defer p.Unlock(); return p.events }

// TestFailedPageIsOneFact: a page that fails changes the API's item and no
// other, and costs next to nothing.
func TestFailedPageIsOneFact(t *testing.T) {
	n := 10_000
	if os.Getenv("DSWATCH_SOAK") != "" {
		n = 50_000
	}
	s := estate(t, n)
	c := config(s)
	c.Page = 5000
	d := open(t, c)
	p := &published{}
	sched, err := detector.NewScheduler(detector.Options{Observer: "hub", Publisher: p, SnapshotEvery: time.Hour, Jobs: []detector.Job{{
		Name: "manager", Schedule: "@every 1s", Timeout: time.Minute, Keys: d.Keys(), Detector: d.Detector, Open: true,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- sched.Run(ctx) }()
	passes := func() uint64 { return sched.Stats().Jobs[0].Passes }
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not within a minute", what)
			}
		}
	}
	until("the first look", func() bool {
		return passes() >= 1 && sched.Stats().Pending == 0 && sched.Stats().Published >= uint64(5*n)
	})
	before := p.count()
	s.Set(func() {
		s.After = func(w http.ResponseWriter, after int64) bool { w.WriteHeader(503); return true }
	})
	until("the failure", func() bool { return p.count() > before })
	s.Set(func() { s.After = nil })
	until("the recovery", func() bool { return p.count() >= before+2 })
	at := passes()
	until("one more look", func() bool { return passes() > at })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if changes := p.count() - before; changes > 4 {
		t.Errorf("%d changes of %d items for one failed page", changes, 5*n)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("%d computers: %d changes for a failed page and its end, %d MB of heap", n, p.count()-before, m.HeapAlloc>>20)
	if m.HeapAlloc > 400<<20 {
		t.Errorf("%d MB of heap", m.HeapAlloc>>20)
	}
}

// TestNewKey: a key that was refused is read again from its file, and the
// message says that this is enough.
func TestNewKey(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	c := config(s)
	c.APIKey = "old-key"
	file := setting.Secret("old-key")
	det, err := New(c, Options{Observer: "hub", Key: func() (setting.Secret, error) { return file, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer det.Close()
	d := &desk{Detector: det, t: t}
	want(t, d.look(), apiItem, event.Unknown, "refuses the API key (403", "api_key_file, which is read again with each look")
	file = managertest.Key
	want(t, d.look(), apiItem, event.Up)
	if d.client.clean("x "+managertest.Key) != "x [redacted]" {
		t.Error("the new key is not redacted")
	}
}

// TestKeyChangesMeanwhile: a key that is replaced while a look hangs, or between two
// pages of one, is taken by the next question; no computer is unknown for it.
func TestKeyChangesMeanwhile(t *testing.T) {
	s := start(t, computerOf(1, "web01"), computerOf(2, "web02"), computerOf(3, "web03"))
	c := config(s)
	c.Page = 1
	var file atomic.Value
	file.Store(setting.Secret(managertest.Key))
	det, err := New(c, Options{Observer: "hub", Key: func() (setting.Secret, error) { return file.Load().(setting.Secret), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer det.Close()
	look := func(patience time.Duration) map[string]event.State {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		obs, err := det.Detect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]event.State{}
		for _, o := range obs {
			states[o.Key.Host+" "+o.Key.Name] = o.State
		}
		return states
	}
	well := func(when string, got map[string]event.State, api event.State) {
		t.Helper()
		for host := range map[string]bool{"web01": true, "web02": true, "web03": true} {
			if got[host+" agent"] != event.Up {
				t.Errorf("%s: %s is %s", when, host, got[host+" agent"])
			}
		}
		if st := got["127.0.0.1 "+API]; st != api {
			t.Errorf("%s: the API is %s, want %s", when, st, api)
		}
	}
	change := func(to string) { // under the stand-in's lock
		s.Accepts = to
		file.Store(setting.Secret(to))
	}
	well("at first", look(20*time.Second), event.Up)
	s.Set(func() {
		s.After = func(_ http.ResponseWriter, after int64) bool {
			if after == 1 {
				change("second-key")
				time.Sleep(2 * time.Second)
			}
			return false
		}
	})
	well("replaced while the look hangs", look(time.Second), event.Unknown)
	s.Set(func() { s.After = nil })
	well("the next look", look(20*time.Second), event.Up)
	s.Set(func() {
		s.After = func(_ http.ResponseWriter, after int64) bool {
			if after == 2 && s.Accepts == "second-key" {
				change("third-key")
			}
			return false
		}
	})
	well("replaced between two pages", look(20*time.Second), event.Up)
	well("and after it", look(20*time.Second), event.Up)
}

// TestRenewedKey: only another key is worth another try.
func TestRenewedKey(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		err   error
		again bool
	}{
		"the same":       {key: "old"},
		"none":           {},
		"another":        {key: "new", again: true},
		"cannot be read": {key: "new", err: errors.New("no such file")},
	} {
		cl := &client{key: "old", renewal: func() (setting.Secret, error) { return setting.Secret(c.key), c.err }}
		if again := cl.renew(); again != c.again || (cl.key == "new") != c.again {
			t.Errorf("%s: tries again: %v, with %q", name, again, cl.key)
		}
	}
}

// TestLookalikes: computers whose names only look the same are two, and the log
// says so once.
func TestLookalikes(t *testing.T) {
	s := start(t, computerOf(1, "caf\u00e9"), computerOf(2, "cafe\u0301"), computerOf(3, "web01"), computerOf(4, "\uff57eb01"), computerOf(5, "\u6771\u4eac"))
	var log strings.Builder
	d, err := New(config(s), Options{Observer: "hub", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	k := &desk{Detector: d, t: t}
	k.look()
	if n := strings.Count(log.String(), "look the same"); n != 2 {
		t.Errorf("%d pairs were told of: %s", n, log.String())
	}
	if k.look(); strings.Count(log.String(), "look the same") != 2 {
		t.Error("told again")
	}
}
