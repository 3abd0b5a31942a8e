package bus_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// TestRepairStore damages a message of a stream and a record of a bucket in a
// stopped store: a check says that one of each is lost and leaves the store
// alone, a repair takes the rest over. The message
// that cannot be read is passed over, and the record is gone.
func TestRepairStore(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b := bustest.Open(t, cfg)
	for i := range 20 {
		publish(t, b, one(forNMS, fmt.Sprintf("message-%02d", i)))
		if _, err := b.Bucket(bus.Items).Put(t.Context(), fmt.Sprint("key", i), fmt.Appendf(nil, "value-%02d", i)); err != nil {
			t.Fatal(err)
		}
	}
	log := bustest.Log(t)
	if _, err := bus.CheckStore(t.Context(), cfg, log); err == nil {
		t.Error("a store in use was checked")
	}
	bustest.Close(t, b)
	lost := func(found []bus.Checked, err error) (out string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			if c.Before == nil {
				t.Errorf("%s could not be opened", c.Name)
			} else if c.Lost > 0 || c.Name == bus.Outbox {
				out += fmt.Sprintf("%s %d of %d; ", c.Name, c.Lost, c.Before.Messages)
			}
		}
		return out
	}
	if got := lost(bus.CheckStore(t.Context(), cfg, log)); got != "DSWATCH_OUTBOX 0 of 20; " {
		t.Errorf("of a good store: %s", got)
	}
	for stream, text := range map[string]string{"DSWATCH_OUTBOX": "message-07", "KV_dswatch_items": "value-11"} {
		name := filepath.Join(cfg.Dir, "jetstream", "$G", "streams", stream, "msgs", "1.blk")
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[bytes.LastIndex(b, []byte(text))] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const want = "DSWATCH_OUTBOX 1 of 20; dswatch_items 1 of 20; "
	for range 2 { // the first leaves it as it is
		if got := lost(bus.CheckStore(t.Context(), cfg, log)); got != want {
			t.Errorf("lost is %s, want %s", got, want)
		}
	}
	found, kept, err := bus.RepairStore(t.Context(), cfg, log)
	if got := lost(found, err); got != want {
		t.Errorf("repaired, lost is %s, want %s", got, want)
	}
	if _, err := os.Stat(filepath.Join(kept, "$G", "streams", "DSWATCH_OUTBOX")); err != nil {
		t.Errorf("the store as it was: %v", err)
	}
	if got := lost(bus.CheckStore(t.Context(), cfg, log)); got != "DSWATCH_OUTBOX 1 of 20; " {
		t.Errorf("after the repair: %s", got)
	}
	b = bustest.Open(t, cfg)
	c := consumer(t, b, nms)
	for i := range 20 {
		if i == 7 {
			continue
		}
		if got := next(t, c, 1)[0]; string(got.Data) != fmt.Sprintf("message-%02d", i) {
			t.Errorf("message %d is %q", i, got.Data)
		} else {
			got.Ack()
		}
	}
	if got := contents(t, b.Bucket(bus.Items), ""); len(got) != 19 {
		t.Errorf("%d records are left", len(got))
	}
}
