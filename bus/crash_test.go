package bus_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// The tests of this file kill a process that has the bus open. That process is
// this test binary, told by its environment what to do.
const childEnv = "DSWATCH_BUS_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		go func() { // a child must not outlive a test binary that was killed
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		if err := child(what, os.Getenv("DSWATCH_BUS_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// The tests of this package wait for disks and timers far more than they
	// compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func child(what, dir string) error {
	ctx := context.Background()
	cfg := bus.Defaults()
	cfg.Dir = dir
	what, sync, _ := strings.Cut(what, " ")
	if sync != "" {
		if err := cfg.Sync.UnmarshalText([]byte(sync)); err != nil {
			return err
		}
	}
	b, err := bus.Open(ctx, cfg, bus.Options{})
	if err != nil {
		return err
	}
	switch what {
	case "publish":
		return childPublishes(ctx, b)
	case "hold":
		return childHolds(ctx, b)
	case "fill":
		return childFills(ctx, b)
	}
	return fmt.Errorf("no such child: %s", what)
}

// childPublishes tells each message and each key only after it was confirmed.
func childPublishes(ctx context.Context, b *bus.Bus) error {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	k := b.Bucket(bus.Items)
	out := bufio.NewWriter(os.Stdout)
	for i := 0; ; i++ {
		var ms []bus.Message
		for j := range 1 + i%40 {
			id := fmt.Sprint(run, "-", i, "-", j)
			ms = append(ms, bus.Message{Subject: subject, ID: id, Data: []byte(id)})
		}
		if err := b.Publish(ctx, ms...); err != nil {
			return err
		}
		for _, m := range ms {
			fmt.Fprintln(out, "msg", m.ID)
		}
		key := fmt.Sprint("k", i%7)
		rev, err := k.Put(ctx, key, []byte(run+"-"+strconv.Itoa(i)))
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "key", key, rev)
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// childHolds takes the eleven messages of the outbox, settles the first four and
// then does nothing.
func childHolds(ctx context.Context, b *bus.Bus) error {
	c, err := b.Consumer(ctx, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS})
	if err != nil {
		return err
	}
	for n := 0; n < 11; {
		ds, err := c.Next(ctx, 11)
		if err != nil {
			return err
		}
		for _, d := range ds {
			if n++; n <= 4 {
				d.Ack()
			}
		}
	}
	for { // until the server has taken in the settlements
		p, err := b.Pending(ctx, bus.Outbox, "nms")
		if err != nil {
			return err
		}
		if p.Waiting == 0 && p.Held == 7 {
			fmt.Println("held")
			select {}
		}
	}
}

// start runs a child; kill -9 ends it.
func start(t *testing.T, what, dir string) (lines *bufio.Scanner, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, "DSWATCH_BUS_TEST_DIR="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // its end is the child's end
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { kill(); _ = cmd.Wait() })
	return bufio.NewScanner(out), kill
}

func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	for _, sync := range []string{"always", "10m"} {
		t.Run(sync, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			confirmed := map[string]bool{}
			keys := map[string]uint64{}
			for range 6 {
				lines, kill := start(t, "publish "+sync, dir)
				if !lines.Scan() {
					t.Fatal("the child published nothing")
				}
				time.AfterFunc(time.Duration(rand.IntN(250))*time.Millisecond, kill)
				for ok := true; ok; ok = lines.Scan() {
					f := strings.Fields(lines.Text())
					switch {
					case len(f) == 2 && f[0] == "msg":
						confirmed[f[1]] = true
					case len(f) == 3 && f[0] == "key":
						rev, err := strconv.ParseUint(f[2], 10, 64)
						if err != nil {
							continue // torn by the kill
						}
						keys[f[1]] = max(keys[f[1]], rev)
					}
				}
			}
			cfg := bustest.Config(t)
			cfg.Dir = dir
			b := bustest.Open(t, cfg)
			for _, id := range stored(t, b, bus.Events, "") {
				delete(confirmed, id)
			}
			// The last line of each child may be torn into a wrong id.
			torn := 0
			for id := range confirmed {
				if strings.Count(id, "-") == 2 && !strings.HasSuffix(id, "-") {
					torn++
				}
			}
			if torn > 6 {
				t.Errorf("%d confirmed messages are gone, such as %v", len(confirmed), first(confirmed))
			}
			for key, rev := range keys {
				if _, got, err := b.Bucket(bus.Items).Get(t.Context(), key); err != nil || got < rev {
					t.Errorf("%s has revision %d, %v; confirmed was %d", key, got, err, rev)
				}
			}
			if len(keys) == 0 {
				t.Error("no key was written")
			}
		})
	}
}

func first(m map[string]bool) string {
	for k := range m {
		return k
	}
	return ""
}

func TestKillOfAHolder(t *testing.T) {
	t.Parallel()
	for _, renew := range []bool{false, true} {
		t.Run(fmt.Sprintf("renew %v", renew), func(t *testing.T) {
			t.Parallel()
			cfg := bustest.Config(t)
			b, err := bus.Open(t.Context(), cfg, bus.Options{})
			if err != nil {
				t.Fatal(err)
			}
			publish(t, b, numbered(forNMS, 11)...)
			bustest.Close(t, b)
			lines, kill := start(t, "hold", cfg.Dir)
			if !lines.Scan() || lines.Text() != "held" {
				t.Fatalf("the child said %q", lines.Text())
			}
			if _, running, err := bus.Running(cfg.Dir); !running || err != nil {
				t.Errorf("the child is not seen: %v", err)
			}
			kill()
			b = bustest.Open(t, cfg)
			began := time.Now()
			c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, Renew: renew})
			got := data(next(t, c, 7))
			took := time.Since(began)
			most := 8 * time.Second
			if renew {
				most = 2 * time.Second
				if want := []string{"4", "5", "6", "7", "8", "9", "10"}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			slices.Sort(got)
			if want := []string{"10", "4", "5", "6", "7", "8", "9"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if took > most {
				t.Errorf("it took %s, want under %s", took, most)
			}
			t.Logf("all came after %s", took)
		})
	}
}

// copyDir makes dir a copy of from.
func copyDir(t *testing.T, from string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// blocks returns the files that hold the messages of a stream, in order.
func blocks(t *testing.T, dir, stream string) []string {
	t.Helper()
	got, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", stream, "msgs", "*.blk"))
	if err != nil || len(got) == 0 {
		t.Fatalf("blocks of %s: %q, %v", stream, got, err)
	}
	slices.Sort(got)
	return got
}

// TestTornBlock is a power loss as the store sees it: the end of the last
// block did not reach the disk, or only as zeros.
func TestTornBlock(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	publish(t, b, numbered(subject, n)...)
	for _, m := range numbered("k", n) {
		if _, err := b.Bucket(bus.Items).Put(t.Context(), m.ID, m.Data); err != nil {
			t.Fatal(err)
		}
	}
	bustest.Close(t, b)

	for _, zeros := range []bool{false, true} {
		for range 8 {
			c := cfg
			c.Dir = copyDir(t, cfg.Dir)
			var cut [2]int64
			var size [2]int64
			for i, stream := range []string{bus.Events, "KV_" + bus.Items} {
				all := blocks(t, c.Dir, stream)
				last := all[len(all)-1]
				st, err := os.Stat(last)
				if err != nil {
					t.Fatal(err)
				}
				size[i], cut[i] = st.Size(), rand.Int64N(st.Size()+1)
				if err := os.Truncate(last, cut[i]); err != nil {
					t.Fatal(err)
				}
				if zeros {
					if err := os.Truncate(last, size[i]); err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Run(fmt.Sprintf("zeros %v, %d of %d and %d of %d", zeros, cut[0], size[0], cut[1], size[1]), func(t *testing.T) {
				b := bustest.Open(t, c)
				got := stored(t, b, bus.Events, "")
				// One record is a little over size/n long; nothing before the
				// cut may be gone, and nothing may be invented.
				least := int(cut[0]*n/size[0]) - 2
				if len(got) < least || len(got) > n {
					t.Errorf("%d of %d messages are left, want at least %d", len(got), n, least)
				}
				for i, g := range got {
					if g != strconv.Itoa(i) {
						t.Fatalf("message %d is %q", i, g)
					}
				}
				keys := contents(t, b.Bucket(bus.Items), "")
				if least := int(cut[1]*n/size[1]) - 2; len(keys) < least {
					t.Errorf("%d of %d keys are left, want at least %d", len(keys), n, least)
				}
				// The store goes on.
				publish(t, b, bus.Message{Subject: subject, Data: []byte("new")})
				if _, err := b.Bucket(bus.Items).Put(t.Context(), "new", []byte("new")); err != nil {
					t.Fatal(err)
				}
				bustest.Close(t, b)
				b = bustest.Open(t, c)
				if again := stored(t, b, bus.Events, ""); !slices.Equal(again, append(got, "new")) {
					t.Errorf("after another start there are %d messages, want %d", len(again), len(got)+1)
				}
			})
		}
	}
}

// TestTornFiles damages each of the small files of the store.
func TestTornFiles(t *testing.T) {
	t.Parallel()
	cfg := bustest.Config(t)
	b, err := bus.Open(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, numbered(forNMS, 5)...)
	c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS})
	for _, d := range next(t, c, 5)[:2] {
		d.Ack()
	}
	bustest.Close(t, b)

	files := []string{"meta.inf", "meta.sum", "msgs/index.db", "obs/nms/o.dat", "obs/nms/meta.inf", "obs/nms/meta.sum"}
	harm := map[string]func(name string, text []byte) error{
		"cut in half": func(name string, text []byte) error { return os.WriteFile(name, text[:len(text)/2], 0o600) },
		"zeroed":      func(name string, text []byte) error { return os.WriteFile(name, make([]byte, len(text)), 0o600) },
		"scrambled": func(name string, text []byte) error {
			for i := range text {
				text[i] ^= byte(i + 1)
			}
			return os.WriteFile(name, text, 0o600)
		},
		"removed": func(name string, _ []byte) error { return os.Remove(name) },
	}
	for _, file := range files {
		for how, harm := range harm {
			t.Run(file+" "+how, func(t *testing.T) {
				t.Parallel()
				c := cfg
				c.Dir = copyDir(t, cfg.Dir)
				name := filepath.Join(c.Dir, "jetstream", "$G", "streams", bus.Outbox, filepath.FromSlash(file))
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := harm(name, text); err != nil {
					t.Fatal(err)
				}
				for i := range 2 {
					var log bytes.Buffer
					b, err := bus.Open(t.Context(), c, bus.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
					if err != nil {
						t.Fatal(err)
					}
					if got := stored(t, b, bus.Outbox, ""); !slices.Equal(got, []string{"2", "3", "4"}) {
						t.Errorf("the outbox holds %q", got)
					}
					c := consumer(t, b, bus.ConsumerConfig{Stream: bus.Outbox, Durable: "nms", Filter: forNMS, Renew: true})
					if got := data(next(t, c, 3)); !slices.Equal(got, []string{"2", "3", "4"}) {
						t.Errorf("got %q", got)
					}
					bustest.Close(t, b)
					if i > 0 && log.Len() > 0 {
						t.Errorf("it was not repaired for good:\n%s", log.String())
					}
				}
			})
		}
	}
}
