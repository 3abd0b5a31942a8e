package event_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/wire"
)

func TestSaid(t *testing.T) {
	first := event.Statement{Code: "a.b", Args: []string{"x", "", event.List([]string{"p", "q"}), event.List(nil)}, Text: "said so"}
	second := event.Statement{Code: "c.d"}
	s := event.Say(first).And(event.Said{}, event.Say(second), event.Prose("old prose; as it was"))
	got := s.Statements()
	if want := []event.Statement{first, second, {Text: "old prose; as it was"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("taken apart:\n%#v\nwant\n%#v", got, want)
	}
	if items, ok := event.ListOf(got[0].Args[2]); !ok || !reflect.DeepEqual(items, []string{"p", "q"}) {
		t.Errorf("the list is %q %v", items, ok)
	}
	b, err := json.Marshal(s)
	const want = `[{"code":"a.b","args":["x","",["p","q"],[]],"text":"said so"},{"code":"c.d"},{"text":"old prose; as it was"}]`
	if err != nil || string(b) != want {
		t.Errorf("JSON %s %v, want %s", b, err, want)
	}
	var back event.Said
	if err := json.Unmarshal(b, &back); err != nil || back != s {
		t.Errorf("read back %v %v", back, err)
	}
	if err := json.Unmarshal([]byte(`"what 64fc8e6 wrote"`), &back); err != nil || back != event.Prose("what 64fc8e6 wrote") {
		t.Errorf("a string became %v %v", back, err)
	}
	if !event.Prose("").Empty() || !event.Say().Empty() {
		t.Error("nothing says something")
	}
}

// TestSaidIsClean: what a watched host had a hand in cannot break the form, a
// line or a terminal.
func TestSaidIsClean(t *testing.T) {
	s := event.Say(event.Statement{Code: "a", Args: []string{"x\ty\nz\x1b[2J\v\f\u202e"}, Text: "t\n\tu"})
	all := s.Statements()
	if len(all) != 1 || len(all[0].Args) != 1 || strings.ContainsAny(all[0].Args[0]+all[0].Text, "\t\n\f\x1b\u202e") {
		t.Errorf("%q", all)
	}
	var read event.Said
	if err := json.Unmarshal([]byte(`[{"code":"a\nb","args":["x\u000bp\u0009q"]}]`), &read); err != nil || len(read.Statements()) != 1 || len(read.Statements()[0].Args) != 1 {
		t.Errorf("read %v %v", read, err)
	}
	for _, bad := range []string{`[{"args":[1]}]`, `[{"args":[["x",2]]}]`, `{}`, `[1]`} {
		if json.Unmarshal([]byte(bad), &read) == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestSaidClip(t *testing.T) {
	long := event.Say(event.Statement{Code: "a", Args: []string{strings.Repeat("長", 3000)}, Text: strings.Repeat("x", 5000)})
	if got := long.Clip(event.MaxDetail); got.Len() > event.MaxDetail || got.Len() < event.MaxDetail/4 || got.Statements()[0].Code != "a" || len(got.Statements()[0].Args) != 1 {
		t.Errorf("cut to %d bytes: %v", got.Len(), got)
	}
	if got := event.Say(event.Statement{Code: "b"}).And(long).Clip(1000); len(got.Statements()) != 1 || !got.Has("b") {
		t.Errorf("cut to %v", got)
	}
}

type holder struct {
	A string     `json:"a"`
	S event.Said `json:"s,omitzero"`
	B int        `json:"b"`
}

// FuzzSaid: the fast way and encoding/json agree on whatever comes.
func FuzzSaid(f *testing.F) {
	for _, s := range []string{
		`[{"code":"a.b","args":["x","",["p","q"],[]],"text":"said so"},{"code":"c.d"}]`, `[]`, `"prose"`, `[{}]`, `[{"text":"t"}]`,
		`[{"args":["日本"]}]`, `[{"code":"a","args":["\n"]}]`, `[{"code":"a","args":[[""],["","x"]]}]`, `[{"code":"a","text":""}]`,
	} {
		f.Add(s)
	}
	form := wire.Of[holder]()
	f.Fuzz(func(t *testing.T, s string) {
		b := []byte(`{"a":"x","s":` + s + `,"b":2}`)
		var want holder
		wantErr := json.Unmarshal(b, &want)
		got, err := form.Decode(b)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Fatalf("%s: got %+v %v, want %+v %v", b, got, err, want, wantErr)
		}
		if err != nil {
			return
		}
		out, err := form.Encode(&got)
		ref, refErr := json.Marshal(got)
		if err != nil || refErr != nil || string(out) != string(ref) {
			t.Fatalf("wrote %s %v, want %s %v", out, err, ref, refErr)
		}
		again, err := form.Decode(out)
		if err != nil || again != got {
			t.Fatalf("round trip of %+v gave %+v %v", got, again, err)
		}
	})
}

func BenchmarkSaid(b *testing.B) {
	form := wire.Of[holder]()
	h := holder{S: event.Say(event.Statement{Code: "process.none_named", Args: []string{event.List([]string{"ds_agent"})}, Text: "no process is named ds_agent"})}
	text, err := form.Encode(&h)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := form.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSpelled: what has no text gets one, what has keeps it.
func TestSpelled(t *testing.T) {
	text := func(one event.Statement) string { return "said " + one.Code }
	for _, all := range [][]event.Statement{
		nil, {{Code: "a"}}, {{Code: "a", Text: "kept"}}, {{Code: "a"}, {Code: "b", Text: "kept"}}, {{Code: "a", Text: "kept"}, {Code: "b", Args: []string{"x"}}, {Text: "prose"}},
	} {
		want := make([]event.Statement, len(all))
		for i, one := range all {
			if want[i] = one; one.Text == "" {
				want[i].Text = text(one)
			}
		}
		if got := event.Say(all...).Spelled(text); got != event.Say(want...) {
			t.Errorf("%q becomes %q", all, got.Statements())
		}
	}
	if got := event.Say(event.Statement{Code: "a"}).Spelled(func(event.Statement) string { return "" }); got != event.Say(event.Statement{Code: "a"}) {
		t.Errorf("without a text it becomes %q", got.Statements())
	}
}
