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
		"stored":         {data: `{"stream":"S", "seq":42}`, seq: 42},
		"duplicate":      {data: `{"stream":"S", "seq":7,"duplicate": true}`, seq: 7},
		"other order":    {data: `{"seq":9,"stream":"S"}`, seq: 9},
		"conflict":       {data: `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"S","seq":0}`, fails: true, is: ErrConflict},
		"conflict, R3":   {data: `{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"S","seq":0}`, fails: true, is: ErrConflict},
		"too fast":       {data: `{"error":{"code":429,"err_code":10167,"description":"too many requests"},"stream":"S","seq":0}`, fails: true, retry: true},
		"no leader":      {data: `{"error":{"code":503,"err_code":10008,"description":"temporarily unavailable"}}`, fails: true, retry: true},
		"nobody there":   {status: "503", fails: true, retry: true},
		"failed":         {data: `{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"S","seq":0}`, fails: true},
		"nothing inside": {data: `{}`, fails: true},
		"no JSON":        {data: `+OK`, fails: true},
		"sequence zero":  {data: `{"stream":"S", "seq":0}`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := &nats.Msg{Data: []byte(c.data), Header: nats.Header{}}
			if c.status != "" {
				m.Header.Set("Status", c.status)
			}
			a := parseAnswer(m)
			if a.seq != c.seq || (a.err != nil) != c.fails {
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
