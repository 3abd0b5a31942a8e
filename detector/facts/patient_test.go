package facts

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
)

// source answers what it is told to, when it may.
type source struct {
	value string
	wait  chan struct{}
	asked atomic.Int64
}

func (s *source) Facts(context.Context) (event.Facts, error) {
	s.asked.Add(1)
	if s.wait != nil {
		<-s.wait
	}
	return event.Facts{event.Name(s.value): {Value: s.value}}, nil
}

// TestSourceThatHangs: a source that does not answer keeps no other from being
// asked, is not asked again meanwhile, and what it told before stands.
func TestSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, three := &source{value: "one"}, &source{value: "two"}, &source{value: "three"}
		all := Patient(one, two, three)
		discover := func(most time.Duration) (event.Facts, error) {
			t.Helper()
			began := time.Now()
			found, err := Discover(t.Context(), all...)
			if took := time.Since(began); took > most {
				t.Errorf("took %s", took)
			}
			return found, err
		}
		if found, err := discover(0); err != nil || len(found) != 3 {
			t.Fatalf("%v, %v", found, err)
		}
		one.wait, two.wait = make(chan struct{}), make(chan struct{})
		for range 3 {
			if found, err := discover(patience + leastPatience); !errors.Is(err, ErrHangs) || len(found) != 3 {
				t.Errorf("while two hang: %v, %v", found, err)
			}
		}
		if one.asked.Load() != 2 || two.asked.Load() != 2 || three.asked.Load() != 4 {
			t.Errorf("asked %d, %d and %d times", one.asked.Load(), two.asked.Load(), three.asked.Load())
		}
		close(one.wait)
		close(two.wait)
		synctest.Wait()
		if found, err := discover(0); err != nil || len(found) != 3 {
			t.Errorf("afterwards: %v, %v", found, err)
		}
	})
}
