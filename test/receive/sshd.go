package receive

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"dswatch/test/ports"
)

// SSHD is a real OpenSSH server on loopback with a host key, a user and a
// forced command of its own: whatever a client asks to run, a script decides
// from the text of the command what to answer. It runs as whoever runs the test.
type SSHD struct {
	Host, User string
	Port       int
	KeyFile    string // private key that may log in
	KnownHosts string // file with the server's key
	HostKey    ssh.PublicKey

	dir     string
	log     string
	mu      sync.Mutex
	answers map[string]string // shell scripts by command
}

// StartSSHD starts a server with more lines of sshd_config.
func StartSSHD(t testing.TB, config ...string) *SSHD {
	t.Helper()
	path := lookup(t, "sshd", "openssh-server")
	if os.Getuid() == 0 {
		// Where sshd's own process for strangers lives, as root only.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHD{Host: "127.0.0.1", User: me.Username, dir: t.TempDir(), answers: map[string]string{}}
	if s.Port, err = strconv.Atoi(ports.Free(t, "tcp")); err != nil {
		t.Fatal(err)
	}
	s.log = s.file("sshd.log")
	hostKey := s.file("host_key")
	s.HostKey = WriteSSHKey(t, hostKey)
	s.KeyFile = s.file("id")
	public := WriteSSHKey(t, s.KeyFile)
	s.KnownHosts = s.file("known_hosts")
	line := knownhosts.Line([]string{fmt.Sprintf("[127.0.0.1]:%d", s.Port)}, s.HostKey) + "\n"
	write(t, s.KnownHosts, line)
	s.Answer(t, "true", "exit 0")
	write(t, s.file("authorized_keys"), fmt.Sprintf("restrict,command=%q %s", "/bin/sh "+s.file("answer.sh"), ssh.MarshalAuthorizedKey(public)))
	lines := append([]string{
		"Port " + fmt.Sprint(s.Port), "ListenAddress 127.0.0.1", "HostKey " + hostKey, "PidFile none", "AuthorizedKeysFile " + s.file("authorized_keys"),
		"StrictModes no", "UsePAM no", "UseDNS no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
		// Whoever logs in gets none of the start-up files of this machine's user:
		// they may wait for something, or leave a lock behind when they are ended.
		"SetEnv HOME=" + s.dir,
		"LogLevel VERBOSE", "MaxStartups 500", "MaxSessions 3",
	}, config...)
	write(t, s.file("sshd_config"), strings.Join(lines, "\n")+"\n")

	p := launch(t, exec.Command(path, "-D", "-f", s.file("sshd_config"), "-E", s.log))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sshd said:\n%s", s.Log())
		}
	})
	p.await(t, "listener", func() bool { return strings.Contains(s.Log(), "Server listening") })
	return s
}

// Loopbacks are lines of sshd_config that make a server listen at 127.0.0.1 to
// 127.0.0.N; sshd takes 16 at most.
func Loopbacks(n int) (lines []string) {
	for i := 2; i <= n; i++ { // at the first it listens anyway
		lines = append(lines, fmt.Sprintf("ListenAddress 127.0.0.%d", i))
	}
	return lines
}

// Runs makes a shell script decide what is done for a client, whatever it asks
// for. It knows the command as $SSH_ORIGINAL_COMMAND and $HOME as Home.
func (s *SSHD) Runs(t testing.TB, script string) {
	t.Helper()
	write(t, s.file("answer.new"), script)
	if err := os.Rename(s.file("answer.new"), s.file("answer.sh")); err != nil {
		t.Fatal(err)
	}
}

// Home is the directory that whoever logs in finds as $HOME; nothing else on
// the machine has it.
func (s *SSHD) Home() string { return s.dir }

// Answer makes the server run a shell script when a client asks for command.
// A command without a script is refused with status 126.
func (s *SSHD) Answer(t testing.TB, command, script string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[command] = script
	var b strings.Builder
	b.WriteString("case \"$SSH_ORIGINAL_COMMAND\" in\n")
	for c, script := range s.answers {
		fmt.Fprintf(&b, "%s)\n%s\n;;\n", shellQuote(c), script)
	}
	b.WriteString("*) echo \"not a command of this server: $SSH_ORIGINAL_COMMAND\" >&2; exit 126;;\nesac\n")
	s.Runs(t, b.String())
}

// Shell gives whoever logs in from now on a real shell instead of the answers.
func (s *SSHD) Shell(t testing.TB) {
	t.Helper()
	b, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.file("authorized_keys"), fmt.Sprintf("restrict %s", ssh.MarshalAuthorizedKey(key.PublicKey())))
}

// Print makes the server answer command with text.
func (s *SSHD) Print(t testing.TB, command, text string) {
	t.Helper()
	f, err := os.CreateTemp(s.dir, "text-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s.Answer(t, command, "cat "+f.Name())
}

// Log is what sshd wrote to its log.
func (s *SSHD) Log() string {
	b, _ := os.ReadFile(s.log)
	return string(b)
}

// Logins counts the logins that succeeded.
func (s *SSHD) Logins() int { return strings.Count(s.Log(), "Accepted publickey") }

func (s *SSHD) file(name string) string { return filepath.Join(s.dir, name) }

// WriteSSHKey makes a private key at path and returns its public half.
func WriteSSHKey(t testing.TB, path string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(pem.EncodeToMemory(block)))
	out, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// AuthorizedKey is the public key as a line of text.
func AuthorizedKey(k ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(k)) }
