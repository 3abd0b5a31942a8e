package sinktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// Told is what a reader of the far end learns from one message.
type Told struct {
	AlertID string
	Cleared bool
	Texts   []string // every text shown to a person, for the check of hostile characters; nil: the whole body
}

// Options say how to make and read one kind of sink.
type Options struct {
	// New makes the sink under test, to deliver to far.Address. The suite
	// passes env on; its log is searched for secrets.
	New func(t *testing.T, far *Far, env sinks.Env) sinks.Sink
	// Far makes a fresh far end. Nil: an HTTP one that accepts all.
	Far func(t *testing.T) *Far
	// Read reads what arrived as the far end's program would.
	Read func(Message) (Told, error)
	// Secrets are all secret values that New configures. Eight characters
	// or more each, so that a hit is not chance.
	Secrets []string
	// Silent: nothing comes back (datagrams), so a far end that is gone
	// cannot be noticed.
	Silent bool
	// Lines: a text shown to a person may hold line feeds.
	Lines bool
	// Brief: where the consequence at length may be cut for a message's size,
	// and the short text is what must be whole.
	Brief bool
	// MaxSize is the largest message in bytes the far end takes; 0: any.
	MaxSize int
}

// patience is how long the suite waits for what must happen.
const patience = 10 * time.Second

// Run runs the suite. Each part has its own far end and sink.
func Run(t *testing.T, o Options) {
	t.Helper()
	for _, s := range o.Secrets {
		if len(s) < 8 {
			t.Fatalf("secret %q is too short to be searched for", s)
		}
	}
	if o.Far == nil {
		o.Far = anyHTTP
	}
	can := o.Far(t) // only asked what its protocol has
	all := []part{
		{"every transition arrives and can be told apart", transitions},
		{"acknowledgements, flapping, digests and heartbeats arrive", others},
		{"one alert is told in the language of each sink", languages},
		{"a cancelled context sends nothing", cancelled},
		{"hostile text is harmless", hostileText},
		{"many goroutines share one sink", concurrent},
		{"a far end that is gone is a temporary failure", gone},
	}
	if can.Hang != nil {
		all = append(all, part{"a deadline ends the wait", deadline}, part{"a cancel ends the wait", cancelWhileWaiting})
	}
	if can.Break != nil {
		all = append(all, part{"a broken connection is made anew", broken})
	}
	if can.Answer != nil {
		all = append(all, part{"answers are classified", answers}, part{"retry-after is honoured", retryAfter},
			part{"redirects are not followed", redirects}, part{"answers are read within bounds", boundedAnswers})
	}
	can.Close()
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) { p.run(t, newBench(t, o, o.Far(t))) })
	}
}

// anyHTTP is a far end that takes all.
func anyHTTP(t *testing.T) *Far {
	return HTTP(t, func(*http.Request, []byte) error { return nil })
}

type part struct {
	name string
	run  func(*testing.T, *bench)
}

// bench is one far end, one sink, and the watch over what it says.
type bench struct {
	Options
	far  *Far
	sink sinks.Sink
	log  *lockedBuffer
}

func newBench(t *testing.T, o Options, far *Far) *bench {
	b := &bench{Options: o, far: far, log: &lockedBuffer{}}
	b.sink = o.New(t, far, sinks.Env{
		Name: "conform", Host: "dswatch.example", StateDir: t.TempDir(),
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	t.Cleanup(func() {
		if c, ok := b.sink.(io.Closer); ok {
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		b.search(t, "log", b.log.String())
	})
	return b
}

// send sends and looks at the error's text, and at that of all it wraps.
func (b *bench) send(t *testing.T, ctx context.Context, a event.Alert) error {
	t.Helper()
	err := b.sink.Send(ctx, a)
	b.inspect(t, err)
	return err
}

func (b *bench) inspect(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if text != sinks.Line(text, len(text)) {
		t.Errorf("error is not one clean line: %q", text)
	}
	if len(text) > 2048 {
		t.Errorf("error is %d bytes long", len(text))
	}
	b.search(t, "error", fmt.Sprintf("%v %+v %#v", err, err, err))
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range e.Unwrap() {
			b.inspect(t, e)
		}
	}
	b.inspect(t, errors.Unwrap(err))
}

func (b *bench) search(t *testing.T, where, text string) {
	t.Helper()
	for _, s := range b.Secrets {
		if strings.Contains(text, s) {
			t.Errorf("%s shows the secret %q: %s", where, s, clip([]byte(text)))
		}
	}
}

// mustSend sends with plenty of time and wants success.
func (b *bench) mustSend(t *testing.T, a event.Alert) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.send(t, ctx, a); err != nil {
		t.Fatalf("send %s %s: %v", a.Transition, a.DeliveryID(), err)
	}
}

// arrived waits for n messages, then a moment for one too many.
func (b *bench) arrived(t *testing.T, n int) []Message {
	t.Helper()
	until := time.Now().Add(patience)
	for len(b.far.Received()) < n && time.Now().Before(until) {
		time.Sleep(2 * time.Millisecond)
	}
	if b.Silent {
		time.Sleep(20 * time.Millisecond)
	}
	got := b.far.Received()
	if len(got) != n {
		t.Fatalf("%d messages arrived, want %d", len(got), n)
	}
	return got
}

func (b *bench) read(t *testing.T, m Message) Told {
	t.Helper()
	told, err := b.Read(m)
	if err != nil {
		t.Fatalf("read what arrived: %v\n%s", err, clip(m.Body))
	}
	if told.Texts == nil {
		told.Texts = []string{string(m.Body)}
	}
	return told
}

func transitions(t *testing.T, b *bench) {
	n := 0
	for _, language := range []string{"en", "ja"} {
		for _, tr := range Transitions() {
			a := Sample(n, tr, language)
			b.mustSend(t, a)
			n++
			told := b.read(t, b.arrived(t, n)[n-1])
			if told.AlertID != a.ID {
				t.Errorf("%s %s: arrived with alert id %q, want %q", language, tr, told.AlertID, a.ID)
			}
			if want := tr == event.Cleared; told.Cleared != want {
				t.Errorf("%s %s: read as cleared: %v, want %v", language, tr, told.Cleared, want)
			}
		}
	}
}

// others wants what tells these alerts apart from a plain firing: who
// acknowledged, how many items are meant beside those listed, the counts.
func others(t *testing.T, b *bench) {
	want := map[string]*regexp.Regexp{
		"acknowledged": regexp.MustCompile(`kim\.park`), "unacknowledged": regexp.MustCompile(`lee.*end of shift`), "digest": regexp.MustCompile(`\b(24\d\d|2500)\b`), "digest over": regexp.MustCompile(`\b(24\d\d|2500)\b`),
		"heartbeat": regexp.MustCompile(`(?s)7031.*8042`),
	}
	n := 0
	for _, language := range []string{"en", "ja"} {
		for name, a := range Others(language) {
			b.mustSend(t, a)
			n++
			m := b.arrived(t, n)[n-1]
			if b.MaxSize > 0 && len(m.Body) > b.MaxSize {
				t.Errorf("%s: %d bytes arrived, at most %d are taken", name, len(m.Body), b.MaxSize)
			}
			told := b.read(t, m)
			if told.AlertID != a.ID || told.Cleared != (a.Transition == event.Cleared) {
				t.Errorf("%s: read as alert %q, cleared %v; want %q", name, told.AlertID, told.Cleared, a.ID)
			}
			shown := strings.Join(told.Texts, "\n") + "\n" + string(m.Body)
			if !strings.Contains(shown, a.Key.Host) {
				t.Errorf("%s: does not name the host:\n%s", name, clip([]byte(shown)))
			}
			if re := want[name]; re != nil && !re.MatchString(shown) {
				t.Errorf("%s: %s is not in\n%s", name, re, clip([]byte(shown)))
			}
		}
	}
}

// languages wants the alert that the rules made in English in the language of
// the sink: its title or its text, whichever the far end shows, and nothing of
// the other language's.
func languages(t *testing.T, b *bench) {
	says := map[string]map[event.Transition]*regexp.Regexp{
		"en": {event.Raised: regexp.MustCompile("ds_agent is down|It cannot be observed"), event.Cleared: regexp.MustCompile("ds_agent is back|It lasted")},
		"ja": {event.Raised: regexp.MustCompile("が停止しています|状態を確認できない"), event.Cleared: regexp.MustCompile("が復旧しました|継続時間")},
	}
	inner, n := b.sink, 0
	for _, language := range []string{"ja", "en", "ja"} {
		b.sink = sinks.Spoken(inner, words.In(language, nil))
		for _, tr := range []event.Transition{event.Raised, event.Cleared} {
			b.mustSend(t, Stated(n, tr))
			n++
			shown := strings.Join(b.read(t, b.arrived(t, n)[n-1]).Texts, "\n")
			for other, all := range says {
				if all[tr].MatchString(shown) != (other == language) {
					t.Errorf("%s: a %s sink is told:\n%s", tr, language, clip([]byte(shown)))
				}
			}
		}
	}
}

func cancelled(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.send(t, ctx, Sample(1, event.Raised, "en"))
	if err == nil {
		t.Fatal("success with a cancelled context")
	}
	if sinks.IsPermanent(err) {
		t.Errorf("permanent: %v", err)
	}
	b.arrived(t, 0)
}

func deadline(t *testing.T, b *bench) {
	b.far.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	b.mustEnd(t, ctx)
}

func cancelWhileWaiting(t *testing.T, b *bench) {
	b.far.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	b.mustEnd(t, ctx)
}

// mustEnd sends to a far end that never answers and wants a temporary
// failure within two seconds.
func (b *bench) mustEnd(t *testing.T, ctx context.Context) {
	t.Helper()
	start := time.Now()
	err := b.send(t, ctx, Sample(1, event.Raised, "en"))
	if err == nil {
		t.Fatal("success without an answer")
	}
	if sinks.IsPermanent(err) {
		t.Errorf("permanent: %v", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("returned after %s", took)
	}
}

func hostileText(t *testing.T, b *bench) {
	n := 0
	for name, s := range hostile() {
		for _, tr := range []event.Transition{event.Raised, event.Cleared} {
			a := poisoned(Sample(n, tr, "en"), s)
			b.mustSend(t, a)
			n++
			m := b.arrived(t, n)[n-1]
			if b.MaxSize > 0 && len(m.Body) > b.MaxSize {
				t.Errorf("%s: %d bytes arrived, at most %d are taken", name, len(m.Body), b.MaxSize)
			}
			told := b.read(t, m)
			if told.AlertID != a.ID || told.Cleared != (tr == event.Cleared) {
				t.Errorf("%s, %s: read as alert %q, cleared %v", name, tr, told.AlertID, told.Cleared)
			}
			for _, text := range told.Texts {
				b.harmless(t, name, text)
			}
		}
	}
}

func (b *bench) harmless(t *testing.T, name, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: arrived as invalid UTF-8: %.200q", name, text)
	}
	cleaned := sinks.Line(text, 4*len(text)+16)
	if b.Lines {
		cleaned = sinks.Lines(text, 4*len(text)+16)
	}
	if cleaned != text {
		i := 0
		for i < min(len(text), len(cleaned)) && text[i] == cleaned[i] {
			i++
		}
		t.Errorf("%s: a control, break or invisible character arrived: %.60q", name, text[max(0, i-20):])
	}
}

func concurrent(t *testing.T, b *bench) {
	const workers, each = 8, 25
	want := make(map[string]bool, workers*each)
	errs := make(chan error, workers*each)
	var wg sync.WaitGroup
	for w := range workers {
		for i := range each {
			want[Sample(w*each+i, event.Raised, "en").ID] = true
		}
		wg.Go(func() {
			for i := range each {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				if err := b.sink.Send(ctx, Sample(w*each+i, event.Raised, "en")); err != nil {
					errs <- err
				}
				cancel()
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("send: %v", err)
	}
	for _, m := range b.arrived(t, len(want)) {
		id := b.read(t, m).AlertID
		if !want[id] {
			t.Errorf("alert %q arrived twice or was never sent", id)
		}
		delete(want, id)
	}
}

func gone(t *testing.T, b *bench) {
	b.mustSend(t, Sample(0, event.Raised, "en")) // so that a connection is open where there are connections
	b.far.Close()
	for i := range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := b.send(t, ctx, Sample(i+1, event.Raised, "en"))
		cancel()
		if err == nil && !b.Silent {
			t.Errorf("attempt %d: success with nobody listening", i+1)
		}
		if sinks.IsPermanent(err) {
			t.Errorf("attempt %d: permanent: %v", i+1, err)
		}
	}
}

func broken(t *testing.T, b *bench) {
	accepted := map[string]bool{}
	for round := range 3 {
		ok := false
		for try := 0; try < 5 && !ok; try++ {
			a := Sample(round*10+try, event.Raised, "en")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			err := b.send(t, ctx, a)
			cancel()
			if err == nil {
				ok, accepted[a.ID] = true, true
			} else if sinks.IsPermanent(err) {
				t.Errorf("round %d: permanent: %v", round, err)
			}
		}
		if !ok {
			t.Fatalf("round %d: nothing got through after the connection broke", round)
		}
		b.far.Break()
	}
	until := time.Now().Add(patience)
	for len(accepted) > 0 && time.Now().Before(until) {
		for _, m := range b.far.Received() {
			delete(accepted, b.read(t, m).AlertID)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if len(accepted) > 0 {
		t.Errorf("%d messages were called accepted and never arrived", len(accepted))
	}
}

func answers(t *testing.T, b *bench) {
	echo := "you sent " + strings.Join(b.Secrets, ", ") + "\nand\x1b[2J more"
	for _, c := range []struct {
		permanent bool
		statuses  []int
	}{
		{true, []int{400, 401, 403, 404, 405, 410, 413, 422, 451}},
		{false, []int{408, 425, 429, 500, 502, 503, 504, 599}},
	} {
		for _, status := range c.statuses {
			b.far.Answer(Answer{Status: status, Body: echo})
			err := b.send(t, t.Context(), Sample(1, event.Raised, "en"))
			if err == nil {
				t.Errorf("%d: success", status)
			} else if sinks.IsPermanent(err) != c.permanent {
				t.Errorf("%d: permanent is %v, want %v: %v", status, !c.permanent, c.permanent, err)
			} else if !strings.Contains(err.Error(), fmt.Sprint(status)) {
				t.Errorf("%d: the error does not name the status: %v", status, err)
			}
		}
	}
	b.far.Answer(Answer{})
	b.mustSend(t, Sample(2, event.Raised, "en"))
}

func retryAfter(t *testing.T, b *bench) {
	for _, c := range []struct {
		name, value string
		least, most time.Duration // 0, 0: no wish
	}{
		{"seconds", "7", 7 * time.Second, 7 * time.Second},
		{"zero", "0", 0, 0},
		{"date", time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat), 60 * time.Second, 90 * time.Second},
		{"date in the past", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0, 0},
		{"far too long", "99999999", sinks.MaxRetryAfter, sinks.MaxRetryAfter},
		{"overflow", "99999999999999999999999", 0, sinks.MaxRetryAfter},
		{"negative", "-3", 0, 0},
		{"garbage", "soon", 0, 0},
	} {
		for _, status := range []int{429, 503} {
			b.far.Answer(Answer{Status: status, Header: map[string]string{"Retry-After": c.value}, Body: "slow down"})
			err := b.send(t, t.Context(), Sample(1, event.Raised, "en"))
			if err == nil || sinks.IsPermanent(err) {
				t.Errorf("%s, %d: not a temporary failure: %v", c.name, status, err)
				continue
			}
			if d, _ := sinks.After(err); d < c.least || d > c.most {
				t.Errorf("%s, %d: wait %s, want %s to %s", c.name, status, d, c.least, c.most)
			}
		}
	}
}

func redirects(t *testing.T, b *bench) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		b.far.Answer(Answer{Status: status, Header: map[string]string{"Location": other.URL + "/" + strings.Join(b.Secrets, "/")}})
		if err := b.send(t, t.Context(), Sample(1, event.Raised, "en")); err == nil {
			t.Errorf("%d: success", status)
		}
	}
	if followed.Load() {
		t.Error("a redirect was followed: credentials and alert went to another server")
	}
}

func boundedAnswers(t *testing.T, b *bench) {
	t.Run("large", func(t *testing.T) {
		b.far.Answer(Answer{Status: 500, Body: strings.Repeat("\x00<b>\u202e監視\n", 1<<19)})
		if err := b.send(t, t.Context(), Sample(1, event.Raised, "en")); err == nil || sinks.IsPermanent(err) {
			t.Errorf("not a temporary failure: %v", err)
		}
	})
	t.Run("endless", func(t *testing.T) {
		b.far.Answer(Answer{Status: 500, Body: strings.Repeat("x", 4096), Endless: true})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err := b.send(t, ctx, Sample(1, event.Raised, "en"))
		if err == nil || sinks.IsPermanent(err) || ctx.Err() != nil {
			t.Errorf("not a temporary failure in time: %v", err)
		}
	})
	for _, status := range []int{200, 503} {
		t.Run(fmt.Sprintf("slow, %d", status), func(t *testing.T) {
			b.far.Answer(Answer{Status: status, Body: strings.Repeat("x", 1<<20), SlowBody: true})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := b.send(t, ctx, Sample(1, event.Raised, "en"))
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("returned after %s", took)
			}
			if sinks.IsPermanent(err) || err == nil && status != 200 {
				t.Errorf("not a temporary failure: %v", err)
			}
		})
	}
}

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
