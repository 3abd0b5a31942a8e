package bus

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestParseAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		data   string
		status string
		seq    uint64
		fails  bool
		is     error
		retry  bool
	}{
		"stored":          {data: `{"stream":"S","seq":42}`, seq: 42},
		"by an older one": {data: `{"stream":"S", "seq":42}`, seq: 42},
		"duplicate":       {data: `{"stream":"S", "seq":7,"duplicate": true}`, seq: 7},
		"other order":     {data: `{"seq":9,"stream":"S"}`, seq: 9},
		"with a batch":    {data: `{"stream":"S", "seq":9,"batch":"b","count":3}`, seq: 9},
		"cut off":         {data: `{"stream":"S", "seq":9`, fails: true},
		"conflict":        {data: `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"S","seq":0}`, fails: true, is: ErrConflict},
		"conflict, R3":    {data: `{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"S","seq":0}`, fails: true, is: ErrConflict},
		"too fast":        {data: `{"error":{"code":429,"err_code":10167,"description":"too many requests"},"stream":"S","seq":0}`, fails: true, retry: true},
		"no leader":       {data: `{"error":{"code":503,"err_code":10008,"description":"temporarily unavailable"}}`, fails: true, retry: true},
		"nobody there":    {status: "503", fails: true, retry: true},
		"failed":          {data: `{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"S","seq":0}`, fails: true},
		"nothing inside":  {data: `{}`, fails: true},
		"no JSON":         {data: `+OK`, fails: true},
		"sequence zero":   {data: `{"stream":"S", "seq":0}`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := &nats.Msg{Data: []byte(c.data), Header: nats.Header{}}
			if c.status != "" {
				m.Header.Set("Status", c.status)
			}
			a := parseAnswer(m)
			if a.seq != c.seq || (a.err != nil) != c.fails || a.err == nil && a.stream != "S" || a.copy != (name == "duplicate") {
				t.Fatalf("got %+v", a)
			}
			if _, retry := a.err.(errRetry); retry != c.retry {
				t.Errorf("retry is %v", retry)
			}
			if c.is != nil && !errors.Is(a.err, c.is) {
				t.Errorf("got %v, want %v", a.err, c.is)
			}
		})
	}
}

// TestRun is about the messages of a run that only their last one answers for.
func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		answer answer
		due    uint64
		want   []uint64 // sequences; 0: not sure
	}{
		"whole":            {answer{seq: 13}, 10, []uint64{10, 11, 12, 13}},
		"one was there":    {answer{seq: 12}, 10, []uint64{0, 0, 0, 12}},
		"the last was":     {answer{seq: 5, copy: true}, 10, []uint64{0, 0, 0, 5}},
		"another's is in":  {answer{seq: 14}, 10, []uint64{0, 0, 0, 14}},
		"the last failed":  {answer{err: ErrConflict}, 10, []uint64{0, 0, 0, 0}},
		"start is unknown": {answer{seq: 13}, 1, []uint64{0, 0, 0, 13}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{calls: map[uint64]*call{}, free: make(chan uint64, 1)}
			call := &call{answers: make([]answer, 4), answered: make([]bool, 4), from: []int{0, 0, 0, 0}, left: 4, done: make(chan struct{})}
			p.set(call, 3, c.answer, c.due)
			<-call.done
			for i, want := range c.want {
				got := call.answers[i]
				if got.seq != want || (got.err != nil) != (want == 0) {
					t.Errorf("message %d got %+v, want %d", i, got, want)
				}
				if i < 3 && want == 0 && got.err != errUnsure {
					t.Errorf("message %d got %v", i, got.err)
				}
			}
		})
	}
}

func TestFailedLaneIsNotUsedAgain(t *testing.T) {
	p := &publisher{calls: map[uint64]*call{}, free: make(chan uint64, 1), next: 7}
	c := &call{lane: 3, answers: make([]answer, 2), answered: make([]bool, 2), left: 2, done: make(chan struct{})}
	p.calls[3] = c
	p.set(c, 0, answer{seq: 1}, 0)
	p.fail(c, ErrNotConnected)
	p.fail(c, ErrClosed)           // once is enough
	p.set(c, 1, answer{seq: 2}, 0) // too late
	if lane := <-p.free; lane != 7 || p.next != 8 || len(p.free) > 0 || len(p.calls) > 0 {
		t.Errorf("lane %d is free, next is %d, %d more are free, %d calls wait", lane, p.next, len(p.free), len(p.calls))
	}
	if c.answers[0].seq != 1 || c.answers[1].err != ErrNotConnected {
		t.Errorf("answers are %+v", c.answers)
	}
}

func TestFindRuns(t *testing.T) {
	event := request{subject: "dswatch.event.a", stream: Events, id: "1", expect: Any}
	noID := request{subject: "dswatch.event.a", stream: Events, expect: Any}
	outbox := request{subject: "dswatch.outbox.a", stream: Outbox, id: "1", expect: Any}
	put := request{subject: "$KV.b.k", stream: "KV_b", again: true, expect: Any}
	create := request{subject: "$KV.b.k", stream: "KV_b", again: true}
	gone := request{subject: "$KV.b.k", stream: "KV_b", again: true, expect: Any, deleted: true}
	other := request{subject: "elsewhere", id: "1", expect: Any}
	for name, c := range map[string]struct {
		reqs   []request
		silent string // x: silent
	}{
		"one stream":   {[]request{event, event, event}, "xx-"},
		"two streams":  {[]request{event, event, outbox, outbox, event}, "x-x--"},
		"two buckets":  {[]request{put, put, {subject: "$KV.c.k", stream: "KV_c", again: true, expect: Any}}, "x--"},
		"no ID":        {[]request{event, noID, noID, event, event}, "---x-"},
		"conditions":   {[]request{create, create, put, put, gone, put}, "--x---"},
		"other stream": {[]request{other, other}, "--"},
		"a bad one":    {[]request{event, {subject: "bad subject"}, event, event}, "x-x-"},
		"a bad end":    {[]request{event, event, {subject: "bad subject"}}, "x--"},
	} {
		t.Run(name, func(t *testing.T) {
			n := len(c.reqs)
			part, silent, call := make([]int, n), make([]bool, n), &call{answered: make([]bool, n), from: make([]int, n)}
			for i := range part {
				part[i] = i
				call.answered[i] = c.reqs[i].check(1<<20) != nil
			}
			findRuns(c.reqs, part, call, silent)
			got := ""
			for _, s := range silent {
				got += map[bool]string{true: "x", false: "-"}[s]
			}
			if got != c.silent {
				t.Errorf("got %s, want %s", got, c.silent)
			}
			// Somebody who does answer answers for each silent one.
			for i := range silent {
				for k := i; silent[i]; k++ {
					if !silent[k] && !call.answered[k] {
						if call.from[k] > i {
							t.Errorf("nobody answers for %d", i)
						}
						break
					}
				}
			}
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, s := range []string{`{"stream":"S", "seq":42}`, `{"stream":"S", "seq":7,"duplicate": true}`, `{"error":{"code":400,"err_code":10071}}`, `{"stream":`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a := parseAnswer(&nats.Msg{Data: b}); a.err == nil && a.seq == 0 {
			t.Errorf("%q counts as stored", b)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"a.b", "..", "web01.process", "a b", "*", ">", "ü", "a..b", ".a", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, err := range map[string]error{"key": checkKey(s), "subject": checkSubject(s)} {
			if err == nil && !validForServer(s) {
				t.Errorf("%s %q was accepted", what, s)
			}
		}
		if isDurable(s) && !validForServer(s) {
			t.Errorf("durable %q was accepted", s)
		}
	})
}

// validForServer is the server's own rule: tokens without blanks, none empty,
// none a wildcard.
func validForServer(s string) bool {
	token := 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if token == 0 {
				return false
			}
			token = 0
			continue
		}
		switch s[i] {
		case ' ', '\t', '\r', '\n', '\f', '*', '>':
			return false
		}
		token++
	}
	return true
}

func FuzzReadOwner(f *testing.F) {
	f.Add("123 web01 2026-11-22T03:04:05Z\n")
	f.Add("")
	f.Add("x y z")
	f.Fuzz(func(t *testing.T, s string) {
		if o := parseOwner([]byte(s)); o.String() == "" {
			t.Errorf("%q has no text", s)
		}
	})
}
