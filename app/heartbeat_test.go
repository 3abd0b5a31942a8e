package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/test/receive"
	"dswatch/web"
)

func beats(w *receive.Webhook) (out []event.Alert) {
	for _, d := range w.Received() {
		if d.Alert.Transition == event.Beat {
			out = append(out, d.Alert)
		}
	}
	return out
}

func TestHeartbeat(t *testing.T) {
	f := newFleet(t)
	f.sinks = strings.Replace(f.sinks, "name: hook,", "name: hook, heartbeat: 1s,", 1)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "a heartbeat knows of the open alert", func() bool {
		all := beats(f.hook)
		return len(all) > 1 && all[len(all)-1].Heartbeat.Open == 1
	})
	before := len(beats(f.hook))
	f.restart(quickRules)
	eventually(t, "more after a restart", func() bool { return len(beats(f.hook)) > before+1 })
	all := beats(f.hook)
	for i, b := range all {
		// A restart that takes longer than one and a half beats leaves a gap.
		if i < before && b.Seq != i+1 || i > 0 && b.Seq <= all[i-1].Seq || b.ID != all[0].ID || b.Heartbeat.Every != 1 || b.Title != "dswatch on hub is alive" || b.Key.String() != "hub/dswatch/host/dswatch" {
			t.Errorf("heartbeat %d: %+v %+v", i+1, b, b.Heartbeat)
		}
	}
	if last := all[len(all)-1]; last.Heartbeat.Open != 1 {
		t.Errorf("after the restart: %+v", last.Heartbeat)
	}
	if n := len(beats(f.other)); n > 0 {
		t.Errorf("the other sink got %d", n)
	}
	if n := len(f.letters(web.Selection{})); n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

// TestHeartbeatOfAJam gets through while deliveries do not, and counts them.
func TestHeartbeatOfAJam(t *testing.T) {
	var mu sync.Mutex
	var got []sinks.Payload
	far := receive.StartHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if !bytes.Contains(b, []byte(`"transition":"heartbeat"`)) {
			w.WriteHeader(503)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		var p sinks.Payload
		if err := json.Unmarshal(b, &p); err != nil {
			t.Error(err)
		}
		got = append(got, p)
	}))
	f := newFleet(t)
	f.sinks = fmt.Sprintf("sinks:\n  - {name: hook, type: webhook, url: %q, heartbeat: 1s}\n", far.URL)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "a heartbeat counts what waits", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) > 0 && got[len(got)-1].Alert.Heartbeat.Waiting == 1
	})
}

// TestFailedHeartbeats are neither repeated nor kept.
func TestFailedHeartbeats(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	eventually(t, "all is proven", func() bool { return f.a.stale() == nil })
	own := f.a.workers()[0] // which sends none by itself
	w := &worker{name: own.name, kind: own.kind, sink: own.sink, settings: own.settings, worker: own.worker, place: own.place}
	w.settings.Heartbeat = time.Minute
	numbers := f.a.numbersOf(w)
	for _, status := range []int{503, 400} {
		f.hook.Answer(status, nil)
		if err := f.a.beat(t.Context(), w, numbers); err == nil {
			t.Errorf("%d: no error", status)
		}
	}
	f.hook.Answer(0, nil)
	if err := f.a.beat(t.Context(), w, numbers); err != nil {
		t.Fatal(err)
	}
	all := beats(f.hook)
	if len(all) != 1 || all[0].Seq != 3 || all[0].Heartbeat.Every != 60 {
		t.Errorf("%+v", all)
	}
	if h := w.worker.Health(); h.Circuit != sinks.Closed || h.Dead != 0 || !h.FailingSince.IsZero() {
		t.Errorf("%+v", h)
	}
	f.hook.Answer(429, http.Header{"Retry-After": {"60"}})
	for range 2 {
		if err := f.a.beat(t.Context(), w, numbers); err == nil {
			t.Error("no error")
		}
	}
	if q := w.worker.Health().QuietUntil; time.Until(q) < 50*time.Second {
		t.Errorf("quiet until %s", q)
	}
}

func TestNumbers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "heartbeat")
	now := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	var log bytes.Buffer
	start := func() *numbers {
		log.Reset()
		return &numbers{path: path, every: time.Hour, log: slog.New(slog.NewTextHandler(&log, nil))}
	}
	next := func(n *numbers, want int) {
		t.Helper()
		if got, err := n.next(now); got != want || err != nil {
			t.Errorf("%d, %v; want %d", got, err, want)
		}
	}
	due := func(n *numbers, want time.Duration) {
		t.Helper()
		if got := n.first(now); got != want {
			t.Errorf("due in %s, want %s", got, want)
		}
	}
	first := start()
	due(first, firstBeat)
	next(first, 1)
	now = now.Add(90 * time.Minute) // a host that was suspended
	next(first, 2)

	now = now.Add(10 * time.Minute)
	again := start()
	due(again, 50*time.Minute)
	now = now.Add(50 * time.Minute)
	next(again, 3)
	if log.Len() > 0 {
		t.Errorf("a quick restart is told: %s", &log)
	}
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for want := 4; want < 10; want++ {
		now = now.Add(time.Hour)
		next(again, want)
	}

	// The copy of six hours ago: no number comes again, and the log tells it.
	if err := os.WriteFile(path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(5 * time.Minute)
	restored := start()
	due(restored, firstBeat)
	next(restored, 10)
	if !strings.Contains(log.String(), "older copy") || !strings.Contains(log.String(), "left_out=6") {
		t.Errorf("log: %s", &log)
	}
	now = now.Add(time.Hour)
	next(restored, 11)

	now = now.Add(-240 * time.Hour) // the clock was set back
	back := start()
	due(back, firstBeat)
	next(back, 12)

	if err := os.WriteFile(path, []byte("70"), 0o600); err != nil {
		t.Fatal(err)
	}
	next(start(), 71)
	for _, bad := range []string{"", "x", "-3", "1 2", "1 2026", "99999999999 2026-11-22T03:04:05Z"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := start().next(now); err == nil || !strings.Contains(err.Error(), "write a number above") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// records keeps what is logged.
type records struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *records) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(b)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func TestDrill(t *testing.T) {
	f := newFleet(t)
	var log records
	f.log = &log
	f.start(quickRules)
	f.other.Answer(403, nil)
	f.a.drill(t.Context())
	st, err := f.a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range st.Sinks {
		if s.Drill == nil || s.Drill.Confirmed != (s.Name == "hook") || s.Drill.Confirmed != (s.Drill.Error == "") || time.Since(s.Drill.At) > time.Minute {
			t.Errorf("%s: %+v", s.Name, s.Drill)
		}
	}
	if got := fmt.Sprint(transitions(f.hook)); got != "[raised test cleared test]" || !f.hook.Received()[0].Alert.Test {
		t.Errorf("arrived: %s", got)
	}
	if !strings.Contains(log.String(), `level=ERROR msg="drill: the sink did not confirm" sink=other error="refused: `) {
		t.Error(log.String())
	}
	if a, b := f.gauge("dswatch_drill_confirmed", "hook"), f.gauge("dswatch_drill_confirmed", "other"); a != "1" || b != "0" {
		t.Errorf("metrics: %s and %s", a, b)
	}
	if n := len(f.letters(web.Selection{})); n > 0 {
		t.Errorf("a test became %d dead letters", n)
	}
}

// TestSinkTestsWaitForNobody: a sink that does not answer makes none of the
// others late.
func TestSinkTestsWaitForNobody(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	f.hook.Answer(503, nil)
	const wait = 4 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	results, err := f.a.TestSinks(ctx, nil)
	if err != nil || len(results) != 2 {
		t.Fatal(results, err)
	}
	if bad := results[0]; bad.Sink != "hook" || bad.Confirmed || !strings.Contains(bad.Error, "answered 503") {
		t.Errorf("%+v", bad)
	}
	good := results[1]
	if took, err := time.ParseDuration(good.Took); !good.Confirmed || err != nil || took >= wait {
		t.Errorf("%+v", good)
	}
}

// gauge is a metric of one sink as a scrape finds it.
func (f *fleet) gauge(name, sink string) string {
	f.t.Helper()
	families, err := f.a.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == sink {
				return fmt.Sprint(m.GetGauge().GetValue())
			}
		}
	}
	return "not there"
}

func TestDrillComesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC, 1 January 2000
		s, err := detector.ParseSchedule("0 9 1 * *")
		if err != nil {
			t.Fatal(err)
		}
		tokyo := time.FixedZone("JST", 9*3600)
		for _, want := range []string{"2000-02-01 09:00", "2000-03-01 09:00"} {
			if !sleepUntil(t.Context(), s, tokyo) {
				t.Fatal("did not come")
			}
			if got := time.Now().In(tokyo).Format("2006-01-02 15:04"); got != want {
				t.Errorf("came at %s, want %s", got, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if sleepUntil(ctx, s, tokyo) {
			t.Error("came although it was called off")
		}
	})
}

func TestDrillExpression(t *testing.T) {
	for expr, ok := range map[string]bool{"": true, "0 9 1 * *": true, "0 0 9 * * MON": true, "* * * * *": false, "@every 1m": false, "soon": false, "0 9 31 2 *": false} {
		_, err := Parse("x.yaml", fmt.Appendf(nil, "host: h\nbus: {dir: %q}\ndrill: %q\n", t.TempDir(), expr))
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "x.yaml:3:8: drill: ") {
			t.Errorf("%q: %v", expr, err)
		}
	}
}

func TestSinksThatConflict(t *testing.T) {
	const sink = "  - {name: %s, type: snmp, address: 192.0.2.1, version: 3, v3: {user: u, engine_id: 0x8000000001020304}}\n"
	_, err := Parse("x.yaml", fmt.Appendf(nil, "host: h\nsinks:\n"+sink+sink, "a", "b"))
	if err == nil || !strings.Contains(err.Error(), "x.yaml:4:") || !strings.Contains(err.Error(), "sinks[1].v3.engine_id: sink a sends") {
		t.Error(err)
	}
}

func TestWritesOutput(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "sinks: [{name: a, type: stdout}]": true, "sinks: [{name: a, type: webhook, url: 'http://192.0.2.1'}]": false,
		"bus: {url: 'nats://192.0.2.1'}": false,
	} {
		l, err := Parse("x.yaml", []byte("host: h\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		if l.WritesOutput() != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
