package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// server is one real nats-server.
type server struct {
	t      *testing.T
	url    string
	conf   string // path of its configuration
	store  string
	more   string // of its configuration
	user   string // empty: nobody logs in
	cmd    *exec.Cmd
	ended  chan struct{}
	listen string
}

var natsServer = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(dswatch), "nats-server")
	build := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nats-server: %w: %s", err, out)
	}
	return path, nil
})

// newServer starts a server that keeps its store in dir.
func newServer(t *testing.T, dir, more string) *server {
	t.Helper()
	s := &server{t: t, store: dir, more: more, listen: freeAddress(t)}
	s.conf = filepath.Join(t.TempDir(), "nats.conf")
	s.url = "nats://" + s.listen
	t.Cleanup(s.kill)
	s.write()
	s.start()
	return s
}

// write writes the configuration.
func (s *server) write() {
	s.t.Helper()
	text := fmt.Sprintf("listen: %q\njetstream: {store_dir: %q, max_file: 1TB}\n%s\n", s.listen, s.store, s.more)
	if s.user != "" {
		text += fmt.Sprintf("authorization: {user: dswatch, password: %q}\n", s.user)
	}
	if err := os.WriteFile(s.conf, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// password makes the running server ask for another password: who is logged in
// with the one before is thrown out.
func (s *server) password(p string) {
	s.t.Helper()
	s.user = p
	s.write()
	_ = s.cmd.Process.Signal(syscall.SIGHUP)
}

func (s *server) start() {
	s.t.Helper()
	program, err := natsServer()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(program, "-c", s.conf)
	out := &lines{}
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(ended) }(s.cmd)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.listen)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			s.t.Fatalf("nats-server ended: %s", out)
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("nats-server is not up after 60s: %s", out)
		}
	}
}

// kill ends it without a chance to tidy up.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// newCluster starts three.
func newCluster(t *testing.T) []*server {
	t.Helper()
	var routes []string
	for range 3 {
		routes = append(routes, freeAddress(t))
	}
	var all []*server
	for i, r := range routes {
		all = append(all, newServer(t, t.TempDir(), fmt.Sprintf("server_name: n%d\ncluster: {name: test, listen: %q, routes: [nats://%s]}", i, r, strings.Join(routes, ", nats://"))))
	}
	return all
}

// side is an operator's connection.
func (s *server) side() (jetstream.JetStream, func()) {
	s.t.Helper()
	var o []nats.Option
	if s.user != "" {
		o = append(o, nats.UserInfo("dswatch", s.user))
	}
	nc, err := nats.Connect(s.url, o...)
	if err != nil {
		s.t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js, nc.Close
}

// onServers is a host whose bus is on external servers.
func onServers(t *testing.T, more string, servers ...*server) *host {
	t.Helper()
	h := newHost(t, filepath.Join(t.TempDir(), "bus"))
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.url)
	}
	h.bus = fmt.Sprintf("{dir: %q, url: %q%s}", h.dir, strings.Join(urls, ","), more)
	return h
}

// through takes a host through a fault: half of its processes are lost before,
// half of them while it lasts, and some come back in it.
func (h *host) through(fault func()) outcome {
	h.t.Helper()
	half := len(h.names) / 2
	h.watches()
	h.down(h.names[:half]...)
	h.settles("before the fault", settling)
	fault()
	took := h.settles("after the fault", 2*time.Minute)
	h.up(h.names...)
	h.settles("all are back", 60*time.Second)
	h.stop()
	return outcome{h.weigh(), took}
}

// flips is what happens while a fault lasts.
func (h *host) flips() {
	half := len(h.names) / 2
	h.down(h.names[half:]...)
	h.up(h.names[:half/2]...)
}

// TestFaultStreams purges and deletes every stream and bucket under the
// running program, as an operator at the server can.
func TestFaultStreams(t *testing.T) {
	t.Parallel()
	names := []string{"DSWATCH_OUTBOX", "KV_dswatch_silences"}
	if long() {
		names = []string{"DSWATCH_EVENTS", "DSWATCH_OUTBOX", "DSWATCH_DEAD", "DSWATCH_HISTORY", "KV_dswatch_items", "KV_dswatch_alerts", "KV_dswatch_silences", "KV_dswatch_facts", "KV_dswatch_receipts"}
	}
	for _, deed := range []string{"purged", "deleted"} {
		for _, name := range names {
			t.Run(deed+" "+name, func(t *testing.T) {
				repeat(t, 1, func(t *testing.T) outcome {
					s := newServer(t, t.TempDir(), "")
					h := onServers(t, "", s)
					h.start()
					return h.through(func() {
						js, end := s.side()
						defer end()
						h.down(h.names[len(h.names)/2]) // one is on its way
						var err error
						if deed == "deleted" {
							err = js.DeleteStream(t.Context(), name)
						} else if st, serr := js.Stream(t.Context(), name); serr == nil {
							err = st.Purge(t.Context())
						} else {
							err = serr
						}
						if err != nil {
							t.Fatal(err)
						}
						h.flips()
						h.settles("after the deed", 60*time.Second)
						h.prog.kill() // what is open is not only in memory
						h.start()
						h.watches()
					})
				})
			})
		}
	}
}

// TestFaultLogin refuses the login for a while, as when a password is rotated
// at the server first.
func TestFaultLogin(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		s := newServer(t, t.TempDir(), "")
		s.password("one")
		secret := filepath.Join(t.TempDir(), "password")
		write(t, secret, "one\n")
		h := onServers(t, fmt.Sprintf(", user: dswatch, password_file: %q", secret), s)
		h.start()
		lasts := 8 * time.Second
		switch n := trials(1); {
		case n > 20: // many short ones
			lasts = time.Second + rand.N(3*time.Second)
		case long():
			lasts = time.Second + rand.N(59*time.Second)
		}
		return h.through(func() {
			s.password("two")
			h.flips()
			time.Sleep(lasts)
			h.alive()
			write(t, secret, "two\n")
		})
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFaultServersDisk fills the disk of the external server. A stream whose
// write failed is given up by the server until it is started again.
func TestFaultServersDisk(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		v := tmpfs(t, "size=64m")
		s := newServer(t, filepath.Join(v.path, "nats"), "")
		h := onServers(t, "", s)
		h.start()
		return h.through(func() {
			free := v.fill()
			h.flips()
			time.Sleep(4 * time.Second)
			h.alive()
			free()
			s.kill() // until then it answers nothing for that stream, and dswatch says so
			s.start()
		})
	})
}

// TestFaultEventsRefused lets the server refuse every change and take the pulse,
// which is smaller: no health may come from what overtakes those that wait, and
// once they are taken nobody waits longer than the next pulse.
func TestFaultEventsRefused(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		s := newServer(t, t.TempDir(), "")
		h := onServers(t, "", s)
		h.start()
		return h.through(func() {
			js, end := s.side()
			defer end()
			limit := func(size int32) {
				t.Helper()
				st, err := js.Stream(t.Context(), "DSWATCH_EVENTS")
				if err != nil {
					t.Fatal(err)
				}
				conf := st.CachedInfo().Config
				conf.MaxMsgSize = size
				if _, err := js.UpdateStream(t.Context(), conf); err != nil {
					t.Fatal(err)
				}
			}
			limit(100)
			h.flips()
			refused := time.Now()
			h.await("it says that changes wait", 40*time.Second, func() bool {
				status, body := h.get("/readyz")
				return status == 503 && strings.Contains(body, "wait before it")
			})
			time.Sleep(time.Until(refused.Add(17 * time.Second))) // the pauses have grown to 16 s
			limit(-1)
			if took := h.settles("they are taken again", time.Minute); took > 10*time.Second {
				t.Errorf("told %s later", took.Round(time.Millisecond))
			}
			h.ready(20 * time.Second)
		})
	})
}

// leader is the server that leads a stream.
func leader(t *testing.T, servers []*server, stream string) *server {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		js, end := servers[0].side()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		st, err := js.Stream(ctx, stream)
		cancel()
		end()
		if err == nil && st.CachedInfo().Cluster != nil {
			for i, s := range servers {
				if st.CachedInfo().Cluster.Leader == fmt.Sprint("n", i) {
					return s
				}
			}
		}
	}
	t.Fatalf("nobody leads %s", stream)
	return nil
}

// TestFaultLeader kills the server that leads the events, or the outbox, of a
// cluster of three while processes come and go.
func TestFaultLeader(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		all := newCluster(t)
		h := onServers(t, ", replicas: 3", all...)
		h.start()
		return h.through(func() {
			stream := []string{"DSWATCH_EVENTS", "DSWATCH_OUTBOX", "KV_dswatch_items"}[rand.N(3)]
			s := leader(t, all, stream)
			storm := make(chan struct{})
			go func() {
				defer close(storm)
				for range 3 {
					h.flips()
					time.Sleep(1200 * time.Millisecond)
					h.up(h.names[len(h.names)/2:]...)
					h.down(h.names[:len(h.names)/2]...)
					time.Sleep(1200 * time.Millisecond)
				}
				h.flips()
			}()
			time.Sleep(rand.N(3 * time.Second))
			s.kill()
			<-storm
			s.start()
		})
	})
}

// TestFaultQuorum stops two of three servers for a while.
func TestFaultQuorum(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		all := newCluster(t)
		h := onServers(t, ", replicas: 3", all...)
		h.start()
		return h.through(func() {
			all[1].kill()
			all[2].kill()
			h.flips()
			time.Sleep(15 * time.Second)
			h.alive()
			if status, _ := h.get("/readyz"); status == 200 {
				t.Error("ready without a quorum")
			}
			all[1].start()
			h.ready(60 * time.Second)
			all[2].start()
		})
	})
}

// TestFaultQuorumAtStart starts the program while two of three servers are
// away: it observes, says what it waits for, and tells everything later.
func TestFaultQuorumAtStart(t *testing.T) {
	repeat(t, 1, func(t *testing.T) outcome {
		all := newCluster(t)
		h := onServers(t, ", replicas: 3", all...)
		h.start()
		h.watches()
		h.stop()
		all[1].kill()
		all[2].kill()
		h.start()
		h.await("it observes", 60*time.Second, func() bool { return strings.Contains(h.prog.log.String(), "msg=watching") })
		h.flips()
		lasts := 10 * time.Second
		if n := trials(1); long() && n <= 20 {
			lasts = 5 * time.Minute
		}
		time.Sleep(lasts)
		h.alive()
		if !strings.Contains(h.prog.log.String(), "it is waited for") {
			t.Error("the log does not say what is waited for")
		}
		if status, body := h.get("/readyz"); status != 503 {
			t.Errorf("ready without a quorum: %d %s", status, body)
		}
		if status, body := h.get("/healthz"); status != 200 {
			t.Errorf("not alive without a quorum: %d %s", status, body)
		}
		all[1].start()
		all[2].start()
		h.ready(60 * time.Second)
		took := h.settles("after the fault", 60*time.Second)
		h.up(h.names...)
		h.settles("all are back", 60*time.Second)
		h.stop()
		return outcome{h.weigh(), took}
	})
}
