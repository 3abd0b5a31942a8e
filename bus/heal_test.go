package bus_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// told collects what MadeAnew tells.
func openTelling(t *testing.T, cfg bus.Config) (*bus.Bus, chan []string) {
	t.Helper()
	told := make(chan []string, 16)
	b, err := bus.Open(t.Context(), cfg, bus.Options{Log: bustest.Log(t), MadeAnew: func(names []string) { told <- names }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bustest.Close(t, b) })
	return b, told
}

// stores repeats a publish until it succeeds, at most for the time within.
func stores(t *testing.T, b *bus.Bus, within time.Duration, m bus.Message) {
	t.Helper()
	began := time.Now()
	for {
		err := b.Publish(t.Context(), m)
		if err == nil {
			return
		}
		if time.Since(began) > within {
			t.Fatalf("after %s: %v", within, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func one(subject, id string) bus.Message {
	return bus.Message{Subject: subject, ID: id, Data: []byte(id)}
}

// TestDirectoryRemoved takes the whole store away under the open bus.
func TestDirectoryRemoved(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, told := openTelling(t, cfg)
	c := consumer(t, b, nms)
	publish(t, b, one(forNMS, "before"))
	held := next(t, c, 1)
	if err := os.RemoveAll(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	select {
	case names := <-told:
		if len(names) != 8 || !slices.Contains(names, bus.Outbox) || !slices.Contains(names, bus.Items) {
			t.Errorf("made anew are %q", names)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("not noticed within 5s")
	}
	if _, err := c.Next(t.Context(), 1); !errors.Is(err, bus.ErrMadeAnew) {
		t.Errorf("the holder of a place in the lost stream got %v", err)
	}
	stores(t, b, 2*time.Second, one(forNMS, "after"))
	held[0].Ack() // of the lost stream: it must not settle the message that has its place now
	got := next(t, c, 1)
	if string(got[0].Data) != "after" || got[0].Sequence != held[0].Sequence {
		t.Errorf("got %q at %d", got[0].Data, got[0].Sequence)
	}
	got[0].Ack()
	bustest.Close(t, b)
	b = bustest.Open(t, cfg)
	if n, err := b.LastSequence(t.Context(), bus.Outbox); n != 1 || err != nil {
		t.Errorf("opened again, the outbox is at %d, %v", n, err)
	}
}

// TestDirectoryRenamed takes the store away and brings it back: nothing is lost.
func TestDirectoryRenamed(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, told := openTelling(t, cfg)
	publish(t, b, one(subject, "before"))
	if err := os.Rename(cfg.Dir, cfg.Dir+".away"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); !errors.Is(b.Ping(t.Context()), bus.ErrBroken); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not noticed within 5s")
		}
	}
	if err := os.Rename(cfg.Dir+".away", cfg.Dir); err != nil {
		t.Fatal(err)
	}
	stores(t, b, 2*time.Second, one(subject, "after"))
	if n, err := b.LastSequence(t.Context(), bus.Events); n != 2 || err != nil {
		t.Errorf("the events are at %d, %v", n, err)
	}
	if len(told) > 0 {
		t.Errorf("made anew: %q", <-told)
	}
}

// TestStreamsDeleted removes every stream and bucket, one after another, from
// under the open bus.
func TestStreamsDeleted(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, nil)
	b, told := openTelling(t, external(t, s))
	js := directly(t, s.URL)
	events := consumer(t, b, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules"})
	outbox := consumer(t, b, nms)
	for _, name := range []string{bus.Events, bus.Outbox, bus.Dead} {
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		m := one(map[string]string{bus.Events: subject, bus.Outbox: forNMS, bus.Dead: "dswatch.dead.nms"}[name], name)
		stores(t, b, 5*time.Second, m)
		if names := <-told; !slices.Equal(names, []string{name}) {
			t.Errorf("made anew are %q, want %s", names, name)
		}
	}
	for name, c := range map[string]*bus.Consumer{bus.Events: events, bus.Outbox: outbox} {
		if _, err := c.Next(t.Context(), 1); !errors.Is(err, bus.ErrMadeAnew) {
			t.Errorf("%s: got %v", name, err)
		}
		if got := next(t, c, 1); string(got[0].Data) != name {
			t.Errorf("%s: got %q", name, got[0].Data)
		}
	}
	for _, name := range []string{bus.Items, bus.Alerts, bus.Silences, bus.Facts, bus.Receipts} {
		if err := js.DeleteStream(t.Context(), "KV_"+name); err != nil {
			t.Fatal(err)
		}
		k := b.Bucket(name)
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if _, err := k.Put(t.Context(), "a", []byte("1")); err == nil {
				break
			} else if time.Now().After(end) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if names := <-told; !slices.Equal(names, []string{name}) {
			t.Errorf("made anew are %q, want %s", names, name)
		}
	}
}

// TestBucketDeletedUnderAWatch: who only watches a bucket sees it made again,
// too.
func TestBucketDeletedUnderAWatch(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, nil)
	b, _ := openTelling(t, external(t, s))
	watch := func(within time.Duration, began func()) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return b.Bucket(bus.Silences).Watch(ctx, began, func(bus.Update) {})
	}
	err := watch(time.Minute, func() {
		if err := directly(t, s.URL).DeleteStream(t.Context(), "KV_"+bus.Silences); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		t.Fatal("the watch goes on without its bucket")
	}
	again := false
	for end := time.Now().Add(20 * time.Second); !again && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		err = watch(200*time.Millisecond, func() { again = true })
	}
	if !again {
		t.Errorf("cannot be watched again: %v", err)
	}
}

// TestConsumerDeleted removes a durable consumer from under its holder.
func TestConsumerDeleted(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, nil)
	b := bustest.Open(t, external(t, s))
	c := consumer(t, b, nms)
	if err := directly(t, s.URL).DeleteConsumer(t.Context(), bus.Outbox, "nms"); err != nil {
		t.Fatal(err)
	}
	publish(t, b, one(forNMS, "after"))
	if got := next(t, c, 1); string(got[0].Data) != "after" {
		t.Errorf("got %q", got[0].Data)
	}
}

// TestLoginRefused changes the password at the server first and in the file
// later, after the library has been refused more often than it puts up with by
// itself.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(o *server.Options) { o.Username, o.Password = "dswatch", "hunter2" })
	cfg := external(t, s)
	cfg.User, cfg.PasswordFile = "dswatch", write(t, "hunter2\n")
	b := bustest.Open(t, cfg)
	c := consumer(t, b, nms)
	s.Stop()
	s.Change(func(o *server.Options) { o.Password = "hunter3" })
	s.Start()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := b.Ping(t.Context()); errors.Is(err, bus.ErrNotConnected) && errors.Is(err, nats.ErrAuthorization) {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the refusal does not show: %v", err)
		}
	}
	time.Sleep(5 * time.Second) // two more refusals
	if err := os.WriteFile(cfg.PasswordFile, []byte("hunter3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stores(t, b, 5*time.Second, one(forNMS, "after"))
	if got := next(t, c, 1); string(got[0].Data) != "after" {
		t.Errorf("got %q", got[0].Data)
	}
}

// TestClosedForGood closes the connection as the library does when the server
// says something that it does not know.
func TestClosedForGood(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]bus.Config{"embedded": bustest.Config(t), "external": external(t, bustest.NewServer(t, nil))} {
		t.Run(name, func(t *testing.T) {
			b := bustest.Open(t, cfg)
			c := consumer(t, b, nms)
			b.CloseConnection()
			stores(t, b, 5*time.Second, one(forNMS, "after"))
			if got := next(t, c, 1); string(got[0].Data) != "after" {
				t.Errorf("got %q", got[0].Data)
			}
		})
	}
}

// TestNoQuorumAtStart opens the bus while one server of three runs.
func TestNoQuorumAtStart(t *testing.T) {
	t.Parallel()
	servers := bustest.Cluster(t, 3)
	cfg := bustest.Config(t)
	cfg.URL, cfg.Replicas = servers[0].URL, 3
	bustest.Close(t, bustest.Open(t, cfg))
	servers[1].Stop()
	servers[2].Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
	defer cancel()
	b, err := bus.Open(ctx, cfg, bus.Options{Log: bustest.Log(t)})
	if err != nil {
		t.Fatalf("without a quorum: %v", err)
	}
	t.Cleanup(func() { bustest.Close(t, b) })
	c := consumer(t, b, nms)
	if err := b.Publish(t.Context(), one(forNMS, "early")); err == nil {
		t.Error("a publish without a quorum was confirmed")
	}
	servers[1].Start()
	stores(t, b, 25*time.Second, one(forNMS, "after"))
	if got := next(t, c, 1); string(got[0].Data) != "after" {
		t.Errorf("got %q", got[0].Data)
	}
}

// TestBusyIsNotIll: a server that did not get to look whether it listens is not
// replaced; one that says so for a second is.
func TestBusyIsNotIll(t *testing.T) {
	t.Parallel()
	for _, busy := range []int{0, 1, 3, 1000} {
		asked := 0
		s := bus.Health(func() *server.HealthStatus {
			if asked++; asked <= busy {
				return &server.HealthStatus{StatusCode: 503, Error: "failed to be ready for connections after 1ms: "}
			}
			return &server.HealthStatus{StatusCode: 200}
		})
		if (s.StatusCode == 200) != (busy < 1000) {
			t.Errorf("busy %d times: %d", busy, s.StatusCode)
		}
	}
	asked := 0
	bus.Health(func() *server.HealthStatus {
		asked++
		return &server.HealthStatus{StatusCode: 503, Error: "JetStream stream is not current"}
	})
	if asked != 1 {
		t.Errorf("what is wrong was asked for %d times", asked)
	}
}

// TestServerSaysItIsBusy holds the words by which that is known: those of the
// server in go.mod.
func TestServerSaysItIsBusy(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if h := s.Healthz(&server.HealthzOptions{}); !strings.HasPrefix(h.Error, bus.NotListening) {
		t.Errorf("it says %q", h.Error)
	}
}
