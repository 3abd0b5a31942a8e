package bus_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// TestDamagedRecord flips one byte of a stored record: the others are read at
// once, also by a Watch, and the damaged one is named.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b := bustest.Open(t, cfg)
	for i := range 5 {
		if _, err := b.Bucket(bus.Silences).Put(t.Context(), fmt.Sprint("key", i), fmt.Appendf(nil, "value-%d-value", i)); err != nil {
			t.Fatal(err)
		}
	}
	bustest.Close(t, b)
	name := filepath.Join(cfg.Dir, "jetstream", "$G", "streams", "KV_dswatch_silences", "msgs", "1.blk")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.Index(text, []byte("value-2"))] ^= 1
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b = bustest.Open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	found := map[string]bool{}
	ready := false
	err = b.Bucket(bus.Silences).Watch(ctx, func() { ready = true; cancel() }, func(u bus.Update) { found[u.Key] = true })
	if err != nil || !ready || len(found) != 4 || found["key2"] {
		t.Errorf("watch: %v, ready %v, found %v", err, ready, found)
	}
	d := b.Damages()
	if len(d) != 1 || d[0].Bucket != bus.Silences || d[0].Key != "key2" {
		t.Errorf("damages are %+v", d)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := b.Bucket(bus.Silences).Put(t.Context(), "key2", []byte("again"))
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the damaged key cannot be written: %v", err)
		}
	}
	if got := contents(t, b.Bucket(bus.Silences), ""); len(got) != 5 || got["key2"] != "again" || got["key4"] != "value-4-value" {
		t.Errorf("the bucket holds %q", got)
	}
}

// TestAside keeps the bytes of a record that its reader cannot make sense of,
// and names it once.
func TestAside(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for range 2 {
		b.Bucket(bus.Receipts).Aside("nms.0", []byte("no page"), fmt.Errorf("bad"))
	}
	d := b.Damages()
	if len(d) != 1 {
		t.Fatalf("damages are %+v", d)
	}
	if got, err := os.ReadFile(d[0].File); string(got) != "no page" || err != nil {
		t.Errorf("its bytes are %q, %v", got, err)
	}
}

// TestSettingsOfAnotherVersion gives the settings of a stream and of a consumer
// a field that this version of the server does not know: both work, go on where
// they were, and the files are kept.
func TestSettingsOfAnotherVersion(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b := bustest.Open(t, cfg)
	c := consumer(t, b, nms)
	publish(t, b, one(forNMS, "first"), one(forNMS, "second"))
	next(t, c, 1)[0].Ack()
	bustest.Close(t, b)
	for _, dir := range []string{"DSWATCH_OUTBOX/obs/nms", "KV_dswatch_items"} {
		name := filepath.Join(cfg.Dir, "jetstream", "$G", "streams", filepath.FromSlash(dir), "meta.inf")
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Replace(text, []byte("{"), []byte(`{"of_tomorrow":1,`), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := os.Stat(name + ".broken"); err != nil {
				t.Error(err)
			}
		}()
	}
	b = bustest.Open(t, cfg)
	if _, err := b.Bucket(bus.Items).Put(t.Context(), "a", []byte("1")); err != nil {
		t.Error(err)
	}
	c = consumer(t, b, nms)
	if got := next(t, c, 1); string(got[0].Data) != "second" {
		t.Errorf("got %q", got[0].Data)
	}
}

// TestDamagedHead damages the length of the first message of a stream, behind
// which the server finds nothing any more: what is stored from then on comes to
// the consumer that had settled what was there, and can be read.
func TestDamagedHead(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{bus.Events, bus.Outbox, "KV_" + bus.Items} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			cfg := bustest.Config(t)
			b := bustest.Open(t, cfg)
			rules := bus.ConsumerConfig{Stream: bus.Events, Durable: "rules"}
			outbox, events := consumer(t, b, nms), consumer(t, b, rules)
			for i := range 5 {
				publish(t, b, one(forNMS, fmt.Sprint("before", i)), one(subject, fmt.Sprint("before", i)))
				next(t, outbox, 1)[0].Ack()
				next(t, events, 1)[0].Ack()
			}
			if err := b.Pulse(t.Context(), bus.EventPulse("h"), bus.OutboxPulse("nms")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Bucket(bus.Items).Put(t.Context(), "a", []byte("before")); err != nil {
				t.Fatal(err)
			}
			bustest.Close(t, b)
			blocks, err := filepath.Glob(filepath.Join(cfg.Dir, "jetstream", "$G", "streams", stream, "msgs", "*.blk"))
			if len(blocks) != 1 {
				t.Fatalf("the blocks are %q, %v", blocks, err)
			}
			name := blocks[0]
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text[0] ^= 0x10
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			b = bustest.Open(t, cfg)
			outbox, events = consumer(t, b, nms), consumer(t, b, rules)
			publish(t, b, one(forNMS, "after"), one(subject, "after"))
			for _, c := range []*bus.Consumer{outbox, events} {
				if got := next(t, c, 1); string(got[0].Data) != "after" {
					t.Errorf("got %q", got[0].Data)
				}
			}
			if err := b.Pulse(t.Context(), bus.EventPulse("h"), bus.OutboxPulse("nms")); err != nil {
				t.Error(err)
			}
			for _, key := range []string{"a", "b"} {
				if _, err := b.Bucket(bus.Items).Put(t.Context(), key, []byte("after")); err != nil {
					t.Error(err)
				}
			}
			if got := contents(t, b.Bucket(bus.Items), ""); len(got) != 2 || got["a"] != "after" {
				t.Errorf("the bucket holds %q", got)
			}
			if kept, err := filepath.Glob(filepath.Join(cfg.Dir, "aside", "*", "msgs", "*.blk")); len(kept) != 1 || err != nil {
				t.Errorf("kept are %q, %v", kept, err)
			}
		})
	}
}

// TestNewestSettled stops while older messages wait and the newest is settled:
// nothing is damaged, nothing is set aside, and the older ones come.
func TestNewestSettled(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b := bustest.Open(t, cfg)
	slow := bus.ConsumerConfig{Stream: bus.Outbox, Durable: "slow", Filter: "dswatch.outbox.slow"}
	outbox, _ := consumer(t, b, nms), consumer(t, b, slow)
	publish(t, b, one("dswatch.outbox.slow", "waits"))
	publish(t, b, one(forNMS, "settled"))
	next(t, outbox, 1)[0].Ack()
	bustest.Close(t, b)
	b = bustest.Open(t, cfg)
	if kept, err := filepath.Glob(filepath.Join(cfg.Dir, "aside", "*")); len(kept) > 0 || err != nil {
		t.Errorf("kept are %q, %v", kept, err)
	}
	if got := next(t, consumer(t, b, slow), 1); string(got[0].Data) != "waits" {
		t.Errorf("got %q", got[0].Data)
	}
}
