package bus_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// slowLine passes connections on to a server. What the server says arrives
// later by the delay that is stored in what it returns.
func slowLine(t *testing.T, to string) (address string, delay *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	delay = &atomic.Int64{}
	type said struct {
		data []byte
		due  time.Time
	}
	pass := func(from, to net.Conn, wait func() time.Duration) {
		line := make(chan said, 1000)
		go func() {
			defer to.Close()
			for s := range line {
				time.Sleep(time.Until(s.due))
				if _, err := to.Write(s.data); err != nil {
					from.Close() // ends the reader, which ends the line
				}
			}
		}()
		defer close(line)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			line <- said{b[:n], time.Now().Add(wait())}
		}
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			go pass(near, far, func() time.Duration { return 0 })
			go pass(far, near, func() time.Duration { return time.Duration(delay.Load()) })
		}
	}()
	return l.Addr().String(), delay
}

// TestScanOverASlowLine: what the server has sent counts until it is here, even
// if that takes longer than a scan waits before it asks what is left.
func TestScanOverASlowLine(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, nil)
	address, delay := slowLine(t, strings.TrimPrefix(s.URL, "nats://"))
	cfg := external(t, s)
	cfg.URL = "nats://" + address
	b := bustest.Open(t, cfg)
	for _, key := range []string{"a", "b"} {
		if _, err := b.Bucket(bus.Items).Create(t.Context(), key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	delay.Store(int64(1200 * time.Millisecond))
	got := contents(t, b.Bucket(bus.Items), "")
	delay.Store(0)
	if len(got) != 2 {
		t.Errorf("the bucket holds %q, want a and b", got)
	}
}
