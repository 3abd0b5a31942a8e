package pulse

import (
	"fmt"
	"sync"
	"time"
)

// Stuck is how long one of our own loops may take for one turn. It is longer
// than any wait for the store, which all have deadlines.
const Stuck = 45 * time.Second

// Loops remember when each loop turned last. It is safe for concurrent use.
type Loops struct {
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
	tick time.Time
}

// NewLoops returns one without loops. Now is time.Now, but for tests.
func NewLoops(now func() time.Time) *Loops {
	return &Loops{now: now, last: map[string]time.Time{}, tick: now()}
}

// Alive notes that a loop turned.
func (l *Loops) Alive(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last[name] = l.now()
}

// End forgets a loop that has ended in order.
func (l *Loops) End(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, name)
}

// Tick is called every second, by somebody who waits for nothing else: a time
// in which this process did not run does not count.
func (l *Loops) Tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if gap := now.Sub(l.tick); gap > pause {
		for name, at := range l.last {
			l.last[name] = at.Add(gap)
		}
	}
	l.tick = now
}

// Live says which loop is stuck, if any.
func (l *Loops) Live() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.tick) > pause {
		return nil // nothing is known: this process did not run
	}
	for name, at := range l.last {
		if age := now.Sub(at); age > Stuck {
			return fmt.Errorf("the loop of %s has not turned for %s", name, age.Round(time.Second))
		}
	}
	return nil
}
