package sinks_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"dswatch/sinks"
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
