package bus_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// Sizes of what dswatch stores: an event is about 600 bytes, a status and an
// alert about 1,000, a receipt about 150.
var (
	eventBytes   = make([]byte, 600)
	statusBytes  = make([]byte, 1000)
	receiptBytes = make([]byte, 150)
)

// rate reports b.N*per things per second, and the processor time for each,
// which other programs on the machine disturb less.
func rate(b *testing.B, what string, per int, cpu time.Duration) {
	n := float64(b.N * per)
	b.ReportMetric(n/b.Elapsed().Seconds(), what+"/s")
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1e3/n, "cpu-us/"+what[:len(what)-1])
	b.ReportMetric(0, "ns/op")
}

func benchBus(b *testing.B, sync bus.Sync) *bus.Bus {
	cfg := bustest.Config(b)
	cfg.Sync = sync
	return bustest.Open(b, cfg)
}

var messageID atomic.Uint64

func events(n int) []bus.Message {
	out := make([]bus.Message, n)
	for i := range out {
		out[i] = bus.Message{Subject: subject, ID: "bench-0123456789-" + strconv.FormatUint(messageID.Add(1), 10), Data: eventBytes}
	}
	return out
}

func benchPublish(b *testing.B, sync bus.Sync) {
	for _, n := range []int{1, 16, 256} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			to := benchBus(b, sync)
			cpu := cpuTime()
			for b.Loop() {
				publish(b, to, events(n)...)
			}
			rate(b, "msgs", n, cpu)
		})
	}
}

// One message at a time waits for each; more are on their way together.
func BenchmarkPublishSyncAlways(b *testing.B)   { benchPublish(b, bus.Always) }
func BenchmarkPublishSyncInterval(b *testing.B) { benchPublish(b, bus.Defaults().Sync) }

// BenchmarkPublishBatch publishes 4,096 at a time from four goroutines.
func BenchmarkPublishBatch(b *testing.B) {
	const n, callers = 4096, 4
	to := benchBus(b, bus.Defaults().Sync)
	cpu := cpuTime()
	for b.Loop() {
		var wg sync.WaitGroup
		for range callers {
			ms := events(n / callers)
			wg.Go(func() { publish(b, to, ms...) })
		}
		wg.Wait()
	}
	rate(b, "msgs", n, cpu)
}

// BenchmarkConsume takes and settles what is stored already.
func BenchmarkConsume(b *testing.B) {
	const n = 20000
	for _, c := range []struct{ stream, subject string }{{bus.Events, subject}, {bus.Outbox, forNMS}} {
		b.Run(c.stream, func(b *testing.B) {
			from := benchBus(b, bus.Defaults().Sync)
			var cpu time.Duration
			cfg := bus.ConsumerConfig{Stream: c.stream, Durable: "bench", Filter: c.subject, MaxPending: 2048}
			for b.Loop() {
				b.StopTimer()
				before := cpuTime()
				ms := events(n)
				for i := range ms {
					ms[i].Subject = c.subject
				}
				publish(b, from, ms...)
				cpu += cpuTime() - before
				b.StartTimer()
				got := consumer(b, from, cfg)
				for seen := 0; seen < n; {
					ds, err := got.Next(b.Context(), 512)
					if err != nil {
						b.Fatal(err)
					}
					for _, d := range ds {
						d.Ack()
					}
					seen += len(ds)
				}
				if err := got.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, "msgs", n, cpu)
		})
	}
}

// BenchmarkRoundTrip is the way of a single message: published, confirmed,
// handed out, settled.
func BenchmarkRoundTrip(b *testing.B) {
	over := benchBus(b, bus.Defaults().Sync)
	c := consumer(b, over, bus.ConsumerConfig{Stream: bus.Events, Durable: "bench"})
	cpu := cpuTime()
	for b.Loop() {
		publish(b, over, events(1)...)
		ds, err := c.Next(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		ds[0].Ack()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/trip")
	rate(b, "trips", 1, cpu)
}

// BenchmarkKVPutAll replaces 256 of 20,000 keys, each with its revision.
func BenchmarkKVPutAll(b *testing.B) {
	const n, keys = 256, 20000
	k := benchBus(b, bus.Defaults().Sync).Bucket(bus.Items)
	all := make([]bus.Change, keys)
	for i := range all {
		all[i] = bus.Change{Key: fmt.Sprintf("%024x", i), Value: statusBytes}
	}
	put := func(cs []bus.Change) {
		got, err := k.PutAll(b.Context(), cs)
		if err != nil {
			b.Fatal(err)
		}
		for i, r := range got {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
			cs[i].Expect = r.Revision
		}
	}
	put(all)
	cpu, at := cpuTime(), 0
	for b.Loop() {
		if at+n > keys {
			at = 0
		}
		put(all[at : at+n])
		at += n
	}
	rate(b, "keys", n, cpu)
}

// BenchmarkKVLoad200k opens a store with 200,000 statuses and reads them all, as
// a restart does.
func BenchmarkKVLoad200k(b *testing.B) {
	const n = 200_000
	cfg := bustest.Config(b)
	filled, err := bus.Open(b.Context(), cfg, bus.Options{})
	if err != nil {
		b.Fatal(err)
	}
	cs := make([]bus.Change, n)
	for i := range cs {
		cs[i] = bus.Change{Key: fmt.Sprintf("%024x", i), Value: statusBytes}
	}
	if _, err := filled.Bucket(bus.Items).PutAll(b.Context(), cs); err != nil {
		b.Fatal(err)
	}
	bustest.Close(b, filled)
	cs = nil
	var opening time.Duration
	cpu := cpuTime()
	for b.Loop() {
		start := time.Now()
		again, err := bus.Open(b.Context(), cfg, bus.Options{})
		if err != nil {
			b.Fatal(err)
		}
		opening += time.Since(start)
		seen := 0
		if err := again.Bucket(bus.Items).Load(b.Context(), func(string, []byte, uint64) error { seen++; return nil }); err != nil || seen != n {
			b.Fatalf("%d keys, %v", seen, err)
		}
		b.StopTimer()
		bustest.Close(b, again)
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/restart")
	b.ReportMetric(opening.Seconds()/float64(b.N), "s/open")
	rate(b, "keys", n, cpu)
}

// BenchmarkStateChange is what one change of state costs the bus when two
// sinks are told: one event, one status with its revision, two outbox messages,
// two receipts, three settlements. 20,000 changes run through at once, as in a
// storm.
func BenchmarkStateChange(b *testing.B) {
	for _, sync := range []bus.Sync{bus.Sync(100 * time.Millisecond), bus.Sync(time.Second), bus.Sync(2 * time.Second), bus.Sync(10 * time.Second), bus.Sync(2 * time.Minute), bus.Always} {
		b.Run(sync.String(), func(b *testing.B) { benchStateChange(b, sync) })
	}
}

func benchStateChange(b *testing.B, sync bus.Sync) {
	const n = 20000
	over := benchBus(b, sync)
	sinks := []string{"nms", "hook"}
	revisions := make([]uint64, n)
	var done [2]atomic.Int64
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	work := func(c *bus.Consumer, most int, each func([]*bus.Incoming) error) {
		for {
			ds, err := c.Next(ctx, most)
			if err != nil {
				return
			}
			if err := each(ds); err != nil {
				if ctx.Err() == nil {
					b.Error(err)
				}
				return
			}
			for _, d := range ds {
				d.Ack()
			}
		}
	}
	var changed int
	rules := consumer(b, over, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules", MaxPending: 2048, Renew: true})
	go work(rules, 512, func(ds []*bus.Incoming) error {
		cs := make([]bus.Change, len(ds))
		ms := make([]bus.Message, 0, 2*len(ds))
		for i := range ds {
			item := (changed + i) % n
			cs[i] = bus.Change{Key: fmt.Sprintf("%024x", item), Value: statusBytes, Expect: revisions[item]}
			for _, s := range sinks {
				ms = append(ms, bus.Message{Subject: "dswatch.outbox." + s, ID: s + "." + strconv.Itoa(changed+i), Data: statusBytes})
			}
		}
		got, err := over.Bucket(bus.Items).PutAll(ctx, cs)
		if err != nil {
			return err
		}
		for i, r := range got {
			if r.Err != nil {
				return r.Err
			}
			revisions[(changed+i)%n] = r.Revision
		}
		changed += len(ds)
		return over.Publish(ctx, ms...)
	})
	for i, s := range sinks {
		c := consumer(b, over, bus.ConsumerConfig{Stream: bus.Outbox, Durable: s, Filter: "dswatch.outbox." + s, MaxPending: 1024, Renew: true})
		go work(c, 256, func(ds []*bus.Incoming) error {
			cs := make([]bus.Change, len(ds))
			for k := range ds {
				cs[k] = bus.Change{Key: fmt.Sprintf("%s.%024x", s, (int(done[i].Load())+k)%n), Value: receiptBytes, Expect: bus.Any}
			}
			if _, err := over.Bucket(bus.Receipts).PutAll(ctx, cs); err != nil {
				return err
			}
			done[i].Add(int64(len(ds)))
			return nil
		})
	}
	cpu, rounds := cpuTime(), 0
	for b.Loop() {
		rounds++
		for range n / 500 {
			publish(b, over, events(500)...)
		}
		for done[0].Load() < int64(rounds*n) || done[1].Load() < int64(rounds*n) {
			time.Sleep(time.Millisecond)
		}
	}
	rate(b, "changes", n, cpu)
	b.ReportMetric(peakMiB(), "peak-MiB")
}
