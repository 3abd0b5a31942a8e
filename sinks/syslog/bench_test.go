//go:build unix

package syslog_test

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
)

// BenchmarkSend measures messages that the far end's TCP has acknowledged,
// beside a plain write of the same bytes, in one run:
//
//	go test ./sinks/syslog -run '^$' -bench Send
//
// "1 in flight" is a round trip for each message; with more, those that wait
// share one. msg/cpu-s is by the CPU time of the process, the far end's
// reading included.
func BenchmarkSend(b *testing.B) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, struct{ io.Reader }{c})
		}
	}()
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	a := sinktest.Sample(1, event.Raised, "en")
	rate := func(b *testing.B, before time.Duration) {
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		b.ReportMetric(float64(b.N)/(cpu(b)-before).Seconds(), "msg/cpu-s")
	}
	b.Run("plain write", func(b *testing.B) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		line := make([]byte, 900)
		before := cpu(b)
		for b.Loop() {
			if _, err := c.Write(line); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, before)
	})
	for _, way := range []struct {
		name     string
		network  string
		body     string
		inFlight int
	}{
		{"udp, 1 in flight", "udp", "text", 1},
		{"tcp, 1 in flight", "tcp", "text", 1},
		{"tcp, 32 in flight", "tcp", "text", 32},
		{"tcp, 256 in flight", "tcp", "text", 256},
		{"tcp cef, 256 in flight", "tcp", "cef", 256},
		{"tcp json, 256 in flight", "tcp", "json", 256},
	} {
		b.Run(way.name, func(b *testing.B) {
			address := l.Addr().String()
			if way.network == "udp" {
				address = u.LocalAddr().String()
			}
			s := newSink(b, config(way.network, address, func(c *syslog.Config) { c.Body, c.Timeout = way.body, 10*time.Minute }))
			ctx, cancel := context.WithTimeout(b.Context(), 9*time.Minute) // the worker's part, not the sink's
			defer cancel()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ReportAllocs()
			before := cpu(b)
			b.ResetTimer()
			for range way.inFlight {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if err := s.Send(ctx, a); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			rate(b, before)
		})
	}
}

// cpu is the CPU time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
