package bus

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// redelivery is a message as the server sends it.
type redelivery struct {
	jetstream.Msg
	seq, attempt uint64
	reply        string
}

func (m redelivery) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: m.seq}, NumDelivered: m.attempt}, nil
}
func (m redelivery) Subject() string { return "dswatch.event.a" }
func (m redelivery) Data() []byte    { return nil }
func (m redelivery) Reply() string   { return m.reply }

// TestServerSendsAgain is about what happens when the clock jumps or the
// process was stopped: the server believes that nobody holds a message.
func TestServerSendsAgain(t *testing.T) {
	cfg := Defaults()
	cfg.Dir = t.TempDir()
	b, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	c, err := b.Consumer(t.Context(), ConsumerConfig{Stream: Events, Durable: "rules"})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := b.nc().SubscribeSync("answer.*")
	if err != nil {
		t.Fatal(err)
	}
	handed := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queue)
	}
	answered := func(want string) {
		t.Helper()
		m, err := answers.NextMsg(5 * time.Second)
		if err != nil || m.Subject != want {
			t.Errorf("answered on %v, %v; want %s", m, err, want)
		}
	}
	c.receive(redelivery{seq: 7, attempt: 1, reply: "answer.1"})
	ds, err := c.Next(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	c.receive(redelivery{seq: 7, attempt: 2, reply: "answer.2"})
	if handed() != 0 {
		t.Error("a message that is held was handed out again")
	}
	ds[0].Ack()
	answered("answer.2") // the newest place to answer counts
	c.receive(redelivery{seq: 7, attempt: 3, reply: "answer.3"})
	if handed() != 0 {
		t.Error("a message that was settled was handed out again")
	}
	answered("answer.3") // or it would come for ever
	c.receive(redelivery{seq: 7, attempt: 1, reply: "answer.4"})
	if handed() != 1 {
		t.Error("a new message with an old sequence, as after a stream was made anew, was dropped")
	}
	c.last = "" // no server stands behind these
}

func TestRecent(t *testing.T) {
	r := newRecent(3)
	for i := range uint64(10) {
		r.add(i + 1)
	}
	for i := range uint64(12) {
		if r.has(i) != (i >= 8 && i <= 10) {
			t.Errorf("%d: %v", i, r.has(i))
		}
	}
	if len(r.set) != 3 {
		t.Errorf("it remembers %d", len(r.set))
	}
}
