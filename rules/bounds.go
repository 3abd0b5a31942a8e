package rules

import "time"

// Longest is the longest time that anything waits, lasts or is put off. What a
// person writes beyond it means for ever, and would overflow where times are
// compared as nanoseconds.
const Longest = 10 * 365 * 24 * time.Hour
