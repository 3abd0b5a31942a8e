package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/engine"
	"dswatch/sinks"
)

func TestPack(t *testing.T) {
	big := strings.Repeat("x", packedSize/2)
	many := strings.Fields(strings.Repeat("a ", 2*packed+1))
	for _, c := range []struct {
		name string
		in   []string // sink:data
		want []string
	}{
		{"one alone is as it was", []string{"nms:1"}, []string{"nms:1"}},
		{"each sink its own", []string{"nms:1", "hook:1", "nms:2", "hook:2", "nms:3"}, []string{"nms:1\n2\n3", "hook:1\n2"}},
		{"no more than may share", prefix("nms:", many), []string{
			"nms:" + strings.Join(many[:packed], "\n"), "nms:" + strings.Join(many[:packed], "\n"), "nms:a",
		}},
		{"no more bytes than may share", []string{"nms:1", "nms:" + big, "nms:" + big, "nms:2"}, []string{"nms:1\n" + big, "nms:" + big + "\n2"}},
		{"one too large goes alone", []string{"nms:1", "nms:" + big + big, "nms:2", "nms:3"}, []string{"nms:1", "nms:" + big + big, "nms:2\n3"}},
		{"nothing", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out []engine.Outgoing
			for i, s := range c.in {
				sink, data, _ := strings.Cut(s, ":")
				out = append(out, engine.Outgoing{Sink: sink, ID: fmt.Sprintf("a%d.1", i), Data: []byte(data)})
			}
			msgs, names := pack(out)
			var got []string
			ids := map[string]bool{}
			for i, m := range msgs {
				got = append(got, names[i]+":"+string(m.Data))
				ids[m.ID] = true
				if m.Subject != outboxSubject(names[i]) {
					t.Errorf("%s goes to %s", names[i], m.Subject)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(ids) != len(msgs) {
				t.Errorf("%d messages have %d ids", len(msgs), len(ids))
			}
		})
	}
}

func prefix(with string, all []string) (out []string) {
	for _, s := range all {
		out = append(out, with+s)
	}
	return out
}

// TestParcelIDs: the stream drops what has an id that it knows, so other
// alerts must never share one, also when they begin alike.
func TestParcelIDs(t *testing.T) {
	of := func(ids ...string) string {
		var out []engine.Outgoing
		for _, id := range ids {
			out = append(out, engine.Outgoing{Sink: "nms", ID: id, Data: []byte("{}")})
		}
		msgs, _ := pack(out)
		return msgs[0].ID
	}
	if id := of("a.1", "b.1"); id != of("a.1", "b.1") {
		t.Error("the same alerts have two ids")
	}
	if of("a.1") != "nms.a.1" {
		t.Errorf("one alone has the id %s", of("a.1"))
	}
	seen := map[string]bool{}
	for _, ids := range [][]string{{"a.1"}, {"a.1", "b.1"}, {"b.1", "a.1"}, {"a.1", "b.1", "c.1"}, {"a.1", "c.1"}} {
		seen[of(ids...)] = true
	}
	if len(seen) != 5 {
		t.Errorf("five parcels have %d ids", len(seen))
	}
}

// TestQueue: alerts that shared a message come one by one, each at a place of
// its own, no more than were asked for; the message is settled with the last.
func TestQueue(t *testing.T) {
	cfg := bustest.Config(t)
	b := bustest.Open(t, cfg)
	o := Outbox{b, &sizes{}}
	put := func(from, to int) {
		var out []engine.Outgoing
		for i := from; i < to; i++ {
			out = append(out, engine.Outgoing{Sink: "nms", ID: fmt.Sprint("a", i, ".1"), Data: fmt.Append(nil, i)})
		}
		if err := o.Put(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func(o Outbox) int {
		n, err := o.Waiting(t.Context(), "nms")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	open := func(o Outbox) *Queue {
		c, err := o.bus.Consumer(t.Context(), bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: outboxSubject("nms"), MaxPending: fetched, Renew: true})
		if err != nil {
			t.Fatal(err)
		}
		return &Queue{consumer: c, sizes: o.sizes.of("nms")}
	}
	take := func(q *Queue, most, want int) (out []sinks.Delivery) {
		for len(out) < want {
			got, err := q.Next(t.Context(), min(most, want-len(out)))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 || len(got) > most {
				t.Fatalf("%d came, asked for %d", len(got), most)
			}
			out = append(out, got...)
		}
		return out
	}
	const n = packed + 10 // two messages
	q := open(o)
	put(0, n)
	put(n, n+1)
	if got := waiting(o); got != n+1 {
		t.Errorf("%d wait as soon as %d were put", got, n+1)
	}
	first := take(q, 7, n+1)
	for i, d := range first {
		if string(d.Data()) != fmt.Sprint(i) {
			t.Errorf("number %d is %q", i, d.Data())
		}
		if i > 0 && d.Position() <= first[i-1].Position() {
			t.Errorf("number %d stands at %d, the one before at %d", i, d.Position(), first[i-1].Position())
		}
	}
	for i, d := range first {
		if i != 3 { // one of the first message is not settled
			if err := d.Ack(); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "the first message is left", func() bool { return waiting(o) == packed })
	bustest.Close(t, b)

	b = bustest.Open(t, cfg)
	o = Outbox{b, &sizes{}}
	var left []string
	if err := o.Pending(t.Context(), "nms", func(data []byte, _ uint64) { left = append(left, string(data)) }); err != nil {
		t.Fatal(err)
	}
	if len(left) != packed || left[3] != "3" || waiting(o) != packed {
		t.Errorf("%q wait, counted %d, want %d", left, waiting(o), packed)
	}
	again := take(open(o), packed, packed)
	if again[3].Position() != first[3].Position() {
		t.Errorf("number 3 stands at %d, and stood at %d", again[3].Position(), first[3].Position())
	}
	for _, d := range again {
		_ = d.Ack()
	}
	eventually(t, "nothing is left", func() bool { return waiting(o) == 0 })
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30s: %s", what)
		}
	}
}

func TestSizes(t *testing.T) {
	s := (&sizes{}).of("nms")
	for _, c := range []struct {
		name  string
		do    func()
		floor uint64
		want  int
	}{
		{"put", func() { s.put(5, 32); s.put(6, 1); s.put(7, 3) }, 0, 33},
		{"taken counts once", func() { s.taken(5, 32) }, 0, 33},
		{"settled", func() { s.settled(5) }, 0, 2},
		{"confirmed after it was settled", func() { s.put(5, 32) }, 0, 2},
		{"taken before it is confirmed", func() { s.taken(9, 4); s.settled(9); s.put(9, 4) }, 0, 2},
		{"another one gave way in a full outbox", func() { s.put(12, 2) }, 7, 1},
	} {
		if c.do(); s.more(c.floor) != c.want {
			t.Errorf("%s: %d more, want %d", c.name, s.more(c.floor), c.want)
		}
	}
}
