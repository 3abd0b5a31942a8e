//go:build !windows

package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/sync/semaphore"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/words"
)

// serve starts a real sshd that answers every command from the captures.
func serve(t *testing.T, config ...string) *receive.SSHD {
	t.Helper()
	s := receive.StartSSHD(t, config...)
	for command, name := range captures {
		s.Print(t, command, string(capture(t, name)))
	}
	return s
}

// target logs in to s and looks for one item of each kind of the system.
func target(s *receive.SSHD, os string) Target {
	t := Target{TargetConfig: TargetConfig{
		Host: "h", Address: s.Host, Port: s.Port, User: s.User, KeyFile: s.KeyFile, KnownHosts: s.KnownHosts, OS: os, Components: []string{"agent"},
	}}
	for _, it := range []Item{item(event.Driver, 1, "dsa_filter"), item(event.Process, 2, "ds_agent"), item(event.Service, 1, "ds_agent"), portItem(4118)} {
		if os == event.ESXi && it.Key.Kind == event.Driver {
			it = item(event.Driver, 1, "dvfilter-dsa")
		}
		if CanSee(os, it.Key.Kind) {
			t.Items = append(t.Items, it)
		}
	}
	return t
}

func newDetector(t *testing.T, target Target, o Options) *Detector {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	d, err := New(target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// states are what Detect says, by kind.
func states(t *testing.T, d *Detector) map[event.Kind]event.Observation {
	t.Helper()
	seen, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[event.Kind]event.Observation{}
	for _, o := range seen {
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
		out[o.Key.Kind] = o
	}
	return out
}

// TestEverySystem looks at each system through a real sshd that knows the
// fixed commands and no other.
func TestEverySystem(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for os, facts := range map[string]map[event.Name]string{
		"solaris": {event.AgentVersion: "20.0.0.5137"}, "aix": {event.AgentVersion: "20.0.0.5137"},
		"linux": {event.AgentVersion: "20.0.2-1390.el8", event.KernelVersion: "5.14.0-362.el9.x86_64"}, "esxi": {event.ApplianceVersion: "9.5.2-2754"},
	} {
		t.Run(os, func(t *testing.T) {
			var told []event.FactsReport
			d := newDetector(t, target(s, os), Options{Observer: "hub", Tell: func(_ context.Context, r event.FactsReport) error { told = append(told, r); return nil }})
			before := s.Logins()
			for range 2 {
				for kind, o := range states(t, d) {
					if o.State != event.Up {
						t.Errorf("%s is %s: %s", kind, o.State, words.English(o.Detail))
					}
				}
			}
			if n := s.Logins() - before; n != 1 {
				t.Errorf("%d logins for two looks, want the one that is kept", n)
			}
			if len(told) != 2 || told[0].Facts[event.OS].Value != os || told[1].Host != "h" || told[1].Observer != "hub" {
				t.Fatalf("told %+v, want what is declared at first, then what is discovered", told)
			}
			for n, v := range facts {
				if told[1].Facts[n].Value != v {
					t.Errorf("%s is %+v, want %s", n, told[1].Facts[n], v)
				}
			}
		})
	}
	if log := s.Log(); strings.Contains(log, "password") || strings.Contains(log, "pty-req") {
		t.Errorf("a password or a terminal was asked for:\n%s", log)
	}
}

// TestOneCommandFails leaves the items of that command unknown and no others.
func TestOneCommandFails(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tg := target(s, "linux")
	tg.Items = []Item{item(event.Driver, 1, "dsa_filter"), portItem(4118)}
	d := newDetector(t, tg, Options{})
	for name, c := range map[string]struct{ script, why string }{
		"not allowed":   {"echo 'modinfo: cannot open: Permission denied' >&2; exit 1", `status 1 and said "modinfo: cannot open: Permission denied"`},
		"not there":     {"echo 'ksh: modinfo: not found'; exit 127", `status 127 and said "ksh: modinfo: not found"`},
		"no answer":     {"true", "answered nothing"},
		"other answer":  {"echo hello", "cannot read the answer of \"cat /proc/modules\""},
		"escape codes":  {`printf '\033[31mred\033[0m\007' >&2; exit 3`, `status 3 and said "?[31mred?[0m?"`},
		"endless line":  {"head -c 2147483648 /dev/zero", "more than 8388608 bytes"},
		"endless lines": {"yes", "more than 8388608 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s.Answer(t, linuxModules, c.script)
			clear(d.hung)
			got := states(t, d)
			o := got[event.Driver]
			if o.State != event.Unknown || !strings.Contains(words.English(o.Detail), c.why) || !strings.Contains(words.English(o.Detail), "/proc/modules") {
				t.Errorf("the module is %s: %s", o.State, words.English(o.Detail))
			}
			if o := got[event.Port]; o.State != event.Up {
				t.Errorf("the port is %s: %s", o.State, words.English(o.Detail))
			}
		})
	}
}

// TestTheHostFails makes everything unknown, says what to do, and works again
// as soon as the host does.
func TestTheHostFails(t *testing.T) {
	t.Parallel()
	s := serve(t)
	whole := string(capture(t, "esxi-vmkload"))
	const half = "echo 'Name Used Size (kb)'; echo 'user 1 1'; "
	for name, c := range map[string]struct{ script, why string }{
		"hangs":                      {"sleep 60", "no answer in time"},
		"hangs after half an answer": {half + "sleep 60", "no answer in time"},
		"is cut in the middle":       {half + "kill -9 $PPID", "connection was lost"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDetector(t, target(s, "esxi"), Options{})
			states(t, d)
			if strings.Contains(c.script, "sleep") {
				d.opts.Timeout = time.Second
			}
			s.Answer(t, esxiModules, c.script)
			start := time.Now()
			_, err := d.Detect(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > 9*time.Second {
				t.Errorf("it took %s", took)
			}
			s.Print(t, esxiModules, whole)
			d.opts.Timeout = 10 * time.Second
			clear(d.hung) // or it would be left alone
			if o := states(t, d)[event.Driver]; o.State != event.Up {
				t.Errorf("afterwards %s: %s", o.State, words.English(o.Detail))
			}
		})
	}
}

// TestAnswerIsCut: of a listing that ends in the middle, what is in it is seen and
// what is not is no loss, however the end came about.
func TestAnswerIsCut(t *testing.T) {
	t.Parallel()
	s := serve(t)
	d := newDetector(t, target(s, "linux"), Options{})
	whole := string(capture(t, "linux-ps"))
	at := strings.Index(whole, "ds_agent")
	before, after := whole[:at-3], whole[:strings.LastIndex(whole, "\n")]
	file := filepath.Join(t.TempDir(), "half")
	for name, c := range map[string]struct {
		text, end string
		state     event.State
		says      string
	}{
		"before the process":          {before, "", event.Unknown, "ended in the middle of a line"},
		"behind it":                   {after, "", event.Up, ""},
		"and the command was killed":  {before, "kill -9 $$", event.Unknown, "ended"},
		"and it said that it failed":  {before, "exit 3", event.Unknown, "status 3"},
		"and the whole lacks it":      {strings.ReplaceAll(whole, "ds_agent", "xx_agent"), "", event.Down, ""},
		"at the end of a line, whole": {whole, "", event.Up, ""},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Answer(t, linuxPS, "cat "+file+"; "+c.end)
		if o := states(t, d)[event.Process]; o.State != c.state || !strings.Contains(words.English(o.Detail), c.says) {
			t.Errorf("%s: %s, %q", name, o.State, words.English(o.Detail))
		}
	}
}

// TestKeptConnectionWasClosed logs in again within the same look.
func TestKeptConnectionWasClosed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	d := newDetector(t, target(s, "esxi"), Options{})
	states(t, d)
	d.conn.wire.Close()
	if o := states(t, d)[event.Driver]; o.State != event.Up {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
	if n := s.Logins(); n != 2 {
		t.Errorf("%d logins", n)
	}
}

// TestLoginRefused holds that nothing is believed and nobody's key is shown
// to a server that is not the known one.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := filepath.Join(dir, "other")
	otherKey := receive.WriteSSHKey(t, other)
	here := fmt.Sprintf("[127.0.0.1]:%d", s.Port)
	key, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(mustKey(t), "", []byte("hush"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Target)
		why    []string
	}{
		"user key that is not authorized": {func(t *Target) { t.KeyFile = other }, []string{"was refused with the key of " + other, "authorized_keys"}},
		"host key that is not known": {func(t *Target) {
			t.KnownHosts = file("empty", knownhosts.Line([]string{"elsewhere"}, otherKey)+"\n", 0o644)
		}, []string{"no host key of 127.0.0.1", "ssh-keyscan -p", "compare its fingerprint"}},
		"host key that changed": {func(t *Target) {
			t.KnownHosts = file("changed", "# ours\n"+knownhosts.Line([]string{here}, otherKey)+"\n", 0o644)
		}, []string{"has CHANGED", ssh.FingerprintSHA256(s.HostKey), "line 2 has " + ssh.FingerprintSHA256(otherKey)}},
		"host key that was revoked": {func(t *Target) {
			t.KnownHosts = file("revoked", knownhosts.Line([]string{here}, s.HostKey)+"\n@revoked * "+strings.SplitN(knownhosts.Line([]string{"x"}, s.HostKey), " ", 2)[1]+"\n", 0o644)
		}, []string{"is revoked", "find out who answers"}},
		"known_hosts that is not there":   {func(t *Target) { t.KnownHosts = filepath.Join(dir, "none") }, []string{"read known_hosts", "ssh-keyscan"}},
		"known_hosts that cannot be read": {func(t *Target) { t.KnownHosts = file("bad", "x y z\n", 0o644) }, []string{"read known_hosts", "correct the line"}},
		"key that is not there":           {func(t *Target) { t.KeyFile = filepath.Join(dir, "none") }, []string{"read key_file", "ssh-keygen"}},
		"key that others may read":        {func(t *Target) { t.KeyFile = file("open", string(key), 0o644) }, []string{"chmod 600"}},
		"key that is none":                {func(t *Target) { t.KeyFile = file("none.pub", "hunter2", 0o600) }, []string{"not a private key"}},
		"key with a passphrase":           {func(t *Target) { t.KeyFile = file("locked", string(pem.EncodeToMemory(locked)), 0o600) }, []string{"passphrase", "agent: true"}},
		"no server":                       {func(tg *Target) { tg.Port = closed(t); tg.KnownHosts = known(t, dir, tg.Port, otherKey) }, []string{"connect to", "refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			tg := target(s, "esxi")
			c.change(&tg)
			before := s.Logins()
			_, err := newDetector(t, tg, Options{}).Detect(t.Context())
			if err == nil {
				t.Fatal("looked all the same")
			}
			if ja := words.In("ja", nil).Say(words.Of(err)); !strings.Contains(ja, "ください") {
				t.Errorf("in Japanese it is %q", ja)
			}
			for _, part := range c.why {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q: %v", part, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the file: %v", err)
			}
			if s.Logins() != before {
				t.Error("logged in")
			}
		})
	}
}

func mustKey(t *testing.T) any {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func closed(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// known writes a known_hosts with a key for a port of loopback.
func known(t *testing.T, dir string, port int, key ssh.PublicKey) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprint("known-", port))
	if err := os.WriteFile(path, []byte(knownhosts.Line([]string{fmt.Sprintf("[127.0.0.1]:%d", port)}, key)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKnownKeyDecidesTheAlgorithm logs in to a server with two host keys of
// which the one that it would rather show is not known.
func TestKnownKeyDecidesTheAlgorithm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	block, err := ssh.MarshalPrivateKey(mustKey(t).(*rsa.PrivateKey), "")
	if err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(dir, "rsa")
	if err := os.WriteFile(second, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := readKey(second)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, "HostKey "+second)
	tg := target(s, "esxi")
	tg.KnownHosts = known(t, dir, s.Port, signer.PublicKey())
	if o := states(t, newDetector(t, tg, Options{}))[event.Driver]; o.State != event.Up {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
}

// TestLegacyAlgorithms needs the operator's word for a server that can do no
// better.
func TestLegacyAlgorithms(t *testing.T) {
	t.Parallel()
	s := serve(t, "KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc", "MACs hmac-sha1")
	tg := target(s, "esxi")
	_, err := newDetector(t, tg, Options{}).Detect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "legacy_algorithms: true") {
		t.Errorf("%v", err)
	}
	tg.LegacyAlgorithms = true
	if o := states(t, newDetector(t, tg, Options{}))[event.Driver]; o.State != event.Up {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
}

// TestAgent logs in with a key that only an agent has.
func TestAgent(t *testing.T) {
	s := serve(t)
	ring := agent.NewKeyring()
	b, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // t.TempDir may be longer than a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	tg := target(s, "esxi")
	tg.KeyFile, tg.Agent = "", true
	t.Setenv("SSH_AUTH_SOCK", socket)
	if o := states(t, newDetector(t, tg, Options{}))[event.Driver]; o.State != event.Up {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
	for path, why := range map[string]string{"": "SSH_AUTH_SOCK is not set", filepath.Join(dir, "none"): "ask the SSH agent"} {
		t.Setenv("SSH_AUTH_SOCK", path)
		if _, err := newDetector(t, tg, Options{}).Detect(t.Context()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("with %q: %v", path, err)
		}
	}
}

// TestHostileGreetings meets servers that are none: nothing hangs longer than
// the timeout, and what they say is shown clean.
func TestHostileGreetings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := receive.WriteSSHKey(t, filepath.Join(dir, "key"))
	for name, c := range map[string]struct {
		greet func(net.Conn)
		why   string
	}{
		"says nothing":          {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "no end of the handshake in time"},
		"closes at once":        {func(c net.Conn) {}, "look whether an SSH server answers"},
		"is a web server":       {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "look whether an SSH server answers"},
		"greets without an end": {func(c net.Conn) { flood(c, []byte("welcome to \x1b]0;owned\x07 here\r\n")) }, "log in to"},
		"sends without an end": {func(c net.Conn) {
			fmt.Fprint(c, "SSH-2.0-OpenSSH_9.2\r\n")
			flood(c, []byte("\x00\x00\x00\x0c\x0a\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
		}, "more than 1048576 bytes before the login was over"},
		"greets with one line":    {func(c net.Conn) { flood(c, bytes.Repeat([]byte("A"), 4096)) }, "log in to"},
		"has a version of escape": {func(c net.Conn) { fmt.Fprint(c, "SSH-1.5-\x1b[2J\x07evil\r\n"); _, _ = io.Copy(io.Discard, c) }, "log in to"},
		"speaks, then garbage":    {func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH_9.2\r\n"); flood(c, []byte("\xff\xff\xff\xff")) }, "log in to"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					c.greet(conn)
					conn.Close()
				}
			}()
			port := l.Addr().(*net.TCPAddr).Port
			tg := target(&receive.SSHD{Host: "127.0.0.1", Port: port, User: "u", KeyFile: filepath.Join(dir, "key")}, "esxi")
			tg.KnownHosts = known(t, dir, port, key)
			start := time.Now()
			_, err = newDetector(t, tg, Options{Timeout: time.Second}).Detect(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.why) || strings.ContainsAny(err.Error(), "\x1b\x07\r\n") || len(err.Error()) > 1000 {
				t.Errorf("%q", err)
			}
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestBanner logs in to a server that greets before the login, as many do.
func TestBanner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "banner")
	if err := os.WriteFile(path, []byte(strings.Repeat("\x1b[31mauthorised users only\x07\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "Banner "+path)
	if o := states(t, newDetector(t, target(s, "esxi"), Options{}))[event.Driver]; o.State != event.Up || strings.Contains(words.English(o.Detail), "author") {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
}

// flood writes until the other end has enough.
func flood(c net.Conn, b []byte) {
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// TestLossIsConfirmed looks again before it tells a fresh loss: a module that
// reloads is away for some seconds.
func TestLossIsConfirmed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const loaded, away = `Name Used Size (kb)\nuser 1 1\ndvfilter-dsa 2 164\n`, `Name Used Size (kb)\nuser 1 1\n`
	s.Answer(t, esxiModules, "printf '"+loaded+"'")
	d := newDetector(t, target(s, "esxi"), Options{Confirm: 300 * time.Millisecond})
	if o := states(t, d)[event.Driver]; o.State != event.Up {
		t.Fatalf("%s: %s", o.State, words.English(o.Detail))
	}
	looks := func() int { return strings.Count(s.Log(), "Starting session") }
	flag := filepath.Join(t.TempDir(), "flag")
	s.Answer(t, esxiModules, fmt.Sprintf("if [ -e %[1]s ]; then printf '%[2]s'; else touch %[1]s; printf '%[3]s'; fi", flag, loaded, away))
	before := looks()
	if o := states(t, d)[event.Driver]; o.State != event.Up || looks() != before+2 {
		t.Errorf("a reload was told as %s after %d looks: %s", o.State, looks()-before, words.English(o.Detail))
	}
	s.Answer(t, esxiModules, "printf '"+away+"'")
	if o := states(t, d)[event.Driver]; o.State != event.Down {
		t.Errorf("a loss was told as %s: %s", o.State, words.English(o.Detail))
	}
	before = looks()
	if o := states(t, d)[event.Driver]; o.State != event.Down || looks() != before+1 {
		t.Errorf("a loss that lasts was told as %s after %d looks: %s", o.State, looks()-before, words.English(o.Detail))
	}
}

// TestManyHosts looks at 12 hosts, two of which hang, four at a time: the
// others do not wait for those, and each has its own answer.
func TestManyHosts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	const patience = time.Minute
	o := Options{Timeout: patience, Gate: semaphore.NewWeighted(4)}
	hanging, end := context.WithCancel(t.Context())
	var healthy, all sync.WaitGroup
	start := time.Now()
	for i := range 12 {
		tg := target(s, "esxi")
		if i%5 == 2 && i < 10 {
			tg.Port, tg.KnownHosts = port, known(t, t.TempDir(), port, s.HostKey)
			d := newDetector(t, tg, o)
			all.Go(func() {
				if seen, err := d.Detect(hanging); err == nil {
					t.Errorf("host %d: %v", i, seen)
				}
			})
			continue
		}
		d := newDetector(t, tg, o)
		healthy.Go(func() {
			if seen, err := d.Detect(t.Context()); err != nil || seen[0].State != event.Up {
				t.Errorf("host %d: %v %v", i, seen, err)
			}
		})
	}
	healthy.Wait()
	if took := time.Since(start); took > patience/2 {
		t.Errorf("hosts that answer took %s", took)
	}
	end()
	all.Wait()
}

// TestPatience: two looks for each round of the queue, and once what lies
// between two looks.
func TestPatience(t *testing.T) {
	o := Options{Timeout: 10 * time.Second, Confirm: 3 * time.Second}
	for targets, rounds := range map[int]int{0: 1, 1: 1, Parallel: 1, Parallel + 1: 2, 2 * Parallel: 2, 2*Parallel + 1: 3, 10 * Parallel: 10} {
		if got, want := Patience(o, targets), time.Duration(rounds)*20*time.Second+4*time.Second; got != want {
			t.Errorf("of %d hosts: %s, want %s", targets, got, want)
		}
	}
}

// TestContradiction logs once that the host denies what was declared.
func TestContradiction(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var log bytes.Buffer
	tg := target(s, "linux")
	tg.Facts.AgentVersion = "12.0.0-100"
	var last event.FactsReport
	d := newDetector(t, tg, Options{
		Log:  slog.New(slog.NewTextHandler(&log, nil)),
		Tell: func(_ context.Context, r event.FactsReport) error { last = r; return nil },
	})
	states(t, d)
	states(t, d)
	if n := strings.Count(log.String(), "agent_version is declared as 12.0.0-100"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	if last.Facts[event.AgentVersion].Value != "12.0.0-100" {
		t.Errorf("the declared value does not count: %+v", last.Facts)
	}
}

// TestFailedTellComesAgain loses no report.
func TestFailedTellComesAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	n := 0
	d := newDetector(t, target(s, "esxi"), Options{Tell: func(context.Context, event.FactsReport) error {
		if n++; n < 4 {
			return io.ErrClosedPipe
		}
		return nil
	}})
	for range 3 {
		states(t, d)
	}
	if n != 4 {
		t.Errorf("told %d times", n)
	}
}

// TestDoor: who logs in waits at the door of the server, with its deadline,
// and lets the next one in.
func TestDoor(t *testing.T) {
	t.Parallel()
	s := serve(t)
	door := semaphore.NewWeighted(1)
	d := newDetector(t, target(s, "esxi"), Options{Door: door})
	if err := door.Acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if seen, err := d.Detect(ctx); err == nil {
		t.Errorf("it did not wait at the door: %v", seen)
	}
	door.Release(1)
	for range 2 {
		if seen, err := d.Detect(t.Context()); err != nil || seen[0].State != event.Up {
			t.Errorf("%v %v", seen, err)
		}
		d.Close()
	}
	if !door.TryAcquire(1) {
		t.Error("it stays in the door")
	}
}

// TestOnlyOn: a row of the operator's is one of the target's system where it
// does not name another.
func TestOnlyOn(t *testing.T) {
	rows := []catalog.Row{{Name: "a"}, {Name: "b", OS: []string{event.Solaris}}}
	got := onlyOn(event.Linux, rows)
	if !slices.Equal(got[0].OS, []string{event.Linux}) || !slices.Equal(got[1].OS, []string{event.Solaris}) || rows[0].OS != nil {
		t.Errorf("%v of %v", got, rows)
	}
}

// TestNewKeyFile: the key of the login and the known host keys are read at each
// login, so what was replaced counts without a restart.
func TestNewKeyFile(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tg := target(s, "linux")
	right, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	tg.KeyFile = filepath.Join(t.TempDir(), "id")
	receive.WriteSSHKey(t, tg.KeyFile)
	d := newDetector(t, tg, Options{})
	if _, err := d.Detect(t.Context()); err == nil || !strings.Contains(err.Error(), "was refused with the key of "+tg.KeyFile) || !strings.Contains(err.Error(), "authorized_keys") {
		t.Fatalf("with another key: %v", err)
	}
	if err := os.WriteFile(tg.KeyFile, right, 0o600); err != nil {
		t.Fatal(err)
	}
	for kind, o := range states(t, d) {
		if o.State != event.Up {
			t.Errorf("with the right key %s is %s: %s", kind, o.State, words.English(o.Detail))
		}
	}
}

// TestServerThatJamsTheLibrary: a server may send what makes the SSH library
// wait for ever, even when its connection is closed (a malformed exit-status,
// then more requests than it keeps). The look ends in its time all the same.
func TestServerThatJamsTheLibrary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	public := receive.WriteSSHKey(t, filepath.Join(dir, "host"))
	receive.WriteSSHKey(t, filepath.Join(dir, "key"))
	signer, err := readKey(filepath.Join(dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go jam(c, config)
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	tg := target(&receive.SSHD{Host: "127.0.0.1", Port: port, User: "u", KeyFile: filepath.Join(dir, "key")}, "esxi")
	tg.KnownHosts = known(t, dir, port, public)
	d := newDetector(t, tg, Options{Timeout: 2 * time.Second})
	ended := make(chan error, 1)
	go func() {
		_, err := d.Detect(t.Context())
		ended <- err
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it was believed")
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the look does not end")
	}
}

// jam answers the first command of each session with requests that nobody reads.
func jam(c net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		ch, in, err := n.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range in {
				_ = r.Reply(true, nil)
				_, _ = ch.SendRequest("exit-status", false, []byte{0})
				for range 100 {
					_, _ = ch.SendRequest("x", false, nil)
				}
			}
		}()
	}
}
