package manager

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

var _ detector.Detector = (*Detector)(nil)

const apiItem = "127.0.0.1/manager/heartbeat/api"

func want(t *testing.T, got map[string]event.Observation, k string, s event.State, parts ...string) {
	t.Helper()
	o, ok := got[k]
	if !ok || o.State != s {
		t.Errorf("%s is %+v, want %s", k, o, s)
	}
	if (o.Found == 1) != (s == event.Up || s == event.Degraded) || o.Want != 1 {
		t.Errorf("%s has %d of %d in state %s", k, o.Found, o.Want, o.State)
	}
	for _, p := range parts {
		if !strings.Contains(words.English(o.Detail), p) {
			t.Errorf("%s: %q does not say %q", k, words.English(o.Detail), p)
		}
	}
}

func TestHealthyComputer(t *testing.T) {
	s := start(t, computerOf(7, "web01"))
	d := open(t, config(s))
	got := d.look()
	if len(got) != 8 {
		t.Errorf("%d items: %v", len(got), got)
	}
	want(t, got, apiItem, event.Up, "told of 1 computer")
	want(t, got, "127.0.0.1/manager/heartbeat/manager", event.Up, "answered within")
	want(t, got, "web01/agent/heartbeat/agent", event.Up, "Managed (Online)", "last communication 20")
	for _, m := range []string{"anti_malware", "web_reputation", "firewall", "intrusion_prevention"} {
		want(t, got, "web01/agent/module/"+m, event.Up, "the manager says active", "On")
	}
	r := d.facts["web01"]
	if r.Observer != "hub" || r.At.IsZero() || !r.Facts.Equal(event.Facts{
		event.Components: {Value: "agent"}, event.Edition: {Value: "deep_security"}, event.AgentVersion: {Value: "20.0.0.8438"}, event.HostID: {Value: "7"},
		event.AntiMalware: {Value: "on"}, event.WebReputation: {Value: "on"}, event.Firewall: {Value: "on"}, event.IntrusionPrevention: {Value: "on"},
	}) || r.Facts.Validate() != nil {
		t.Errorf("told %+v", r)
	}
	for n, f := range r.Facts {
		if f.Origin != "manager API" || f.At.IsZero() {
			t.Errorf("%s is %+v", n, f)
		}
	}
	if asked := s.Asked(); !slices.Equal(asked, []int64{0, 7, 7}) {
		t.Errorf("asked after %v, want until an empty page", asked)
	}
}

func TestStates(t *testing.T) {
	old := with("lastAgentCommunication", time.Now().Add(-31*time.Minute).UnixMilli())
	heartbeat, am := "web01/agent/heartbeat/agent", "web01/agent/module/anti_malware"
	for name, c := range map[string]struct {
		with  []func(map[string]any)
		item  string
		state event.State
		says  []string
		fact  event.Name // of the item's feature or component
		value string
	}{
		"warning":                    {[]func(map[string]any){status("warning", "Reboot Required")}, heartbeat, event.Up, []string{"Reboot Required", "last communication"}, event.Components, "agent"},
		"error, long out of contact": {[]func(map[string]any){status("error", "Offline"), old}, heartbeat, event.Down, []string{"Offline"}, event.Components, "agent"},
		"error, in contact":          {[]func(map[string]any){status("error", "Anti-Malware Engine Offline")}, heartbeat, event.Up, []string{"Anti-Malware Engine Offline"}, event.Components, "agent"},
		"error, never in contact":    {[]func(map[string]any){status("error"), without("lastAgentCommunication")}, heartbeat, event.Down, []string{"no communication"}, event.Components, "agent"},
		"the enum decides":           {[]func(map[string]any){status("active", "Offline"), old}, heartbeat, event.Up, []string{"Offline"}, event.Components, "agent"},
		"inactive":                   {[]func(map[string]any){status("inactive", "Unmanaged (Unknown)")}, heartbeat, event.Down, []string{"not activated", "Unmanaged"}, event.Components, ""},
		"not supported":              {[]func(map[string]any){status("not-supported")}, heartbeat, event.Unknown, []string{"not-supported"}, event.Components, ""},
		"a new word":                 {[]func(map[string]any){status("sleeping\x1b[2J")}, heartbeat, event.Unknown, []string{"sleeping"}, event.Components, ""},
		"no status":                  {[]func(map[string]any){without("computerStatus")}, heartbeat, event.Unknown, []string{"no status", "role"}, event.Components, ""},
		"a status that is null":      {[]func(map[string]any){with("computerStatus", nil)}, heartbeat, event.Unknown, nil, event.Components, ""},

		"module error":             {[]func(map[string]any){moduleIs("antiMalware", "on", "error", "Engine Offline")}, am, event.Down, []string{"Engine Offline", "switched on"}, event.AntiMalware, "on"},
		"module warning":           {[]func(map[string]any){moduleIs("antiMalware", "inherited", "warning", "Basic functions")}, am, event.Degraded, []string{"Basic functions"}, event.AntiMalware, "on"},
		"module on and idle":       {[]func(map[string]any){moduleIs("antiMalware", "on", "inactive", "")}, am, event.Down, nil, event.AntiMalware, "on"},
		"module off":               {[]func(map[string]any){moduleIs("antiMalware", "off", "inactive", "Off")}, am, event.Down, []string{"switched off"}, event.AntiMalware, "off"},
		"inherited off":            {[]func(map[string]any){moduleIs("antiMalware", "inherited", "inactive", "Off")}, am, event.Down, nil, event.AntiMalware, "off"},
		"inherited, offline":       {[]func(map[string]any){status("error"), old, moduleIs("antiMalware", "inherited", "inactive", "")}, am, event.Down, nil, event.AntiMalware, ""},
		"module not supported":     {[]func(map[string]any){moduleIs("antiMalware", "on", "not-supported", "")}, am, event.Down, nil, event.AntiMalware, "off"},
		"no module":                {[]func(map[string]any){without("antiMalware")}, am, event.Unknown, []string{"no status"}, event.AntiMalware, ""},
		"module without status":    {[]func(map[string]any){with("antiMalware", map[string]any{"state": "on"})}, am, event.Unknown, nil, event.AntiMalware, "on"},
		"module without state":     {[]func(map[string]any){with("antiMalware", map[string]any{"moduleStatus": map[string]any{"agentStatus": "active"}})}, am, event.Up, nil, event.AntiMalware, ""},
		"a new word of a module":   {[]func(map[string]any){moduleIs("antiMalware", "on", "thinking", "")}, am, event.Unknown, []string{"thinking"}, event.AntiMalware, "on"},
		"detect only":              {[]func(map[string]any){moduleIs("intrusionPrevention", "detect", "active", "")}, "web01/agent/module/intrusion_prevention", event.Up, nil, event.IntrusionPrevention, "on"},
		"no version":               {[]func(map[string]any){without("agentVersion")}, heartbeat, event.Up, nil, event.AgentVersion, ""},
		"version of an empty seat": {[]func(map[string]any){with("agentVersion", "0.0.0.0")}, heartbeat, event.Up, nil, event.AgentVersion, ""},
		"an odd version":           {[]func(map[string]any){with("agentVersion", "N/A")}, heartbeat, event.Up, nil, event.AgentVersion, ""},
		"a torn record":            {[]func(map[string]any){with("agentVersion", 20)}, heartbeat, event.Unknown, []string{"cannot be read"}, event.Components, ""},
		"a torn record's module":   {[]func(map[string]any){with("agentVersion", 20)}, am, event.Unknown, []string{"cannot be read"}, event.Components, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, computerOf(1, "web01", c.with...), computerOf(2, "web02"))
			d := open(t, config(s))
			got := d.look()
			want(t, got, c.item, c.state, c.says...)
			if v := d.facts["web01"].Facts[c.fact]; v.Value != c.value {
				t.Errorf("%s is %+v, want %q", c.fact, v, c.value)
			}
			want(t, got, "web02/agent/heartbeat/agent", event.Up) // nothing spoils another computer
			if d.facts["web02"].Facts[event.Components].Value != "agent" {
				t.Errorf("told of web02: %+v", d.facts["web02"])
			}
		})
	}
}

func TestNames(t *testing.T) {
	s := start(t, computerOf(3, "same"), computerOf(2, "same"), computerOf(9, "", with("displayName", "shown")), computerOf(10, ""),
		computerOf(11, " a/b\nc "), computerOf(13, "SAME"), computerOf(12, strings.Repeat("日本", 200)))
	got := open(t, config(s)).look()
	for _, host := range []string{"same", "same#3", "SAME#13", "shown", "#10", "a_b c"} {
		want(t, got, host+"/agent/heartbeat/agent", event.Up)
	}
	if len(got) != 3+7*5 {
		t.Errorf("%d items", len(got))
	}
}

func TestPaging(t *testing.T) {
	var all []map[string]any
	for id := 1; id <= 25; id++ {
		all = append(all, computerOf(id*10, fmt.Sprintf("h%02d", id)))
	}
	s := start(t, all...)
	c := config(s)
	c.Page = 10
	if got := open(t, c).look(); len(got) != 3+25*5 {
		t.Errorf("%d items", len(got))
	}
	if asked := s.Asked(); !slices.Equal(asked, []int64{0, 100, 200, 250, 250}) {
		t.Errorf("asked after %v", asked)
	}
}

func TestCloud(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	s.Cloud = true
	c := config(s)
	c.URL, c.Edition = s.URL+"/api/", "workload_security"
	d := open(t, c)
	got := d.look()
	want(t, got, "web01/agent/heartbeat/agent", event.Up)
	if len(got) != 7 || s.Pings() != 0 || len(d.Keys()) != 2 {
		t.Errorf("%d items, %d pings, keys %v", len(got), s.Pings(), d.Keys())
	}
	if v := d.facts["web01"].Facts[event.Edition].Value; v != "workload_security" {
		t.Error(v)
	}
	for host, edition := range map[string]string{"workload.jp-1.cloudone.trendmicro.com": "workload_security", "dsm.example.com": "deep_security", "cloudone.trendmicro.com.example.com": "deep_security"} {
		if got := (Config{}).edition(host); got != edition {
			t.Errorf("%s is %s", host, got)
		}
	}
}

func TestWithoutKeyOnlyThePing(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	c := config(s)
	c.APIKey = ""
	d := open(t, c)
	if got := d.look(); len(got) != 1 || len(s.Asked()) != 0 {
		t.Errorf("%v, asked %v", got, s.Asked())
	}
	if k := d.Keys(); len(k) != 1 || k[0].String() != "127.0.0.1/manager/heartbeat/manager" {
		t.Errorf("%v", k)
	}
}

func TestPing(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request) bool
		state  event.State
		says   string
	}{
		"200":      {nil, event.Up, "answered"},
		"500":      {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }, event.Down, "status 500"},
		"503":      {func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, 503, "starting up"); return true }, event.Down, "starting up"},
		"hung up":  {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, event.Down, "cannot be reached"},
		"404":      {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true }, event.Unknown, "no such page"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) bool { http.Redirect(w, r, "/login", 302); return true }, event.Unknown, "not followed"},
		"429":      {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(429); return true }, event.Unknown, "too often"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.Pinged = c.answer
			want(t, open(t, config(s)).look(), "127.0.0.1/manager/heartbeat/manager", c.state, c.says)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		s := start(t)
		c := config(s)
		s.Close()
		want(t, open(t, c).look(), "127.0.0.1/manager/heartbeat/manager", event.Down, "cannot be reached", "refused")
	})
	t.Run("no such name", func(t *testing.T) {
		c := config(start(t))
		c.URL = "https://dsm.invalid:4119"
		want(t, open(t, c).look(), "dsm.invalid/manager/heartbeat/manager", event.Unknown, "looked up")
	})
}

// Every way in which the listing can fail makes all known items unknown with
// a reason, and none of them down; the next good listing mends it.
func TestListingFails(t *testing.T) {
	answer := func(status int, kind, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
			return true
		}
	}
	for name, c := range map[string]struct {
		page func(http.ResponseWriter, *http.Request) bool
		says []string
	}{
		"HTML":           {answer(200, "text/html", "<!DOCTYPE html><html>log in</html>"), []string{"not what its API sends", "login page"}},
		"nothing":        {answer(200, "application/json", ""), []string{"not what its API sends"}},
		"a list":         {answer(200, "application/json", "[]"), []string{"not what its API sends"}},
		"no computers":   {answer(200, "application/json", `{"message":"hello"}`), []string{"no list of computers"}},
		"null":           {answer(200, "application/json", `{"computers":null}`), []string{"not what its API sends"}},
		"cut off":        {answer(200, "application/json", `{"computers":[{"ID":1,"hostName":"web0`), []string{"unexpected EOF"}},
		"deep":           {answer(200, "application/json", `{"computers":`+strings.Repeat("[", 20000)), []string{"not what its API sends"}},
		"the same again": {answer(200, "application/json", `{"computers":[{"hostName":"x"}]}`), []string{"none of a higher ID"}},
		"refused key":    {answer(401, "application/json", `{"message":"Invalid API Key `+key+`"}`), []string{"refuses the API key", "[redacted]"}},
		"forbidden":      {answer(403, "text/html", "<html>"), []string{"refuses the API key (403)"}},
		"500":            {answer(500, "text/plain", "oops"), []string{"status 500"}},
		"404":            {answer(404, "text/html", "<html>"), []string{"no such page", "4119"}},
		"another place": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://example.com/", 307)
			return true
		}, []string{"not followed"}},
		"hung up":           {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, []string{"cannot be reached"}},
		"silent":            {func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }, []string{"in time", "detectors.manager.timeout"}},
		"drop by drop":      {dripping, []string{"in time"}},
		"2 GB of long ones": {endless(`{"computers":[{}`, `,{"ID":1,"x":"`+strings.Repeat("x", 100<<10)+`"}`), []string{"longer than 2097152 bytes", "detectors.manager.page"}},
		"2 GB of blanks":    {endless(`{"computers":[`, " "), []string{"one record is longer than 1048576 bytes"}},
		"2 GB in one word":  {endless(`{"computers":[{"hostName":"`, "x"), []string{"answer is longer than 2097152 bytes"}},
		"2 GB of computers": {endless(`{"computers":[{}`, `,{"ID":1}`), []string{"more computers than were asked for"}},
		"2 GB of fields":    {endless(`{"a":1`, `,"x":1`), []string{"other things than computers"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, computerOf(1, "web01"))
			d := open(t, config(s))
			want(t, d.look(), "web01/agent/heartbeat/agent", event.Up)
			s.Set(func() { s.Page = c.page })
			d.client.most = 2 << 20

			patience := 10 * time.Second
			if slices.Contains(c.says, "in time") {
				patience = 1500 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			obs, err := d.Detect(ctx)
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("allocated %d bytes", grown)
			}
			if err != nil || len(obs) != 8 || ctx.Err() != nil {
				t.Errorf("%d items, %v, after %s (%v)", len(obs), err, time.Since(begin), ctx.Err())
			}
			// What was listed before counts for a while, then no longer.
			for _, o := range obs {
				if unknown := o.Key.Name == API; unknown != (o.State == event.Unknown) || unknown && !strings.Contains(words.English(o.Detail), "counts until it is 15m old") {
					t.Errorf("%+v", o)
				}
			}
			d.age()
			ctx, cancel = context.WithTimeout(t.Context(), patience)
			defer cancel()
			obs, _ = d.Detect(ctx)
			for _, o := range obs {
				if o.Key.Name == event.Manager || o.Key.Name == Listing {
					if o.State != event.Up {
						t.Errorf("%+v", o)
					}
					continue
				}
				if api := o.Key.Name == API; o.State != event.Unknown || (o.Behind == event.Key{}) != api || !api && o.Behind.Name != API {
					t.Errorf("%+v", o)
				}
				for _, p := range c.says {
					if !strings.Contains(words.English(o.Detail), p) {
						t.Errorf("%q does not say %q", words.English(o.Detail), p)
					}
				}
				if strings.Contains(words.English(o.Detail), key) || strings.Contains(words.English(o.Detail), "<html") {
					t.Errorf("%q shows too much", words.English(o.Detail))
				}
			}
			if got := d.facts["web01"].Facts; len(got) != 8 {
				t.Errorf("facts became %v", got)
			}
			s.Set(func() { s.Page = nil })
			want(t, d.look(), "web01/agent/heartbeat/agent", event.Up)
		})
	}
}

func dripping(w http.ResponseWriter, r *http.Request) bool {
	_, _ = w.Write([]byte(`{"computers":[`))
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte(" "))
		w.(http.Flusher).Flush()
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

// endless begins like a page and goes on with 2 GB of something.
func endless(begin, more string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		chunk := []byte(strings.Repeat(more, 1+64<<10/len(more)))
		_, _ = w.Write([]byte(begin))
		for sent := 0; sent < 2<<30; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		return true
	}
}

func TestTooManyRequests(t *testing.T) {
	for name, c := range map[string]struct {
		retry       string
		least, most time.Duration
	}{
		"no word":   {"", 60 * time.Second, 62 * time.Second},
		"seconds":   {"7", 6 * time.Second, 7 * time.Second},
		"a date":    {time.Now().Add(100 * time.Second).UTC().Format(http.TimeFormat), 98 * time.Second, 100 * time.Second},
		"a day":     {"86400", 59 * time.Minute, time.Hour},
		"nonsense":  {"soon", 60 * time.Second, 62 * time.Second},
		"the past":  {"Sun, 06 Nov 1994 08:49:37 GMT", 0, time.Second},
		"backwards": {"-5", 60 * time.Second, 62 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, computerOf(1, "web01"))
			d := open(t, config(s))
			d.look()
			s.Set(func() { s.Limit, s.Retry = 2, c.retry })
			got := d.look()
			want(t, got, "web01/agent/heartbeat/agent", event.Up) // the last listing counts
			if left := time.Until(d.resume); left < c.least-2*time.Second || left > c.most {
				t.Errorf("pauses %s, want %s to %s", left, c.least, c.most)
			}
			asked := len(s.Asked())
			if c.least > 0 {
				d.look()
			}
			if n := len(s.Asked()); n != asked {
				t.Errorf("asked %d times during the pause", n-asked)
			}
			want(t, got, apiItem, event.Up, "429", "counts")
			d.age()
			d.resume = time.Now().Add(time.Minute)
			got = d.look()
			want(t, got, "web01/agent/heartbeat/agent", event.Unknown, "429")
			want(t, got, apiItem, event.Unknown, "429")
			d.resume = time.Time{}
			s.Set(func() { s.Limit = 0 })
			want(t, d.look(), "web01/agent/heartbeat/agent", event.Up)
		})
	}
}

// TestMissingFieldsLeaveFacts: what a record lacks cannot be seen, which is
// not the same as switched off.
func TestMissingFieldsLeaveFacts(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	d := open(t, config(s))
	d.look()
	for _, lacks := range [][]string{{"firewall"}, {"computerStatus"}, {"firewall", "computerStatus", "agentVersion"}} {
		s.Set(func() { s.Computers = []map[string]any{computerOf(1, "web01", without(lacks...))} })
		got := d.look()
		if f := d.facts["web01"].Facts; f[event.Firewall].Value != "on" || f[event.Components].Value != "agent" {
			t.Errorf("without %v: %v", lacks, f)
		}
		item := "web01/agent/module/firewall"
		if lacks[0] == "computerStatus" {
			item = "web01/agent/heartbeat/agent"
		}
		want(t, got, item, event.Unknown)
	}
}

func TestComputerRemoved(t *testing.T) {
	s := start(t, computerOf(1, "web01"), computerOf(2, "web02"))
	d := open(t, config(s))
	d.look()
	s.Set(func() { s.Computers = s.Computers[1:] })
	got := d.look()
	want(t, got, "web01/agent/heartbeat/agent", event.Up) // one listing is not believed
	want(t, got, "127.0.0.1/manager/heartbeat/listing", event.Up)
	d.known["web01"].at -= int64(keepListing)
	web01 := d.computers(got[apiItem])
	for o := range web01 {
		if o.Key.Host == "web01" && (o.State != event.Unknown || o.Behind.Name != Listing || !strings.Contains(words.English(o.Detail), "no longer lists this computer")) {
			t.Errorf("15 minutes later %+v", o)
		}
	}
	for range 2 { // two that agree
		got := d.look()
		want(t, got, "web02/agent/heartbeat/agent", event.Up)
		if len(got) != 3+5 {
			t.Errorf("%d items: %v", len(got), got)
		}
	}
	if d.tells != 3 {
		t.Errorf("told %d times, want once more", d.tells)
	}
	if r, ok := d.facts["web01"]; !ok || len(r.Facts) != 0 {
		t.Errorf("told %+v", r)
	}
	s.Set(func() { s.Computers = append(s.Computers, computerOf(1, "web01")) })
	want(t, d.look(), "web01/agent/heartbeat/agent", event.Up)
	if len(d.facts["web01"].Facts) == 0 {
		t.Error("its facts did not come back")
	}
}

// TestNoComputerLeft: a key whose role sees nothing any more is no reason to
// forget every computer.
func TestNoComputerLeft(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	d := open(t, config(s))
	d.look()
	s.Set(func() { s.Computers = nil })
	got := d.look()
	want(t, got, "web01/agent/heartbeat/agent", event.Up)
	want(t, got, apiItem, event.Unknown, "role")
	d.age()
	want(t, d.look(), "web01/agent/heartbeat/agent", event.Unknown, "no longer lists any computer", "role")
	if len(d.facts["web01"].Facts) == 0 {
		t.Error("its facts were taken back")
	}
}

// TestKnownBefore: what was listed when the program last ran is unknown, not
// gone, until the manager is heard; what it no longer lists then is gone.
func TestKnownBefore(t *testing.T) {
	s := start(t, computerOf(2, "web02"))
	known := open(t, config(s))
	known.look()
	var keys []event.Key
	for o := range known.computers(event.Observation{At: time.Now()}) {
		keys = append(keys, o.Key)
	}
	keys = append(keys, event.Key{Host: "old", Component: "agent", Kind: event.Heartbeat, Name: "agent"})
	s.Set(func() { s.Limit = 1 })
	var told []event.FactsReport
	d, err := New(config(s), Options{Observer: "hub", Known: keys, Tell: func(_ context.Context, all []event.FactsReport) error {
		told = append(told, all...)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, _ := d.Detect(t.Context())
	if len(got) != 3 || len(unveiled(d, got)) != 3+6 || told != nil {
		t.Errorf("%d items, told %v", len(got), told)
	}
	for _, o := range got[2:] { // that it lists them, too
		if o.State != event.Unknown || o.Behind.Name != API {
			t.Errorf("%+v", o)
		}
	}
	d.resume = time.Time{}
	s.Set(func() { s.Limit = 0 })
	_, _ = d.Detect(t.Context())
	got, _ = d.Detect(t.Context())
	if len(got) != 3+5 || len(told) != 2 || told[0].Host != "web02" || told[1].Host != "old" || len(told[1].Facts) != 0 {
		t.Errorf("%d items, told %v", len(got), told)
	}
}

// TestManagerDown: the manager's own item is the one that tells.
func TestManagerDown(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	d := open(t, config(s))
	d.look()
	s.Close()
	got := d.look()
	want(t, got, "127.0.0.1/manager/heartbeat/manager", event.Down, "cannot be reached")
	want(t, got, apiItem, event.Unknown)
	want(t, got, "web01/agent/heartbeat/agent", event.Up) // as it was told a moment ago
	d.age()
	got = d.look()
	want(t, got, "web01/agent/heartbeat/agent", event.Unknown)
	for k, o := range got {
		if o.Key.Name == Listing {
			continue
		}
		if loud := o.Behind == (event.Key{}); loud != (o.Key.Name == event.Manager) {
			t.Errorf("%s is behind %q", k, o.Behind)
		}
	}
}

func TestFactsAreToldOnceUnlessTheyChange(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	d := open(t, config(s))
	d.look()
	d.look()
	if d.tells != 1 {
		t.Errorf("told %d times", d.tells)
	}
	s.Set(func() {
		s.Computers = []map[string]any{computerOf(1, "web01", moduleIs("firewall", "off", "inactive", ""))}
	})
	d.look()
	if d.tells != 2 || d.facts["web01"].Facts[event.Firewall].Value != "off" {
		t.Errorf("told %d times, %v", d.tells, d.facts)
	}
	d.told["web01"] = told{d.told["web01"].traits, time.Now().Add(-tellEvery)}
	d.look()
	if d.tells != 3 {
		t.Errorf("told %d times after a long while", d.tells)
	}
	fail := errors.New("no bus")
	d.opts.Tell = func(context.Context, []event.FactsReport) error { d.tells++; return fail }
	s.Set(func() { s.Computers = []map[string]any{computerOf(1, "web01")} })
	d.look()
	d.look()
	if d.tells != 5 {
		t.Errorf("told %d times, want again after a failure", d.tells)
	}
	fail = nil
	d.look()
	d.look()
	if d.tells != 6 {
		t.Errorf("told %d times after it worked", d.tells)
	}
}

func TestTrust(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	other := strings.Repeat("ab", 32)
	colons := func(f string) string {
		var parts []string
		for i := 0; i < len(f); i += 2 {
			parts = append(parts, strings.ToUpper(f[i:i+2]))
		}
		return strings.Join(parts, ":")
	}
	for name, c := range map[string]struct {
		ca, pin, url string
		ok           bool
		says         []string
	}{
		"nothing":                   {says: []string{"not trusted", "ca_file", "fingerprint " + s.Fingerprint()}},
		"its authority":             {ca: s.CAFile(t), ok: true},
		"its fingerprint":           {pin: s.Fingerprint(), ok: true},
		"as openssl prints it":      {pin: "SHA256:" + colons(s.Fingerprint()), ok: true},
		"another fingerprint":       {pin: other, says: []string{"not the pinned one", s.Fingerprint()}},
		"both":                      {ca: s.CAFile(t), pin: s.Fingerprint(), ok: true},
		"authority, another pin":    {ca: s.CAFile(t), pin: other, says: []string{"not the pinned one"}},
		"pin, another authority":    {ca: otherCA(t), pin: s.Fingerprint(), says: []string{"not trusted"}},
		"another authority":         {ca: otherCA(t), says: []string{"not trusted"}},
		"authority, another name":   {ca: s.CAFile(t), url: strings.Replace(s.URL, "127.0.0.1", "localhost", 1), says: []string{"not trusted"}},
		"fingerprint, another name": {pin: s.Fingerprint(), url: strings.Replace(s.URL, "127.0.0.1", "localhost", 1), ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(s.Asked())
			conf := config(s)
			conf.CAFile, conf.Fingerprint = c.ca, c.pin
			if c.url != "" {
				conf.URL = c.url
			}
			d := open(t, conf)
			got := d.look()
			k := d.Keys()[0].String()
			if c.ok {
				want(t, got, k, event.Up)
				want(t, got, "web01/agent/heartbeat/agent", event.Up)
				return
			}
			want(t, got, k, event.Unknown, c.says...)
			if len(s.Asked()) != before {
				t.Error("the key was sent all the same")
			}
		})
	}
}

// A real CONNECT proxy stands between; its password is never shown.
func TestProxy(t *testing.T) {
	s := start(t, computerOf(1, "web01"))
	var through []string
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNzd29yZDE=" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		through = append(through, r.Host)
		far, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		near, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		go func() { _, _ = buf.WriteTo(far); _ = far.Close() }()
		go func() { _, _ = netCopy(near, far); _ = near.Close() }()
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = proxy.Serve(ln) }()
	t.Cleanup(func() { _ = proxy.Close() })
	c := config(s)
	c.Proxy = setting.Secret("http://user:password1@" + ln.Addr().String())
	want(t, open(t, c).look(), "web01/agent/heartbeat/agent", event.Up)
	if len(through) == 0 || through[0] != s.Listener.Addr().String() {
		t.Errorf("went through the proxy to %v", through)
	}
	for name, p := range map[string]string{"wrong password": "http://user:password2@" + ln.Addr().String(), "no proxy there": "http://user:password2@127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			c.Proxy = setting.Secret(p)
			o := open(t, c).look()["127.0.0.1/manager/heartbeat/manager"]
			if o.State == event.Up || strings.Contains(words.English(o.Detail), "password2") {
				t.Errorf("%+v", o)
			}
		})
	}
}
