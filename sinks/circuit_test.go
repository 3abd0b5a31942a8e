package sinks_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
)

// TestCircuit follows one outage through the three states.
func TestCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		var down atomic.Bool
		var atOnce, most atomic.Int32
		down.Store(true)
		var probing atomic.Bool
		f.do = func(context.Context, event.Alert) error {
			if n := atOnce.Add(1); probing.Load() && n > most.Load() {
				most.Store(n)
			}
			defer atOnce.Add(-1)
			time.Sleep(time.Second)
			if down.Load() {
				return errDown
			}
			return nil
		}
		for n := range 100 {
			m.put(t, firing(n, 0)...)
		}
		o := options(m, f, 8)
		o.Settings.Circuit = sinks.Circuit{Failures: 5, Pause: time.Minute}
		w, stop := start(o)
		defer stop()
		if h := w.Health(); h.Circuit != sinks.Closed || !h.ProbeAt.IsZero() {
			t.Errorf("at the start: %+v", h)
		}
		time.Sleep(2 * time.Second)
		probing.Store(true)
		if h := w.Health(); h.Circuit != sinks.Open || time.Until(h.ProbeAt) <= 0 {
			t.Errorf("after the first failures: %+v", h)
		}
		before := len(f.tries())
		half := false
		for range 3600 {
			time.Sleep(time.Second)
			half = half || w.Health().Circuit == sinks.HalfOpen
		}
		if n := len(f.tries()) - before; n < 3600/61 || n > 3600/30 {
			t.Errorf("%d probes in an hour, want one in 30 to 61 s", n)
		}
		if !half || most.Load() != 1 {
			t.Errorf("half-open: %v, %d attempts at once, want 1", half, most.Load())
		}
		probing.Store(false)
		down.Store(false)
		time.Sleep(5 * time.Minute)
		if h := w.Health(); h.Circuit != sinks.Closed || m.unacked() != 0 {
			t.Errorf("after the outage: %d left, %+v", m.unacked(), h)
		}
		wantOrder(t, f.accepted)
	})
}

// TestOneBadDeliveryOpensNoCircuit: nor do two, while there is one answer.
func TestOneBadDeliveryOpensNoCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(_ context.Context, a event.Alert) error {
			if a.Key.Host == "web00" || a.Key.Host == "web01" {
				return errDown
			}
			return nil
		}
		m.put(t, firing(0, 0)...)
		m.put(t, firing(1, 0)...)
		w, stop := start(options(m, f, 4))
		defer stop()
		for n := range 100 {
			time.Sleep(time.Minute)
			if c := w.Health().Circuit; c != sinks.Closed {
				t.Fatalf("the circuit is %s", c)
			}
			m.put(t, firing(n+2, 0)[0])
		}
		time.Sleep(time.Minute)
		if n := len(f.ids()); n != 100 {
			t.Errorf("%d of 100 others arrived", n)
		}
	})
}

// TestRefusalsOpenNoCircuit: a far end that refuses is there.
func TestRefusalsOpenNoCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemory(), &far{}
		f.do = func(context.Context, event.Alert) error { return sinks.Permanent(errDown) }
		for n := range 50 {
			m.put(t, firing(n, 0)[0])
		}
		w, stop := start(options(m, f, 4))
		defer stop()
		time.Sleep(time.Second)
		if h := w.Health(); h.Circuit != sinks.Closed || h.Dead != 50 {
			t.Errorf("%+v", h)
		}
	})
}

// TestRecoveryDrainsAtTheRate counts what arrives in each second after an
// outage in which 600 deliveries were kept.
func TestRecoveryDrainsAtTheRate(t *testing.T) {
	for _, c := range []struct {
		rate  sinks.Rate
		most  int // in any second
		takes time.Duration
	}{
		{sinks.Rate{Count: 10, Per: time.Second}, 11, time.Minute},
		{sinks.Rate{Count: 30, Per: time.Minute}, 1, 20 * time.Minute},
	} {
		t.Run(c.rate.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemory(), &far{}
				var down atomic.Bool
				down.Store(true)
				f.do = func(context.Context, event.Alert) error {
					if down.Load() {
						return errDown
					}
					return nil
				}
				for n := range 150 {
					m.put(t, firing(n, 0)...)
				}
				o := options(m, f, 16)
				o.Settings.Rate = c.rate
				_, stop := start(o)
				defer stop()
				time.Sleep(time.Hour)
				down.Store(false)
				for len(f.ids()) == 0 {
					time.Sleep(10 * time.Millisecond)
				}
				begin := time.Now()
				from := len(f.tries()) - 1
				for len(f.ids()) < 600 && time.Since(begin) < time.Hour {
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(begin); took < c.takes*9/10 || took > c.takes*11/10 {
					t.Errorf("600 deliveries took %s, want about %s", took, c.takes)
				}
				tries := f.tries()[from:]
				for i := range tries {
					n := 0
					for n < len(tries)-i && tries[i+n].Sub(tries[i]) < time.Second {
						n++
					}
					if n > c.most+1 {
						t.Fatalf("%d attempts in one second, want at most %d", n, c.most)
					}
				}
				wantOrder(t, f.accepted)
			})
		})
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]sinks.Rate{
		"10/s": {Count: 10, Per: time.Second}, "20/m": {Count: 20, Per: time.Minute}, "1/h": {Count: 1, Per: time.Hour}, "0": {},
	} {
		var r sinks.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want || r.String() != text {
			t.Errorf("%s: %+v, %v, written as %s", text, r, err, r)
		}
	}
	for _, text := range []string{"", "10", "/s", "10/", "10/d", "-1/s", "0/s", "1.5/s", "10/s/s", "99999999/s", "ten/s"} {
		var r sinks.Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, r)
		}
	}
}

func FuzzRate(f *testing.F) {
	f.Add("10/s")
	f.Add("0")
	f.Add("1/m")
	f.Fuzz(func(t *testing.T, text string) {
		var r, again sinks.Rate
		if r.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(r.String())); err != nil || again != r {
			t.Errorf("%q became %q and %+v: %v", text, r, again, err)
		}
	})
}

func TestCircuitSettings(t *testing.T) {
	for name, c := range map[string]struct {
		circuit sinks.Circuit
		key     string
	}{
		"default":  {sinks.Defaults(1).Circuit, ""},
		"off":      {sinks.Circuit{}, ""},
		"negative": {sinks.Circuit{Failures: -1, Pause: time.Second}, "circuit.failures"},
		"no pause": {sinks.Circuit{Failures: 1}, "circuit.pause"},
		"a day":    {sinks.Circuit{Failures: 1, Pause: 24 * time.Hour}, "circuit.pause"},
	} {
		s := sinks.Defaults(1)
		s.Name, s.Circuit = "x", c.circuit
		wantKey(t, name, s.Validate(), c.key)
	}
}

// wantKey wants an error about a key, or none for "".
func wantKey(t *testing.T, name string, err error, key string) {
	t.Helper()
	var s *setting.Error
	switch {
	case key == "" && err != nil:
		t.Errorf("%s: refused: %v", name, err)
	case key != "" && (!errors.As(err, &s) || s.Key != key):
		t.Errorf("%s: %v, want an error about %s", name, err, key)
	}
}
