package sinks

import (
	"crypto/rand"
	"sync"
)

// Replays holds what tells each replay whose outcome is not known apart from
// the first time, so that a far end which drops copies shows it again, and
// yet drops a second copy of it. A restart forgets them.
type Replays struct {
	mu     sync.Mutex
	tokens map[string]string
}

// maxReplays bounds what replays that were given up leave behind.
const maxReplays = 1000

// Token returns the same text for the same first until Over is called.
func (r *Replays) Token(first string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tokens == nil || len(r.tokens) >= maxReplays {
		r.tokens = map[string]string{}
	}
	if r.tokens[first] == "" {
		r.tokens[first] = rand.Text()
	}
	return r.tokens[first]
}

// Over says that the outcome of a replay is known.
func (r *Replays) Over(first string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tokens, first)
}
