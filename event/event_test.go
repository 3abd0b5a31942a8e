package event_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unsafe"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"dswatch/event"
)

var at = time.Date(2026, 11, 22, 3, 4, 5, 678, time.FixedZone("JST", 9*3600))

func obs() event.Observation {
	return event.Observation{
		Key:   event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"},
		State: event.Degraded, Found: 1, Want: 2, Detail: event.Prose("pid 12"), At: at,
	}
}

func TestStateOf(t *testing.T) {
	for _, c := range []struct {
		found, want int
		state       event.State
	}{{0, 1, event.Down}, {1, 1, event.Up}, {1, 2, event.Degraded}, {3, 2, event.Up}, {0, 0, event.Down}, {-1, 1, event.Down}} {
		if got := event.StateOf(c.found, c.want); got != c.state {
			t.Errorf("StateOf(%d, %d) = %s, want %s", c.found, c.want, got, c.state)
		}
	}
}

func TestKeyRoundTrip(t *testing.T) {
	k := event.Key{Host: "m1", Component: "manager", Kind: event.Process, Name: "/opt/dsm/jre/bin/java"}
	got, err := event.ParseKey(k.String())
	if err != nil || got != k {
		t.Fatalf("ParseKey(%q) = %v, %v", k, got, err)
	}
	for _, bad := range []string{"", "a/b/c", "a/b/what/c", "/b/process/c", "a/b/process/"} {
		if _, err := event.ParseKey(bad); err == nil {
			t.Errorf("ParseKey(%q) was accepted", bad)
		}
	}
}

func TestKeyHashIsUnambiguous(t *testing.T) {
	a := event.Key{Host: "a", Component: "bc", Kind: event.Process, Name: "d"}
	b := event.Key{Host: "ab", Component: "c", Kind: event.Process, Name: "d"}
	if a.Hash() == b.Hash() {
		t.Error("two different keys have one hash")
	}
}

func TestToken(t *testing.T) {
	plain := map[string]string{"web01": "web01", "WEB01": "web01", "a-b_c": "a-b_c", "_": "_", "ip-0a1b2c3d": "ip-0a1b2c3d",
		// as they have been since the first version
		"web01.example.com": "web01_example_com-f6020bbc", "a_b-0a1b2c3": "a_b-0a1b2c3", "a_b-0a1b2c3g": "a_b-0a1b2c3g"}
	for in, want := range plain {
		if got := event.Token(in); got != want {
			t.Errorf("Token(%q) = %q, want %q", in, got, want)
		}
	}
	seen := map[string]string{}
	for _, in := range []string{"a.b", "a_b", "a b", "a*b", "a>b", "サーバ", "さーば", strings.Repeat("x", 100), strings.Repeat("x", 101),
		"", "_", "web01.example.com", "web01_example_com-f6020bbc", event.Token("web01_example_com-f6020bbc"), event.Token(strings.Repeat("x", 100)), event.Token("")} {
		got := event.Token(in)
		if strings.ContainsAny(got, ".*> \t\r\n") || len(got) > 63 {
			t.Errorf("Token(%q) = %q is not one subject token of at most 63 bytes", in, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q share the token %q", in, other, got)
		}
		seen[got] = in
	}
}

// TestTokensDiffer: whatever the name, neither its token nor the token of that
// is the token of the name before, and a name without other letters keeps
// itself unless it looks like a token of another.
func TestTokensDiffer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(16, 6))
	letters := []rune("ab01-_._ .サ")
	by := map[string]string{}
	for range 50_000 {
		name := make([]rune, 1+rnd.IntN(70))
		for i := range name {
			name[i] = letters[rnd.IntN(len(letters))]
		}
		host := string(name)
		for range 3 {
			token := event.Token(host)
			if len(token) > 63 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Fatalf("Token(%q) = %q is not one token", host, token)
			}
			if other, ok := by[token]; ok && other != host {
				t.Fatalf("%q and %q share the token %q", host, other, token)
			}
			by[token] = host
			host = token
		}
	}
}

// The CloudEvents SDK is the independent judge of the envelope.
func TestEventIsACloudEvent(t *testing.T) {
	e := event.NewState("ホスト 1", event.Change, obs())
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var c ce.Event
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatalf("the SDK does not read it: %v\n%s", err, b)
	}
	if err := c.Validate(); err != nil {
		t.Fatalf("the SDK does not accept it: %v\n%s", err, b)
	}
	if c.SpecVersion() != "1.0" || c.ID() != e.ID || c.Type() != event.TypeState || !c.Time().Equal(at) || c.Subject() != e.Key().String() {
		t.Errorf("attributes differ: %v", c)
	}
	got, err := event.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e, got); d != "" {
		t.Errorf("round trip (-want +got):\n%s", d)
	}
}

func TestEventIDs(t *testing.T) {
	base := event.NewState("w", event.Change, obs())
	if again := event.NewState("w", event.Snapshot, obs()); again.ID != base.ID {
		t.Error("the same look has two ids")
	}
	later := obs()
	later.At = later.At.Add(time.Nanosecond)
	if event.NewState("w", event.Change, later).ID == base.ID {
		t.Error("a later look has the id of the earlier one")
	}
	if event.NewState("v", event.Change, obs()).ID == base.ID {
		t.Error("two observers share an id")
	}
}

func TestFactsReport(t *testing.T) {
	r := event.FactsReport{Host: "web01", Observer: "web01", At: at.UTC(), Facts: event.Facts{
		event.OS:         {Value: event.Linux, Origin: "kernel"},
		event.Components: {Value: "agent,manager", Origin: "declared"},
	}}
	id, b, err := event.EncodeFacts(r)
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	got, err := event.DecodeFacts(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, got); d != "" {
		t.Errorf("round trip (-want +got):\n%s", d)
	}
	for name, f := range map[string]event.Facts{
		"a name that is no fact":   {"colour": {Value: "red"}},
		"a value that is not":      {event.Relay: {Value: "maybe"}},
		"a list where none may be": {event.OS: {Value: "linux,windows"}},
	} {
		if f.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// everyFact is a stored report that has every fact, and how many those are.
func everyFact(t testing.TB) (report []byte, facts int) {
	all := event.Facts{}
	for _, n := range event.Names() {
		v := "20.0.0"
		if a := n.Allowed(); a != nil {
			v = a[0]
		}
		all[n] = event.Fact{Value: v, Origin: "declared", At: at.UTC()}
	}
	_, report, err := event.EncodeFacts(event.FactsReport{Host: "web01", Observer: "web01", At: at.UTC(), Facts: all})
	if err != nil {
		t.Fatal(err)
	}
	return report, len(all)
}

// TestFactsAreReadCheaply: a restart reads those of 10,000 hosts. It takes 77
// allocations here, 107 where encoding/json reads the map.
func TestFactsAreReadCheaply(t *testing.T) {
	report, facts := everyFact(t)
	got := testing.AllocsPerRun(100, func() {
		if _, err := event.DecodeFacts(report); err != nil {
			t.Fatal(err)
		}
	})
	if most := float64(6*facts + 6); got > most {
		t.Errorf("%d facts took %.0f allocations, want at most %.0f", facts, got, most)
	}
}

func BenchmarkDecodeFacts(b *testing.B) {
	report, _ := everyFact(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.DecodeFacts(report); err != nil {
			b.Fatal(err)
		}
	}
}

func alert() event.Alert {
	o := obs()
	return event.Alert{
		ID: event.AlertID(o.Key, "loss", "e1"), Seq: 1, Transition: event.Raised, Rule: "loss", Key: o.Key,
		State: o.State, Severity: event.Warning, Impact: event.ProtectionReduced, Found: 1, Want: 2,
		Language: "en", Title: "t", Text: "x", Observer: "web01", StartedAt: at.UTC(), At: at.UTC(),
	}
}

func TestAlertRoundTrip(t *testing.T) {
	a := alert()
	b, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := event.DecodeAlert(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(a, got); d != "" {
		t.Errorf("round trip (-want +got):\n%s", d)
	}
	if a.DeliveryID() != a.ID+".1" {
		t.Errorf("DeliveryID = %q", a.DeliveryID())
	}
}

// TestDecodeShortKeepsNoMemory: a receipt keeps the transition of an alert, and not
// the text that the alert was read from.
func TestDecodeShortKeepsNoMemory(t *testing.T) {
	b := []byte(`{"id":"x","seq":1,"transition":"raised","rule":"loss","key":{"host":"h","component":"agent","kind":"process","name":"n"},"state":"down","severity":"critical","impact":"protection_lost","found":0,"want":1,"language":"en","title":"t","text":"x","observer":"h","started_at":"2026-11-22T03:04:05Z","at":"2026-11-22T03:04:05Z"}`)
	var a event.Alert
	if err := a.DecodeShort(b); err != nil {
		t.Fatal(err)
	}
	whole, err := event.DecodeAlert(b)
	if err != nil || !cmp.Equal(a, whole) {
		t.Errorf("read %+v, %v\nwant %+v", a, err, whole)
	}
	if unsafe.StringData(string(a.Transition)) != unsafe.StringData(string(event.Raised)) {
		t.Error("the transition is part of the whole text")
	}
	if unsafe.StringData(a.Title) == unsafe.StringData(whole.Title) || uintptr(unsafe.Pointer(unsafe.StringData(a.Title)))-uintptr(unsafe.Pointer(unsafe.StringData(a.ID))) > uintptr(len(b)) {
		t.Error("id and title are not parts of one text")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, _ := event.NewState("w", event.Change, obs()).Encode()
	for name, b := range map[string]string{
		"nothing":           "",
		"an array":          "[]",
		"another type":      strings.Replace(string(good), event.TypeState, "com.example", 1),
		"another version":   strings.Replace(string(good), `"specversion":"1.0"`, `"specversion":"0.3"`, 1),
		"a foreign source":  strings.Replace(string(good), `"dswatch/w"`, `"elsewhere"`, 1),
		"a bad escape":      strings.Replace(string(good), `"dswatch/w"`, `"dswatch/%zz"`, 1),
		"an unknown state":  strings.Replace(string(good), `"degraded"`, `"fine"`, 1),
		"a negative count":  strings.Replace(string(good), `"found":1`, `"found":-1`, 1),
		"no data":           strings.Replace(string(good), `"data":{`, `"other":{`, 1),
		"too much":          `{"x":"` + strings.Repeat("y", event.MaxEvent) + `"}`,
		"a key with no end": strings.Replace(string(good), `"ds_agent"`, `"`+strings.Repeat("n", 600)+`"`, 1),
	} {
		if _, err := event.Decode([]byte(b)); err == nil {
			t.Errorf("%s was accepted", name)
		} else if len(err.Error()) > 400 {
			t.Errorf("%s: the error text is %d bytes long", name, len(err.Error()))
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := event.NewState("w", event.Change, obs()).Encode()
	f.Add(good)
	_, facts, _ := event.EncodeFacts(event.FactsReport{Host: "h", Observer: "o", At: at})
	f.Add(facts)
	a, _ := alert().Encode()
	f.Add(a)
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := event.Decode(b); err == nil {
			again, err := e.Encode()
			if err != nil {
				t.Fatalf("accepted but not encodable: %v", err)
			}
			back, err := event.Decode(again)
			if err != nil {
				t.Fatalf("accepted, encoded, refused: %v", err)
			}
			if !back.Observation.Same(e.Observation) || back.ID != e.ID || back.Observer != e.Observer {
				t.Fatalf("round trip changed %+v to %+v", e, back)
			}
		}
		if a, err := event.DecodeAlert(b); err == nil {
			if _, err := a.Encode(); err != nil {
				t.Fatalf("accepted but not encodable: %v", err)
			}
		}
		if r, err := event.DecodeFacts(b); err == nil {
			if _, _, err := event.EncodeFacts(r); err != nil {
				t.Fatalf("accepted but not encodable: %v", err)
			}
		}
	})
}
