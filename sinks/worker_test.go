package sinks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
)

// memory is an outbox, its receipts and its dead letters that outlive any
// worker, as the bus does.
type memory struct {
	mu       sync.Mutex
	more     chan struct{}
	messages []*message
	next     int // first one not handed out to the worker of now
	receipts map[string]event.Receipt
	letters  []sinks.Letter
	storeErr error // of Store, Bury and Next while set
	stores   int
	alive    int // InProgress calls
}

type message struct {
	m        *memory
	position uint64
	data     []byte
	acked    bool
	out      bool
}

func newMemory() *memory {
	return &memory{more: make(chan struct{}, 1), receipts: map[string]event.Receipt{}}
}

func (m *memory) put(t testing.TB, as ...event.Alert) {
	for _, a := range as {
		b, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m.putRaw(b)
	}
}

func (m *memory) putRaw(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, &message{m: m, position: uint64(len(m.messages) + 1), data: b})
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// restart hands out again what was not acknowledged, as to a new worker.
func (m *memory) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next = 0
	for _, msg := range m.messages {
		msg.out = false
	}
	select {
	case m.more <- struct{}{}:
	default:
	}
}

func (m *memory) Next(ctx context.Context, most int) ([]sinks.Delivery, error) {
	for {
		m.mu.Lock()
		if err := m.storeErr; err != nil {
			m.mu.Unlock()
			return nil, err
		}
		var ds []sinks.Delivery
		for ; m.next < len(m.messages) && len(ds) < most; m.next++ {
			if msg := m.messages[m.next]; !msg.acked {
				msg.out = true
				ds = append(ds, msg)
			}
		}
		m.mu.Unlock()
		if len(ds) > 0 {
			return ds, nil
		}
		select {
		case <-m.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (d *message) Data() []byte     { return d.data }
func (d *message) Position() uint64 { return d.position }
func (d *message) Ack() error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.acked = true
	return nil
}
func (d *message) InProgress() error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.m.alive++
	return nil
}

func (m *memory) Load(context.Context) ([]event.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.storeErr != nil {
		return nil, m.storeErr
	}
	var rs []event.Receipt
	for _, r := range m.receipts {
		rs = append(rs, r)
	}
	return rs, nil
}

func (m *memory) Store(_ context.Context, rs []event.Receipt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stores++
	if m.storeErr != nil {
		return m.storeErr
	}
	for _, r := range rs {
		m.receipts[r.Slot] = r
	}
	return nil
}

func (m *memory) Bury(_ context.Context, l sinks.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.storeErr != nil {
		return m.storeErr
	}
	m.letters = append(m.letters, l)
	return nil
}

func (m *memory) fail(err error) { m.mu.Lock(); defer m.mu.Unlock(); m.storeErr = err }

func (m *memory) unacked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, msg := range m.messages {
		if !msg.acked {
			n++
		}
	}
	return n
}

func (m *memory) out() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, msg := range m.messages {
		if msg.out && !msg.acked {
			n++
		}
	}
	return n
}

func (m *memory) dead() []sinks.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters)
}

// far is a sink that answers as do says and records what it accepted.
type far struct {
	do func(ctx context.Context, a event.Alert) error // nil: accept

	mu       sync.Mutex
	accepted []event.Alert
	attempts []time.Time
}

func (f *far) Send(ctx context.Context, a event.Alert) error {
	f.mu.Lock()
	f.attempts = append(f.attempts, time.Now())
	f.mu.Unlock()
	if f.do != nil {
		if err := f.do(ctx, a); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accepted = append(f.accepted, a)
	return nil
}

func (f *far) ids() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, a := range f.accepted {
		ids = append(ids, a.DeliveryID())
	}
	return ids
}

func (f *far) tries() []time.Time { f.mu.Lock(); defer f.mu.Unlock(); return slices.Clone(f.attempts) }

func options(m *memory, s sinks.Sink, concurrency int) sinks.WorkerOptions {
	set := sinks.Defaults(concurrency)
	set.Name, set.Type = "test", "test"
	return sinks.WorkerOptions{
		Sink: s, Settings: set, Outbox: m, Receipts: m, Dead: m, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// start runs a worker until the returned function is called.
func start(o sinks.WorkerOptions) (*sinks.Worker, func()) {
	w := sinks.NewWorker(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	return w, func() { cancel(); <-done }
}

// firing returns the n-th item's alerts from raised to cleared, fired for the
// round-th time.
func firing(n, round int) []event.Alert {
	var as []event.Alert
	for i, tr := range sinktest.Transitions() {
		a := sinktest.Sample(n, tr, "en")
		a.ID = fmt.Sprintf("item%d-round%d", n, round)
		a.Turn, a.Seq = round+1, i+1
		a.At = a.At.Add(time.Duration(round) * 24 * time.Hour)
		as = append(as, a)
	}
	return as
}

var errDown = errors.New("connection refused")

func TestWorkerDeliversInOrderAndAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(context.Context, event.Alert) error { time.Sleep(rand.N(time.Second)); return nil }
		for round := range 3 {
			for n := range 20 {
				m.put(t, firing(n, round)...)
			}
		}
		_, stop := start(options(m, f, 7))
		defer stop()
		time.Sleep(time.Hour)
		if n := m.unacked(); n != 0 {
			t.Errorf("%d deliveries were not acknowledged", n)
		}
		if got := f.ids(); len(got) != 240 {
			t.Errorf("%d alerts arrived, want 240", len(got))
		}
		wantOrder(t, f.accepted)
		for _, r := range m.receipts {
			if r.Transition != event.Cleared || r.Seq != 4 || !strings.HasSuffix(r.AlertID, "round2") || !r.Reached || r.Dead || r.Attempts != 1 {
				t.Errorf("last receipt of %s: %+v", r.Slot, r)
			}
		}
	})
}

// wantOrder wants each slot's transitions in the order of their life.
func wantOrder(t *testing.T, as []event.Alert) {
	t.Helper()
	last := map[string]event.Alert{}
	for _, a := range as {
		if b, ok := last[a.Slot()]; ok && a.At.Before(b.At) {
			t.Errorf("%s came after %s", a.DeliveryID(), b.DeliveryID())
		}
		last[a.Slot()] = a
	}
}

func TestWorkerSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		as := firing(1, 0)
		m.put(t, as[0], as[0], as[1])
		_, stop := start(options(m, f, 1))
		time.Sleep(time.Minute)
		stop()
		m.put(t, as[0], as[1], as[1], as[2]) // a reconciliation puts them again
		_, stop = start(options(m, f, 1))
		time.Sleep(time.Minute)
		stop()
		m.put(t, as[3])
		m.put(t, firing(1, 1)[0])
		// The acknowledgement of the first raise was lost, long ago.
		m.messages[0].acked = false
		m.restart()
		_, stop = start(options(m, f, 1))
		time.Sleep(time.Minute)
		m.mu.Lock()
		m.messages[2].acked = false
		m.mu.Unlock()
		m.restart() // now the slot's receipt is of the second firing
		time.Sleep(time.Minute)
		stop()
		want := []string{"item1-round0.1", "item1-round0.2", "item1-round0.3", "item1-round0.4", "item1-round1.1"}
		if got := f.ids(); !slices.Equal(got, want) {
			t.Errorf("arrived:\n%v, want\n%v", got, want)
		}
		if m.unacked() != 0 {
			t.Error("a duplicate was not acknowledged")
		}
	})
}

func TestReceiptSurvivesANewOutboxAndAnOldClock(t *testing.T) {
	for name, change := range map[string]func(*event.Receipt){
		"positions began anew": func(r *event.Receipt) { r.Position = 1000 },
		"clock was set back":   func(r *event.Receipt) { r.At = r.At.Add(1000 * time.Hour); r.Position = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &far{}
				old := firing(1, 0)[3]
				r := event.Receipt{Slot: old.Slot(), AlertID: old.ID, Seq: 4, Transition: event.Cleared, At: old.At, Position: 1, Reached: true}
				change(&r)
				m.receipts[r.Slot] = r
				m.put(t, firing(1, 1)[0])
				_, stop := start(options(m, f, 1))
				time.Sleep(time.Minute)
				stop()
				if len(f.ids()) != 1 {
					t.Error("a new firing was taken for an old one")
				}
			})
		})
	}
}

func TestWorkerBacksOffAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		up := time.Now().Add(2 * time.Hour)
		f.do = func(context.Context, event.Alert) error {
			if time.Now().Before(up) {
				return errDown
			}
			return nil
		}
		for n := range 300 {
			m.put(t, firing(n, 0)...)
		}
		const lanes = 4
		w, stop := start(options(m, f, lanes))
		defer stop()
		time.Sleep(2 * time.Hour)
		h := w.Health()
		if h.FailingSince.IsZero() || h.LastError != "connection refused" || h.Held == 0 {
			t.Errorf("health in the outage: %+v", h)
		}
		// One probe in 7.5 to 15 s, however many lanes there are.
		tries := len(f.tries())
		if least, most := 2*3600/15, 2*3600*2/15+2*lanes; tries < least || tries > most {
			t.Errorf("%d attempts in two hours, want %d to %d", tries, least, most)
		}
		time.Sleep(35 * time.Second)
		if n := m.unacked(); n != 0 {
			t.Errorf("%d deliveries are left 35 s after the far end returned", n)
		}
		wantOrder(t, f.accepted)
		if got := len(f.ids()); got != 1200 {
			t.Errorf("%d alerts arrived, want 1200", got)
		}
		if h := w.Health(); !h.FailingSince.IsZero() || h.Delivered != 1200 || h.Held != 0 || h.Dead != 0 {
			t.Errorf("health afterwards: %+v", h)
		}
	})
}

func TestFirstSuccessEndsAllPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		up := false
		var mu sync.Mutex
		f.do = func(context.Context, event.Alert) error {
			mu.Lock()
			defer mu.Unlock()
			if !up {
				return errDown
			}
			return nil
		}
		for n := range 64 {
			m.put(t, firing(n, 0)[0])
		}
		o := options(m, f, 16)
		o.MaxBackoff, o.Settings.Circuit.Failures = time.Hour, 0
		_, stop := start(o)
		defer stop()
		time.Sleep(24*time.Hour - time.Minute)
		mu.Lock()
		up = true
		mu.Unlock()
		for len(f.ids()) == 0 {
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second) // without the others' wake-up: up to an hour
		if n := len(f.ids()); n != 64 {
			t.Errorf("%d of 64 arrived", n)
		}
	})
}

// TestPatienceBeginsWithTheFirstAttempt: in an outage most slots wait behind
// those that are tried. What was not tried yet has its whole patience before
// it, however long it has waited.
func TestPatienceBeginsWithTheFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		failed := map[string]bool{}
		f.do = func(_ context.Context, a event.Alert) error {
			switch n := len(failed); {
			case failed[a.Key.Host]:
				return nil
			case n == 0: // all attempts pause for longer than the patience
				failed[a.Key.Host] = true
				return sinks.RetryAfter(errDown, time.Hour)
			default:
				failed[a.Key.Host] = true
				return errDown
			}
		}
		o := options(m, f, 1)
		o.Settings.Patience = 30 * time.Minute
		_, stop := start(o)
		defer stop()
		m.put(t, firing(0, 0)[0], firing(1, 0)[0])
		time.Sleep(time.Hour - time.Second)
		if n := len(f.tries()); n != 1 {
			t.Fatalf("%d attempts in the pause, want 1", n)
		}
		time.Sleep(time.Minute)
		if d := m.dead(); len(d) != 0 || len(f.ids()) != 2 {
			t.Errorf("arrived %v, dead %v", f.ids(), names(d))
		}
	})
}

// TestPatienceEnds: its end is not sooner and not much later than said, and
// what came behind has a patience of its own.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(context.Context, event.Alert) error { return errDown }
		o := options(m, f, 1)
		o.Settings.Patience = time.Hour
		_, stop := start(o)
		defer stop()
		as := firing(0, 0)
		m.put(t, as[0])
		time.Sleep(30 * time.Minute)
		m.put(t, as[1])
		time.Sleep(30*time.Minute - time.Second)
		if d := m.dead(); len(d) != 0 {
			t.Errorf("dead before its patience is over: %v", names(d))
		}
		time.Sleep(2 * time.Minute)
		if d := m.dead(); len(d) != 1 || d[0].DeliveryID != as[0].DeliveryID() || d[0].Attempts < 100 {
			t.Errorf("dead an hour later: %v", names(d))
		}
		time.Sleep(58 * time.Minute)
		if d := m.dead(); len(d) != 1 {
			t.Errorf("the second had not its own patience: %v", names(d))
		}
		time.Sleep(3 * time.Minute)
		if d := m.dead(); len(d) != 2 || d[1].DeliveryID != as[1].DeliveryID() {
			t.Errorf("dead in the end: %v", names(d))
		}
	})
}

// names are the deliveries that were given up.
// TestWorkerKnowsNothingOfTheOneBefore: of a raise that waited before the worker
// began, an attempt may have arrived, so its end is told.
func TestWorkerKnowsNothingOfTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(_ context.Context, a event.Alert) error {
			if a.Seq == 1 {
				return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return nil
		}
		o := options(m, f, 1)
		o.Settings.Patience = time.Minute
		all := firing(0, 0)
		raised, cleared := all[0], all[3]
		raised.At, cleared.At = time.Now(), time.Now().Add(time.Hour)
		m.put(t, raised)
		time.Sleep(time.Second)
		_, stop := start(o)
		time.Sleep(time.Hour)
		m.put(t, cleared)
		time.Sleep(time.Hour)
		stop()
		if len(f.accepted) != 1 || f.accepted[0].Transition != event.Cleared {
			t.Errorf("accepted were %v", f.ids())
		}
	})
}

func names(ls []sinks.Letter) (ids []string) {
	for _, l := range ls {
		ids = append(ids, l.DeliveryID)
	}
	return ids
}

func TestRetryAfterPausesAllLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		begin := time.Now()
		var once sync.Once
		f.do = func(_ context.Context, a event.Alert) (err error) {
			once.Do(func() { err = sinks.RetryAfter(errors.New("answered 429"), 10*time.Minute) })
			return err
		}
		m.put(t, firing(0, 0)[0])
		w, stop := start(options(m, f, 8))
		defer stop()
		time.Sleep(time.Second)
		if q := w.Health().QuietUntil; q.Sub(begin) != 10*time.Minute {
			t.Errorf("quiet until %s after the begin", q.Sub(begin))
		}
		for n := range 50 {
			m.put(t, firing(n+1, 0)[0])
		}
		time.Sleep(9 * time.Minute)
		if n := len(f.tries()); n != 1 {
			t.Errorf("%d attempts in the ten minutes asked for, want 1", n)
		}
		time.Sleep(time.Minute)
		if n := len(f.ids()); n != 51 {
			t.Errorf("%d of 51 arrived after the pause", n)
		}
	})
}

func TestOneDeliveryDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(_ context.Context, a event.Alert) error {
			if a.Key.Host == "web00" {
				return errors.New("answered 500")
			}
			return nil
		}
		m.put(t, firing(0, 0)...)
		for n := range 100 {
			m.put(t, firing(n+1, 0)...)
		}
		_, stop := start(options(m, f, 1))
		defer stop()
		time.Sleep(2 * time.Minute)
		if n := len(f.ids()); n != 400 {
			t.Errorf("%d of 400 others arrived in two minutes", n)
		}
		if n := len(f.tries()) - 400; n > 60 {
			t.Errorf("the failing one was tried %d times in two minutes", n)
		}
		time.Sleep(time.Hour)
		before := len(f.tries())
		for n := range 100 {
			m.put(t, firing(n+101, 0)...)
			time.Sleep(time.Second)
		}
		if n := len(f.tries()) - before - 400; n > 40 {
			t.Errorf("the failing one was tried %d times in 100 s while others got through", n)
		}
		time.Sleep(time.Minute)
		if n := len(f.ids()); n != 800 {
			t.Errorf("%d of 800 others arrived", n)
		}
		time.Sleep(25 * time.Hour)
		d := m.dead()
		if len(d) == 0 || d[0].DeliveryID != "item0-round0.1" || d[0].Class != sinks.ClassTemporary || !strings.Contains(d[0].Reason, "answered 500") {
			t.Errorf("dead letters: %+v", d)
		}
	})
}

func TestResolveFollowsItsRaise(t *testing.T) {
	refused := sinks.Permanent(errors.New("answered 400"))
	nobody := fmt.Errorf("send: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for _, c := range []struct {
		name     string
		answers  map[int]error // by seq
		arrived  []int
		dead     []int
		patience time.Duration
	}{
		{"all refused: nothing to resolve", map[int]error{1: refused, 2: refused, 3: refused}, nil, []int{1, 2, 3, 4}, 0},
		{"raise refused, change accepted", map[int]error{1: refused}, []int{2, 3, 4}, []int{1}, 0},
		{"raise accepted, rest refused", map[int]error{2: refused, 3: refused}, []int{1, 4}, []int{2, 3}, 0},
		{"out of patience: it may have been accepted", map[int]error{1: errDown, 2: refused, 3: refused}, []int{4}, []int{1, 2, 3}, time.Minute},
		{"resolve refused", map[int]error{4: refused}, []int{1, 2, 3}, []int{4}, 0},
		{"no connection: it surely never arrived", map[int]error{1: nobody, 2: refused, 3: refused}, nil, []int{1, 2, 3, 4}, time.Minute},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", c.name, restart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, f := newMemory(), &far{}
					f.do = func(_ context.Context, a event.Alert) error { return c.answers[a.Seq] }
					o := options(m, f, 1)
					if c.patience > 0 {
						o.Settings.Patience = c.patience
					}
					_, stop := start(o)
					for _, a := range firing(0, 0) {
						a.At = time.Now()
						m.put(t, a)
						time.Sleep(time.Hour)
						if restart {
							stop()
							_, stop = start(o)
						}
					}
					stop()
					var arrived, dead []int
					for _, a := range f.accepted {
						arrived = append(arrived, a.Seq)
					}
					for _, l := range m.letters {
						a, err := event.DecodeAlert(l.Data)
						if err != nil {
							t.Fatal(err)
						}
						dead = append(dead, a.Seq)
					}
					if !slices.Equal(arrived, c.arrived) || !slices.Equal(dead, c.dead) {
						t.Errorf("arrived %v, dead %v; want %v and %v", arrived, dead, c.arrived, c.dead)
					}
					if m.unacked() != 0 {
						t.Error("not everything was acknowledged")
					}
				})
			})
		}
	}
}

func TestReplay(t *testing.T) {
	refused := sinks.Permanent(errors.New("answered 401"))
	replay := func(as ...event.Alert) []event.Alert {
		for i := range as {
			as[i].Replay = true
		}
		return as
	}
	for _, c := range []struct {
		name   string
		before []event.Alert // refused when refuse is set
		refuse bool
		replay []event.Alert
		want   []string
	}{
		{"of a refused pair", []event.Alert{firing(0, 0)[0], firing(0, 0)[3]}, true, replay(firing(0, 0)[0], firing(0, 0)[3]), []string{"item0-round0.1", "item0-round0.4"}},
		{"of what is open", firing(0, 0)[:2], false, replay(firing(0, 0)[1]), []string{"item0-round0.1", "item0-round0.2", "item0-round0.2"}},
		{"of what is over", firing(0, 0), false, replay(firing(0, 0)[0]), []string{"item0-round0.1", "item0-round0.2", "item0-round0.3", "item0-round0.4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &far{}
				refuse := c.refuse
				f.do = func(context.Context, event.Alert) error {
					if refuse {
						return refused
					}
					return nil
				}
				m.put(t, c.before...)
				_, stop := start(options(m, f, 1))
				time.Sleep(time.Minute)
				synctest.Wait()
				stop()
				refuse = false
				m.put(t, c.replay...)
				_, stop = start(options(m, f, 1))
				time.Sleep(time.Minute)
				stop()
				if got := f.ids(); !slices.Equal(got, c.want) {
					t.Errorf("arrived %v, want %v", got, c.want)
				}
			})
		})
	}
}

// TestReplayOfAnEarlierFiring goes out and leaves what is known of the later
// one alone.
func TestReplayOfAnEarlierFiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		m.put(t, firing(0, 1)[0])
		for _, a := range []event.Alert{firing(0, 0)[0], firing(0, 0)[3]} {
			a.Replay = true
			m.put(t, a)
		}
		m.put(t, firing(0, 1)[1])
		_, stop := start(options(m, f, 1))
		time.Sleep(time.Minute)
		stop()
		if got, want := f.ids(), []string{"item0-round1.1", "item0-round0.1", "item0-round0.4", "item0-round1.2"}; !slices.Equal(got, want) {
			t.Errorf("arrived %v, want %v", got, want)
		}
		for _, r := range m.receipts {
			if r.AlertID != "item0-round1" || r.Seq != 2 {
				t.Errorf("%+v", r)
			}
		}
		if m.unacked() != 0 {
			t.Error("not everything was acknowledged")
		}
	})
}

// byItem is a far end that knows alerts by their item alone.
type byItem struct{ *far }

func (byItem) ByItem() bool { return true }

// before is a with the time of before the first firing.
func before(a event.Alert) []event.Alert {
	a.At = a.At.Add(-48 * time.Hour)
	return []event.Alert{a}
}

// TestReplayOfAnEarlierFiringByItem does not end the later one at a far end
// that could not tell the two apart, also behind templates.
func TestReplayOfAnEarlierFiringByItem(t *testing.T) {
	for _, c := range []struct {
		name  string
		later []event.Alert
		want  []string
		dead  int
	}{
		{"while the later one is open", firing(0, 1)[:1], []string{"item0-round1.1"}, 2},
		{"while the later one is open, and the clock was set back", before(firing(0, 1)[0]), []string{"item0-round1.1"}, 2},
		{"once that is over", firing(0, 1), []string{"item0-round1.1", "item0-round1.2", "item0-round1.3", "item0-round1.4", "item0-round0.1", "item0-round0.4"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &far{}
				m.put(t, c.later...)
				for _, a := range []event.Alert{firing(0, 0)[0], firing(0, 0)[3]} {
					a.Replay = true
					m.put(t, a)
				}
				o := options(m, f, 1)
				var err error
				if o.Sink, err = sinks.Titled(byItem{f}, sinks.Settings{Title: both("x")}, sinks.Env{Log: o.Log}); err != nil {
					t.Fatal(err)
				}
				_, stop := start(o)
				time.Sleep(time.Minute)
				stop()
				if got := f.ids(); !slices.Equal(got, c.want) {
					t.Errorf("arrived %v, want %v", got, c.want)
				}
				if len(m.letters) != c.dead || m.unacked() != 0 {
					t.Errorf("%d dead letters, %d waiting", len(m.letters), m.unacked())
				}
				for _, l := range m.letters {
					if !strings.Contains(l.Reason, "a later alert of the item is open") {
						t.Error(l.Reason)
					}
				}
			})
		})
	}
}

// TestTestsExpire: what nobody waits for any more is not sent, unless the far
// end may hold it open, and is no dead letter.
func TestTestsExpire(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer error // until the far end is back
		want   []int
	}{
		{"refused", sinks.Permanent(errDown), nil},
		{"down: the raise may have arrived", errDown, []int{4}},
		{"asked for a pause, never tried", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &far{}
				var up atomic.Bool
				f.do = func(_ context.Context, a event.Alert) error {
					switch {
					case up.Load():
						return nil
					case c.answer == nil && !a.Test:
						return sinks.RetryAfter(errDown, time.Hour)
					}
					return c.answer
				}
				m.put(t, firing(1, 0)[0])
				_, stop := start(options(m, f, 1))
				defer stop()
				time.Sleep(time.Second)
				for _, a := range []event.Alert{firing(0, 0)[0], firing(0, 0)[3]} {
					a.Test, a.At = true, time.Now()
					m.put(t, a)
				}
				time.Sleep(10 * time.Minute)
				up.Store(true)
				time.Sleep(2 * time.Hour)
				f.mu.Lock()
				var got []int
				for _, a := range f.accepted {
					if a.Test {
						got = append(got, a.Seq)
					}
				}
				f.mu.Unlock()
				for _, l := range m.dead() {
					if a, _ := event.DecodeAlert(l.Data); a.Test {
						t.Errorf("dead letter of %s", l.DeliveryID)
					}
				}
				if !slices.Equal(got, c.want) || m.unacked() != 0 {
					t.Errorf("arrived %v, want %v; %d left", got, c.want, m.unacked())
				}
			})
		})
	}
}

func TestPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(_ context.Context, a event.Alert) error {
			switch a.Key.Host {
			case "web00":
				panic("secret-in-a-panic")
			case "web01":
				var none map[string]int
				//lint:ignore SA5000 the panic is what is tested
				none["x"] = 1
			}
			return nil
		}
		for n := range 3 {
			m.put(t, firing(n, 0)[0])
		}
		var log lockedBuffer
		o := options(m, f, 1)
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		w, stop := start(o)
		time.Sleep(time.Hour)
		stop()
		d := m.dead()
		if len(d) != 2 || d[0].Class != sinks.ClassPanic || d[0].Attempts != 5 {
			t.Fatalf("dead letters: %+v", d)
		}
		if got := f.ids(); !slices.Equal(got, []string{"item2-round0.1"}) {
			t.Errorf("counted as delivered: %v", got)
		}
		if h := w.Health(); h.Delivered != 1 || h.Dead != 2 {
			t.Errorf("health: %+v", h)
		}
		if s := log.String() + fmt.Sprint(d); strings.Contains(s, "secret-in-a-panic") || !strings.Contains(s, "assignment to entry in nil map") || !strings.Contains(s, "worker_test.go") {
			t.Errorf("log: %s", s)
		}
	})
}

func TestShutdown(t *testing.T) {
	t.Run("what is in flight may end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, f := newMemory(), &far{}
			f.do = func(context.Context, event.Alert) error { time.Sleep(3 * time.Second); return nil }
			for n := range 100 {
				m.put(t, firing(n, 0)[0])
			}
			_, stop := start(options(m, f, 4))
			time.Sleep(time.Second)
			begin := time.Now()
			stop()
			if took := time.Since(begin); took != 2*time.Second {
				t.Errorf("took %s, want 2s", took)
			}
			if got, left := len(f.ids()), m.unacked(); got != 4 || left != 96 {
				t.Errorf("%d arrived and %d are left, want 4 and 96", got, left)
			}
			m.restart()
			_, stop = start(options(m, f, 4))
			time.Sleep(time.Hour)
			stop()
			if got := len(f.ids()); got != 100 {
				t.Errorf("%d arrived in all, want 100", got)
			}
		})
	})
	t.Run("what hangs is cut off and stays", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, f := newMemory(), &far{}
			f.do = func(ctx context.Context, _ event.Alert) error { <-ctx.Done(); return ctx.Err() }
			m.put(t, firing(0, 0)[0])
			o := options(m, f, 1)
			o.Settings.Timeout = time.Minute
			w, stop := start(o)
			time.Sleep(time.Second)
			begin := time.Now()
			stop()
			if took := time.Since(begin); took != 5*time.Second {
				t.Errorf("took %s, want the grace of 5s", took)
			}
			if h := w.Health(); m.unacked() != 1 || h.Dead != 0 || h.LastError != "" {
				t.Errorf("it did not stay in the outbox, or the end was called a failure: %+v", h)
			}
		})
	})
	t.Run("receipts that cannot be stored do not hold it up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, f := newMemory(), &far{}
			f.do = func(context.Context, event.Alert) error { m.fail(errors.New("bus is gone")); return nil }
			m.put(t, firing(0, 0)[0])
			_, stop := start(options(m, f, 1))
			time.Sleep(time.Minute)
			begin := time.Now()
			stop()
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if m.unacked() != 1 {
				t.Error("acknowledged without a receipt")
			}
		})
	})
	t.Run("before anything could be loaded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			m.fail(errors.New("bus is gone"))
			_, stop := start(options(m, &far{}, 1))
			time.Sleep(time.Minute)
			stop()
		})
	})
}

func TestReceiptComesBeforeAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(context.Context, event.Alert) error {
			m.fail(errors.New("no space left on device"))
			return nil
		}
		for n := range 20 {
			m.put(t, firing(n, 0)...)
		}
		_, stop := start(options(m, f, 4))
		defer stop()
		time.Sleep(10 * time.Minute)
		if m.unacked() != 80 || len(f.ids()) != 80 {
			t.Errorf("%d of 80 unacknowledged, %d sent", m.unacked(), len(f.ids()))
		}
		if m.stores > 200 {
			t.Errorf("%d attempts to store in ten minutes", m.stores)
		}
		f.do = nil
		m.fail(nil)
		time.Sleep(time.Minute)
		if m.unacked() != 0 || len(f.ids()) != 80 {
			t.Errorf("%d unacknowledged, %d sent", m.unacked(), len(f.ids()))
		}
	})
}

func TestWhatIsNoAlertIsBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		m.putRaw([]byte("{"))
		m.put(t, firing(0, 0)[0])
		m.putRaw(nil)
		_, stop := start(options(m, f, 3))
		time.Sleep(time.Minute)
		stop()
		if d := m.dead(); len(d) != 2 || string(d[0].Data) != "{" || d[0].Class != sinks.ClassPermanent || !strings.Contains(d[0].Reason, "decode alert") {
			t.Errorf("dead letters: %+v", d)
		}
		if m.unacked() != 0 || len(f.ids()) != 1 {
			t.Errorf("%d unacknowledged, %d sent", m.unacked(), len(f.ids()))
		}
	})
}

func TestHeldDeliveriesAreBoundedAndKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(context.Context, event.Alert) error { return errDown }
		for n := range 500 {
			m.put(t, firing(n, 0)...)
		}
		o := options(m, f, 2)
		o.Window = 64
		w, stop := start(o)
		defer stop()
		time.Sleep(time.Minute + time.Second)
		if h := w.Health().Held; h != 64 || m.out() != 64 {
			t.Errorf("holds %d, outbox handed out %d, want 64", h, m.out())
		}
		if m.alive != 6*64 {
			t.Errorf("%d signs of life in a minute, want %d", m.alive, 6*64)
		}
	})
}

func TestTimeoutIsForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		reg := prometheus.NewRegistry()
		metrics, err := sinks.NewMetrics(reg)
		if err != nil {
			t.Fatal(err)
		}
		f.do = func(ctx context.Context, _ event.Alert) error {
			if len(f.tries()) < 3 {
				<-ctx.Done()
				return fmt.Errorf("post to x: %w", ctx.Err())
			}
			return nil
		}
		m.put(t, firing(0, 0)[0])
		o := options(m, f, 1)
		o.Metrics = metrics
		o.Settings.Timeout = 2 * time.Second
		_, stop := start(o)
		time.Sleep(time.Minute)
		stop()
		want := `
# HELP dswatch_sink_deliveries_total Deliveries settled: delivered, duplicate (already told, not sent), superseded (a repetition after which a later one waits, not sent), expired (a test nobody waits for) or dead (moved to the dead letters).
# TYPE dswatch_sink_deliveries_total counter
dswatch_sink_deliveries_total{outcome="dead",sink="test"} 0
dswatch_sink_deliveries_total{outcome="delivered",sink="test"} 1
dswatch_sink_deliveries_total{outcome="duplicate",sink="test"} 0
dswatch_sink_deliveries_total{outcome="expired",sink="test"} 0
dswatch_sink_deliveries_total{outcome="superseded",sink="test"} 0
# HELP dswatch_sink_failures_total Failed attempts by class: permanent, throttled, timeout, temporary, panic.
# TYPE dswatch_sink_failures_total counter
dswatch_sink_failures_total{class="panic",sink="test"} 0
dswatch_sink_failures_total{class="permanent",sink="test"} 0
dswatch_sink_failures_total{class="temporary",sink="test"} 0
dswatch_sink_failures_total{class="throttled",sink="test"} 0
dswatch_sink_failures_total{class="timeout",sink="test"} 2
# HELP dswatch_sink_retries_total Attempts after the first one of a delivery.
# TYPE dswatch_sink_retries_total counter
dswatch_sink_retries_total{sink="test"} 2
`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want),
			"dswatch_sink_deliveries_total", "dswatch_sink_failures_total", "dswatch_sink_retries_total"); err != nil {
			t.Error(err)
		}
	})
}

// TestCrashes kills the worker at random moments (nothing after the moment
// reaches the far end or the store) and wants nothing lost, nothing out of
// order, and a second copy only of what was accepted without a receipt.
func TestCrashes(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			m, f := newMemory(), &far{}
			want := map[string]bool{}
			for round := range 3 {
				for n := range 10 {
					for _, a := range firing(n, round) {
						m.put(t, a)
						want[a.DeliveryID()] = true
					}
				}
			}
			f.do = func(context.Context, event.Alert) error {
				if rand.IntN(10) == 0 {
					return errDown
				}
				time.Sleep(rand.N(100 * time.Millisecond))
				return nil
			}
			crashes := 0
			for m.unacked() > 0 && crashes < 1000 {
				life := &mortal{memory: m, far: f}
				o := options(m, life, 3)
				o.Outbox, o.Receipts, o.Dead = life, life, life
				_, stop := start(o)
				time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond)
				life.kill()
				stop()
				m.restart()
				crashes++
			}
			got := map[string]int{}
			var firsts []event.Alert
			for _, a := range f.accepted {
				if got[a.DeliveryID()]++; got[a.DeliveryID()] == 1 {
					firsts = append(firsts, a)
				}
			}
			for id := range want {
				if got[id] == 0 {
					t.Errorf("seed %d: %s was lost", seed, id)
				}
			}
			if len(m.letters) > 0 {
				t.Errorf("seed %d: dead letters %v", seed, m.letters)
			}
			wantOrder(t, firsts)
			if extra := len(f.accepted) - len(want); extra > 6*crashes {
				t.Errorf("seed %d: %d second copies after %d crashes", seed, extra, crashes)
			}
		})
	}
}

// mortal is the world of one worker until it is killed.
type mortal struct {
	*memory
	far  *far
	mu   sync.Mutex
	dead bool
}

var errKilled = errors.New("killed")

func (l *mortal) kill() { l.mu.Lock(); defer l.mu.Unlock(); l.dead = true }

// alive runs do unless the process is dead; a kill never falls into do.
func (l *mortal) alive(do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errKilled
	}
	return do()
}

func (l *mortal) Send(ctx context.Context, a event.Alert) error {
	if err := l.far.do(ctx, a); err != nil {
		return err
	}
	return l.alive(func() error {
		l.far.mu.Lock()
		defer l.far.mu.Unlock()
		l.far.accepted = append(l.far.accepted, a)
		return nil
	})
}

func (l *mortal) Store(ctx context.Context, rs []event.Receipt) error {
	time.Sleep(time.Millisecond) // a kill may fall between acceptance and receipt
	return l.alive(func() error { return l.memory.Store(ctx, rs) })
}

func (l *mortal) Bury(ctx context.Context, x sinks.Letter) error {
	return l.alive(func() error { return l.memory.Bury(ctx, x) })
}

func (l *mortal) Next(ctx context.Context, most int) ([]sinks.Delivery, error) {
	ds, err := l.memory.Next(ctx, most)
	for i := range ds {
		ds[i] = mortalDelivery{ds[i], l}
	}
	return ds, err
}

type mortalDelivery struct {
	sinks.Delivery
	l *mortal
}

func (d mortalDelivery) Ack() error { return d.l.alive(d.Delivery.Ack) }

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

// BenchmarkWorker measures what one delivery costs apart from the far end,
// the outbox and the store.
// TestDeliveringAllocatesLittle: a delivery costs no more than the 31 allocations
// before what is said was data.
func TestDeliveringAllocatesLittle(t *testing.T) {
	const n = 500
	m := newMemory()
	for i := range n {
		m.put(t, firing(i, 0)[0])
	}
	all := make(chan struct{})
	o := options(m, &counting{n: n, all: all}, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, stop := start(o)
	<-all
	runtime.ReadMemStats(&after)
	stop()
	if each := (after.Mallocs - before.Mallocs) / n; each > 31 {
		t.Errorf("%d allocations for each", each)
	}
}

func BenchmarkWorker(b *testing.B) {
	for _, lanes := range []int{1, 16} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			m := newMemory()
			for n := range b.N {
				a := firing(n%20000, n/20000)[0]
				m.put(b, a)
			}
			all := make(chan struct{})
			o := options(m, &counting{n: b.N, all: all}, lanes)
			b.ReportAllocs()
			b.ResetTimer()
			_, stop := start(o)
			<-all
			b.StopTimer()
			stop()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

type counting struct {
	mu  sync.Mutex
	n   int
	all chan struct{}
}

func (c *counting) Send(context.Context, event.Alert) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 {
		close(c.all)
	}
	return nil
}
