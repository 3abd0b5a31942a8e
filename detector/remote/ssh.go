package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/sync/semaphore"

	"dswatch/event"
	"dswatch/words"
)

const (
	// MaxOutput bounds the answer of one command in bytes. ps of a host with
	// 20,000 processes is under 3 MB.
	MaxOutput = 8 << 20

	maxComplaint = 4 << 10   // bytes kept of what a command writes to standard error
	maxErrors    = 64 << 10  // bytes read of it before the command is ended
	large        = 512 << 10 // bytes of an answer above which few are read at the same time
	maxGreeting  = 1 << 20   // bytes a server may send until the user is logged in
	maxFile      = 16 << 20  // bytes of a known_hosts file or a key
)

// connection is one login.
type connection struct {
	client *ssh.Client
	wire   *wire
	bound  string // what bounds a command in time on the host: one of bounds, or watchdog; empty where there is none

	mu      sync.Mutex
	session *ssh.Session // that runs a command now
}

// wire counts what comes in until the login is over.
type wire struct {
	net.Conn
	left atomic.Int64 // bytes that may still come; after the login -1 and less: any number, and how many have come
}

var errGreeting = errors.New("the greeting is too long")

func (w *wire) Read(p []byte) (int, error) {
	left := w.left.Load()
	if left < 0 {
		n, err := w.Conn.Read(p)
		w.left.Add(-int64(n))
		return n, err
	}
	if left == 0 {
		return 0, errGreeting
	}
	n, err := w.Conn.Read(p[:min(int64(len(p)), left)])
	w.left.CompareAndSwap(left, left-int64(n))
	return n, err
}

// connect logs in. Every error says what to do.
func connect(ctx context.Context, t TargetConfig) (*connection, error) {
	address := net.JoinHostPort(t.Address, strconv.Itoa(t.Port))
	check, algorithms, err := hostKeys(t, address)
	if err != nil {
		return nil, err
	}
	auth, done, err := login(t)
	if err != nil {
		return nil, err
	}
	defer done()
	c := &ssh.ClientConfig{User: t.User, Auth: auth, HostKeyAlgorithms: algorithms, ClientVersion: "SSH-2.0-dswatch"}
	var stranger error
	c.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		stranger = check(key)
		return stranger
	}
	if t.LegacyAlgorithms {
		good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
		c.KeyExchanges = append(good.KeyExchanges, bad.KeyExchanges...)
		c.Ciphers = append(good.Ciphers, bad.Ciphers...)
		c.MACs = append(good.MACs, bad.MACs...)
	}
	plain, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, words.FailWith(err, words.SSHNotReached.With(address, err))
	}
	w := &wire{Conn: plain}
	w.left.Store(maxGreeting)
	end := context.AfterFunc(ctx, func() { plain.Close() })
	conn, channels, requests, err := ssh.NewClientConn(w, address, c)
	if !end() && err == nil {
		conn.Close()
		err = ctx.Err()
	}
	if err != nil {
		plain.Close()
		return nil, explain(ctx, t, address, errors.Join(stranger, err))
	}
	w.left.Store(-1)
	return &connection{client: ssh.NewClient(conn, channels, requests), wire: w}, nil
}

// explain says what a failed handshake means.
func explain(ctx context.Context, t TargetConfig, address string, err error) error {
	var key *hostKeyError
	var algorithm *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &key):
		return key
	case ctx.Err() != nil:
		return words.Fail(words.SSHLateLogin.With(address))
	case errors.Is(err, errGreeting):
		return words.FailWith(errGreeting, words.SSHGreeting.With(address, maxGreeting))
	case errors.As(err, &algorithm):
		if t.LegacyAlgorithms {
			return words.Fail(words.SSHOldAlgorithm.With(address, said(err.Error())))
		}
		return words.Fail(words.SSHAlgorithm.With(address, said(err.Error())))
	case strings.Contains(err.Error(), "unable to authenticate"):
		if t.Agent {
			return words.Fail(words.SSHRefusedAgent.With(address, t.User))
		}
		return words.Fail(words.SSHRefusedKey.With(address, t.User, t.KeyFile))
	}
	return words.Fail(words.SSHLogInFailed.With(address, said(err.Error())))
}

// login returns how the user proves who he is, and what to close afterwards.
func login(t TargetConfig) ([]ssh.AuthMethod, func(), error) {
	if !t.Agent {
		key, err := readKey(t.KeyFile)
		if err != nil {
			return nil, nil, err
		}
		return []ssh.AuthMethod{ssh.PublicKeys(key)}, func() {}, nil
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, words.Fail(words.SSHNoAgent.With())
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, words.FailWith(err, words.SSHAgentFailed.With(err))
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return []ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(conn).Signers)}, func() { conn.Close() }, nil
}

// readKey refuses a key that others may read, as ssh(1) does.
func readKey(path string) (ssh.Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, words.FailWith(err, words.KeyMissing.With(err, path))
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, words.Fail(words.KeyOpen.With(path))
	}
	b, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key_file: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, words.Fail(words.KeyLocked.With(path))
	case err != nil: // without its text, which may quote the file
		return nil, words.Fail(words.KeyNone.With(path))
	}
	return signer, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes; write the path of the right file", path, maxFile)
	}
	return b, err
}

// hostKeyError is a key that is not the one in known_hosts.
type hostKeyError struct{ said event.Said }

func (e *hostKeyError) Error() string { return words.English(e.said) }

// Says is what is wrong with the key.
func (e *hostKeyError) Says() event.Said { return e.said }

// hostKeys returns how a host key is judged, and the algorithms of the keys
// that are known: a server with several keys shall show one of those.
func hostKeys(t TargetConfig, address string) (func(ssh.PublicKey) error, []string, error) {
	advice := words.HostKeyTrust.Phrase(strconv.Itoa(t.Port), t.Address, t.KnownHosts)
	if _, err := readFile(t.KnownHosts); err != nil { // knownhosts has no bound of its own
		return nil, nil, words.FailWith(err, words.KnownHostsUnreadable.With(err, advice))
	}
	known, err := knownhosts.New(t.KnownHosts)
	if err != nil {
		return nil, nil, words.Fail(words.KnownHostsBadLine.With(said(err.Error())))
	}
	// Only the name decides, not what it resolves to today.
	nowhere := &net.TCPAddr{IP: net.IPv4zero}
	var want *knownhosts.KeyError
	if err := known(address, nowhere, nobody{}); !errors.As(err, &want) || len(want.Want) == 0 {
		return nil, nil, &hostKeyError{words.HostKeyNone.With(address, t.KnownHosts, advice)}
	}
	check := func(key ssh.PublicKey) error {
		err := known(address, nowhere, key)
		var other *knownhosts.KeyError
		var revoked *knownhosts.RevokedError
		shown := fmt.Sprintf("%s (%s)", ssh.FingerprintSHA256(key), clean(key.Type()))
		switch {
		case err == nil:
			return nil
		case errors.As(err, &revoked):
			return &hostKeyError{words.HostKeyRevoked.With(shown, address, t.KnownHosts, revoked.Revoked.Line)}
		case errors.As(err, &other) && len(other.Want) > 0:
			return &hostKeyError{words.HostKeyChanged.With(address, shown, words.LineOfFile.Phrase(t.KnownHosts, other.Want[0].Line), ssh.FingerprintSHA256(other.Want[0].Key))}
		}
		return &hostKeyError{words.HostKeyRefused.With(shown, address, said(err.Error()), advice)}
	}
	var algorithms []string
	for _, k := range want.Want {
		for _, a := range signatures(k.Key.Type(), t.LegacyAlgorithms) {
			if !slices.Contains(algorithms, a) {
				algorithms = append(algorithms, a)
			}
		}
	}
	return check, algorithms, nil
}

// signatures are the ways in which a key of this type may sign.
func signatures(keyType string, legacy bool) []string {
	if keyType != ssh.KeyAlgoRSA {
		return []string{keyType}
	}
	out := []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	if legacy {
		out = append(out, ssh.KeyAlgoRSA)
	}
	return out
}

// nobody is a key that no file has.
type nobody struct{}

func (nobody) Type() string                        { return "none" }
func (nobody) Marshal() []byte                     { return []byte("none") }
func (nobody) Verify([]byte, *ssh.Signature) error { return errors.New("is no key") }

// close ends the login.
func (c *connection) close() { _ = c.client.Close() }

// answerError is a command that ran, or was refused, on a connection that
// still works.
type answerError struct {
	err    error
	status int    // with which the command ended
	said   string // the first line of what it then said
}

func (e *answerError) Error() string { return e.err.Error() }
func (e *answerError) Unwrap() error { return e.err }

// wasAnswer reports whether the connection outlived err.
func wasAnswer(err error) bool {
	var a *answerError
	return errors.As(err, &a)
}

// bounds are the ways in which timeout(1) is written: GNU and Solaris 11, and
// BusyBox of before 2018. -k: what ignores the first signal is killed.
var bounds = []string{"timeout -k 2", "timeout -t"}

// watchdog is the bound of a host without timeout(1): a shell that runs the
// command beside another one, which kills it when it has slept often enough.
// Any shell since Bourne's knows the words of it. Only the command holds the
// output, so that the server waits for nothing else; of what watches it one
// short sleep may be left. A status above 128 is a signal, which is not the
// same number in each shell.
const watchdog = "sh -c"

// naps is how often the watchdog sleeps at most.
const naps = 30

func watched(command string, seconds int) string {
	nap := (seconds + naps - 1) / naps
	script := command + " & p=$!; (for i in" + strings.Repeat(" 1", (seconds+nap-1)/nap) + "; do sleep " + strconv.Itoa(nap) + "; done; kill -9 $p) </dev/null >/dev/null 2>&1 & w=$!; " +
		"wait $p; s=$?; kill -9 $w; test $s -gt 128 && s=" + strconv.Itoa(killed) + "; exit $s"
	return watchdog + " '" + strings.ReplaceAll(script, "'", `'\''`) + "'"
}

// findBound finds out whether the host can bound a command in time. One that
// may not run this has no bound.
func (c *connection) findBound(ctx context.Context, env string) {
	for _, b := range append(bounds, watchdog) {
		c.bound = b
		_, err := c.output(ctx, c.bounded(env+"true", env, 5*time.Second+farReserve)+quiet)
		if err == nil {
			return
		}
		if c.bound = ""; !wasAnswer(err) {
			return
		}
	}
}

// quiet marks a command that may answer nothing.
const quiet = " && echo ok"

// bounded is command as it ends by itself on the host after left, less what it
// takes to hear of it.
func (c *connection) bounded(command, env string, left time.Duration) string {
	seconds := max(1, int((left - farReserve).Seconds()))
	switch c.bound {
	case "":
		return command
	case watchdog: // of "a || b" it is a that may hang
		first, otherwise, two := strings.Cut(strings.TrimPrefix(command, env), " || ")
		if first = env + watched(first, seconds); two {
			first += " || " + otherwise
		}
		return first
	}
	return env + c.bound + " " + strconv.Itoa(seconds) + " " + strings.TrimPrefix(command, env)
}

const (
	// farReserve is how much earlier a command ends on the host than here.
	farReserve = 2 * time.Second
	// timedOut is the status of timeout(1) when it ended a command, killed when
	// the command had to be killed.
	timedOut, killed = 124, 128 + 9
	// farewell is how long the end of a command may take to be sent.
	farewell = 500 * time.Millisecond
)

// hungError is a command that did not end in time, or did not end its answer.
type hungError struct{ err error }

func (e *hungError) Error() string { return e.err.Error() }
func (e *hungError) Unwrap() error { return e.err }

// abort ends the command that runs, as far as the server lets us, then the
// connection: closing that alone would leave the command on the host.
func (c *connection) abort() {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.kill()
	}()
	select {
	case <-sent:
	case <-time.After(farewell): // the wire is full
	}
	c.close()
}

// kill sends the signals that end a command. A server may ignore them.
func (c *connection) kill() {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s != nil {
		_ = s.Signal(ssh.SIGTERM)
		_ = s.Signal(ssh.SIGKILL)
	}
}

// run runs one command and returns its standard output. After an error that
// is no answer the connection is of no more use.
func (c *connection) run(ctx context.Context, command string, env string) ([]byte, error) {
	end := context.AfterFunc(ctx, c.abort)
	defer end()
	text := command
	if deadline, ok := ctx.Deadline(); ok {
		text = c.bounded(command, env, time.Until(deadline))
	}
	out, err := c.output(ctx, text)
	var answer *answerError
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &answer) && (answer.status == timedOut || answer.status == killed) && text != command:
		return nil, &answerError{err: &hungError{words.Fail(words.SSHKilled.With(strconv.Quote(bare(command))))}}
	case ctx.Err() != nil:
		return nil, &hungError{words.Fail(words.SSHNoAnswer.With(strconv.Quote(bare(command))))}
	}
	return nil, words.FailWith(err, words.SSHRan.With(strconv.Quote(bare(command)), words.Part(words.Of(err), err.Error())))
}

// output is what a command answers. It returns when ctx ends, also where the
// library that speaks SSH does not: a server can send what makes it wait for
// ever, even for a closed connection.
func (c *connection) output(ctx context.Context, command string) ([]byte, error) {
	type answer struct {
		out []byte
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		out, err := c.ask(ctx, command)
		answers <- answer{out, err}
	}()
	select {
	case a := <-answers:
		return a.out, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answers:
		return a.out, a.err
	case <-time.After(2 * farewell): // abort is over
		return nil, words.Fail(words.SSHLost.With(ctx.Err()))
	}
}

// ask runs one command and reads its answer.
func (c *connection) ask(ctx context.Context, command string) ([]byte, error) {
	s, err := c.client.NewSession()
	if err != nil {
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			return nil, &answerError{err: words.Fail(words.SSHNoSession.With(said(refused.Message)))}
		}
		return nil, words.Fail(words.SSHLost.With(said(err.Error())))
	}
	c.mu.Lock()
	c.session = s
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.session = nil
		c.mu.Unlock()
		s.Close()
	}()
	// What says too much is ended on the host, and what it still sends is not
	// read: the window of the channel is not opened again.
	stop := func() { c.kill(); s.Close() }
	complaint := &first{most: maxComplaint, left: maxErrors, over: func() { go stop() }}
	s.Stderr = complaint
	pipe, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.Start(command); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, words.Fail(words.SSHLost.With(err))
		}
		return nil, &answerError{err: words.Fail(words.SSHNotStarted.With(said(err.Error())))}
	}
	out, err := c.read(ctx, pipe)
	switch {
	case complaint.spilt():
		return nil, &answerError{err: &hungError{words.Fail(words.SSHComplains.With(maxErrors, inQuotes(complaint.line(nil))))}}
	case err != nil:
		return nil, words.Fail(words.SSHLost.With(said(err.Error())))
	case len(out) > MaxOutput:
		stop()
		return nil, &answerError{err: &hungError{words.Fail(words.SSHTooLong.With(MaxOutput))}}
	}
	err = s.Wait()
	var exit *ssh.ExitError
	switch {
	case complaint.spilt():
		return nil, &answerError{err: &hungError{words.Fail(words.SSHComplains.With(maxErrors, inQuotes(complaint.line(nil))))}}
	case errors.As(err, &exit):
		line := complaint.line(out)
		return nil, &answerError{err: words.Fail(words.SSHStatus.With(exit.ExitStatus(), inQuotes(line))), status: exit.ExitStatus(), said: line}
	case err != nil:
		return nil, words.Fail(words.SSHLostEarly.With(said(err.Error())))
	case len(bytes.TrimSpace(out)) == 0 && !strings.Contains(command, bare(solarisPorts6)):
		return nil, &answerError{err: words.Fail(words.SSHNothing.With(inQuotes(complaint.line(nil))))}
	}
	return out, nil
}

// said is what a server says, in one harmless line; inQuotes shows where it
// begins and ends.
func said(s string) error { return errors.New(clean(s)) }

func inQuotes(s string) error { return errors.New(strconv.Quote(s)) }

// read reads an answer. Few large ones are read at the same time.
func (c *connection) read(ctx context.Context, r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, large))
	if err != nil || len(out) < large {
		return out, err
	}
	if err := reading.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer reading.Release(1)
	rest, err := io.ReadAll(io.LimitReader(r, MaxOutput+1-large))
	return append(out, rest...), err
}

// reading bounds the memory of large answers in the whole program.
var reading = semaphore.NewWeighted(4)

// first keeps the first bytes, drops some more and then calls over.
type first struct {
	mu   sync.Mutex
	b    bytes.Buffer
	most int
	left int // bytes until over is called
	over func()
}

func (f *first) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.b.Write(p[:min(len(p), f.most-f.b.Len())])
	before := f.left
	if f.left -= len(p); f.left < 0 {
		if before >= 0 {
			f.over()
		}
		return 0, errors.New("it complains too much")
	}
	return len(p), nil
}

// spilt reports whether over was called.
func (f *first) spilt() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left < 0
}

// line is the first line that says something, else that of other.
func (f *first) line(other []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range [][]byte{f.b.Bytes(), other} {
		for line := range bytes.Lines(b) {
			if text := clean(string(line)); text != "" {
				return text
			}
		}
	}
	return ""
}
