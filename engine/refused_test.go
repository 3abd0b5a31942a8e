package engine_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// lines is a log that several write to.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// TestRefused publishes what is refused: the log tells of each flood in one
// line, with the count and with the error of the first message itself, and what
// is good among it counts.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		var log lines
		w.log = slog.NewTextHandler(&log, nil)
		stop := startEngine(w, &list{row: row(t, key)}, &rules.Set{Language: "en"})
		flood := func(n int, data string) {
			for range n {
				w.publish([]byte(data))
			}
			synctest.Wait()
		}
		want := func(when string, texts ...string) {
			t.Helper()
			said := log.take()
			told := slices.Collect(strings.Lines(said))
			if len(told) != len(texts) {
				t.Fatalf("%s: %d lines, want %d:\n%.2000s", when, len(told), len(texts), said)
			}
			for i, line := range told {
				for part := range strings.SplitSeq(texts[i], "|") {
					if !strings.Contains(line, part) {
						t.Errorf("%s: %q is not in %s", when, part, line)
					}
				}
			}
		}
		head := func(typ string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"dswatch/web01","type":%q,"datacontenttype":"application/json","data":`, typ)
		}

		flood(20_000, "junk")
		w.saw(t, key, event.Down)
		time.Sleep(time.Minute)
		synctest.Wait()
		want("a flood", "count=20000|first_position=1|last_position=20000|decode event")
		if n := len(w.engine.Find(func(*rules.Status) bool { return true })); n != 1 {
			t.Errorf("%d items are known, want 1", n)
		}

		flood(3, "junk")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		want("more of it soon after")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		want("ten minutes after", "count=3")

		for _, c := range []struct{ data, own string }{
			{head(event.TypeFacts) + `{"host":"","observer":"web01","facts":{}}}`, "host is empty or too long"},
			{head(event.TypeFacts) + `{"host":"web01","observer":"web01","facts":{"colour":{"value":"red"}}}}`, "colour"},
			{head(event.TypeState) + `{"key":{"host":"web01","component":"agent","kind":"colour","name":"a"},"state":"up"}}`, "kind"},
			{head("dswatch.song.v1") + `{}}`, "dswatch.song.v1|want " + event.TypeState},
		} {
			time.Sleep(time.Hour)
			flood(1, c.data)
			time.Sleep(time.Minute)
			synctest.Wait()
			want(c.data, "count=1|"+c.own)
		}

		time.Sleep(time.Hour)
		flood(2, "junk")
		stop()
		want("the end of the program", "count=2")
	})
}
