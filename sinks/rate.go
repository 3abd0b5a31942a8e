package sinks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"dswatch/words"
)

// Rate is a number of attempts in a second, a minute or an hour, written as
// 10/s, 20/m or 100/h. The zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// maxRate is far above what any sink reaches.
const maxRate = 1_000_000

// UnmarshalText reads what String writes.
func (r *Rate) UnmarshalText(b []byte) error {
	count, unit, ok := strings.Cut(string(b), "/")
	n, err := strconv.Atoi(count)
	if *r = (Rate{}); string(b) == "0" {
		return nil
	}
	if !ok || err != nil || n < 1 || n > maxRate || units[unit] == 0 {
		return words.Fail(words.NotARate.With(words.Inner(Line(string(b), 40))))
	}
	*r = Rate{n, units[unit]}
	return nil
}

// MarshalText is String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes r as UnmarshalText reads it.
func (r Rate) String() string {
	for unit, per := range units {
		if r.Per == per && r.Count > 0 {
			return fmt.Sprintf("%d/%s", r.Count, unit)
		}
	}
	return "0"
}

// limiter returns what keeps the rate, nil for no limit. As much as a second
// allows may go at once, and never less than one attempt.
func (r Rate) limiter() *rate.Limiter {
	if r.Count <= 0 || r.Per <= 0 {
		return nil
	}
	perSecond := float64(r.Count) / r.Per.Seconds()
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
}
