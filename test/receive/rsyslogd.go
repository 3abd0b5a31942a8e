package receive

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/test/ports"
)

// SyslogOptions say on what rsyslogd listens.
type SyslogOptions struct {
	// TLS are the certificates of a listener that demands one of an
	// authority in CAFile from every client. Empty: no TLS.
	TLS PKI
}

// Rsyslogd is a running rsyslogd that appends what it receives to a file, one
// message a line, as it came.
type Rsyslogd struct {
	UDP, TCP, TLS string // addresses; TLS only with SyslogOptions.TLS
	Unix          string // path of a datagram socket

	o     SyslogOptions
	owner testing.TB // the test it lasts as long as
	dir   string
	file  string
	proc  *process
}

// StartRsyslogd starts rsyslogd, which runs until the end of t.
func StartRsyslogd(t testing.TB, o SyslogOptions) *Rsyslogd {
	t.Helper()
	d := &Rsyslogd{o: o, owner: t, dir: t.TempDir(), UDP: "127.0.0.1:" + ports.Free(t, "udp"), TCP: "127.0.0.1:" + ports.Free(t, "tcp")}
	d.file = filepath.Join(d.dir, "received.log")
	d.Unix = filepath.Join(d.dir, "s") // short: a socket's path ends at 107 bytes
	if o.TLS != (PKI{}) {
		d.TLS = "127.0.0.1:" + ports.Free(t, "tcp")
	}
	d.start(t)
	return d
}

func (d *Rsyslogd) start(t testing.TB) {
	t.Helper()
	port := func(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
	var conf strings.Builder
	line := func(parts ...string) { conf.WriteString(strings.Join(parts, "") + "\n") }
	line(`syslog.* action(type="omfile" file="/dev/stderr")`)
	line(`global(workDirectory="`, d.dir, `" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")`)
	line(`module(load="imudp")`)
	line(`module(load="imptcp")`)
	line(`module(load="imuxsock" SysSock.Use="off")`)
	line(`template(name="raw" type="string" string="%rawmsg%\n")`)
	line(`ruleset(name="store") { action(type="omfile" file="`, d.file, `" template="raw" flushOnTXEnd="on" asyncWriting="off") }`)
	line(`input(type="imudp" address="127.0.0.1" port="`, port(d.UDP), `" ruleset="store")`)
	line(`input(type="imptcp" address="127.0.0.1" port="`, port(d.TCP), `" ruleset="store")`)
	line(`input(type="imuxsock" Socket="`, d.Unix, `" Ruleset="store" ParseHostname="on" UseSpecialParser="off" UsePIDFromSystem="off" RateLimit.Interval="0")`)
	if d.TLS != "" {
		if !exists("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so", "/usr/lib/aarch64-linux-gnu/rsyslog/lmnsd_ossl.so", "/usr/lib/rsyslog/lmnsd_ossl.so", "/usr/lib64/rsyslog/lmnsd_ossl.so") {
			t.Fatal("rsyslog's TLS driver is not installed: apt-get install rsyslog-openssl")
		}
		line(`global(defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="`, d.o.TLS.CAFile,
			`" defaultNetstreamDriverCertFile="`, d.o.TLS.CertFile, `" defaultNetstreamDriverKeyFile="`, d.o.TLS.KeyFile, `")`)
		line(`module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")`)
		line(`input(type="imtcp" address="127.0.0.1" port="`, port(d.TLS), `" ruleset="store")`)
	}
	path := filepath.Join(d.dir, "rsyslog.conf")
	write(t, path, conf.String())
	cmd := exec.Command(lookup(t, "rsyslogd", "rsyslog"), "-n", "-f", path, "-i", filepath.Join(d.dir, "pid"))
	d.proc = launch(d.owner, cmd)
	d.proc.await(t, "open ports", func() bool {
		return d.proc.listens(t, "udp", d.UDP) && d.proc.listens(t, "tcp", d.TCP) && exists(d.Unix) &&
			(d.TLS == "" || d.o.TLS.open(d.TLS))
	})
}

func exists(paths ...string) bool {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	return false
}

// Stop ends rsyslogd; nobody listens then.
func (d *Rsyslogd) Stop() { d.proc.stop() }

// Restart starts it again; what it received before stays.
func (d *Rsyslogd) Restart(t testing.TB) {
	t.Helper()
	d.Stop()
	if err := os.Remove(d.Unix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	d.start(t)
}

// Log is what rsyslogd itself had to say since it was started.
func (d *Rsyslogd) Log() string { return d.proc.said.String() }

// Lines returns what was received so far, oldest first, without what the
// probe for open ports left behind.
func (d *Rsyslogd) Lines(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile(d.file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); strings.Trim(line, "\x00") != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Await waits until n messages have arrived and returns them all.
func (d *Rsyslogd) Await(t testing.TB, n int) []string {
	t.Helper()
	d.proc.await(t, "message", func() bool { return len(d.Lines(t)) >= n })
	return d.Lines(t)
}
