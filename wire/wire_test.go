package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"
)

// word and inner and record have every sort of field that a Form knows, and
// some that it leaves to encoding/json.
type word string

type inner struct {
	Name string    `json:"name"`
	At   time.Time `json:"at,omitzero"`
	Odd  *float64  `json:"odd,omitempty"`
}

type record struct {
	ID     string          `json:"id"`
	Word   word            `json:"word,omitempty"`
	N      int             `json:"n"`
	M      int64           `json:"m,omitempty"`
	Pos    uint64          `json:"pos,omitzero"`
	Yes    bool            `json:"yes,omitempty"`
	No     bool            `json:"no"`
	In     inner           `json:"in"`
	Part   inner           `json:"part,omitzero"`
	Ptr    *inner          `json:"ptr,omitempty"`
	Null   *inner          `json:"null"`
	List   []inner         `json:"list,omitempty"`
	Words  []word          `json:"words"`
	Start  time.Time       `json:"start"`
	End    time.Time       `json:"end,omitzero"`
	Free   map[string]int  `json:"free,omitempty"`
	Facts  map[word]inner  `json:"facts,omitempty"`
	Labels map[string]word `json:"labels"`
	Small  int8            `json:"small,omitempty"`
	Bytes  []byte          `json:"bytes,omitempty"`
	Plain  string
	Hidden string `json:"-"`
	own    string
}

var moment1 = time.Date(2026, 11, 22, 3, 4, 5, 678_000_000, time.UTC)

func full() record {
	f := 1.5
	in := inner{Name: "a", At: moment1, Odd: &f}
	return record{
		ID: "id", Word: "w", N: -12, M: math.MaxInt64, Pos: math.MaxUint64, Yes: true, No: true, In: in, Part: in, Ptr: &inner{}, Null: &in,
		List: []inner{in, {}}, Words: []word{"x", ""}, Start: moment1, End: moment1.In(time.FixedZone("JST", 9*3600)),
		Free: map[string]int{"b": 1, "a": 2}, Facts: map[word]inner{"z": in, "a<\n\"": {}}, Labels: map[string]word{"": "x", "プ": ""}, Small: -3, Bytes: []byte("bytes"), Plain: "p", Hidden: "h", own: "o",
	}
}

func TestAppendIsMarshal(t *testing.T) {
	form := Of[record]()
	if form.plan == nil {
		t.Fatal("record has no plan")
	}
	for name, v := range map[string]record{
		"zero": {}, "full": full(), "empty list": {Words: []word{}, List: []inner{}},
		"html": {ID: "<a href=\"x\">&amp;\\"}, "control": {ID: "a\x00\x1f\x7f\r\n\t"}, "broken": {ID: "a\xffb\xc3", Word: "\xed\xa0\x80"},
		"separators": {ID: "a\u2028b\u2029"}, "japanese": {ID: "プロセス ds_agent が停止"}, "replacement": {ID: "\ufffd"}, "far": {ID: "😀"},
		"year 10000": {Start: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "odd zone": {Start: moment1.In(time.FixedZone("x", 25*3600))},
		"seconds in zone": {Start: moment1.In(time.FixedZone("x", 61))}, "not a number": {In: inner{Odd: new(math.NaN())}},
	} {
		t.Run(name, func(t *testing.T) {
			want, wantErr := json.Marshal(&v)
			got, err := form.Append([]byte("before"), &v)
			if (err != nil) != (wantErr != nil) || string(got) != "before"+string(want) {
				t.Errorf("got  %s, %v\nwant before%s, %v", got, err, want, wantErr)
			}
		})
	}
}

// TestDecodeKnowsItsOwn shows that what Append writes is read without
// encoding/json, but for what only that knows.
func TestDecodeKnowsItsOwn(t *testing.T) {
	form := Of[record]()
	v := full()
	v.Free, v.Small, v.Bytes, v.M, v.Pos, v.Hidden, v.own = nil, 0, nil, -1, 1, "", ""
	v.In.Odd, v.Part.Odd, v.Null, v.List[0].Odd = nil, nil, nil, nil
	v.Facts["z"] = inner{Name: "z", At: moment1}
	v.ID = "<プロセス>\n\u2028\""
	b, err := form.Encode(&v)
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.Replace(b, []byte(`"null":null,`), nil, 1) // a nil pointer without omitempty
	r := reader{b: cut}
	var got record
	if !r.object(form.plan, reflect.ValueOf(&got).Elem()) || r.at != len(cut) {
		t.Fatalf("stopped at %d of %s", r.at, cut)
	}
	if again, _ := json.Marshal(got); string(again) != string(b) {
		t.Errorf("got %s\nwant %s", again, b)
	}
}

// TestLeftToOthers has the types that a Form must not take on by itself.
func TestLeftToOthers(t *testing.T) {
	type recursive struct {
		Next *recursive `json:"next"`
		List []inner    `json:"list"`
	}
	if v := (recursive{Next: &recursive{}}); !same(t, v, `{"next":{"next":null,"list":[{}]},"list":[]}`) {
		t.Error("recursive differs")
	}
	type embeds struct{ inner }
	if Of[embeds]().plan != nil || !same(t, embeds{inner{Name: "x"}}, `{"name":"x"}`) {
		t.Error("an embedded field was taken on")
	}
	type quoted struct {
		N int `json:"n,string"`
	}
	if Of[quoted]().plan != nil || !same(t, quoted{3}, `{"n":"4"}`) {
		t.Error("a quoted number was taken on")
	}
	type twice struct {
		A string `json:"a"`
		B string `json:"A"`
	}
	if Of[twice]().plan != nil || !same(t, twice{"x", "y"}, `{"a":"1","A":"2"}`) {
		t.Error("two keys that differ by case were taken on")
	}
	if Of[time.Time]().plan != nil || !same(t, moment1, `"2026-01-01T00:00:00Z"`) {
		t.Error("a type with a way of its own was taken on")
	}
}

// same reports whether a Form writes v and reads text as encoding/json does.
func same[T any](t *testing.T, v T, text string) bool {
	t.Helper()
	form := Of[T]()
	want, _ := json.Marshal(&v)
	got, err := form.Append(nil, &v)
	read, rerr := form.Decode([]byte(text))
	var std T
	serr := json.Unmarshal([]byte(text), &std)
	return err == nil && string(got) == string(want) && rerr == nil && serr == nil && reflect.DeepEqual(read, std)
}

func FuzzDecode(f *testing.F) {
	form := Of[record]()
	v := full()
	whole, err := json.Marshal(v)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, s := range []string{
		`{}`, `{"id":"x"}`, `{"id":"x"}x`, `{"id":"x",}`, `{ "id":"x"}`, `{"id":null}`, `{"ID":"x"}`, `{"id":"x","id":"y"}`, `{"n":1,"id":"x"}`,
		`{"n":01}`, `{"n":-0}`, `{"n":1.0}`, `{"n":1e3}`, `{"n":9223372036854775808}`, `{"pos":-1}`, `{"no":truefalse}`, `{"no":tru}`,
		`{"ptr":null}`, `{"list":[]}`, `{"list":[{}]}`, `{"list":[null]}`, `{"words":["a",]}`, `{"words":["a"`, `{"start":"2026-11-22T03:04:05Z"}`,
		`{"start":"2026-11-22T3:04:05Z"}`, `{"start":"2026-11-22T03:04:05\u005a"}`, `{"id":"\ud800"}`, `{"id":"\"`, `{"id":"\`, "{\"id\":\"\xff\"}",
		"{\"id\":\"a\nb\"}", `{"id":"a\/b\u003c"}`, `{"in":{"name":"x","odd":1}}`, `{"free":{"a":1}}`, `{"id":"x","n":}`, `null`, ``, `[]`, `{"more":1}`,
		`{"facts":{}}`, `{"facts":{"a":{"name":"x"},"a":{"at":"2026-11-22T03:04:05Z"}}}`, `{"facts":{"a":null}}`, `{"facts":{"a":{}`, `{"facts":{"a" :{}}}`,
		`{"facts":{,}}`, `{"facts":{"a":{},}}`, `{"labels":null}`, `{"labels":{"\u0061":"b","a":"c"}}`, "{\"labels\":{\"\xff\":\"\xfe\"}}", `{"labels":{a:"b"}}`, `{"labels":{"a":1}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want record
		wantErr := json.Unmarshal(b, &want)
		got, err := form.Decode(b)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		var shared record
		if sharedErr := form.DecodeSharing(b, &shared); (sharedErr == nil) != (err == nil) || err == nil && !reflect.DeepEqual(shared, want) {
			t.Fatalf("texts that share memory: %+v, %v\nwant %+v", shared, sharedErr, want)
		}
	})
}

// TestDecodeSharingCopiesOnce: texts of any language are parts of one copy, and
// what is in b afterwards is not seen.
func TestDecodeSharingCopiesOnce(t *testing.T) {
	form := Of[record]()
	b, err := form.Encode(&record{ID: "プロセス", Word: "w", Plain: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	for _, null := range []string{`,"null":null`, `,"words":null`, `,"labels":null`} {
		b = bytes.Replace(b, []byte(null), nil, 1)
	}
	var v record
	if n := testing.AllocsPerRun(100, func() {
		v = record{}
		if err := form.DecodeSharing(b, &v); err != nil {
			t.Error(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations, want the one copy", n)
	}
	clear(b)
	if v.ID != "プロセス" || v.Word != "w" || v.Plain != "plain" {
		t.Errorf("read %+v", v)
	}
}

func FuzzAppend(f *testing.F) {
	form := Of[record]()
	f.Add("a<b", "w\xff", -1, uint64(1), true, int64(1), 0)
	f.Add("\u2028", "", 0, uint64(0), false, int64(-1), 3600)
	f.Fuzz(func(t *testing.T, id, w string, n int, pos uint64, yes bool, at int64, zone int) {
		when := time.Unix(at, at%1_000_000_000).In(time.FixedZone("z", zone))
		v := record{ID: id, Word: word(w), N: n, Pos: pos, Yes: yes, Start: when, Words: []word{word(id), word(w)}, List: []inner{{Name: w, At: when}}}
		want, wantErr := json.Marshal(&v)
		got, err := form.Append(nil, &v)
		if (err == nil) != (wantErr == nil) || string(got) != string(want) {
			t.Fatalf("got  %s, %v\nwant %s, %v", got, err, want, wantErr)
		}
	})
}

// BenchmarkForm compares with encoding/json, in one run and with one record.
func BenchmarkForm(b *testing.B) {
	v := full()
	v.Free, v.Facts, v.Labels, v.Small, v.Bytes, v.M, v.Pos = nil, nil, map[string]word{}, 0, nil, 1, 1
	v.In.Odd, v.Part.Odd, v.Null, v.List = nil, nil, &inner{}, v.List[1:]
	form := Of[record]()
	data, err := form.Encode(&v)
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"write/encoding-json", func() error { _, err := json.Marshal(&v); return err }},
		{"write/form", func() error { _, err := form.Encode(&v); return err }},
		{"read/encoding-json", func() error { var r record; return json.Unmarshal(data, &r) }},
		{"read/form", func() error { _, err := form.Decode(data); return err }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := way.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
