package test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// strict is a webhook that counts how often it accepted each delivery, and
// cannot take what is about one item.
type strict struct {
	mu       sync.Mutex
	refuses  string
	refused  int
	accepted map[string]int
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.refuses != "" && strings.Contains(string(body), s.refuses) {
		s.refused++
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.accepted[r.Header.Get("Idempotency-Key")]++
}

// of returns how many requests were refused, and deliveries accepted.
func (s *strict) of() (refused, accepted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused, len(s.accepted)
}

// TestNeighboursAreNotSentAgain: alerts share a message of the outbox, which
// stays while one of them cannot be delivered. After a kill -9 all of them come
// again, and those that were told are settled by their receipts: none of them
// is sent a second time.
func TestNeighboursAreNotSentAgain(t *testing.T) {
	const items = 40
	far := &strict{refuses: "absent07", accepted: map[string]int{}}
	server := httptest.NewServer(far)
	defer server.Close()
	listen := freeAddress(t)
	path := configFile(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
watch:
  facts: {os: linux, components: []}
  items:
%srules: {hold: 0s}
web: {listen: %q}
sinks:
  - {name: hook, type: webhook, url: %q, patience: 1h}
`, filepath.Join(t.TempDir(), "bus"), processRows(numbered("absent", items)), listen, server.URL))
	metric := func(name string) int {
		resp, err := http.Get("http://" + listen + "/metrics")
		if err != nil {
			return -1
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return -1
		}
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\d+)$`).FindSubmatch(body)
		if m == nil {
			return -1
		}
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	t.Cleanup(func() {
		refused, accepted := far.of()
		t.Logf("%d refused, %d accepted, %d held", refused, accepted, metric("dswatch_sink_held{sink=\"hook\"}"))
	})
	const held = `dswatch_sink_held{sink="hook"}`
	for round := range 3 {
		before, _ := far.of()
		r := startFile(t, path)
		until(t, "all but one are settled, and that one was tried again", func() bool {
			refused, accepted := far.of()
			return accepted == items-1 && refused > before && metric(held) == 1
		})
		if again := metric(`dswatch_sink_deliveries_total{outcome="duplicate",sink="hook"}`); round > 0 && again < 1 {
			t.Errorf("%d came again, so this test proves nothing", again)
		}
		r.kill()
	}
	far.mu.Lock()
	far.refuses = ""
	far.mu.Unlock()
	r := startFile(t, path)
	until(t, "all are settled", func() bool { _, accepted := far.of(); return accepted == items && metric(held) == 0 })
	r.stop(t)
	for id, n := range far.accepted {
		if n != 1 {
			t.Errorf("%s was accepted %d times", id, n)
		}
	}
}
