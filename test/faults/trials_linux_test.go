package faults

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// trials is how often a fault is tried: short in CI, and at least ten times in
// `make faults`.
func trials(short int) int {
	if n, err := strconv.Atoi(os.Getenv("DSWATCH_FAULTS")); err == nil {
		return n
	}
	return short
}

// long reports whether this is `make faults`, which has time.
func long() bool { return os.Getenv("DSWATCH_FAULTS") != "" }

// healTime is how long a healed store may take until everything is told: five
// seconds, and one look of the detectors. A machine that many trials share
// gives none of them all its time, so there the median counts.
const healTime = 6 * time.Second

// settling bounds a wait for all to be told. Alone it is seconds; beside all other
// tests a server that refuses or is silent may let pauses grow.
const settling = 90 * time.Second

// outcome is what came of one trial: what the sinks were told, and how long it
// took after the cause was gone.
type outcome struct {
	count
	took time.Duration
}

// repeat tries a fault, several at once as far as -parallel allows, and prints
// what came of all trials together.
func repeat(t *testing.T, short int, trial func(t *testing.T) outcome) {
	t.Parallel()
	var mu sync.Mutex
	var all count
	var took []time.Duration
	n := trials(short)
	t.Cleanup(func() {
		slices.Sort(took)
		if len(took) == 0 {
			return
		}
		median := took[len(took)/2]
		t.Logf("%d of %d trials went to their end: %s; told %s after the cause was gone in the median, at the latest %s", len(took), n, all,
			median.Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
		if !all.clean() {
			t.Error("something was lost or left open")
		}
		limit := healTime
		if !long() { // one trial, beside all other tests
			limit = settling
		}
		if median > limit {
			t.Errorf("told too late, want %s", limit)
		}
	})
	for i := range n {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			t.Parallel()
			o := trial(t)
			mu.Lock()
			defer mu.Unlock()
			all.add(o.count)
			took = append(took, o.took)
		})
	}
}
