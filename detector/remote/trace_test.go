//go:build linux

package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/words"
)

// running counts the processes of this machine whose command line has mark.
func running(t *testing.T, mark string) (n int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		b, _ := os.ReadFile(path)
		if line := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(line, mark) {
			n++
		}
	}
	return n
}

// gone waits until none of them is left.
func gone(t *testing.T, mark string) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); running(t, mark) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d processes of %q are still on the host", running(t, mark), mark)
		}
	}
}

// TestNothingStaysBehind runs commands that hang or do not cease in a real
// shell: whatever they do, none is left on the host, and no more is read of
// them than is bounded.
func TestNothingStaysBehind(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Shell(t)
	for name, c := range map[string]struct {
		command string // its mark is a number of its own
		bound   string // what ends a command on the host
		says    string
		lost    bool // the connection with it
	}{
		"hangs, bounded":              {"sleep 7412", bounds[0], "it did not end in time and was ended on the host", false},
		"ignores the signal, bounded": {`sh -c 'trap "" TERM; sleep 7414; sleep 7414'`, bounds[0], "it did not end in time", false},
		"hangs, watched":              {"sleep 7418", watchdog, "it did not end in time and was ended on the host", false},
		"stopped, watched":            {`sh -c 'kill -STOP $$; sleep 7419'`, watchdog, "it did not end in time and was ended on the host", false},
		"ignores the signal, watched": {`sh -c 'trap "" TERM HUP INT; exec sleep 7420'`, watchdog, "it did not end in time and was ended on the host", false},
		"endless answer":              {"yes 7415", "", "more than 8388608 bytes", false},
		"endless complaint":           {"yes 7416 >&2", "", "it complained of more than 65536 bytes", false},
		"both":                        {"sh -c 'yes 7417 >&2 & yes 7417'", "", "it complained of more than 65536 bytes", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mark := c.command[strings.Index(c.command, "74"):][:4]
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			conn, err := connect(ctx, target(s, "linux").TargetConfig)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.close()
			conn.findBound(ctx, linux)
			if conn.bound != bounds[0] {
				t.Errorf("timeout(1) was not found: %q", conn.bound)
			}
			conn.bound = c.bound
			patience := 30 * time.Second
			if strings.Contains(c.says, "time") {
				patience = 4 * time.Second
			}
			begin := time.Now()
			short, end := context.WithTimeout(t.Context(), patience)
			defer end()
			_, err = conn.run(short, c.command, linux)
			var hung *hungError
			if !errors.As(err, &hung) || !strings.Contains(err.Error(), c.says) || wasAnswer(err) == c.lost {
				t.Errorf("%v, lost %v", err, !wasAnswer(err))
			}
			if took := time.Since(begin); took > patience+10*time.Second {
				t.Errorf("it took %s", took)
			}
			gone(t, mark)
			time.Sleep(200 * time.Millisecond)
			if n := -conn.wire.left.Load(); n > MaxOutput+4<<20 {
				t.Errorf("%d bytes were read", n)
			}
			if !c.lost {
				if out, err := conn.run(ctx, "echo well", linux); err != nil || string(out) != "well\n" {
					t.Errorf("afterwards %q, %v", out, err)
				}
			}
		})
	}
}

// TestWatchdog: a host without timeout(1) ends a command by a shell alone,
// whichever that is, and what does not hang answers as without it.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Shell(t)
	shells := 0
	for _, shell := range []string{"dash", "bash", "busybox", "mksh", "ksh93"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		shells++
		t.Run(shell, func(t *testing.T) {
			bin := t.TempDir()
			for name, to := range map[string]string{"sh": path, "sleep": "/bin/sleep", "true": "/bin/true", "yes": "/usr/bin/yes"} {
				if err := os.Symlink(to, filepath.Join(bin, name)); err != nil {
					t.Fatal(err)
				}
			}
			env := "env LC_ALL=C PATH=" + bin + " "
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			conn, err := connect(ctx, target(s, "linux").TargetConfig)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.close()
			if conn.findBound(ctx, env); conn.bound != watchdog {
				t.Fatalf("found %q", conn.bound)
			}
			for command, want := range map[string]string{
				"echo 'it''s' well":  "its well\n", // of two quoted parts
				"sleep 0 || echo no": "", "sh -c 'exit 3' || echo end": "end\n", `echo '^N:.*[0-9]$' "a b"`: "^N:.*[0-9]$ a b\n",
			} {
				if out, err := conn.run(ctx, env+command+" ", env); string(out) != want {
					t.Errorf("%s: %q, %v", command, out, err)
				}
			}
			_, err = conn.run(ctx, env+"sh -c 'echo no >&2; exit 3'", env)
			if err == nil || !strings.Contains(err.Error(), "3") || !strings.Contains(err.Error(), "no") {
				t.Errorf("a status: %v", err)
			}
			short, end := context.WithTimeout(t.Context(), 4*time.Second)
			defer end()
			var hung *hungError
			if _, err := conn.run(short, env+"sleep 7431", env); !errors.As(err, &hung) || !wasAnswer(err) {
				t.Errorf("%v", err)
			}
			gone(t, "7431")
			if out, err := conn.run(ctx, env+"echo well", env); err != nil || string(out) != "well\n" {
				t.Errorf("afterwards %q, %v", out, err)
			}
			gone(t, "echo well") // nor what was to watch it
		})
	}
	if shells < 2 {
		t.Errorf("only %d shells were tried", shells)
	}
}

// TestCShell: the commands mean the same to a user whose shell is csh, which
// reads quotes and exclamation marks by rules of its own, and one that hangs is
// ended there as anywhere.
func TestCShell(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, shell := range []string{"bsd-csh", "tcsh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Fatalf("%s is missing: apt-get install csh tcsh", shell)
		}
		t.Run(shell, func(t *testing.T) {
			s.Runs(t, "exec "+path+` -c "$SSH_ORIGINAL_COMMAND"`) // as sshd does with a shell of passwd(5)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			conn, err := connect(ctx, target(s, "linux").TargetConfig)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.close()
			if conn.findBound(ctx, linux); conn.bound != bounds[0] {
				t.Errorf("found %q", conn.bound)
			}
			const odd = `printf '%s|' '^N:.*[0-9]$' '%{A}\n' '${db:Status-Status} ${Version}!'`
			for _, bound := range []string{bounds[0], watchdog} {
				conn.bound = bound
				if out, err := conn.run(ctx, linux+odd, linux); string(out) != `^N:.*[0-9]$|%{A}\n|${db:Status-Status} ${Version}!|` {
					t.Errorf("%s: %q, %v", bound, out, err)
				}
				for _, command := range []string{linuxPS, linuxNested, linuxPorts, linuxKernel} {
					if out, err := conn.run(ctx, command, linux); err != nil || len(out) == 0 {
						t.Errorf("%s: %s: %d bytes, %v", bound, command, len(out), err)
					}
				}
				short, end := context.WithTimeout(t.Context(), 4*time.Second)
				_, err := conn.run(short, linux+"sleep 7433", linux)
				end()
				var hung *hungError
				if !errors.As(err, &hung) || !wasAnswer(err) {
					t.Errorf("%s: %v", bound, err)
				}
				gone(t, "sleep 7433")
			}
		})
	}
}

// TestSignalsBeforeTheEnd: where the host cannot bound a command, the server is
// asked to end it before the connection is closed. OpenSSH does so for every
// user but root.
func TestSignalsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	s := serve(t)
	key, err := readKey(s.KeyFile) // as good a host key as any
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan string, 16)
	go func() {
		defer close(asked)
		raw, err := l.Accept()
		if err != nil {
			return
		}
		c := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
		c.AddHostKey(key)
		_, channels, requests, err := ssh.NewServerConn(raw, c)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for ch := range channels {
			_, more, err := ch.Accept()
			if err != nil {
				return
			}
			for r := range more {
				asked <- r.Type + " " + strings.Trim(string(r.Payload), "\x00\x01\x02\x03\x04\x05\x06\x07\x08")
				_ = r.Reply(true, nil)
			}
		}
	}()
	tg := target(s, "linux")
	tg.Port = l.Addr().(*net.TCPAddr).Port
	tg.KnownHosts = known(t, t.TempDir(), tg.Port, key.PublicKey())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := connect(ctx, tg.TargetConfig)
	if err != nil {
		t.Fatal(err)
	}
	short, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	if _, err := conn.run(short, "sleep 7411", linux); err == nil {
		t.Error("no error")
	}
	var got []string
	for r := range asked {
		got = append(got, r)
	}
	if want := []string{"exec sleep 7411", "signal TERM", "signal KILL"}; len(got) != 3 || !strings.Contains(got[0], "sleep 7411") || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("the server was asked %q, want %q", got, want)
	}
}

// TestHungIsLeftAlone: a command that hung is not run again for a while, what
// others tell is told, and the host is not blamed.
func TestHungIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	d := newDetector(t, target(s, "linux"), Options{Timeout: 2 * time.Second})
	marks := filepath.Join(t.TempDir(), "runs")
	s.Answer(t, linuxPS, fmt.Sprintf("echo x >>%s; exec sleep 60", marks))
	runs := func() int { b, _ := os.ReadFile(marks); return strings.Count(string(b), "x") }
	for ; d.hung[linuxPS].times == 0; d.opts.Timeout += time.Second { // a login may need longer than that here
		seen, err := d.Detect(t.Context())
		if err == nil || len(seen) != len(d.Keys()) {
			t.Fatalf("%v, %d seen", err, len(seen))
		}
	}
	maps.DeleteFunc(d.hung, func(command string, _ hang) bool { return command != linuxPS })
	first := runs()
	d.opts.Timeout = 20 * time.Second
	for range 3 {
		got := states(t, d)
		if o := got[event.Process]; o.State != event.Unknown || !strings.Contains(words.English(o.Detail), "is left alone until") || o.Behind != (event.Key{}) {
			t.Errorf("%+v", o)
		}
		if got[event.Driver].State != event.Up || got[event.Port].State != event.Up || got[event.Heartbeat].State != event.Up {
			t.Errorf("%+v", got)
		}
	}
	if n := runs() - first; n != 0 {
		t.Errorf("it was run %d times more", n)
	}
	for times, pause := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour} {
		h := d.hung[linuxPS]
		if got := h.until.Sub(h.at); got != pause {
			t.Errorf("after %d times it is left alone for %s, want %s", h.times, got, pause)
		}
		if times == 2 {
			h.times = 9
		}
		if times == 1 { // two real ones
			s.Answer(t, linuxPS, "kill -STOP $$")
		}
		h.until = time.Now()
		d.hung[linuxPS] = h
		d.drop()
		d.opts.Timeout = 500 * time.Millisecond
		for n := h.times; d.hung[linuxPS].times == n; { // a login may need longer than that here
			_, _ = d.Detect(t.Context())
			d.opts.Timeout += 500 * time.Millisecond
		}
	}
	s.Print(t, linuxPS, string(capture(t, "linux-ps")))
	h := d.hung[linuxPS]
	h.until = time.Now()
	d.hung[linuxPS] = h
	d.opts.Timeout = 10 * time.Second
	if o := states(t, d)[event.Process]; o.State != event.Up || d.hung[linuxPS].times != 0 {
		t.Errorf("afterwards %+v, %v", o, d.hung)
	}
}

// TestOneCauseForAHost: one item says that the host cannot be reached, and hides
// the others.
func TestOneCauseForAHost(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tg := target(s, "linux")
	tg.Port = 1
	tg.KnownHosts = known(t, t.TempDir(), 1, s.HostKey)
	d := newDetector(t, tg, Options{})
	seen, err := d.Detect(t.Context())
	if err == nil || len(seen) != 1 {
		t.Fatalf("%v, %d seen", err, len(seen))
	}
	way := seen[0]
	if !detector.IsWay(way.Key) || way.State != event.Unknown || way.Veils == "" || way.Behind != (event.Key{}) || !strings.Contains(words.English(way.Detail), "connection refused") {
		t.Errorf("%+v", way)
	}
}

// TestNoneIsBlamedForAnother: what a command that hung has left of the time is
// no fair turn for the next one, which comes first in the next look instead of
// being left alone.
func TestNoneIsBlamedForAnother(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ss := filepath.Join(t.TempDir(), "ss")
	if err := os.WriteFile(ss, capture(t, "linux-ss"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Runs(t, fmt.Sprintf(`case "$SSH_ORIGINAL_COMMAND" in
*"true && echo ok") echo ok;;
*cat*modules|*" ps "*) set -- $SSH_ORIGINAL_COMMAND; exec timeout -k 2 $7 sleep 60;;
*) cat %s;;
esac
`, ss))
	d := newDetector(t, target(s, "linux"), Options{Timeout: 12 * time.Second})
	for n, want := range []map[event.Kind]string{
		{event.Driver: "was ended on the host; run it by hand as the same user, or raise detectors.remote.timeout; it is left alone until", event.Process: "not asked for, because of what came before", event.Port: "not asked for"},
		{event.Driver: "left alone until", event.Process: "left alone until", event.Port: "not asked for"},
		{event.Driver: "left alone until", event.Process: "left alone until", event.Port: ""},
	} {
		got := states(t, d)
		for kind, says := range want {
			if o := got[kind]; (o.State == event.Up) != (says == "") || !strings.Contains(words.English(o.Detail), says) {
				t.Errorf("look %d: %s is %s, %q, want %q", n+1, kind, o.State, words.English(o.Detail), says)
			}
		}
	}
}
