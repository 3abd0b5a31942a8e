package sinks_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"dswatch/sinks"
	"dswatch/words"
)

func TestErrors(t *testing.T) {
	base := errors.New("boom")
	for name, c := range map[string]struct {
		err       error
		permanent bool
		after     time.Duration
		wish      bool
		class     sinks.Class
	}{
		"plain":                  {base, false, 0, false, sinks.ClassTemporary},
		"permanent":              {sinks.Permanent(base), true, 0, false, sinks.ClassPermanent},
		"permanent, wrapped":     {fmt.Errorf("send: %w", sinks.Permanent(base)), true, 0, false, sinks.ClassPermanent},
		"retry after":            {sinks.RetryAfter(base, time.Minute), false, time.Minute, true, sinks.ClassThrottled},
		"retry after, wrapped":   {fmt.Errorf("send: %w", sinks.RetryAfter(base, time.Minute)), false, time.Minute, true, sinks.ClassThrottled},
		"retry after, too long":  {sinks.RetryAfter(base, 48*time.Hour), false, sinks.MaxRetryAfter, true, sinks.ClassThrottled},
		"retry after, negative":  {sinks.RetryAfter(base, -time.Hour), false, 0, true, sinks.ClassThrottled},
		"permanent wins":         {sinks.RetryAfter(sinks.Permanent(base), time.Minute), true, time.Minute, true, sinks.ClassPermanent},
		"deadline":               {fmt.Errorf("x: %w", context.DeadlineExceeded), false, 0, false, sinks.ClassTimeout},
		"deadline of the system": {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, false, 0, false, sinks.ClassTimeout},
		"cancelled":              {context.Canceled, false, 0, false, sinks.ClassTemporary},
		"joined":                 {errors.Join(base, sinks.Permanent(base)), true, 0, false, sinks.ClassPermanent},
	} {
		if got := sinks.IsPermanent(c.err); got != c.permanent {
			t.Errorf("%s: permanent is %v", name, got)
		}
		if d, ok := sinks.After(c.err); d != c.after || ok != c.wish {
			t.Errorf("%s: after is %s, %v", name, d, ok)
		}
		if got := sinks.Classify(c.err); got != c.class {
			t.Errorf("%s: class %s, want %s", name, got, c.class)
		}
	}
	if !errors.Is(sinks.Permanent(base), base) || !errors.Is(sinks.RetryAfter(base, 0), base) || sinks.Permanent(base).Error() != "boom" {
		t.Error("the cause is hidden")
	}
	if sinks.Permanent(nil) != nil || sinks.RetryAfter(nil, 1) != nil || sinks.IsPermanent(nil) {
		t.Error("nil is an error")
	}
}

// TestErrorsAreSaid: what keeps a far end from being told is said in the reader's
// language, with the far end's own words as they are.
func TestErrorsAreSaid(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such hook", http.StatusNotFound)
	}))
	defer srv.Close()
	h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Post(t.Context(), http.Header{}, []byte("{}"))
	host := strings.TrimPrefix(srv.URL, "http://")
	for language, want := range map[string]string{
		"en": "post to " + host + ": answered 404 Not Found: no such hook; check the URL of this sink",
		"ja": host + " への送信: 404 Not Found の応答がありました (no such hook)。この通知先の URL を確認してください",
	} {
		if got := words.In(language, nil).Say(words.Of(err)); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	if err.Error() != words.English(words.Of(err)) || !sinks.IsPermanent(err) || sinks.Status(err) != http.StatusNotFound {
		t.Errorf("%q, %q", err, words.English(words.Of(err)))
	}
	marked := sinks.RetryAfter(sinks.Refused(sinks.Advise(errors.New("EOF"), words.CheckReads.With())), time.Second)
	if got, want := words.In("ja", nil).Say(words.Of(marked)), "EOF。ネットワークと、受信側が読み取りを続けているかを確認してください"; got != want {
		t.Errorf("marked: %q, want %q", got, want)
	}
}
