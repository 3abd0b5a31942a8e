package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

func TestOpenAgain(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	cfg.Dir = filepath.Join(cfg.Dir, "made", "here")
	for i := range 3 {
		b, err := bus.Open(t.Context(), cfg, bus.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		publish(t, b, bus.Message{Subject: subject, ID: strconv.Itoa(i), Data: []byte(strconv.Itoa(i))})
		if got := stored(t, b, bus.Events, ""); len(got) != i+1 {
			t.Errorf("after opening %d times there is %q", i+1, got)
		}
		bustest.Close(t, b)
		if err := b.Ping(t.Context()); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("ping after close: %v", err)
		}
	}
	st, err := os.Stat(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && st.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %o", st.Mode().Perm())
	}
}

func TestOpenIsQuiet(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := bustest.Config(t)
	b, err := bus.Open(t.Context(), cfg, bus.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, numbered(subject, 10)...)
	next(t, consumer(t, b, bus.ConsumerConfig{Stream: bus.Events, Durable: "rules"}), 10)
	bustest.Close(t, b)
	if log.Len() > 0 {
		t.Errorf("a healthy bus logged:\n%s", log.String())
	}
}

func TestSecondProcessIsToldWhoHasIt(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	if _, running, err := bus.Running(cfg.Dir); running || err != nil {
		t.Fatalf("an empty directory is in use: %v", err)
	}
	b, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, running, err := bus.Running(cfg.Dir)
	if err != nil || !running || o.PID != os.Getpid() || time.Since(o.Since) > time.Minute {
		t.Errorf("running: %+v, %v, %v", o, running, err)
	}
	_, err = bus.Open(t.Context(), cfg, bus.Options{})
	if !errors.Is(err, bus.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) || !strings.Contains(err.Error(), "bus.dir") {
		t.Errorf("second open: %v", err)
	}
	bustest.Close(t, b)
	if _, running, err := bus.Running(cfg.Dir); running || err != nil {
		t.Errorf("a closed bus is in use: %v", err)
	}
}

func TestRunningDoesNotDisturbOpen(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	bustest.Close(t, bustest.Open(t, cfg)) // so that the lock file is there
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			bus.Running(cfg.Dir)
		}
	}()
	for range 3 {
		b, err := bus.Open(t.Context(), cfg, bus.Options{})
		if err != nil {
			t.Fatal(err)
		}
		bustest.Close(t, b)
	}
}

func TestBadDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, text string }{
		"a file":       {file, "set bus.dir"},
		"below a file": {filepath.Join(file, "dir"), "set bus.dir"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := bustest.Config(t)
			cfg.Dir = c.dir
			_, err := bus.Open(t.Context(), cfg, bus.Options{})
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNoSpace(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	b.NoteFree(bus.Reserve - 1)
	for what, err := range map[string]error{
		"publish": b.Publish(t.Context(), bus.Message{Subject: subject}),
		"ping":    b.Ping(t.Context()),
		"put":     func() error { _, err := b.Bucket(bus.Items).Put(t.Context(), "a", nil); return err }(),
	} {
		if !errors.Is(err, bus.ErrNoSpace) || !strings.Contains(err.Error(), "make room") {
			t.Errorf("%s: %v", what, err)
		}
	}
	b.NoteFree(bus.Reserve) // which the watch also finds out by itself
	publish(t, b, bus.Message{Subject: subject})
}

// directly connects to the server behind the bus, as an operator's tool does.
func directly(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// TestAccountThatMayNotChangeStreams: an account that could use the streams of
// an earlier version can use them still, and its pulse does not pile up.
func TestAccountThatMayNotChangeStreams(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "dswatch", Password: "dswatch", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.UPDATE.>"}}}},
		}
	})
	cfg := bustest.Config(t)
	as := func(user string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), user)
		if err := os.WriteFile(path, []byte(user+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.User, cfg.PasswordFile = user, path
	}
	cfg.URL = s.URL
	as("admin")
	bustest.Close(t, bustest.Open(t, cfg)) // makes the streams
	js := directly(t, strings.Replace(s.URL, "nats://", "nats://admin:admin@", 1))
	for _, name := range []string{bus.Events, bus.Outbox} {
		have, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		old := have.CachedInfo().Config
		old.AllowRollup = false
		if _, err := js.UpdateStream(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	as("dswatch")
	b := bustest.Open(t, cfg)
	for range 3 {
		if err := b.Pulse(t.Context(), bus.EventPulse("web01"), bus.OutboxPulse("nms")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{bus.Events, bus.Outbox} {
		if have, err := js.Stream(t.Context(), name); err != nil || have.CachedInfo().State.Msgs != 0 {
			t.Errorf("%s: %v, %d messages, want none", name, err, have.CachedInfo().State.Msgs)
		}
	}
}

// TestAccountWithoutHistory: an account that may not make the stream of the
// history can do all else, and has it once it may.
func TestAccountWithoutHistory(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "dswatch", Password: "dswatch", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE." + bus.History}}}},
		}
	})
	cfg := bustest.Config(t)
	cfg.URL = s.URL
	as := func(user string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), user)
		if err := os.WriteFile(path, []byte(user+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.User, cfg.PasswordFile = user, path
	}
	as("dswatch")
	b := bustest.Open(t, cfg)
	if err := b.Publish(t.Context(), bus.Message{Subject: "dswatch.event.web01.process", ID: "1"}); err != nil {
		t.Error(err)
	}
	m := bus.Message{Subject: "dswatch.history.2026-10", ID: "1", Data: []byte("{}")}
	if err := b.Publish(t.Context(), m); !errors.Is(err, bus.ErrNoHistory) {
		t.Errorf("published, with %v", err)
	}
	if err := b.MakeHistory(t.Context()); !errors.Is(err, bus.ErrNoHistory) {
		t.Errorf("made, with %v", err)
	}
	as("admin")
	bustest.Close(t, bustest.Open(t, cfg)) // makes it
	if err := b.MakeHistory(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Publish(t.Context(), m); err != nil {
		t.Error(err)
	}
}

func TestStreamWithOtherSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		have jetstream.StreamConfig
		text []string // of the error; none: it can be brought up to date
	}{
		"other limits": {jetstream.StreamConfig{Name: bus.Events, Subjects: []string{"dswatch.event.>"}, MaxAge: time.Hour, MaxMsgs: 5, Description: "ours"}, nil},
		"bucket with history": {jetstream.StreamConfig{
			Name: "KV_" + bus.Items, Subjects: []string{"$KV." + bus.Items + ".>"}, MaxMsgsPerSubject: 5, AllowDirect: true}, nil},
		"in memory": {jetstream.StreamConfig{Name: bus.Events, Subjects: []string{"dswatch.event.>"}, Storage: jetstream.MemoryStorage},
			[]string{"DSWATCH_EVENTS", "storage is Memory, wanted File", "nats stream rm DSWATCH_EVENTS"}},
		"other retention": {jetstream.StreamConfig{Name: bus.Outbox, Subjects: []string{"dswatch.outbox.*"}},
			[]string{"DSWATCH_OUTBOX", "retention is Limits, wanted WorkQueue", "nats stream rm DSWATCH_OUTBOX"}},
		"subjects taken": {jetstream.StreamConfig{Name: "MINE", Subjects: []string{"dswatch.>"}},
			[]string{"DSWATCH_EVENTS", "another stream takes the same subjects", "nats stream ls --subjects"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bustest.NewServer(t, nil)
			js := directly(t, s.URL)
			if _, err := js.CreateStream(t.Context(), c.have); err != nil {
				t.Fatal(err)
			}
			cfg := bustest.Config(t)
			cfg.URL = s.URL
			b, err := bus.Open(t.Context(), cfg, bus.Options{})
			if err == nil {
				defer bustest.Close(t, b)
			}
			if c.text != nil {
				if err == nil {
					t.Fatal("it was accepted")
				}
				for _, want := range c.text {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %q", err, want)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := js.Stream(t.Context(), c.have.Name)
			if err != nil {
				t.Fatal(err)
			}
			now := got.CachedInfo().Config
			switch c.have.Name {
			case bus.Events:
				if now.MaxAge != 72*time.Hour || now.MaxMsgs != -1 || !slices.Equal(now.Subjects, []string{"dswatch.event.>", "dswatch.facts.>"}) {
					t.Errorf("the stream is %+v", now)
				}
				if now.Description != "ours" {
					t.Error("the operator's description is gone")
				}
			default:
				if now.MaxMsgsPerSubject != 1 || now.AllowDirect {
					t.Errorf("the bucket is %+v", now)
				}
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, b, numbered(subject, 10)...)
	got, err := b.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range got {
		names = append(names, u.Name)
		if u.Name == bus.Events && (u.Messages != 10 || u.Bytes == 0 || u.MaxBytes != int64(bus.Defaults().MaxEvents)) {
			t.Errorf("usage is %+v", u)
		}
	}
	want := []string{bus.Dead, bus.Events, bus.History, bus.Outbox, bus.Alerts, bus.Facts, bus.Items, bus.Receipts, bus.Silences}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestFullOutboxDropsTheLongestWaiting(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	cfg.MaxOutbox = 1 << 20
	b := bustest.Open(t, cfg)
	big := make([]byte, 10_000)
	live := consumer(t, b, nms)
	var ms []bus.Message
	for range 150 { // 1.5 MB for a sink that does not work
		ms = append(ms, bus.Message{Subject: "dswatch.outbox.dead", Data: big})
	}
	publish(t, b, ms...)
	publish(t, b, numbered(forNMS, 5)...)
	if got := data(next(t, live, 5)); len(got) != 5 {
		t.Errorf("the working sink got %q", got)
	}
	if n := len(stored(t, b, bus.Outbox, "dswatch.outbox.dead")); n >= 150 || n < 90 {
		t.Errorf("the dead sink has %d of 150 left, want what fits in 1MiB", n)
	}
}

func TestCloseEndsInTime(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, numbered(forNMS, 10)...)
	next(t, consumer(t, b, nms), 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if err := b.Close(ctx); err == nil || time.Since(start) > 2*time.Second {
		t.Errorf("close with an ended context: %v after %s", err, time.Since(start))
	}
	// It goes on in the background; the directory must outlive it.
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, running, _ := bus.Running(cfg.Dir); !running {
			return
		}
	}
	t.Error("the store is still open after 10s")
}

// TestPulseLeavesOneMessage: a pulse takes the place of the one before.
func TestPulseLeavesOneMessage(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t, nil)
	cfg := bustest.Config(t)
	cfg.URL = s.URL
	b := bustest.Open(t, cfg)
	for range 3 {
		if err := b.Pulse(t.Context(), bus.EventPulse("web01"), bus.OutboxPulse("nms")); err != nil {
			t.Fatal(err)
		}
	}
	js := directly(t, s.URL)
	for _, name := range []string{bus.Events, bus.Outbox} {
		if have, err := js.Stream(t.Context(), name); err != nil || have.CachedInfo().State.Msgs != 1 {
			t.Errorf("%s: %v, %+v, want one message", name, err, have.CachedInfo().State)
		}
	}
}
