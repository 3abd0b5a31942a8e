package receive

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/test/ports"
)

// EximOptions say how Exim receives.
type EximOptions struct {
	TLS PKI // offered after STARTTLS, and from the first byte at TLSAddress
	// With a password nobody may send without it.
	User, Password string
	// RCPT are conditions of Exim's own for what is said to a recipient, such as
	// `defer local_parts = grey`.
	RCPT string
}

// Exim is a running mail server that keeps each mail for each recipient in a file.
type Exim struct {
	Address    string // plain, with STARTTLS
	TLSAddress string

	dir  string
	proc *process
}

// StartExim starts Exim, which runs until the end of t. It must be root, as a
// mail server's parts change their users.
func StartExim(t testing.TB, o EximOptions) *Exim {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("Exim with a configuration of its own needs root")
	}
	dir, err := os.MkdirTemp("", "exim") // others than this user write to it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	e := &Exim{Address: "127.0.0.1:" + ports.Free(t, "tcp"), TLSAddress: "127.0.0.1:" + ports.Free(t, "tcp"), dir: dir}
	port := func(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
	var conf strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&conf, format+"\n", args...) }
	line("spool_directory = %s/spool", dir)
	line("log_file_path = %s/log/%%slog", dir)
	line("pid_file_path = %s/pid", dir)
	line("primary_hostname = localhost\ndomainlist local = example.com\nlocal_interfaces = 127.0.0.1")
	line("daemon_smtp_ports = %s : %s\ntls_on_connect_ports = %s", port(e.Address), port(e.TLSAddress), port(e.TLSAddress))
	line("acl_smtp_rcpt = rcpt\nqueue_only = false\nsplit_spool_directory = false\nkeep_environment =\ndeliver_drop_privilege\nrfc1413_query_timeout = 0s\nhost_lookup =\ndns_retry = 0\ndns_retrans = 1s")
	line("received_header_text = Received: by $primary_hostname with $received_protocol ${if def:authenticated_id {as $authenticated_id }}id $message_exim_id")
	if o.TLS != (PKI{}) {
		line("tls_advertise_hosts = *\ntls_certificate = %s\ntls_privatekey = %s", o.TLS.CertFile, o.TLS.KeyFile)
	} else {
		line("tls_advertise_hosts =")
	}
	line("begin acl\nrcpt:")
	if o.RCPT != "" {
		line("%s", o.RCPT)
	}
	if o.Password != "" {
		line("  deny message = 5.7.1 log in first\n    !authenticated = *")
	}
	line("  deny message = 5.1.1 unknown user\n    local_parts = nobody\n  accept domains = +local\n  deny message = 5.7.1 relay not permitted")
	line("begin routers\nlocal:\n  driver = accept\n  domains = +local\n  transport = file")
	line("begin transports\nfile:\n  driver = appendfile\n  directory = %s/mail\n  maildir_format\n  create_directory\n  envelope_to_add\n  return_path_add", dir)
	if o.Password != "" {
		line("begin authenticators")
		line("plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n  server_condition = ${if and{{eq{$auth2}{%s}}{eq{$auth3}{%s}}}}\n  server_set_id = $auth2\n  server_advertise_condition = ${if def:tls_in_cipher}", o.User, o.Password)
		line("login:\n  driver = plaintext\n  public_name = LOGIN\n  server_prompts = <| Username: | Password:\n  server_condition = ${if and{{eq{$auth1}{%s}}{eq{$auth2}{%s}}}}\n  server_set_id = $auth1\n  server_advertise_condition = ${if def:tls_in_cipher}", o.User, o.Password)
	}
	for _, d := range []string{"", "spool", "log", "mail"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "exim.conf")
	if err := os.WriteFile(path, []byte(conf.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{o.TLS.CertFile, o.TLS.KeyFile} {
		if f == "" {
			continue
		}
		readable(t, f) // by the user that Exim becomes
	}
	e.proc = launch(t, exec.Command(lookup(t, "exim4", "exim4-daemon-light"), "-C", path, "-bdf", "-q1h"))
	e.proc.await(t, "open ports", func() bool { return e.proc.listens(t, "tcp", e.Address) && e.proc.listens(t, "tcp", e.TLSAddress) })
	return e
}

// readable lets every user read a file below the test's own directories.
func readable(t testing.TB, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Await waits for n mails to a local part, oldest first.
func (e *Exim) Await(t testing.TB, who string, n int) []Mail {
	t.Helper()
	var got []Mail
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if got = e.mails(who); len(got) >= n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%s has %d mails, want %d\n%s", who, len(got), n, e.Log())
		}
	}
}

func (e *Exim) mails(who string) []Mail {
	files, _ := filepath.Glob(filepath.Join(e.dir, "mail", "new", "*")) // sorted: the names begin with the time
	var got []Mail
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(b), "\nEnvelope-to: "+who+"@example.com\n") {
			continue
		}
		got = append(got, Mail{To: []string{who}, Data: []byte(strings.ReplaceAll(string(b), "\n", "\r\n"))})
	}
	return got
}

// Log is what Exim has written.
func (e *Exim) Log() string {
	var out strings.Builder
	for _, name := range []string{"mainlog", "rejectlog", "paniclog"} {
		b, _ := os.ReadFile(filepath.Join(e.dir, "log", name)) // none is none
		out.Write(b)
	}
	return out.String() + e.proc.said.String()
}
