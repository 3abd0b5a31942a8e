// Package bustest gives tests a real bus: embedded in a directory of the
// test's own, or against a real NATS server or cluster on loopback. Everything
// ends with the test.
package bustest

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/bus"
	"dswatch/test/ports"
)

// Config is an embedded bus in a directory of the test's own. It leaves
// syncing to the operating system: a test that needs another way sets it.
func Config(t testing.TB) bus.Config {
	c := bus.Defaults()
	c.Dir = t.TempDir()
	c.Sync = bus.Sync(time.Minute)
	return c
}

// New returns an embedded bus.
func New(t testing.TB) *bus.Bus {
	t.Helper()
	return Open(t, Config(t))
}

// Open opens a bus and closes it when the test ends. What the bus logs, goes to
// the test's log.
func Open(t testing.TB, c bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), c, bus.Options{Log: Log(t)})
	if err != nil {
		t.Fatalf("open bus: %v", err)
	}
	t.Cleanup(func() { Close(t, b) })
	return b
}

// Close closes a bus; that it does not work fails the test.
func Close(t testing.TB, b *bus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Errorf("close bus: %v", err)
	}
}

// Log writes to the test's log.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// Server is a NATS server with JetStream on loopback.
type Server struct {
	URL string

	t    testing.TB
	opts server.Options
	srv  *server.Server
}

// NewServer starts a server; edit, which may be nil, changes its options.
func NewServer(t testing.TB, edit func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, opts: server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: port(t), NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), DisableJetStreamBanner: true,
	}}
	if edit != nil {
		edit(&s.opts)
	}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server again, at the same address and with what it had
// stored.
func (s *Server) Start() {
	s.t.Helper()
	o := s.opts // the server fills in what it was not told
	srv, err := server.NewServer(&o)
	if err != nil {
		s.t.Fatalf("start NATS server: %v", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		s.t.Fatal("NATS server did not get ready in 10s")
	}
	s.srv, s.URL = srv, srv.ClientURL()
}

// Change edits the options with which the server starts the next time.
func (s *Server) Change(edit func(*server.Options)) { edit(&s.opts) }

// Stop stops the server.
func (s *Server) Stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// Limit lets a stream refuse every message of more than most bytes; -1 lets it
// take them again.
func (s *Server) Limit(t testing.TB, stream string, most int32) {
	t.Helper()
	nc, err := nats.Connect(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	c := st.CachedInfo().Config
	c.MaxMsgSize = most
	if _, err := js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// Cluster starts n servers that form one cluster, and returns when it has a
// leader.
func Cluster(t testing.TB, n int) []*Server {
	t.Helper()
	var at []int
	var routes []string
	for range n {
		port := port(t)
		at, routes = append(at, port), append(routes, "nats://127.0.0.1:"+strconv.Itoa(port))
	}
	out := make([]*Server, n)
	for i := range out {
		out[i] = NewServer(t, func(o *server.Options) {
			o.ServerName = "n" + strconv.Itoa(i)
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: at[i]}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		})
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		for _, s := range out {
			if s.srv.JetStreamIsLeader() && len(s.srv.JetStreamClusterPeers()) == n {
				return out
			}
		}
		if time.Now().After(end) {
			t.Fatal("the NATS cluster has no leader after 20s")
		}
	}
}

// URLs joins the addresses of several servers as `bus.url` takes them.
func URLs(servers []*Server) string {
	var out []string
	for _, s := range servers {
		out = append(out, s.URL)
	}
	return strings.Join(out, ",")
}

func port(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(ports.Free(t, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
